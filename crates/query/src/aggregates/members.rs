//! Which numbers each group has.

use std::collections::HashSet;

use foldhash::fast::RandomState;

/// A set of numbers for each group. Most groups have one or two, so the first has a place of its own.
#[derive(Debug, Default)]
pub(super) struct Members {
    first: Vec<Option<u64>>,
    counts: Vec<usize>,
    more: HashSet<(usize, u64), RandomState>,
}

impl Members {
    /// There are so many groups from now on.
    pub(super) fn grow(&mut self, count: usize) {
        self.first.resize(count, None);
        self.counts.resize(count, 0);
    }

    /// Adds a number; whether the group had it not.
    pub(super) fn insert(&mut self, group: usize, number: u64) -> bool {
        let Some((first, count)) = self.first.get_mut(group).zip(self.counts.get_mut(group)) else {
            return false;
        };
        let is_new = match *first {
            None => {
                *first = Some(number);
                true
            }
            Some(known) => known != number && self.more.insert((group, number)),
        };
        *count += usize::from(is_new);
        is_new
    }

    /// How many numbers each group has.
    pub(super) fn counts(&self) -> &[usize] {
        &self.counts
    }

    /// All numbers with their groups.
    pub(super) fn all(&self) -> impl Iterator<Item = (usize, u64)> + Clone {
        let first =
            self.first.iter().enumerate().filter_map(|(group, first)| first.map(|first| (group, first)));
        first.chain(self.more.iter().copied())
    }

    /// The bytes that are held.
    pub(super) fn size(&self) -> usize {
        // A table keeps a byte beside each place, and an eighth of all free.
        let places = self.more.capacity() + self.more.capacity() / 7;
        places * (size_of::<(usize, u64)>() + 1)
            + self.first.capacity() * size_of::<Option<u64>>()
            + self.counts.capacity() * size_of::<usize>()
    }
}

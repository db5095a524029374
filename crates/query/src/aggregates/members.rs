//! Which numbers each group has.

use std::collections::HashSet;

use foldhash::fast::RandomState;

/// A set of numbers for each group. Most groups have one or two, so the first has a place of its own; a group that has
/// many out of few has a bit for each, since a table of all pairs would not stay near the processor.
#[derive(Debug, Default)]
pub(super) struct Members {
    first: Vec<Option<u64>>,
    counts: Vec<usize>,
    bits: Vec<Bits>,
    /// What stands in neither place.
    more: HashSet<(usize, u64), RandomState>,
    bits_held: usize,
}

/// A group gets bits once it has so many numbers, ...
const MANY: usize = 128;

/// ... and no more bits than so many for each: a pair in the table takes about as much.
const BITS_A_NUMBER: u64 = 200;

/// The numbers below its length, a bit each; none at first.
#[derive(Clone, Debug, Default)]
struct Bits(Vec<u64>);

impl Bits {
    /// Sets the bit of a number, with more room where it needs it; whether it was not set.
    fn set(&mut self, number: u64, held: &mut usize) -> bool {
        let Ok(at) = usize::try_from(number / 64) else { return false };
        if at >= self.0.len() {
            let length = (at + 1).next_power_of_two();
            *held += (length - self.0.len()) * size_of::<u64>();
            self.0.resize(length, 0);
        }
        let bit = 1 << (number % 64);
        self.0.get_mut(at).is_some_and(|word| {
            let is_new = *word & bit == 0;
            *word |= bit;
            is_new
        })
    }

    fn numbers(&self) -> impl Iterator<Item = u64> + Clone {
        self.0.iter().enumerate().filter(|(_, word)| **word != 0).flat_map(|(at, word)| {
            (0..64).filter(move |bit| word >> bit & 1 == 1).map(move |bit| at as u64 * 64 + bit)
        })
    }
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
            Some(known) if known == number => false,
            Some(_) if *count >= MANY && number < *count as u64 * BITS_A_NUMBER => {
                if self.bits.len() <= group {
                    self.bits.resize(self.first.len(), Bits::default());
                }
                let bits = self.bits.get_mut(group).map(|bits| bits.set(number, &mut self.bits_held));
                // It may have come before the group had bits.
                bits == Some(true) && !self.more.remove(&(group, number))
            }
            Some(_) => self.more.insert((group, number)),
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
        let bits = self.bits.iter().enumerate();
        let bits = bits.flat_map(|(group, bits)| bits.numbers().map(move |number| (group, number)));
        first.chain(bits).chain(self.more.iter().copied())
    }

    /// The bytes that are held.
    pub(super) fn size(&self) -> usize {
        // A table keeps a byte beside each place, and an eighth of all free.
        let places = self.more.capacity() + self.more.capacity() / 7;
        places * (size_of::<(usize, u64)>() + 1)
            + self.first.capacity() * size_of::<Option<u64>>()
            + self.counts.capacity() * size_of::<usize>()
            + self.bits.capacity() * size_of::<Bits>()
            + self.bits_held
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// Numbers that look as if drawn by chance, below `end`.
    fn numbers(count: u64, end: u64) -> impl Iterator<Item = u64> {
        (0..count).map(move |at| castellan_kql::plan::random::mixed(at) % end)
    }

    #[test]
    fn sets_are_those_of_a_plain_set() {
        for (groups, end) in [(1, 10), (1, 3_000), (3, 40_000), (50, 700), (2, u64::MAX), (1, 20_000_000)] {
            let mut members = Members::default();
            members.grow(groups);
            let mut expected: BTreeSet<(usize, u64)> = BTreeSet::new();
            for (at, number) in numbers(60_000, end).enumerate() {
                let group = at % groups;
                // The range grows with time, as places of texts do.
                let number = number % (at as u64 + 1);
                assert_eq!(members.insert(group, number), expected.insert((group, number)));
            }
            let found: Vec<(usize, u64)> = members.all().collect();
            assert_eq!(found.len(), expected.len(), "{groups} groups below {end}");
            assert_eq!(found.into_iter().collect::<BTreeSet<_>>(), expected);
            let counts = (0..groups).map(|group| expected.iter().filter(|(own, _)| *own == group).count());
            assert_eq!(members.counts(), counts.collect::<Vec<usize>>());
        }
    }

    #[test]
    fn many_out_of_few_take_little() {
        let mut members = Members::default();
        members.grow(1);
        for number in 0..1_000_000 {
            members.insert(0, number);
        }
        assert!(members.size() < 1_000_000, "{} bytes", members.size());
    }
}

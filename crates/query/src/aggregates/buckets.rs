//! Entries of groups, put together by group.

use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, AsArray, LargeListArray};
use datafusion::arrow::buffer::{OffsetBuffer, ScalarBuffer};
use datafusion::arrow::datatypes::{DataType, Field};
use datafusion::common::{Result, exec_datafusion_err};

/// Entries by group, each group's in the order in which they came.
#[derive(Debug)]
pub(super) struct Buckets<T> {
    /// Where each group begins, and where the last one ends.
    starts: Vec<usize>,
    entries: Vec<T>,
}

impl<T: Copy + Default> Buckets<T> {
    /// Of entries with their groups, all of which are below `count`.
    pub(super) fn new(count: usize, entries: impl Iterator<Item = (usize, T)> + Clone) -> Buckets<T> {
        let mut starts = vec![0_usize; count + 1];
        for (group, _) in entries.clone() {
            if let Some(start) = starts.get_mut(group + 1) {
                *start += 1;
            }
        }
        let mut total = 0;
        for start in &mut starts {
            total += *start;
            *start = total;
        }
        let mut next = starts.clone();
        let mut sorted = vec![T::default(); total];
        for (group, entry) in entries {
            if let Some(at) = next.get_mut(group)
                && let Some(place) = sorted.get_mut(*at)
            {
                *place = entry;
                *at += 1;
            }
        }
        Buckets { starts, entries: sorted }
    }

    /// The entries of each group.
    pub(super) fn groups(&self) -> impl Iterator<Item = &[T]> {
        self.starts.windows(2).map(|pair| match pair {
            [start, end] => self.entries.get(*start..*end).unwrap_or_default(),
            _ => &[],
        })
    }

    /// The entries of each group, to be moved about in it.
    pub(super) fn groups_mut(&mut self) -> impl Iterator<Item = &mut [T]> {
        let mut rest = self.entries.as_mut_slice();
        let lengths = self.starts.windows(2).map(|pair| match pair {
            [start, end] => end - start,
            _ => 0,
        });
        lengths.map(move |length| {
            let (group, after) = std::mem::take(&mut rest).split_at_mut_checked(length).unwrap_or_default();
            rest = after;
            group
        })
    }

    /// All entries, and where the groups lie in them.
    pub(super) fn into_parts(self) -> (Vec<T>, Vec<usize>) {
        (self.entries, self.starts)
    }
}

/// The type of lists of a type.
pub(super) fn list_type(item: DataType) -> DataType {
    DataType::LargeList(Arc::new(Field::new_list_field(item, true)))
}

/// A list a group; `starts` says where they lie in the items.
///
/// Errors: none that arrays of this memory could bring about.
pub(super) fn lists(items: ArrayRef, starts: &[usize]) -> Result<ArrayRef> {
    let offsets: ScalarBuffer<i64> =
        starts.iter().map(|start| i64::try_from(*start).unwrap_or(i64::MAX)).collect();
    let field = Arc::new(Field::new_list_field(items.data_type().clone(), true));
    Ok(Arc::new(LargeListArray::try_new(field, OffsetBuffer::new(offsets), items, None)?))
}

/// The items of lists, and the group of each.
///
/// Errors: an array of something else.
pub(super) fn flat(array: &ArrayRef, groups: &[usize]) -> Result<(ArrayRef, Vec<usize>)> {
    let wrong = || exec_datafusion_err!("lists are expected, not {}", array.data_type());
    let lists = array.as_list_opt::<i64>().ok_or_else(wrong)?;
    let bounds = |pair: &[i64]| match pair {
        [start, end] => (end - start).max(0) as usize,
        _ => 0,
    };
    let offsets = lists.value_offsets();
    let lengths = offsets.windows(2).map(bounds);
    let spread = groups.iter().zip(lengths).flat_map(|(group, length)| std::iter::repeat_n(*group, length));
    let spread: Vec<usize> = spread.collect();
    let start = offsets.first().map_or(0, |start| (*start).max(0) as usize);
    let length = spread.len();
    Ok((lists.values().slice(start, length), spread))
}

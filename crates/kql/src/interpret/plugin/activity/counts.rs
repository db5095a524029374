//! `activity_counts_metrics`: events and ids of each window, new ids, and all ids so far.

use std::collections::{BTreeMap, HashSet};

use super::super::{Call, long};
use crate::interpret::{Result, Row};

pub(in super::super) fn rows(call: &Call<'_, '_>, rows: Vec<Row>) -> Result<Vec<Row>> {
    let (axis, groups) = super::read(call, rows, "step", 0)?;
    let mut found = Vec::new();
    for group in &groups {
        let mut events: BTreeMap<i64, usize> = BTreeMap::new();
        for event in axis.within(group) {
            *events.entry(axis.windows.start(event.at)).or_default() += 1;
        }
        let mut seen = HashSet::new();
        for ((window, ids), events) in axis.ids(group).into_iter().zip(events.into_values()) {
            let before = seen.len();
            let count = ids.len();
            seen.extend(ids);
            let values = [long(events), long(count), long(seen.len() - before), long(seen.len())];
            found.push(axis.row(window, group, values));
        }
    }
    Ok(found)
}

//! `activity_metrics`: each window against the one before it.

use std::collections::HashSet;

use super::super::{Call, long};
use super::share;
use crate::interpret::{Result, Row};

pub(in super::super) fn rows(call: &Call<'_, '_>, rows: Vec<Row>) -> Result<Vec<Row>> {
    let (axis, groups) = super::read(call, rows, "window", 0)?;
    let mut found = Vec::new();
    let nobody = HashSet::new();
    for group in &groups {
        let windows = axis.ids(group);
        for (window, ids) in &windows {
            let before = windows.get(&axis.windows.back(*window, 1)).unwrap_or(&nobody);
            let returned = ids.intersection(before).count();
            let values = [
                long(ids.len()),
                long(ids.len() - returned),
                share(returned, before.len()),
                share(before.len() - returned, before.len()),
            ];
            found.push(axis.row(*window, group, values));
        }
    }
    Ok(found)
}

//! `sliding_window_counts`: events and ids over a time that ends with each window.

use super::super::{Call, long};
use crate::interpret::{Result, Row};

pub(in super::super) fn rows(call: &Call<'_, '_>, rows: Vec<Row>) -> Result<Vec<Row>> {
    let lookback = super::length(call, "lookback")?;
    let (axis, groups) = super::read(call, rows, "bin", lookback)?;
    let mut found = Vec::new();
    for group in &groups {
        for (window, count, ids) in axis.sliding(call, group, lookback)? {
            if count > 0 {
                found.push(axis.row(window, group, [long(count), long(ids)]));
            }
        }
    }
    Ok(found)
}

//! `activity_engagement`: ids of a window against those of a longer time that ends with it.

use super::super::{Call, long};
use super::{length, share};
use crate::interpret::{Result, Row};

pub(in super::super) fn rows(call: &Call<'_, '_>, rows: Vec<Row>) -> Result<Vec<Row>> {
    let (inner, outer) = (length(call, "inner")?, length(call, "outer")?);
    let (axis, groups) = super::read(call, rows, "inner", outer)?;
    let mut found = Vec::new();
    for group in &groups {
        let inner = axis.sliding(call, group, inner)?;
        let outer = axis.sliding(call, group, outer)?;
        for ((window, _, inner), (_, _, outer)) in inner.into_iter().zip(outer) {
            if outer > 0 {
                found.push(axis.row(window, group, [long(inner), long(outer), share(inner, outer)]));
            }
        }
    }
    Ok(found)
}

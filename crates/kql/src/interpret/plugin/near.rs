//! `rows_near`: rows that meet a condition, and those around them.

use super::Call;
use crate::interpret::{Result, Row};
use crate::value::Value;

pub(super) fn rows(call: &Call<'_, '_>, rows: Vec<Row>) -> Result<Vec<Row>> {
    let condition = call.required("condition")?;
    let before = call.whole("rows")?.unwrap_or(0);
    let after = call.whole("after")?.unwrap_or(before);
    let met: Vec<bool> =
        rows.iter().map(|row| call.run.value(&condition, row) == Value::Bool(true)).collect();
    // How many rows ago, and in how many rows, one meets the condition.
    let distances = |met: &mut dyn Iterator<Item = &bool>| -> Vec<usize> {
        let mut distance = usize::MAX;
        let step = |met: &bool| {
            distance = if *met { 0 } else { distance.saturating_add(1) };
            distance
        };
        met.map(step).collect()
    };
    let since = distances(&mut met.iter());
    let mut until = distances(&mut met.iter().rev());
    until.reverse();
    let is_near = |(since, until): (&usize, &usize)| *since <= after || *until <= before;
    let near: Vec<bool> = since.iter().zip(&until).map(is_near).collect();
    Ok(rows.into_iter().zip(near).filter(|(_, near)| *near).map(|(row, _)| row).collect())
}

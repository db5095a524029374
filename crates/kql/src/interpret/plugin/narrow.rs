//! `narrow`: a row for each cell.

use super::{Call, long};
use crate::interpret::{Result, Row};
use crate::value::Value;

pub(super) fn rows(call: &Call<'_, '_>, rows: &[Row]) -> Result<Vec<Row>> {
    call.run.count(rows.len().saturating_mul(call.input.columns.len()))?;
    let cells = rows.iter().enumerate().flat_map(|(number, row)| {
        let cell = move |(field, value): (&crate::plan::Field, &Value)| {
            vec![long(number), Value::string(&*field.name), Value::string(value.to_text())]
        };
        call.input.columns.iter().zip(row).map(cell)
    });
    Ok(cells.collect())
}

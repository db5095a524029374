//! `rolling_percentile`: for each bin the percentile over it and the bins before.

use std::collections::BTreeMap;

use super::Call;
use crate::aggregates::{Accumulator, accumulator};
use crate::interpret::{Result, Row};
use crate::plan::{AggregateFunction, typed};
use crate::value::{ScalarType, Value};

use super::activity::{Position, Windows};

pub(super) fn rows(call: &Call<'_, '_>, rows: Vec<Row>) -> Result<Vec<Row>> {
    let (value, index) = (call.required("value")?, call.required("index")?);
    let dimensions = call.scalars("dimension")?;
    let windows = Windows::of(call, "bin", 0)?;
    let bins = call.whole("bins")?.unwrap_or(1).max(1);
    let rank = call.constant("percentile")?.and_then(|value| value.to_f64()).unwrap_or(50.0);
    let function = AggregateFunction::Percentiles { ranks: vec![rank], is_weighted: false, as_array: false };
    let mut found = Vec::new();
    for (dimension, rows) in call.run.groups(rows, &dimensions) {
        let mut by_bin: BTreeMap<i64, Vec<Value>> = BTreeMap::new();
        for row in &rows {
            let Some(at) = Position::of(&call.run.value(&index, row))? else { continue };
            by_bin.entry(windows.start(at)).or_default().push(call.run.value(&value, row));
        }
        for bin in by_bin.keys() {
            let first = windows.back(*bin, bins - 1);
            let mut percentile: Box<dyn Accumulator> = accumulator(&function, &[value.scalar_type]);
            for value in by_bin.range(first..=*bin).flat_map(|(_, values)| values) {
                call.run.count(1)?;
                percentile.update(std::slice::from_ref(value));
            }
            let result = percentile.finish().into_iter().next().unwrap_or_default();
            let scalar_type = call.plan.columns.last().map_or(ScalarType::Real, |field| field.scalar_type);
            let mut row = vec![Position::value(*bin, index.scalar_type)];
            row.extend(dimension.iter().cloned());
            row.push(typed(result, scalar_type));
            found.push(row);
        }
    }
    Ok(found)
}

//! `make-series`, after bins were aggregated: an array for each value of a group, without gaps.

use std::collections::HashMap;
use std::sync::Arc;

use castellan_kql::interpret::failure;
use castellan_kql::plan::Field as Column;
use castellan_kql::value::Dynamic;
use castellan_kql::{ScalarType, Value};
use datafusion::arrow::array::{Array, ArrayRef, AsArray, Int64Array, StringViewBuilder, UInt64Array};
use datafusion::arrow::compute::take;
use datafusion::arrow::datatypes::Int64Type;
use datafusion::arrow::record_batch::RecordBatch;
use datafusion::arrow::row::{RowConverter, SortField};
use datafusion::common::{DataFusionError, Result, exec_datafusion_err};

use super::{Each, Piece, Pieces};
use crate::physical::{Reader, dynamic};

/// What series look like. The axis is a time, a timespan or a long.
#[derive(Debug)]
pub(crate) struct Series {
    /// How many columns are keys; the axis follows them, then the values.
    pub(crate) keys: usize,
    /// What the columns of the input are.
    pub(crate) input: Vec<Column>,
    /// The columns that come out.
    pub(crate) columns: Vec<Column>,
    /// The first point; that of the group without.
    pub(crate) from: Option<i64>,
    /// The end; the last point of the group without.
    pub(crate) to: Option<i64>,
    /// The distance.
    pub(crate) step: i64,
    /// Whether the end is a point.
    pub(crate) includes_end: bool,
    /// What stands where there is nothing.
    pub(crate) defaults: Vec<Value>,
}

/// The most points of a series, as in the plain engine.
const MOST_POINTS: i128 = 10_000_000;
/// Text of a piece, in bytes, after which the next one begins.
const MOST_TEXT: usize = 8 << 20;

impl Each for Series {
    fn name(&self) -> &'static str {
        "MakeSeries"
    }

    fn columns(&self) -> &[Column] {
        &self.columns
    }

    fn is_whole(&self) -> bool {
        true
    }

    fn run(self: Arc<Self>, batch: RecordBatch) -> Result<Pieces> {
        let groups = Groups::new(&batch, self.keys)?;
        Ok(Box::new(Cursor { series: self, batch, groups, at: 0, axis: (0, 0, "[]".to_owned()) }))
    }
}

/// Rows by the groups that they belong to, groups in the order in which they are met.
struct Groups {
    rows: Vec<usize>,
    /// Where the rows of each group end.
    ends: Vec<usize>,
}

impl Groups {
    fn new(batch: &RecordBatch, keys: usize) -> Result<Groups> {
        if keys == 0 {
            // Without keys there is one group, even of nothing.
            return Ok(Groups { rows: (0..batch.num_rows()).collect(), ends: vec![batch.num_rows()] });
        }
        let keys: Vec<ArrayRef> = batch.columns().iter().take(keys).cloned().collect();
        let fields = keys.iter().map(|key| SortField::new(key.data_type().clone())).collect();
        let encoded = RowConverter::new(fields)?.convert_columns(&keys)?;
        let mut known: HashMap<&[u8], usize> = HashMap::new();
        let mut of_rows = Vec::with_capacity(batch.num_rows());
        let mut counts: Vec<usize> = Vec::new();
        for key in encoded.iter() {
            let next = known.len();
            let group = *known.entry(key.data()).or_insert(next);
            if group == next {
                counts.push(0);
            }
            if let Some(count) = counts.get_mut(group) {
                *count += 1;
            }
            of_rows.push(group);
        }
        let mut rows: Vec<usize> = (0..of_rows.len()).collect();
        rows.sort_by_key(|row| of_rows.get(*row));
        let mut end = 0;
        let ends = counts.iter().map(|count| {
            end += count;
            end
        });
        Ok(Groups { rows, ends: ends.collect() })
    }

    fn of(&self, group: usize) -> &[usize] {
        let start = group.checked_sub(1).and_then(|before| self.ends.get(before)).copied().unwrap_or(0);
        self.ends.get(group).and_then(|end| self.rows.get(start..*end)).unwrap_or_default()
    }
}

/// The groups and the first of them that has no series yet.
struct Cursor {
    series: Arc<Series>,
    batch: RecordBatch,
    groups: Groups,
    at: usize,
    /// The first point, the number of points, and their array: often that of the group before.
    axis: (i64, i64, String),
}

impl Iterator for Cursor {
    type Item = Result<Piece>;

    fn next(&mut self) -> Option<Result<Piece>> {
        if self.at >= self.groups.ends.len() {
            return None;
        }
        let piece = self.piece();
        if piece.is_err() {
            self.at = self.groups.ends.len();
        }
        Some(piece)
    }
}

impl Cursor {
    fn piece(&mut self) -> Result<Piece> {
        let series = Arc::clone(&self.series);
        let arrays: Vec<ArrayRef> = self.batch.columns().to_vec();
        let axis = arrays.get(series.keys).and_then(|axis| axis.as_primitive_opt::<Int64Type>());
        let axis = axis.ok_or_else(|| exec_datafusion_err!("no axis of a series"))?;
        let values = arrays
            .iter()
            .zip(&series.input)
            .skip(series.keys + 1)
            .map(|(array, column)| Reader::new(array, column.scalar_type))
            .collect::<Result<Vec<Reader<'_>>>>()?;
        let defaults: Vec<String> = series.defaults.iter().map(text).collect();
        let mut built: Vec<StringViewBuilder> =
            (0..=values.len()).map(|_| StringViewBuilder::new()).collect();
        let (mut firsts, mut written, mut rows) = (Vec::new(), 0, 0);
        while self.at < self.groups.ends.len() && written < MOST_TEXT && rows < super::PIECE {
            let group = self.groups.of(self.at);
            firsts.push(group.first().and_then(|row| u64::try_from(*row).ok()).unwrap_or(0));
            let (start, count) = series.points(group, axis)?;
            let slots = series.slots(group, axis, start, count);
            let mut columns = built.iter_mut();
            for ((reader, default), column) in values.iter().zip(&defaults).zip(columns.by_ref()) {
                let array = array_of(&slots, reader, default);
                written += array.len();
                column.try_append_value(array)?;
            }
            if (self.axis.0, self.axis.1) != (start, count) {
                self.axis = (start, count, series.axis(start, count));
            }
            written += self.axis.2.len();
            columns.try_for_each(|column| column.try_append_value(&self.axis.2))?;
            self.at += 1;
            rows += 1;
        }
        let firsts = UInt64Array::from(firsts);
        let keys = arrays.iter().take(series.keys).map(|key| Ok(take(key, &firsts, None)?));
        let mut columns = keys.collect::<Result<Vec<ArrayRef>>>()?;
        columns.extend(built.iter_mut().map(|column| Arc::new(column.finish()) as ArrayRef));
        Ok(Piece { rows, columns })
    }
}

impl Series {
    /// The first point of a group and how many there are.
    fn points(&self, group: &[usize], axis: &Int64Array) -> Result<(i64, i64)> {
        let points = || group.iter().map(|row| axis.is_valid(*row).then(|| axis.value(*row)));
        // Null is less than anything, and nothing counts from it.
        let start = self.from.or_else(|| points().min().flatten());
        let (end, includes_end) = match self.to {
            Some(to) => (Some(to), self.includes_end),
            None => (points().max().flatten(), true),
        };
        let (Some(start), Some(end)) = (start, end) else { return Ok((0, 0)) };
        let distance = i128::from(end) - i128::from(start);
        let step = i128::from(self.step.max(1));
        let count = match (distance < 0, includes_end) {
            (true, _) => 0,
            (false, true) => distance / step + 1,
            (false, false) => (distance + step - 1) / step,
        };
        match i64::try_from(count) {
            Ok(count) if i128::from(count) <= MOST_POINTS => Ok((start, count)),
            _ => {
                let error = failure("too-many-rows", format!("there are more than {MOST_POINTS} points"));
                Err(DataFusionError::External(Box::new(crate::Error::from(error))))
            }
        }
    }

    /// The row of each point.
    fn slots(&self, group: &[usize], axis: &Int64Array, start: i64, count: i64) -> Vec<Option<usize>> {
        let mut slots = vec![None; usize::try_from(count).unwrap_or(0)];
        let step = i128::from(self.step.max(1));
        for row in group.iter().filter(|row| axis.is_valid(**row)) {
            let distance = i128::from(axis.value(*row)) - i128::from(start);
            if distance % step != 0 {
                continue;
            }
            let slot = usize::try_from(distance / step).ok().and_then(|at| slots.get_mut(at));
            if let Some(slot) = slot {
                *slot = Some(*row);
            }
        }
        slots
    }

    fn axis(&self, start: i64, count: i64) -> String {
        let scalar_type = self.input.get(self.keys).map_or(ScalarType::Long, |axis| axis.scalar_type);
        let mut out = String::from("[");
        for at in 0..count {
            separate(&mut out);
            let number = start.saturating_add(self.step.saturating_mul(at));
            dynamic::write(
                &match scalar_type {
                    ScalarType::DateTime => Dynamic::DateTime(number),
                    ScalarType::TimeSpan => Dynamic::TimeSpan(number),
                    _ => Dynamic::Long(number),
                },
                &mut out,
            );
        }
        out.push(']');
        out
    }
}

fn text(value: &Value) -> String {
    dynamic::encode(&Dynamic::from_value(value))
}

fn array_of(slots: &[Option<usize>], reader: &Reader<'_>, default: &str) -> String {
    let mut out = String::with_capacity(slots.len() * (default.len() + 1) + 2);
    out.push('[');
    for slot in slots {
        separate(&mut out);
        match slot {
            Some(row) => dynamic::write(&Dynamic::from_value(&reader.value(*row)), &mut out),
            None => out.push_str(default),
        }
    }
    out.push(']');
    out
}

fn separate(out: &mut String) {
    if out.len() > 1 {
        out.push(',');
    }
}

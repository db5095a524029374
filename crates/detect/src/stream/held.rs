//! Rows that matter to a rule, for as long as its windows reach back.

use std::sync::Arc;

use castellan_query::Error;
use castellan_query::arrow::array::{Array, ArrayRef, AsArray, Int64Array, RecordBatch};
use castellan_query::arrow::compute::kernels::cmp::gt_eq;
use castellan_query::arrow::compute::{concat_batches, filter_record_batch, max};
use castellan_query::arrow::datatypes::Int64Type;

use crate::run::TIME;

/// Rows of one table. Batches double in size as they come together, so that a thousand small ones are a dozen.
#[derive(Debug, Default)]
pub(super) struct Held {
    parts: Vec<Part>,
}

#[derive(Debug)]
struct Part {
    batch: RecordBatch,
    bytes: usize,
    /// The last time in it, in ticks.
    last: i64,
}

impl Held {
    /// Adds rows.
    ///
    /// Errors: rows with other columns than those before.
    pub(super) fn push(&mut self, batch: RecordBatch) -> Result<(), Error> {
        if batch.num_rows() == 0 {
            return Ok(());
        }
        self.parts.push(Part::of(&batch)?);
        while let [.., one, other] = self.parts.as_slice()
            && one.batch.num_rows() < 2 * other.batch.num_rows()
        {
            let joined = concat_batches(&one.batch.schema(), [&one.batch, &other.batch])?;
            self.parts.truncate(self.parts.len() - 2);
            self.parts.push(Part::of(&joined)?);
        }
        Ok(())
    }

    /// Forgets rows of before a time.
    ///
    /// Errors: rows without a time.
    pub(super) fn forget(&mut self, before: i64) -> Result<(), Error> {
        self.parts.retain(|part| part.last >= before);
        for part in &mut self.parts {
            let Some(times) =
                part.batch.column_by_name(TIME).and_then(|times| times.as_primitive_opt::<Int64Type>())
            else {
                continue;
            };
            let old = times.values().iter().filter(|time| **time < before).count();
            if old * 2 > part.batch.num_rows() {
                let is_new = gt_eq(times, &Int64Array::new_scalar(before))?;
                *part = Part::of(&filter_record_batch(&part.batch, &is_new)?)?;
            }
        }
        Ok(())
    }

    /// The rows.
    pub(super) fn batches(&self) -> Vec<RecordBatch> {
        self.parts.iter().map(|part| part.batch.clone()).collect()
    }

    /// Bytes that they take.
    pub(super) fn bytes(&self) -> usize {
        self.parts.iter().map(|part| part.bytes).sum()
    }

    /// The last time of them, in ticks.
    pub(super) fn last(&self) -> Option<i64> {
        self.parts.iter().map(|part| part.last).max()
    }
}

impl Part {
    fn of(batch: &RecordBatch) -> Result<Part, Error> {
        let batch = compact(batch)?;
        let times = batch.column_by_name(TIME).and_then(|times| times.as_primitive_opt::<Int64Type>());
        // Rows without a time are never too old.
        let last = times.and_then(|times| if times.null_count() > 0 { None } else { max(times) });
        Ok(Part { bytes: batch.get_array_memory_size(), last: last.unwrap_or(i64::MAX), batch })
    }
}

/// The same rows without the texts of others: views keep all of what they look into.
fn compact(batch: &RecordBatch) -> Result<RecordBatch, Error> {
    let columns = batch.columns().iter().map(|column| match column.as_string_view_opt() {
        Some(texts) => Arc::new(texts.gc()) as ArrayRef,
        None => Arc::clone(column),
    });
    Ok(RecordBatch::try_new(batch.schema(), columns.collect())?)
}

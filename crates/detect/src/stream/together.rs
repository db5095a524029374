//! Rows of several calls to one table, as one.

use std::sync::OnceLock;

use castellan_query::Error;
use castellan_query::arrow::array::{
    Array, ArrayRef, BooleanArray, BooleanBufferBuilder, RecordBatch, UInt32Array,
};
use castellan_query::arrow::compute::{concat, concat_batches, take};
use castellan_query::compiled::{Arrived, Columns};

/// Rows of several calls to one table, whose columns are made once, when a condition first reads them.
pub(super) struct Together<'a> {
    arrivals: Vec<&'a dyn Arrived>,
    rows: usize,
    columns: Vec<OnceLock<Result<ArrayRef, Error>>>,
}

impl<'a> Together<'a> {
    /// Of calls to the same table while it had the same columns.
    pub(super) fn new(arrivals: Vec<&'a dyn Arrived>) -> Together<'a> {
        let width = arrivals.first().map_or(0, |arrival| arrival.schema().fields().len());
        let rows = arrivals.iter().map(|arrival| arrival.rows()).sum();
        Together { arrivals, rows, columns: (0..width).map(|_| OnceLock::new()).collect() }
    }

    /// Those rows that a mask chooses, with all columns; nothing where it chooses none.
    pub(super) fn chosen(&self, mask: &BooleanArray) -> Result<Option<RecordBatch>, Error> {
        let (mut start, mut batches) = (0, Vec::new());
        for arrival in &self.arrivals {
            let part = mask.slice(start, arrival.rows());
            start += arrival.rows();
            if part.true_count() > 0 {
                batches.push(arrival.chosen(&part)?);
            }
        }
        let Some(first) = batches.first() else { return Ok(None) };
        Ok(Some(concat_batches(&first.schema(), &batches)?))
    }
}

impl Columns for Together<'_> {
    fn rows(&self) -> usize {
        self.rows
    }

    fn column(&self, at: usize) -> Result<ArrayRef, Error> {
        let made = self.columns.get(at).map(|column| {
            column.get_or_init(|| {
                let parts: Result<Vec<ArrayRef>, Error> =
                    self.arrivals.iter().map(|arrival| arrival.column(at)).collect();
                match parts?.as_slice() {
                    [one] => Ok(one.clone()),
                    parts => Ok(concat(&parts.iter().map(AsRef::as_ref).collect::<Vec<&dyn Array>>())?),
                }
            })
        });
        made.cloned().unwrap_or_else(|| Err(Error::new("engine", format!("there is no column {at}"))))
    }
}

/// Those rows of others that were left by the conditions before.
pub(super) struct Left<'r> {
    rows: &'r dyn Columns,
    numbers: UInt32Array,
}

impl<'r> Left<'r> {
    /// Of the rows that a mask chooses.
    pub(super) fn new(rows: &'r dyn Columns, mask: &BooleanArray) -> Left<'r> {
        let numbers = mask.values().set_indices().filter_map(|at| u32::try_from(at).ok()).collect();
        Left { rows, numbers }
    }

    /// A mask over the rows that are left, as one over all of them.
    pub(super) fn spread(&self, mask: &BooleanArray) -> BooleanArray {
        let mut all = BooleanBufferBuilder::new(self.rows.rows());
        all.append_n(self.rows.rows(), false);
        for (number, holds) in self.numbers.values().iter().zip(mask.values()) {
            if holds && let Ok(at) = usize::try_from(*number) {
                all.set_bit(at, true);
            }
        }
        BooleanArray::new(all.finish(), None)
    }
}

impl Columns for Left<'_> {
    fn rows(&self) -> usize {
        self.numbers.len()
    }

    fn column(&self, at: usize) -> Result<ArrayRef, Error> {
        Ok(take(&self.rows.column(at)?, &self.numbers, None)?)
    }
}

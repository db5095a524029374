//! Rows that are kept while others are forgotten.

use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, AsArray, UInt64Array};
use datafusion::arrow::compute::{interleave, take};
use datafusion::common::Result;

/// Where a row is: which batch, and where in it.
pub(super) type Place = (usize, usize);

/// Rows that groups refer to. The first batch has one row, that of groups without any.
#[derive(Debug)]
pub(super) struct Rows {
    batches: Vec<Vec<ArrayRef>>,
    rows: usize,
    held: usize,
}

/// The row of groups without any.
pub(super) const NO_ROW: Place = (0, 0);

/// Fewer forgotten rows than these are not worth a clearing.
const MIN_FORGOTTEN: usize = 32_768;
/// More batches than these are put together.
const MAX_BATCHES: usize = 256;
/// About what an array takes beside its values.
const ARRAY_BYTES: usize = 200;

impl Rows {
    /// With the row of groups without any.
    pub(super) fn new(none: Vec<ArrayRef>) -> Rows {
        Rows { batches: vec![none], rows: 0, held: 0 }
    }

    /// The batch that comes next.
    pub(super) fn next(&self) -> usize {
        self.batches.len()
    }

    /// Keeps some rows of a batch as the next one.
    ///
    /// Errors: rows that there are not.
    pub(super) fn keep(&mut self, columns: &[ArrayRef], rows: Vec<u64>) -> Result<()> {
        let rows = UInt64Array::from(rows);
        self.rows += rows.len();
        let kept = columns.iter().map(|column| Ok(compact(take(column, &rows, None)?)));
        self.push(kept.collect::<Result<_>>()?);
        Ok(())
    }

    fn push(&mut self, columns: Vec<ArrayRef>) {
        self.held += columns.iter().map(|column| column.get_array_memory_size() + ARRAY_BYTES).sum::<usize>();
        self.batches.push(columns);
    }

    /// The rows at places.
    ///
    /// Errors: places that there are not, and arrays that are too large.
    pub(super) fn at(&self, places: &[Place]) -> Result<Vec<ArrayRef>> {
        let width = self.batches.first().map_or(0, Vec::len);
        let column = |at: usize| -> Result<ArrayRef> {
            let arrays: Vec<&dyn Array> =
                self.batches.iter().filter_map(|batch| batch.get(at)).map(AsRef::as_ref).collect();
            Ok(interleave(&arrays, places)?)
        };
        (0..width).map(column).collect()
    }

    /// Forgets rows that no group refers to, once there are many.
    ///
    /// Errors: as [`Rows::at`].
    pub(super) fn clear(&mut self, places: &mut [Place]) -> Result<()> {
        if self.rows <= 2 * places.len() + MIN_FORGOTTEN && self.batches.len() <= MAX_BATCHES {
            return Ok(());
        }
        let live: Vec<ArrayRef> = self.at(places)?.into_iter().map(compact).collect();
        self.batches.truncate(1);
        (self.rows, self.held) = (places.len(), 0);
        self.push(live);
        places.iter_mut().enumerate().for_each(|(at, place)| *place = (1, at));
        Ok(())
    }

    /// The bytes that are held.
    pub(super) fn size(&self) -> usize {
        self.held
    }
}

/// Without the texts of rows that are not kept.
fn compact(array: ArrayRef) -> ArrayRef {
    match array.as_string_view_opt() {
        Some(texts) if !texts.data_buffers().is_empty() => Arc::new(texts.gc()),
        _ => array,
    }
}

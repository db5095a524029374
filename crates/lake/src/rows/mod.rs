//! Rows from texts and batches, in the form in which tables keep them.
//!
//! A batch that comes out has only the columns that hold something: most rows of wide tables are mostly empty, and a
//! column that is not there costs nothing in memory, in the log and in files.

mod column;
mod json;
mod physical;
mod scan;
mod standard;

pub use column::{micros_of_ticks, ticks_of_micros};
pub use json::{Form, Refused};
pub(crate) use standard::Defaults;
pub use standard::Origin;

use std::sync::Arc;

use castellan_kql::ScalarType;
use castellan_kql::plan::Field as Column;
use datafusion::arrow::array::{Array, ArrayRef, RecordBatchOptions, new_null_array};
use datafusion::arrow::datatypes::Schema;
use datafusion::arrow::record_batch::RecordBatch;

use crate::Error;
use crate::schema::{TIME, TableSchema};

/// Rows of a table, ready to be kept.
#[derive(Debug)]
pub struct Rows {
    /// The columns that hold something.
    pub batch: RecordBatch,
    /// Values that had no place in their column and are null now, by column.
    pub misfits: Vec<Misfit>,
    /// Rows that could not be read, where the rest could.
    pub refused: Vec<Refused>,
}

/// Values of a column that could not be kept as they came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Misfit {
    /// The column.
    pub column: String,
    /// How many there were.
    pub count: usize,
    /// Why.
    pub reason: MisfitReason,
}

/// Why a value was not kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MisfitReason {
    /// The table has no such column.
    NoColumn,
    /// The value is none of the column's type.
    WrongType,
    /// A row names the column twice; the first value counts.
    Twice,
    /// The time lies too far from now; the time of receipt stands in its place.
    FarTime,
    /// The value is longer than the caller allows, and what is beyond was cut off.
    Cut,
}

impl Rows {
    /// The rows with all columns of their table, those that hold nothing as nulls: as a query over them needs them.
    ///
    /// Errors: rows of another table.
    pub fn filled(&self, schema: &TableSchema) -> Result<RecordBatch, Error> {
        let rows = self.batch.num_rows();
        let columns =
            schema.arrow().fields().iter().map(|field| match self.batch.column_by_name(field.name()) {
                Some(column) => Arc::clone(column),
                None => new_null_array(field.data_type(), rows),
            });
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        RecordBatch::try_new_with_options(Arc::clone(schema.arrow()), columns.collect(), &options)
            .map_err(Error::arrow("putting rows together"))
    }
}

/// Reads rows from JSON.
///
/// Errors: text that is none, with its place.
pub fn from_json(schema: &TableSchema, text: &[u8], form: Form, origin: &Origin) -> Result<Rows, Error> {
    json::read(schema, text, form, origin)
}

/// Takes rows from a batch with the types of the query engine ([`castellan_query::physical`]).
///
/// Errors: a column of another type than the table's.
pub fn from_physical(schema: &TableSchema, batch: &RecordBatch, origin: &Origin) -> Result<Rows, Error> {
    physical::convert(schema, batch, origin)
}

/// Whether [`from_physical`] has a place for values of a type in a column of another.
pub fn fits(given: ScalarType, known: ScalarType) -> bool {
    physical::fits(given, known)
}

/// The columns that rows have beyond those of a table, with the types that their values have.
///
/// Errors: as [`from_json`].
pub fn further_columns(schema: &TableSchema, text: &[u8], form: Form) -> Result<Vec<Column>, Error> {
    json::further(schema, text, form)
}

/// Puts columns together to rows, with what the lake says about them.
fn assemble(
    schema: &TableSchema,
    mut columns: Vec<Option<ArrayRef>>,
    rows: usize,
    mut misfits: Vec<Misfit>,
    refused: Vec<Refused>,
    origin: &Origin,
) -> Result<Rows, Error> {
    if !schema.is_stream()
        && let Some(time) = slot(schema, &mut columns, TIME)
    {
        let (times, far) = origin.times(time.as_ref(), rows);
        *time = Some(times);
        if far > 0 {
            misfits.push(Misfit { column: TIME.to_owned(), count: far, reason: MisfitReason::FarTime });
        }
    }
    if let Some(resource) = &origin.resource
        && let Some(column) = slot(schema, &mut columns, "_ResourceId").filter(|column| column.is_none())
    {
        *column = Some(standard::same_text(resource, rows));
        if let Some(subscription) = standard::subscription(resource)
            && let Some(column) =
                slot(schema, &mut columns, "_SubscriptionId").filter(|column| column.is_none())
        {
            *column = Some(standard::same_text(subscription, rows));
        }
    }
    let all = schema.arrow().fields().iter().zip(columns);
    let (fields, arrays): (Vec<_>, Vec<_>) = all
        .filter_map(|(field, column)| {
            Some((Arc::clone(field), column.filter(|array| array.null_count() < rows)?))
        })
        .unzip();
    let options = RecordBatchOptions::new().with_row_count(Some(rows));
    let batch = RecordBatch::try_new_with_options(Arc::new(Schema::new(fields)), arrays, &options);
    let batch = batch.map_err(Error::arrow("putting rows together"))?;
    Ok(Rows { batch, misfits, refused })
}

/// The place of a column.
fn slot<'c>(
    schema: &TableSchema,
    columns: &'c mut [Option<ArrayRef>],
    name: &str,
) -> Option<&'c mut Option<ArrayRef>> {
    columns.get_mut(standard::position(schema.arrow(), name)?)
}

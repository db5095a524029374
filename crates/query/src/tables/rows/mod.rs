//! Tables whose rows are text: JSON Lines, one JSON array, CSV.
//!
//! A file is read once to find the columns and their types: a type holds for every value, so no sample will do. What
//! is small is then kept in memory. What is large stays where it is: each query reads it again, piece by piece, in as
//! many parts as there are threads, and reads only the columns that it asks for.

mod infer;
mod read;
mod scan;
mod source;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use castellan_kql::plan::Field as Column;
use datafusion::arrow::record_batch::RecordBatch;

use self::infer::Columns;
use self::scan::RowsTable;
use self::source::{Part, Source};
use super::Table;
use super::file::Format;
use crate::Error;
use crate::physical;
use crate::progress::Progress;

/// Texts up to this size together are kept in memory, in bytes.
const SMALL: u64 = 64 << 20;

/// The table that the rows of files make.
///
/// Errors: what is no row, with its place; more columns than a table can have; and reading that takes too long.
pub(super) fn table(
    files: Vec<PathBuf>,
    format: Format,
    known: &[Column],
    time: Duration,
    progress: &Progress,
) -> Result<Table, Error> {
    let deadline = Instant::now() + time;
    let mut found = Columns::new(format == Format::Csv, deadline, progress.clone());
    let mut sources = Vec::with_capacity(files.len());
    for file in files {
        let source = Arc::new(Source::open(file, format)?);
        read::all(&Part::whole(&source), &mut found)?;
        sources.push(source);
    }
    let text = found.bytes();
    let columns = found.finish(known);
    let schema = physical::schema(&columns);
    let rows = RowsTable::new(sources, columns.clone());
    if text > SMALL {
        return Ok(Table::new(Arc::new(rows))?);
    }
    let batches: Vec<RecordBatch> = rows.batches()?;
    Ok(Table::of_batches(schema, batches)?)
}

//! Rows from the bytes of a file.

use std::borrow::Cow;
use std::io::Read as _;
use std::sync::Arc;

use bytes::Bytes;
use castellan_kql::plan::{Field as Column, typed};
use castellan_kql::value::Dynamic;
use castellan_kql::{ScalarType, Value};
use datafusion::arrow::record_batch::RecordBatch;
use datafusion::parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use flate2::read::MultiGzDecoder;

use super::failed;
use super::format::{Format, Kind};
use crate::Error;
use crate::physical;
use crate::tables::Table;

/// Rows of a batch.
const BATCH: usize = 8_192;

/// The bytes, unpacked where they begin as gzip does.
///
/// Errors: bytes that are no gzip after all, or too many.
pub(super) fn unpacked(bytes: &[u8], most: u64) -> Result<Cow<'_, [u8]>, Error> {
    if !bytes.starts_with(&[0x1F, 0x8B]) {
        return Ok(Cow::Borrowed(bytes));
    }
    let mut out = Vec::new();
    let read = MultiGzDecoder::new(bytes).take(most + 1).read_to_end(&mut out);
    read.map_err(|error| failed(format!("the file cannot be unpacked: {error}")))?;
    if out.len() as u64 > most {
        return Err(failed(format!("it has more than {most} bytes once it is unpacked")));
    }
    Ok(Cow::Owned(out))
}

/// A table of the file, with the columns that were declared; those that the file lacks are empty.
///
/// Errors: a file that is not of its format.
pub(super) fn table(bytes: &[u8], format: Format, columns: &[Column], most: u64) -> Result<Table, Error> {
    if format.kind == Kind::Parquet {
        return parquet(bytes, columns, most);
    }
    let mut rows = Rows { columns, rows: Vec::new(), batches: Vec::new() };
    match format.kind {
        Kind::Separated(separator) => separated(bytes, separator, format.skips_first, &mut rows)?,
        Kind::Lines => {
            for line in text(bytes)?.lines().skip(usize::from(format.skips_first)) {
                rows.push(std::iter::once(line))?;
            }
        }
        Kind::Json | Kind::Parquet => json(bytes, &mut rows)?,
    }
    rows.finish()
}

fn text(bytes: &[u8]) -> Result<&str, Error> {
    let bytes = bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(bytes);
    std::str::from_utf8(bytes).map_err(|_| failed("the file is no UTF-8 text"))
}

fn separated(bytes: &[u8], separator: u8, skips_first: bool, rows: &mut Rows<'_>) -> Result<(), Error> {
    let mut reader = csv::ReaderBuilder::new()
        .flexible(true)
        .has_headers(skips_first)
        .delimiter(separator)
        .from_reader(text(bytes)?.as_bytes());
    for record in reader.records() {
        let record = record.map_err(|error| failed(error.to_string()))?;
        rows.push(record.iter())?;
    }
    Ok(())
}

/// Objects behind each other or in arrays: columns go by name.
fn json(bytes: &[u8], rows: &mut Rows<'_>) -> Result<(), Error> {
    let values = serde_json::Deserializer::from_str(text(bytes)?).into_iter::<serde_json::Value>();
    for value in values {
        match value.map_err(|error| failed(error.to_string()))? {
            serde_json::Value::Array(items) => {
                items.iter().try_for_each(|item| rows.object(item))?;
            }
            other => rows.object(&other)?,
        }
    }
    Ok(())
}

fn parquet(bytes: &[u8], columns: &[Column], most: u64) -> Result<Table, Error> {
    let wrong = |error: &dyn std::fmt::Display| failed(format!("this is no Parquet file: {error}"));
    let reader = ParquetRecordBatchReaderBuilder::try_new(Bytes::copy_from_slice(bytes));
    let reader = reader.map_err(|error| wrong(&error))?;
    let schema = Arc::clone(reader.schema());
    let (mut batches, mut size) = (Vec::new(), 0_u64);
    for batch in reader.build().map_err(|error| wrong(&error))? {
        let batch = batch.map_err(|error| wrong(&error))?;
        size = size.saturating_add(batch.get_array_memory_size() as u64);
        if size > most {
            return Err(failed(format!("it has more than {most} bytes once it is unpacked")));
        }
        batches.push(batch);
    }
    Ok(Table::of_batches_with_types(schema, batches, columns)?)
}

/// Rows on their way into batches.
struct Rows<'c> {
    columns: &'c [Column],
    rows: Vec<Vec<Value>>,
    batches: Vec<RecordBatch>,
}

impl Rows<'_> {
    /// A record: columns go by position.
    fn push<'t>(&mut self, texts: impl Iterator<Item = &'t str>) -> Result<(), Error> {
        let mut texts = texts;
        let value = |column: &Column| match texts.next() {
            Some(text) => of_text(text, column.scalar_type),
            None => Value::empty(column.scalar_type),
        };
        self.rows.push(self.columns.iter().map(value).collect());
        self.flush(BATCH)
    }

    fn object(&mut self, value: &serde_json::Value) -> Result<(), Error> {
        let Some(members) = value.as_object() else { return Err(failed("an object is expected")) };
        let of_column = |column: &Column| match members.get(&*column.name) {
            None | Some(serde_json::Value::Null) => Value::empty(column.scalar_type),
            Some(serde_json::Value::String(text)) => of_text(text, column.scalar_type),
            Some(value) => typed(Value::dynamic(Dynamic::from_json(value)), column.scalar_type),
        };
        self.rows.push(self.columns.iter().map(of_column).collect());
        self.flush(BATCH)
    }

    fn flush(&mut self, from: usize) -> Result<(), Error> {
        if self.rows.len() >= from.max(1) {
            let schema = physical::schema(self.columns);
            self.batches.push(physical::batch(schema, self.columns, self.rows.iter())?);
            self.rows.clear();
        }
        Ok(())
    }

    fn finish(mut self) -> Result<Table, Error> {
        self.flush(1)?;
        Ok(Table::of_batches(physical::schema(self.columns), self.batches)?)
    }
}

/// A text as the type of its column; JSON where that is dynamic.
fn of_text(text: &str, scalar_type: ScalarType) -> Value {
    match scalar_type {
        ScalarType::String => Value::string(text),
        ScalarType::Dynamic => physical::dynamic::decode(text),
        _ => Value::string(text).convert(scalar_type),
    }
}

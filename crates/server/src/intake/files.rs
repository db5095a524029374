//! Files of rows, in parts of bounded size.
//!
//! JSON Lines, a JSON array, CSV with a header, Parquet, and diagnostic logs of Azure; all but Parquet also packed with
//! gzip or Zstandard.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;
use std::time::Duration;

use castellan_ingest::diagnostic::Mapper;
use castellan_kql::ScalarType;
use castellan_kql::plan::Field;
use castellan_lake::{Append, Appended, Form, Lake};
use castellan_query::arrow::array::RecordBatch;
use castellan_query::arrow::compute::concat_batches;
use castellan_query::parquet::arrow::arrow_reader::{
    ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder,
};
use castellan_query::parquet::errors::ParquetError;
use castellan_query::{Engine, Settings};
use serde_json::{Map, Value};

/// Bytes of text that are taken in at once.
const PART: usize = 4 << 20;
/// Longest line, and largest array, in bytes.
const MOST: u64 = 64 << 20;
/// Rows of a Parquet file that are taken in at once.
const ROWS: usize = 16 << 10;
/// Bytes that are read of a file at once.
const BUFFER: usize = 1 << 20;
/// Problems that are told of one file.
const TOLD: usize = 64;
/// How long to wait until rows in memory have gone to files.
const BREATH: Duration = Duration::from_millis(100);

/// How a file is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// An object a line.
    Lines,
    /// An array of objects.
    Array,
    /// Comma-separated values with a header.
    Csv,
    /// Parquet.
    Parquet,
    /// Logs as Azure's diagnostic settings write them, which say themselves which tables they belong to.
    Diagnostics,
}

impl Format {
    /// The format that the end of a name says; packing does not count. `None` for other ends.
    pub fn of(name: &str) -> Option<Format> {
        let name = name.to_ascii_lowercase();
        let name = name.strip_suffix(".gz").or_else(|| name.strip_suffix(".zst")).unwrap_or(&name);
        match name.rsplit_once('.')?.1 {
            "jsonl" | "ndjson" | "log" => Some(Format::Lines),
            "json" => Some(Format::Array),
            "csv" => Some(Format::Csv),
            "parquet" | "pq" => Some(Format::Parquet),
            _ => None,
        }
    }
}

/// Why a file cannot be read to its end.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It cannot be read, or not be unpacked.
    #[error(transparent)]
    Read(#[from] io::Error),
    /// It is no CSV.
    #[error("not CSV: {0}")]
    Csv(#[from] csv::Error),
    /// It is no Parquet.
    #[error("not Parquet: {0}")]
    Parquet(#[from] ParquetError),
    /// It has columns that have no place in the language.
    #[error("{0}")]
    Columns(String),
    /// It holds no diagnostic logs.
    #[error(transparent)]
    Diagnostics(#[from] castellan_ingest::diagnostic::Error),
    /// A line is longer than is read.
    #[error("a line has more than {MOST} bytes; write an object a line")]
    LongLine,
    /// An array is larger than is read.
    #[error(
        "an array has to be read as a whole, and this one has more than {MOST} bytes; write an object a line and name the file .jsonl"
    )]
    LongArray,
}

/// Some rows of a file.
#[derive(Debug)]
pub struct Part {
    /// The table that the rows say that they belong to; only those of diagnostic logs do.
    pub table: Option<String>,
    /// The rows.
    pub rows: PartRows,
}

/// Rows, as a file has them.
#[derive(Debug)]
pub enum PartRows {
    /// As JSON.
    Text(Vec<u8>, Form),
    /// With the types of the query engine.
    Batch(RecordBatch),
}

/// A file in parts.
pub struct Parts {
    source: Source,
    /// The line that the last part began with, from 1, and the one that the next begins with.
    lines: (usize, usize),
    ready: VecDeque<Part>,
    /// Records of diagnostic logs that were not taken.
    rejected: u64,
    problems: Vec<String>,
}

type Text = Box<dyn BufRead + Send>;

enum Source {
    Lines(Text),
    Array(Option<Text>),
    Csv(Box<csv::Reader<Text>>, csv::StringRecord),
    Parquet(Box<ParquetRecordBatchReader>),
    Diagnostics(Option<Text>, Box<Mapper>),
}

impl Parts {
    /// Opens a file; `-` is standard input. Its packing is that of its ending.
    ///
    /// # Errors
    /// When it cannot be read, or does not begin as the format has it.
    pub fn open(path: &Path, format: Format) -> Result<Parts, Error> {
        let source = match format {
            Format::Parquet => {
                let reader = ParquetRecordBatchReaderBuilder::try_new(File::open(path)?)?;
                Source::Parquet(Box::new(reader.with_batch_size(ROWS).build()?))
            }
            Format::Csv => {
                let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(text(path)?);
                let header = reader.headers()?.clone();
                Source::Csv(Box::new(reader), header)
            }
            Format::Array => Source::Array(Some(text(path)?)),
            Format::Lines => Source::Lines(text(path)?),
            Format::Diagnostics => Source::Diagnostics(Some(text(path)?), Box::new(super::mapper())),
        };
        Ok(Parts { source, lines: (1, 1), ready: VecDeque::new(), rejected: 0, problems: Vec::new() })
    }

    /// The line that the last part began with.
    pub fn first_line(&self) -> usize {
        self.lines.0
    }

    /// Records of diagnostic logs that were not taken so far.
    pub fn rejected(&self) -> u64 {
        self.rejected
    }

    /// What was left out, cut or replaced of diagnostic logs so far.
    pub fn problems(&self) -> &[String] {
        &self.problems
    }

    /// The next rows; `None` at the end.
    ///
    /// # Errors
    /// What is wrong with the file from here on.
    pub async fn next(&mut self) -> Result<Option<Part>, Error> {
        self.lines.0 = self.lines.1;
        let part = match &mut self.source {
            Source::Lines(reader) => some_lines(reader.as_mut())?,
            Source::Array(reader) => match reader.take() {
                Some(reader) => return whole(reader).map(|rows| Some(Part { table: None, rows })),
                None => return Ok(None),
            },
            Source::Csv(reader, header) => records(reader, header)?,
            Source::Parquet(reader) => match reader.next() {
                Some(batch) => {
                    let batch = batch.map_err(|error| ParquetError::General(error.to_string()))?;
                    let rows = PartRows::Batch(physical(batch).await?);
                    return Ok(Some(Part { table: None, rows }));
                }
                None => return Ok(None),
            },
            Source::Diagnostics(..) => return self.of_diagnostics(),
        };
        self.lines.1 += part.iter().filter(|byte| **byte == b'\n').count();
        let rows = PartRows::Text(part, Form::Lines);
        Ok((!is_empty(&rows)).then_some(Part { table: None, rows }))
    }

    fn of_diagnostics(&mut self) -> Result<Option<Part>, Error> {
        loop {
            if let Some(part) = self.ready.pop_front() {
                return Ok(Some(part));
            }
            let Source::Diagnostics(reader, mapper) = &mut self.source else { return Ok(None) };
            let Some(text) = some_diagnostics(reader)? else { return Ok(None) };
            let taken = mapper.take(&text, super::now())?;
            self.rejected += taken.rejected;
            let room = TOLD.saturating_sub(self.problems.len());
            self.problems.extend(taken.problems.iter().take(room).map(ToString::to_string));
            self.ready.extend(taken.rows.into_iter().map(|rows| Part {
                table: Some(rows.table.into_owned()),
                rows: PartRows::Text(rows.lines, Form::Lines),
            }));
        }
    }
}

fn is_empty(rows: &PartRows) -> bool {
    matches!(rows, PartRows::Text(text, _) if text.is_empty())
}

/// The text of a file, unpacked.
fn text(path: &Path) -> io::Result<Text> {
    if path == Path::new("-") {
        return Ok(Box::new(BufReader::new(io::stdin())));
    }
    let file = BufReader::with_capacity(BUFFER, File::open(path)?);
    Ok(match path.extension().and_then(|ending| ending.to_str()) {
        Some("gz") => Box::new(BufReader::with_capacity(BUFFER, flate2::bufread::MultiGzDecoder::new(file))),
        Some("zst") => Box::new(BufReader::with_capacity(BUFFER, zstd::Decoder::with_buffer(file)?)),
        _ => Box::new(file),
    })
}

/// Whole lines of about a part's size.
fn some_lines(reader: &mut dyn BufRead) -> Result<Vec<u8>, Error> {
    let mut text = Vec::with_capacity(64 << 10);
    while text.len() < PART {
        let before = text.len();
        let read = (&mut *reader).take(MOST).read_until(b'\n', &mut text)?;
        if read == 0 {
            break;
        }
        if (text.len() - before) as u64 >= MOST {
            return Err(Error::LongLine);
        }
    }
    Ok(text)
}

/// All that is left, as long as it is no more than is read at once.
fn all(reader: Text, text: &mut Vec<u8>) -> Result<(), Error> {
    reader.take((MOST + 1).saturating_sub(text.len() as u64)).read_to_end(text)?;
    if text.len() as u64 > MOST { Err(Error::LongArray) } else { Ok(()) }
}

/// A file that is one array, or an object a line all the same.
fn whole(reader: Text) -> Result<PartRows, Error> {
    let mut text = Vec::new();
    all(reader, &mut text)?;
    let begins = text.iter().find(|byte| !byte.is_ascii_whitespace());
    let is_array = begins == Some(&b'[') || is_json(&text);
    Ok(PartRows::Text(text, if is_array { Form::Array } else { Form::Lines }))
}

fn is_json(text: &[u8]) -> bool {
    serde_json::from_slice::<serde::de::IgnoredAny>(text).is_ok()
}

/// Some lines of diagnostic logs, or all of them where they are one value over several lines.
fn some_diagnostics(reader: &mut Option<Text>) -> Result<Option<Vec<u8>>, Error> {
    let Some(mut own) = reader.take() else { return Ok(None) };
    let mut text = some_lines(own.as_mut())?;
    let mut lines = text.split(|byte| *byte == b'\n').filter(|line| !line.trim_ascii().is_empty());
    let first = lines.next().unwrap_or_default();
    if lines.next().is_some() && !is_json(first) {
        all(own, &mut text)?;
    } else if !text.is_empty() {
        *reader = Some(own);
    }
    Ok((!text.trim_ascii().is_empty()).then_some(text))
}

/// Records as an object a line.
fn records(reader: &mut csv::Reader<Text>, header: &csv::StringRecord) -> Result<Vec<u8>, Error> {
    let (mut text, mut record) = (Vec::with_capacity(64 << 10), csv::StringRecord::new());
    while text.len() < PART && reader.read_record(&mut record)? {
        let cells = header.iter().zip(record.iter()).filter(|(_, cell)| !cell.is_empty());
        let row: Map<String, Value> =
            cells.map(|(name, cell)| (name.to_owned(), Value::from(cell))).collect();
        serde_json::to_writer(&mut text, &row).map_err(io::Error::from)?;
        text.push(b'\n');
    }
    Ok(text)
}

/// A batch with the types of the query engine.
async fn physical(batch: RecordBatch) -> Result<RecordBatch, Error> {
    let mut engine = Engine::new(Settings { threads: 1, ..Settings::default() });
    let failed = |error: castellan_query::Error| Error::Columns(error.to_string());
    let schema = batch.schema();
    engine.add_batches("Rows", batch.schema(), vec![batch]).map_err(failed)?;
    let answers = engine.query("Rows").await.map_err(failed)?;
    let batches = answers.answers.into_iter().next().map(|answer| answer.batches).unwrap_or_default();
    let schema = batches.first().map_or(schema, RecordBatch::schema);
    concat_batches(&schema, &batches).map_err(|error| Error::Columns(error.to_string()))
}

/// The columns of a batch.
fn columns(batch: &RecordBatch) -> Vec<Field> {
    let key = castellan_query::physical::TYPE_KEY;
    let schema = batch.schema();
    let typed = schema.fields().iter().filter_map(|field| {
        let kind = ScalarType::named(field.metadata().get(key)?)?;
        Some(Field::new(field.name().as_str(), kind))
    });
    typed.collect()
}

/// Keeps rows of a file. Waits where the lake has no room now; makes a table of one's own that is not there, where
/// columns may be added.
///
/// # Errors
/// Whatever else the lake says.
pub async fn keep(
    lake: &Lake,
    table: &str,
    rows: &PartRows,
    how: &Append,
) -> Result<Appended, castellan_lake::Error> {
    use castellan_lake::Error as LakeError;
    let mut is_made = false;
    loop {
        let appended = match rows {
            PartRows::Text(text, form) => lake.append(table, text, *form, how.clone()).await,
            PartRows::Batch(batch) => lake.append_batch(table, batch, how.clone()).await,
        };
        match appended {
            Err(LakeError::Busy { retry_after, .. }) => tokio::time::sleep(retry_after.min(BREATH)).await,
            Err(LakeError::UnknownTable { .. }) if how.adds_columns && !is_made => {
                let columns = match rows {
                    PartRows::Batch(batch) => columns(batch),
                    PartRows::Text(..) => Vec::new(),
                };
                lake.create_table(table, columns).await?;
                is_made = true;
            }
            done => return done,
        }
    }
}

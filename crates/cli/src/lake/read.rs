//! Files of rows in parts of bounded size.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use castellan_kql::plan::Field;
use castellan_lake::Form;
use castellan_query::arrow::array::RecordBatch;
use castellan_query::parquet::arrow::arrow_reader::{
    ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder,
};
use castellan_query::{Engine, Settings};
use serde_json::{Map, Value};

use super::lines;
use crate::arguments::IngestFormat;

/// Bytes of text that are taken in at once.
const PART: usize = 4 << 20;
/// Longest line, and largest array, in bytes.
const MOST: u64 = 64 << 20;
/// Rows of a Parquet file that are taken in at once.
const ROWS: usize = 16 << 10;

/// Some rows.
#[derive(Debug)]
pub(super) enum Part {
    Text(Vec<u8>, Form),
    Batch(RecordBatch),
}

/// A file in parts.
pub(super) struct Parts {
    path: PathBuf,
    source: Source,
    /// The line that the last part began with, from 1, and the one that the next begins with.
    lines: (usize, usize),
}

enum Source {
    Lines(Box<dyn BufRead + Send>),
    Array(Option<Box<dyn BufRead + Send>>),
    Csv(Box<csv::Reader<Box<dyn BufRead + Send>>>, csv::StringRecord),
    Parquet(Box<ParquetRecordBatchReader>),
}

impl Parts {
    pub(super) fn open(path: &Path, format: Option<IngestFormat>) -> Result<Parts> {
        let told = || path.display().to_string();
        let format = match format.or_else(|| format_of(path)) {
            Some(format) => format,
            None => bail!("{}: this is no kind of file that is known; say which with --format", told()),
        };
        let source = match format {
            IngestFormat::Parquet => {
                let file = File::open(path).with_context(told)?;
                let reader = ParquetRecordBatchReaderBuilder::try_new(file).with_context(told)?;
                Source::Parquet(Box::new(reader.with_batch_size(ROWS).build().with_context(told)?))
            }
            IngestFormat::Csv => {
                let mut reader =
                    csv::ReaderBuilder::new().flexible(true).from_reader(text(path).with_context(told)?);
                let header = reader.headers().with_context(told)?.clone();
                Source::Csv(Box::new(reader), header)
            }
            IngestFormat::Json => Source::Array(Some(text(path).with_context(told)?)),
            IngestFormat::Jsonl => Source::Lines(text(path).with_context(told)?),
        };
        Ok(Parts { path: path.to_owned(), source, lines: (1, 1) })
    }

    /// The line that the last part began with.
    pub(super) fn first_line(&self) -> usize {
        self.lines.0
    }

    pub(super) async fn next(&mut self) -> Result<Option<Part>> {
        self.lines.0 = self.lines.1;
        let told = self.path.display().to_string();
        let part = match &mut self.source {
            Source::Lines(reader) => some_lines(reader.as_mut()).with_context(|| told)?,
            Source::Array(reader) => match reader.take() {
                Some(reader) => return whole(reader).with_context(|| told).map(Some),
                None => return Ok(None),
            },
            Source::Csv(reader, header) => records(reader, header).with_context(|| told)?,
            Source::Parquet(reader) => match reader.next() {
                Some(batch) => return Ok(Some(Part::Batch(physical(batch.with_context(|| told)?).await?))),
                None => return Ok(None),
            },
        };
        self.lines.1 += part.iter().filter(|byte| **byte == b'\n').count();
        Ok((!part.is_empty()).then(|| lines(part)))
    }
}

fn format_of(path: &Path) -> Option<IngestFormat> {
    if path == Path::new("-") {
        return Some(IngestFormat::Jsonl);
    }
    let name = path.file_name()?.to_str()?.to_ascii_lowercase();
    let name = name.strip_suffix(".gz").or_else(|| name.strip_suffix(".zst")).unwrap_or(&name);
    match name.rsplit_once('.')?.1 {
        "jsonl" | "ndjson" | "log" => Some(IngestFormat::Jsonl),
        "json" => Some(IngestFormat::Json),
        "csv" => Some(IngestFormat::Csv),
        "parquet" | "pq" => Some(IngestFormat::Parquet),
        _ => None,
    }
}

/// The text of a file, unpacked.
fn text(path: &Path) -> Result<Box<dyn BufRead + Send>> {
    if path == Path::new("-") {
        return Ok(Box::new(BufReader::new(std::io::stdin())));
    }
    let file = BufReader::with_capacity(1 << 20, File::open(path)?);
    Ok(match path.extension().and_then(|ending| ending.to_str()) {
        Some("gz") => Box::new(BufReader::with_capacity(1 << 20, flate2::bufread::MultiGzDecoder::new(file))),
        Some("zst") => Box::new(BufReader::with_capacity(1 << 20, zstd::Decoder::with_buffer(file)?)),
        _ => Box::new(file),
    })
}

/// Whole lines of about a part's size.
fn some_lines(reader: &mut dyn BufRead) -> Result<Vec<u8>> {
    let mut text = Vec::with_capacity(PART + (64 << 10));
    while text.len() < PART {
        let before = text.len();
        let read = (&mut *reader).take(MOST).read_until(b'\n', &mut text)?;
        if read == 0 {
            break;
        }
        if (text.len() - before) as u64 >= MOST {
            bail!("a line has more than {MOST} bytes");
        }
    }
    Ok(text)
}

/// A file that is one array, or an object a line all the same.
fn whole(mut reader: Box<dyn BufRead + Send>) -> Result<Part> {
    let mut text = Vec::new();
    reader.by_ref().take(MOST + 1).read_to_end(&mut text)?;
    if text.len() as u64 > MOST {
        bail!(
            "an array has to be read as a whole, and this one has more than {MOST} bytes; write an object a line and use --format jsonl"
        );
    }
    let begins = text.iter().find(|byte| !byte.is_ascii_whitespace());
    let is_array = begins == Some(&b'[');
    let form = if is_array || serde_json::from_slice::<serde::de::IgnoredAny>(&text).is_ok() {
        Form::Array
    } else {
        Form::Lines
    };
    Ok(Part::Text(text, form))
}

/// Records as an object a line.
fn records(reader: &mut csv::Reader<Box<dyn BufRead + Send>>, header: &csv::StringRecord) -> Result<Vec<u8>> {
    let (mut text, mut record) = (Vec::with_capacity(PART + (64 << 10)), csv::StringRecord::new());
    while text.len() < PART && reader.read_record(&mut record)? {
        let cells = header.iter().zip(record.iter()).filter(|(_, cell)| !cell.is_empty());
        let row: Map<String, Value> =
            cells.map(|(name, cell)| (name.to_owned(), Value::from(cell))).collect();
        serde_json::to_writer(&mut text, &row)?;
        text.push(b'\n');
    }
    Ok(text)
}

/// A batch with the types of the query engine.
async fn physical(batch: RecordBatch) -> Result<RecordBatch> {
    let mut engine = Engine::new(Settings { threads: 1, ..Settings::default() });
    let failed = |error: castellan_query::Error| anyhow::anyhow!("{error}");
    engine.add_batches("Rows", batch.schema(), vec![batch]).map_err(failed)?;
    let answers = engine.query("Rows").await.map_err(failed)?;
    let Some(answer) = answers.answers.into_iter().next() else { bail!("the file has no columns") };
    let Some(first) = answer.batches.first() else { bail!("the file has no rows") };
    Ok(castellan_query::arrow::compute::concat_batches(&first.schema(), &answer.batches)?)
}

/// The columns of a batch.
pub(super) fn columns(batch: &RecordBatch) -> Vec<Field> {
    let key = castellan_query::physical::TYPE_KEY;
    let schema = batch.schema();
    let typed = schema.fields().iter().filter_map(|field| {
        let kind = castellan_kql::ScalarType::named(field.metadata().get(key)?)?;
        Some(Field::new(field.name().as_str(), kind))
    });
    typed.collect()
}

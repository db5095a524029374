//! Tables from files: Parquet is scanned where it lies, JSON Lines and CSV are read into memory.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use castellan_kql::plan::Field as Column;
use castellan_kql::value::{Dynamic, parse_datetime};
use castellan_kql::{ScalarType, Value};
use datafusion::datasource::file_format::parquet::ParquetFormat;
use datafusion::datasource::listing::{ListingOptions, ListingTable, ListingTableConfig, ListingTableUrl};
use datafusion::prelude::SessionContext;
use indexmap::IndexMap;

use super::Table;
use crate::physical;
use crate::{Engine, Error};

/// The largest text file that is read, in bytes.
const MAX_TEXT: u64 = 2 << 30;
/// The most columns of a text file.
const MAX_COLUMNS: usize = 4_096;
/// Rows of a batch.
const BATCH: usize = 8_192;

/// The kinds of files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    Parquet,
    JsonLines,
    Csv,
}

impl Format {
    /// By the end of a name, a `.gz` behind it aside.
    fn of(path: &Path) -> Option<Format> {
        let name = path.file_name()?.to_str()?.to_ascii_lowercase();
        let name = name.strip_suffix(".gz").unwrap_or(&name);
        let (_, ending) = name.rsplit_once('.')?;
        match ending {
            "parquet" | "pq" => Some(Format::Parquet),
            "jsonl" | "ndjson" | "json" => Some(Format::JsonLines),
            "csv" => Some(Format::Csv),
            _ => None,
        }
    }
}

impl Engine {
    /// Adds a table whose rows lie in a file, or in all files of one kind in a folder: Parquet, JSON Lines (also one JSON
    /// array), CSV with a header; the last two also as `.gz`. `known` are columns whose types are known: those of other
    /// columns are taken from what is in them.
    ///
    /// Errors: files that cannot be read, of no kind that is known, or too large for memory.
    pub async fn add_path(&mut self, name: &str, path: &Path, known: &[Column]) -> Result<(), Error> {
        let (format, files) = files(path)?;
        let table = match format {
            Format::Parquet => parquet(&files, known).await?,
            Format::JsonLines | Format::Csv => {
                let mut rows = Text::new(known);
                for file in &files {
                    rows.read(file, format)?;
                }
                rows.finish()?
            }
        };
        self.add(name, table);
        Ok(())
    }
}

fn failure(path: &Path, error: impl std::fmt::Display) -> Error {
    Error::new("file", format!("{}: {error}", path.display()))
}

/// The file, or all files of the folder, which have to be of one kind.
fn files(path: &Path) -> Result<(Format, Vec<PathBuf>), Error> {
    if !path.is_dir() {
        let format = Format::of(path).ok_or_else(|| Error {
            help:
                "the name has to end in .parquet, .jsonl, .ndjson, .json or .csv, with .gz behind it or not"
                    .to_owned(),
            ..failure(path, "this is no kind of file that can be queried")
        })?;
        return Ok((format, vec![path.to_owned()]));
    }
    let mut found: Vec<(Format, PathBuf)> = Vec::new();
    let mut open = vec![path.to_owned()];
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(&folder).map_err(|error| failure(&folder, error))? {
            let entry = entry.map_err(|error| failure(&folder, error))?.path();
            if entry.is_dir() {
                open.push(entry);
            } else if let Some(format) = Format::of(&entry) {
                found.push((format, entry));
            }
        }
    }
    found.sort_by(|(_, left), (_, right)| left.cmp(right));
    let Some((format, _)) = found.first() else {
        return Err(failure(path, "there is no Parquet, JSON Lines or CSV file in this folder"));
    };
    let format = *format;
    if let Some((_, other)) = found.iter().find(|(other, _)| *other != format) {
        return Err(failure(
            other,
            "the folder has files of several kinds; name one file, or a folder with one kind",
        ));
    }
    Ok((format, found.into_iter().map(|(_, file)| file).collect()))
}

async fn parquet(files: &[PathBuf], known: &[Column]) -> Result<Table, Error> {
    let mut urls = Vec::with_capacity(files.len());
    for file in files {
        let whole = file.canonicalize().map_err(|error| failure(file, error))?;
        urls.push(ListingTableUrl::parse(whole.to_string_lossy())?);
    }
    let options = ListingOptions::new(Arc::new(ParquetFormat::default().with_skip_metadata(false)))
        .with_file_extension("");
    let context = SessionContext::new();
    let config = ListingTableConfig::new_with_multi_paths(urls).with_listing_options(options);
    let config = config.infer_schema(&context.state()).await?;
    Ok(Table::with_types(Arc::new(ListingTable::try_new(config)?), known)?)
}

/// The columns of text files while they are read.
struct Text<'k> {
    known: &'k [Column],
    columns: IndexMap<String, Vec<Dynamic>>,
    rows: usize,
    /// Whether values are text that still has to be read, as in CSV.
    is_untyped: bool,
}

impl<'k> Text<'k> {
    fn new(known: &'k [Column]) -> Text<'k> {
        Text { known, columns: IndexMap::new(), rows: 0, is_untyped: false }
    }

    fn read(&mut self, path: &Path, format: Format) -> Result<(), Error> {
        let size = std::fs::metadata(path).map_err(|error| failure(path, error))?.len();
        if size > MAX_TEXT {
            let message = format!("{} MiB of text are too much for memory", size >> 20);
            return Err(Error { help: "convert it to Parquet".to_owned(), ..failure(path, message) });
        }
        let file = File::open(path).map_err(|error| failure(path, error))?;
        let is_packed = path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("gz"));
        // What is packed may be anything: so much is read and no more.
        let reader: Box<dyn Read> = if is_packed {
            Box::new(flate2::read::MultiGzDecoder::new(file).take(MAX_TEXT))
        } else {
            Box::new(file)
        };
        match format {
            Format::Csv => self.csv(path, reader),
            _ => self.json(path, BufReader::new(reader)),
        }
    }

    /// An object a line, or one array of objects.
    fn json(&mut self, path: &Path, mut reader: BufReader<Box<dyn Read>>) -> Result<(), Error> {
        let first = reader.fill_buf().map_err(|error| failure(path, error))?;
        let is_array = first.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'[');
        if is_array {
            let all: Vec<serde_json::Value> =
                serde_json::from_reader(reader).map_err(|error| failure(path, error))?;
            return all.iter().enumerate().try_for_each(|(at, row)| self.object(path, at + 1, row));
        }
        for (at, line) in reader.lines().enumerate() {
            let line = line.map_err(|error| failure(path, error))?;
            if line.trim().is_empty() {
                continue;
            }
            let row = serde_json::from_str(&line)
                .map_err(|error| failure(path, format!("line {}: {error}", at + 1)))?;
            self.object(path, at + 1, &row)?;
        }
        Ok(())
    }

    fn object(&mut self, path: &Path, at: usize, row: &serde_json::Value) -> Result<(), Error> {
        let Some(members) = row.as_object() else {
            return Err(failure(path, format!("line {at}: an object is expected")));
        };
        for (key, value) in members {
            self.set(path, key, Dynamic::from_json(value))?;
        }
        self.rows += 1;
        Ok(())
    }

    fn csv(&mut self, path: &Path, reader: Box<dyn Read>) -> Result<(), Error> {
        self.is_untyped = true;
        let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(reader);
        let header = reader.headers().map_err(|error| failure(path, error))?.clone();
        let names: Vec<String> =
            header.iter().map(|name| name.trim_start_matches('\u{feff}').to_owned()).collect();
        for record in reader.records() {
            let record = record.map_err(|error| failure(path, error))?;
            for (name, cell) in names.iter().zip(&record) {
                self.set(path, name, Dynamic::String(cell.into()))?;
            }
            self.rows += 1;
        }
        Ok(())
    }

    fn set(&mut self, path: &Path, name: &str, value: Dynamic) -> Result<(), Error> {
        if !self.columns.contains_key(name) {
            if self.columns.len() >= MAX_COLUMNS {
                return Err(failure(path, format!("there are more than {MAX_COLUMNS} columns")));
            }
            self.columns.insert(name.to_owned(), Vec::new());
        }
        if let Some(column) = self.columns.get_mut(name) {
            // Rows before the first that has the column, and those that lack it.
            column.resize(self.rows, Dynamic::Null);
            column.push(value);
        }
        Ok(())
    }

    fn finish(mut self) -> Result<Table, Error> {
        // Known columns come first, those that no row has included.
        let mut columns: Vec<Column> = self.known.to_vec();
        for (name, values) in &self.columns {
            if !columns.iter().any(|column| *column.name == **name) {
                let scalar_type = if self.is_untyped { type_of_texts(values) } else { type_of(values) };
                columns.push(Column::new(name.as_str(), scalar_type));
            }
        }
        let schema = physical::schema(&columns);
        let mut writers: Vec<Vec<Value>> = Vec::with_capacity(columns.len());
        for column in &columns {
            let mut values = self.columns.swap_remove(&*column.name).unwrap_or_default();
            values.resize(self.rows, Dynamic::Null);
            writers.push(values.into_iter().map(|value| typed(value, column.scalar_type)).collect());
        }
        let mut batches = Vec::new();
        for start in (0..self.rows).step_by(BATCH) {
            let end = (start + BATCH).min(self.rows);
            let rows: Vec<Vec<Value>> = (start..end)
                .map(|at| writers.iter().map(|values| values.get(at).cloned().unwrap_or_default()).collect())
                .collect();
            batches.push(physical::batch(Arc::clone(&schema), &columns, rows.iter())?);
        }
        Ok(Table::of_batches(schema, batches)?)
    }
}

/// A value as the type of its column.
fn typed(value: Dynamic, scalar_type: ScalarType) -> Value {
    match (&value, scalar_type) {
        // Text in a column of JSON is JSON itself, as logs have it.
        (Dynamic::String(text), ScalarType::Dynamic) => physical::dynamic::decode(text),
        (Dynamic::Null, _) => Value::empty(scalar_type),
        _ => castellan_kql::plan::typed(Value::dynamic(value), scalar_type),
    }
}

/// The type that all values of a column have.
fn type_of(values: &[Dynamic]) -> ScalarType {
    let mut found: Option<ScalarType> = None;
    for value in values {
        let scalar_type = match value {
            Dynamic::Null => continue,
            Dynamic::Bool(_) => ScalarType::Bool,
            Dynamic::Long(_) => ScalarType::Long,
            Dynamic::Real(_) => ScalarType::Real,
            Dynamic::String(text) if is_time(text) => ScalarType::DateTime,
            Dynamic::String(_) => ScalarType::String,
            _ => ScalarType::Dynamic,
        };
        found = Some(match (found, scalar_type) {
            (None, other) => other,
            (Some(known), other) if known == other => known,
            (Some(ScalarType::Long | ScalarType::Real), ScalarType::Long | ScalarType::Real) => {
                ScalarType::Real
            }
            (Some(ScalarType::DateTime | ScalarType::String), ScalarType::DateTime | ScalarType::String) => {
                ScalarType::String
            }
            _ => return ScalarType::Dynamic,
        });
    }
    found.unwrap_or(ScalarType::String)
}

/// The type that all texts of a column can be read as; empty ones aside.
fn type_of_texts(values: &[Dynamic]) -> ScalarType {
    let texts = || {
        values.iter().filter_map(|value| match value {
            Dynamic::String(text) if !text.is_empty() => Some(&**text),
            _ => None,
        })
    };
    if texts().next().is_none() {
        return ScalarType::String;
    }
    // A number with zeros in front is a name.
    let is_padded = |text: &str| text.len() > 1 && text.starts_with('0') && !text.starts_with("0.");
    if texts().all(|text| !is_padded(text) && text.parse::<i64>().is_ok()) {
        return ScalarType::Long;
    }
    let is_real = |text: &str| {
        text.starts_with(|c: char| c.is_ascii_digit() || c == '-' || c == '.') && text.parse::<f64>().is_ok()
    };
    if texts().all(|text| !is_padded(text) && is_real(text)) {
        return ScalarType::Real;
    }
    if texts().all(|text| text.eq_ignore_ascii_case("true") || text.eq_ignore_ascii_case("false")) {
        return ScalarType::Bool;
    }
    if texts().all(is_time) {
        return ScalarType::DateTime;
    }
    let is_json = |text: &str| {
        (text.starts_with('{') || text.starts_with('['))
            && serde_json::from_str::<serde_json::Value>(text).is_ok()
    };
    if texts().all(is_json) { ScalarType::Dynamic } else { ScalarType::String }
}

/// A whole moment in ISO 8601, as `2026-11-21T10:00:00Z`.
fn is_time(text: &str) -> bool {
    text.len() >= 19
        && text.as_bytes().get(10).is_some_and(|sign| *sign == b'T' || *sign == b' ')
        && parse_datetime(text).is_some()
}

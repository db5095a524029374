//! The columns of rows, and the types that all their values have.

use std::time::Instant;

use castellan_kql::ScalarType;
use castellan_kql::plan::Field as Column;
use castellan_kql::value::{Dynamic, parse_datetime};
use indexmap::IndexMap;

use super::read::{Next, Sink};
use crate::Error;
use crate::progress::Progress;

/// The most columns of a table.
const MAX_COLUMNS: usize = 4_096;

/// After so many rows the clock is looked at.
const CHECKED: u64 = 1_024;

/// Columns while rows are read.
pub(super) struct Columns {
    found: IndexMap<String, Seen>,
    /// Whether values are text that may stand for something else, as in CSV.
    is_untyped: bool,
    rows: u64,
    bytes: u64,
    deadline: Instant,
    progress: Progress,
}

impl Columns {
    pub(super) fn new(is_untyped: bool, deadline: Instant, progress: Progress) -> Columns {
        Columns { found: IndexMap::new(), is_untyped, rows: 0, bytes: 0, deadline, progress }
    }

    /// How much text there was.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// All columns: those that are known first, also those that no row has.
    pub(super) fn finish(self, known: &[Column]) -> Vec<Column> {
        let mut columns: Vec<Column> = known.to_vec();
        for (name, seen) in &self.found {
            if !columns.iter().any(|column| *column.name == **name) {
                let scalar_type = if self.is_untyped { seen.type_of_texts() } else { seen.type_of_values() };
                columns.push(Column::new(name.as_str(), scalar_type));
            }
        }
        columns
    }
}

impl Sink for Columns {
    fn column(&mut self, name: &str) -> Result<Option<usize>, String> {
        if let Some(at) = self.found.get_index_of(name) {
            return Ok(Some(at));
        }
        if self.found.len() >= MAX_COLUMNS {
            return Err(format!("there are more than {MAX_COLUMNS} columns"));
        }
        Ok(Some(self.found.insert_full(name.to_owned(), Seen::default()).0))
    }

    fn value(&mut self, column: usize, value: Dynamic) {
        if let Some((_, seen)) = self.found.get_index_mut(column) {
            seen.add(&value, self.is_untyped);
        }
        // An array's text is not at hand; what its values take is.
        if let Dynamic::String(text) = &value {
            self.bytes += text.len() as u64;
        }
        self.bytes += 8;
    }

    fn end_row(&mut self, _bytes: usize) -> Result<Next, Error> {
        self.rows += 1;
        if self.rows.is_multiple_of(CHECKED) {
            self.progress.add(CHECKED);
            if Instant::now() > self.deadline {
                let message = "finding the columns of the table took longer than a query may";
                return Err(Error {
                    help: "allow more time, or convert to Parquet".to_owned(),
                    ..Error::new("stopped", message)
                });
            }
        }
        Ok(Next::Row)
    }
}

/// What the values of a column are.
#[derive(Default)]
struct Seen {
    /// The type of all values so far that have one.
    of_values: Option<ScalarType>,
    texts: Texts,
}

impl Seen {
    fn add(&mut self, value: &Dynamic, is_untyped: bool) {
        if let (true, Dynamic::String(text)) = (is_untyped, value) {
            return self.texts.add(text);
        }
        let of_value = match value {
            Dynamic::Null => return,
            Dynamic::Bool(_) => ScalarType::Bool,
            Dynamic::Long(_) => ScalarType::Long,
            Dynamic::Real(_) => ScalarType::Real,
            // Once texts are no times they stay texts.
            Dynamic::String(_) if self.of_values == Some(ScalarType::String) => ScalarType::String,
            Dynamic::String(text) if is_time(text) => ScalarType::DateTime,
            Dynamic::String(_) => ScalarType::String,
            _ => ScalarType::Dynamic,
        };
        self.of_values = Some(match self.of_values {
            Some(known) => both(known, of_value),
            None => of_value,
        });
    }

    fn type_of_values(&self) -> ScalarType {
        self.of_values.unwrap_or(ScalarType::String)
    }

    fn type_of_texts(&self) -> ScalarType {
        self.texts.scalar_type()
    }
}

/// The type that values of two types have.
fn both(one: ScalarType, other: ScalarType) -> ScalarType {
    use ScalarType::{DateTime, Dynamic, Long, Real, String};
    match (one, other) {
        _ if one == other => one,
        (Long | Real, Long | Real) => Real,
        (DateTime | String, DateTime | String) => String,
        _ => Dynamic,
    }
}

/// What all texts of a column can be read as; empty ones aside.
struct Texts {
    is_empty: bool,
    whole: bool,
    real: bool,
    boolean: bool,
    time: bool,
    json: bool,
}

impl Default for Texts {
    fn default() -> Texts {
        Texts { is_empty: true, whole: true, real: true, boolean: true, time: true, json: true }
    }
}

impl Texts {
    fn add(&mut self, text: &str) {
        if text.is_empty() {
            return;
        }
        self.is_empty = false;
        // A number with zeros in front is a name.
        let is_padded = text.len() > 1 && text.starts_with('0') && !text.starts_with("0.");
        let begins = text.starts_with(|c: char| c.is_ascii_digit() || c == '-' || c == '.');
        self.whole = self.whole && !is_padded && text.parse::<i64>().is_ok();
        self.real = self.real && !is_padded && begins && text.parse::<f64>().is_ok();
        self.boolean =
            self.boolean && (text.eq_ignore_ascii_case("true") || text.eq_ignore_ascii_case("false"));
        self.time = self.time && is_time(text);
        self.json = self.json && text.starts_with(['{', '[']) && castellan_kql::value::json::is_json(text);
    }

    fn scalar_type(&self) -> ScalarType {
        match self {
            Texts { is_empty: true, .. } => ScalarType::String,
            Texts { whole: true, .. } => ScalarType::Long,
            Texts { real: true, .. } => ScalarType::Real,
            Texts { boolean: true, .. } => ScalarType::Bool,
            Texts { time: true, .. } => ScalarType::DateTime,
            Texts { json: true, .. } => ScalarType::Dynamic,
            _ => ScalarType::String,
        }
    }
}

/// A whole moment in ISO 8601, as `2026-11-21T10:00:00Z`.
fn is_time(text: &str) -> bool {
    text.len() >= 19
        && text.as_bytes().get(10).is_some_and(|sign| *sign == b'T' || *sign == b' ')
        && parse_datetime(text).is_some()
}

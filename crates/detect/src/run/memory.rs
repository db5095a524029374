//! Events in memory, for tests and for trying rules.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use castellan_base::Ticks;
use castellan_kql::bind::Stored;
use castellan_kql::plan::Field as Column;
use castellan_kql::value::Dynamic;
use castellan_kql::{ScalarType, Value};
use castellan_query::arrow::array::RecordBatch;
use castellan_query::{Engine, Error, Settings, Table, physical};

use super::Events;
use crate::watchlist::{FUNCTIONS, WatchlistError, Watchlists};

/// Rows as JSON.
pub type Rows = Vec<serde_json::Map<String, serde_json::Value>>;

/// Tables and functions in memory.
#[derive(Clone, Debug)]
pub struct Memory {
    settings: Settings,
    tables: BTreeMap<Arc<str>, (Table, RecordBatch)>,
    functions: BTreeMap<Arc<str>, Stored>,
    watchlists: Watchlists,
}

/// A row that does not fit its table.
#[derive(Debug, thiserror::Error)]
pub enum MemoryError {
    /// A value of another type than its column.
    #[error(
        "row {row} of `{table}`: `{column}` is `{value}`, which is no {expected}; write it as the column's type has it"
    )]
    Value {
        /// The table.
        table: String,
        /// The row, from 1.
        row: usize,
        /// The column.
        column: String,
        /// What stands there.
        value: String,
        /// The type of the column.
        expected: &'static str,
    },
    /// What the engine says.
    #[error("`{table}` cannot be made: {message}")]
    Engine {
        /// The table.
        table: String,
        /// Why.
        message: String,
    },
}

impl Default for Memory {
    fn default() -> Memory {
        Memory::new(Settings::default())
    }
}

impl Memory {
    /// Without tables.
    pub fn new(settings: Settings) -> Memory {
        Memory {
            settings,
            tables: BTreeMap::new(),
            functions: BTreeMap::new(),
            watchlists: Watchlists::default(),
        }
    }

    /// Adds a table, in the place of one of the same name.
    ///
    /// Errors: rows that do not fit the columns.
    pub fn add(&mut self, name: &str, columns: Vec<Column>, rows: &[Vec<Value>]) -> Result<(), MemoryError> {
        let schema = physical::schema(&columns);
        let table = physical::batch(Arc::clone(&schema), &columns, rows.iter())
            .and_then(|batch| Ok((Table::of_batches(schema, vec![batch.clone()])?, batch)))
            .map_err(|error| MemoryError::Engine { table: name.to_owned(), message: error.to_string() })?;
        self.tables.insert(name.into(), table);
        Ok(())
    }

    /// Adds a table of rows as JSON. Members that are no column make one of the type that the values show.
    ///
    /// Errors: a value that is not of its column's type.
    pub fn add_json(&mut self, name: &str, mut columns: Vec<Column>, rows: &Rows) -> Result<(), MemoryError> {
        for row in rows {
            for (member, value) in row {
                if !columns.iter().any(|column| *column.name == **member) {
                    columns.push(Column::new(member.as_str(), shown(member, value)));
                }
            }
        }
        let mut values = Vec::with_capacity(rows.len());
        for (at, row) in rows.iter().enumerate() {
            let cells: Result<Vec<Value>, MemoryError> =
                columns.iter().map(|column| cell(name, at + 1, column, row.get(&*column.name))).collect();
            values.push(cells?);
        }
        self.add(name, columns, &values)
    }

    /// Adds a function.
    pub fn add_function(&mut self, name: impl Into<Arc<str>>, function: Stored) {
        self.functions.insert(name.into(), function);
    }

    /// Sets the watchlists.
    pub fn set_watchlists(&mut self, watchlists: Watchlists) {
        self.watchlists = watchlists;
    }

    /// The rows of a table.
    pub(crate) fn rows(&self, name: &str) -> Option<&RecordBatch> {
        self.tables.get(name).map(|(_, rows)| rows)
    }

    /// Whether there is a table.
    pub fn has(&self, name: &str) -> bool {
        self.tables.contains_key(name)
    }
}

#[async_trait]
impl Events for Memory {
    async fn engine(&self, now: Ticks) -> Result<Engine, Error> {
        let mut engine = Engine::new(Settings { now: Some(now), ..self.settings.clone() });
        for (name, (table, _)) in &self.tables {
            engine.add(name, table.clone());
        }
        let has_watchlists = !self.watchlists.is_empty();
        for (name, function) in &self.functions {
            if !(has_watchlists && FUNCTIONS.contains(&&**name)) {
                engine.add_function(name, function.clone());
            }
        }
        if has_watchlists {
            let wrong = |error: WatchlistError| Error::new("watchlist", error.to_string());
            self.watchlists.add_to(&mut engine).map_err(wrong)?;
        }
        Ok(engine)
    }
}

/// The type of a column that nobody declared.
fn shown(name: &str, value: &serde_json::Value) -> ScalarType {
    match value {
        _ if name == super::TIME || name == super::RECEIVED => ScalarType::DateTime,
        serde_json::Value::Bool(_) => ScalarType::Bool,
        serde_json::Value::Number(number) if number.is_i64() => ScalarType::Long,
        serde_json::Value::Number(_) => ScalarType::Real,
        serde_json::Value::Array(_) | serde_json::Value::Object(_) => ScalarType::Dynamic,
        _ => ScalarType::String,
    }
}

fn cell(
    table: &str,
    row: usize,
    column: &Column,
    value: Option<&serde_json::Value>,
) -> Result<Value, MemoryError> {
    let given = value.filter(|value| !value.is_null());
    let Some(given) = given else { return Ok(Value::empty(column.scalar_type)) };
    let made = match (column.scalar_type, given) {
        (ScalarType::Dynamic, given) => Value::dynamic(Dynamic::from_json(given)),
        (ScalarType::String, serde_json::Value::String(text)) => Value::string(text.as_str()),
        (ScalarType::String, other) => Value::string(other.to_string()),
        (wanted, serde_json::Value::String(text)) => Value::string(text.as_str()).convert(wanted),
        (wanted, other) => Dynamic::from_json(other).to_value().convert(wanted),
    };
    if made.is_null() {
        return Err(MemoryError::Value {
            table: table.to_owned(),
            row,
            column: column.name.to_string(),
            value: given.to_string(),
            expected: column.scalar_type.name(),
        });
    }
    Ok(made)
}

//! What tests share.

use std::path::Path;

use castellan_kql::Value;
use castellan_lake::{Append, Appended, Error, Form, Lake, Options};
use castellan_query::Settings;

pub(crate) type Outcome = Result<(), Box<dyn std::error::Error>>;

/// A lake that does nothing by itself.
pub(crate) fn quiet() -> Options {
    Options { upkeep: false, disk_reserve: 0, ..Options::default() }
}

pub(crate) async fn open(folder: &Path) -> Result<Lake, Error> {
    Lake::open(folder, quiet()).await
}

pub(crate) async fn append(lake: &Lake, table: &str, rows: &str) -> Result<Appended, Error> {
    lake.append(table, rows.as_bytes(), Form::Array, Append::default()).await
}

/// The rows of a query, each value as its text.
pub(crate) async fn query(lake: &Lake, text: &str) -> Result<Vec<Vec<String>>, Box<dyn std::error::Error>> {
    let answers = lake.engine(Settings::default()).query(text).await.map_err(|error| format!("{error:?}"))?;
    let first = answers.answers.first().ok_or("no answer")?;
    Ok(first.values()?.iter().map(|row| row.iter().map(Value::to_text).collect()).collect())
}

/// The single value of a query.
pub(crate) async fn value(lake: &Lake, text: &str) -> Result<String, Box<dyn std::error::Error>> {
    let rows = query(lake, text).await?;
    let [row] = rows.as_slice() else { return Err(format!("{} rows", rows.len()).into()) };
    let [value] = row.as_slice() else { return Err(format!("{} values", row.len()).into()) };
    Ok(value.clone())
}

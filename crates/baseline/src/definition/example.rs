//! Tests that stand in definitions.

use std::collections::BTreeMap;

use castellan_base::Ticks;
use serde::Deserialize;
use serde_json::{Map, Value};

/// The most rows that an example may stand for.
const MAX_ROWS: usize = 20_000;
/// The column that says when something happened.
const TIME: &str = "TimeGenerated";

/// Events, and what they are to show.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Example {
    /// What it is about.
    pub name: String,
    /// The events by table.
    pub tables: BTreeMap<String, Vec<Given>>,
    /// What is found: each row of `BehaviorAnalytics` is one of these, and each of these one row.
    pub expect: Vec<Expected>,
}

/// A row, or the same row again and again.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Given {
    /// The row.
    pub row: Map<String, Value>,
    /// How often.
    #[serde(default = "once")]
    pub times: usize,
    /// Minutes from one to the next.
    #[serde(default = "day")]
    pub every: i64,
}

/// What is to be found.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Expected {
    /// Whose activity.
    pub actor: String,
    /// Members of `ActivityInsights` that are `True`.
    #[serde(default)]
    pub insights: Vec<String>,
    /// `Unusual`, or `InsufficientHistory`.
    #[serde(default = "unusual")]
    pub verdict: String,
    /// The least priority.
    #[serde(default)]
    pub priority: u8,
}

fn once() -> usize {
    1
}
fn day() -> i64 {
    1_440
}
fn unusual() -> String {
    "Unusual".to_owned()
}

impl Example {
    /// The rows of a table.
    ///
    /// Errors: too many of them, or a row without a time that is to be repeated.
    pub fn rows(&self, table: &str) -> Result<Vec<Map<String, Value>>, String> {
        let mut rows = Vec::new();
        for given in self.tables.get(table).into_iter().flatten() {
            for number in 0..given.times {
                if rows.len() == MAX_ROWS {
                    return Err(format!("`{}` has more than {MAX_ROWS} rows in {table}", self.name));
                }
                rows.push(given.shifted(number)?);
            }
        }
        Ok(rows)
    }
}

impl Given {
    fn shifted(&self, number: usize) -> Result<Map<String, Value>, String> {
        let mut row = self.row.clone();
        if number == 0 {
            return Ok(row);
        }
        let written = row.get(TIME).and_then(Value::as_str).and_then(|text| text.parse::<Ticks>().ok());
        let minutes = i64::try_from(number).ok().and_then(|number| number.checked_mul(self.every));
        let ticks = minutes.and_then(|minutes| minutes.checked_mul(60 * Ticks::PER_SECOND));
        let time = written.zip(ticks).and_then(|(time, ticks)| time.checked_add(ticks));
        let Some(time) = time else {
            return Err(format!("a row that is repeated needs `{TIME}` as 2026-11-21T10:00:00Z"));
        };
        row.insert(TIME.to_owned(), time.to_string().into());
        Ok(row)
    }
}

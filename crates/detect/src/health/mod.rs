//! Whether rules run and sources send, as rows that rules themselves can look at.
//!
//! Each run of a rule is a row of `SentinelHealth`, with the members that Microsoft Sentinel documents: what the window
//! was, how many results and alerts it gave, why it failed; and beside them what it cost and how late it was. Looks at
//! what arrives are many and short: they come together in one row for a time. A source is a table: [`Sources`] knows how
//! long each is usually silent, and says when one is silent for longer.
//!
//! Source: Microsoft Sentinel documentation, "SentinelHealth table columns reference" and "Monitor the health and audit
//! the integrity of analytics rules".

mod rules;
mod sources;

pub use rules::{Looks, health_columns, look_row, run_rows};
pub use sources::{MAX_SOURCES, Silence, Sources, source_columns, source_row};

use castellan_kql::Value;
use castellan_kql::plan::Field as Column;

/// A row with the columns of a table, of cells by name.
fn row(columns: &[Column], cell: impl Fn(&str) -> Option<Value>) -> Vec<Value> {
    columns
        .iter()
        .map(|column| cell(&column.name).unwrap_or_else(|| Value::empty(column.scalar_type)))
        .collect()
}

//! Roles as data.

use std::collections::BTreeMap;

use castellan_kql::Value;
use castellan_kql::plan::Field as Column;
use castellan_kql::value::{MAX_DATETIME_TICKS, format_datetime, parse_timespan};
use serde::Deserialize;

use crate::Error;

/// What a role may see of each table. Names of tables and columns are compared without regard to case: a role that is
/// written a little differently must not show more.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Access {
    /// What holds for tables that are not named. All of each is seen unless something is said.
    pub others: Seen,
    /// What holds for a table, by its name.
    pub tables: BTreeMap<String, Seen>,
}

/// What may be seen of a table: all of it by default.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Seen {
    /// Whether there is no such table.
    pub hidden: bool,
    /// The columns that there are; all where nothing is said.
    pub columns: Option<Vec<String>>,
    /// Columns that there are not, even if `columns` names them.
    pub hidden_columns: Vec<String>,
    /// A condition in KQL over the columns of the table, hidden ones too, that a row has to meet. It reads no table.
    pub rows: Option<String>,
    /// How old a row may be by its `TimeGenerated`, as a timespan of KQL: `30d`, `12h`. A table without that column
    /// is hidden.
    pub newer_than: Option<String>,
    /// The time that rows lie in, where a table has such a column.
    #[serde(skip)]
    pub span: Option<Span>,
}

/// A time from `from` up to `until`, in ticks since year 1, of a column that holds times.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span {
    /// The column. Tables without it, or in which it holds something else, are not restricted.
    pub column: String,
    /// The first time, included; from the beginning where it is none.
    pub from: Option<i64>,
    /// The first time that is too late; without end where it is none.
    pub until: Option<i64>,
}

/// The column that says when something happened, in the tables of Azure Monitor.
pub(super) const TIME: &str = "TimeGenerated";

impl Access {
    /// The same for all tables.
    pub fn of_all(others: Seen) -> Access {
        Access { others, tables: BTreeMap::new() }
    }

    /// With what holds for one table.
    #[must_use]
    pub fn with(mut self, table: impl Into<String>, seen: Seen) -> Access {
        self.tables.insert(table.into(), seen);
        self
    }

    /// What holds for a table, each of it: names that differ in case alone may stand beside each other.
    pub(super) fn of(&self, table: &str) -> Vec<&Seen> {
        let named = self.tables.iter().filter(|(name, _)| name.eq_ignore_ascii_case(table));
        let own: Vec<&Seen> = named.map(|(_, seen)| seen).collect();
        if own.is_empty() { vec![&self.others] } else { own }
    }

    /// Names in a role that no table or column has: each is likely a mistake, though it hides nothing less.
    pub fn unmatched<'t>(&self, tables: impl Iterator<Item = (&'t str, &'t [Column])>) -> Vec<String> {
        let known: Vec<(&str, &[Column])> = tables.collect();
        let mut missing = Vec::new();
        for (name, seen) in &self.tables {
            let Some((_, columns)) = known.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)) else {
                missing.push(name.clone());
                continue;
            };
            let named = seen.columns.iter().flatten().chain(&seen.hidden_columns);
            missing.extend(
                named
                    .filter(|name| !columns.iter().any(|column| column.name.eq_ignore_ascii_case(name)))
                    .map(|column| format!("{name}.{column}")),
            );
        }
        missing
    }
}

impl Seen {
    /// Nothing of the table.
    pub fn nothing() -> Seen {
        Seen { hidden: true, ..Seen::default() }
    }

    /// Rows of a time, where tables have times.
    pub fn within(from: Option<i64>, until: Option<i64>) -> Seen {
        let span = Span { column: TIME.to_owned(), from, until };
        Seen { span: Some(span), ..Seen::default() }
    }

    /// Whether a column is seen.
    pub(super) fn shows(&self, column: &str) -> bool {
        let is_named = |names: &[String]| names.iter().any(|name| name.eq_ignore_ascii_case(column));
        self.columns.as_deref().is_none_or(is_named) && !is_named(&self.hidden_columns)
    }

    /// The condition that `newer-than` stands for.
    ///
    /// Errors: it is no timespan, or not one that goes back.
    pub(super) fn age(&self) -> Result<Option<String>, Error> {
        let Some(text) = &self.newer_than else { return Ok(None) };
        match parse_timespan(text).filter(|ticks| *ticks > 0) {
            Some(ticks) => {
                let span = Value::TimeSpan(ticks).to_text();
                Ok(Some(format!("['{TIME}'] >= now() - timespan({span})")))
            }
            None => Err(Error {
                help: "write a timespan of KQL, as `30d` or `12h`".to_owned(),
                ..Error::new("access", format!("`newer-than` is `{text}`, which is no time to go back"))
            }),
        }
    }
}

impl Span {
    /// The condition that it stands for; none where it has no bounds. Times that no calendar has are the first and the
    /// last that it has.
    pub(super) fn condition(&self) -> Option<String> {
        let column = &self.column;
        let bound = |operator: &str, at: i64| {
            format!("['{column}'] {operator} datetime({})", format_datetime(at.clamp(0, MAX_DATETIME_TICKS)))
        };
        let bounds: Vec<String> = self
            .from
            .map(|at| bound(">=", at))
            .into_iter()
            .chain(self.until.map(|at| bound("<", at)))
            .collect();
        (!bounds.is_empty()).then(|| bounds.join(" and "))
    }
}

//! Whether a rule can run, before it does: its query against the schemas of tables, its mappings against the columns of
//! the result, its words against the lists that they are from.
//!
//! What is not known is not wrong: a table that nobody declared makes a rule [`Verdict::Unknown`], with what to do about
//! it.
//!
//! ```
//! use castellan_base::Sources;
//! use castellan_detect::check::{Schemas, Verdict, check};
//! use castellan_detect::rule::read::read;
//!
//! let text = "name: n\nkind: NRT\nseverity: Low\nquery: SigninLogs | project UserPrincipalName\n\
//!     customDetails: { Where: Location }\n";
//! let mut sources = Sources::default();
//! let rule = read("r.yaml", text, &mut sources).rules.remove(0);
//! let checked = check(&rule, &Schemas::default(), &sources);
//! assert_eq!(checked.verdict, Verdict::Wrong);
//! assert_eq!(checked.diagnostics[0].message, "the result has no column `Location`");
//! ```

mod columns;
mod practice;
mod query;
mod report;
mod schemas;
mod words;

use std::collections::BTreeSet;
use std::sync::Arc;

use castellan_base::{Diagnostic, Level, Sources};
use castellan_kql::bind::Database;
use castellan_kql::plan::Field as Column;
use serde::Serialize;

use crate::rule::Rule;

pub use report::{Report, report};
pub use schemas::Schemas;

/// Whether a rule can run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// It can, and means what it says as far as that can be told.
    Sound,
    /// Its query can be run; something that it says beside is wrong.
    Wrong,
    /// It depends on something that is not known here, as a table that nobody declared.
    Unknown,
    /// Its query cannot be run.
    Broken,
}

/// What is known of a rule.
#[derive(Clone, Debug)]
pub struct Checked {
    /// Whether it can run.
    pub verdict: Verdict,
    /// The columns of its result, as far as they are known.
    pub columns: Vec<Column>,
    /// Whether there may be more columns, which the data decide.
    pub is_open: bool,
    /// The tables that it reads.
    pub tables: Vec<Arc<str>>,
    /// What is wrong or doubtful, with places.
    pub diagnostics: Vec<Diagnostic>,
}

/// Checks a rule against tables and functions.
pub fn check(rule: &Rule, database: &dyn Database, sources: &Sources) -> Checked {
    let result = query::bound(rule, database, sources);
    let mut told = result.diagnostics;
    if let Some(columns) = &result.columns {
        columns::check(rule, columns, result.is_open, &mut told);
    }
    words::check(rule, &mut told);
    practice::check(rule, sources, &mut told);
    let has_error = told.iter().any(|found| found.level == Level::Error);
    let verdict = match (&result.columns, result.is_unknown) {
        (_, true) => Verdict::Unknown,
        (None, false) => Verdict::Broken,
        (Some(_), false) if has_error => Verdict::Wrong,
        (Some(_), false) => Verdict::Sound,
    };
    let tables: BTreeSet<Arc<str>> = result.tables.into_iter().collect();
    Checked {
        verdict,
        columns: result.columns.unwrap_or_default(),
        is_open: result.is_open,
        tables: tables.into_iter().collect(),
        diagnostics: told,
    }
}

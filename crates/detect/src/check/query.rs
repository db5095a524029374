//! The query of a rule against the schemas of tables.

use std::sync::Arc;

use castellan_base::{Diagnostic, Level, Sources};
use castellan_kql::bind::{Database, Options, bind};
use castellan_kql::plan::Field as Column;
use castellan_kql::{Severity, parse};

use crate::rule::Rule;

/// What binding gives.
#[derive(Default)]
pub(super) struct Bound {
    /// The columns of the result; none where the query is wrong.
    pub(super) columns: Option<Vec<Column>>,
    pub(super) is_open: bool,
    /// Whether what is missing is a schema, not the rule's own fault.
    pub(super) is_unknown: bool,
    pub(super) tables: Vec<Arc<str>>,
    pub(super) diagnostics: Vec<Diagnostic>,
}

/// Binds the query of a rule.
pub(super) fn bound(rule: &Rule, database: &dyn Database, sources: &Sources) -> Bound {
    let parsed = parse(&rule.query.text);
    let mut made = Bound::default();
    let told = |found: &castellan_kql::Diagnostic| placed(rule, found, sources);
    made.diagnostics.extend(parsed.diagnostics.iter().map(told));
    if parsed.diagnostics.iter().any(|found| found.severity == Severity::Error) {
        return made;
    }
    match bind(&parsed.script, database, &Options::default()) {
        Err(error) => {
            made.is_unknown = matches!(error.code, "unknown-table" | "unknown-function");
            let mut diagnostic = told(&error);
            if made.is_unknown {
                diagnostic.help = match error.help.as_str() {
                    "" => "declare it in a catalog (`table,columns` in a CSV file), or see whether it is misspelt".to_owned(),
                    help => help.to_owned(),
                };
            }
            made.diagnostics.push(diagnostic);
        }
        Ok(bound) => {
            made.diagnostics.extend(bound.warnings.iter().map(told));
            for result in &bound.results {
                made.tables.extend(result.plan.tables());
            }
            if let [result] = bound.results.as_slice() {
                made.is_open = result.plan.is_open || bound.undiscovered.is_some();
                made.columns = Some(result.plan.columns.clone());
            } else {
                let message = format!("the query has {} results; a rule has one", bound.results.len());
                made.diagnostics
                    .push(Diagnostic::error(rule.query.span, message).with_help("keep one query"));
            }
        }
    }
    made
}

/// What is said about a query, at its place in the file.
fn placed(rule: &Rule, found: &castellan_kql::Diagnostic, sources: &Sources) -> Diagnostic {
    let offset = |at: u32| usize::try_from(at).unwrap_or(usize::MAX);
    let span = rule.query.part(sources, offset(found.span.start), offset(found.span.end));
    let level = match found.severity {
        Severity::Error => Level::Error,
        Severity::Warning => Level::Warning,
    };
    Diagnostic { level, message: found.message.clone(), span, help: found.help.clone() }
}

//! Conditions of roles over the columns of a table.

use std::sync::Arc;

use castellan_kql::ast::Script;
use castellan_kql::bind::{Options, Tables as Names, bind};
use castellan_kql::plan::{Field as Column, Scalar, ScalarKind, Step};
use castellan_kql::{ScalarType, Severity};

use super::role::TIME;
use super::{Access, Seen};
use crate::Error;
use crate::tables::Table;

/// What the table is called in a condition. Conditions cannot name it, since they read no table.
const SUBJECT: &str = "castellan_subject";

/// A condition that rows of a table have to meet. It is read once, and bound for each query, whose time `now()` is.
#[derive(Clone, Debug)]
pub(crate) struct Rule {
    script: Arc<Script>,
}

impl Rule {
    /// Reads a condition and sees whether it fits the columns.
    ///
    /// Errors: what is wrong with it.
    pub(crate) fn new(condition: &str, columns: &[Column]) -> Result<Rule, Error> {
        // What a comment would swallow stands on a line of its own.
        let parsed = castellan_kql::parse(&format!("{SUBJECT}\n| where (\n{condition}\n)"));
        if let Some(error) = parsed.diagnostics.into_iter().find(|found| found.severity == Severity::Error) {
            return Err(wrong(condition, &error.message));
        }
        let rule = Rule { script: Arc::new(parsed.script) };
        rule.bound(columns, Options::default().now).map_err(|error| wrong(condition, &error.message))?;
        Ok(rule)
    }

    /// The condition over columns by their position.
    ///
    /// Errors: it names what is not there, reads tables, or is no condition on a row alone.
    pub(crate) fn bound(&self, columns: &[Column], now: i64) -> Result<Scalar, Error> {
        let mut names = Names::default();
        names.add(SUBJECT, columns.to_vec());
        let options = Options { now, ..Options::default() };
        let bound = bind(&self.script, &names, &options)?;
        let [result] = bound.results.as_slice() else {
            return Err(Error::new("access", "it is no single condition"));
        };
        match &result.plan.step {
            Step::Filter { input, predicate }
                if matches!(input.step, Step::Table(_)) && input.columns == columns =>
            {
                if is_of_row(predicate) {
                    Ok(predicate.clone())
                } else {
                    Err(Error::new("access", "it reads tables or draws by chance"))
                }
            }
            // The binder leaves out a condition that always holds.
            Step::Table(_) => Ok(Scalar::literal(castellan_kql::Value::Bool(true), ScalarType::Bool)),
            _ => Err(Error::new("access", "it is no single condition")),
        }
    }
}

/// Whether a condition depends on its row alone.
fn is_of_row(scalar: &Scalar) -> bool {
    let is_own = !matches!(
        scalar.kind,
        ScalarKind::Volatile(_) | ScalarKind::Subquery(_) | ScalarKind::MembershipOf { .. }
    );
    is_own && !scalar.is_unknown() && scalar.operands().into_iter().all(is_of_row)
}

fn wrong(condition: &str, message: &str) -> Error {
    Error {
        help: "write what could stand behind `where`, over columns of this table alone".to_owned(),
        ..Error::new("access", format!("the condition `{condition}` cannot be used: {message}"))
    }
}

/// A table as it may be seen; none where it may not.
///
/// Errors: a condition for this table that cannot be used.
pub(crate) fn restricted(table: Table, name: &str, access: &Access) -> Result<Option<Table>, Error> {
    let is_named = access.tables.keys().any(|known| known.eq_ignore_ascii_case(name));
    let mut seen_so_far = table;
    for seen in access.of(name) {
        if seen.hidden {
            return Ok(None);
        }
        let rules = match rules(seen, seen_so_far.all_columns(), is_named) {
            Ok(Some(rules)) => rules,
            Ok(None) => return Ok(None),
            Err(error) => {
                return Err(Error { message: format!("table `{name}`: {}", error.message), ..error });
            }
        };
        seen_so_far = seen_so_far.restricted(|column| seen.shows(column), rules);
    }
    // A table without columns has nothing to say but how many rows it has.
    Ok(Some(seen_so_far).filter(|table| !table.columns().is_empty()))
}

/// The conditions on rows; none where the table cannot be seen since they do not fit.
fn rules(seen: &Seen, columns: &[Column], is_named: bool) -> Result<Option<Vec<Rule>>, Error> {
    let has_time = |name: &str| {
        let is_it = |column: &Column| *column.name == *name && column.scalar_type == ScalarType::DateTime;
        columns.iter().any(is_it)
    };
    let mut rules = Vec::new();
    if let Some(condition) = &seen.rows {
        match Rule::new(condition, columns) {
            Ok(rule) => rules.push(rule),
            Err(error) if is_named => return Err(error),
            Err(_) => return Ok(None),
        }
    }
    if let Some(condition) = seen.age()? {
        if !has_time(TIME) {
            return Ok(None);
        }
        rules.push(Rule::new(&condition, columns)?);
    }
    if let Some(span) = &seen.span
        && has_time(&span.column)
        && let Some(condition) = span.condition()
    {
        rules.push(Rule::new(&condition, columns)?);
    }
    Ok(Some(rules))
}

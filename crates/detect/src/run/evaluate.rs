//! The query of a rule over a window.

use std::sync::Arc;
use std::time::{Duration, Instant};

use castellan_kql::bind::{Options, bind};
use castellan_kql::plan::Field as Column;
use castellan_kql::{Diagnostic, Value, parse};
use castellan_query::arrow::array::RecordBatch;
use castellan_query::{Cut, Engine, Error, Watch, physical};

use super::window::blind;
use super::{Events, Window, keys};
use crate::rule::Rule;

/// Why a rule could not be run.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The tables cannot be read.
    #[error("the tables of rule `{rule}` cannot be read: {error}")]
    Tables {
        /// The rule's name.
        rule: Arc<str>,
        /// Why.
        error: Error,
    },
    /// The query is wrong, or reaches a limit.
    #[error("the query of rule `{rule}` cannot be run: {error}")]
    Query {
        /// The rule's name.
        rule: Arc<str>,
        /// Why, with its place in the query.
        error: Error,
    },
    /// A query of several results.
    #[error("the query of rule `{rule}` has {count} results; a rule has one: keep one query")]
    Results {
        /// The rule's name.
        rule: Arc<str>,
        /// How many it has.
        count: usize,
    },
    /// Not all of the results were given: alerts of a part would look like all.
    #[error(
        "the results of rule `{rule}` are not whole ({cut:?}): raise the bounds of the engine, or aggregate more"
    )]
    Cut {
        /// The rule's name.
        rule: Arc<str>,
        /// Why.
        cut: Cut,
    },
}

impl Failure {
    /// What the engine said.
    pub fn error(&self) -> Option<&Error> {
        match self {
            Failure::Tables { error, .. } | Failure::Query { error, .. } => Some(error),
            Failure::Results { .. } | Failure::Cut { .. } => None,
        }
    }
}

/// The rows that a query gave.
#[derive(Clone, Debug, Default)]
pub struct Results {
    /// Their columns.
    pub columns: Vec<Column>,
    /// The rows, in arrays: a million of them take little more than their values.
    pub batches: Vec<RecordBatch>,
}

impl Results {
    /// How many rows there are.
    pub fn count(&self) -> u64 {
        self.batches.iter().map(|batch| u64::try_from(batch.num_rows()).unwrap_or(u64::MAX)).sum()
    }

    /// Shows each row, with its number from 0.
    ///
    /// Errors: batches that do not have the columns.
    pub fn each(&self, mut see: impl FnMut(u64, Vec<Value>)) -> Result<(), Error> {
        let mut number = 0;
        for batch in &self.batches {
            for row in physical::rows(batch, &self.columns)? {
                see(number, row);
                number += 1;
            }
        }
        Ok(())
    }

    /// The position of a column.
    pub fn position(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|column| &*column.name == name)
    }
}

/// What a run of a query gave.
#[derive(Clone, Debug)]
pub struct Evaluation {
    /// What it saw.
    pub window: Window,
    /// The rows.
    pub results: Results,
    /// The positions of the columns that identify a row; none where all do.
    pub keys: Option<Vec<usize>>,
    /// Whether the rows pass the rule's threshold.
    pub is_triggered: bool,
    /// The tables that were read.
    pub tables: Vec<Arc<str>>,
    /// Those of them whose rows do not say when they were taken in.
    pub blind: Vec<Arc<str>>,
    /// How many rows of tables were read.
    pub scanned: u64,
    /// How long it took.
    pub took: Duration,
    /// What may be meant differently in the query.
    pub warnings: Vec<Diagnostic>,
}

/// Runs the query of a rule over a window.
///
/// Errors: the tables cannot be read, or the query cannot be run, or reaches a limit.
pub async fn evaluate(rule: &Rule, events: &dyn Events, window: Window) -> Result<Evaluation, Failure> {
    evaluate_within(rule, events, window, Watch::default()).await
}

/// The same for a run that can be watched and ended from elsewhere.
///
/// Errors: as [`evaluate`].
pub async fn evaluate_within(
    rule: &Rule,
    events: &dyn Events,
    window: Window,
    watch: Watch,
) -> Result<Evaluation, Failure> {
    let tables = |error| Failure::Tables { rule: Arc::clone(&rule.name), error };
    let query = |error| Failure::Query { rule: Arc::clone(&rule.name), error };
    let begun = Instant::now();
    let engine = events.engine_for(&window).await.map_err(tables)?;
    let (keys, tables_read) = shape(rule, &engine, window);
    let blind = blind(&engine, &tables_read);
    let engine = window.restrict(engine, &blind).map_err(tables)?;
    let progress = watch.progress.clone();
    let mut answers = engine.query_watched(&rule.query.text, watch).await.map_err(query)?;
    if answers.answers.len() != 1 {
        return Err(Failure::Results { rule: Arc::clone(&rule.name), count: answers.answers.len() });
    }
    let answer = answers.answers.pop();
    if let Some(cut) = answer.as_ref().and_then(|answer| answer.cut) {
        return Err(Failure::Cut { rule: Arc::clone(&rule.name), cut });
    }
    let results = answer.map(|answer| Results { columns: answer.columns, batches: answer.batches });
    let results = results.unwrap_or_default();
    Ok(Evaluation {
        is_triggered: rule.trigger.holds(results.count()),
        keys: keys.filter(|keys| keys.iter().all(|at| *at < results.columns.len())),
        window,
        results,
        tables: tables_read,
        blind,
        scanned: progress.rows(),
        took: begun.elapsed(),
        warnings: answers.warnings,
    })
}

/// What the plan of a query says of it: the columns that identify its rows, and the tables that it reads.
fn shape(rule: &Rule, engine: &Engine, window: Window) -> (Option<Vec<usize>>, Vec<Arc<str>>) {
    let options = Options { now: window.until.get(), ..Options::default() };
    let Ok(bound) = bind(&parse(&rule.query.text).script, engine.database(), &options) else {
        return (None, Vec::new());
    };
    let mut tables: Vec<Arc<str>> = bound.results.iter().flat_map(|result| result.plan.tables()).collect();
    tables.extend(bound.undiscovered.iter().flat_map(|plan| plan.tables()));
    tables.sort();
    tables.dedup();
    // Columns that the data decide are not in this plan, so that positions in it mean nothing.
    let known = bound.results.first().filter(|_| bound.undiscovered.is_none());
    (known.and_then(|result| keys(&result.plan)), tables)
}

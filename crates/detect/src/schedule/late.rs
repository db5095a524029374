//! Windows that events came late for.

use std::collections::BTreeSet;
use std::sync::Arc;

use castellan_base::Ticks;
use castellan_kql::bind::{Options, bind};
use castellan_kql::value::format_datetime;
use castellan_kql::{Value, parse};
use castellan_query::{Engine, Error};

use super::{Due, State, Timing};
use crate::rule::{Kind, Rule};
use crate::run::{Events, Failure, RECEIVED, TIME, Window, earlier, has_time, later};

/// The most windows that are looked at again in one run.
const MAX_AGAIN: usize = 500;

/// What came late.
#[derive(Default)]
pub(super) struct Late {
    /// The windows to look at again.
    pub(super) windows: Vec<Window>,
    /// How many there was no place for.
    pub(super) left: usize,
}

/// What came late since the last run, for windows that were looked at before.
///
/// Errors: the tables cannot be read.
pub(super) async fn windows(
    rule: &Rule,
    state: &State,
    events: &dyn Events,
    due: &Due,
    timing: &Timing,
) -> Result<Late, Failure> {
    let mut late = Late::default();
    let done = state.done.and_then(Ticks::new);
    let before = state.received.and_then(Ticks::new);
    let first = due.windows.first().and_then(|window| window.from);
    let (Kind::Scheduled, Some(done), Some(before), Some(first)) = (rule.kind, done, before, first) else {
        return Ok(late);
    };
    // What the next window sees needs no other.
    let (low, high) = (earlier(done, timing.lateness), first.min(done));
    if high <= low || due.received <= before {
        return Ok(late);
    }
    let tables = |error| Failure::Tables { rule: Arc::clone(&rule.name), error };
    let query = |error| Failure::Query { rule: Arc::clone(&rule.name), error };
    let engine = events.engine(due.received).await.map_err(tables)?;
    let mut ends = BTreeSet::new();
    for table in read(rule, &engine, due.received).map_err(query)? {
        let shape = engine.database().table(&table).unwrap_or_default();
        if !(has_time(&shape, TIME) && has_time(&shape, RECEIVED)) {
            continue;
        }
        let text = counted(&table, rule.frequency, [before, due.received, low, high]);
        for bin in times(&engine, &text).await.map_err(tables)? {
            ends.extend(windows_of(bin, rule, done));
        }
    }
    late.left = ends.len().saturating_sub(MAX_AGAIN);
    // The latest matter most.
    late.windows = ends
        .into_iter()
        .skip(late.left)
        .map(|until| Window { received_until: Some(due.received), ..Window::of(rule, until) })
        .collect();
    Ok(late)
}

/// The tables that a rule reads.
fn read(rule: &Rule, engine: &Engine, now: Ticks) -> Result<Vec<Arc<str>>, Error> {
    let options = Options { now: now.get(), ..Options::default() };
    let bound = bind(&parse(&rule.query.text).script, engine.database(), &options)?;
    let mut tables: Vec<Arc<str>> = bound.results.iter().flat_map(|result| result.plan.tables()).collect();
    tables.extend(bound.undiscovered.iter().flat_map(|plan| plan.tables()));
    tables.sort();
    tables.dedup();
    Ok(tables)
}

/// A query for the times of what was taken in between two times and happened between two others.
fn counted(table: &str, frequency: i64, [before, received, low, high]: [Ticks; 4]) -> String {
    let time = |ticks: Ticks| format!("datetime({})", format_datetime(ticks.get()));
    let name = table.replace('\\', "\\\\").replace('\'', "\\'");
    format!(
        "['{name}'] | where {RECEIVED} >= {} and {RECEIVED} < {} and {TIME} >= {} and {TIME} < {} \
         | summarize by Bin = bin({TIME}, {frequency}tick)",
        time(before),
        time(received),
        time(low),
        time(high)
    )
}

async fn times(engine: &Engine, query: &str) -> Result<Vec<Ticks>, Error> {
    let answers = engine.query(query).await?;
    let mut found = Vec::new();
    for answer in &answers.answers {
        for row in answer.values()? {
            if let Some(Value::DateTime(ticks)) = row.first() {
                found.extend(Ticks::new(*ticks));
            }
        }
    }
    Ok(found)
}

/// The ends of the windows that all of a bin lies in and that were looked at.
fn windows_of(bin: Ticks, rule: &Rule, done: Ticks) -> Vec<Ticks> {
    let last = later(bin, rule.period.max(rule.frequency)).min(done);
    let mut ends = Vec::new();
    let mut end = later(bin, rule.frequency);
    while end <= last && ends.len() <= MAX_AGAIN {
        ends.push(end);
        end = later(end, rule.frequency);
    }
    ends
}

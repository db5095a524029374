//! Windows that events came late for.

use std::collections::BTreeSet;
use std::sync::Arc;

use castellan_base::Ticks;
use castellan_kql::bind::{Options, bind};
use castellan_kql::value::format_datetime;
use castellan_kql::{Value, parse};
use castellan_query::{Engine, Error};

use super::due::boundary;
use super::{Due, State, Timing};
use crate::rule::{Kind, Rule};
use crate::run::{Events, Failure, RECEIVED, TIME, Window, earlier, has_time, later};
use crate::stream;

/// The most windows that are looked at again in one run.
const MAX_AGAIN: usize = 500;
/// The most windows that one event lies in and that are looked at again for it. A rule that looks back over a day every
/// five minutes has 288; then some of them stand for all, the first and the last among them.
const MAX_OF_EVENT: usize = 24;

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
    let late = Late::default();
    let done = state.done.and_then(Ticks::new);
    let before = state.received.and_then(Ticks::new);
    let first = due.windows.first().and_then(|window| window.from);
    let (Kind::Scheduled, Some(done), Some(before), Some(first)) = (rule.kind, done, before, first) else {
        return Ok(late);
    };
    if due.received <= before {
        return Ok(late);
    }
    let came = events.came_since(before, done);
    if came.as_ref().is_some_and(Vec::is_empty) {
        return Ok(late);
    }
    let tables = |error| Failure::Tables { rule: Arc::clone(&rule.name), error };
    let query = |error| Failure::Query { rule: Arc::clone(&rule.name), error };
    let engine = events.engine(due.received).await.map_err(tables)?;
    let read = Read::of(rule, &engine, due.received).map_err(query)?;
    // Where rows stand by themselves, what the next window sees needs no other. Where they are counted, an older window
    // may be the one that has enough of them.
    let high = if read.is_of_rows { first.min(done) } else { done };
    let low = earlier(done, timing.lateness);
    if high <= low {
        return Ok(late);
    }
    let mut ends = BTreeSet::new();
    if let Some(came) = came {
        let bins =
            came.into_iter().filter(|time| *time < high).map(|time| boundary(time, rule.frequency.max(1)));
        ends.extend(bins.filter(|bin| *bin >= low).flat_map(|bin| windows_of(bin, rule, done)));
        return Ok(chosen(rule, ends, due));
    }
    for table in read.tables {
        let shape = engine.database().table(&table).unwrap_or_default();
        if !(has_time(&shape, TIME) && has_time(&shape, RECEIVED)) {
            continue;
        }
        let text = counted(&table, rule.frequency, [before, due.received, low, high]);
        for bin in times(&engine, &text).await.map_err(query)? {
            ends.extend(windows_of(bin, rule, done));
        }
    }
    Ok(chosen(rule, ends, due))
}

/// The windows to look at again: the latest matter most.
fn chosen(rule: &Rule, ends: BTreeSet<Ticks>, due: &Due) -> Late {
    let left = ends.len().saturating_sub(MAX_AGAIN);
    let again = |until| Window { received_until: Some(due.received), ..Window::of(rule, until) };
    Late { windows: ends.into_iter().skip(left).map(again).collect(), left }
}

/// What a rule reads.
struct Read {
    tables: Vec<Arc<str>>,
    /// Whether each row gives its results by itself, whenever the query runs.
    is_of_rows: bool,
}

impl Read {
    fn of(rule: &Rule, engine: &Engine, now: Ticks) -> Result<Read, Error> {
        let options = Options { now: now.get(), ..Options::default() };
        let bound = bind(&parse(&rule.query.text).script, engine.database(), &options)?;
        let is_of_rows = stream::is_of_rows(rule, engine, now);
        let mut tables: Vec<Arc<str>> =
            bound.results.iter().flat_map(|result| result.plan.tables()).collect();
        tables.extend(bound.undiscovered.iter().flat_map(|plan| plan.tables()));
        tables.sort();
        tables.dedup();
        Ok(Read { tables, is_of_rows })
    }
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
    let frequency = rule.frequency.max(1);
    let first = later(bin, frequency);
    let last = later(bin, rule.period.max(frequency)).min(done);
    if last < first {
        return Vec::new();
    }
    let count = (last.get() - first.get()) / frequency;
    let step = count / i64::try_from(MAX_OF_EVENT).unwrap_or(i64::MAX) + 1;
    let mut numbers: Vec<i64> = (0..=count).step_by(usize::try_from(step).unwrap_or(1)).collect();
    if numbers.last() != Some(&count) {
        numbers.push(count);
    }
    numbers.into_iter().map(|number| later(first, number.saturating_mul(frequency))).collect()
}

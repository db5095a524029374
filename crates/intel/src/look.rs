//! The tables of an engine against an index: one query for each table that holds what indicators name.

use std::collections::BTreeSet;
use std::sync::Arc;

use castellan_base::Ticks;
use castellan_detect::run::{RECEIVED, Results};
use castellan_kql::ScalarType;
use castellan_kql::plan::Field as Column;
use castellan_kql::value::format_datetime;
use castellan_query::{Engine, Error};
use serde::{Deserialize, Serialize};

use crate::matching::{Index, Match, Place, Places, Run, Searched, search};

/// What is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// The first time.
    pub from: Ticks,
    /// The first time that is too late.
    pub until: Ticks,
    /// What the times are of.
    pub by: By,
}

/// What times are of. Tables that do not say when rows were taken in are looked at by when things happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum By {
    /// Both are of when things happened.
    Happened,
    /// Both are of when rows were taken in.
    Received,
    /// The first is of when things happened, the last of when rows were taken in: all that is known then of a time.
    Known,
}

impl Window {
    /// What happened from one time up to another.
    pub fn happened(from: Ticks, until: Ticks) -> Window {
        Window { from, until, by: By::Happened }
    }

    /// What was taken in from one time up to another.
    pub fn received(from: Ticks, until: Ticks) -> Window {
        Window { from, until, by: By::Received }
    }

    /// What happened from a time on and was taken in before another.
    pub fn known(from: Ticks, until: Ticks) -> Window {
        Window { from, until, by: By::Known }
    }
}

/// What a look over tables gave.
#[derive(Debug, Default)]
pub struct Looked {
    /// What was found.
    pub run: Run,
    /// The tables that were looked at, with what was read of each.
    pub tables: Vec<(Arc<str>, Searched)>,
    /// Tables that could not be read, with the reasons. What they hold is not searched.
    pub failed: Vec<(Arc<str>, Error)>,
}

/// Looks at tables of an engine that hold what indicators name: at those that are named, or at all. `is_new` says whether
/// a match counts.
///
/// Errors: none of the tables can be read at all.
pub async fn look(
    index: &Index,
    places: &Places,
    engine: &Engine,
    tables: Option<&BTreeSet<Arc<str>>>,
    window: &Window,
    is_new: &mut (dyn FnMut(&str, &Match<'_>) -> bool + Send),
) -> Result<Looked, Error> {
    let mut looked = Looked::default();
    if index.is_empty() {
        return Ok(looked);
    }
    for (table, columns) in engine.shapes() {
        let own = places.within(&table, &columns);
        if own.is_empty() || tables.is_some_and(|tables| !tables.contains(&table)) {
            continue;
        }
        let query = query(&table, &columns, &own, window, None);
        match read(engine, &query).await {
            Ok(results) => {
                let run = &mut looked.run;
                let searched = search(index, &own, &results, window.until, &mut |found| {
                    if is_new(&table, &found) {
                        run.take(&table, found);
                    }
                })?;
                looked.tables.push((table, searched));
            }
            Err(error) => looked.failed.push((table, error)),
        }
    }
    match looked.failed.pop() {
        Some((_, error)) if looked.tables.is_empty() && looked.failed.is_empty() => Err(error),
        Some(last) => {
            looked.failed.push(last);
            Ok(looked)
        }
        None => Ok(looked),
    }
}

/// The query for what a window shows of a table, as far as a condition holds.
pub(crate) fn query(
    table: &str,
    columns: &[Column],
    places: &[Place],
    window: &Window,
    condition: Option<&str>,
) -> String {
    let has = |name: &str| {
        columns.iter().any(|column| &*column.name == name && column.scalar_type == ScalarType::DateTime)
    };
    let time = crate::matching::TIMES.into_iter().find(|name| has(name));
    let received = if has(RECEIVED) { Some(RECEIVED) } else { time };
    let (first, last) = match window.by {
        By::Happened => (time, time),
        By::Received => (received, received),
        By::Known => (time, received),
    };
    let at = |ticks: Ticks| format!("datetime({})", format_datetime(ticks.get()));
    let mut text = format!("['{}']", escaped(table));
    if let (Some(first), Some(last)) = (first, last) {
        text += &format!(" | where {first} >= {} and {last} < {}", at(window.from), at(window.until));
    }
    if let Some(condition) = condition {
        text += &format!(" | where {condition}");
    }
    let mut shown: Vec<String> = time.into_iter().map(str::to_owned).collect();
    for place in places {
        let name = format!("['{}']", escaped(&place.column));
        if !shown.contains(&name) {
            shown.push(name);
        }
    }
    text += &format!(" | project {}", shown.join(", "));
    text
}

/// A text between quotes of the language.
pub(crate) fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('\'', "\\'")
}

/// The first result of a query.
pub(crate) async fn read(engine: &Engine, query: &str) -> Result<Results, Error> {
    let mut answers = engine.query(query).await?;
    let answer = answers.answers.pop();
    Ok(answer.map(|answer| Results { columns: answer.columns, batches: answer.batches }).unwrap_or_default())
}

//! Activities from tables: what was taken in since the last time.

use std::sync::Arc;

use castellan_base::Ticks;
use castellan_query::{Access, Engine, Error, Seen, Span};

use crate::activity::{Activity, Places, day};
use crate::definition::Definition;
use crate::state::{Bounds, State};
use crate::take::Taken;

/// The column that says when a row was taken in.
const RECEIVED: &str = "_TimeReceived";
/// The column that says when something happened.
const TIME: &str = "TimeGenerated";
/// Rows can be queried this long after they were taken in, at the latest: five seconds.
const SETTLE: i64 = 5 * Ticks::PER_SECOND;
/// The shortest time that is read at once: a second.
const SHORTEST: i64 = Ticks::PER_SECOND;

/// Why a baseline cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The query is wrong, or reaches a limit.
    #[error("the query of the baseline `{definition}` cannot be run: {error}")]
    Query {
        /// The definition.
        definition: Arc<str>,
        /// Why.
        error: Error,
    },
    /// A column that is needed.
    #[error("the query of the baseline `{definition}` gives no column `{column}`; project it")]
    Column {
        /// The definition.
        definition: Arc<str>,
        /// The column.
        column: String,
    },
    /// Several results.
    #[error("the query of the baseline `{definition}` has {count} results; keep one")]
    Results {
        /// The definition.
        definition: Arc<str>,
        /// How many.
        count: usize,
    },
}

/// What is read next: all that was taken in from one time up to another, in ticks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    /// The first time.
    pub from: i64,
    /// The first time that is too late.
    pub until: i64,
}

impl State {
    /// Of a definition that nothing is known of at a time: what the tables hold of its retention is learnt first.
    pub fn begin_at(definition: &Definition, now: Ticks) -> State {
        let days = i64::from(definition.retention.days);
        let from = now.get().saturating_sub(days * Ticks::PER_DAY).max(0);
        State::new(definition, from, now.get())
    }

    /// What is to be read next, no more than `most` ticks of it; `None` where nothing is due. A part ends with its day, and where
    /// learning ends.
    pub fn next(&self, now: Ticks, most: i64) -> Option<Part> {
        let settled = now.get().saturating_sub(SETTLE);
        let next_day = (i64::from(day(self.until)) + 1) * Ticks::PER_DAY;
        let mut until = settled.min(next_day).min(self.until.saturating_add(most.max(SHORTEST)));
        if self.until < self.began {
            until = until.min(self.began);
        }
        (until > self.until).then_some(Part { from: self.until, until })
    }
}

/// Reads what was taken in during a part, and takes it into a state. A part of too many rows gives an error of the code
/// `too-many-rows` or `too-many-bytes`, after which a shorter one can be tried: the state is as it was.
///
/// Errors: the query cannot be run.
pub async fn step(
    definition: &Definition,
    state: &mut State,
    engine: Engine,
    part: Part,
    bounds: &Bounds,
) -> Result<Taken, Failure> {
    let query = |error| Failure::Query { definition: Arc::clone(&definition.id), error };
    let mut access = Access::default();
    let own = definition.tables.iter().map(|table| (table, 0));
    let near = definition.near.iter().map(|(table, minutes)| (table, i64::from(*minutes)));
    for (table, minutes) in own.chain(near) {
        let columns = engine.database().table(table).unwrap_or_default().columns;
        let is_there = columns.iter().any(|column| &*column.name == RECEIVED);
        let span = Span {
            column: if is_there { RECEIVED } else { TIME }.to_owned(),
            from: Some(part.from.saturating_sub(minutes * 60 * Ticks::PER_SECOND)),
            until: Some(part.until),
        };
        access = access.with(table.as_str(), Seen { span: Some(span), ..Seen::default() });
    }
    let engine = engine.restrict(&access).map_err(query)?;
    let activities = activities(definition, &engine).await?;
    Ok(state.take(definition, activities, part.until, bounds))
}

/// The activities that a definition sees in tables.
///
/// Errors: the query cannot be run, or gives no activities.
pub async fn activities(definition: &Definition, engine: &Engine) -> Result<Vec<Activity>, Failure> {
    let query = |error| Failure::Query { definition: Arc::clone(&definition.id), error };
    let answers = engine.query(&definition.query).await.map_err(query)?;
    let [answer] = answers.answers.as_slice() else {
        return Err(Failure::Results {
            definition: Arc::clone(&definition.id),
            count: answers.answers.len(),
        });
    };
    let places = Places::of(definition, &answer.columns)?;
    let mut found = Vec::with_capacity(answer.rows());
    for batch in &answer.batches {
        let rows = castellan_query::physical::rows(batch, &answer.columns);
        let rows = rows.map_err(|error| query(Error::new("rows", error.to_string())))?;
        found.extend(rows.iter().filter_map(|row| places.read(row)));
    }
    Ok(found)
}

impl Failure {
    /// Whether a shorter part may do.
    pub fn is_too_much(&self) -> bool {
        match self {
            Failure::Query { error, .. } => ["too-many-rows", "too-many-bytes"].contains(&error.code),
            Failure::Column { .. } | Failure::Results { .. } => false,
        }
    }
}

//! A rule that is told of events as they arrive.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use async_trait::async_trait;
use castellan_base::Ticks;
use castellan_query::arrow::array::{AsArray, RecordBatch};
use castellan_query::arrow::compute::max;
use castellan_query::arrow::datatypes::Int64Type;
use castellan_query::{Engine, Error, Table};

use super::growth::Growth;
use super::held::Held;
use super::needs::Need;
use crate::rule::{Kind, Rule};
use crate::run::{Events, RECEIVED, TIME, Window};
use crate::schedule::boundary;

/// The most times of late events that are remembered.
const MAX_TIMES: usize = 10_000;

/// How a rule runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum How {
    /// Each event is looked at when it arrives.
    Rows,
    /// What a window has so far is looked at when something arrives that matters.
    Windows,
    /// On its schedule alone, over the tables; and why.
    Scheduled(String),
}

/// A rule, and the rows that matter to it.
#[derive(Debug)]
pub(super) struct Streamed {
    pub(super) rule: Rule,
    pub(super) how: How,
    pub(super) needs: Vec<Need>,
    /// Whether it has no results where its tables have no rows.
    pub(super) is_nothing_of_nothing: bool,
    /// Rows for as long as windows reach back.
    pub(super) held: BTreeMap<Arc<str>, Held>,
    /// Rows that were not looked at.
    pub(super) fresh: BTreeMap<Arc<str>, Vec<RecordBatch>>,
    /// Rows that happened from here on are all held.
    pub(super) since: Ticks,
    /// Times of events, by the bins of the rule's frequency, and when the last of each bin was taken in.
    pub(super) times: BTreeMap<Ticks, Ticks>,
    /// How long it took to look at it last, and when it may be looked at again, in seconds of [`std::time::Instant`].
    pub(super) rests_until: Option<std::time::Instant>,
    /// For a rule in near real time that has just started: what was taken in before is looked at once more from here.
    pub(super) resumed: bool,
}

impl Streamed {
    pub(super) fn new(rule: Rule, how: How, needs: Vec<Need>, is_nothing_of_nothing: bool) -> Streamed {
        Streamed {
            rule,
            how,
            needs,
            is_nothing_of_nothing,
            held: BTreeMap::new(),
            fresh: BTreeMap::new(),
            since: Ticks::MAX,
            times: BTreeMap::new(),
            rests_until: None,
            resumed: false,
        }
    }

    /// The tables that it reads.
    pub(super) fn tables(&self) -> BTreeSet<Arc<str>> {
        self.needs.iter().map(|need| Arc::clone(&need.table)).collect()
    }

    /// From now on it runs over the tables, and why.
    pub(super) fn schedules(&mut self, why: impl Into<String>) {
        self.how = How::Scheduled(why.into());
        self.held.clear();
        self.fresh.clear();
        self.times.clear();
        self.since = Ticks::MAX;
    }

    /// Takes rows that matter to it.
    ///
    /// Errors: rows of other columns than before.
    pub(super) fn take(&mut self, table: &Arc<str>, batch: &RecordBatch) -> Result<(), Error> {
        self.note_times(batch);
        self.fresh.entry(Arc::clone(table)).or_default().push(batch.clone());
        if self.rule.kind == Kind::Scheduled {
            self.held.entry(Arc::clone(table)).or_default().push(batch.clone())?;
        }
        Ok(())
    }

    fn note_times(&mut self, batch: &RecordBatch) {
        let column =
            |name| batch.column_by_name(name).and_then(|column| column.as_primitive_opt::<Int64Type>());
        let (Some(times), Some(received)) = (column(TIME), column(RECEIVED)) else { return };
        let Some(received) = max(received).and_then(Ticks::new) else { return };
        for time in times.iter().flatten().filter_map(Ticks::new) {
            let last = self.times.entry(boundary(time, self.rule.frequency.max(1))).or_insert(received);
            *last = (*last).max(received);
        }
        while self.times.len() > MAX_TIMES {
            self.times.pop_first();
        }
    }

    /// Forgets what no window to come reaches back to.
    ///
    /// Errors: as [`Held::forget`].
    pub(super) fn forget(&mut self, before: Ticks, late_before: Ticks) -> Result<(), Error> {
        for held in self.held.values_mut() {
            held.forget(before.get())?;
        }
        self.times = self.times.split_off(&late_before);
        self.since = self.since.max(before);
        Ok(())
    }

    /// Whether all rows of a window are held that matter to it.
    pub(super) fn covers(&self, window: &Window) -> bool {
        !matches!(self.how, How::Scheduled(_)) && window.from.is_some_and(|from| from >= self.since)
    }

    /// Bytes of the rows that are held, or that wait to be looked at by a rule that holds none.
    pub(super) fn bytes(&self) -> usize {
        match self.rule.kind {
            Kind::Scheduled => self.held.values().map(Held::bytes).sum(),
            Kind::NearRealTime => self.fresh.values().flatten().map(RecordBatch::get_array_memory_size).sum(),
        }
    }
}

/// How results come about, as it is told.
pub(super) fn how(growth: Growth) -> How {
    match growth {
        Growth::Rows => How::Rows,
        Growth::Groups => How::Windows,
    }
}

/// The events of a rule: those that are held for it, and the tables where that is not enough.
pub(super) struct Kept<'s> {
    pub(super) streamed: &'s Streamed,
    pub(super) below: &'s dyn Events,
}

#[async_trait]
impl Events for Kept<'_> {
    async fn engine(&self, now: Ticks) -> Result<Engine, Error> {
        self.below.engine(now).await
    }

    async fn engine_for(&self, window: &Window) -> Result<Engine, Error> {
        let mut engine = self.below.engine(window.until).await?;
        if self.streamed.covers(window) {
            for table in self.streamed.tables() {
                let held = self.streamed.held.get(&table).map(Held::batches).unwrap_or_default();
                replace(&mut engine, &table, held)?;
            }
        }
        Ok(engine)
    }

    fn is_idle(&self, window: &Window) -> bool {
        let streamed = self.streamed;
        let is_told = streamed.how == How::Rows && streamed.rule.kind == Kind::NearRealTime;
        if !streamed.is_nothing_of_nothing || streamed.rule.trigger.holds(0) {
            return false;
        }
        let from = window.from.map_or(i64::MIN, Ticks::get);
        let has_none = |held: &Held| held.last().is_none_or(|last| last < from);
        is_told && streamed.fresh.is_empty() && streamed.since <= window.until
            || streamed.covers(window) && streamed.held.values().all(has_none)
    }

    fn came_since(&self, received: Ticks, happened_before: Ticks) -> Option<Vec<Ticks>> {
        // What came before it followed is not known here.
        if matches!(self.streamed.how, How::Scheduled(_)) || received < self.streamed.since {
            return None;
        }
        let times = self.streamed.times.range(..happened_before);
        Some(times.filter(|(_, last)| **last >= received).map(|(time, _)| *time).collect())
    }
}

/// The events of a rule that have just arrived, and no others.
pub(super) struct Fresh<'s> {
    pub(super) streamed: &'s Streamed,
    pub(super) rows: BTreeMap<Arc<str>, Vec<RecordBatch>>,
    pub(super) below: &'s dyn Events,
}

#[async_trait]
impl Events for Fresh<'_> {
    async fn engine(&self, now: Ticks) -> Result<Engine, Error> {
        self.below.engine(now).await
    }

    async fn engine_for(&self, window: &Window) -> Result<Engine, Error> {
        let mut engine = self.below.engine(window.until).await?;
        for table in self.streamed.tables() {
            replace(&mut engine, &table, self.rows.get(&table).cloned().unwrap_or_default())?;
        }
        Ok(engine)
    }
}

/// Lays rows over a table.
fn replace(engine: &mut Engine, name: &str, rows: Vec<RecordBatch>) -> Result<(), Error> {
    let Some(table) = engine.table(name) else { return Ok(()) };
    let schema = castellan_query::physical::schema(table.columns());
    engine.add(name, Table::of_batches(schema, rows)?);
    Ok(())
}

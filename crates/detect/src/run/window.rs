//! Which events a run sees.

use std::sync::Arc;

use castellan_base::Ticks;
use castellan_kql::ScalarType;
use castellan_kql::bind::Shape;
use castellan_query::{Access, Engine, Error, Seen, Span};

use crate::rule::{Kind, Rule};

/// The column that says when a row was taken in.
pub const RECEIVED: &str = "_TimeReceived";
/// The column that says when something happened.
pub const TIME: &str = "TimeGenerated";

/// What a run sees of the tables: what happened from `from` up to `until`, as far as it was taken in in a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// The first time of events; all before where there is none, as for rules in near real time.
    pub from: Option<Ticks>,
    /// The first time that is too late, and what `now()` gives.
    pub until: Ticks,
    /// Rows that were taken in earlier are not seen.
    pub received_from: Option<Ticks>,
    /// Rows that were taken in then or later are not seen.
    pub received_until: Option<Ticks>,
}

impl Window {
    /// What a rule sees in a run at a time, whenever it was taken in.
    pub fn of(rule: &Rule, now: Ticks) -> Window {
        let from = match rule.kind {
            Kind::Scheduled => Some(earlier(now, rule.period)),
            Kind::NearRealTime => None,
        };
        Window { from, until: now, received_from: None, received_until: None }
    }

    /// What came in from one time up to another, whenever it happened.
    pub fn received(from: Ticks, until: Ticks) -> Window {
        Window { from: None, until, received_from: Some(from), received_until: Some(until) }
    }

    /// An engine that sees no more than this. Tables without times are seen whole, such as watchlists. Of a run that sees
    /// all times, tables that do not say when rows were taken in (`blind`) are seen by when things happened, since their
    /// rows would come in each run otherwise.
    ///
    /// Errors: those of [`Engine::restrict`].
    pub fn restrict(&self, engine: Engine, blind: &[Arc<str>]) -> Result<Engine, Error> {
        let ticks = |time: Option<Ticks>| time.map(Ticks::get);
        // A rule that is run by what came in may see what a wrong clock dates into the future.
        let until = self.from.is_some().then(|| self.until.get());
        let engine = engine.restrict(&Access::of_all(Seen::within(ticks(self.from), until)))?;
        if self.received_from.is_none() && self.received_until.is_none() {
            return Ok(engine);
        }
        let span = Span {
            column: RECEIVED.to_owned(),
            from: ticks(self.received_from),
            until: ticks(self.received_until),
        };
        let mut access = Access::of_all(Seen { span: Some(span), ..Seen::default() });
        if self.from.is_none() {
            for table in blind {
                let seen = Seen::within(ticks(self.received_from), ticks(self.received_until));
                access = access.with(table.to_string(), seen);
            }
        }
        engine.restrict(&access)
    }
}

/// Tables that say when things happened, and not when their rows were taken in.
pub(crate) fn blind(engine: &Engine, tables: &[Arc<str>]) -> Vec<Arc<str>> {
    let is_blind = |table: &&Arc<str>| {
        let shape = engine.database().table(table).unwrap_or_default();
        has_time(&shape, TIME) && !has_time(&shape, RECEIVED)
    };
    tables.iter().filter(is_blind).cloned().collect()
}

/// Whether a table has a column of times.
pub(crate) fn has_time(shape: &Shape, name: &str) -> bool {
    shape.columns.iter().any(|column| &*column.name == name && column.scalar_type == ScalarType::DateTime)
}

/// A time earlier by ticks; the first that there is where none is so early.
pub(crate) fn earlier(time: Ticks, ticks: i64) -> Ticks {
    time.checked_add(-ticks).unwrap_or(Ticks::MIN)
}

/// A time later by ticks; the last that there is where none is so late.
pub(crate) fn later(time: Ticks, ticks: i64) -> Ticks {
    time.checked_add(ticks).unwrap_or(Ticks::MAX)
}

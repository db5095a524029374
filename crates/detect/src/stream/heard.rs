//! What rules could hear of in tables that stay as they are.
//!
//! Who runs rules over the windows of a past week has most of them look in vain: a query costs tens of milliseconds before
//! it sees a row, and few windows hold a row that meets the conditions that stand above a rule's tables. Those conditions
//! are asked once of all rows here; a window without such rows is known to give nothing.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use async_trait::async_trait;
use castellan_base::Ticks;
use castellan_query::arrow::array::{Array, AsArray, BooleanArray, Int64Array, RecordBatch};
use castellan_query::arrow::datatypes::Int64Type;
use castellan_query::compiled::Compiler;
use castellan_query::{Engine, Error};

use super::needs::Reads;
use super::sieve::Sieve;
use super::source::Source;
use super::{is_still, lasting_reads, whole};
use crate::rule::Rule;
use crate::run::{Events, Memory, RECEIVED, TIME, Window};

/// For each of some rules, when something happened that matters to it.
///
/// Windows of rules whose queries or triggers leave that open are never taken for idle.
#[derive(Debug, Default)]
pub struct Heard {
    rules: Vec<Option<Matters>>,
    /// By place where some rule reads a table: the rows that meet the conditions there. Nothing for tables without times,
    /// of which all rows are seen always.
    places: Vec<Option<Vec<Moment>>>,
}

/// What matters to a rule.
#[derive(Debug)]
struct Matters {
    source: Source,
    /// Its places among those of all rules.
    places: Range<usize>,
}

/// When a row says that it happened and that it was taken in; nothing where it does not say.
#[derive(Clone, Copy, Debug)]
struct Moment {
    happened: Option<i64>,
    received: Option<i64>,
}

impl Heard {
    /// Asks all rows of the tables for the conditions of all rules.
    ///
    /// # Errors
    /// The tables cannot be read, or values of theirs cannot be computed.
    pub async fn open(rules: &[Rule], memory: &Memory, now: Ticks) -> Result<Heard, Error> {
        let engine = memory.engine(now).await?;
        let compiler = Compiler::default();
        let mut sieves: BTreeMap<Arc<str>, Sieve> = BTreeMap::new();
        let mut heard = Heard::default();
        for rule in rules {
            let matters = heard.sift(rule, &mut sieves, (&engine, &compiler, now));
            heard.rules.push(matters);
        }
        for (table, sieve) in &sieves {
            let Some(rows) = memory.rows(table) else { continue };
            for (place, mask) in sieve.matters(rows)? {
                if let Some(known) = heard.places.get_mut(place) {
                    *known = Some(moments(rows, &mask));
                }
            }
        }
        Ok(heard)
    }

    /// Adds the places where a rule reads tables to the sieves of these; nothing where a window without such rows may give
    /// results all the same.
    fn sift(
        &mut self,
        rule: &Rule,
        sieves: &mut BTreeMap<Arc<str>, Sieve>,
        (engine, compiler, now): (&Engine, &Compiler, Ticks),
    ) -> Option<Matters> {
        if rule.trigger.holds(0) {
            return None;
        }
        let plan = whole(rule, engine, now).ok()?;
        let Reads { needs, source } = lasting_reads(rule, engine, (&plan, now)).ok()?;
        let first = self.places.len();
        let places = first..first + needs.len();
        self.places.resize_with(places.end, || None);
        for (place, need) in places.clone().zip(needs) {
            if is_still(engine, &need.table) {
                continue;
            }
            if !sieves.contains_key(&need.table) {
                let sieve = Sieve::new(engine.table(&need.table)?, compiler).ok()?;
                sieves.insert(Arc::clone(&need.table), sieve);
            }
            sieves.get_mut(&need.table)?.add(place, &need.conditions, compiler).ok()?;
            self.places.get_mut(place).into_iter().for_each(|rows| *rows = Some(Vec::new()));
        }
        Some(Matters { source, places })
    }

    /// Whether it is known that a rule, by its place in the list, has no results in any window.
    pub fn is_silent(&self, at: usize) -> bool {
        self.is_nothing(at, &|_| true)
    }

    /// Whether a rule has no results where only these rows are seen.
    fn is_nothing(&self, at: usize, is_seen: &dyn Fn(&Moment) -> bool) -> bool {
        let Some(Some(matters)) = self.rules.get(at) else { return false };
        let is_empty = |place: usize| {
            let rows = self.places.get(matters.places.start + place).and_then(Option::as_ref);
            rows.is_some_and(|rows| !rows.iter().any(is_seen))
        };
        matters.source.is_nothing(&is_empty)
    }

    /// The events of a rule, by its place in the list, for [`crate::schedule::run`]: those below, which are the tables that
    /// were asked, and no look at windows without what matters.
    pub fn events<'h>(&'h self, at: usize, below: &'h dyn Events) -> impl Events + 'h {
        Known { heard: self, at, below }
    }
}

/// When the rows of a mask happened.
fn moments(rows: &RecordBatch, mask: &BooleanArray) -> Vec<Moment> {
    let column = |name| rows.column_by_name(name).and_then(|column| column.as_primitive_opt::<Int64Type>());
    let (happened, received) = (column(TIME), column(RECEIVED));
    let chosen = (0..mask.len()).filter(|at| mask.is_valid(*at) && mask.value(*at));
    let moment = |at| {
        let value = |times: Option<&Int64Array>| Some(times.filter(|times| times.is_valid(at))?.value(at));
        Moment { happened: value(happened), received: value(received) }
    };
    chosen.map(moment).collect()
}

impl Moment {
    /// Whether a window may see it, as [`Window::restrict`] has it.
    fn is_in(self, window: &Window) -> bool {
        let not_before = |time: Option<i64>, from: Option<Ticks>| {
            time.is_none_or(|time| from.is_none_or(|from| time >= from.get()))
        };
        let before = |time: Option<i64>, until: Option<Ticks>| {
            time.is_none_or(|time| until.is_none_or(|until| time < until.get()))
        };
        let until = window.from.map(|_| window.until);
        not_before(self.happened, window.from)
            && before(self.happened, until)
            && not_before(self.received, window.received_from)
            && before(self.received, window.received_until)
    }
}

/// The events of a rule of which it is known what matters to it.
struct Known<'h> {
    heard: &'h Heard,
    at: usize,
    below: &'h dyn Events,
}

#[async_trait]
impl Events for Known<'_> {
    async fn engine(&self, now: Ticks) -> Result<Engine, Error> {
        self.below.engine(now).await
    }

    async fn engine_for(&self, window: &Window) -> Result<Engine, Error> {
        self.below.engine_for(window).await
    }

    fn is_idle(&self, window: &Window) -> bool {
        self.heard.is_nothing(self.at, &|row| row.is_in(window))
    }

    fn came_since(&self, received: Ticks, happened_before: Ticks) -> Option<Vec<Ticks>> {
        let matters = self.heard.rules.get(self.at)?.as_ref()?;
        let rows = self.heard.places.get(matters.places.clone())?.iter().flatten().flatten();
        let late = rows.filter(|row| row.received.is_some_and(|time| time >= received.get()));
        let times = late.filter_map(|row| row.happened).filter(|time| *time < happened_before.get());
        Some(times.filter_map(Ticks::new).collect())
    }
}

//! Rules that are told of events as they arrive.
//!
//! A rule on its schedule looks at its window when that is over. Most rules need not wait: of what arrives, few rows meet
//! the conditions that stand above the tables of their queries, and those few are enough. They are held for as long as
//! windows reach back, and the whole query runs over them, so that a rule gives the same results over what is held as
//! over the tables, and gives them within a second of the event.
//!
//! What is told before a window is over must not be taken back by what comes later. For each rule it is decided from its
//! plan whether that can happen: [`How::Rows`] looks at each event by itself, [`How::Windows`] at groups that can only
//! grow, and all others stay on their schedules ([`How::Scheduled`]) with the reason. At the end of a window every rule is
//! run as if nothing had been told ([`crate::schedule::run`] with [`Streams::events`]); results that were told early are
//! known there and count as repeated.
//!
//! *Invariant (as in batch):* whatever order events arrive in, the results that alerts stand for are those of the same
//! rule on its schedule over the tables (tested with a month of events for each kind of rule).
//!
//! *Invariant (bounded):* rows that are held have a bound for a rule and for all rules together. A rule whose rows find no
//! place goes on over the tables, and says so.

mod growth;
mod heard;
mod held;
mod implied;
mod needs;
mod rule;
mod sieve;
mod source;
mod together;
mod warm;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use castellan_base::Ticks;
use castellan_kql::bind::{Bound, Options, bind};
use castellan_kql::parse;
use castellan_kql::plan::Plan;
use castellan_query::arrow::array::{Array, BooleanArray};
use castellan_query::arrow::compute::{filter, filter_record_batch, or};
use castellan_query::compiled::{Arrived, Compiler};
use castellan_query::{Engine, Error};

use crate::rule::{Kind, Operator, Rule};
use crate::run::{Events, TIME, Window, earlier, has_time, later};
use crate::schedule::{Ran, State, Timing, early, open};
use growth::{Growth, growth};
use needs::{Need, Reads, lasting, reads};
use rule::{Fresh, Kept, Streamed};
use sieve::Sieve;
use together::Together;

pub use heard::Heard;
pub use rule::How;

/// Bounds on what is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of the rows of one rule.
    pub rule: usize,
    /// Bytes of the rows of all rules.
    pub all: usize,
    /// Rows of the past that a rule may begin with.
    pub rows: usize,
    /// A rule that looks at windows rests so many times as long as its last look took, and so does any other whose look
    /// took a tenth of a second.
    pub rest: u32,
}

impl Default for Limits {
    /// 64 MiB for a rule, 256 MiB for all, 200,000 rows, and four fifths of the time at rest.
    fn default() -> Limits {
        Limits { rule: 64 << 20, all: 256 << 20, rows: 200_000, rest: 4 }
    }
}

/// A look that takes so long keeps other rules waiting: most events matter to the rule, whose conditions say little of them.
const LONG: Duration = Duration::from_millis(100);

/// Rules that are told of events as they arrive.
#[derive(Debug)]
pub struct Streams {
    compiler: Compiler,
    limits: Limits,
    sieves: BTreeMap<Arc<str>, Sieve>,
    streamed: Vec<Streamed>,
}

impl Streams {
    /// Decides for each rule how it runs. Nothing is held yet: [`Streams::warm`] says from when on rows arrive.
    ///
    /// Errors: the tables cannot be read.
    pub async fn open(
        rules: &[Rule],
        events: &dyn Events,
        now: Ticks,
        limits: Limits,
    ) -> Result<Streams, Error> {
        let engine = events.engine(now).await?;
        let mut streams = Streams {
            compiler: Compiler::default(),
            limits,
            sieves: BTreeMap::new(),
            streamed: Vec::with_capacity(rules.len()),
        };
        for rule in rules {
            let at = streams.streamed.len();
            let made = streams.decide(rule, &engine, now).and_then(|streamed| {
                streams
                    .sift(at, &streamed.needs, &engine)
                    .map(|()| streamed)
                    .map_err(|error| error.to_string())
            });
            streams.streamed.push(match made {
                Ok(streamed) => streamed,
                Err(why) => {
                    streams.sieves.values_mut().for_each(|sieve| sieve.remove(at));
                    Streamed::new(rule.clone(), How::Scheduled(why), Vec::new(), false)
                }
            });
        }
        Ok(streams)
    }

    /// How a rule runs, by its place in the list.
    pub fn how(&self, at: usize) -> Option<&How> {
        self.streamed.get(at).map(|streamed| &streamed.how)
    }

    /// Bytes of the rows that are held.
    pub fn bytes(&self) -> usize {
        self.streamed.iter().map(Streamed::bytes).sum()
    }

    fn decide(&self, rule: &Rule, engine: &Engine, now: Ticks) -> Result<Streamed, String> {
        let plan = whole(rule, engine, now)?;
        let growth = growth(&plan, &|table| is_still(engine, table))?;
        if rule.kind == Kind::NearRealTime && growth != Growth::Rows {
            return Err("a rule in near real time counts what came within a minute".to_owned());
        }
        if !matches!(
            (rule.trigger.operator, rule.trigger.threshold),
            (Operator::GreaterThan, _) | (Operator::NotEqual, 0)
        ) {
            return Err("it is about how few results there are".to_owned());
        }
        let Reads { needs, source } = lasting_reads(rule, engine, (&plan, now))?;
        let is_event = |need: &Need| !is_still(engine, &need.table);
        let is_nothing_of_nothing = source.is_nothing(&|place| needs.get(place).is_some_and(is_event));
        let needs: Vec<Need> = needs.into_iter().filter(is_event).collect();
        if needs.is_empty() {
            return Err("it reads no table of events".to_owned());
        }
        Ok(Streamed::new(rule.clone(), rule::how(growth), needs, is_nothing_of_nothing))
    }

    /// Adds what a rule needs to the sieves of its tables.
    fn sift(&mut self, at: usize, needs: &[Need], engine: &Engine) -> Result<(), Error> {
        for need in needs {
            if !self.sieves.contains_key(&need.table) {
                let missing = || Error::new("unknown-table", format!("there is no table `{}`", need.table));
                let table = engine.table(&need.table).ok_or_else(missing)?;
                self.sieves.insert(Arc::clone(&need.table), Sieve::new(table, &self.compiler)?);
            }
            if let Some(sieve) = self.sieves.get_mut(&need.table) {
                sieve.add(at, &need.conditions, &self.compiler)?;
            }
        }
        Ok(())
    }

    /// Takes rows that have just arrived. Rules for whose rows there is no room, and those over a table that has changed, go
    /// on over the tables.
    ///
    /// Errors: values that cannot be computed.
    pub fn arrive(&mut self, arrivals: &[&dyn Arrived]) -> Result<(), Error> {
        let mut by_table: BTreeMap<&Arc<str>, Vec<&dyn Arrived>> = BTreeMap::new();
        for arrival in arrivals {
            by_table.entry(arrival.table()).or_default().push(*arrival);
        }
        for (table, arrivals) in by_table {
            let Some(sieve) = self.sieves.get(table).filter(|sieve| sieve.is_read()) else { continue };
            if arrivals.iter().any(|arrival| arrival.schema() != sieve.schema()) {
                self.leave(table, "its table has got further columns since it was started");
                continue;
            }
            self.take(table, &Together::new(arrivals))?;
        }
        self.make_room();
        Ok(())
    }

    fn take(&mut self, table: &Arc<str>, rows: &Together<'_>) -> Result<(), Error> {
        let Some(sieve) = self.sieves.get(table) else { return Ok(()) };
        let found = sieve.matters(rows)?;
        let mut any: Option<BooleanArray> = None;
        for (_, mask) in &found {
            any = Some(any.map_or(Ok(mask.clone()), |any| or(&any, mask))?);
        }
        let Some(any) = any else { return Ok(()) };
        let Some(chosen) = rows.chosen(&any)? else { return Ok(()) };
        let chosen = sieve.conversion().converted(&chosen)?;
        for (at, mask) in found {
            let Some(streamed) = self.streamed.get_mut(at) else { continue };
            let own = filter(&mask, &any)?;
            let own = own.as_any().downcast_ref::<BooleanArray>();
            if let Some(own) = own {
                let batch = if own.true_count() == chosen.num_rows() {
                    chosen.clone()
                } else {
                    filter_record_batch(&chosen, own)?
                };
                streamed.take(table, &batch)?;
            }
        }
        Ok(())
    }

    /// All rules over a table go on over the tables.
    fn leave(&mut self, table: &Arc<str>, why: &str) {
        for at in 0..self.streamed.len() {
            let reads = self.streamed.get(at).is_some_and(|streamed| streamed.tables().contains(table));
            if reads {
                self.schedules(at, why);
            }
        }
    }

    fn schedules(&mut self, at: usize, why: &str) {
        self.sieves.values_mut().for_each(|sieve| sieve.remove(at));
        if let Some(streamed) = self.streamed.get_mut(at) {
            streamed.schedules(why);
        }
    }

    fn make_room(&mut self) {
        let sizes: Vec<usize> = self.streamed.iter().map(Streamed::bytes).collect();
        let mut all: usize = sizes.iter().sum();
        let mut order: Vec<(usize, usize)> =
            sizes.into_iter().enumerate().map(|(at, size)| (size, at)).collect();
        order.sort_unstable_by(|one, other| other.cmp(one));
        for (size, at) in order {
            if size > self.limits.rule {
                self.schedules(at, "more of what it looks at comes than a rule may hold");
            } else if all > self.limits.all {
                self.schedules(at, "all rules together hold more than there is room for");
            } else {
                break;
            }
            all -= size;
        }
    }

    /// The rules that something arrived for and that are not resting, by their places.
    pub fn waiting(&self) -> Vec<usize> {
        let now = Instant::now();
        let is_waiting = |streamed: &Streamed| {
            !streamed.fresh.is_empty() && streamed.rests_until.is_none_or(|until| until <= now)
        };
        (0..self.streamed.len()).filter(|at| self.streamed.get(*at).is_some_and(is_waiting)).collect()
    }

    /// What a rule has to tell of what arrived. `now` is not earlier than the arrival. When it fails, the end of the window
    /// tells all the same.
    pub async fn look(
        &mut self,
        at: usize,
        state: &mut State,
        below: &dyn Events,
        now: Ticks,
        timing: &Timing,
    ) -> Ran {
        let Some(streamed) = self.streamed.get_mut(at) else { return Ran::default() };
        let rows = std::mem::take(&mut streamed.fresh);
        let is_resumed = std::mem::take(&mut streamed.resumed);
        let begun = Instant::now();
        let streamed = &*streamed;
        let rule = &streamed.rule;
        let mut all = Ran::default();
        if rule.kind == Kind::NearRealTime {
            let before = state.received.and_then(Ticks::new).unwrap_or(now).min(now);
            let from = if is_resumed { earlier(before, timing.settle) } else { before };
            let window = Window { from: None, until: now, received_from: None, received_until: None };
            let fresh = Fresh { streamed, rows, below };
            all = early(rule, state, &fresh, (window, now), (from, now)).await;
            (state.done, state.received) = (Some(now.get()), Some(now.get()));
            state.forget(rule, timing);
        } else {
            let is_by_row = streamed.how == How::Rows && rule.trigger.holds(1);
            let fresh = Fresh { streamed, rows, below };
            let kept = Kept { streamed, below };
            let events: &dyn Events = if is_by_row { &fresh } else { &kept };
            // Where not all of a window is held, its end tells.
            let is_told = |window: &Window| is_by_row || streamed.covers(window);
            for window in open(rule, state, now, timing).into_iter().filter(is_told) {
                let from = window.from.unwrap_or(Ticks::MIN);
                let ran = early(rule, state, events, (window, now), (from, window.until)).await;
                all.alerts.extend(ran.alerts);
                all.repeated.extend(ran.repeated);
                all.windows.extend(ran.windows);
                all.suppressed += ran.suppressed;
                all.failure = all.failure.or(ran.failure);
            }
        }
        let rest = begun.elapsed().saturating_mul(self.limits.rest).min(Duration::from_secs(30));
        if let Some(streamed) = self.streamed.get_mut(at) {
            let rests = streamed.how == How::Windows || begun.elapsed() >= LONG;
            streamed.rests_until = rests.then(|| Instant::now() + rest);
        }
        all
    }

    /// The events of a rule, for [`crate::schedule::run`]: what is held for it, and the tables where that is not enough.
    pub fn events<'s>(&'s self, at: usize, below: &'s dyn Events) -> Option<impl Events + 's> {
        Some(Kept { streamed: self.streamed.get(at)?, below })
    }

    /// Forgets what no window to come reaches back to.
    ///
    /// Errors: rows without a time.
    pub fn forget(&mut self, now: Ticks, timing: &Timing) -> Result<(), Error> {
        for streamed in &mut self.streamed {
            let rule = &streamed.rule;
            let back = rule.period.max(rule.frequency).saturating_add(rule.frequency);
            let before = earlier(earlier(now, timing.delay.saturating_mul(2)), back);
            streamed.forget(before, earlier(now, timing.lateness))?;
        }
        Ok(())
    }
}

/// Another time of a query, to see what depends on it: some days and hours later, at another hour and minute.
const ANOTHER_TIME: i64 = (3 * 24 * 3_600 + 7 * 3_600 + 11 * 60 + 13) * Ticks::PER_SECOND;

/// The plan of a rule's query, where that is known before it runs.
fn whole(rule: &Rule, engine: &Engine, now: Ticks) -> Result<Arc<Plan>, String> {
    let options = Options { now: now.get(), ..Options::default() };
    let bound = bind(&parse(&rule.query.text).script, engine.database(), &options);
    let Bound { results, undiscovered, .. } =
        bound.map_err(|error| format!("its query is wrong: {}", error.message))?;
    match results.as_slice() {
        [result] if undiscovered.is_none() && !result.plan.is_open => Ok(Arc::clone(&result.plan)),
        _ => Err("the columns of its results depend on the events".to_owned()),
    }
}

/// What the plan of a rule reads, at whatever time it runs.
fn lasting_reads(rule: &Rule, engine: &Engine, (plan, now): (&Arc<Plan>, Ticks)) -> Result<Reads, String> {
    let much = || "its query reads tables in too many places".to_owned();
    let other = whole(rule, engine, later(now, ANOTHER_TIME))?;
    let Reads { needs, source } = reads(plan).ok_or_else(much)?;
    let needs = lasting(needs, &reads(&other).ok_or_else(much)?.needs)
        .ok_or_else(|| "what it reads depends on the time at which it runs".to_owned())?;
    Ok(Reads { needs, source })
}

/// Whether nothing arrives in a table: what has no time is a list that somebody keeps.
fn is_still(engine: &Engine, table: &str) -> bool {
    engine.database().table(table).is_none_or(|shape| !has_time(&shape, TIME))
}

/// Whether each row of the tables gives its results by itself, whenever the query runs.
pub(crate) fn is_of_rows(rule: &Rule, engine: &Engine, now: Ticks) -> bool {
    let Ok(plan) = whole(rule, engine, now) else { return false };
    let is_lasting = whole(rule, engine, later(now, ANOTHER_TIME)).is_ok_and(|other| other == plan);
    is_lasting && growth(&plan, &|table| is_still(engine, table)) == Ok(Growth::Rows)
}

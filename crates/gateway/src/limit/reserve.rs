//! Reserving and settling.

use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use castellan_base::Ticks;

use super::config::{Config, ConfigError, Kind, Rule, Unit, UnknownPrice};
use super::counter::{Counted, Counter, Full};
use super::journal::{Entry, Journal, JournalError, Key};
use super::price::{Price, Prices};
use super::refusal::{Reason, Refusal};
use super::window::Window;
use super::{Ask, Subject, Usage};

/// Counters between two looks for those that are over.
const SWEEP: usize = 1_024;

/// The limits. Clones count together.
#[derive(Clone, Debug)]
pub struct Limits(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    rules: Vec<Counted>,
    prices: Prices,
    assumed: u64,
    most: usize,
    ahead: f64,
    table: Mutex<Table>,
}

/// All counters. One lock, under which little is done, makes it plain that all rules admit a request together or none
/// does.
#[derive(Debug)]
struct Table {
    counters: HashMap<Key, Held>,
    sweep_at: usize,
    journal: Option<Journal>,
}

#[derive(Debug)]
struct Held {
    counter: Counter,
    span: Window,
    /// The rule; none for what was read from the file and has not been asked for since.
    rule: Option<usize>,
}

/// A share of a limit that was reached.
#[derive(Clone, Debug, PartialEq)]
pub struct BudgetEvent {
    /// The rule.
    pub rule: String,
    /// What it counts.
    pub unit: Unit,
    /// Within which time.
    pub window: Window,
    /// Its limit, in units or US dollars.
    pub limit: f64,
    /// The share that was reached, up to 1.
    pub share: f64,
}

/// What is left under a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remaining {
    /// The rule.
    pub rule: Arc<str>,
    /// What it counts.
    pub unit: Unit,
    /// Within which time.
    pub window: Window,
    /// Rate or quota.
    pub kind: Kind,
    /// The limit, as it is counted: cost in millionths of a millionth of a US dollar.
    pub limit: u64,
    /// What is left of it, in the same.
    pub remaining: u64,
    /// When the window ends.
    pub reset: Duration,
}

/// What came of settling.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Settled {
    /// What the request cost, in millionths of a millionth of a US dollar; `None` where the model has no price.
    pub cost: Option<u64>,
    /// Shares of limits that were reached with this.
    pub events: Vec<BudgetEvent>,
}

/// What a request has been given. Dropped without being settled, it gives everything back.
#[derive(Debug)]
#[must_use = "dropping a reservation gives it back"]
pub struct Reservation {
    limits: Limits,
    parts: Vec<Part>,
    price: Option<Price>,
    remaining: Vec<Remaining>,
    is_settled: bool,
}

#[derive(Clone, Copy, Debug)]
struct Part {
    rule: usize,
    key: Key,
    amount: u64,
    window: i64,
}

impl Limits {
    /// Limits that are kept in memory; the configuration's `file` is not opened.
    ///
    /// # Errors
    /// When a rule cannot be used, or two have the same name.
    pub fn new(config: Config, prices: Prices) -> Result<Limits, ConfigError> {
        Limits::with(config, prices, None, Vec::new())
    }

    /// Limits that go on from the configuration's `file`, where it names one.
    ///
    /// # Errors
    /// When the file cannot be used. Rules are checked before, with [`Limits::new`].
    pub fn open(config: Config, prices: Prices) -> Result<Limits, JournalError> {
        let shown = config.file.as_ref().map(|path| path.display().to_string()).unwrap_or_default();
        let (journal, entries) = match &config.file {
            Some(path) => Journal::open(path).map(|(journal, entries)| (Some(journal), entries))?,
            None => (None, Vec::new()),
        };
        Limits::with(config, prices, journal, entries)
            .map_err(|error| JournalError { path: shown, reason: error.to_string() })
    }

    fn with(
        config: Config,
        prices: Prices,
        journal: Option<Journal>,
        entries: Vec<Entry>,
    ) -> Result<Limits, ConfigError> {
        let mut names = std::collections::HashSet::new();
        for rule in &config.rules {
            rule.check()?;
            if !names.insert(rule.name.clone()) {
                let reason = "another has the same name".to_owned();
                return Err(ConfigError { rule: rule.name.clone(), reason });
            }
        }
        let counters = entries.into_iter().map(|entry| {
            let mut counter = Counter::new(entry.window);
            (counter.used, counter.written) = (entry.used, entry.used);
            (entry.key, Held { counter, span: entry.span, rule: None })
        });
        let table = Table { counters: counters.collect(), sweep_at: SWEEP, journal };
        Ok(Limits(Arc::new(Inner {
            rules: config.rules.into_iter().map(counted).collect(),
            prices,
            assumed: config.assumed_output_tokens,
            most: config.counters,
            ahead: if config.ahead.is_finite() { config.ahead.clamp(0.0, 1.0) } else { 0.01 },
            table: Mutex::new(table),
        })))
    }

    /// Reserves what a request may use at most, under all rules that apply.
    ///
    /// # Errors
    /// When one of them does not admit it; then none counts it.
    pub fn reserve(&self, ask: &Ask<'_>, now: Ticks) -> Result<Reservation, Refusal> {
        let price = self.0.prices.of(ask.subject.model);
        let parts = self.parts(ask, price, now)?;
        let mut table = self.table();
        for part in &parts {
            self.check(&mut table, part, now)?;
        }
        self.write(&mut table, &parts, now)?;
        let mut remaining = Vec::with_capacity(parts.len());
        for part in &parts {
            if let (Some(held), Some(counted)) =
                (table.counters.get_mut(&part.key), self.0.rules.get(part.rule))
            {
                held.counter.take(part.amount);
                remaining.push(left(counted, &held.counter, now));
            }
        }
        drop(table);
        let price = price.cloned();
        Ok(Reservation { limits: self.clone(), parts, price, remaining, is_settled: false })
    }

    /// What is left for a subject under each rule that applies, without asking for anything.
    #[must_use]
    pub fn remaining(&self, subject: &Subject<'_>, now: Ticks) -> Vec<Remaining> {
        let table = self.table();
        let applying = self.0.rules.iter().filter(|counted| counted.rule.applies(subject));
        applying
            .map(|counted| {
                let window = counted.rule.window.number(now);
                let held = table.counters.get(&key(&counted.rule, subject));
                let current = held.filter(|held| held.counter.window >= window);
                let unused = Counter::new(window);
                left(counted, current.map_or(&unused, |held| &held.counter), now)
            })
            .collect()
    }

    /// How many counters there are.
    #[must_use]
    pub fn counters(&self) -> usize {
        self.table().counters.len()
    }

    /// Has the system put what was written on disk. To be called from time to time, away from the runtime's own threads.
    ///
    /// # Errors
    /// When the disk fails.
    pub fn flush(&self) -> io::Result<()> {
        let handle = self.table().journal.as_ref().map(Journal::handle).transpose()?;
        handle.map_or(Ok(()), |file| file.sync_data())
    }

    /// Writes what is really used, so that nothing is lost of any limit. To be called at the end.
    ///
    /// # Errors
    /// When the disk fails; then a little less is left after the next start, as after a crash.
    pub fn close(&self, now: Ticks) -> io::Result<()> {
        let mut table = self.table();
        self.sweep(&mut table, now);
        let entries: Vec<Entry> = table.durable(|counter| counter.used).collect();
        table.journal.as_mut().map_or(Ok(()), |journal| journal.rewrite(&entries))
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.0.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What a request asks of each rule that applies.
    fn parts(&self, ask: &Ask<'_>, price: Option<&Price>, now: Ticks) -> Result<Vec<Part>, Refusal> {
        let output = ask.output_tokens.unwrap_or(self.0.assumed);
        let usage = Usage { input: ask.input_tokens, cached: 0, output };
        let mut parts = Vec::new();
        for (index, counted) in self.0.rules.iter().enumerate() {
            if !counted.rule.applies(&ask.subject) {
                continue;
            }
            let of_call = match counted.rule.unit {
                Unit::Requests => 1,
                Unit::Calls => u64::from(ask.is_call),
                Unit::Cost => ask.cost,
                Unit::Tokens => 0,
            };
            let amount =
                if ask.subject.is_mcp { Some(of_call) } else { amount(counted.rule.unit, price, &usage) };
            if amount == Some(0) && ask.subject.is_mcp {
                continue;
            }
            let amount = match amount {
                Some(amount) => amount,
                None if counted.rule.unknown_price == UnknownPrice::Ignore => continue,
                None => return Err(refusal(counted, Reason::UnknownPrice, None)),
            };
            let window = counted.rule.window.number(now);
            parts.push(Part { rule: index, key: key(&counted.rule, &ask.subject), amount, window });
        }
        Ok(parts)
    }

    fn check(&self, table: &mut Table, part: &Part, now: Ticks) -> Result<(), Refusal> {
        let Some(counted) = self.0.rules.get(part.rule) else { return Ok(()) };
        if !table.counters.contains_key(&part.key) {
            if table.counters.len() >= table.sweep_at.min(self.0.most) {
                self.sweep(table, now);
            }
            if table.counters.len() >= self.0.most {
                return Err(refusal(counted, Reason::TooManyCounters, Some(counted.rule.window.rest(now))));
            }
        }
        let held = table.counters.entry(part.key).or_insert_with(|| Held {
            counter: Counter::new(part.window),
            span: counted.rule.window,
            rule: Some(part.rule),
        });
        if held.rule.is_none() {
            held.rule = Some(part.rule);
            // Told before the restart.
            let _ = held.counter.reached(counted);
        }
        held.counter.turn(part.window);
        let full = match held.counter.fits(counted, part.amount, now) {
            Ok(()) => return Ok(()),
            Err(full) => full,
        };
        Err(match full {
            Full::Never => refusal(counted, Reason::TooLarge, None),
            Full::Bucket(seconds) => {
                let wait = Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX);
                refusal(counted, Reason::Burst, Some(wait))
            }
            Full::Window => refusal(counted, Reason::Exhausted, Some(counted.rule.window.rest(now))),
        })
    }

    /// Writes ahead what is about to be used and was not written yet.
    fn write(&self, table: &mut Table, parts: &[Part], now: Ticks) -> Result<(), Refusal> {
        if table.journal.is_none() {
            return Ok(());
        }
        let mut entries = Vec::new();
        let mut first = None;
        for part in parts {
            let (Some(counted), Some(held)) = (self.0.rules.get(part.rule), table.counters.get(&part.key))
            else {
                continue;
            };
            let used = held.counter.used.saturating_add(part.amount);
            if counted.rule.window == Window::Minute || used <= held.counter.written {
                continue;
            }
            entries.push(self.ahead(part, counted, used));
            first = first.or(Some(counted));
        }
        if let Some(counted) = first
            && self.store(table, &entries, now).is_err()
        {
            return Err(refusal(counted, Reason::NotDurable, Some(Duration::from_secs(1))));
        }
        Ok(())
    }

    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // A share of a limit that fits.
    fn ahead(&self, part: &Part, counted: &Counted, used: u64) -> Entry {
        let more = (super::counter::as_float(counted.limit) * self.0.ahead) as u64;
        let mark = used.saturating_add(more).min(counted.limit.max(used));
        Entry { key: part.key, span: counted.rule.window, window: part.window, used: mark }
    }

    fn store(&self, table: &mut Table, entries: &[Entry], now: Ticks) -> io::Result<()> {
        if let Some(journal) = &mut table.journal {
            journal.append(entries)?;
        }
        for entry in entries {
            if let Some(held) = table.counters.get_mut(&entry.key) {
                held.counter.written = entry.used;
            }
        }
        let needed = table.counters.len();
        if table.journal.as_ref().is_some_and(|journal| journal.is_long(needed)) {
            self.sweep(table, now);
            let all: Vec<Entry> = table.durable(|counter| counter.written).collect();
            if let Some(journal) = &mut table.journal {
                // When it cannot be written anew, it grows on.
                let _ = journal.rewrite(&all);
            }
        }
        Ok(())
    }

    fn sweep(&self, table: &mut Table, now: Ticks) {
        table.counters.retain(|_, held| match held.rule.and_then(|rule| self.0.rules.get(rule)) {
            Some(counted) => !held.counter.is_over(counted, now),
            None => held.span.number(now) <= held.counter.window,
        });
        table.sweep_at = table.counters.len() * 2 + SWEEP;
    }

    fn settle(
        &self,
        parts: &[Part],
        price: Option<&Price>,
        usage: Option<&Usage>,
        now: Ticks,
    ) -> Vec<BudgetEvent> {
        let mut events = Vec::new();
        let mut entries = Vec::new();
        let mut table = self.table();
        for part in parts {
            let Some(counted) = self.0.rules.get(part.rule) else { continue };
            let actual = usage.and_then(|usage| amount(counted.rule.unit, price, usage));
            let Some(held) = table.counters.get_mut(&part.key) else { continue };
            held.counter.settle(part.window, part.amount, actual.unwrap_or(part.amount));
            events.extend(held.counter.reached(counted).into_iter().map(|share| event(counted, share)));
            if counted.rule.window != Window::Minute
                && held.counter.window == part.window
                && held.counter.used > held.counter.written
            {
                entries.push(self.ahead(part, counted, held.counter.used));
            }
        }
        if table.journal.is_some() && !entries.is_empty() {
            // Where it cannot be written, the next reservation tries again and is refused.
            let _ = self.store(&mut table, &entries, now);
        }
        events
    }

    fn release(&self, parts: &[Part]) {
        let mut table = self.table();
        for part in parts {
            if let Some(held) = table.counters.get_mut(&part.key) {
                held.counter.settle(part.window, part.amount, 0);
            }
        }
    }
}

impl Table {
    /// The counters that belong in the file, as entries.
    fn durable(&self, used: impl Fn(&Counter) -> u64) -> impl Iterator<Item = Entry> {
        self.counters.iter().filter(|(_, held)| held.span != Window::Minute).map(move |(key, held)| Entry {
            key: *key,
            span: held.span,
            window: held.counter.window,
            used: used(&held.counter),
        })
    }
}

impl Reservation {
    /// What is left under each rule, this request counted as reserved.
    #[must_use]
    pub fn remaining(&self) -> &[Remaining] {
        &self.remaining
    }

    /// Puts what was used in place of what was reserved. Without a usage, as when an upstream gives none, what was reserved
    /// counts as used.
    pub fn settle(mut self, usage: Option<Usage>, now: Ticks) -> Settled {
        self.is_settled = true;
        let cost = usage.as_ref().and_then(|usage| amount(Unit::Cost, self.price.as_ref(), usage));
        let events = self.limits.settle(&self.parts, self.price.as_ref(), usage.as_ref(), now);
        Settled { cost, events }
    }

    /// Gives everything back, as when the request was never sent.
    pub fn release(self) {
        drop(self);
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        if !self.is_settled {
            self.limits.release(&self.parts);
        }
    }
}

/// What a usage counts in a unit; `None` for the cost of a model without a price.
fn amount(unit: Unit, price: Option<&Price>, usage: &Usage) -> Option<u64> {
    match unit {
        Unit::Requests => Some(1),
        Unit::Tokens => Some(usage.total()),
        Unit::Cost => price.map(|price| price.cost(usage)),
        Unit::Calls => Some(0),
    }
}

fn counted(rule: Rule) -> Counted {
    Counted {
        limit: rule.counted(rule.limit),
        burst: rule.burst.map(|burst| rule.counted(burst)),
        shares: rule.shares(),
        name: rule.name.as_str().into(),
        rule,
    }
}

/// The key of a rule's counter for a subject. Lengths go before values, so that no two lists of values are the same text.
fn key(rule: &Rule, subject: &Subject<'_>) -> Key {
    let mut hasher = blake3::Hasher::new();
    let mut add = |text: &str| {
        hasher.update(&u64::try_from(text.len()).unwrap_or(u64::MAX).to_le_bytes());
        hasher.update(text.as_bytes());
    };
    add(&rule.name);
    for dimension in &rule.per {
        add(dimension.of(subject));
    }
    let mut key = [0; 16];
    hasher.finalize_xof().fill(&mut key);
    key
}

fn left(counted: &Counted, counter: &Counter, now: Ticks) -> Remaining {
    Remaining {
        rule: Arc::clone(&counted.name),
        unit: counted.rule.unit,
        window: counted.rule.window,
        kind: counted.rule.kind(),
        limit: counted.limit,
        remaining: counted.limit.saturating_sub(counter.used),
        reset: counted.rule.window.rest(now),
    }
}

fn event(counted: &Counted, share: f64) -> BudgetEvent {
    BudgetEvent {
        rule: counted.rule.name.clone(),
        unit: counted.rule.unit,
        window: counted.rule.window,
        limit: counted.rule.limit,
        share,
    }
}

fn refusal(counted: &Counted, reason: Reason, retry_after: Option<Duration>) -> Refusal {
    Refusal {
        rule: counted.rule.name.clone(),
        unit: counted.rule.unit,
        window: counted.rule.window,
        limit: counted.rule.limit,
        reason,
        kind: counted.rule.kind(),
        retry_after,
    }
}

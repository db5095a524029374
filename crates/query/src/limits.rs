//! What a query may cost.

use std::any::Any;
use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use datafusion::common::config::{ConfigEntry, ConfigExtension, ConfigOptions, ExtensionOptions};
use datafusion::common::{DataFusionError, Result, exec_err};
use datafusion::execution::TaskContext;

use crate::Error;
use crate::progress::Progress;

/// Bounds on one query.
#[derive(Clone, Debug)]
pub struct Limits {
    /// How long it may run.
    pub time: Duration,
    /// How much memory all its steps together may hold, in bytes. Sorts, joins and aggregates spill to disk before.
    pub memory: usize,
    /// The most rows of its result.
    pub rows: usize,
}

impl Default for Limits {
    /// Ten minutes, 4 GiB, 10 million rows.
    fn default() -> Limits {
        Limits { time: Duration::from_mins(10), memory: 4 << 30, rows: 10_000_000 }
    }
}

/// Ends a query from elsewhere.
#[derive(Clone, Debug, Default)]
pub struct Cancellation(Arc<AtomicBool>);

impl Cancellation {
    /// Ends the query at its next step.
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether it was ended.
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// What those hold who wait for a query.
#[derive(Clone, Debug, Default)]
pub struct Watch {
    /// Ends it.
    pub cancellation: Cancellation,
    /// How far it is.
    pub progress: Progress,
}

thread_local! {
    /// The budget of the query that a function works for, on this thread.
    static CURRENT: RefCell<Option<Arc<Budget>>> = const { RefCell::new(None) };
}

/// The budget where functions of DataFusion find it: they are given the options of their query and nothing else of it.
#[derive(Clone, Debug)]
pub(crate) struct OfQuery(pub(crate) Arc<Budget>);

impl ConfigExtension for OfQuery {
    const PREFIX: &'static str = "castellan";
}

impl ExtensionOptions for OfQuery {
    fn as_any(&self) -> &dyn Any {
        self
    }

    fn as_any_mut(&mut self) -> &mut dyn Any {
        self
    }

    fn cloned(&self) -> Box<dyn ExtensionOptions> {
        Box::new(self.clone())
    }

    fn set(&mut self, key: &str, _value: &str) -> Result<()> {
        exec_err!("`{key}` is no option")
    }

    fn entries(&self) -> Vec<ConfigEntry> {
        Vec::new()
    }
}

/// Runs a function within the budget of its query.
pub(crate) fn within<T>(options: &ConfigOptions, run: impl FnOnce() -> T) -> T {
    let budget = options.extensions.get::<OfQuery>().map(|own| Arc::clone(&own.0));
    let before = CURRENT.replace(budget);
    let made = run();
    CURRENT.set(before);
    made
}

/// For functions that take long within one batch.
///
/// Errors: the query has to end.
pub(crate) fn go_on() -> Result<()> {
    CURRENT.with_borrow(|budget| budget.as_ref().map_or(Ok(()), |budget| budget.go_on()))
}

/// For functions that make one array: it may take a part of the query's memory, since others stand beside it.
///
/// Errors: it has more bytes than that.
pub(crate) fn fits(bytes: usize) -> Result<()> {
    CURRENT.with_borrow(|budget| match budget {
        Some(budget) if bytes > budget.memory / ARRAYS => Err(budget.exhausted()),
        _ => Ok(()),
    })
}

/// So many arrays at least have to find place in a query's memory.
const ARRAYS: usize = 4;

/// What is left of the bounds while a query runs.
#[derive(Debug)]
pub(crate) struct Budget {
    deadline: Instant,
    time: Duration,
    memory: usize,
    held: AtomicUsize,
    watch: Watch,
    /// The most rows that steps of the plain engine may make.
    pub(crate) rows: usize,
    /// Where `rand()` begins.
    pub(crate) seed: u64,
}

/// Steps of the plain engine may make more rows on their way than come out.
const ROWS_ON_THE_WAY: usize = 20;

impl Budget {
    pub(crate) fn new(limits: &Limits, watch: Watch, seed: u64) -> Budget {
        Budget {
            deadline: Instant::now() + limits.time,
            time: limits.time,
            memory: limits.memory,
            held: AtomicUsize::new(0),
            watch,
            rows: limits.rows.saturating_mul(ROWS_ON_THE_WAY),
            seed,
        }
    }

    /// The budget of the query that a task belongs to.
    pub(crate) fn of(context: &TaskContext) -> Arc<Budget> {
        let own = context.session_config().get_extension::<Budget>();
        own.unwrap_or_else(|| Arc::new(Budget::new(&Limits::default(), Watch::default(), 0)))
    }

    /// Counts bytes that a step of the plain engine keeps.
    ///
    /// Errors: more than the query may hold.
    pub(crate) fn hold(&self, bytes: usize) -> Result<()> {
        let held = self.held.fetch_add(bytes, Ordering::Relaxed).saturating_add(bytes);
        if held > self.memory {
            return Err(self.exhausted());
        }
        self.go_on()
    }

    fn exhausted(&self) -> DataFusionError {
        let message = format!("the query needs more than {} MiB of memory", self.memory >> 20);
        DataFusionError::ResourcesExhausted(message)
    }

    /// Errors: the query has to end.
    pub(crate) fn go_on(&self) -> Result<()> {
        match self.reason_to_stop() {
            Some(reason) => Err(DataFusionError::External(Box::new(Error::stopped(reason)))),
            None => Ok(()),
        }
    }

    /// Why the query has to end now.
    pub(crate) fn reason_to_stop(&self) -> Option<String> {
        if self.watch.cancellation.is_cancelled() {
            return Some("the query was cancelled".to_owned());
        }
        (Instant::now() > self.deadline)
            .then(|| format!("the query took longer than {} s", self.time.as_secs()))
    }

    /// Whether its time is over; it may have been ended before.
    pub(crate) fn is_late(&self) -> bool {
        !self.watch.cancellation.is_cancelled() && self.time_left().is_zero()
    }

    /// Where its rows are counted.
    pub(crate) fn progress(&self) -> &Progress {
        &self.watch.progress
    }

    /// What is left of its time.
    pub(crate) fn time_left(&self) -> Duration {
        self.deadline.saturating_duration_since(Instant::now())
    }
}

//! What a rule would have raised in a time that is over, and what that would have cost.
//!
//! The rule runs as it would have: the same windows, the same folding, and it sees rows only once they had been taken
//! in, so that what came late comes late again.

use castellan_base::Ticks;

use crate::rule::Rule;
use crate::run::{Alert, Events, Failure, later};
use crate::schedule::{Ran, State, Timing, run};

/// What to try.
#[derive(Clone, Copy, Debug)]
pub struct Backtest {
    /// The first time at which the rule runs.
    pub from: Ticks,
    /// It does not run later.
    pub until: Ticks,
    /// How runs lie in time.
    pub timing: Timing,
    /// The most runs.
    pub runs: usize,
}

impl Backtest {
    /// Of a time, with runs as they lie by default.
    pub fn new(from: Ticks, until: Ticks) -> Backtest {
        Backtest { from, until, timing: Timing::default(), runs: 100_000 }
    }
}

/// What a rule would have raised.
#[derive(Debug, Default)]
pub struct Backtested {
    /// The alerts.
    pub alerts: Vec<Alert>,
    /// How many windows were looked at.
    pub windows: usize,
    /// How many of them again, for what came late.
    pub again: usize,
    /// How many results there were in all windows together.
    pub results: u64,
    /// How many of them were of alerts that had been raised.
    pub repeated: u64,
    /// How many windows were left out since the rule rested.
    pub suppressed: usize,
    /// How many windows that events came late for were too many to look at again.
    pub late_left: usize,
    /// How many windows could not be looked at however often that was tried.
    pub given_up: usize,
    /// How many results were forgotten: they may have raised alerts once more.
    pub forgotten: usize,
    /// How many windows were missed and too many to make up for.
    pub skipped: usize,
    /// How many rows of tables were read.
    pub scanned: u64,
    /// How long the queries took, in seconds.
    pub seconds: f64,
    /// How long the slowest one took, in seconds.
    pub slowest: f64,
    /// How many runs there was no place for: the time is too long for so short a frequency.
    pub left: u64,
    /// Why it ended before.
    pub failure: Option<Failure>,
}

impl Backtested {
    fn take(&mut self, ran: Ran) {
        for looked in &ran.windows {
            let seconds = looked.took.as_secs_f64();
            self.windows += 1;
            self.again += usize::from(looked.is_again);
            self.results += looked.results;
            self.scanned += looked.scanned;
            self.seconds += seconds;
            self.slowest = self.slowest.max(seconds);
        }
        self.repeated += ran.repeated.iter().map(|repeated| repeated.results).sum::<u64>();
        self.suppressed += ran.suppressed;
        self.late_left += ran.late_left;
        self.given_up += ran.given_up;
        self.forgotten += ran.forgotten;
        self.skipped += ran.skipped;
        self.alerts.extend(ran.alerts);
        self.failure = ran.failure;
    }
}

/// Runs a rule over a time that is over. A rule that is turned off runs as well.
pub async fn backtest(rule: &Rule, events: &dyn Events, asked: &Backtest) -> Backtested {
    let rule = Rule { enabled: true, ..rule.clone() };
    let mut state = State::default();
    let mut made = Backtested::default();
    let step = rule.frequency.max(1);
    let mut now = asked.from;
    let mut runs = 0;
    while now <= asked.until && made.failure.is_none() {
        if runs == asked.runs {
            let rest = (asked.until.get() - now.get()) / step + 1;
            made.left = u64::try_from(rest).unwrap_or_default();
            break;
        }
        made.take(run(&rule, &mut state, events, now, &asked.timing).await);
        runs += 1;
        let next = later(now, step);
        if next == now {
            break;
        }
        now = next;
    }
    made
}

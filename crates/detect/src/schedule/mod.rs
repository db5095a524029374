//! When rules run, and what is counted once.
//!
//! A scheduled rule runs at multiples of its frequency, each time over its period. Events that arrive after their window
//! was looked at are found by the time at which they were taken in: their windows are looked at again in the next run,
//! with what is there now. What an earlier run raised is folded: a result that an overlapping window gave before raises
//! nothing, and counts towards the alert that it had. A rule in near real time sees each event once, since its windows
//! are times of taking in.
//!
//! *Invariant (late is not lost, and once):* whatever order events arrive in, within [`Timing::lateness`], each is in the
//! results of alerts exactly as often as it happened (property-tested for rules whose results are events).
//!
//! All that is remembered is [`State`], which can be serialised: the caller keeps it, together with the alerts, in one
//! step. When it does not, alerts are made again with the same ids.

mod due;
mod early;
mod fold;
mod late;
mod state;

use castellan_base::Ticks;
use castellan_query::Watch;
use fold::Span;

use crate::rule::duration::MINUTE;
use crate::rule::{Kind, Rule};
use crate::run::{Alert, Events, Failure, Window, alerts, evaluate_within, later};

pub use due::{Due, due};
pub(crate) use due::{believed, boundary};
pub(crate) use early::{early, open};
pub use fold::Repeated;
pub use state::{MAX_RAISED, Raised, State};

/// How runs lie in time. All in ticks of 100 ns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timing {
    /// How long after the end of a window it is looked at first. What arrives later is found in the next run.
    pub delay: i64,
    /// Rows can be queried this long after they were taken in, at the latest.
    pub settle: i64,
    /// How late events may arrive and be counted.
    pub lateness: i64,
    /// The most windows of a time in which nothing ran that are made up for.
    pub catch_up: usize,
    /// How often a window is tried that cannot be looked at. It is left out then, so that later ones are not held up.
    pub tries: u32,
}

impl Default for Timing {
    /// A minute, five seconds, two days, a week of windows of five minutes, and five tries.
    fn default() -> Timing {
        Timing {
            delay: MINUTE,
            settle: MINUTE / 12,
            lateness: 2 * 24 * 60 * MINUTE,
            catch_up: 2_016,
            tries: 5,
        }
    }
}

/// What a window gave.
#[derive(Clone, Copy, Debug)]
pub struct Looked {
    /// The window.
    pub window: Window,
    /// Whether it was looked at before, and again for what came late.
    pub is_again: bool,
    /// How many results there were.
    pub results: u64,
    /// How many alerts they raised.
    pub alerts: usize,
    /// How many rows of tables were read.
    pub scanned: u64,
    /// How long it took.
    pub took: std::time::Duration,
}

/// What the runs of a rule that were due gave.
#[derive(Debug, Default)]
pub struct Ran {
    /// New alerts, in the order of their windows.
    pub alerts: Vec<Alert>,
    /// Results that alerts of earlier runs stand for already.
    pub repeated: Vec<Repeated>,
    /// The windows that were looked at.
    pub windows: Vec<Looked>,
    /// How many windows were left out since too many were missed.
    pub skipped: usize,
    /// How many windows that events came late for were left out since there are too many.
    pub late_left: usize,
    /// How many windows were left out since the rule rests after an alert.
    pub suppressed: usize,
    /// Tables whose rows do not say when they were taken in: what comes late there is not seen, and a rule in near real
    /// time sees them by when things happened.
    pub blind: Vec<std::sync::Arc<str>>,
    /// What an earlier run raised and there was no place to remember: it may be raised once more.
    pub forgotten: usize,
    /// How many windows were left out since they could not be looked at however often that was tried.
    pub given_up: usize,
    /// Why a window could not be looked at; it will be tried again in the next run, unless it was given up.
    pub failure: Option<Failure>,
}

/// Runs a rule as often as it is due at a time. The state moves on with each window that was looked at.
pub async fn run(rule: &Rule, state: &mut State, events: &dyn Events, now: Ticks, timing: &Timing) -> Ran {
    let mut ran = Ran::default();
    if !rule.enabled {
        // Turned on again, it begins with the last window and not with all that it missed.
        (state.done, state.received) = (None, None);
        return ran;
    }
    let due = due(rule, state, now, timing);
    if due.windows.is_empty() {
        return ran;
    }
    ran.skipped = due.skipped;
    let seen_until = due.received;
    match late::windows(rule, state, events, &due, timing).await {
        Ok(late) => {
            ran.late_left = late.left;
            for window in late.windows {
                if state.is_given_up(&window, timing) {
                    continue;
                }
                if !look(rule, state, events, (window, Span::of(&window)), true, &mut ran).await {
                    if !gives_up(state, &window, timing, &ran) {
                        return ran;
                    }
                    ran.given_up += 1;
                }
            }
        }
        Err(failure) => {
            let is_given_up = !matches!(failure, Failure::Tables { .. }) && state.gives_up_late(timing);
            ran.failure = Some(failure);
            if !is_given_up {
                return ran;
            }
            // What comes late cannot be found out; what is on time is looked at all the same.
            ran.given_up += 1;
        }
    }
    for window in due.windows {
        if !look(rule, state, events, (window, Span::of(&window)), false, &mut ran).await {
            if !gives_up(state, &window, timing, &ran) {
                return ran;
            }
            ran.given_up += 1;
        }
        state.done = Some(window.until.get());
        if rule.kind == Kind::NearRealTime {
            state.received = Some(window.until.get());
        }
    }
    state.received = state.received.max(Some(seen_until.get()));
    state.failed.clear();
    ran.forgotten = state.forget(rule, timing);
    ran
}

/// Whether a window that failed is left out. While the tables cannot be read at all, none is.
fn gives_up(state: &mut State, window: &Window, timing: &Timing, ran: &Ran) -> bool {
    !matches!(ran.failure, Some(Failure::Tables { .. })) && state.gives_up(window, timing)
}

/// Looks at a window; false where that failed.
async fn look(
    rule: &Rule,
    state: &mut State,
    events: &dyn Events,
    (window, span): (Window, Span),
    is_again: bool,
    ran: &mut Ran,
) -> bool {
    if state.rests(&window) {
        ran.suppressed += 1;
        return true;
    }
    if events.is_idle(&window) {
        state.succeeds(&window);
        let took = std::time::Duration::ZERO;
        ran.windows.push(Looked { window, is_again, results: 0, alerts: 0, scanned: 0, took });
        return true;
    }
    let evaluation = match evaluate_within(rule, events, window, Watch::default()).await {
        Ok(evaluation) => evaluation,
        Err(failure) => {
            ran.failure = Some(failure);
            return false;
        }
    };
    for table in &evaluation.blind {
        if !ran.blind.contains(table) {
            ran.blind.push(std::sync::Arc::clone(table));
        }
    }
    let mut made = Vec::new();
    if evaluation.is_triggered {
        let folded = fold::fold(state, &evaluation, span);
        if folded.is_new {
            made = alerts(rule, &evaluation, folded.fresh.as_ref());
            fold::remember(state, span, &folded, &made);
        }
        ran.repeated.extend(folded.repeated);
    }
    if let Some(duration) = rule.suppression.filter(|_| !made.is_empty()) {
        state.suppressed = Some((window.until.get(), later(window.until, duration).get()));
    }
    state.succeeds(&window);
    ran.windows.push(Looked {
        window,
        is_again,
        results: evaluation.results.count(),
        alerts: made.len(),
        scanned: evaluation.scanned,
        took: evaluation.took,
    });
    ran.alerts.extend(made);
    true
}

//! Which windows are due.

use castellan_base::Ticks;
use castellan_kql::value::UNIX_EPOCH_TICKS;

use super::{State, Timing};
use crate::rule::{Kind, Rule};
use crate::run::{Window, earlier, later};

/// Windows that are due.
#[derive(Clone, Debug)]
pub struct Due {
    /// The windows in their order.
    pub windows: Vec<Window>,
    /// How many older ones are left out.
    pub skipped: usize,
    /// All rows that were taken in before are seen by these runs.
    pub received: Ticks,
}

/// The windows of a rule that are due at a time. A rule that never ran begins with the last one.
pub fn due(rule: &Rule, state: &State, now: Ticks, timing: &Timing) -> Due {
    let settled = earlier(now, timing.settle);
    match rule.kind {
        Kind::NearRealTime => near_real_time(rule, state, settled),
        Kind::Scheduled => scheduled(rule, state, now, settled, timing),
    }
}

/// How far ahead a time that was written down is believed: somebody else looked at all that comes until then. A clock that was
/// further ahead once would have rules wait for as long; folding keeps results from coming twice.
const AHEAD: i64 = 60 * Ticks::PER_SECOND;

/// A time that was written down, unless it lies too far ahead.
pub(crate) fn believed(written: Option<i64>, now: Ticks) -> Option<Ticks> {
    written.and_then(Ticks::new).filter(|written| *written <= later(now, AHEAD))
}

/// One window, of all that was taken in since the last.
fn near_real_time(rule: &Rule, state: &State, settled: Ticks) -> Due {
    let received = believed(state.received, settled);
    let begin = received.unwrap_or_else(|| earlier(settled, rule.frequency));
    let is_due = settled.get().saturating_sub(begin.get()) >= rule.frequency;
    let windows = if is_due { vec![Window::received(begin, settled)] } else { Vec::new() };
    Due { windows, skipped: 0, received: settled }
}

fn scheduled(rule: &Rule, state: &State, now: Ticks, settled: Ticks, timing: &Timing) -> Due {
    let frequency = rule.frequency.max(1);
    let last = boundary(earlier(now, timing.delay), frequency);
    let first = match believed(state.done, now) {
        Some(done) => later(boundary(done, frequency), frequency),
        None => last,
    };
    let count = if last < first { 0 } else { (last.get() - first.get()) / frequency + 1 };
    let count = usize::try_from(count).unwrap_or(usize::MAX);
    let skipped = count.saturating_sub(timing.catch_up.max(1));
    let steps = |number: usize| i64::try_from(number).unwrap_or(i64::MAX).saturating_mul(frequency);
    let windows = (skipped..count).map(|number| {
        let until = later(first, steps(number));
        Window { received_until: Some(settled), ..Window::of(rule, until) }
    });
    Due { windows: windows.collect(), skipped, received: settled }
}

/// The last multiple of the frequency that is not later than a time, as `bin()` has it.
pub(crate) fn boundary(time: Ticks, frequency: i64) -> Ticks {
    let since = time.get() - UNIX_EPOCH_TICKS;
    earlier(time, since.rem_euclid(frequency))
}

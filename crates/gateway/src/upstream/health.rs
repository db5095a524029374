//! Whether a member is asked: a circuit breaker, the rest that it asks for, and what probes found.
//!
//! The breaker is closed while attempts succeed. Enough failures within a window open it; after a while one attempt is
//! let through as a trial, and closes it or keeps it open for twice as long. A member that answers 429 is let rest for as
//! long as it says, which is no failure.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::config::{BreakerConfig, milliseconds};

/// Parts of the window.
const PARTS: u32 = 10;

/// Doubling ends here; the configured maximum cuts it long before.
const DOUBLINGS: u32 = 16;

/// The health of one member.
#[derive(Debug)]
pub(super) struct Health {
    config: BreakerConfig,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    window: Window,
    /// Until when it is open, and how often in a row it has been opened.
    open: Option<(Instant, u32)>,
    trial: bool,
    rest: Option<Instant>,
    probes_failed: u32,
    down: bool,
}

/// How a member stands, for metrics and for people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It is asked.
    Closed,
    /// It is left alone after failures.
    Open,
    /// One request is tried.
    HalfOpen,
    /// It asked to be left alone.
    Resting,
    /// Probes found it dead.
    Down,
}

/// Leave for one attempt. Dropped without an outcome, as when the client goes, it counts for nothing.
#[derive(Debug)]
pub(super) struct Permit {
    health: Arc<Health>,
    is_trial: bool,
    is_done: bool,
}

impl Health {
    pub(super) fn new(config: BreakerConfig, now: Instant) -> Health {
        let state = State {
            window: Window::new(milliseconds(config.window_ms), now),
            open: None,
            trial: false,
            rest: None,
            probes_failed: 0,
            down: false,
        };
        Health { config, state: Mutex::new(state) }
    }

    fn with<T>(&self, act: impl FnOnce(&mut State) -> T) -> T {
        act(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Leave for an attempt, or when it is worth asking again, where that is known.
    pub(super) fn admit(self: &Arc<Health>, now: Instant) -> Result<Permit, Option<Instant>> {
        let is_trial = self.with(|state| {
            if state.down {
                return Err(None);
            }
            if let Some(until) = state.rest {
                if now < until {
                    return Err(Some(until));
                }
                state.rest = None;
            }
            match state.open {
                None => Ok(false),
                Some((until, _)) if now < until => Err(Some(until)),
                Some(_) if state.trial => Err(None),
                Some(_) => {
                    state.trial = true;
                    Ok(true)
                }
            }
        })?;
        Ok(Permit { health: Arc::clone(self), is_trial, is_done: false })
    }

    /// Counts a failure that came after the head of an answer.
    pub(super) fn fail(&self, now: Instant) {
        self.with(|state| self.count_failure(state, now));
    }

    fn count_failure(&self, state: &mut State, now: Instant) {
        let (successes, failures) = state.window.add(now, false);
        if state.open.is_none() && failures >= self.config.failures && failures >= successes {
            self.open(state, now, 0);
        }
    }

    fn open(&self, state: &mut State, now: Instant, times: u32) {
        let first = milliseconds(self.config.open_ms);
        let length = first.saturating_mul(1 << times.min(DOUBLINGS));
        state.open = Some((now + length.min(milliseconds(self.config.longest_open_ms)), times));
        state.window.clear();
    }

    /// Counts a probe; after `most` failures in a row the member is down.
    pub(super) fn probed(&self, is_alive: bool, most: u32) {
        self.with(|state| {
            if is_alive {
                // A breaker that is open stays open: only real requests close it.
                (state.probes_failed, state.down) = (0, false);
            } else {
                state.probes_failed = state.probes_failed.saturating_add(1);
                state.down = state.probes_failed >= most;
            }
        });
    }

    pub(super) fn standing(&self, now: Instant) -> Standing {
        self.with(|state| {
            if state.down {
                return Standing::Down;
            }
            if state.rest.is_some_and(|until| now < until) {
                return Standing::Resting;
            }
            match state.open {
                None => Standing::Closed,
                Some((until, _)) if now < until => Standing::Open,
                Some(_) => Standing::HalfOpen,
            }
        })
    }
}

impl Permit {
    /// The member answered as it should.
    pub(super) fn succeed(mut self, now: Instant) {
        self.is_done = true;
        self.health.with(|state| {
            if self.is_trial {
                (state.trial, state.open) = (false, None);
            }
            state.window.add(now, true);
        });
    }

    /// It did not.
    pub(super) fn fail(mut self, now: Instant) {
        self.is_done = true;
        self.health.with(|state| {
            if !self.is_trial {
                return self.health.count_failure(state, now);
            }
            state.trial = false;
            let times = state.open.map_or(0, |(_, times)| times.saturating_add(1));
            self.health.open(state, now, times);
        });
    }

    /// It asked to be left alone, for so long when it said so.
    pub(super) fn rest(mut self, now: Instant, asked: Option<Duration>) {
        self.is_done = true;
        let config = self.health.config;
        let length = asked.unwrap_or(milliseconds(config.rest_ms)).min(milliseconds(config.longest_open_ms));
        self.health.with(|state| {
            if self.is_trial {
                (state.trial, state.open) = (false, None);
            }
            state.rest = state.rest.max(Some(now + length));
        });
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        if self.is_trial && !self.is_done {
            self.health.with(|state| state.trial = false);
        }
    }
}

/// Successes and failures of the last while, in parts that fall out one by one.
#[derive(Debug)]
struct Window {
    part: Duration,
    /// When the newest part began.
    began: Instant,
    /// Successes and failures; the newest last.
    counts: std::collections::VecDeque<(u32, u32)>,
}

impl Window {
    fn new(length: Duration, now: Instant) -> Window {
        let part = (length / PARTS).max(Duration::from_millis(1));
        Window { part, began: now, counts: std::iter::once((0, 0)).collect() }
    }

    fn clear(&mut self) {
        self.counts = std::iter::once((0, 0)).collect();
    }

    /// Counts one, and gives the sums.
    fn add(&mut self, now: Instant, is_success: bool) -> (u32, u32) {
        let passed = now.saturating_duration_since(self.began).as_nanos() / self.part.as_nanos();
        let passed = u32::try_from(passed).unwrap_or(u32::MAX);
        if passed >= PARTS {
            self.clear();
            self.began = now;
        } else {
            for _ in 0..passed {
                self.counts.push_back((0, 0));
                self.began += self.part;
            }
        }
        while self.counts.len() > PARTS as usize {
            self.counts.pop_front();
        }
        if let Some((successes, failures)) = self.counts.back_mut() {
            let count = if is_success { successes } else { failures };
            *count = count.saturating_add(1);
        }
        self.counts.iter().fold((0, 0), |(all_successes, all_failures), (successes, failures)| {
            (all_successes.saturating_add(*successes), all_failures.saturating_add(*failures))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn health() -> (Arc<Health>, Instant) {
        let now = Instant::now();
        let config =
            BreakerConfig { failures: 3, window_ms: 1_000, open_ms: 100, ..BreakerConfig::default() };
        (Arc::new(Health::new(config, now)), now)
    }

    fn after(now: Instant, milliseconds: u64) -> Instant {
        now + Duration::from_millis(milliseconds)
    }

    fn break_it(health: &Arc<Health>, now: Instant) {
        for _ in 0..3 {
            health.admit(now).unwrap().fail(now);
        }
    }

    #[test]
    fn opens_tries_one_and_closes() {
        let (health, now) = health();
        break_it(&health, now);
        assert_eq!(health.admit(now).unwrap_err(), Some(after(now, 100)));
        let later = after(now, 101);
        let trial = health.admit(later).unwrap();
        assert_eq!(health.admit(later).unwrap_err(), None);
        trial.succeed(later);
        assert_eq!(health.standing(later), Standing::Closed);
    }

    #[test]
    fn a_failed_trial_doubles_the_wait() {
        let (health, now) = health();
        break_it(&health, now);
        health.admit(after(now, 100)).unwrap().fail(after(now, 100));
        assert_eq!(health.admit(after(now, 250)).unwrap_err(), Some(after(now, 300)));
    }

    #[test]
    fn a_trial_without_outcome_is_given_back() {
        let (health, now) = health();
        break_it(&health, now);
        drop(health.admit(after(now, 100)).unwrap());
        assert!(health.admit(after(now, 100)).is_ok());
    }

    #[test]
    fn old_failures_are_forgotten_and_successes_outweigh() {
        let (health, now) = health();
        for step in 0..10 {
            health.admit(after(now, step * 600)).unwrap().fail(after(now, step * 600));
        }
        assert_eq!(health.standing(after(now, 6_000)), Standing::Closed);
        for _ in 0..20 {
            health.admit(after(now, 9_000)).unwrap().succeed(after(now, 9_000));
        }
        break_it(&health, after(now, 9_000));
        assert_eq!(health.standing(after(now, 9_000)), Standing::Closed);
    }

    #[test]
    fn rests_as_long_as_it_asks() {
        let (health, now) = health();
        health.admit(now).unwrap().rest(now, Some(Duration::from_secs(7)));
        assert_eq!(health.admit(now).unwrap_err(), Some(after(now, 7_000)));
        assert!(health.admit(after(now, 7_000)).is_ok());
    }

    #[test]
    fn probes_take_down_and_bring_back() {
        let (health, now) = health();
        health.probed(false, 2);
        assert!(health.admit(now).is_ok());
        health.probed(false, 2);
        assert_eq!(health.standing(now), Standing::Down);
        health.probed(true, 2);
        assert!(health.admit(now).is_ok());
    }
}

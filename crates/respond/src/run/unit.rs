//! One action in a run, from its first attempt to its end.
//!
//! This is where nothing is done twice. Every turn of the loop looks at what the journal says of the place and takes one
//! step from there, so it does not matter whether the line before was written now or by a process that was killed.

use std::collections::BTreeMap;
use std::time::Duration;

use castellan_base::Ticks;
use serde_json::{Value, json};

use super::event::Event;
use super::shared::Shared;
use super::state::{Attempt, Place};
use super::wait::Wait;
use super::{Flow, RunError};
use crate::actions::{Action, ActionError, Call, Probe};
use crate::playbook::{Resolved, Retry};
use crate::sign::canonical;

/// How often the effect of an action is looked for after it was performed.
const LOOKS: u32 = 6;
/// Seconds until a probe that could not be asked is asked again.
const PROBE_AGAIN: i64 = 30;
/// How long an attempt may take when the playbook says nothing, in milliseconds.
const DEFAULT_TIMEOUT_MS: u64 = 60_000;

/// An action to be done at a place.
pub(crate) struct Unit<'u> {
    pub(crate) shared: &'u Shared<'u>,
    pub(crate) action: &'u dyn Action,
    pub(crate) path: &'u str,
    pub(crate) inputs: BTreeMap<String, Resolved>,
    pub(crate) retry: Retry,
    pub(crate) timeout_ms: Option<u64>,
    pub(crate) keep: bool,
    pub(crate) is_cancelled: &'u dyn Fn() -> bool,
}

/// How an attempt failed.
#[derive(Clone, Copy)]
struct Failure {
    /// False when it was interrupted, which is not the service's failure.
    counts: bool,
    /// True when another attempt is pointless.
    last: bool,
    /// True when it may land late.
    perhaps: bool,
}

impl Failure {
    /// Nothing happened.
    fn certain(error: &ActionError) -> Failure {
        Failure { counts: true, last: !error.again, perhaps: false }
    }

    /// Nothing was seen, and it may land late.
    fn late(counts: bool) -> Failure {
        Failure { counts, last: false, perhaps: true }
    }
}

/// How a unit stands.
pub(crate) enum Turn {
    /// It is over: the outputs, or why it failed.
    Over(Result<BTreeMap<String, String>, String>),
    /// It waits, or was stopped.
    Stopped(Flow),
}

impl Unit<'_> {
    pub(crate) fn run(&self) -> Result<Turn, RunError> {
        let mut error: Option<ActionError> = None;
        loop {
            let place = self.shared.place(self.path);
            if let Some(ended) = place.ended {
                let result = if ended.success { Ok(ended.outputs) } else { Err(ended.reason) };
                return Ok(Turn::Over(result));
            }
            let now = self.shared.system.now();
            if let Some(until) = place.again_at.filter(|until| *until > now) {
                let reason = place.last_failure.clone();
                return Ok(self.stop(Wait::Time { path: self.path.to_owned(), until, reason }));
            }
            if let Some(attempt) = &place.open {
                if let Some(stopped) = self.look(&place, attempt, error.take())? {
                    return Ok(stopped);
                }
                continue;
            }
            if self.is_over(&place, now)? {
                continue;
            }
            if (self.is_cancelled)() {
                return Ok(Turn::Stopped(Flow::Cancelled));
            }
            error = self.attempt(&place)?;
        }
    }

    fn stop(&self, wait: Wait) -> Turn {
        self.shared.wait(wait);
        Turn::Stopped(Flow::Waiting)
    }

    fn call<'c>(&'c self, key: &'c str, inputs: &'c BTreeMap<String, Resolved>) -> Call<'c> {
        call(self.shared, self.path, key, inputs, self.timeout_ms)
    }

    /// True when there will be no further attempt; the end is written then.
    fn is_over(&self, place: &Place, now: Ticks) -> Result<bool, RunError> {
        let limit =
            self.timeout_ms.and_then(|limit| i64::try_from(limit).ok()).filter(|_| place.failures > 0);
        let deadline = limit
            .zip(place.first_started)
            .and_then(|(limit, first)| first.checked_add(limit.saturating_mul(Ticks::PER_SECOND / 1000)));
        let is_late = deadline.is_some_and(|deadline| now >= deadline);
        let is_spent = place.failures >= self.retry.attempts;
        if !(place.gave_up || is_spent || is_late) {
            return Ok(false);
        }
        let late = if is_late && !is_spent { "the time is up; " } else { "" };
        self.end(false, &format!("{late}{}", place.last_failure), BTreeMap::new(), &Value::Null)?;
        Ok(true)
    }

    /// One attempt. Returns an error that leaves open whether it took effect.
    fn attempt(&self, place: &Place) -> Result<Option<ActionError>, RunError> {
        let key = key(&self.shared.state(|state| state.opened.run.clone()), self.path);
        let call = self.call(&key, &self.inputs);
        // Where an attempt may land late, what was there before is looked at once: it would be taken for that otherwise.
        let seen = match &place.first_before {
            Some(before) => self.landed_late(&call, before).map(|landed| (before.clone(), landed)),
            None => guarded(|| self.action.prepare(&call)).map(|before| (before, None)),
        };
        let (before, landed) = match seen {
            Ok(seen) => seen,
            Err(error) => {
                self.fail(place, &error.message, Failure::certain(&error))?;
                return Ok(None);
            }
        };
        self.shared.append(Event::Started {
            path: self.path.to_owned(),
            action: self.action.spec().name.to_owned(),
            key: key.clone(),
            inputs: self.inputs.clone(),
            before: before.clone(),
            keep: self.keep,
        })?;
        if let Some(outputs) = landed {
            self.end(true, "an earlier attempt did it; the probe shows the effect", outputs, &before)?;
            return Ok(None);
        }
        match guarded(|| self.action.perform(&call, &before)) {
            Ok(outputs) => {
                self.shared.append(Event::Performed { path: self.path.to_owned(), outputs })?;
                Ok(None)
            }
            Err(error) if error.perhaps => Ok(Some(error)),
            Err(error) => {
                self.fail(place, &error.message, Failure::certain(&error))?;
                Ok(None)
            }
        }
    }

    /// The outputs of an earlier attempt that took effect after it was given up.
    fn landed_late(
        &self,
        call: &Call<'_>,
        before: &Value,
    ) -> Result<Option<BTreeMap<String, String>>, ActionError> {
        Ok(match guarded(|| self.action.probe(call, before))? {
            Probe::InEffect(outputs) => Some(outputs),
            Probe::NotInEffect(_) | Probe::Repeatable | Probe::Unknown(_) => None,
        })
    }

    /// Looks whether an attempt took effect: after it was performed, after an error that left it open, or because the
    /// process ended in between.
    fn look(
        &self,
        place: &Place,
        attempt: &Attempt,
        error: Option<ActionError>,
    ) -> Result<Option<Turn>, RunError> {
        let call = self.call(&attempt.key, &attempt.inputs);
        match place.settled {
            Some(true) => {
                let outputs = place.performed.clone().unwrap_or_default();
                self.end(true, "a person saw that it took effect", outputs, &attempt.before)?;
                return Ok(None);
            }
            Some(false) => {
                self.fail(place, "a person saw that it did not take effect", Failure::late(false))?;
                return Ok(None);
            }
            None => {}
        }
        if let Some(reason) = &place.uncertain {
            let reason = reason.clone();
            return Ok(Some(self.stop(Wait::Look { path: self.path.to_owned(), reason })));
        }
        let probe = match guarded(|| self.action.probe(&call, &attempt.before)) {
            Ok(probe) => probe,
            Err(failure) => return self.cannot_look(place, &failure).map(Some),
        };
        match &place.performed {
            Some(outputs) => self.after_performed(place, attempt, outputs, probe)?,
            None => self.after_nothing(place, attempt, probe, error)?,
        }
        Ok(None)
    }

    fn cannot_look(&self, place: &Place, failure: &ActionError) -> Result<Turn, RunError> {
        let path = self.path.to_owned();
        if place.unproved + 1 >= LOOKS || !failure.again {
            let reason = format!("it cannot be seen whether it took effect: {}", failure.message);
            self.shared.append(Event::Uncertain { path: path.clone(), reason: reason.clone() })?;
            return Ok(self.stop(Wait::Look { path, reason }));
        }
        let reason = format!("the probe failed: {}", failure.message);
        let until = later(self.shared.system.now(), PROBE_AGAIN);
        self.shared.append(Event::Unproved {
            path: path.clone(),
            reason: reason.clone(),
            again_at: until,
        })?;
        Ok(self.stop(Wait::Time { path, until, reason }))
    }

    fn after_performed(
        &self,
        place: &Place,
        attempt: &Attempt,
        outputs: &BTreeMap<String, String>,
        probe: Probe,
    ) -> Result<(), RunError> {
        match probe {
            Probe::InEffect(seen) => {
                let mut all = seen;
                all.extend(outputs.clone());
                self.end(true, "the probe shows the effect", all, &attempt.before)
            }
            Probe::Repeatable => {
                self.end(true, "accepted; the service drops a repetition", outputs.clone(), &attempt.before)
            }
            Probe::Unknown(reason) => {
                self.end(true, &format!("accepted; not proved: {reason}"), outputs.clone(), &attempt.before)
            }
            Probe::NotInEffect(reason) if place.unproved + 1 >= LOOKS => {
                let reason = format!("it was performed, and the probe does not show the effect: {reason}");
                self.end(false, &reason, outputs.clone(), &attempt.before)
            }
            Probe::NotInEffect(reason) => {
                let wait = 2_i64.saturating_pow(place.unproved + 1);
                let again_at = later(self.shared.system.now(), wait);
                let path = self.path.to_owned();
                Ok(self.shared.append(Event::Unproved { path, reason, again_at })?)
            }
        }
    }

    fn after_nothing(
        &self,
        place: &Place,
        attempt: &Attempt,
        probe: Probe,
        error: Option<ActionError>,
    ) -> Result<(), RunError> {
        // Without an error the process ended in between, which is not the service's failure.
        let counts = error.is_some();
        let why = error.map_or_else(|| "interrupted".to_owned(), |error| error.message);
        match probe {
            Probe::InEffect(outputs) => {
                self.end(true, &format!("{why}; the probe shows the effect"), outputs, &attempt.before)
            }
            Probe::NotInEffect(_) => {
                self.fail(place, &format!("{why}; the probe shows no effect"), Failure::late(counts))
            }
            Probe::Repeatable => self.fail(
                place,
                &format!("{why}; it is asked again with the same key"),
                Failure::late(counts),
            ),
            Probe::Unknown(reason) => {
                let reason = format!("{why}; {reason}");
                Ok(self.shared.append(Event::Uncertain { path: self.path.to_owned(), reason })?)
            }
        }
    }

    fn fail(&self, place: &Place, reason: &str, failure: Failure) -> Result<(), RunError> {
        let Failure { counts, last, perhaps } = failure;
        let now = self.shared.system.now();
        let again_at = if counts && !last && place.failures + 1 < self.retry.attempts {
            later_milliseconds(now, self.backoff(place.failures))
        } else {
            now
        };
        let event = Event::AttemptFailed {
            path: self.path.to_owned(),
            reason: reason.to_owned(),
            counts,
            last,
            again_at,
            perhaps,
        };
        Ok(self.shared.append(event)?)
    }

    /// Milliseconds to wait after a number of failures: growing, bounded, and spread by up to a half, so that many runs
    /// do not come back at once. The spread comes from the run's seed, so a run that is replayed waits as long.
    fn backoff(&self, failures: u32) -> i64 {
        let grown = self.retry.backoff_seconds.saturating_mul(self.retry.factor.saturating_pow(failures));
        let milliseconds = grown.min(self.retry.longest_seconds).saturating_mul(1000);
        let seed = self.shared.state(|state| state.opened.seed.clone());
        let digest = blake3::hash(format!("{seed} {} {failures}", self.path).as_bytes());
        let dice = digest.as_bytes().first().copied().map_or(0, u64::from);
        let spread = (milliseconds / 2).saturating_mul(dice) / 255;
        i64::try_from(milliseconds - spread).unwrap_or(i64::MAX)
    }

    fn end(
        &self,
        success: bool,
        reason: &str,
        outputs: BTreeMap<String, String>,
        before: &Value,
    ) -> Result<(), RunError> {
        let inputs: BTreeMap<&str, String> =
            self.inputs.iter().map(|(name, input)| (name.as_str(), input.to_string())).collect();
        let evidence = json!({
            "path": self.path, "action": self.action.spec().name, "inputs": inputs, "before": before,
            "outputs": outputs, "success": success, "reason": reason,
            "at": self.shared.system.now().to_string(),
        });
        let evidence = blake3::hash(canonical(&evidence).as_bytes()).to_hex().to_string();
        let (path, reason) = (self.path.to_owned(), reason.to_owned());
        Ok(self.shared.append(Event::Ended { path, success, reason, outputs, evidence })?)
    }
}

/// What an action is asked with at a place.
pub(crate) fn call<'c>(
    shared: &'c Shared<'_>,
    path: &'c str,
    key: &'c str,
    inputs: &'c BTreeMap<String, Resolved>,
    timeout_ms: Option<u64>,
) -> Call<'c> {
    let milliseconds = timeout_ms.filter(|limit| *limit > 0).unwrap_or(DEFAULT_TIMEOUT_MS);
    Call { path, key, inputs, timeout: Duration::from_millis(milliseconds), system: shared.system }
}

/// The idempotency key of a place in a run.
pub(crate) fn key(run: &str, path: &str) -> String {
    let digest = blake3::hash(format!("{run} {path}").as_bytes());
    digest.to_hex().as_str().get(..32).unwrap_or_default().to_owned()
}

/// Calls an action on a thread of its own: outside of any asynchronous runtime, and so that a panic of it is an error of
/// the step. What it did before it panicked is not known.
pub(crate) fn guarded<T: Send>(
    act: impl FnOnce() -> Result<T, ActionError> + Send,
) -> Result<T, ActionError> {
    std::thread::scope(|scope| {
        let spawned = std::thread::Builder::new().spawn_scoped(scope, act);
        // A thread that was not started did nothing.
        let unable =
            |error| ActionError::for_now(format!("no thread for the action: {error}; try again later"));
        let done = spawned.map_err(unable)?.join();
        done.unwrap_or_else(|_| Err(ActionError::perhaps("the action broke off; please report it")))
    })
}

pub(crate) fn later(now: Ticks, seconds: i64) -> Ticks {
    now.checked_add(seconds.saturating_mul(Ticks::PER_SECOND)).unwrap_or(Ticks::MAX)
}

fn later_milliseconds(now: Ticks, milliseconds: i64) -> Ticks {
    now.checked_add(milliseconds.saturating_mul(Ticks::PER_SECOND / 1000)).unwrap_or(Ticks::MAX)
}

//! What all branches of a run share: the journal and what it adds up to.

use std::sync::{Mutex, MutexGuard, PoisonError};

use castellan_base::System;
use serde_json::Value;

use super::event::Event;
use super::journal::{Journal, JournalError};
use super::state::{Place, State};
use super::wait::Wait;

/// The journal of a run that is worked on.
pub(crate) struct Shared<'s> {
    pub(crate) system: &'s dyn System,
    inner: Mutex<Inner>,
}

struct Inner {
    journal: Journal,
    state: State,
    waits: Vec<Wait>,
    steps: usize,
    live: usize,
    failed: Vec<(String, String)>,
}

impl<'s> Shared<'s> {
    pub(crate) fn new(system: &'s dyn System, journal: Journal, state: State) -> Shared<'s> {
        let inner = Inner { journal, state, waits: Vec::new(), steps: 0, live: 0, failed: Vec::new() };
        Shared { system, inner: Mutex::new(inner) }
    }

    /// A panic of another branch leaves no half-written state: records are applied after they are written.
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes an event; it counts once this returns.
    pub(crate) fn append(&self, event: Event) -> Result<(), JournalError> {
        let now = self.system.now();
        let mut inner = self.inner();
        let record = inner.journal.append(now, event)?;
        inner.state.apply(&record);
        Ok(())
    }

    pub(crate) fn place(&self, path: &str) -> Place {
        self.inner().state.place(path)
    }

    /// Something of the state.
    pub(crate) fn state<T>(&self, look: impl FnOnce(&State) -> T) -> T {
        look(&self.inner().state)
    }

    pub(crate) fn wait(&self, wait: Wait) {
        self.inner().waits.push(wait);
    }

    /// Counts a step; false when there were too many.
    pub(crate) fn count(&self, most: usize) -> bool {
        let mut inner = self.inner();
        inner.steps += 1;
        inner.steps <= most
    }

    /// Counts a branch that gets a thread; false when there are too many.
    pub(crate) fn begin_branch(&self, most: usize) -> bool {
        let mut inner = self.inner();
        let fits = inner.live < most;
        inner.live += usize::from(fits);
        fits
    }

    /// The branch is over.
    pub(crate) fn end_branch(&self) {
        self.inner().live -= 1;
    }

    /// A step failed and the run goes on as the playbook says.
    pub(crate) fn note_failure(&self, path: &str, reason: &str) {
        self.inner().failed.push((path.to_owned(), reason.to_owned()));
    }

    /// A decision, taken once and kept.
    pub(crate) fn choose(&self, path: &str, decide: impl FnOnce() -> Value) -> Result<Value, JournalError> {
        if let Some(choice) = self.place(path).choice {
            return Ok(choice);
        }
        let choice = decide();
        self.append(Event::Chosen { path: path.to_owned(), choice: choice.clone() })?;
        Ok(choice)
    }

    /// The state, what is waited for, and failures that were handled.
    pub(crate) fn into_parts(self) -> (State, Vec<Wait>, Vec<(String, String)>, String) {
        let inner = self.inner.into_inner().unwrap_or_else(PoisonError::into_inner);
        let head = inner.journal.head().to_owned();
        (inner.state, inner.waits, inner.failed, head)
    }
}

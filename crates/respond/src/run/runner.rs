//! Starting, resuming, answering, stopping and undoing runs.

use std::collections::BTreeMap;

use castellan_base::System;

use super::event::{Event, Opened, Outcome, Record};
use super::folder::Folder;
use super::journal::{Journal, JournalError};
use super::people::{ROLE, verdict_path};
use super::report::Report;
use super::scope::Scope;
use super::shared::Shared;
use super::state::State;
use super::undo::undo_all;
use super::wait::Wait;
use super::walker::{Frame, Walker};
use super::{Flow, OWN, RunError};
use crate::actions::Catalogue;
use crate::library::Library;
use crate::playbook::{self, Playbook, StepKind};
use crate::sign::uuid_of;

/// How to start a run.
#[derive(Clone, Debug, Default)]
pub struct Start {
    /// Values for variables of the playbook.
    pub variables: BTreeMap<String, String>,
    /// Who starts it.
    pub by: String,
    /// What it is for: an incident, an alert.
    pub cause: String,
    /// What the start is known by: a second start with the same key gives the first run. Without one, every start is a
    /// run of its own.
    pub key: Option<String>,
    /// True when a playbook runs though nobody trusted has signed it.
    pub allow_unsigned: bool,
}

/// Who answers, with the roles that the caller has checked.
#[derive(Clone, Debug, Default)]
pub struct Answerer {
    /// The person.
    pub who: String,
    /// Their roles.
    pub roles: Vec<String>,
}

/// Works on runs.
pub struct Runner<'r> {
    /// Clock, secrets.
    pub system: &'r dyn System,
    /// Playbooks.
    pub library: &'r Library,
    /// Actions.
    pub catalogue: &'r Catalogue,
    /// Where journals are.
    pub folder: Folder,
    /// Asked before every step; true stops at once, and the run can be resumed.
    pub is_stopped: &'r (dyn Fn() -> bool + Sync),
}

impl Runner<'_> {
    /// Opens a run and works on it until it ends or waits.
    pub fn start(&self, playbook: &str, start: &Start) -> Result<Report, RunError> {
        let opened = self.opened(playbook, start)?;
        let run = opened.run.clone();
        let mut journal = match self.folder.create(&run) {
            Ok(journal) => journal,
            Err(JournalError::Exists(_)) if start.key.is_some() => {
                let (journal, loaded) = self.folder.open(&run)?;
                if !loaded.records.is_empty() {
                    drop(journal);
                    return self.resume(&run);
                }
                journal
            }
            Err(error) => return Err(error.into()),
        };
        journal.append(self.system.now(), Event::Opened(opened))?;
        drop(journal);
        self.resume(&run)
    }

    /// What stands at the beginning of the journal.
    fn opened(&self, id: &str, start: &Start) -> Result<Opened, RunError> {
        let mut playbooks = BTreeMap::new();
        let mut trust = String::new();
        let mut open = vec![id.to_owned()];
        while let Some(next) = open.pop() {
            if playbooks.contains_key(&next) {
                continue;
            }
            let entry = self.library.get(&next).ok_or_else(|| RunError::NoPlaybook(next.clone()))?;
            let word = entry.may_run(self.library.trusted(), self.system.now(), start.allow_unsigned);
            let word =
                word.map_err(|reason| RunError::Refused { name: entry.playbook.name.clone(), reason })?;
            if trust.is_empty() {
                trust = word;
            }
            open.extend(called(&entry.playbook));
            playbooks.insert(next, entry.playbook.document().clone());
        }
        let entry = self.library.get(id).ok_or_else(|| RunError::NoPlaybook(id.to_owned()))?;
        given(&entry.playbook, &start.variables)?;
        let seed = seed()?;
        let name = start.key.as_deref().unwrap_or(&seed);
        Ok(Opened {
            run: format!("run--{}", uuid_of(format!("{id} {name}").as_bytes())),
            playbook: id.to_owned(),
            playbooks,
            digest: entry.playbook.digest(),
            trust,
            variables: start.variables.clone(),
            by: start.by.clone(),
            cause: start.cause.clone(),
            seed,
        })
    }

    /// Works on a run until it ends or waits. A run that is over is told as it is.
    pub fn resume(&self, run: &str) -> Result<Report, RunError> {
        let (journal, state) = self.open(run)?;
        self.work(journal, state)
    }

    /// As [`Runner::resume`], on a journal that is kept elsewhere than in the folder.
    pub fn work(&self, journal: Journal, state: State) -> Result<Report, RunError> {
        let shared = Shared::new(self.system, journal, state);
        if shared.state(|state| state.closed.is_none()) {
            self.walk(&shared)?;
        }
        if shared.state(|state| state.undo_open && state.closed.is_some()) {
            undo_all(&shared, self.catalogue, true)?;
            shared.append(Event::UndoClosed)?;
        }
        let (state, waits, handled, head) = shared.into_parts();
        Ok(Report::of(&state, waits, handled, head))
    }

    fn open(&self, run: &str) -> Result<(Journal, State), RunError> {
        let (journal, loaded) = self.folder.open(run)?;
        let state = State::of(&loaded.records).ok_or_else(|| RunError::NotARun(run.to_owned()))?;
        Ok((journal, state))
    }

    fn walk(&self, shared: &Shared<'_>) -> Result<(), RunError> {
        let opened = shared.state(|state| state.opened.clone());
        let playbooks = read_all(&opened)?;
        let Some(root) = playbooks.get(&opened.playbook) else {
            return Err(RunError::NotARun(opened.run));
        };
        let started = shared.state(|state| state.started).to_string();
        let own = [(OWN[0], opened.run.clone()), (OWN[1], started)];
        let mut scope = Scope::of(root, &own);
        for (name, value) in &opened.variables {
            let set = scope.set(name, value);
            set.map_err(|reason| RunError::Variable { name: name.clone(), reason })?;
        }
        let walker =
            Walker { shared, catalogue: self.catalogue, playbooks: &playbooks, is_stopped: self.is_stopped };
        let frame = Frame { playbook: root, path: String::new(), depth: 0 };
        let (outcome, reason) = match walker.whole(&frame, &mut scope)? {
            Flow::Done => (Outcome::Completed, String::new()),
            Flow::Failed(reason) => {
                if root.run.compensate {
                    undo_all(shared, self.catalogue, false)?;
                }
                (Outcome::Failed, reason)
            }
            Flow::Waiting => return Ok(()),
            Flow::Cancelled => match shared.state(|state| state.cancelled.clone()) {
                Some((who, why)) => (Outcome::Cancelled, format!("{who}: {why}")),
                // The process stops; the run goes on when it is resumed.
                None => return Ok(()),
            },
        };
        Ok(shared.append(Event::Closed { outcome, reason })?)
    }

    /// Approves or refuses a step, and works on.
    ///
    /// Errors: [`RunError::NotAsked`] when the step does not wait for this person.
    pub fn approve(
        &self,
        run: &str,
        path: &str,
        answerer: &Answerer,
        approve: bool,
        why: &str,
    ) -> Result<Report, RunError> {
        let (mut journal, mut state) = self.open(run)?;
        let refuse = |reason: &str| RunError::NotAsked { path: path.to_owned(), reason: reason.to_owned() };
        if state.closed.is_some() {
            return Err(refuse("the run is over"));
        }
        if state.place(&verdict_path(path)).choice.is_some() {
            return Err(refuse("it is decided already"));
        }
        let asked = state.place(path).asked.ok_or_else(|| refuse("nobody is asked to approve it"))?;
        // Names are compared in lower case everywhere, so that one person is one vote.
        let who = answerer.who.to_lowercase();
        let is_named = asked.approvers.iter().any(|approver| approver.to_lowercase() == who);
        let has_role = answerer.roles.iter().any(|role| asked.approvers.contains(&format!("{ROLE}{role}")));
        if !is_named && !has_role {
            return Err(refuse(&format!("`{}` is not among those who are asked", answerer.who)));
        }
        if !asked.excluded.is_empty() && asked.excluded.to_lowercase() == who {
            return Err(refuse("who started the run may not approve it"));
        }
        if self.system.now() >= asked.deadline {
            // Resuming decides it, or asks those to whom it is escalated.
            drop(journal);
            let report = self.resume(run)?;
            let still = |wait: &Wait| matches!(wait, Wait::Approval { path: open, .. } if open == path);
            if !report.waits.iter().any(still) {
                return Err(refuse("the time to approve it is over"));
            }
            return self.approve(run, path, answerer, approve, why);
        }
        let event = Event::Decided { path: path.to_owned(), who, approve, why: why.to_owned() };
        state.apply(&journal.append(self.system.now(), event)?);
        self.work(journal, state)
    }

    /// Says that a person did what a step asks for, or could not, and works on.
    pub fn complete(
        &self,
        run: &str,
        path: &str,
        who: &str,
        result: Result<BTreeMap<String, String>, String>,
    ) -> Result<Report, RunError> {
        let (mut journal, mut state) = self.open(run)?;
        let place = state.place(path);
        let is_open = place.ended.is_none() && state.closed.is_none();
        if !is_open || place.task.is_none_or(|task| task.done.is_some()) {
            let reason = "nobody is asked to do anything there".to_owned();
            return Err(RunError::NotAsked { path: path.to_owned(), reason });
        }
        let (success, why, outputs) = match result {
            Ok(outputs) => (true, String::new(), outputs),
            Err(why) => (false, why, BTreeMap::new()),
        };
        let (path, who) = (path.to_owned(), who.to_owned());
        let event = Event::TaskDone { path, who, success, why, outputs };
        state.apply(&journal.append(self.system.now(), event)?);
        self.work(journal, state)
    }

    /// Says what a person saw who looked whether an action took effect, and works on.
    pub fn settle(
        &self,
        run: &str,
        path: &str,
        who: &str,
        took_effect: bool,
        why: &str,
    ) -> Result<Report, RunError> {
        let (mut journal, mut state) = self.open(run)?;
        let place = state.place(path);
        if place.uncertain.is_none() || place.ended.is_some() {
            let reason = "nobody has to look there".to_owned();
            return Err(RunError::NotAsked { path: path.to_owned(), reason });
        }
        let (path, who, why) = (path.to_owned(), who.to_owned(), why.to_owned());
        let event = Event::Settled { path, who, took_effect, why };
        state.apply(&journal.append(self.system.now(), event)?);
        self.work(journal, state)
    }

    /// Stops a run for good. What was done stays; see [`Runner::undo`].
    pub fn cancel(&self, run: &str, who: &str, why: &str) -> Result<Report, RunError> {
        let (mut journal, mut state) = self.open(run)?;
        if state.closed.is_none() {
            let event = Event::CancelAsked { who: who.to_owned(), why: why.to_owned() };
            state.apply(&journal.append(self.system.now(), event)?);
        }
        self.work(journal, state)
    }

    /// Undoes what a run did, last first; a run that is not over is stopped before. Asking again tries again what could not
    /// be undone.
    pub fn undo(&self, run: &str, who: &str, why: &str) -> Result<Report, RunError> {
        let (mut journal, mut state) = self.open(run)?;
        if state.closed.is_none() {
            let event = Event::CancelAsked { who: who.to_owned(), why: why.to_owned() };
            state.apply(&journal.append(self.system.now(), event)?);
        }
        let event = Event::UndoAsked { who: who.to_owned(), why: why.to_owned() };
        state.apply(&journal.append(self.system.now(), event)?);
        self.work(journal, state)
    }

    /// Everything that happened in a run.
    pub fn history(&self, run: &str) -> Result<Vec<Record>, RunError> {
        Ok(self.folder.read(run)?)
    }

    /// The ids of all runs.
    pub fn runs(&self) -> Result<Vec<String>, RunError> {
        Ok(self.folder.runs()?)
    }
}

/// The playbooks that a playbook calls.
fn called(playbook: &Playbook) -> Vec<String> {
    let of_step = |kind: &StepKind| match kind {
        StepKind::Playbook { id, .. } => Some(id.clone()),
        _ => None,
    };
    playbook.steps.values().filter_map(|step| of_step(&step.kind)).collect()
}

/// Checks the values that a start gives.
pub(crate) fn given(playbook: &Playbook, variables: &BTreeMap<String, String>) -> Result<(), RunError> {
    let mut scope = Scope::of(playbook, &[]);
    for (name, value) in variables {
        let set = scope.set(name, value);
        set.map_err(|reason| RunError::Variable { name: name.clone(), reason })?;
    }
    for (name, variable) in &playbook.variables {
        if variable.external && scope.get(name).is_none_or(|variable| variable.value.is_none()) {
            let reason = format!("it has to be given when the run starts; it is {}", variable.kind.form());
            return Err(RunError::Variable { name: name.clone(), reason });
        }
    }
    Ok(())
}

fn read_all(opened: &Opened) -> Result<BTreeMap<String, Playbook>, RunError> {
    let mut playbooks = BTreeMap::new();
    for (id, document) in &opened.playbooks {
        let reading = playbook::read_node(&castellan_base::Node::from_json(document));
        let read = reading.playbook.ok_or_else(|| RunError::NotARun(opened.run.clone()))?;
        playbooks.insert(id.clone(), read);
    }
    Ok(playbooks)
}

fn seed() -> Result<String, RunError> {
    let mut bytes = [0; 16];
    aws_lc_rs::rand::fill(&mut bytes).map_err(|_| RunError::NoRandomness)?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

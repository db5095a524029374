//! What the records of a journal add up to.

use std::collections::{BTreeMap, BTreeSet};

use castellan_base::Ticks;
use serde_json::Value;

use super::event::{Event, Opened, Outcome, Record};
use crate::playbook::Resolved;

/// A question to people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// Who may answer.
    pub approvers: BTreeSet<String>,
    /// How many have to approve.
    pub required: usize,
    /// What they are asked.
    pub question: String,
    /// Until when.
    pub deadline: Ticks,
    /// True once it was escalated.
    pub escalated: bool,
    /// Who may not; empty for nobody.
    pub excluded: String,
    /// Who said what and why; the last word of each counts.
    pub decisions: BTreeMap<String, (bool, String)>,
}

/// Something that a person is asked to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Task {
    /// What.
    pub instruction: String,
    /// Until when.
    pub deadline: Option<Ticks>,
    /// Who did it, whether it is done, what was found.
    pub done: Option<(String, bool, String)>,
    /// Values for variables.
    pub outputs: BTreeMap<String, String>,
}

/// An attempt.
#[derive(Clone, Debug, PartialEq)]
pub struct Attempt {
    /// The action.
    pub action: String,
    /// The idempotency key.
    pub key: String,
    /// What it was given.
    pub inputs: BTreeMap<String, Resolved>,
    /// What was there before.
    pub before: Value,
    /// True when it stays though the playbook fails.
    pub keep: bool,
}

/// How a step ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ended {
    /// True when it is done.
    pub success: bool,
    /// How it is known, or why it failed.
    pub reason: String,
    /// Values for variables.
    pub outputs: BTreeMap<String, String>,
    /// The digest of the evidence.
    pub evidence: String,
    /// When.
    pub at: Ticks,
}

/// One place in a run.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Place {
    /// What was decided.
    pub choice: Option<Value>,
    /// Until when it waits before it starts.
    pub delayed_until: Option<Ticks>,
    /// What people are asked.
    pub asked: Option<Asked>,
    /// What a person is asked to do.
    pub task: Option<Task>,
    /// When it was first started.
    pub first_started: Option<Ticks>,
    /// The attempt that is open: started, and not known to have come to nothing.
    pub open: Option<Attempt>,
    /// What was there before the first of the attempts that may still land late, which must not count as what was there.
    pub first_before: Option<Value>,
    /// The outputs, once the action says that it is done.
    pub performed: Option<BTreeMap<String, String>>,
    /// How often the probe did not show the effect.
    pub unproved: u32,
    /// Attempts that came to nothing and count.
    pub failures: u32,
    /// Why the last of them did.
    pub last_failure: String,
    /// True when another attempt is pointless.
    pub gave_up: bool,
    /// When it is looked at again.
    pub again_at: Option<Ticks>,
    /// Why nobody can tell whether it took effect.
    pub uncertain: Option<String>,
    /// What a person saw: whether it took effect.
    pub settled: Option<bool>,
    /// How it ended.
    pub ended: Option<Ended>,
    /// True once its undo began, until it is known that it came to nothing.
    pub undo_started: bool,
    /// How its undo ended.
    pub undone: Option<(bool, String)>,
}

/// A run.
#[derive(Clone, Debug)]
pub struct State {
    /// How it was opened.
    pub opened: Opened,
    /// When.
    pub started: Ticks,
    /// The places by path.
    pub places: BTreeMap<String, Place>,
    /// Paths of actions that may have taken effect, in order.
    pub acted: Vec<String>,
    /// Who stopped it and why.
    pub cancelled: Option<(String, String)>,
    /// Who wants it undone and why.
    pub undo_asked: Option<(String, String)>,
    /// True as long as what was asked to be undone was not gone through.
    pub undo_open: bool,
    /// How it ended.
    pub closed: Option<(Outcome, String)>,
}

impl State {
    /// Adds records up. `None` when the first does not open a run.
    pub fn of(records: &[Record]) -> Option<State> {
        let (first, rest) = records.split_first()?;
        let Event::Opened(opened) = &first.event else { return None };
        let mut state = State {
            opened: opened.clone(),
            started: first.at,
            places: BTreeMap::new(),
            acted: Vec::new(),
            cancelled: None,
            undo_asked: None,
            undo_open: false,
            closed: None,
        };
        rest.iter().for_each(|record| state.apply(record));
        Some(state)
    }

    /// A place; an empty one where nothing has happened.
    pub fn place(&self, path: &str) -> Place {
        self.places.get(path).cloned().unwrap_or_default()
    }

    fn at(&mut self, path: &str) -> &mut Place {
        self.places.entry(path.to_owned()).or_default()
    }

    /// Adds a record.
    pub fn apply(&mut self, record: &Record) {
        match &record.event {
            Event::Opened(_) => {}
            Event::Chosen { path, choice } => self.at(path).choice = Some(choice.clone()),
            Event::Delayed { path, until } => self.at(path).delayed_until = Some(*until),
            Event::CancelAsked { who, why } => self.cancelled = Some((who.clone(), why.clone())),
            Event::UndoAsked { who, why } => {
                (self.undo_asked, self.undo_open) = (Some((who.clone(), why.clone())), true);
            }
            Event::UndoClosed => self.undo_open = false,
            Event::Closed { outcome, reason } => self.closed = Some((*outcome, reason.clone())),
            Event::UndoStarted { path } => self.at(path).undo_started = true,
            Event::UndoEnded { path, success, reason, perhaps } => {
                let place = self.at(path);
                place.undo_started = *success || *perhaps;
                place.undone = Some((*success, reason.clone()));
            }
            Event::ApprovalAsked { .. }
            | Event::Decided { .. }
            | Event::TaskAsked { .. }
            | Event::TaskDone { .. } => {
                self.apply_people(&record.event);
            }
            other => self.apply_action(other, record.at),
        }
    }

    fn apply_people(&mut self, event: &Event) {
        match event {
            Event::ApprovalAsked { path, approvers, required, question, deadline, escalated, excluded } => {
                let place = self.at(path);
                let mut asked = place.asked.take().unwrap_or(Asked {
                    approvers: BTreeSet::new(),
                    required: *required,
                    question: question.clone(),
                    deadline: *deadline,
                    escalated: false,
                    excluded: excluded.clone(),
                    decisions: BTreeMap::new(),
                });
                asked.approvers.extend(approvers.iter().cloned());
                (asked.deadline, asked.escalated) = (*deadline, *escalated);
                place.asked = Some(asked);
            }
            Event::Decided { path, who, approve, why } => {
                if let Some(asked) = &mut self.at(path).asked {
                    asked.decisions.insert(who.clone(), (*approve, why.clone()));
                }
            }
            Event::TaskAsked { path, instruction, deadline } => {
                let (instruction, deadline) = (instruction.clone(), *deadline);
                self.at(path).task =
                    Some(Task { instruction, deadline, done: None, outputs: BTreeMap::new() });
            }
            Event::TaskDone { path, who, success, why, outputs } => {
                if let Some(task) = &mut self.at(path).task {
                    task.done = Some((who.clone(), *success, why.clone()));
                    task.outputs = outputs.clone();
                }
            }
            _ => {}
        }
    }

    fn apply_action(&mut self, event: &Event, at: Ticks) {
        match event {
            Event::Started { path, action, key, inputs, before, keep } => {
                let (action, key) = (action.clone(), key.clone());
                let (inputs, before) = (inputs.clone(), before.clone());
                let attempt = Attempt { action, key, inputs, before, keep: *keep };
                let place = self.at(path);
                place.open = Some(attempt);
                // What an attempt before it said is not what this one says.
                (place.performed, place.unproved) = (None, 0);
                place.first_started.get_or_insert(at);
                (place.again_at, place.settled, place.uncertain) = (None, None, None);
                self.acted.retain(|acted| acted != path);
                self.acted.push(path.clone());
            }
            Event::Performed { path, outputs } => self.at(path).performed = Some(outputs.clone()),
            Event::Unproved { path, again_at, reason } => {
                let place = self.at(path);
                place.unproved += 1;
                place.again_at = Some(*again_at);
                reason.clone_into(&mut place.last_failure);
            }
            Event::AttemptFailed { path, reason, counts, last, again_at, perhaps } => {
                let place = self.at(path);
                let attempt = place.open.take();
                if let Some(attempt) = attempt.filter(|_| *perhaps) {
                    place.first_before.get_or_insert(attempt.before);
                }
                (place.performed, place.unproved) = (None, 0);
                place.failures += u32::from(*counts);
                reason.clone_into(&mut place.last_failure);
                place.gave_up = *last;
                place.again_at = Some(*again_at);
                (place.settled, place.uncertain) = (None, None);
                self.acted.retain(|acted| acted != path);
            }
            Event::Uncertain { path, reason } => self.at(path).uncertain = Some(reason.clone()),
            Event::Settled { path, took_effect, .. } => self.at(path).settled = Some(*took_effect),
            Event::Ended { path, success, reason, outputs, evidence } => {
                let (reason, outputs, evidence) = (reason.clone(), outputs.clone(), evidence.clone());
                self.at(path).ended = Some(Ended { success: *success, reason, outputs, evidence, at });
            }
            _ => {}
        }
    }
}

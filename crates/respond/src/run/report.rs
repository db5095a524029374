//! How a run stands, for people and programs.

use std::collections::BTreeMap;

use castellan_base::Ticks;
use serde::Serialize;

use super::event::Outcome;
use super::state::{Ended, State};
use super::wait::Wait;

/// Where a run is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// It waits for a time or for people.
    Waiting,
    /// It came to its end.
    Completed,
    /// A failure was handled nowhere.
    Failed,
    /// Somebody stopped it.
    Cancelled,
    /// It was cut off; resume it.
    Interrupted,
}

/// One place in a run that ended, or was undone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct StepReport {
    /// The place in the run.
    pub path: String,
    /// The action; empty for what people did.
    pub action: String,
    /// True when it is done.
    pub success: bool,
    /// How it is known, or why it failed.
    pub reason: String,
    /// What it gave.
    pub outputs: BTreeMap<String, String>,
    /// The digest of the evidence.
    pub evidence: String,
    /// When it ended.
    pub at: Ticks,
    /// Whether it was undone, and how that is known.
    pub undone: Option<(bool, String)>,
}

/// How a run stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Report {
    /// The run's id.
    pub run: String,
    /// The playbook's id.
    pub playbook: String,
    /// Where it is.
    pub status: Status,
    /// Why, where it did not complete.
    pub reason: String,
    /// What it waits for.
    pub waits: Vec<Wait>,
    /// What ended, in the order in which it ended.
    pub steps: Vec<StepReport>,
    /// Failures that the playbook dealt with.
    pub handled: Vec<(String, String)>,
    /// Names everything that happened until now: the checksum of the journal's last line.
    pub head: String,
}

impl Report {
    pub(crate) fn of(
        state: &State,
        waits: Vec<Wait>,
        handled: Vec<(String, String)>,
        head: String,
    ) -> Report {
        let mut steps: Vec<StepReport> = Vec::new();
        for (path, place) in &state.places {
            // What was undone before it was known to be done is told as well.
            let not_known = || Ended {
                success: false,
                reason: "nobody knows whether it took effect".to_owned(),
                outputs: BTreeMap::new(),
                evidence: String::new(),
                at: place.first_started.unwrap_or(state.started),
            };
            let Some(ended) = place.ended.clone().or_else(|| place.undone.is_some().then(not_known)) else {
                continue;
            };
            steps.push(StepReport {
                path: path.clone(),
                action: place.open.as_ref().map(|attempt| attempt.action.clone()).unwrap_or_default(),
                success: ended.success,
                reason: ended.reason,
                outputs: ended.outputs,
                evidence: ended.evidence,
                at: ended.at,
                undone: place.undone.clone(),
            });
        }
        steps.sort_by(|left, right| left.at.cmp(&right.at).then_with(|| left.path.cmp(&right.path)));
        let (status, reason) = match &state.closed {
            Some((Outcome::Completed, reason)) => (Status::Completed, reason.clone()),
            Some((Outcome::Failed, reason)) => (Status::Failed, reason.clone()),
            Some((Outcome::Cancelled, reason)) => (Status::Cancelled, reason.clone()),
            None if waits.is_empty() => (Status::Interrupted, String::new()),
            None => (Status::Waiting, String::new()),
        };
        Report {
            run: state.opened.run.clone(),
            playbook: state.opened.playbook.clone(),
            status,
            reason,
            waits,
            steps,
            handled,
            head,
        }
    }

    /// When the run should be resumed though nobody answered; `None` when only people can move it.
    pub fn resume_at(&self) -> Option<Ticks> {
        self.waits.iter().filter_map(Wait::until).min()
    }
}

//! Automation rules over the incidents of a desk, while the server is up.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use castellan_base::{OsSystem, System, Ticks};
use castellan_detect::incident::Incident;
use castellan_incident::Desk;
use serde::{Deserialize, Serialize};

use super::Automation;
use super::runs::Runs;
use crate::arguments::UpArguments;
use crate::output::{complain, inert_lines};
use crate::playbook::library;
use crate::up::configured;
use crate::up::kept::{keep, read};

/// How often incidents are looked at.
const EVERY: Duration = Duration::from_secs(1);
/// The folder of runs, and the file of what was answered, in the lake's.
const RUNS: &str = "analytics/runs";
const ANSWERED: &str = "analytics/automation.json";

/// The versions of incidents that rules have answered. A server that is killed answers the others when it starts again.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
struct Answered {
    /// Whether rules have looked at all: what was there before they did is not new to them.
    has_begun: bool,
    versions: BTreeMap<u32, u64>,
}

/// Automation rules over the incidents of a desk.
pub(crate) struct Responder {
    automation: Automation,
    runs: Runs,
    desk: Arc<Desk>,
    path: PathBuf,
    answered: Answered,
    /// Incidents as rules saw them last.
    seen: BTreeMap<u32, Incident>,
    problem: Option<String>,
}

impl Responder {
    /// Reads rules and playbooks, and goes on with runs.
    ///
    /// Errors: rules, playbooks, a configuration or files of earlier runs that cannot be used.
    pub(crate) fn open(
        rules: &Path,
        folder: &Path,
        desk: Arc<Desk>,
        arguments: &UpArguments,
        system: &dyn System,
    ) -> Result<Responder> {
        let automation = Automation::open(rules, system)?;
        let configured = configured(arguments, system)?;
        let library = library(&arguments.playbooks, &configured, system)?;
        let runs = Runs::begin(library, configured.catalogue()?, &folder.join(RUNS), Arc::new(OsSystem))?;
        Responder::of(automation, runs, folder, desk)
    }

    pub(super) fn of(
        automation: Automation,
        runs: Runs,
        folder: &Path,
        desk: Arc<Desk>,
    ) -> Result<Responder> {
        let path = folder.join(ANSWERED);
        let mut answered: Answered = read(&path)?;
        let mut seen = BTreeMap::new();
        desk.each(|incident| {
            if !answered.has_begun {
                answered.versions.insert(incident.number, incident.version);
            }
            seen.insert(incident.number, incident.clone());
        });
        answered.has_begun = true;
        keep(&path, &answered).context("what automation rules answered cannot be kept")?;
        Ok(Responder { automation, runs, desk, path, answered, seen, problem: None })
    }

    /// What is told when it starts.
    pub(crate) fn describe(&self) -> String {
        format!("{} automation rules", self.automation.len())
    }

    /// Answers what happens to incidents, again and again. It ends when its future is dropped.
    pub(crate) async fn run(mut self, clock: Arc<dyn System>) {
        loop {
            self.turn(clock.now());
            tokio::time::sleep(EVERY).await;
        }
    }

    /// Answers what happened since the last turn, and says in incidents what became of playbooks.
    pub(super) fn turn(&mut self, now: Ticks) {
        for command in self.runs.told() {
            let done = self.desk.order(&command, None, now);
            if let Ok(incident) = done {
                self.has_seen(incident);
            }
        }
        let mut changed = Vec::new();
        self.desk.each(|incident| {
            let known = self.answered.versions.get(&incident.number);
            if known.is_none_or(|version| *version < incident.version) {
                changed.push(incident.clone());
            }
        });
        if changed.is_empty() {
            return;
        }
        for incident in changed {
            self.answer(incident, now);
        }
        let kept = keep(&self.path, &self.answered);
        self.tells(
            kept.err().map(|error| format!("what automation rules answered cannot be kept: {error:#}")),
        );
    }

    fn answer(&mut self, incident: Incident, now: Ticks) {
        let before = match self.answered.versions.get(&incident.number) {
            None => None,
            // After a start, what it was before is not known: nothing of it has changed for conditions then.
            Some(_) => Some(self.seen.get(&incident.number).cloned().unwrap_or_else(|| incident.clone())),
        };
        let answer = self.automation.answer(before.as_ref(), &incident, now);
        let mut last = incident;
        for command in &answer.commands {
            match self.desk.order(command, None, now) {
                Ok(incident) => last = incident,
                Err(error) => {
                    let what =
                        format!("automation rule {} on incident {}: {error}", command.by, command.incident);
                    complain(&inert_lines(&format!("warning: {what}")));
                }
            }
        }
        answer.wanted.into_iter().for_each(|wanted| self.runs.start(wanted));
        self.has_seen(last);
    }

    /// Rules do not answer what they themselves did.
    fn has_seen(&mut self, incident: Incident) {
        self.answered.versions.insert(incident.number, incident.version);
        self.seen.insert(incident.number, incident);
    }

    /// Tells a problem once, until it changes.
    fn tells(&mut self, problem: Option<String>) {
        if let Some(problem) = problem.as_ref().filter(|problem| self.problem.as_ref() != Some(*problem)) {
            complain(&inert_lines(&format!("error: {problem}; it is tried again")));
        }
        self.problem = problem;
    }
}

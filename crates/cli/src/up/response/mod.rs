//! What automation rules do when incidents and alerts come and change: other values, tasks, and playbooks.
//!
//! Rules are those of Microsoft Sentinel (`castellan_respond::automation`). What they say of incidents becomes commands to
//! the incidents, under the rule's name; playbooks are started on a thread of their own and gone on with until they are
//! over. *Invariant (once):* a start is known by its rule and by what happened, so that a happening that is told twice
//! starts one run.

mod responder;
mod runs;
mod subject;
#[cfg(test)]
mod tests;

use std::path::Path;

use anyhow::{Context, Result, bail};
use castellan_base::{Diagnostic, Level, Limits, Sources, System, Ticks, json};
use castellan_detect::incident::{
    By, Classification, Command, Incident, Order, Owner, Reason, Status, Update, Verdict,
};
use castellan_detect::rule::Severity;
use castellan_respond::automation::{Applied, Effect, Happening, Rule, Trigger, evaluate};

pub(super) use responder::Responder;
use runs::Wanted;

use crate::estate::report;
use crate::output::read_text;

/// The largest file of rules, in bytes.
const LARGEST: u64 = 4 << 20;
/// The most files of rules.
const MOST_FILES: usize = 10_000;

/// Automation rules.
#[derive(Debug, Default)]
pub(super) struct Automation {
    rules: Vec<Rule>,
}

/// What has to be done.
#[derive(Debug, Default)]
pub(super) struct Answer {
    /// Of the incident.
    pub(super) commands: Vec<Command>,
    /// Playbooks to start.
    pub(super) wanted: Vec<Wanted>,
}

impl Automation {
    /// Reads rules: a file, or all `.json` files of a folder. What is wrong with them is told.
    ///
    /// Errors: a path at which there is nothing, and rules that would do something else than they say.
    pub(super) fn open(path: &Path, system: &dyn System) -> Result<Automation> {
        if !system.exists(path) {
            bail!("there is no `{}`; name a file or folder of automation rules", path.display());
        }
        let mut files = vec![path.to_owned()];
        if system.is_dir(path) {
            let entries =
                system.read_dir(path).with_context(|| format!("cannot read `{}`", path.display()))?;
            let of_rules = entries.into_iter().filter(|entry| !entry.is_dir).map(|entry| entry.path);
            files = of_rules
                .filter(|file| file.extension().is_some_and(|extension| extension == "json"))
                .collect();
        }
        if files.len() > MOST_FILES {
            bail!(
                "`{}` has more than {MOST_FILES} files of rules; name a folder of rules alone",
                path.display()
            );
        }
        let (mut automation, mut sources, mut told) = (Automation::default(), Sources::default(), Vec::new());
        for file in files {
            let text = read_text(&file, LARGEST, system)?;
            automation.read(&file.display().to_string(), &text, &mut sources, &mut told);
        }
        report(&told, &sources);
        if told.iter().any(|found| found.level == Level::Error) {
            bail!("automation rules are wrong; mend what was told");
        }
        Ok(automation)
    }

    fn read(&mut self, name: &str, text: &str, sources: &mut Sources, told: &mut Vec<Diagnostic>) {
        let source = sources.add(name, text);
        let node = match json::parse(text, source, &Limits::default()) {
            Ok(node) => node,
            Err(wrong) => {
                told.push(wrong);
                return;
            }
        };
        let one = [node];
        let nodes = one.first().and_then(|node| node.as_array()).unwrap_or(&one);
        for node in nodes {
            let (rule, mut found) = Rule::read(node);
            told.append(&mut found);
            self.rules.extend(rule);
        }
    }

    /// How many rules there are.
    pub(super) fn len(&self) -> usize {
        self.rules.len()
    }

    /// What rules do about an incident that is new, or has changed.
    pub(super) fn answer(&self, before: Option<&Incident>, now: &Incident, at: Ticks) -> Answer {
        let mut answer = Answer::default();
        let subject = subject::subject(now);
        let (trigger, old, added) = match before {
            None => (Trigger::IncidentCreated, None, Vec::new()),
            Some(before) => (Trigger::IncidentUpdated, Some(subject::subject(before)), added(before, now)),
        };
        let mut happenings = vec![Happening { trigger, subject: subject.clone(), before: old, added }];
        if before.is_none_or(|before| before.alert_count() < now.alert_count()) {
            let trigger = Trigger::AlertCreated;
            happenings.push(Happening { trigger, subject, before: None, added: Vec::new() });
        }
        for happening in happenings {
            let key = format!("incident {} version {} {:?}", now.id, now.version, happening.trigger);
            for applied in evaluate(&self.rules, &happening, at).effects {
                answer.take(&applied, now, &key);
            }
        }
        answer
    }
}

impl Answer {
    fn take(&mut self, applied: &Applied, incident: &Incident, happening: &str) {
        let by = By::Automation(applied.rule.clone());
        if let Effect::RunPlaybook(playbook) = &applied.effect {
            self.wanted.push(Wanted {
                playbook: playbook.clone(),
                rule: applied.rule.clone(),
                incident: incident.clone(),
                key: applied.start_key(happening),
            });
            return;
        }
        if let Some(order) = order(&applied.effect, incident) {
            self.commands.push(Command { incident: incident.number, seen: None, by, order });
        }
    }
}

/// What an effect wants of an incident; nothing where it is so already.
fn order(effect: &Effect, incident: &Incident) -> Option<Order> {
    Some(match effect {
        Effect::RunPlaybook(_) => return None,
        Effect::Status { status, classification, reason, comment } => {
            let status = match status.to_ascii_lowercase().as_str() {
                "active" => Status::Active,
                "closed" => Status::Closed,
                _ => Status::New,
            };
            if incident.status == status {
                return None;
            }
            Order::SetStatus { status, verdict: verdict(classification, reason, comment) }
        }
        Effect::Severity(word) => {
            let (severity, _) =
                Severity::named(word).filter(|(severity, _)| *severity != incident.severity)?;
            Order::Update(Update { severity: Some(severity), ..Update::default() })
        }
        Effect::Owner(owner) if incident.owner.assigned_to == *owner => return None,
        Effect::Owner(owner) => {
            Order::Assign { owner: Owner { assigned_to: owner.clone(), ..Owner::default() } }
        }
        Effect::Tags(names) => {
            let is_new = |name: &&String| !incident.labels.iter().any(|label| label.name == **name);
            let names: Vec<String> = names.iter().filter(is_new).cloned().collect();
            if names.is_empty() {
                return None;
            }
            Order::Tag { names }
        }
        Effect::Task { title, .. } if incident.tasks.iter().any(|task| task.title == *title) => return None,
        Effect::Task { title, description } => {
            Order::AddTask { title: title.clone(), description: description.clone() }
        }
    })
}

fn verdict(classification: &str, reason: &str, comment: &str) -> Option<Verdict> {
    let classification = match classification.to_ascii_lowercase().as_str() {
        "truepositive" => Classification::TruePositive,
        "benignpositive" => Classification::BenignPositive,
        "falsepositive" => Classification::FalsePositive,
        "undetermined" => Classification::Undetermined,
        _ => return None,
    };
    let reasons = [
        Reason::SuspiciousActivity,
        Reason::SuspiciousButExpected,
        Reason::IncorrectAlertLogic,
        Reason::InaccurateData,
    ];
    let reason = reasons.into_iter().find(|known| known.as_str().eq_ignore_ascii_case(reason));
    Some(Verdict { classification, reason, comment: comment.to_owned() })
}

/// What an update added, by the words of conditions.
fn added(before: &Incident, now: &Incident) -> Vec<String> {
    let found = [
        (now.alert_count() > before.alert_count(), "Alerts"),
        (now.labels.len() > before.labels.len(), "Labels"),
        (now.tactics.len() > before.tactics.len(), "Tactics"),
        (now.comments.len() > before.comments.len(), "Comments"),
    ];
    found.into_iter().filter(|(is_so, _)| *is_so).map(|(_, word)| word.to_owned()).collect()
}

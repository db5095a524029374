//! Which rules apply, and what they do.

use castellan_base::Ticks;
use serde::Serialize;

use super::subject::{Happening, Subject, Trigger};
use super::{Effect, Rule};

/// What has to be done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Applied {
    /// The rule that says so.
    pub rule: String,
    /// What.
    pub effect: Effect,
}

/// What became of a rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Judged {
    /// The rule.
    pub rule: String,
    /// True when it applies.
    pub applies: bool,
    /// Why not.
    pub reason: String,
}

/// What came of all rules.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Evaluation {
    /// What has to be done, in order.
    pub effects: Vec<Applied>,
    /// What became of each rule, in their order.
    pub rules: Vec<Judged>,
    /// The incident or alert with all changes.
    pub subject: Subject,
}

impl Applied {
    /// What a playbook's start is known by, so that a happening that is told twice starts it once.
    pub fn start_key(&self, happening: &str) -> String {
        format!("{} {happening}", self.rule)
    }
}

/// Judges rules about something that happened.
pub fn evaluate(rules: &[Rule], happening: &Happening, now: Ticks) -> Evaluation {
    let mut ordered: Vec<&Rule> = rules.iter().collect();
    ordered.sort_by(|left, right| left.order.cmp(&right.order).then_with(|| left.id.cmp(&right.id)));
    let mut evaluation =
        Evaluation { effects: Vec::new(), rules: Vec::new(), subject: happening.subject.clone() };
    for rule in ordered {
        let reason = why_not(rule, happening, &evaluation.subject, now);
        let applies = reason.is_none();
        if applies {
            for effect in &rule.effects {
                change(&mut evaluation.subject, effect);
                evaluation.effects.push(Applied { rule: rule.id.clone(), effect: effect.clone() });
            }
        }
        evaluation.rules.push(Judged { rule: rule.id.clone(), applies, reason: reason.unwrap_or_default() });
    }
    evaluation
}

fn why_not(rule: &Rule, happening: &Happening, subject: &Subject, now: Ticks) -> Option<String> {
    if !rule.is_enabled {
        return Some("it is switched off".to_owned());
    }
    if rule.expires.is_some_and(|expires| now >= expires) {
        return Some("it has expired".to_owned());
    }
    if rule.trigger != happening.trigger {
        return Some("it waits for something else".to_owned());
    }
    let failing = rule.conditions.iter().position(|condition| !condition.holds(subject, happening));
    failing.map(|index| format!("condition {} does not hold", index + 1))
}

fn change(subject: &mut Subject, effect: &Effect) {
    match effect {
        Effect::Status { status, .. } => subject.set("IncidentStatus", vec![status.clone()]),
        Effect::Severity(severity) => subject.set("IncidentSeverity", vec![severity.clone()]),
        Effect::Owner(owner) => subject.set("IncidentOwner", vec![owner.clone()]),
        Effect::Tags(tags) => subject.add("IncidentLabel", tags),
        Effect::RunPlaybook(_) | Effect::Task { .. } => {}
    }
}

impl Trigger {
    pub(super) fn parse(on: &str, when: &str) -> Option<Trigger> {
        Some(match (on, when) {
            ("Incidents", "Created") => Trigger::IncidentCreated,
            ("Incidents", "Updated") => Trigger::IncidentUpdated,
            ("Alerts", "Created") => Trigger::AlertCreated,
            _ => return None,
        })
    }
}

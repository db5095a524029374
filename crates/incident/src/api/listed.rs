//! Incidents in a list.

use castellan_base::Ticks;
use castellan_detect::incident::{Incident, Status};
use serde_json::{Value, json};

use super::{Asked, Failure, parameter};
use crate::desk::{Desk, owner};

/// Incidents of a page.
const USUAL: usize = 100;
/// The most incidents of a page.
const MOST: usize = 1_000;

/// Incidents that fit, the last changed first.
pub(super) fn list(desk: &Desk, asked: &Asked) -> Result<Value, Failure> {
    let number = |name: &str, usual: usize| match parameter(asked, name) {
        None => Ok(usual),
        Some(text) => {
            text.parse().map_err(|_| Failure::bad(format!("`{name}` is `{text}`, which is no number")))
        }
    };
    let (top, skip) = (number("top", USUAL)?.clamp(1, MOST), number("skip", 0)?);
    let wanted = Wanted::of(asked)?;
    let mut found = Vec::new();
    desk.each(|incident| {
        if wanted.fits(incident) {
            found.push((incident.modified, incident.number));
        }
    });
    found.sort_unstable_by(|one, other| other.cmp(one));
    let total = found.len();
    let page = found.iter().skip(skip).take(top);
    let told = page.filter_map(|(_, number)| desk.incident(*number).ok()).map(|incident| summary(&incident));
    Ok(json!({ "value": told.collect::<Vec<_>>(), "total": total }))
}

/// What incidents are looked for.
#[derive(Default)]
struct Wanted<'a> {
    status: Option<&'a str>,
    severity: Option<&'a str>,
    owner: Option<&'a str>,
    label: Option<&'a str>,
    rule: Option<&'a str>,
    text: Option<String>,
    /// Merged ones are of interest to those alone who ask for them.
    with_merged: bool,
}

impl<'a> Wanted<'a> {
    fn of(asked: &'a Asked) -> Result<Wanted<'a>, Failure> {
        let status = parameter(asked, "status");
        let known = ["new", "active", "closed", "open", "all"];
        if let Some(status) =
            status.filter(|status| !known.iter().any(|word| word.eq_ignore_ascii_case(status)))
        {
            return Err(Failure::bad(format!("`status` is `{status}`; it is one of {}", known.join(", "))));
        }
        Ok(Wanted {
            status,
            severity: parameter(asked, "severity"),
            owner: parameter(asked, "owner"),
            label: parameter(asked, "label"),
            rule: parameter(asked, "rule"),
            text: parameter(asked, "text").map(str::to_lowercase),
            with_merged: parameter(asked, "merged").is_some_and(|value| value == "true"),
        })
    }

    fn fits(&self, incident: &Incident) -> bool {
        let status = match self.status {
            None => true,
            Some(word) if word.eq_ignore_ascii_case("all") => true,
            Some(word) if word.eq_ignore_ascii_case("open") => incident.status != Status::Closed,
            Some(word) => word.eq_ignore_ascii_case(incident.status.as_str()),
        };
        let severity = |word: &str| word.eq_ignore_ascii_case(incident.severity.as_str());
        let owner = |word: &str| {
            let known = owner(incident);
            if word == "-" { known.is_empty() } else { word.eq_ignore_ascii_case(&known) }
        };
        let label = |word: &str| incident.labels.iter().any(|label| label.name.eq_ignore_ascii_case(word));
        let rule = |word: &str| incident.rules.iter().any(|rule| rule.eq_ignore_ascii_case(word));
        let text = |wanted: &String| {
            let own = [&incident.title, &incident.description];
            own.iter().any(|text| text.to_lowercase().contains(wanted))
                || incident
                    .entities()
                    .list()
                    .iter()
                    .any(|entity| entity.label().to_lowercase().contains(wanted))
        };
        status
            && (self.with_merged || incident.merged_into.is_none())
            && self.severity.is_none_or(severity)
            && self.owner.is_none_or(owner)
            && self.label.is_none_or(label)
            && self.rule.is_none_or(rule)
            && self.text.as_ref().is_none_or(text)
    }
}

/// An incident in a list.
pub fn summary(incident: &Incident) -> Value {
    let time = |ticks: i64| json!(Ticks::new(ticks));
    let verdict = incident.verdict.as_ref().map(|verdict| verdict.classification.as_str());
    let done = incident.tasks.iter().filter(|task| task.done.is_some()).count();
    json!({
        "number": incident.number, "id": incident.id, "version": incident.version,
        "title": incident.title, "severity": incident.severity.as_str(), "status": incident.status.as_str(),
        "classification": verdict, "owner": owner(incident),
        "labels": incident.labels.iter().map(|label| &label.name).collect::<Vec<_>>(),
        "alerts": incident.alert_count(), "tactics": incident.tactics.iter().map(|tactic| tactic.as_str()).collect::<Vec<_>>(),
        "tasks": incident.tasks.len(), "tasksDone": done,
        "comments": incident.comments.len(), "evidence": incident.evidence.len(),
        "firstActivity": time(incident.first_activity), "lastActivity": time(incident.last_activity),
        "created": time(incident.created), "modified": time(incident.modified),
        "closed": incident.closed.map(time),
        "mergedInto": incident.merged_into, "splitFrom": incident.split_from,
        "proposals": incident.proposals.iter().map(|proposal| proposal.with).collect::<Vec<_>>(),
    })
}

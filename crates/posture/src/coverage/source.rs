//! What is known of a control, source by source.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use castellan_base::{Evidence, ResourceId, Verdict};
use castellan_estate::Estate;
use serde_json::{Value, json};

use super::{Control, Facts, Workload};
use crate::Assessment;

/// Pieces of evidence that a row lists; those beyond are counted.
const LISTED: usize = 12;
/// Ids that a query names.
const NAMED: usize = 40;

/// What a source says of a control.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Says {
    Protects,
    Partly,
    /// It sees it and lets it pass.
    Tells,
    Not,
    Unknown,
}

/// A source, what it says, and why.
pub(super) struct Source {
    pub(super) says: Says,
    pub(super) what: Kind,
    pub(super) reason: String,
    pub(super) evidence: Vec<Value>,
    pub(super) next: Option<String>,
    pub(super) query: Option<String>,
    /// Two within the source do the same.
    pub(super) doubled: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Checks,
    Gate,
    Other,
}

/// What checks say of the members of a workload.
#[derive(Default)]
pub(super) struct Said {
    pub(super) of: BTreeMap<Arc<str>, Vec<OfCheck>>,
}

pub(super) struct OfCheck {
    pub(super) verdict: Verdict,
    pub(super) resource: String,
    pub(super) place: Option<String>,
    pub(super) says: String,
}

impl Said {
    /// Those of an assessment.
    pub(super) fn of(workload: &Workload, assessment: &Assessment, estate: &Estate) -> Said {
        let members: BTreeSet<&ResourceId> = workload.members.iter().collect();
        let mut said = Said::default();
        for found in &assessment.findings {
            if !members.contains(&found.finding.resource) {
                continue;
            }
            let accepted = found
                .exemption
                .as_ref()
                .map(|one| format!("accepted by {} until {}", one.approver, one.expires));
            said.of.entry(Arc::clone(&found.finding.check)).or_default().push(OfCheck {
                verdict: found.finding.verdict.clone(),
                resource: found.finding.resource.as_str().to_owned(),
                place: found.finding.location.as_ref().map(ToString::to_string),
                says: accepted.unwrap_or_else(|| told(found.finding.evidence.last())),
            });
        }
        for met in &assessment.met {
            let Some(resource) = estate.resources.get(met.resource) else { continue };
            let Some(check) = assessment.checks.get(met.check) else { continue };
            if members.contains(&resource.id) {
                said.of.entry(Arc::clone(&check.check.id)).or_default().push(OfCheck {
                    verdict: Verdict::Compliant,
                    resource: resource.id.as_str().to_owned(),
                    place: None,
                    says: String::new(),
                });
            }
        }
        said
    }
}

/// An observation in a line.
fn told(evidence: Option<&Evidence>) -> String {
    let Some(evidence) = evidence else { return String::new() };
    let actual =
        evidence.actual.as_ref().map_or_else(|| "not there".to_owned(), |node| node.to_json().to_string());
    let mut line = format!("{} is {actual}", evidence.path);
    if let Some((cut, _)) = line.char_indices().nth(200) {
        line.truncate(cut);
        line.push_str("...");
    }
    line
}

fn counted(count: usize, one: &str) -> String {
    if count == 1 { format!("1 {one}") } else { format!("{count} {one}s") }
}

pub(super) fn checks(control: &Control, said: &Said) -> Option<Source> {
    let all: Vec<(&Arc<str>, &OfCheck)> = control
        .checks
        .iter()
        .filter_map(|id| Some((id, said.of.get(id)?)))
        .flat_map(|(id, list)| list.iter().map(move |one| (id, one)))
        .collect();
    if all.is_empty() {
        return None;
    }
    let count = |is: fn(&Verdict) -> bool| all.iter().filter(|(_, one)| is(&one.verdict)).count();
    let met = count(|verdict| matches!(verdict, Verdict::Compliant));
    let unknown = count(|verdict| matches!(verdict, Verdict::Unknown(_)));
    let exempt = count(|verdict| matches!(verdict, Verdict::Exempt));
    let open = count(|verdict| matches!(verdict, Verdict::NonCompliant)) + exempt;
    let says = match (met, open, unknown) {
        (0, 0, _) => Says::Unknown,
        (_, 0, 0) => Says::Protects,
        (_, 0, _) => Says::Partly,
        (0, _, _) => Says::Not,
        _ => Says::Partly,
    };
    let is = |one: &OfCheck, words: &str| match &one.verdict {
        Verdict::Compliant => words == "met",
        Verdict::NonCompliant => words == "violated",
        Verdict::Exempt => words == "violated and accepted",
        _ => words == "not to be told",
    };
    let mut parts = Vec::new();
    for words in ["violated", "violated and accepted", "not to be told", "met"] {
        let own: Vec<&(&Arc<str>, &OfCheck)> = all.iter().filter(|(_, one)| is(one, words)).collect();
        let ids: BTreeSet<&str> = own.iter().map(|(id, _)| id.as_ref()).collect();
        // What is met needs no names.
        match (own.len(), words) {
            (0, _) => {}
            (number, "met") => parts.push(format!("{number} met")),
            (number, _) => {
                parts.push(format!("{number} {words} ({})", ids.into_iter().collect::<Vec<_>>().join(", ")))
            }
        }
    }
    let next = all.iter().find_map(|(_, one)| match &one.verdict {
        Verdict::Unknown(reason) if !reason.next_step.is_empty() => Some(reason.next_step.clone()),
        _ => None,
    });
    // What is wrong stands first.
    let mut sorted = all.clone();
    sorted.sort_by_key(|(_, one)| match one.verdict {
        Verdict::NonCompliant => 0,
        Verdict::Exempt => 1,
        Verdict::Unknown(_) => 2,
        _ => 3,
    });
    let mut evidence: Vec<Value> = sorted
        .iter()
        .take(LISTED)
        .map(|(id, one)| {
            let unknown = match &one.verdict {
                Verdict::Unknown(reason) => reason.message.as_str(),
                _ => one.says.as_str(),
            };
            json!({
                "source": "check", "name": id, "verdict": one.verdict.as_str(), "says": unknown, "resource": one.resource,
                "location": one.place,
            })
        })
        .collect();
    if sorted.len() > LISTED {
        evidence.push(json!({ "source": "check", "more": sorted.len() - LISTED }));
    }
    let ids: BTreeSet<&str> = all.iter().map(|(id, _)| id.as_ref()).collect();
    let resources: BTreeSet<&str> = sorted.iter().take(NAMED).map(|(_, one)| one.resource.as_str()).collect();
    Some(Source {
        says,
        what: Kind::Checks,
        reason: format!("Its configuration: {}.", parts.join("; ")),
        evidence,
        next,
        query: Some(format!(
            "CastellanRecommendations\n| where CheckId in ({})\n| where ResourceId in ({})\n| project State, Severity, Title, ResourceName, Location, Evidence",
            list(ids),
            list(resources)
        )),
        doubled: None,
    })
}

pub(super) fn relations(control: &Control, workload: &Workload) -> Option<Source> {
    if control.relations.is_empty() {
        return None;
    }
    let there: Vec<&str> = control
        .relations
        .iter()
        .map(AsRef::as_ref)
        .filter(|kind| workload.relations.contains(*kind))
        .collect();
    let source = Source {
        says: Says::Protects,
        what: Kind::Other,
        reason: format!("The estate shows that it {}.", there.join(", ").replace('-', " ")),
        evidence: there.iter().map(|kind| json!({ "source": "relation", "name": kind })).collect(),
        next: None,
        query: Some(format!(
            "CastellanRelations\n| where Kind in ({}) and Source in ({})",
            list(there.iter().copied()),
            list(workload.members.iter().take(NAMED).map(ResourceId::as_str))
        )),
        doubled: None,
    };
    // What was not seen may not have been collected; it takes nothing away from what checks say.
    (!there.is_empty()).then_some(source)
}

pub(super) fn watched(control: &Control, facts: &Facts) -> Option<Source> {
    if control.watched.is_empty() {
        return None;
    }
    let empty = Source {
        says: Says::Unknown,
        what: Kind::Other,
        reason: "No analytics rules were read.".to_owned(),
        evidence: Vec::new(),
        next: Some("run it with its rules: castellan up".to_owned()),
        query: None,
        doubled: None,
    };
    let Some(rules) = &facts.rules else { return Some(empty) };
    let is_watched =
        |tables: &BTreeSet<String>| control.watched.iter().any(|table| tables.contains(table.as_ref()));
    let own: Vec<_> = rules.iter().filter(|rule| rule.enabled && is_watched(&rule.tables)).collect();
    let evidence = own
        .iter()
        .take(LISTED)
        .map(|rule| json!({ "source": "rule", "name": rule.name, "id": rule.id }))
        .collect();
    let tables = control.watched.join(", ");
    let arrives = facts.received.as_ref().map(is_watched);
    let (says, reason) = match (own.len(), arrives) {
        (0, _) => (Says::Not, format!("No rule watches {tables}.")),
        (count, Some(false)) => (
            Says::Partly,
            format!("{} would see it, but nothing arrives in {tables}.", counted(count, "rule")),
        ),
        (count, _) => (Says::Protects, format!("{} over {tables}.", watch(count))),
    };
    let query = format!(
        "SecurityAlert\n| where AlertName in ({})\n| summarize Alerts = count(), Last = max(TimeGenerated) by AlertName",
        list(own.iter().take(NAMED).map(|rule| rule.name.as_str()))
    );
    Some(Source { says, reason, evidence, next: None, query: (!own.is_empty()).then_some(query), ..empty })
}

fn watch(count: usize) -> String {
    if count == 1 { "1 rule watches".to_owned() } else { format!("{count} rules watch") }
}

/// What rows of other services tell. That some arrive does not say that this workload is among them.
pub(super) fn received(control: &Control, facts: &Facts) -> Option<Source> {
    if control.received.is_empty() {
        return None;
    }
    let tables = control.received.join(", ");
    let there: Vec<&str> = match &facts.received {
        Some(received) => {
            control.received.iter().map(AsRef::as_ref).filter(|table| received.contains(*table)).collect()
        }
        None => Vec::new(),
    };
    let (says, reason) = match there.is_empty() {
        true => (Says::Unknown, format!("Nothing of {tables} was collected.")),
        false => (
            Says::Partly,
            format!("Rows arrive in {}; which of its data they speak of is not told.", there.join(", ")),
        ),
    };
    Some(Source {
        says,
        what: Kind::Other,
        reason,
        evidence: there.iter().map(|table| json!({ "source": "table", "name": table })).collect(),
        next: Some(control.next.to_string()),
        query: there.first().map(|table| format!("{table}\n| where TimeGenerated > ago(7d)\n| take 100")),
        doubled: None,
    })
}

/// Texts of KQL, separated by commas.
pub(super) fn list<'t>(texts: impl IntoIterator<Item = &'t str>) -> String {
    texts.into_iter().map(quoted).collect::<Vec<_>>().join(", ")
}

/// A text as KQL writes it.
fn quoted(text: &str) -> String {
    let mut written = String::with_capacity(text.len() + 2);
    written.push('"');
    for letter in text.chars() {
        match letter {
            '"' | '\\' => written.extend(['\\', letter]),
            letter if letter.is_control() => written.push_str(&format!("\\u{:04x}", u32::from(letter))),
            letter => written.push(letter),
        }
    }
    written.push('"');
    written
}

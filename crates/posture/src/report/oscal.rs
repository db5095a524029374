//! OSCAL assessment results 1.1.3.
//!
//! One result with an observation for each finding, a risk for each violated or unknown check, and a finding for each
//! control of each framework that any check speaks to. Identifiers are version 5 UUIDs of what they name, so that the
//! same assessment gives the same document.

use std::collections::BTreeMap;
use std::io::{self, Write};

use castellan_base::Verdict;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{Report, text};
use crate::assessment::{AssessedFinding, Assessment, CheckResult};
use crate::compliance::{ControlResult, ControlStatus, FrameworkResult};

const OSCAL_VERSION: &str = "1.1.3";
/// Names the properties that OSCAL does not define.
const NAMESPACE: &str = "urn:castellan:oscal";

pub(super) fn write(report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
    let assessment = report.assessment;
    let at = assessment.at.to_string();
    let subjects = subjects(assessment);
    let title = "Castellan posture assessment";
    let uuid_of_run = uuid(&format!("run:{at}:{}", assessment.findings.len()));
    let mut result = json!({
        "uuid": uuid(&format!("result:{uuid_of_run}")), "title": title,
        "description": format!("{} checks over {} resources.", assessment.checks.len(), assessment.inventory.resources),
        "start": at, "end": at,
        "reviewed-controls": reviewed_controls(assessment),
    });
    let mut lists = vec![
        (
            "observations",
            assessment.findings.iter().map(|found| observation(found, &at, &subjects)).collect::<Vec<_>>(),
        ),
        ("risks", risks(assessment)),
        ("findings", findings(assessment)),
    ];
    if let Some(members) = result.as_object_mut() {
        if !subjects.is_empty() {
            let items: Vec<Value> = subjects
                .iter()
                .map(|(id, kind)| {
                    json!({
                        "uuid": subject_uuid(id), "description": text::line(id, 2000),
                        "props": [property("resource-type", kind)],
                    })
                })
                .collect();
            members.insert("local-definitions".to_owned(), json!({ "inventory-items": items }));
        }
        // OSCAL has no empty lists: a list that is there has an entry.
        for (name, list) in lists.drain(..).filter(|(_, list)| !list.is_empty()) {
            members.insert(name.to_owned(), Value::Array(list));
        }
    }
    let plan = uuid("plan");
    let document = json!({ "assessment-results": {
        "uuid": uuid_of_run,
        "metadata": { "title": title, "last-modified": at, "version": env!("CARGO_PKG_VERSION"), "oscal-version": OSCAL_VERSION },
        "import-ap": { "href": format!("#{plan}") },
        "results": [result],
        "back-matter": { "resources": [{
            "uuid": plan, "title": "Assessment plan",
            "description": "The checks built into Castellan, and those given to it, over everything that was read.",
        }] },
    }});
    serde_json::to_writer_pretty(&mut *out, &document)?;
    out.write_all(b"\n")
}

/// A UUID that depends on the name alone.
fn uuid(name: &str) -> String {
    let namespace = Uuid::new_v5(&Uuid::NAMESPACE_URL, NAMESPACE.as_bytes());
    Uuid::new_v5(&namespace, name.as_bytes()).to_string()
}

fn subject_uuid(resource: &str) -> String {
    uuid(&format!("resource:{}", resource.to_ascii_lowercase()))
}

/// OSCAL requires a value without line breaks that is not blank.
fn property(name: &str, value: &str) -> Value {
    let shown = text::line(value, 1000);
    let shown = if shown.trim().is_empty() { "none" } else { shown.trim() };
    json!({ "name": name, "ns": NAMESPACE, "value": shown })
}

fn subjects(assessment: &Assessment) -> BTreeMap<String, String> {
    let named = assessment
        .findings
        .iter()
        .map(|found| (found.finding.resource.as_str().to_owned(), found.finding.resource_type.to_string()));
    named.collect()
}

fn observation_uuid(found: &AssessedFinding) -> String {
    uuid(&format!("observation:{}:{}", found.fingerprint, found.resource))
}

fn observation(found: &AssessedFinding, at: &str, subjects: &BTreeMap<String, String>) -> Value {
    let finding = &found.finding;
    let mut properties = vec![
        property("verdict", finding.verdict.as_str()),
        property("check", &finding.check),
        property("severity", finding.severity.as_str()),
        property("fingerprint", &found.fingerprint),
    ];
    if let Some(place) = &finding.location {
        properties.push(property("location", &place.to_string()));
    }
    if let Some(exemption) = &found.exemption {
        properties.push(property("exempt-until", &exemption.expires.to_string()));
        properties.push(property("exempt-by", &exemption.approver));
    }
    let evidence: Vec<Value> = finding
        .evidence
        .iter()
        .map(|one| json!({ "description": text::evidence(one), "props": [property("path", &one.path)] }))
        .collect();
    let mut observation = json!({
        "uuid": observation_uuid(found), "title": &*finding.title,
        "description": description(found), "props": properties, "methods": ["TEST"], "types": ["finding"],
        "collected": at,
    });
    if let Some(members) = observation.as_object_mut() {
        if subjects.contains_key(finding.resource.as_str()) {
            let subject = json!([{ "subject-uuid": subject_uuid(finding.resource.as_str()), "type": "inventory-item" }]);
            members.insert("subjects".to_owned(), subject);
        }
        if !evidence.is_empty() {
            members.insert("relevant-evidence".to_owned(), Value::Array(evidence));
        }
    }
    observation
}

fn description(found: &AssessedFinding) -> String {
    let name = text::line(found.finding.resource.name(), 120);
    match &found.finding.verdict {
        Verdict::Unknown(unknown) => {
            format!(
                "It cannot be told for {name}: {} {}",
                text::line(&unknown.message, 500),
                text::line(&unknown.next_step, 500)
            )
        }
        Verdict::Exempt => format!("{name} is exempt. {}", text::reason(found)),
        _ => format!("{name} is not as it must be. {}", text::reason(found)),
    }
}

/// A risk for each check that is violated or cannot be told somewhere.
fn risks(assessment: &Assessment) -> Vec<Value> {
    let mut by_check: BTreeMap<usize, Vec<&AssessedFinding>> = BTreeMap::new();
    for found in assessment.findings.iter().filter(|found| found.finding.verdict != Verdict::Exempt) {
        by_check.entry(found.check).or_default().push(found);
    }
    by_check
        .into_iter()
        .filter_map(|(index, found)| Some(risk(assessment.checks.get(index)?, &found)))
        .collect()
}

fn risk_uuid(check: &str) -> String {
    uuid(&format!("risk:{check}"))
}

fn risk(result: &CheckResult, found: &[&AssessedFinding]) -> Value {
    let check = &result.check;
    let violated = found.iter().any(|one| one.is_violation());
    let observations: Vec<Value> =
        found.iter().map(|one| json!({ "observation-uuid": observation_uuid(one) })).collect();
    json!({
        "uuid": risk_uuid(&check.id), "title": &*check.title, "description": &*check.risk,
        "statement": &*check.risk, "status": if violated { "open" } else { "investigating" },
        "props": [property("severity", check.severity.as_str()), property("check", &check.id)],
        "remediations": [{
            "uuid": uuid(&format!("remediation:{}", check.id)), "lifecycle": "recommendation", "title": "Recommendation",
            "description": &*check.remediation,
        }],
        "related-observations": observations,
    })
}

fn covered(assessment: &Assessment) -> impl Iterator<Item = (&FrameworkResult, &ControlResult)> {
    assessment.compliance.iter().flat_map(|framework| {
        framework
            .controls
            .iter()
            .filter(|control| control.status != ControlStatus::NotCovered)
            .map(move |control| (framework, control))
    })
}

/// A control's id as an OSCAL token: letters first, no colons.
fn token(pack: &str, control: &str) -> String {
    let word: String = format!("{pack}_{control}")
        .chars()
        .map(
            |character| {
                if character.is_ascii_alphanumeric() || "-_.".contains(character) { character } else { '_' }
            },
        )
        .collect();
    word
}

fn reviewed_controls(assessment: &Assessment) -> Value {
    let selections: Vec<Value> = assessment
        .compliance
        .iter()
        .filter_map(|framework| {
            let controls: Vec<Value> = framework
                .controls
                .iter()
                .filter(|control| control.status != ControlStatus::NotCovered)
                .map(|control| json!({ "control-id": token(&framework.pack, &control.id) }))
                .collect();
            let description = format!(
                "{}: {} of {} controls have a check behind them.",
                framework.title,
                controls.len(),
                framework.controls.len()
            );
            (!controls.is_empty())
                .then(|| json!({ "description": description, "include-controls": controls }))
        })
        .collect();
    if selections.is_empty() {
        return json!({ "control-selections": [{ "description": "No framework was assessed." }] });
    }
    json!({ "control-selections": selections })
}

/// A finding for each control that was assessed. What cannot be told is not satisfied.
fn findings(assessment: &Assessment) -> Vec<Value> {
    let assessed = covered(assessment).filter(|(_, control)| control.status != ControlStatus::NotAssessed);
    assessed
        .map(|(framework, control)| {
            let id = token(&framework.pack, &control.id);
            let satisfied = control.status == ControlStatus::Passed;
            let reason = match control.status {
                ControlStatus::Passed => "pass",
                ControlStatus::Failed => "fail",
                _ => "other",
            };
            let mut finding = json!({
                "uuid": uuid(&format!("finding:{id}")), "title": format!("{} {}", control.id, control.title),
                "description": format!(
                    "{} passed, {} failed, {} unknown, {} exempt.",
                    control.passed, control.failed, control.unknown, control.exempt
                ),
                "target": {
                    "type": "objective-id", "target-id": id,
                    "status": { "state": if satisfied { "satisfied" } else { "not-satisfied" }, "reason": reason },
                },
            });
            let risks: Vec<Value> = control
                .checks
                .iter()
                .filter(|check| has_risk(assessment, check))
                .map(|check| json!({ "risk-uuid": risk_uuid(check) }))
                .collect();
            if let (false, Some(members)) = (risks.is_empty(), finding.as_object_mut()) {
                members.insert("related-risks".to_owned(), Value::Array(risks));
            }
            finding
        })
        .collect()
}

fn has_risk(assessment: &Assessment, check: &str) -> bool {
    let result = assessment.checks.iter().find(|one| &*one.check.id == check);
    result.is_some_and(|one| one.counts.non_compliant + one.counts.unknown > 0)
}

//! Incidents as events of the Open Cybersecurity Schema Framework: an Incident Finding (class 2005) and a Detection Finding
//! (class 2004) for each alert.
//!
//! Source: OCSF schema 1.8.0, <https://schema.ocsf.io/1.8.0/classes/incident_finding> and `detection_finding`. What the schema
//! requires is always there. An incident that nobody works on has the group `Unassigned`, since the class wants an assignee.
//! Entities that the schema has no object for (agents, models, tools) are observables of the type `Other`, named by theirs.

mod finding;
mod observables;

use serde_json::{Value, json};

use super::millis;
use crate::case::Case;

/// The version of the schema.
pub const VERSION: &str = "1.8.0";
/// The category of findings.
const CATEGORY: u32 = 2;
/// The class of incidents.
const INCIDENT: u32 = 2005;

/// A number of the schema with its words.
type Word = (u32, &'static str);

/// The events of an incident: itself first, then its alerts in their order.
pub fn events(case: &Case) -> Vec<Value> {
    let mut events = vec![incident(case)];
    events.extend(case.alerts.iter().map(|alert| finding::detection(case, alert)));
    events
}

/// The incident itself.
fn incident(case: &Case) -> Value {
    let (activity, activity_name): Word = match case.status.as_str() {
        "Closed" => (3, "Close"),
        _ if case.version <= 1 => (1, "Create"),
        _ => (2, "Update"),
    };
    let (status, status_name): Word = match case.status.as_str() {
        "New" => (1, "New"),
        "Active" => (2, "In Progress"),
        "Closed" => (5, "Closed"),
        _ => (0, "Unknown"),
    };
    let (severity, severity_name) = finding::severity(case.severity);
    let mut event = json!({
        "category_uid": CATEGORY, "category_name": "Findings",
        "class_uid": INCIDENT, "class_name": "Incident Finding",
        "activity_id": activity, "activity_name": activity_name,
        "type_uid": u64::from(INCIDENT) * 100 + u64::from(activity),
        "type_name": format!("Incident Finding: {activity_name}"),
        "time": millis(case.modified),
        "start_time": millis(case.first_activity), "end_time": millis(case.last_activity),
        "severity_id": severity, "severity": severity_name,
        "status_id": status, "status": status_name,
        "message": case.title, "desc": case.description,
        "metadata": metadata(&case.id, case, &["incident"]),
        "finding_info_list": case.alerts.iter().map(finding::info).collect::<Vec<_>>(),
        "attacks": finding::attacks(&case.tactics, &case.techniques),
        "observables": observables::of(case.entities.iter().map(|node| &node.entity)),
    });
    let comment = [case.classification_reason.as_str(), case.classification_comment.as_str()];
    let comment: Vec<&str> = comment.into_iter().filter(|part| !part.is_empty()).collect();
    set(&mut event, "comment", (!comment.is_empty()).then(|| comment.join(": ").into()));
    let (who, value) = if case.owner.is_empty() {
        ("assignee_group", json!({ "name": "Unassigned" }))
    } else {
        ("assignee", json!({ "name": case.owner }))
    };
    set(&mut event, who, Some(value));
    let verdict = verdict(&case.classification);
    set(&mut event, "verdict_id", verdict.map(|(number, _)| number.into()));
    set(&mut event, "verdict", verdict.map(|(_, name)| name.into()));
    let breach = (case.classification == "TruePositive").then_some(Value::Bool(true));
    set(&mut event, "is_suspected_breach", breach);
    set(&mut event, "unmapped", Some(unmapped(case)));
    event
}

/// What the class has no place for.
fn unmapped(case: &Case) -> Value {
    let link = |link: &crate::case::Link| json!({ "alert": link.alert, "weight": link.weight, "reason": link.reason });
    json!({
        "incident_number": case.number, "version": case.version, "labels": case.labels,
        "closed": case.closed.map(millis), "modified_by": case.modified_by,
        "alerts_count": case.alert_count(), "alerts_not_listed": case.alerts_not_listed, "score": case.score(),
        "links": case.links.iter().map(link).collect::<Vec<_>>(),
    })
}

/// The verdict of the incident profile.
fn verdict(classification: &str) -> Option<Word> {
    match classification {
        "FalsePositive" => Some((1, "False Positive")),
        "TruePositive" => Some((2, "True Positive")),
        "BenignPositive" => Some((5, "Benign")),
        "Undetermined" => Some((7, "Insufficient Data")),
        _ => None,
    }
}

/// What every event says of itself.
fn metadata(uid: &str, case: &Case, profiles: &[&str]) -> Value {
    json!({
        "version": VERSION, "uid": uid, "correlation_uid": case.id, "profiles": profiles,
        "product": { "name": "Castellan", "vendor_name": "Castellan", "version": env!("CARGO_PKG_VERSION") },
    })
}

/// Adds a member where there is something to say.
fn set(event: &mut Value, name: &str, value: Option<Value>) {
    if let (Some(members), Some(value)) = (event.as_object_mut(), value) {
        members.insert(name.to_owned(), value);
    }
}

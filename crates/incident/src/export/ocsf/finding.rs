//! Alerts as Detection Findings.

use castellan_detect::entity::EntityType;
use castellan_detect::rule::{Severity, Tactic};
use serde_json::{Value, json};

use super::{CATEGORY, Word, metadata, observables, set};
use crate::case::{Alert, Case};
use crate::export::{millis, tactic};

/// The class of detections.
const DETECTION: u32 = 2004;

/// Severities of the schema.
pub(super) fn severity(severity: Severity) -> Word {
    match severity {
        Severity::Informational => (1, "Informational"),
        Severity::Low => (2, "Low"),
        Severity::Medium => (3, "Medium"),
        Severity::High => (4, "High"),
    }
}

/// An alert of an incident.
pub(super) fn detection(case: &Case, alert: &Alert) -> Value {
    let (severity, severity_name) = severity(alert.severity);
    let mut event = json!({
        "category_uid": CATEGORY, "category_name": "Findings",
        "class_uid": DETECTION, "class_name": "Detection Finding",
        "activity_id": 1, "activity_name": "Create",
        "type_uid": u64::from(DETECTION) * 100 + 1, "type_name": "Detection Finding: Create",
        "time": millis(alert.raised), "start_time": millis(alert.start), "end_time": millis(alert.end),
        "count": alert.results.max(1), "is_alert": true,
        "severity_id": severity, "severity": severity_name,
        "status_id": 1, "status": "New",
        "message": alert.name,
        "metadata": metadata(&alert.id, case, &[]),
        "finding_info": info(alert),
        "observables": observables::of(&alert.entities),
    });
    let evidences: Vec<Value> =
        case.evidence.iter().filter(|one| one.alert == alert.id).map(exhibit).collect();
    set(&mut event, "evidences", (!evidences.is_empty()).then_some(evidences.into()));
    let resources: Vec<Value> = resources(alert);
    set(&mut event, "resources", (!resources.is_empty()).then_some(resources.into()));
    let details = json!({ "details": alert.details, "entities_not_listed": alert.entities_not_listed,
        "alert_ids": alert.ids, "alerts": alert.count });
    set(&mut event, "unmapped", Some(details));
    event
}

/// What an incident says of one of its alerts.
pub(super) fn info(alert: &Alert) -> Value {
    json!({
        "uid": alert.id, "title": alert.name, "desc": alert.description,
        "created_time": millis(alert.raised),
        "first_seen_time": millis(alert.start), "last_seen_time": millis(alert.end),
        "related_events_count": alert.results,
        "analytic": { "type_id": 1, "type": "Rule", "uid": alert.rule, "name": alert.name },
        "attacks": attacks(&alert.tactics, &alert.techniques),
    })
}

/// Tactics and techniques, each as an object of its own: rules do not say which technique serves which tactic.
pub(super) fn attacks(tactics: &[Tactic], techniques: &[String]) -> Vec<Value> {
    let tactic = |each: &Tactic| {
        let known = tactic::known(*each);
        let mut told = json!({ "name": known.name });
        set(&mut told, "uid", (!known.id.is_empty()).then(|| known.id.into()));
        json!({ "tactic": told })
    };
    let technique = |each: &String| {
        let (_, page) = tactic::page(each);
        // The names of techniques are not here; the number is the name that people use.
        let told = json!({ "uid": each, "name": each, "src_url": page });
        let is_part = each.rsplit_once('.').is_some_and(|(whole, _)| whole != "AML");
        json!({ if is_part { "sub_technique" } else { "technique" }: told })
    };
    tactics.iter().map(tactic).chain(techniques.iter().map(technique)).collect()
}

/// A piece of evidence, as far as it is in the open.
fn exhibit(exhibit: &crate::case::Exhibit) -> Value {
    json!({
        "name": exhibit.kind, "uid": exhibit.id,
        "data": {
            "source": exhibit.source, "redacted": exhibit.redacted, "removed": exhibit.removed,
            "size": exhibit.size, "cut": exhibit.cut,
            "commitment": { "algorithm": "BLAKE3 keyed", "value": exhibit.commitment },
            "sealed_to": exhibit.sealed_to,
        },
    })
}

fn resources(alert: &Alert) -> Vec<Value> {
    let of = alert.entities.iter().filter(|entity| entity.entity == EntityType::AzureResource);
    let ids = of.filter_map(|entity| entity.value("ResourceId"));
    ids.map(|id| {
        let name = id.rsplit('/').next().unwrap_or(id);
        json!({ "uid": id, "name": name, "type": "Azure resource", "cloud_partition": "AzureCloud" })
    })
    .collect()
}

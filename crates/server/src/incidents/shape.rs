//! The JSON of resources.

use castellan_base::Ticks;
use castellan_detect::incident::{By, Incident};
use castellan_kql::value::format_datetime;
use serde_json::{Value, json};
use uuid::Uuid;

/// The type of incidents.
pub(super) const INCIDENTS: &str = "Microsoft.SecurityInsights/incidents";

/// The id of an incident below a workspace.
pub(super) fn id(workspace: &str, incident: &Incident) -> String {
    format!("{workspace}/providers/{INCIDENTS}/{}", incident.id)
}

/// A time as Resource Manager writes it.
pub(super) fn time(ticks: i64) -> Value {
    format_datetime(ticks.clamp(Ticks::MIN.get(), Ticks::MAX.get())).into()
}

/// A version as an etag.
pub(super) fn etag(version: u64) -> String {
    format!("\"{version}\"")
}

/// The name of a part that no client named.
pub(super) fn name(incident: &Incident, kind: &str, number: u32) -> String {
    Uuid::new_v5(&Uuid::NAMESPACE_OID, format!("{}\u{1f}{kind}\u{1f}{number}", incident.id).as_bytes())
        .to_string()
}

/// Who did something.
pub(super) fn client(by: &By) -> Value {
    let name = by.to_string();
    let address = if by.is_person() && name.contains('@') { name.as_str() } else { "" };
    json!({ "name": name, "email": address, "userPrincipalName": address })
}

/// An incident.
pub(super) fn incident(workspace: &str, incident: &Incident) -> Value {
    let verdict = incident.verdict.as_ref();
    let owner = &incident.owner;
    let said = |text: &str| if text.is_empty() { Value::Null } else { text.into() };
    let label = |label: &castellan_detect::incident::Label| json!({ "labelName": label.name, "labelType": if label.is_automatic { "AutoAssigned" } else { "User" } });
    let rule = |rule: &std::sync::Arc<str>| {
        format!("{workspace}/providers/Microsoft.SecurityInsights/alertRules/{rule}")
    };
    json!({
        "id": id(workspace, incident), "name": incident.id, "type": INCIDENTS, "etag": etag(incident.version),
        "properties": {
            "title": incident.title, "description": incident.description,
            "severity": incident.severity.as_str(), "status": incident.status.as_str(),
            "classification": verdict.map(|verdict| verdict.classification.as_str()),
            "classificationReason": verdict.and_then(|verdict| verdict.reason).map(castellan_detect::incident::Reason::as_str),
            "classificationComment": verdict.map(|verdict| verdict.comment.as_str()),
            "owner": {
                "assignedTo": said(&owner.assigned_to), "email": said(&owner.email),
                "objectId": said(&owner.object_id), "userPrincipalName": said(&owner.user_principal_name),
            },
            "labels": incident.labels.iter().map(label).collect::<Vec<_>>(),
            "firstActivityTimeUtc": time(incident.first_activity), "lastActivityTimeUtc": time(incident.last_activity),
            "lastModifiedTimeUtc": time(incident.modified), "createdTimeUtc": time(incident.created),
            "incidentNumber": incident.number, "providerName": "Azure Sentinel",
            "providerIncidentId": incident.number.to_string(),
            "incidentUrl": format!("/api/v1/incidents/{}/export?format=html", incident.number),
            "relatedAnalyticRuleIds": incident.rules.iter().map(rule).collect::<Vec<_>>(),
            "additionalData": {
                "alertsCount": incident.alert_count(), "bookmarksCount": 0, "commentsCount": incident.comments.len(),
                "alertProductNames": ["Azure Sentinel"],
                "tactics": incident.tactics.iter().map(|tactic| tactic.as_str()).collect::<Vec<_>>(),
                "techniques": incident.techniques.iter().collect::<Vec<_>>(),
                "mergedIncidentNumber": incident.merged_into.map(|number| number.to_string()),
            },
        },
    })
}

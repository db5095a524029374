//! Incidents as rows of `SecurityIncident`.

use castellan_kql::plan::Field as Column;
use castellan_kql::value::{Dynamic, format_datetime};
use castellan_kql::{ScalarType, Value};
use serde_json::json;

use super::change::By;
use super::model::{Comment, Incident, Label, Task, Verdict};
use crate::run::columns_of;

/// The most ids of alerts that a row lists. `AdditionalData` says how many there are.
pub const MAX_ROW_IDS: usize = 1_000;

/// The columns of `SecurityIncident`, as they are documented.
pub fn incident_columns() -> Vec<Column> {
    columns_of("SecurityIncident")
}

/// An incident as it is now, as a row with these columns.
pub fn incident_row(incident: &Incident) -> Vec<Value> {
    let cell =
        |column: &Column| cell(incident, &column.name).unwrap_or_else(|| Value::empty(column.scalar_type));
    incident_columns().iter().map(cell).collect()
}

fn cell(incident: &Incident, column: &str) -> Option<Value> {
    let text = |text: &str| Value::string(text);
    let json = |value: serde_json::Value| Value::dynamic(Dynamic::from_json(&value));
    let verdict = incident.verdict.as_ref();
    Some(match column {
        "TimeGenerated" | "LastModifiedTime" => Value::datetime(incident.modified),
        "CreatedTime" | "FirstModifiedTime" => Value::datetime(incident.created),
        "ClosedTime" => incident.closed.map_or(Value::Null, Value::datetime),
        "FirstActivityTime" => Value::datetime(incident.first_activity),
        "LastActivityTime" => Value::datetime(incident.last_activity),
        "IncidentName" => text(&incident.id),
        "IncidentNumber" | "ProviderIncidentId" => {
            let number = Value::Long(i64::from(incident.number));
            number.convert(if column == "IncidentNumber" { ScalarType::Int } else { ScalarType::String })
        }
        "Title" => text(&incident.title),
        "Description" => text(&incident.description),
        "Severity" => text(incident.severity.as_str()),
        "Status" => text(incident.status.as_str()),
        "Classification" => text(verdict.map_or("", |verdict| verdict.classification.as_str())),
        "ClassificationReason" => {
            text(verdict.and_then(|verdict| verdict.reason).map_or("", super::model::Reason::as_str))
        }
        "ClassificationComment" => text(verdict.map_or("", comment_of)),
        "Owner" => json(serde_json::to_value(&incident.owner).unwrap_or_default()),
        "Labels" => json(incident.labels.iter().map(label).collect()),
        "AlertIds" => json(incident.alert_ids().take(MAX_ROW_IDS).collect()),
        "RelatedAnalyticRuleIds" => json(json!(incident.rules)),
        "BookmarkIds" => json(json!([])),
        "Comments" => json(incident.comments.iter().map(|said| comment(incident, said)).collect()),
        "Tasks" => json(incident.tasks.iter().map(|known| task(incident, known)).collect()),
        "AdditionalData" => json(additional(incident)),
        "ModifiedBy" => text(&incident.modified_by),
        "ProviderName" => text("Azure Sentinel"),
        "SourceSystem" => text("Castellan"),
        "Type" => text("SecurityIncident"),
        _ => return None,
    })
}

fn comment_of(verdict: &Verdict) -> &str {
    &verdict.comment
}

fn label(label: &Label) -> serde_json::Value {
    let kind = if label.is_automatic { "AutoAssigned" } else { "User" };
    json!({ "labelName": label.name, "labelType": kind })
}

fn comment(incident: &Incident, said: &Comment) -> serde_json::Value {
    json!({
        "id": format!("{}-comment-{}", incident.id, said.number),
        "message": said.text,
        "createdTimeUtc": format_datetime(said.at),
        "lastModifiedTimeUtc": format_datetime(said.at),
        "author": identity(&said.by),
    })
}

fn task(incident: &Incident, known: &Task) -> serde_json::Value {
    let mut made = json!({
        "taskId": format!("{}-task-{}", incident.id, known.number),
        "title": known.title,
        "description": known.description,
        "status": if known.done.is_some() { "Completed" } else { "New" },
        "createdBy": identity(&known.by),
        "createdTimeUtc": format_datetime(known.at),
        "lastModifiedBy": identity(known.done.as_ref().map_or(&known.by, |(by, _)| by)),
        "lastModifiedTimeUtc": format_datetime(known.done.as_ref().map_or(known.at, |(_, at)| *at)),
    });
    if let (Some((_, at)), Some(members)) = (&known.done, made.as_object_mut()) {
        members.insert("lastCompletedTimeUtc".to_owned(), format_datetime(*at).into());
    }
    made
}

/// Who did something, with the members that identities have there. Only what is known is filled in.
fn identity(by: &By) -> serde_json::Value {
    let name = by.to_string();
    let address = if by.is_person() && name.contains('@') { name.as_str() } else { "" };
    json!({ "name": name, "email": address, "objectId": "", "userPrincipalName": address })
}

fn additional(incident: &Incident) -> serde_json::Value {
    let mut made = json!({
        "alertsCount": incident.alert_count(),
        "commentsCount": incident.comments.len(),
        "bookmarksCount": 0,
        "tactics": incident.tactics.iter().map(|tactic| tactic.as_str()).collect::<Vec<_>>(),
        "techniques": incident.techniques,
        "computedSeverity": incident.computed_severity.as_str(),
        "version": incident.version,
    });
    let Some(members) = made.as_object_mut() else { return made };
    if let Some(into) = incident.merged_into {
        members.insert("mergedInto".to_owned(), into.into());
    }
    if let Some(from) = incident.split_from {
        members.insert("splitFrom".to_owned(), from.into());
    }
    made
}

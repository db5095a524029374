//! Incidents as rows of `SecurityIncident`.

use std::sync::Arc;

use castellan_kql::plan::Field as Column;
use castellan_kql::schema::Catalog;
use castellan_kql::value::Dynamic;
use castellan_kql::{ScalarType, Value};

use super::{Classification, Incident, Status};

/// The columns of `SecurityIncident`, as they are documented.
pub fn incident_columns() -> Vec<Column> {
    let table = Catalog::built_in().table("SecurityIncident");
    let columns = table.map(|table| table.columns().list.to_vec()).unwrap_or_default();
    columns.iter().map(|column| Column::new(Arc::clone(&column.name), column.scalar_type)).collect()
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
        "Status" => text(match incident.status {
            Status::New => "New",
            Status::Active => "Active",
            Status::Closed => "Closed",
        }),
        "Classification" => text(match incident.classification {
            None => "",
            Some(Classification::Undetermined) => "Undetermined",
            Some(Classification::TruePositive) => "TruePositive",
            Some(Classification::BenignPositive) => "BenignPositive",
            Some(Classification::FalsePositive) => "FalsePositive",
        }),
        "ClassificationComment" => text(&incident.classification_comment),
        "Owner" => json(serde_json::json!({ "assignedTo": incident.owner })),
        "Labels" => {
            let label = |name: &String| serde_json::json!({ "labelName": name, "labelType": "User" });
            json(incident.labels.iter().map(label).collect())
        }
        "AlertIds" => json(serde_json::json!(incident.alerts)),
        "RelatedAnalyticRuleIds" => json(serde_json::json!(incident.rules)),
        "BookmarkIds" | "Comments" | "Tasks" => json(serde_json::json!([])),
        "AdditionalData" => json(serde_json::json!({
            "alertsCount": incident.alerts.len(),
            "tactics": incident.tactics.iter().map(|tactic| tactic.as_str()).collect::<Vec<_>>(),
            "techniques": incident.techniques,
        })),
        "ModifiedBy" => text(&incident.modified_by),
        "ProviderName" => text("Azure Sentinel"),
        "SourceSystem" => text("Castellan"),
        "Type" => text("SecurityIncident"),
        _ => return None,
    })
}

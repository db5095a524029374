//! The tables of Azure Resource Graph and those of what was found, from what a scan reads.

use std::collections::BTreeMap;

use anyhow::Result;
use castellan_base::{Existence, Resource, Verdict};
use castellan_estate::Estate;
use castellan_kql::plan::{Field, typed};
use castellan_kql::value::Dynamic;
use castellan_kql::{ScalarType, Value};
use castellan_posture::coverage::Coverage;
use castellan_posture::tables::{Table, tables};
use castellan_posture::{Assessment, Report};
use castellan_query::arrow::array::RecordBatch;
use castellan_query::physical;
use serde_json::{Value as Json, json};

use crate::query::known_columns;

/// The columns of every table of Resource Graph.
const COLUMNS: [(&str, ScalarType); 16] = [
    ("id", ScalarType::String),
    ("name", ScalarType::String),
    ("type", ScalarType::String),
    ("tenantId", ScalarType::String),
    ("kind", ScalarType::String),
    ("location", ScalarType::String),
    ("resourceGroup", ScalarType::String),
    ("subscriptionId", ScalarType::String),
    ("managedBy", ScalarType::String),
    ("sku", ScalarType::Dynamic),
    ("plan", ScalarType::Dynamic),
    ("properties", ScalarType::Dynamic),
    ("tags", ScalarType::Dynamic),
    ("identity", ScalarType::Dynamic),
    ("zones", ScalarType::Dynamic),
    ("extendedLocation", ScalarType::Dynamic),
];

/// A table: its name and its rows.
pub(crate) type Rows = (&'static str, RecordBatch);

/// The tables of Resource Graph over an estate.
///
/// Errors: rows that no table can have, which is a fault of this program.
pub(super) fn of_resource_graph(estate: &Estate, assessment: &Assessment) -> Result<Vec<Rows>> {
    let there = || estate.resources.iter().filter(|resource| resource.existence != Existence::Referenced);
    let is_authorization = |resource: &&Resource| {
        resource.resource_type.to_ascii_lowercase().starts_with("microsoft.authorization/")
    };
    Ok(vec![
        table("Resources", there().filter(|resource| !is_authorization(resource)).map(row).collect())?,
        table("AuthorizationResources", there().filter(is_authorization).map(row).collect())?,
        table("ResourceContainers", containers(estate))?,
        table("SecurityResources", assessments(assessment))?,
    ])
}

/// The tables of what was found, with the columns that content declares.
///
/// Errors: as [`of_resource_graph`].
pub(super) fn of_posture(report: &Report<'_>, coverage: &Coverage) -> Result<Vec<Rows>> {
    let declared = |table: Table| {
        let columns = known_columns(table.name);
        let cells = |mut members: serde_json::Map<String, Json>| -> Row {
            let cell = |column: &Field| {
                let value = Dynamic::from_json(&members.remove(&*column.name).unwrap_or(Json::Null));
                typed(Value::dynamic(value), column.scalar_type)
            };
            columns.iter().map(cell).collect()
        };
        let rows: Vec<Row> = table.rows.into_iter().map(cells).collect();
        Ok((table.name, physical::batch(physical::schema(&columns), &columns, rows.iter())?))
    };
    tables(report, coverage).into_iter().map(declared).collect()
}

type Row = Vec<Value>;

fn table(name: &'static str, rows: Vec<Row>) -> Result<Rows> {
    let columns: Vec<Field> =
        COLUMNS.iter().map(|(name, scalar_type)| Field::new(*name, *scalar_type)).collect();
    let schema = physical::schema(&columns);
    Ok((name, physical::batch(schema, &columns, rows.iter())?))
}

/// A row from the members of an object; types are in lower case, as Resource Graph has them.
fn of_members(mut members: serde_json::Map<String, Json>) -> Row {
    let cell = |(name, scalar_type): &(&str, ScalarType)| {
        let value = match members.remove(*name).unwrap_or(Json::Null) {
            Json::String(text) if *name == "type" => Dynamic::String(text.to_ascii_lowercase().into()),
            other => Dynamic::from_json(&other),
        };
        typed(Value::dynamic(value), *scalar_type)
    };
    COLUMNS.iter().map(cell).collect()
}

fn row(resource: &Resource) -> Row {
    let mut members = match resource.body.to_json() {
        Json::Object(members) => members,
        _ => serde_json::Map::new(),
    };
    let mut set = |name: &str, value: Option<&str>| {
        if let Some(value) = value {
            members.entry(name).or_insert_with(|| Json::from(value));
        }
    };
    set("id", Some(resource.id.as_str()));
    set("name", Some(resource.name()));
    set("type", Some(&resource.resource_type));
    set("subscriptionId", resource.id.subscription());
    set("resourceGroup", resource.id.resource_group());
    of_members(members)
}

/// The subscriptions and resource groups in which resources lie.
fn containers(estate: &Estate) -> Vec<Row> {
    let mut found: BTreeMap<String, Json> = BTreeMap::new();
    for resource in &estate.resources {
        let Some(subscription) = resource.id.subscription() else { continue };
        let id = format!("/subscriptions/{subscription}");
        found.entry(id.to_ascii_lowercase()).or_insert_with(|| {
            let kind = "microsoft.resources/subscriptions";
            json!({ "id": id, "name": subscription, "type": kind, "subscriptionId": subscription })
        });
        let Some(group) = resource.id.resource_group() else { continue };
        let id = format!("{id}/resourceGroups/{group}");
        found.entry(id.to_ascii_lowercase()).or_insert_with(|| {
            let kind = "microsoft.resources/subscriptions/resourcegroups";
            json!({ "id": id, "name": group, "type": kind, "subscriptionId": subscription, "resourceGroup": group })
        });
    }
    found.into_values().filter_map(|value| value.as_object().cloned()).map(of_members).collect()
}

/// What the checks found, in the form of Defender's assessments.
fn assessments(assessment: &Assessment) -> Vec<Row> {
    let row = |assessed: &castellan_posture::AssessedFinding| {
        let finding = &assessed.finding;
        let code = match &finding.verdict {
            Verdict::Compliant => "Healthy",
            Verdict::NonCompliant => "Unhealthy",
            _ => "NotApplicable",
        };
        let resource = finding.resource.as_str();
        let members = json!({
            "id": format!("{resource}/providers/Microsoft.Security/assessments/{}", finding.check),
            "name": &*finding.check,
            "type": "microsoft.security/assessments",
            "subscriptionId": finding.resource.subscription(),
            "resourceGroup": finding.resource.resource_group(),
            "properties": {
                "displayName": &*finding.title,
                "status": { "code": code },
                "resourceDetails": { "Source": "Azure", "Id": resource },
                "metadata": {
                    "severity": finding.severity.to_string(),
                    "displayName": &*finding.title,
                },
            },
        });
        members.as_object().cloned().map(of_members)
    };
    assessment.findings.iter().filter_map(row).collect()
}

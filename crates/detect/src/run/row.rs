//! Alerts as rows of `SecurityAlert`.

use std::collections::BTreeMap;
use std::sync::Arc;

use castellan_kql::plan::Field as Column;
use castellan_kql::schema::Catalog;
use castellan_kql::{ScalarType, Value};

use super::Alert;
use crate::entity::EntityType;
use crate::rule::{Kind, Rule};

/// The product that alerts of analytics rules are said to be of: queries and automation look for this name.
const PRODUCT: &str = "Azure Sentinel";

/// The properties that columns may say. Others would let an event decide on the id or the entities of its alert. Source:
/// `alertDynamicProperties` of Microsoft.SecurityInsights/alertRules.
const PROPERTIES: [&str; 10] = [
    "AlertLink",
    "ConfidenceLevel",
    "ConfidenceScore",
    "ExtendedLinks",
    "ProductComponentName",
    "ProductName",
    "ProviderName",
    "RemediationSteps",
    "SubTechniques",
    "Techniques",
];

/// The columns of `SecurityAlert`, as they are documented.
pub fn alert_columns() -> Vec<Column> {
    columns_of("SecurityAlert")
}

/// The columns of a table that content declares; none where it does not.
pub(crate) fn columns_of(table: &str) -> Vec<Column> {
    let table = Catalog::built_in().table(table);
    let columns = table.map(|table| table.columns().list.to_vec()).unwrap_or_default();
    columns.iter().map(|column| Column::new(Arc::clone(&column.name), column.scalar_type)).collect()
}

/// An alert as a row with these columns.
pub fn alert_row(rule: &Rule, alert: &Alert) -> Vec<Value> {
    let cells = cells(rule, alert);
    let cell = |column: &Column| cells.get(&*column.name).cloned();
    alert_columns()
        .iter()
        .map(|column| cell(column).unwrap_or_else(|| Value::empty(column.scalar_type)))
        .collect()
}

fn cells<'a>(rule: &'a Rule, alert: &'a Alert) -> BTreeMap<&'a str, Value> {
    let text = |text: &str| Value::string(text);
    let time = |ticks: castellan_base::Ticks| Value::datetime(ticks.get());
    let kind = match rule.kind {
        Kind::Scheduled => "Scheduled Alerts",
        Kind::NearRealTime => "NRT Alerts",
    };
    let subs: Vec<&str> = alert
        .techniques
        .iter()
        .map(|technique| &**technique)
        .filter(|technique| technique.contains('.'))
        .collect();
    let id = alert.id.to_string();
    let mut cells = BTreeMap::from([
        ("TimeGenerated", time(alert.raised)),
        ("ProcessingEndTime", time(alert.raised)),
        ("StartTime", time(alert.start)),
        ("EndTime", time(alert.end)),
        ("DisplayName", text(&alert.name)),
        ("AlertName", text(&alert.name)),
        ("AlertSeverity", text(alert.severity.as_str())),
        ("AlertType", text(&format!("castellan_{}", alert.rule))),
        ("Description", text(&alert.description)),
        ("ProviderName", text(&format!("ASI {kind}"))),
        ("VendorName", text("Castellan")),
        ("VendorOriginalId", text(&id)),
        ("SystemAlertId", text(&id)),
        ("ProductName", text(PRODUCT)),
        ("ProductComponentName", text(kind)),
        ("Status", text("New")),
        ("Entities", text(&alert.entities.to_json())),
        ("ExtendedProperties", text(&extended(alert))),
        ("Tactics", text(&alert.tactics.iter().map(|tactic| tactic.as_str()).collect::<Vec<_>>().join(", "))),
        ("Techniques", text(&json(&alert.techniques))),
        ("SubTechniques", text(&json(&subs))),
        ("CompromisedEntity", text(&compromised(alert))),
        ("ConfidenceLevel", text("Unknown")),
        ("RemediationSteps", text(&json(&rule.triage))),
        ("IsIncident", Value::Bool(false)),
        ("Type", text("SecurityAlert")),
    ]);
    // What a column said comes in the place of what the rule says.
    for (property, said) in alert.properties.iter().filter(|(property, _)| PROPERTIES.contains(&&***property))
    {
        let value =
            if &**property == "ConfidenceScore" { text(said).convert(ScalarType::Real) } else { text(said) };
        cells.insert(property, value);
    }
    cells
}

fn json<T: serde::Serialize>(list: &[T]) -> String {
    if list.is_empty() { String::new() } else { serde_json::to_string(list).unwrap_or_default() }
}

/// The column `ExtendedProperties`: what the rule was run with, and what it tells beside.
fn extended(alert: &Alert) -> String {
    let mut members = serde_json::Map::new();
    for (name, value) in alert.context.iter() {
        members.insert((*name).to_owned(), value.as_str().into());
    }
    members.insert("Alert Results Count".to_owned(), alert.results.to_string().into());
    if alert.details.iter().next().is_some() {
        members.insert("Custom Details".to_owned(), alert.details.to_json().into());
    }
    let cut: BTreeMap<&str, u64> = alert
        .details
        .iter()
        .filter_map(|(name, _)| Some((&**name, alert.details.beyond(name))).filter(|(_, count)| *count > 0))
        .collect();
    if !cut.is_empty() {
        members.insert("Custom Details Not Listed".to_owned(), serde_json::json!(cut).to_string().into());
    }
    if alert.entities.beyond() > 0 {
        members.insert("Entities Not Listed".to_owned(), alert.entities.beyond().to_string().into());
    }
    serde_json::Value::Object(members).to_string()
}

/// The first host, or else account, or else whatever there is.
fn compromised(alert: &Alert) -> String {
    let list = alert.entities.list();
    let of = |wanted: EntityType| list.iter().find(|entity| entity.entity == wanted);
    let found = of(EntityType::Host).or_else(|| of(EntityType::Account)).or(list.first());
    found.map(crate::entity::Entity::label).unwrap_or_default()
}

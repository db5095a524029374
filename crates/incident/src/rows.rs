//! Alerts and incidents as rows of JSON, as the lake takes them.

use castellan_detect::incident::{Incident, incident_columns, incident_row};
use castellan_detect::rule::Rule;
use castellan_detect::run::{Alert, alert_columns, alert_row};
use castellan_kql::Value;
use castellan_kql::plan::Field;
use castellan_kql::value::Dynamic;
use serde_json::{Map, Value as Json};

/// The table of alerts.
pub const ALERTS: &str = "SecurityAlert";
/// The table of incidents.
pub const INCIDENTS: &str = "SecurityIncident";

/// Bytes of rows that one call brings: far below what a lake takes at once.
const CALL: usize = 16 << 20;

/// An alert by the columns of `SecurityAlert`; what is empty is left out.
pub fn alert_json(rule: &Rule, alert: &Alert) -> Json {
    object(&alert_columns(), &alert_row(rule, alert))
}

/// An incident by the columns of `SecurityIncident`.
pub fn incident_json(incident: &Incident) -> Json {
    object(&incident_columns(), &incident_row(incident))
}

/// A row by the names of its columns; what is empty is left out.
pub fn object(columns: &[Field], row: &[Value]) -> Json {
    let members = columns.iter().zip(row).map(|(column, value)| (column.name.to_string(), cell(value)));
    Json::Object(members.filter(|(_, value)| !is_empty(value)).collect::<Map<_, _>>())
}

fn is_empty(value: &Json) -> bool {
    value.is_null() || value.as_str().is_some_and(str::is_empty)
}

/// Rows as JSON Lines, in calls of a bounded size.
pub fn calls(rows: &[Json]) -> Vec<String> {
    let mut calls: Vec<String> = Vec::new();
    for row in rows {
        let line = format!("{row}\n");
        match calls.last_mut() {
            Some(call) if call.len() + line.len() <= CALL => call.push_str(&line),
            _ => calls.push(line),
        }
    }
    calls
}

/// A value as JSON: numbers as numbers, times, guids and decimals as text, dynamic values as they are.
pub fn cell(value: &Value) -> Json {
    match value {
        Value::Null => Json::Null,
        Value::Bool(flag) => Json::Bool(*flag),
        Value::Int(number) => Json::from(*number),
        Value::Long(number) => Json::from(*number),
        Value::Real(number) => real(*number),
        Value::Dynamic(dynamic) => json(dynamic),
        other => Json::String(other.to_text()),
    }
}

fn real(number: f64) -> Json {
    match serde_json::Number::from_f64(number) {
        Some(number) => Json::Number(number),
        None if number.is_nan() => Json::from("NaN"),
        None if number > 0.0 => Json::from("Infinity"),
        None => Json::from("-Infinity"),
    }
}

fn json(dynamic: &Dynamic) -> Json {
    match dynamic {
        Dynamic::Array(items) => Json::Array(items.iter().map(json).collect()),
        Dynamic::Bag(members) => {
            Json::Object(members.iter().map(|(key, value)| (key.to_string(), json(value))).collect())
        }
        scalar => cell(&scalar.to_value()),
    }
}

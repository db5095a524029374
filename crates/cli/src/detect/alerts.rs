//! Alerts and incidents as rows of JSON, and alerts that are in a lake already.

use std::collections::BTreeSet;

use anyhow::{Result, bail};
use castellan_detect::incident::{Incident, incident_columns, incident_row};
use castellan_detect::rule::Rule;
use castellan_detect::run::{Alert, alert_columns, alert_row};
use castellan_kql::Value;
use castellan_kql::plan::Field;
use castellan_lake::{Append, Appended, Form, Lake};
use castellan_query::Settings;
use serde_json::{Map, Value as Json};

use crate::query::render::cell;

/// The table of alerts.
pub(crate) const ALERTS: &str = "SecurityAlert";
/// The table of incidents.
pub(crate) const INCIDENTS: &str = "SecurityIncident";

/// Bytes of rows that one call brings: far below what a lake takes at once.
const CALL: usize = 16 << 20;
/// Ids that one query asks for.
const ASKED: usize = 500;

/// An alert by the columns of `SecurityAlert`; what is empty is left out.
pub(crate) fn alert_json(rule: &Rule, alert: &Alert) -> Json {
    object(&alert_columns(), &alert_row(rule, alert))
}

/// An incident by the columns of `SecurityIncident`.
pub(crate) fn incident_json(incident: &Incident) -> Json {
    object(&incident_columns(), &incident_row(incident))
}

/// A row by the names of its columns; what is empty is left out.
pub(crate) fn object(columns: &[Field], row: &[Value]) -> Json {
    let members = columns.iter().zip(row).map(|(column, value)| (column.name.to_string(), cell(value)));
    Json::Object(members.filter(|(_, value)| !is_empty(value)).collect::<Map<_, _>>())
}

fn is_empty(value: &Json) -> bool {
    value.is_null() || value.as_str().is_some_and(str::is_empty)
}

/// Rows as JSON Lines, in calls of a bounded size.
pub(crate) fn calls(rows: &[Json]) -> Vec<String> {
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

/// Adds rows to a table.
///
/// Errors: the lake does not take them, or not all of them.
pub(crate) async fn append(lake: &Lake, table: &str, rows: &str, how: Append) -> Result<Appended> {
    // Alerts of a time that is over keep their time.
    let how = Append { keeps_times: true, ..how };
    let appended = lake.append(table, rows.as_bytes(), Form::Lines, how).await?;
    if let Some(refused) = appended.refused.first() {
        bail!("a row of {table} is not taken: {}", refused.reason);
    }
    Ok(appended)
}

/// Which of some alerts a lake has, by their ids.
///
/// Errors: the table cannot be read.
pub(crate) async fn known(lake: &Lake, ids: &[String]) -> Result<BTreeSet<String>> {
    let engine = lake.engine(Settings::default());
    let mut found = BTreeSet::new();
    for some in ids.chunks(ASKED) {
        // Ids are UUIDs: they hold nothing that would end a text.
        let list: Vec<String> = some.iter().map(|id| format!("'{id}'")).collect();
        let query =
            format!("{ALERTS} | where SystemAlertId in ({}) | distinct SystemAlertId", list.join(", "));
        let answers = engine.query(&query).await.map_err(|error| anyhow::anyhow!("{error}"))?;
        for answer in &answers.answers {
            found.extend(answer.values()?.iter().flatten().map(Value::to_text));
        }
    }
    Ok(found)
}

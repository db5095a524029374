//! Rows that the lake takes in, as events.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use castellan_base::{System, Ticks};
use castellan_kql::value::Dynamic;
use castellan_kql::{ScalarType, Value};
use castellan_lake::{Arrival, Lake};
use castellan_query::Error;
use castellan_query::arrow::array::{Array as _, ArrayRef, AsArray as _};
use castellan_query::arrow::datatypes::TimestampMicrosecondType;
use castellan_query::compiled::{Arrived, Columns};
use castellan_query::physical::Reader;
use serde_json::{Value as Json, json};

use super::Hub;

/// Bytes of rows that wait to be looked at.
const ROOM: usize = 32 << 20;
/// Rows are looked at together for so long.
const TOGETHER: Duration = Duration::from_millis(200);
/// How long it rests before it follows again.
const PAUSE: Duration = Duration::from_secs(1);
/// Most decisions that are told at once: some hundred a second.
const DECISIONS: usize = 40;
/// Decisions that are older are history, which somebody has taken in, in ticks.
const LONG_AGO: i64 = 10 * 60 * Ticks::PER_SECOND;
/// The longest text of an event, in characters.
const LONGEST: usize = 300;

impl Hub {
    /// Tells of alerts, incidents and decisions of the gate as the lake takes them in. It ends when its future is dropped.
    pub async fn follow(self, lake: Arc<Lake>, clock: Arc<dyn System>) {
        loop {
            let (_, mut follower) = lake.follow(ROOM);
            loop {
                follower.wait().await;
                tokio::time::sleep(TOGETHER).await;
                match follower.take() {
                    Ok(arrivals) => self.arrived(&arrivals, clock.now()),
                    Err(_) => break,
                }
            }
            self.lost();
            tokio::time::sleep(PAUSE).await;
        }
    }

    fn arrived(&self, arrivals: &[Arrival], now: Ticks) {
        let mut decisions = Vec::new();
        for arrival in arrivals {
            // What cannot be read is in the table all the same, which pages ask.
            let _ = match &**arrival.table() {
                "SecurityIncident" => self.incidents(arrival),
                "SecurityAlert" => self.alerts(arrival),
                "CastellanGateDecisions" => taken(arrival, now, &mut decisions),
                _ => Ok(()),
            };
        }
        self.decisions(decisions);
    }

    fn incidents(&self, arrival: &Arrival) -> Result<(), Error> {
        let rows = Rows::of(arrival)?;
        for at in 0..rows.count {
            let owner = rows.member(at, "Owner", "assignedTo");
            let owner = if owner.is_empty() { rows.member(at, "Owner", "userPrincipalName") } else { owner };
            self.tell(
                "incident",
                &json!({
                    "number": rows.number(at, "IncidentNumber"), "title": rows.text(at, "Title"),
                    "severity": rows.text(at, "Severity"), "status": rows.text(at, "Status"), "owner": owner,
                    "modified": rows.time(at, "LastModifiedTime").or_else(|| rows.time(at, "TimeGenerated")),
                }),
            );
        }
        Ok(())
    }

    fn alerts(&self, arrival: &Arrival) -> Result<(), Error> {
        let rows = Rows::of(arrival)?;
        for at in 0..rows.count {
            let name = rows.text(at, "DisplayName");
            self.tell(
                "alert",
                &json!({
                    "id": rows.text(at, "SystemAlertId"),
                    "name": if name.is_empty() { rows.text(at, "AlertName") } else { name },
                    "severity": rows.text(at, "AlertSeverity"), "time": rows.time(at, "TimeGenerated"),
                }),
            );
        }
        Ok(())
    }

    /// Tells of decisions: where there are too many, of those that stopped something first.
    fn decisions(&self, mut decisions: Vec<Json>) {
        let omitted = decisions.len().saturating_sub(DECISIONS);
        if omitted > 0 {
            decisions.sort_by_key(|decision| decision.get("action").and_then(Json::as_str) == Some("allow"));
            decisions.truncate(DECISIONS);
            decisions.sort_by_key(|decision| decision.get("time").and_then(Json::as_str).map(str::to_owned));
        }
        let last = decisions.len().saturating_sub(1);
        for (at, mut decision) in decisions.into_iter().enumerate() {
            if let Some(members) = decision.as_object_mut().filter(|_| at == last && omitted > 0) {
                members.insert("omitted".to_owned(), omitted.into());
            }
            self.tell("decision", &decision);
        }
    }
}

fn taken(arrival: &Arrival, now: Ticks, decisions: &mut Vec<Json>) -> Result<(), Error> {
    let rows = Rows::of(arrival)?;
    for at in 0..rows.count {
        let Some(time) = rows.time(at, "TimeGenerated") else { continue };
        if now.get().saturating_sub(time.get()) > LONG_AGO {
            continue;
        }
        let name = rows.text(at, "PrincipalName");
        decisions.push(json!({
            "requestId": rows.text(at, "RequestId"), "time": time, "action": rows.text(at, "Action"),
            "stage": rows.text(at, "Stage"), "model": rows.text(at, "ModelName"),
            "principal": if name.is_empty() { rows.text(at, "PrincipalId") } else { name },
            "principalObjectId": rows.text(at, "PrincipalObjectId"), "principalKind": rows.text(at, "PrincipalKind"),
            "agent": rows.text(at, "AgentId"), "tool": rows.text(at, "ToolName"),
            "reason": rows.text(at, "Reason"), "rules": rows.rules(at),
            "status": rows.number(at, "StatusCode"), "durationMs": rows.real(at, "DurationMs"),
        }));
    }
    Ok(())
}

/// The columns of rows that events are made of. No other column is read.
struct Rows {
    count: usize,
    columns: Vec<(&'static str, ScalarType, ArrayRef)>,
}

const TEXTS: [&str; 18] = [
    "Title",
    "Severity",
    "Status",
    "SystemAlertId",
    "DisplayName",
    "AlertName",
    "AlertSeverity",
    "RequestId",
    "Action",
    "Stage",
    "ModelName",
    "PrincipalName",
    "PrincipalId",
    "PrincipalObjectId",
    "PrincipalKind",
    "AgentId",
    "ToolName",
    "Reason",
];
const NUMBERS: [&str; 2] = ["IncidentNumber", "StatusCode"];
const TIMES: [&str; 2] = ["TimeGenerated", "LastModifiedTime"];

impl Rows {
    fn of(arrival: &Arrival) -> Result<Rows, Error> {
        let wanted = TEXTS.iter().map(|name| (*name, ScalarType::String));
        let wanted = wanted.chain(NUMBERS.iter().map(|name| (*name, ScalarType::Int)));
        let wanted = wanted.chain(TIMES.iter().map(|name| (*name, ScalarType::DateTime)));
        let wanted = wanted.chain([
            ("DurationMs", ScalarType::Real),
            ("Findings", ScalarType::Dynamic),
            ("Owner", ScalarType::Dynamic),
        ]);
        let mut columns = Vec::new();
        for (name, scalar_type) in wanted {
            if let Some((at, _)) = arrival.schema().column_with_name(name) {
                columns.push((name, scalar_type, arrival.column(at)?));
            }
        }
        Ok(Rows { count: arrival.rows(), columns })
    }

    fn value(&self, at: usize, column: &str) -> Value {
        let found = self.columns.iter().find(|(name, ..)| *name == column);
        let value = |(_, scalar_type, array): &(&str, ScalarType, ArrayRef)| {
            Reader::new(array, *scalar_type).map(|reader| reader.value(at)).ok()
        };
        found.and_then(value).unwrap_or(Value::Null)
    }

    fn text(&self, at: usize, column: &str) -> String {
        self.value(at, column).as_str().map(shortened).unwrap_or_default()
    }

    fn number(&self, at: usize, column: &str) -> Option<i32> {
        match self.value(at, column) {
            Value::Int(number) => Some(number),
            _ => None,
        }
    }

    fn real(&self, at: usize, column: &str) -> Option<f64> {
        match self.value(at, column) {
            Value::Real(number) => Some(number).filter(|number| number.is_finite()),
            _ => None,
        }
    }

    /// A time: what arrives has the form in which it is kept, in microseconds, which the engine turns into its own later.
    fn time(&self, at: usize, column: &str) -> Option<Ticks> {
        let (_, _, array) = self.columns.iter().find(|(name, ..)| *name == column)?;
        let kept = array.as_primitive_opt::<TimestampMicrosecondType>()?;
        let micros = kept.is_valid(at).then(|| kept.value(at))?;
        Ticks::from_unix_nanos(i128::from(micros) * 1_000)
    }

    /// A text of a bag.
    fn member(&self, at: usize, column: &str, name: &str) -> String {
        let Value::Dynamic(dynamic) = self.value(at, column) else { return String::new() };
        text_of(&dynamic, name).unwrap_or_default()
    }

    /// The rules that found something: their names and nothing of what they found.
    fn rules(&self, at: usize) -> Vec<String> {
        let Value::Dynamic(dynamic) = self.value(at, "Findings") else { return Vec::new() };
        let Dynamic::Array(findings) = &*dynamic else { return Vec::new() };
        let rules: BTreeSet<String> =
            findings.iter().filter_map(|finding| text_of(finding, "rule")).collect();
        rules.into_iter().take(16).collect()
    }
}

fn text_of(dynamic: &Dynamic, name: &str) -> Option<String> {
    let Dynamic::Bag(members) = dynamic else { return None };
    let (_, value) = members.iter().find(|(known, _)| &***known == name)?;
    match value {
        Dynamic::String(text) => Some(shortened(text)),
        _ => None,
    }
}

fn shortened(text: &str) -> String {
    text.chars().take(LONGEST).collect()
}

//! Each line of `content/genai` with its own examples.

use castellan_base::Ticks;
use castellan_ingest::Taken;
use castellan_ingest::genai::{Form, Rule, Rules};
use castellan_ingest::otlp;
use castellan_kql::schema::Catalog;
use opentelemetry_proto::tonic::collector::{
    logs::v1::ExportLogsServiceRequest, trace::v1::ExportTraceServiceRequest,
};
use serde_json::{Map, Value, json};

use crate::check::{received, rows};

const ATTRIBUTES: &str = include_str!("../../../../content/genai/attributes.jsonl");
const EVENTS: &str = include_str!("../../../../content/genai/events.jsonl");

fn any(value: &Value) -> Value {
    match value {
        Value::String(text) => json!({"stringValue": text}),
        Value::Bool(truth) => json!({"boolValue": truth}),
        Value::Number(number) if number.is_i64() => json!({"intValue": number}),
        Value::Number(number) => json!({"doubleValue": number}),
        Value::Array(items) => json!({"arrayValue": {"values": items.iter().map(any).collect::<Vec<_>>()}}),
        Value::Object(members) => json!({"kvlistValue": {"values": pairs(members)}}),
        Value::Null => json!({}),
    }
}

pub(crate) fn pairs(members: &Map<String, Value>) -> Vec<Value> {
    members.iter().map(|(key, value)| json!({"key": key, "value": any(value)})).collect()
}

pub(crate) fn span(attributes: &Map<String, Value>) -> Taken {
    let request: ExportTraceServiceRequest =
        serde_json::from_value(json!({"resourceSpans": [{"scopeSpans": [{"spans": [{
        "traceId": "5b8efff798038103d269b633813fc60c", "spanId": "eee19b7ec3c1b174",
        "startTimeUnixNano": "1795219200000000000", "attributes": pairs(attributes)}]}]}]}))
        .unwrap();
    otlp::decoded_traces(&request, received())
}

pub(crate) fn log(name: &str, body: Option<&Value>, attributes: &Map<String, Value>) -> Taken {
    let time: Ticks = received();
    let request: ExportLogsServiceRequest = serde_json::from_value(json!({"resourceLogs": [{"scopeLogs": [{"logRecords": [{
        "traceId": "5b8efff798038103d269b633813fc60c", "spanId": "eee19b7ec3c1b174", "eventName": name,
        "timeUnixNano": time.unix_nanos().to_string(), "body": body.map(any), "attributes": pairs(attributes)}]}]}]})).unwrap();
    otlp::decoded_logs(&request, received())
}

/// What a rule's column says, where there is a row.
fn cell(taken: &Taken, rule: &Rule, attributes: &Map<String, Value>) -> Option<Value> {
    let (table, column) = rule.column.split_once('.').unwrap();
    let row = rows(taken, table).into_iter().next()?;
    let value = row.get(column)?.clone();
    if rule.form != Form::Bag {
        return Some(value);
    }
    let prefix = rule.attribute.trim_end_matches('*');
    let key = attributes.keys().find(|key| key.starts_with(prefix))?;
    value.get(key).cloned()
}

#[test]
fn every_rule_does_what_its_examples_say() {
    let rules = Rules::parse(ATTRIBUTES, EVENTS).unwrap();
    assert!(rules.attributes().len() > 150);
    for rule in rules.attributes() {
        let name = &rule.attribute;
        let (table, column) = rule.column.split_once('.').unwrap();
        let known = Catalog::built_in().table(table).unwrap().column(column).is_some();
        assert!(known, "{name}: {table} has no column {column}");
        let taken = span(&rule.positive);
        assert_eq!(cell(&taken, rule, &rule.positive).as_ref(), Some(&rule.gives), "{name} -> {column}");
        let prefix = name.trim_end_matches('*');
        let uses = rule.positive.keys().any(|key| key.starts_with(prefix));
        assert!(uses, "{name}: its example does not have it");
        let against = cell(&span(&rule.negative), rule, &rule.negative);
        assert_ne!(against, Some(rule.gives.clone()), "{name} -> {column}: the counterexample fills it");
        if rule.moves {
            let rest = rows(&taken, "OTelSpans")[0]["Attributes"].to_string();
            let marker = format!("[{}]", rule.column);
            assert!(rest.contains(&marker), "{name}: no marker in {rest}");
            for (key, value) in rule.positive.iter().filter(|(key, _)| key.starts_with(prefix)) {
                let held = rows(&taken, "OTelSpans")[0]["Attributes"].get(key) == Some(value);
                assert!(!held, "{name}: the span keeps a second copy in {rest}");
            }
        }
    }
}

#[test]
fn every_event_does_what_its_examples_say() {
    let rules = Rules::parse(ATTRIBUTES, EVENTS).unwrap();
    assert!(rules.events().count() > 5);
    for rule in rules.events() {
        if rule.column.is_empty() {
            let attributes = rule.positive.as_object().unwrap();
            assert_eq!(log(&rule.event, None, attributes).count("AppGenAIContent"), 1, "{}", rule.event);
            continue;
        }
        let (table, column) = rule.column.split_once('.').unwrap();
        let taken = log(&rule.event, Some(&rule.positive), &Map::new());
        assert_eq!(rows(&taken, table)[0][column], rule.gives, "{}", rule.event);
        assert_eq!(rows(&taken, "OTelLogs")[0]["Body"], format!("[{}]", rule.column), "{}", rule.event);
        let other = log(&rule.negative, Some(&rule.positive), &Map::new());
        assert_eq!(other.count(table), 0, "{}", rule.event);
    }
}

#[test]
fn faulty_content_names_its_line() {
    for (text, expected) in [
        ("{\"attribute\":\"a\"}", "line 1 of attributes.jsonl"),
        ("# fine\n\n{\"attribute\":\"a\",\"column\":\"Other.X\",\"positive\":{},\"negative\":{}}", "line 3"),
        ("{\"attribute\":\"a.*\",\"positive\":{},\"negative\":{}}", "`list` is the form"),
        ("{\"attribute\":\"a\",\"when\":[\"!=x\"],\"positive\":{},\"negative\":{}}", "names no attribute"),
        (
            "{\"attribute\":\"a\",\"column\":\"ASimAgentEventLogs.ToolName\",\"moves\":true,\"positive\":{},\"negative\":{}}",
            "content moves",
        ),
    ] {
        let error = Rules::parse(text, "").unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
}

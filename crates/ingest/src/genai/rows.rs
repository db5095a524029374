//! Writes what was found to `AppGenAIContent` and `ASimAgentEventLogs`.

use castellan_base::Ticks;
use opentelemetry_proto::tonic::common::v1::{AnyValue, any_value::Value};

use super::flattened;
use super::rules::{Agent, EventRule, Form, Rule};
use super::scan::{Found, Source};
use crate::json::{self, Object};
use crate::otlp::{Origin, value};
use crate::problem::{ProblemKind, Problems};
use crate::rows::Sheet;
use crate::{MAX_TEXT, otlp};

const CONTENT: &str = "AppGenAIContent.";
const AGENT: &str = "ASimAgentEventLogs.";

/// The record that content belongs to.
pub(crate) struct Record<'a> {
    pub(crate) origin: &'a Origin,
    pub(crate) trace: &'a str,
    pub(crate) span: &'a str,
    pub(crate) parent: &'a str,
    pub(crate) start: Ticks,
    pub(crate) end: Option<Ticks>,
    /// The message of a failure; `None` where none is known.
    pub(crate) error: Option<&'a str>,
    /// The name of an event; `None` for a span.
    pub(crate) event: Option<&'a str>,
}

impl Record<'_> {
    /// Tells a row from others, and is the same when a request comes twice. A span has one row; of its events there may
    /// be several at one time.
    fn id(&self, nth: usize) -> String {
        match self.event {
            None => format!("{}-{}", self.trace, self.span),
            Some(_) => format!("{}-{}-{}-{nth}", self.trace, self.span, self.start.get()),
        }
    }
}

impl Found<'_> {
    /// Writes the rows that the record deserves.
    pub(crate) fn write(&self, about: &Record<'_>, sheet: &mut Sheet) {
        if self.has_content() {
            let mut row = Vec::new();
            self.content(&mut row, about, sheet.count("AppGenAIContent"), &mut sheet.problems);
            sheet.push("AppGenAIContent", &row);
        }
        if self.is_agent_event(about) {
            let mut row = Vec::new();
            self.agent(&mut row, about, &mut sheet.problems);
            sheet.push("ASimAgentEventLogs", &row);
        }
    }

    fn has_content(&self) -> bool {
        let moves = |rule: &usize| self.rules.rule(*rule).is_some_and(|rule| rule.moves);
        self.slots.iter().flatten().any(|(rule, _)| moves(rule))
            || self.bags.iter().any(|(rule, _, _)| moves(rule))
            || self.event.as_ref().is_some_and(|(_, body)| body.is_some())
            || self.other_body.is_some()
    }

    fn is_agent_event(&self, about: &Record<'_>) -> bool {
        let Some(_) = about.event else { return true };
        match self.event.as_ref().map(|(rule, _)| rule.agent) {
            None | Some(Agent::Never) => false,
            Some(Agent::Always) => true,
            Some(Agent::WithoutSpan) => about.span.is_empty(),
        }
    }

    fn content(&self, out: &mut Vec<u8>, about: &Record<'_>, nth: usize, problems: &mut Problems) {
        let mut row = Object::begin(out);
        row.time("TimeGenerated", about.start);
        let event = about.event.unwrap_or_default();
        row.text("Id", &about.id(nth));
        row.text("TraceId", about.trace);
        row.text("SpanId", about.span);
        row.text("ParentSpanId", about.parent);
        row.members(&about.origin.resource);
        row.members(&about.origin.azure);
        self.columns(&mut row, CONTENT, self.body_column(), problems);
        if let Some((rule, Some(body))) = &self.event {
            let column = rule.column.strip_prefix(CONTENT).unwrap_or(&rule.column);
            otlp_text(row.key(column), problems, |text, problems| message(text, rule, body, problems));
        }
        let mut bag = Vec::new();
        let mut object = Object::begin(&mut bag);
        object.text("event.name", event);
        if let Some(body) = self.other_body {
            value(object.key("body"), Some(body), problems);
        }
        self.displaced(&mut object, problems);
        self.bag(&mut object, CONTENT, problems);
        object.end();
        if bag.len() > 2 {
            row.raw("Attributes", &bag);
        }
        row.end();
    }

    fn agent(&self, out: &mut Vec<u8>, about: &Record<'_>, problems: &mut Problems) {
        let end = about.end.unwrap_or(about.start);
        let mut row = Object::begin(out);
        row.time("TimeGenerated", about.start);
        row.time("EventStartTime", about.start);
        row.time("EventEndTime", end);
        row.integer("EventCount", 1);
        row.text("EventSchema", "AgentEvent");
        row.text("EventSchemaVersion", "0.1.0");
        row.text("EventVendor", "OpenTelemetry");
        let product =
            if about.origin.scope_name.is_empty() { "OpenTelemetry" } else { &about.origin.scope_name };
        row.text("EventProduct", product);
        row.text("EventOriginalUid", about.span);
        row.text("ActingAppName", &about.origin.service_name);
        row.text("ActingAppId", &about.origin.service_instance);
        if !about.origin.service_name.is_empty() {
            row.text("ActingAppType", "Service");
        }
        row.text("SrcFQDN", &about.origin.host);
        row.text("EventErrorDetails", json::cut(about.error.unwrap_or_default(), MAX_TEXT));
        row.members(&about.origin.azure);
        let own_type =
            self.event.as_ref().map(|(rule, _)| rule.event_type.as_str()).filter(|name| !name.is_empty());
        if let Some(name) = own_type {
            row.text("EventType", name);
            row.text("EventOriginalType", about.event.unwrap_or_default());
        } else {
            self.fallback_type(&mut row);
        }
        let taken = own_type.map(|_| ["EventType", "EventOriginalType"]);
        let misfits =
            self.columns_but(&mut row, AGENT, taken.as_ref().map_or(&[], |names| &names[..]), problems);
        let mut object = Object::begin(row.key("AdditionalFields"));
        object.text("TraceId", about.trace);
        object.text("SpanId", about.span);
        object.text("ParentSpanId", about.parent);
        self.bag(&mut object, AGENT, problems);
        for (key, found) in misfits {
            value(object.key(key), found, problems);
        }
        object.end();
        row.end();
    }

    /// `EventType` is mandatory: an operation that no rule knows stands there as it was sent.
    fn fallback_type(&self, row: &mut Object<'_>) {
        let column = |name: &str| {
            let slot =
                self.rules.columns().iter().position(|column| column.strip_prefix(AGENT) == Some(name))?;
            self.slots.get(slot)?.as_ref()
        };
        if column("EventType").is_some() {
            return;
        }
        match column("EventOriginalType") {
            Some((_, Source::One(Some(AnyValue { value: Some(Value::StringValue(name)) })))) => {
                row.text("EventType", json::cut(name, MAX_TEXT));
            }
            _ => row.text("EventType", "Other"),
        }
    }

    /// What an attribute says for the column that the body of the event fills.
    fn displaced(&self, object: &mut Object<'_>, problems: &mut Problems) {
        let Some(body) = self.body_column() else { return };
        for (slot, column) in self.slots.iter().zip(self.rules.columns()) {
            let (Some((place, source)), Some(column)) = (slot, column.strip_prefix(CONTENT)) else {
                continue;
            };
            if let Some(rule) = self.rules.rule(*place).filter(|_| column == body) {
                write_source(object.key(&rule.attribute), rule, source, problems);
            }
        }
    }

    /// The column that the body of an event fills.
    fn body_column(&self) -> Option<&str> {
        let (rule, body) = self.event.as_ref()?;
        body.and(rule.column.strip_prefix(CONTENT))
    }

    fn columns(&self, row: &mut Object<'_>, table: &str, but: Option<&str>, problems: &mut Problems) {
        let but = but.map(|name| [name]);
        // Every column of content is a text, which any value fits.
        let _ = self.columns_but(row, table, but.as_ref().map_or(&[], |names| &names[..]), problems);
    }

    /// Fills the columns of a table; returns what did not fit its column.
    fn columns_but(
        &self,
        row: &mut Object<'_>,
        table: &str,
        but: &[&str],
        problems: &mut Problems,
    ) -> Vec<(&str, Option<&AnyValue>)> {
        let mut misfits = Vec::new();
        for (slot, column) in self.slots.iter().zip(self.rules.columns()) {
            let (Some((place, source)), Some(column)) = (slot, column.strip_prefix(table)) else { continue };
            let Some(rule) = self.rules.rule(*place).filter(|_| !but.contains(&column)) else { continue };
            let mut cell = Vec::new();
            if render(&mut cell, rule, source, problems) {
                row.raw(column, &cell);
            } else if let (Source::One(Some(AnyValue { value: Some(_) })), None) = (source, &rule.member) {
                problems.tell(ProblemKind::WrongType(rule.attribute.clone()));
                if let Source::One(found) = source
                    && !self.bags.iter().any(|(_, key, _)| *key == rule.attribute)
                {
                    misfits.push((rule.attribute.as_str(), *found));
                }
            }
        }
        misfits
    }

    fn bag(&self, object: &mut Object<'_>, table: &str, problems: &mut Problems) {
        for (place, key, source) in &self.bags {
            let Some(rule) = self.rules.rule(*place).filter(|rule| rule.column.starts_with(table)) else {
                continue;
            };
            let is_body = self
                .event
                .as_ref()
                .is_some_and(|(event, body)| body.is_some() && event.body.iter().any(|name| name == key));
            if !is_body {
                write_source(object.key(key), rule, source, problems);
            }
        }
    }
}

fn write_source(out: &mut Vec<u8>, rule: &Rule, source: &Source<'_>, problems: &mut Problems) {
    match source {
        Source::One(found) => value(out, *found, problems),
        Source::Group(group) => flattened::write(out, group, &rule.drop, problems),
    }
}

/// Writes a value in the form of a rule; false where it does not fit.
fn render(out: &mut Vec<u8>, rule: &Rule, source: &Source<'_>, problems: &mut Problems) -> bool {
    let found = match source {
        Source::Group(group) => {
            otlp_text(out, problems, |text, problems| flattened::write(text, group, &rule.drop, problems));
            return true;
        }
        Source::One(found) => *found,
    };
    let of_member;
    let found = match &rule.member {
        None => found,
        Some(name) => {
            of_member = member(found, name);
            of_member.as_ref()
        }
    };
    let Some(any) = found.and_then(|found| found.value.as_ref()) else { return false };
    match (rule.form, any) {
        (Form::Text, Value::StringValue(text)) => {
            let text = rule.map.get(text).unwrap_or(text);
            text_cell(out, text, problems);
        }
        (Form::Text | Form::List | Form::Bag, _) => {
            otlp_text(out, problems, |text, problems| value(text, found, problems));
        }
        (Form::Long, _) => match whole(any) {
            Some(number) => json::integer(out, number),
            None => return false,
        },
        (Form::Real, _) => match number(any) {
            Some(number) => json::real(out, number),
            None => return false,
        },
        (Form::Array, Value::ArrayValue(_)) => value(out, found, problems),
        (Form::Array, _) => {
            out.push(b'[');
            value(out, found, problems);
            out.push(b']');
        }
    }
    true
}

fn text_cell(out: &mut Vec<u8>, text: &str, problems: &mut Problems) {
    let kept = json::cut(text, MAX_TEXT);
    if kept.len() < text.len() {
        problems.tell(ProblemKind::TextCut);
    }
    json::string(out, kept);
}

/// JSON as a text in JSON.
fn otlp_text(out: &mut Vec<u8>, problems: &mut Problems, write: impl FnOnce(&mut Vec<u8>, &mut Problems)) {
    let mut text = Vec::new();
    write(&mut text, problems);
    text_cell(out, &String::from_utf8_lossy(&text), problems);
}

fn whole(any: &Value) -> Option<i64> {
    match any {
        Value::IntValue(number) => Some(*number),
        Value::DoubleValue(number) if number.fract() == 0.0 && number.abs() < 9e15 => Some(*number as i64),
        Value::StringValue(text) => text.trim().parse().ok(),
        _ => None,
    }
}

fn number(any: &Value) -> Option<f64> {
    let number = match any {
        Value::IntValue(number) => *number as f64,
        Value::DoubleValue(number) => *number,
        Value::StringValue(text) => text.trim().parse().ok()?,
        _ => return None,
    };
    number.is_finite().then_some(number)
}

/// A member of an object that stands in a text.
fn member(found: Option<&AnyValue>, name: &str) -> Option<AnyValue> {
    let Some(Value::StringValue(text)) = found.and_then(|found| found.value.as_ref()) else { return None };
    let object: serde_json::Value =
        serde_json::from_str(text.get(..).filter(|text| text.len() <= MAX_TEXT)?).ok()?;
    let value = match object.get(name)? {
        serde_json::Value::Number(number) => match number.as_i64() {
            Some(whole) => Value::IntValue(whole),
            None => Value::DoubleValue(number.as_f64()?),
        },
        serde_json::Value::String(text) => Value::StringValue(text.clone()),
        serde_json::Value::Bool(truth) => Value::BoolValue(*truth),
        _ => return None,
    };
    Some(AnyValue { value: Some(value) })
}

/// A message as a list of one: the body, with a role where it names none.
fn message(out: &mut Vec<u8>, rule: &EventRule, body: &AnyValue, problems: &mut Problems) {
    out.push(b'[');
    let mut object = Object::begin(out);
    match &body.value {
        Some(Value::KvlistValue(list)) => {
            let members = otlp::Attributes::of(&list.values, problems);
            if members.get("role").is_none() {
                object.text("role", &rule.role);
            }
            for member in members.iter() {
                value(object.key(&member.key), member.value.as_ref(), problems);
            }
        }
        Some(Value::StringValue(text)) => of_text(&mut object, rule, text),
        _ => {
            object.text("role", &rule.role);
            value(object.key("content"), Some(body), problems);
        }
    }
    object.end();
    out.push(b']');
}

/// A body that is a text: an object as JSON, as attributes of span events hold it, or plain words.
fn of_text(object: &mut Object<'_>, rule: &EventRule, text: &str) {
    let kept = json::cut(text, MAX_TEXT);
    match serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(kept) {
        Ok(members) => {
            if !members.contains_key("role") {
                object.text("role", &rule.role);
            }
            for (key, member) in members {
                object.raw(&key, member.to_string().as_bytes());
            }
        }
        Err(_) => {
            object.text("role", &rule.role);
            json::string(object.key("content"), kept);
        }
    }
}

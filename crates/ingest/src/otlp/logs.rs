//! Log records to `OTelLogs`.

use castellan_base::Ticks;
use opentelemetry_proto::tonic::common::v1::{AnyValue, any_value::Value};
use opentelemetry_proto::tonic::logs::v1::LogRecord;

use super::any::{Attributes, Kept, string, value};
use super::origin::{Origin, first};
use super::spans::{id, own_attributes, write_attributes};
use crate::genai::{Found, Record};
use crate::json::{self, Object};
use crate::problem::{Place, Problems};
use crate::rows::Sheet;
use crate::{MAX_TEXT, times};

/// An observed time that differs by less than this from the record's own says nothing more.
const SAME_TIME: i64 = Ticks::PER_SECOND;

/// Writes rows, with buffers that are used again.
pub(super) struct Writer {
    received: Ticks,
    row: Vec<u8>,
}

impl Writer {
    pub(super) fn new(received: Ticks) -> Writer {
        Writer { received, row: Vec::new() }
    }

    pub(super) fn scope(
        &mut self,
        origin: &Origin,
        records: &[LogRecord],
        outer: (usize, usize),
        sheet: &mut Sheet,
    ) {
        for (place, record) in records.iter().enumerate() {
            sheet.problems.at(Place { outer: Some(outer), record: place });
            if sheet.admits() {
                self.record(origin, record, sheet);
            }
        }
    }

    fn record(&mut self, origin: &Origin, record: &LogRecord, sheet: &mut Sheet) {
        let problems = &mut sheet.problems;
        let own = times::from_nanos(record.time_unix_nano);
        let observed = times::from_nanos(record.observed_time_unix_nano);
        let time = times::of_record(own.or(observed), self.received, problems);
        let attributes = Attributes::of(&record.attributes, problems);
        let named = if record.event_name.is_empty() {
            attributes.text("event.name")
        } else {
            Some(&*record.event_name)
        };
        let found = Found::of_event(named.unwrap_or_default(), record.body.as_ref(), &attributes);
        let (trace, span) = (id::<16>(&record.trace_id, problems), id::<8>(&record.span_id, problems));

        self.row.clear();
        let mut row = Object::begin(&mut self.row);
        row.time("TimeGenerated", time);
        match found.as_ref().and_then(Found::body_marker) {
            Some(marker) => row.text("Body", &marker),
            None => body(&mut row, record.body.as_ref(), problems),
        }
        if record.severity_number != 0 {
            row.integer("SeverityNumber", i64::from(record.severity_number));
        }
        if let Some(level) = level(record.severity_number) {
            row.integer("SeverityLevel", level);
        }
        row.text("SeverityText", json::cut(&record.severity_text, MAX_TEXT));
        row.text("TraceId", &trace);
        row.text("SpanId", &span);
        row.members(&origin.scope);
        row.members(&origin.resource);
        row.members(&origin.software);
        row.members(&origin.deployment);
        row.members(&origin.azure);
        row.text("SessionId", first(&attributes, &["session.id"]));
        row.text("EndUserId", first(&attributes, &["enduser.id"]));
        row.text("UserId", first(&attributes, &["enduser.pseudo.id", "user.id"]));
        row.text("ClientIP", first(&attributes, &["client.address"]));
        row.text("SyntheticSource", first(&attributes, &["user_agent.synthetic.type"]));
        row.integer(
            "DroppedAttributesCount",
            i64::from(record.dropped_attributes_count.min(i32::MAX as u32)),
        );
        row.integer("ItemCount", 1);
        let observed_apart =
            own.zip(observed).filter(|(own, seen)| (own.get() - seen.get()).abs() >= SAME_TIME);
        let marks = found.as_ref().map_or(&[] as &[Kept], Found::marks);
        write_attributes(&mut row, &attributes, marks, problems, |extra| {
            if !record.event_name.is_empty() && attributes.get("event.name").is_none() {
                extra.text("event.name", &record.event_name);
            }
            own_attributes(extra, &attributes, record.flags, origin);
            if let Some((_, seen)) = observed_apart.filter(|_| attributes.get("otel.observed_time").is_none())
            {
                extra.time("otel.observed_time", seen);
            }
        });
        row.end();
        sheet.push("OTelLogs", &self.row);
        if let Some(found) = found {
            let about = Record {
                origin,
                trace: &trace,
                span: &span,
                parent: "",
                start: time,
                end: None,
                error: None,
                event: named,
            };
            found.write(&about, sheet);
        }
    }
}

/// `Body` is a text: one as it is, any other value as JSON.
fn body(row: &mut Object<'_>, body: Option<&AnyValue>, problems: &mut Problems) {
    match body.and_then(|body| body.value.as_ref()) {
        None => {}
        Some(Value::StringValue(text)) if text.is_empty() => {}
        Some(Value::StringValue(text)) => string(row.key("Body"), text, problems),
        Some(_) => {
            let mut text = Vec::new();
            value(&mut text, body, problems);
            string(row.key("Body"), &String::from_utf8_lossy(&text), problems);
        }
    }
}

/// The five levels of Application Insights, from verbose to critical, for the 24 of OpenTelemetry.
fn level(severity: i32) -> Option<i64> {
    match severity {
        1..=8 => Some(0),
        9..=12 => Some(1),
        13..=16 => Some(2),
        17..=20 => Some(3),
        21..=24 => Some(4),
        _ => None,
    }
}

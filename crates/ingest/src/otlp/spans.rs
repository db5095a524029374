//! Spans to `OTelSpans`, and what happened within them to `OTelEvents`.

use std::fmt::Write;

use castellan_base::Ticks;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::trace::v1::{Span, span::Event, status::StatusCode};

use super::any::{Attributes, Kept, value};
use super::origin::{Origin, first};
use crate::genai::{Found, Record};
use crate::json::{self, Object};
use crate::problem::{Place, ProblemKind, Problems};
use crate::rows::Sheet;
use crate::{MAX_TEXT, times};

/// Most links of a span that are kept.
const MAX_LINKS: usize = 1_024;

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
        spans: &[Span],
        outer: (usize, usize),
        sheet: &mut Sheet,
    ) {
        for (place, span) in spans.iter().enumerate() {
            sheet.problems.at(Place { outer: Some(outer), record: place });
            if sheet.admits() {
                self.span(origin, span, sheet);
            }
        }
    }

    fn span(&mut self, origin: &Origin, span: &Span, sheet: &mut Sheet) {
        let problems = &mut sheet.problems;
        let end = times::from_nanos(span.end_time_unix_nano);
        let own_start = times::from_nanos(span.start_time_unix_nano);
        let start = times::of_record(own_start.or(end), self.received, problems);
        let attributes = Attributes::of(&span.attributes, problems);
        let found = Found::of_span(&attributes);
        let (trace, own) = (required::<16>(&span.trace_id, problems), required::<8>(&span.span_id, problems));
        let parent = id::<8>(&span.parent_span_id, problems);
        let failed = span.status.as_ref().is_some_and(|status| status.code() == StatusCode::Error);

        self.row.clear();
        let mut row = Object::begin(&mut self.row);
        row.time("TimeGenerated", start);
        row.text("Name", json::cut(&span.name, MAX_TEXT));
        row.text("TraceId", &trace);
        row.text("SpanId", &own);
        row.text("ParentSpanId", &parent);
        row.text("TraceState", json::cut(&span.trace_state, MAX_TEXT));
        row.text("Kind", kind(span.kind));
        duration(&mut row, span, own_start, end, problems);
        let status = span.status.as_ref();
        row.text("StatusCode", status.map_or("Unset", |status| status_name(status.code())));
        row.text("StatusMessage", json::cut(status.map_or("", |status| &status.message), MAX_TEXT));
        row.boolean("Success", !failed);
        row.members(&origin.scope);
        row.members(&origin.resource);
        row.members(&origin.software);
        row.members(&origin.azure);
        target(&mut row, span.kind, &attributes);
        user(&mut row, &attributes);
        row.integer("DroppedAttributesCount", count(span.dropped_attributes_count));
        row.integer("DroppedEventsCount", count(span.dropped_events_count));
        row.integer("DroppedLinksCount", count(span.dropped_links_count));
        row.integer("ItemCount", 1);
        links(&mut row, span, problems);
        let marks = found.as_ref().map_or(&[] as &[Kept], Found::marks);
        write_attributes(&mut row, &attributes, marks, problems, |extra| {
            own_attributes(extra, &attributes, span.flags, origin);
        });
        row.end();
        sheet.push("OTelSpans", &self.row);

        let error = status.filter(|_| failed).map(|status| status.message.as_str());
        let about =
            Record { origin, trace: &trace, span: &own, parent: &parent, start, end, error, event: None };
        if let Some(found) = found {
            found.write(&about, sheet);
        }
        for event in &span.events {
            if sheet.has_room() {
                self.event(event, &about, sheet);
            }
        }
    }

    fn event(&mut self, event: &Event, about: &Record<'_>, sheet: &mut Sheet) {
        let problems = &mut sheet.problems;
        let time = times::from_nanos(event.time_unix_nano).unwrap_or(about.start);
        let attributes = Attributes::of(&event.attributes, problems);
        let found = Found::of_event(&event.name, None, &attributes);
        let origin = about.origin;
        self.row.clear();
        let mut row = Object::begin(&mut self.row);
        row.time("TimeGenerated", time);
        row.text("Name", json::cut(&event.name, MAX_TEXT));
        row.text("TraceId", about.trace);
        row.text("SpanId", about.span);
        row.text("ReferencedItemId", about.span);
        for (column, key) in [
            ("ExceptionType", "exception.type"),
            ("ExceptionMessage", "exception.message"),
            ("ExceptionStackTrace", "exception.stacktrace"),
        ] {
            row.text(column, json::cut(attributes.text(key).unwrap_or_default(), MAX_TEXT));
        }
        row.text("ExceptionProblem", first(&attributes, &["exception.type"]));
        row.members(&origin.resource);
        row.members(&origin.software);
        row.members(&origin.azure);
        user(&mut row, &attributes);
        row.integer("DroppedAttributesCount", count(event.dropped_attributes_count));
        row.integer("ItemCount", 1);
        let marks = found.as_ref().map_or(&[] as &[Kept], Found::marks);
        write_attributes(&mut row, &attributes, marks, problems, |_| {});
        row.end();
        sheet.push("OTelEvents", &self.row);
        if let Some(found) = found {
            found.write(&Record { start: time, end: None, event: Some(&event.name), ..*about }, sheet);
        }
    }
}

/// `Attributes`, with markers where content went elsewhere, and members of our own.
pub(super) fn write_attributes(
    row: &mut Object<'_>,
    attributes: &Attributes<'_>,
    marks: &[Kept],
    problems: &mut Problems,
    extra: impl FnOnce(&mut Object<'_>),
) {
    let mut object = Object::begin(row.key("Attributes"));
    for (place, attribute) in attributes.iter().enumerate() {
        match marks.get(place) {
            None | Some(Kept::Whole) => value(object.key(&attribute.key), attribute.value.as_ref(), problems),
            Some(Kept::Marked(key, marker)) => object.text(key, marker),
            Some(Kept::Gone) => {}
        }
    }
    extra(&mut object);
    object.end();
}

/// Attributes of our own, for what has no column. One of the same name that was sent stays in their place.
pub(super) fn own_attributes(row: &mut Object<'_>, sent: &Attributes<'_>, flags: u32, origin: &Origin) {
    if flags != 0 && sent.get("otel.flags").is_none() {
        row.integer("otel.flags", i64::from(flags));
    }
    if sent.get("otel.scope.attributes").is_none() {
        row.raw("otel.scope.attributes", &origin.scope_attributes);
    }
}

/// An id in lower-case hexadecimal; an invalid one is left empty and told, an absent one is left empty.
pub(super) fn id<const LENGTH: usize>(bytes: &[u8], problems: &mut Problems) -> String {
    if bytes.is_empty() { String::new() } else { required::<LENGTH>(bytes, problems) }
}

fn required<const LENGTH: usize>(bytes: &[u8], problems: &mut Problems) -> String {
    if bytes.len() != LENGTH || bytes.iter().all(|byte| *byte == 0) {
        problems.tell(if LENGTH == 16 { ProblemKind::TraceId } else { ProblemKind::SpanId });
        return String::new();
    }
    let mut text = String::with_capacity(LENGTH * 2);
    for byte in bytes {
        let _ = write!(text, "{byte:02x}");
    }
    text
}

/// A count of 32 bits in an `int`.
fn count(count: u32) -> i64 {
    i64::from(count.min(i32::MAX as u32))
}

fn kind(kind: i32) -> &'static str {
    match kind {
        1 => "Internal",
        2 => "Server",
        3 => "Client",
        4 => "Producer",
        5 => "Consumer",
        _ => "Unspecified",
    }
}

fn status_name(code: StatusCode) -> &'static str {
    match code {
        StatusCode::Unset => "Unset",
        StatusCode::Ok => "OK",
        StatusCode::Error => "Error",
    }
}

fn duration(
    row: &mut Object<'_>,
    span: &Span,
    start: Option<Ticks>,
    end: Option<Ticks>,
    problems: &mut Problems,
) {
    let Some(end) = end else { return };
    row.time("EndTime", end);
    if start.is_none() {
        return;
    }
    let Some(nanos) = span.end_time_unix_nano.checked_sub(span.start_time_unix_nano) else {
        problems.tell(ProblemKind::EndsBeforeStart);
        return;
    };
    let milliseconds = nanos as f64 / 1e6;
    row.real("DurationMs", milliseconds);
    row.text("PerformanceBucket", bucket(milliseconds));
}

/// The buckets of Application Insights.
fn bucket(milliseconds: f64) -> &'static str {
    const BUCKETS: [(f64, &str); 10] = [
        (250.0, "<250ms"),
        (500.0, "250ms-500ms"),
        (1_000.0, "500ms-1sec"),
        (3_000.0, "1sec-3sec"),
        (7_000.0, "3sec-7sec"),
        (15_000.0, "7sec-15sec"),
        (30_000.0, "15sec-30sec"),
        (60_000.0, "30sec-1min"),
        (120_000.0, "1min-2min"),
        (300_000.0, "2min-5min"),
    ];
    BUCKETS.iter().find(|(below, _)| milliseconds < *below).map_or(">=5min", |(_, name)| name)
}

/// What a span calls, for those that call something, and the code of its result.
fn target(row: &mut Object<'_>, kind: i32, attributes: &Attributes<'_>) {
    let result =
        ["http.response.status_code", "http.status_code", "rpc.response.status_code", "rpc.grpc.status_code"];
    match result.iter().find_map(|key| attributes.get(key)).and_then(|found| found.value.as_ref()) {
        Some(Value::IntValue(code)) => row.text("ResultCode", &code.to_string()),
        Some(Value::StringValue(code)) => row.text("ResultCode", json::cut(code, MAX_TEXT)),
        _ => {}
    }
    if !matches!(kind, 3 | 4) {
        return;
    }
    let host = first(attributes, &["server.address", "net.peer.name", "peer.service"]);
    match attributes.get("server.port").and_then(|port| port.value.as_ref()) {
        Some(Value::IntValue(port)) if !host.is_empty() => row.text("Target", &format!("{host}:{port}")),
        _ => row.text("Target", host),
    }
    row.text("Data", first(attributes, &["url.full", "http.url", "db.query.text", "db.statement"]));
    let kinds = [("http.request.method", "HTTP"), ("http.method", "HTTP")];
    let provider = first(attributes, &["gen_ai.provider.name", "gen_ai.system"]);
    let system = first(
        attributes,
        &["db.system.name", "db.system", "rpc.system.name", "rpc.system", "messaging.system"],
    );
    if !provider.is_empty() {
        row.text("DependencyType", &format!("GenAI | {provider}"));
    } else if let Some((_, name)) = kinds.iter().find(|(key, _)| attributes.get(key).is_some()) {
        row.text("DependencyType", name);
    } else {
        row.text("DependencyType", system);
    }
}

fn user(row: &mut Object<'_>, attributes: &Attributes<'_>) {
    row.text("SessionId", first(attributes, &["session.id"]));
    row.text("EndUserId", first(attributes, &["enduser.id"]));
    row.text("UserId", first(attributes, &["enduser.pseudo.id", "user.id"]));
    row.text("ClientIP", first(attributes, &["client.address"]));
    row.text("SyntheticSource", first(attributes, &["user_agent.synthetic.type"]));
}

fn links(row: &mut Object<'_>, span: &Span, problems: &mut Problems) {
    if span.links.is_empty() {
        return;
    }
    if span.links.len() > MAX_LINKS {
        problems.tell(ProblemKind::TooManyAttributes);
    }
    let out = row.key("Links");
    out.push(b'[');
    for (place, link) in span.links.iter().take(MAX_LINKS).enumerate() {
        if place > 0 {
            out.push(b',');
        }
        let mut object = Object::begin(out);
        object.text("TraceId", &required::<16>(&link.trace_id, problems));
        object.text("SpanId", &required::<8>(&link.span_id, problems));
        object.text("TraceState", json::cut(&link.trace_state, MAX_TEXT));
        if link.flags != 0 {
            object.integer("Flags", i64::from(link.flags));
        }
        object.integer("DroppedAttributesCount", count(link.dropped_attributes_count));
        let attributes = Attributes::of(&link.attributes, problems);
        write_attributes(&mut object, &attributes, &[], problems, |_| {});
        object.end();
    }
    out.push(b']');
}

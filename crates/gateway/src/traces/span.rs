//! A request as spans, after the semantic conventions of OpenTelemetry for generative AI, HTTP and MCP (1.38).

use std::time::{Duration, Instant};

use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, ArrayValue, KeyValue};
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
use opentelemetry_proto::tonic::trace::v1::{Span, Status};

use crate::record::{Decision, Stage};

/// Longest text of an attribute, in bytes: some are what clients and upstreams sent.
const LONGEST: usize = 256;
/// Most looks of guardrails that are spans of their own.
const MOST: usize = 16;

/// What is known of a request while it is under way, beside what is recorded of it.
#[derive(Debug)]
pub(crate) struct Parts {
    started: Instant,
    /// The span of what the upstream does.
    pub(crate) upstream: String,
    looks: Vec<Look>,
    asked: Option<Asked>,
    /// The model that answered, as it names itself.
    pub(crate) model: Option<String>,
    /// The host and the port of the upstream.
    pub(crate) server: Option<(String, u16)>,
}

/// A look of guardrails.
#[derive(Debug)]
struct Look {
    name: &'static str,
    from: Instant,
    to: Instant,
    busy: Duration,
}

/// What was asked of an upstream.
#[derive(Clone, Copy, Debug)]
struct Asked {
    from: Instant,
    to: Option<Instant>,
}

impl Parts {
    pub(crate) fn new(started: Instant, upstream: String) -> Parts {
        Parts { started, upstream, looks: Vec::new(), asked: None, model: None, server: None }
    }

    /// Guardrails have looked. Looks at the same thing in a row are one: streams are looked at in pieces.
    pub(crate) fn looked(&mut self, name: &'static str, from: Instant) {
        let to = Instant::now();
        let busy = to.saturating_duration_since(from);
        let has_room = self.looks.len() < MOST;
        match self.looks.last_mut().filter(|last| last.name == name) {
            Some(last) => (last.to, last.busy) = (to, last.busy + busy),
            None if has_room => self.looks.push(Look { name, from, to, busy }),
            None => {}
        }
    }

    /// An upstream is asked, if it has not been before.
    pub(crate) fn asked(&mut self) {
        self.asked.get_or_insert(Asked { from: Instant::now(), to: None });
    }

    /// The upstream has said all.
    pub(crate) fn answered(&mut self) {
        if let Some(asked) = &mut self.asked {
            asked.to.get_or_insert_with(Instant::now);
        }
    }
}

/// The spans of a request.
pub(super) fn spans(parts: &Parts, decision: &Decision) -> Vec<Span> {
    let began = u64::try_from(decision.time.unix_nanos()).unwrap_or_default();
    let at = |instant: Instant| {
        let passed = instant.saturating_duration_since(parts.started).as_nanos();
        began.saturating_add(u64::try_from(passed).unwrap_or_default())
    };
    let end =
        at(parts.started + Duration::try_from_secs_f64(decision.duration_ms / 1_000.0).unwrap_or_default());
    let trace = bytes(&decision.trace);
    let own = bytes(&decision.span);
    let span = |id: Vec<u8>, name: String, kind: SpanKind, times: (u64, u64)| Span {
        trace_id: trace.clone(),
        span_id: id,
        parent_span_id: own.clone(),
        // Sampled (W3C Trace Context), and it is known whether the parent is of another process.
        flags: 0x101,
        name,
        kind: kind.into(),
        start_time_unix_nano: times.0,
        end_time_unix_nano: times.1.max(times.0),
        ..Span::default()
    };
    let mut spans = Vec::with_capacity(2 + parts.looks.len());
    let mut request = span(own.clone(), name(decision), SpanKind::Server, (began, end));
    request.parent_span_id = decision.parent.as_deref().map(bytes).unwrap_or_default();
    request.flags = if decision.parent.is_some() { 0x301 } else { 0x101 };
    request.attributes = attributes(parts, decision);
    request.status = error(decision).map(failed);
    spans.push(request);
    for (number, look) in parts.looks.iter().enumerate() {
        let id = child(&decision.span, number);
        let mut inner = span(id, look.name.to_owned(), SpanKind::Internal, (at(look.from), at(look.to)));
        // A stream is looked at in pieces, between which the upstream and the client have their turns.
        inner.attributes = vec![double("castellan.busy_ms", look.busy.as_secs_f64() * 1_000.0)];
        spans.push(inner);
    }
    if let Some(asked) = parts.asked {
        let to = asked.to.map_or(end, at);
        let name = decision.upstream.as_deref().unwrap_or("upstream").to_owned();
        let mut inner = span(bytes(&parts.upstream), cut(&name), SpanKind::Client, (at(asked.from), to));
        inner.attributes = of_upstream(parts, decision);
        inner.status = error(decision).filter(|_| decision.stage == Stage::Forward).map(failed);
        spans.push(inner);
    }
    spans
}

fn failed(error: String) -> Status {
    Status { message: error, code: StatusCode::Error.into() }
}

/// What the conventions name a span: the operation and what it is done with.
fn name(decision: &Decision) -> String {
    let (what, with) = match &decision.mcp {
        Some(mcp) => (mcp.method.as_deref().unwrap_or("mcp"), mcp.tool.as_deref().unwrap_or_default()),
        None => (operation(decision).unwrap_or(decision.api), decision.model.as_str()),
    };
    cut(format!("{what} {with}").trim_end())
}

/// `gen_ai.operation.name` of an API; nothing for those that have none.
fn operation(decision: &Decision) -> Option<&'static str> {
    if decision.mcp.as_ref().is_some_and(|mcp| mcp.tool.is_some()) {
        return Some("execute_tool");
    }
    Some(match decision.api {
        "chat" | "responses" | "messages" | "ollama-chat" => "chat",
        "completions" | "ollama-generate" => "text_completion",
        "embeddings" | "ollama-embed" => "embeddings",
        "image-generations" | "image-edits" | "image-variations" | "speech" => "generate_content",
        _ => return None,
    })
}

/// `gen_ai.provider.name`: as it is configured, else whose manner of speaking it is.
fn provider(decision: &Decision) -> &str {
    match (decision.provider.as_str(), decision.dialect) {
        ("unknown" | "", "openai") => "openai",
        ("unknown" | "", "azure-classic" | "azure-v1") => "azure.ai.openai",
        ("unknown" | "", "anthropic") => "anthropic",
        ("unknown" | "", "ollama") => "ollama",
        (known, _) => known,
    }
}

/// `error.type`: the gate's own word for why a request failed or was refused, without what it found.
fn error(decision: &Decision) -> Option<String> {
    let word = decision.word.split(':').next().unwrap_or_default();
    match decision.stage {
        Stage::Cancelled => Some("cancelled".to_owned()),
        Stage::Done if !decision.action.stops() => {
            (decision.status >= 400).then(|| decision.status.to_string())
        }
        _ if word.is_empty() => Some(decision.stage.as_str().to_owned()),
        _ => Some(cut(word)),
    }
}

fn attributes(parts: &Parts, decision: &Decision) -> Vec<KeyValue> {
    let mut list = Vec::with_capacity(32);
    let mut add = |name: &str, value: Option<&str>| {
        list.extend(value.filter(|value| !value.is_empty()).map(|value| text(name, value)));
    };
    let operation = operation(decision);
    add("gen_ai.operation.name", operation);
    if decision.mcp.is_none() {
        add("gen_ai.provider.name", operation.map(|_| provider(decision)));
        add("gen_ai.request.model", Some(&decision.model));
        add("gen_ai.response.model", parts.model.as_deref());
        add("gen_ai.response.id", decision.answer.as_deref());
        add("gen_ai.conversation.id", decision.session.as_deref());
    }
    if let Some(mcp) = &decision.mcp {
        add("mcp.method.name", mcp.method.as_deref());
        add("mcp.session.id", decision.session.as_deref());
        add("gen_ai.tool.name", mcp.tool.as_deref());
        add("castellan.mcp.server", mcp.server.as_deref());
    }
    add("gen_ai.agent.id", decision.agent().as_deref());
    add("server.address", parts.server.as_ref().map(|(host, _)| host.as_str()));
    add("error.type", error(decision).as_deref());
    let principal = decision.principal.as_ref().map(|verified| &verified.principal);
    add("enduser.pseudo.id", principal.map(|principal| principal.id()).as_deref());
    add("castellan.app.id", principal.and_then(|principal| principal.client.as_deref()));
    add("castellan.request.id", Some(&decision.request));
    add("castellan.api", Some(decision.api));
    add("castellan.action", Some(decision.action.as_str()));
    add("castellan.stage", Some(decision.stage.as_str()));
    add("castellan.policy.version", Some(&decision.policy_version));
    add("castellan.cache", decision.cache.map(|cache| cache.as_str()));
    if let Some(finish) = &decision.finish {
        list.push(array("gen_ai.response.finish_reasons", std::slice::from_ref(finish)));
    }
    if !decision.profiles.is_empty() {
        list.push(array("castellan.profiles", &decision.profiles));
    }
    if let Some(usage) = decision.usage.filter(|_| decision.mcp.is_none()) {
        for (name, tokens) in [
            ("gen_ai.usage.input_tokens", Some(usage.input)),
            ("gen_ai.usage.output_tokens", Some(usage.output)),
            ("gen_ai.usage.cache_read.input_tokens", Some(usage.cached).filter(|tokens| *tokens > 0)),
            ("gen_ai.usage.reasoning.output_tokens", Some(usage.reasoning).filter(|tokens| *tokens > 0)),
        ] {
            list.extend(tokens.map(|tokens| number(name, tokens)));
        }
    }
    list.extend(parts.server.as_ref().map(|(_, port)| number("server.port", u64::from(*port))));
    list.push(number("http.response.status_code", u64::from(decision.status)));
    list.push(pair("gen_ai.request.stream", Value::BoolValue(decision.is_stream)));
    list.push(number("castellan.findings", decision.hits.len() as u64));
    list.push(number("castellan.unscanned", decision.unscanned.len() as u64));
    list.push(double("castellan.guard_ms", decision.guard_ms));
    list.extend(decision.cost.map(|cost| double("castellan.cost_usd", cost)));
    list
}

fn of_upstream(parts: &Parts, decision: &Decision) -> Vec<KeyValue> {
    let mut list = Vec::new();
    list.extend(decision.upstream.as_deref().map(|name| text("castellan.upstream", name)));
    if let Some((host, port)) = &parts.server {
        list.push(text("server.address", host));
        list.push(number("server.port", u64::from(*port)));
    }
    if decision.attempts > 1 {
        list.push(number("http.request.resend_count", u64::from(decision.attempts - 1)));
    }
    if decision.upstream_ms > 0.0 {
        list.push(double("castellan.head_ms", decision.upstream_ms));
    }
    list
}

fn pair(name: &str, value: Value) -> KeyValue {
    KeyValue { key: name.to_owned(), value: Some(AnyValue { value: Some(value) }), ..KeyValue::default() }
}

fn text(name: &str, value: &str) -> KeyValue {
    pair(name, Value::StringValue(cut(value)))
}

pub(super) fn named(name: &str, value: &str) -> KeyValue {
    text(name, value)
}

fn number(name: &str, value: u64) -> KeyValue {
    pair(name, Value::IntValue(i64::try_from(value).unwrap_or(i64::MAX)))
}

fn double(name: &str, value: f64) -> KeyValue {
    pair(name, Value::DoubleValue(value))
}

fn array(name: &str, values: &[String]) -> KeyValue {
    let of = |value: &String| AnyValue { value: Some(Value::StringValue(cut(value))) };
    let values = values.iter().take(32).map(of).collect();
    pair(name, Value::ArrayValue(ArrayValue { values }))
}

/// A text of bounded length.
fn cut(text: &str) -> String {
    let mut end = text.len().min(LONGEST);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or_default().to_owned()
}

/// The bytes of hexadecimal digits.
fn bytes(digits: &str) -> Vec<u8> {
    let pairs = digits.as_bytes().chunks(2);
    pairs.filter_map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()).collect()
}

/// The id of a span within a span: as random as that one's.
fn child(span: &str, number: usize) -> Vec<u8> {
    let hash = blake3::hash(format!("{span}/{number}").as_bytes());
    hash.as_bytes().get(..8).unwrap_or_default().to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_bounded() {
        assert_eq!(cut("short"), "short");
        let long = format!("{}\u{e9}\u{e9}", "x".repeat(LONGEST - 1));
        assert_eq!(cut(&long).len(), LONGEST - 1);
        assert_eq!(bytes("00ff10"), [0, 255, 16]);
    }

    #[test]
    fn looks_at_a_stream_are_one() {
        let start = Instant::now();
        let mut parts = Parts::new(start, "00".repeat(8));
        parts.looked("a", start);
        parts.looked("b", start);
        parts.looked("b", start);
        assert_eq!(parts.looks.len(), 2);
        (0..100).for_each(|number| parts.looked(if number % 2 == 0 { "a" } else { "b" }, start));
        assert_eq!(parts.looks.len(), MOST);
    }
}

//! Events a second: `cargo bench -p castellan-ingest --bench otlp`.
#![allow(missing_docs, clippy::unwrap_used)]

use castellan_base::Ticks;
use castellan_ingest::otlp::{self, Encoding};
use castellan_ingest::syslog::{self, Frame, Peer};
use divan::{Bencher, counter::ItemsCount};
use opentelemetry_proto::tonic::collector::{
    logs::v1::ExportLogsServiceRequest, trace::v1::ExportTraceServiceRequest,
};
use prost::Message;
use serde_json::{Value, json};

fn main() {
    divan::main();
}

/// Records of a request, as exporters batch them.
const BATCH: usize = 512;

fn received() -> Ticks {
    "2026-11-22T12:00:00Z".parse().unwrap()
}

fn attributes(pairs: &[(&str, Value)]) -> Value {
    let any = |value: &Value| match value {
        Value::String(text) => json!({"stringValue": text}),
        Value::Number(number) if number.is_i64() => json!({"intValue": number}),
        other => json!({"doubleValue": other}),
    };
    pairs.iter().map(|(key, value)| json!({"key": key, "value": any(value)})).collect()
}

fn resource() -> Value {
    json!({"attributes": attributes(&[("service.name", json!("shop")), ("service.namespace", json!("contoso")),
        ("service.instance.id", json!("627cc493-f310-47de-96bd-71410b7dec09")), ("telemetry.sdk.name", json!("opentelemetry")),
        ("telemetry.sdk.language", json!("python")), ("telemetry.sdk.version", json!("1.45.2"))])})
}

fn logs() -> Value {
    let record = |number: usize| {
        json!({"timeUnixNano": "1795219200123456789", "observedTimeUnixNano": "1795219200123456999",
        "severityNumber": 9, "severityText": "INFO", "traceId": format!("{:032x}", number + 1), "spanId": format!("{:016x}", number + 1),
        "body": {"stringValue": format!("user {number} placed an order of 3 items for 41.90 EUR, paid by card")},
        "attributes": attributes(&[("code.file.path", json!("/srv/shop/orders.py")), ("code.function.name", json!("place")),
            ("code.line.number", json!(112)), ("order.id", json!(format!("o-{number}"))), ("customer.tier", json!("gold"))])})
    };
    let records: Vec<Value> = (0..BATCH).map(record).collect();
    json!({"resourceLogs": [{"resource": resource(), "scopeLogs": [{"scope": {"name": "shop.orders"}, "logRecords": records}]}]})
}

fn spans() -> Value {
    let messages = r#"[{"role":"user","parts":[{"type":"text","content":"What is the capital of France, and how many people live there?"}]}]"#;
    let answer = r#"[{"role":"assistant","parts":[{"type":"text","content":"Paris, with about 2.1 million people."}],"finish_reason":"stop"}]"#;
    let span = |number: usize| {
        json!({"traceId": format!("{:032x}", number + 1), "spanId": format!("{:016x}", number + 1),
        "name": "chat gpt-4o", "kind": 3, "startTimeUnixNano": "1795219200123456789", "endTimeUnixNano": "1795219201123456789",
        "attributes": attributes(&[("gen_ai.operation.name", json!("chat")), ("gen_ai.provider.name", json!("openai")),
            ("gen_ai.request.model", json!("gpt-4o")), ("gen_ai.response.model", json!("gpt-4o-2024-08-06")),
            ("gen_ai.request.temperature", json!(0.2)), ("gen_ai.request.max_tokens", json!(512)),
            ("gen_ai.usage.input_tokens", json!(24)), ("gen_ai.usage.output_tokens", json!(12)),
            ("gen_ai.conversation.id", json!("conv-1")), ("gen_ai.agent.name", json!("Planner")),
            ("server.address", json!("api.openai.com")), ("server.port", json!(443)),
            ("gen_ai.input.messages", json!(messages)), ("gen_ai.output.messages", json!(answer))])})
    };
    let spans: Vec<Value> = (0..BATCH).map(span).collect();
    json!({"resourceSpans": [{"resource": resource(), "scopeSpans": [{"scope": {"name": "openai"}, "spans": spans}]}]})
}

#[divan::bench]
fn logs_protobuf(bencher: Bencher<'_, '_>) {
    let request: ExportLogsServiceRequest = serde_json::from_value(logs()).unwrap();
    let bytes = request.encode_to_vec();
    bencher
        .counter(ItemsCount::new(BATCH))
        .bench(|| otlp::logs(divan::black_box(&bytes), Encoding::Protobuf, received()));
}

#[divan::bench]
fn logs_json(bencher: Bencher<'_, '_>) {
    let bytes = logs().to_string();
    bencher
        .counter(ItemsCount::new(BATCH))
        .bench(|| otlp::logs(divan::black_box(bytes.as_bytes()), Encoding::Json, received()));
}

/// Decoding alone, to tell how much of the rest is ours.
#[divan::bench]
fn logs_protobuf_decoded_only(bencher: Bencher<'_, '_>) {
    let request: ExportLogsServiceRequest = serde_json::from_value(logs()).unwrap();
    let bytes = request.encode_to_vec();
    bencher
        .counter(ItemsCount::new(BATCH))
        .bench(|| ExportLogsServiceRequest::decode(divan::black_box(bytes.as_slice())).unwrap());
}

#[divan::bench]
fn genai_spans_protobuf(bencher: Bencher<'_, '_>) {
    let request: ExportTraceServiceRequest = serde_json::from_value(spans()).unwrap();
    let bytes = request.encode_to_vec();
    bencher
        .counter(ItemsCount::new(BATCH))
        .bench(|| otlp::traces(divan::black_box(&bytes), Encoding::Protobuf, received()));
}

#[divan::bench]
fn syslog_messages(bencher: Bencher<'_, '_>) {
    let text = "<86>1 2026-11-21T22:14:15.003Z web-1 sshd 230 - - Accepted publickey for ada from 192.0.2.1 port 4711 ssh2";
    bencher
        .counter(ItemsCount::new(BATCH))
        .with_inputs(|| vec![Frame::whole(text.as_bytes().to_vec()); BATCH])
        .bench_values(|frames| syslog::messages(frames, Peer::default(), received()));
}

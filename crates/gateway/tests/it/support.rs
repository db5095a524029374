//! What the tests share.

use std::sync::Arc;

use bytes::Bytes;
use castellan_base::OsSystem;
use castellan_gateway::stub::{Options, Script, Stub};
use castellan_gateway::upstream::{Answer, Call, Config, Metrics, Upstreams};
use http_body_util::BodyExt as _;
use serde_json::{Value, json};

pub(crate) async fn stub(options: Options) -> Stub {
    Stub::bind(([127, 0, 0, 1], 0).into(), options).await.unwrap()
}

pub(crate) async fn scripted(script: &str) -> Stub {
    stub(Options::scripted(Script::read(script).unwrap()).recording(100)).await
}

/// Upstreams from TOML, with fixed randomness.
pub(crate) fn upstreams(config: &str) -> Upstreams {
    let config: Config = toml::from_str(config).unwrap();
    Upstreams::with_seed(config, Arc::new(OsSystem), &Metrics::default(), 7).unwrap()
}

/// One member of the OpenAI form, asked for as `m`.
pub(crate) fn one(stub: &Stub, more: &str) -> Upstreams {
    upstreams(&format!("models.m.members = [{{ url = \"{}/v1\" }}]\n{more}", stub.url()))
}

pub(crate) fn chat(text: &str) -> Call {
    let body = json!({"model": "m", "messages": [{"role": "user", "content": text}]});
    Call::post("m", "/v1/chat/completions", body.to_string())
}

pub(crate) fn streaming(text: &str) -> Call {
    let body = json!({"model": "m", "stream": true, "messages": [{"role": "user", "content": text}]});
    Call::post("m", "/v1/chat/completions", body.to_string())
}

pub(crate) async fn whole(answer: Answer) -> Bytes {
    answer.body.collect().await.unwrap().to_bytes()
}

pub(crate) async fn document(answer: Answer) -> Value {
    serde_json::from_slice(&whole(answer).await).unwrap()
}

pub(crate) fn content(document: &Value) -> &str {
    document.pointer("/choices/0/message/content").and_then(Value::as_str).unwrap_or_default()
}

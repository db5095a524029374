//! The way of one request.

use std::sync::Arc;

use castellan_base::OsSystem;
use castellan_gateway::stub::Options;
use castellan_gateway::upstream::{Call, Metrics, UpstreamError, Upstreams};
use http::{HeaderName, HeaderValue};

use crate::support::{chat, content, document, one, stub, upstreams, whole};

#[tokio::test]
async fn a_request_arrives_as_it_was_with_the_members_credential() {
    let stub = stub(Options::default().recording(10)).await;
    let folder = tempfile::tempdir().unwrap();
    let key = folder.path().join("key");
    std::fs::write(&key, "sk-ours\n").unwrap();
    let upstreams = upstreams(&format!(
        "models.m.members = [{{ form = \"azure\", url = \"{}\", model = \"dep one\", credential = \"file:{}\" }}]",
        stub.url(),
        key.display()
    ));
    let mut call =
        Call::post("m", "/v1/chat/completions", r#"{ "messages":[{"content":"hi"}], "unknown": 1.0 }"#);
    for (name, value) in
        [("authorization", "Bearer theirs"), ("api-key", "theirs"), ("cookie", "a=b"), ("x-kept", "1")]
    {
        call.headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    let answer = upstreams.send(call).await.unwrap();
    assert_eq!((answer.status.as_u16(), answer.attempts), (200, 1));
    assert_eq!(content(&document(answer).await), "hi");
    let seen = stub.seen().pop().unwrap();
    assert_eq!(seen.uri, "/openai/deployments/dep%20one/chat/completions?api-version=2024-10-21");
    assert_eq!(&seen.body[..], br#"{"model":"dep one", "messages":[{"content":"hi"}], "unknown": 1.0 }"#);
    assert_eq!(seen.headers.get("api-key").unwrap(), "sk-ours");
    assert_eq!(seen.headers.get("x-kept").unwrap(), "1");
    for gone in ["authorization", "cookie"] {
        assert!(!seen.headers.contains_key(gone), "{gone}");
    }
}

#[tokio::test]
async fn unknown_models_and_paths_are_refused_before_anything_is_sent() {
    let stub = stub(Options::default()).await;
    let upstreams = one(&stub, "");
    let unknown = Call::post("other", "/v1/chat/completions", "{}");
    assert!(matches!(upstreams.send(unknown).await, Err(UpstreamError::UnknownModel(_))));
    for path in ["/v1/../x", "/metadata/identity", "http://elsewhere/v1/x", "/v1/%2e%2e/x"] {
        let refused = upstreams.send(Call::post("m", path, "{}")).await.unwrap_err();
        assert_eq!(refused.status(), 400, "{path}");
    }
    assert_eq!(stub.connections(), 0);
}

#[tokio::test]
async fn thousands_of_requests_use_one_connection() {
    let stub = stub(Options::fixed()).await;
    let upstreams = one(&stub, "");
    for _ in 0..3_000 {
        let answer = upstreams.send(chat("hi")).await.unwrap();
        assert_eq!(answer.status.as_u16(), 200);
        whole(answer).await;
    }
    assert_eq!((stub.requests(), stub.connections()), (3_000, 1));
}

#[tokio::test]
async fn attempts_are_counted() {
    let stub = stub(Options::default()).await;
    let metrics = Metrics::default();
    let config = format!("models.m.members = [{{ name = \"here\", url = \"{}/v1\" }}]", stub.url());
    let upstreams = Upstreams::new(toml::from_str(&config).unwrap(), Arc::new(OsSystem), &metrics).unwrap();
    let mut registry = prometheus_client::registry::Registry::default();
    metrics.register(&mut registry);
    let answer = upstreams.send(chat("hi")).await.unwrap();
    let text = |registry| {
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, registry).unwrap();
        text
    };
    let during = text(&registry);
    assert!(during.contains("castellan_gate_upstream_in_flight{alias=\"m\",member=\"here\"} 1"), "{during}");
    whole(answer).await;
    let after = text(&registry);
    for line in [
        "castellan_gate_upstream_in_flight{alias=\"m\",member=\"here\"} 0",
        "castellan_gate_upstream_attempts_total{alias=\"m\",member=\"here\",outcome=\"success\"} 1",
        "castellan_gate_upstream_head_seconds_count{alias=\"m\",member=\"here\"} 1",
        "castellan_gate_upstream_standing{alias=\"m\",member=\"here\"} 0",
    ] {
        assert!(after.contains(line), "{line}: {after}");
    }
}

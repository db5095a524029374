//! The stub speaks every dialect.

use castellan_gateway::stub::{HEADER, MODEL, Options};
use castellan_gateway::upstream::Call;
use serde_json::{Value, json};

use crate::support::{document, one, scripted, stub, upstreams, whole};

/// Sends a body to a path of an echoing stub, and looks at a place of the answer.
async fn check(path: &str, request: Value, place: &str, expected: Value) {
    let stub = stub(Options::default()).await;
    let url = stub.url();
    let upstreams = upstreams(&format!("models.m.members = [{{ form = \"ollama\", url = \"{url}\" }}]"));
    let answer = upstreams.send(Call::post("m", path, request.to_string())).await.unwrap();
    assert_eq!(answer.headers.get(HEADER).unwrap(), "true", "{path}");
    let found = document(answer).await;
    assert_eq!(found.pointer(place), Some(&expected), "{path}: {found}");
}

fn messages(text: &str) -> Value {
    json!([{"role": "system", "content": "s"}, {"role": "user", "content": text}])
}

#[tokio::test]
async fn echoes_in_every_dialect() {
    check(
        "/v1/chat/completions",
        json!({"messages": messages("hi")}),
        "/choices/0/message/content",
        json!("hi"),
    )
    .await;
    check("/v1/chat/completions", json!({"messages": messages("hi")}), "/model", json!(MODEL)).await;
    check("/v1/completions", json!({"prompt": "hi"}), "/choices/0/text", json!("hi")).await;
    check("/v1/responses", json!({"input": "hi"}), "/output/0/content/0/text", json!("hi")).await;
    check("/v1/messages", json!({"messages": messages("hi")}), "/content/0/text", json!("hi")).await;
    check("/v1/embeddings", json!({"input": ["a", "b"]}), "/data/1/index", json!(1)).await;
    check("/v1/moderations", json!({"input": "x"}), "/results/0/flagged", json!(false)).await;
    let quiet = json!({"stream": false, "messages": messages("hi")});
    check("/api/chat", quiet, "/message/content", json!("hi")).await;
    check("/api/generate", json!({"stream": false, "prompt": "hi"}), "/response", json!("hi")).await;
}

#[tokio::test]
async fn calls_tools_in_every_dialect() {
    let ask = r#"/call look {"x":1}"#;
    let call = "/choices/0/message/tool_calls/0/function/arguments";
    check("/v1/chat/completions", json!({"messages": messages(ask)}), call, json!(r#"{"x":1}"#)).await;
    check("/v1/responses", json!({"input": ask}), "/output/0/arguments", json!(r#"{"x":1}"#)).await;
    check("/v1/messages", json!({"messages": messages(ask)}), "/content/0/input/x", json!(1)).await;
    let quiet = json!({"stream": false, "messages": messages(ask)});
    check("/api/chat", quiet, "/message/tool_calls/0/function/arguments/x", json!(1)).await;
}

/// The texts of a stream, put together again.
fn joined(stream: &str, places: &[&str]) -> String {
    stream
        .lines()
        .map(|line| line.strip_prefix("data: ").unwrap_or(line))
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter_map(|event| places.iter().find_map(|place| event.pointer(place)?.as_str().map(str::to_owned)))
        .collect()
}

#[tokio::test]
async fn streams_in_every_dialect() {
    let stub = stub(Options::default()).await;
    let upstreams =
        upstreams(&format!("models.m.members = [{{ form = \"ollama\", url = \"{}\" }}]", stub.url()));
    let text = "some words to stream";
    for (path, request, place, end) in [
        (
            "/v1/chat/completions",
            json!({"stream": true, "messages": messages(text)}),
            "/choices/0/delta/content",
            "data: [DONE]\n\n",
        ),
        ("/v1/completions", json!({"stream": true, "prompt": text}), "/choices/0/text", "data: [DONE]\n\n"),
        ("/v1/responses", json!({"stream": true, "input": text}), "/delta", ""),
        (
            "/v1/messages",
            json!({"stream": true, "messages": messages(text)}),
            "/delta/text",
            "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n",
        ),
        ("/api/chat", json!({"messages": messages(text)}), "/message/content", ""),
        ("/api/generate", json!({"prompt": text}), "/response", ""),
    ] {
        let answer = upstreams.send(Call::post("m", path, request.to_string())).await.unwrap();
        let body = whole(answer).await;
        let body = std::str::from_utf8(&body).unwrap();
        assert_eq!(joined(body, &[place]), text, "{path}: {body}");
        assert!(body.ends_with(end), "{path}: {body}");
    }
    assert_eq!(stub.left(), 0);
}

#[tokio::test]
async fn scripts_answer_with_errors_in_the_dialects_shape() {
    let stub = scripted("rules: [{ status: 418, message: teapot }]").await;
    let upstreams =
        upstreams(&format!("models.m.members = [{{ form = \"ollama\", url = \"{}\" }}]", stub.url()));
    for (path, place) in [
        ("/v1/chat/completions", "/error/message"),
        ("/v1/messages", "/error/message"),
        ("/api/chat", "/error"),
    ] {
        let answer = upstreams.send(Call::post("m", path, "{}")).await.unwrap();
        assert_eq!(answer.status.as_u16(), 418);
        let body = document(answer).await;
        assert_eq!(body.pointer(place), Some(&json!("teapot")), "{path}");
    }
}

#[tokio::test]
async fn a_key_is_wanted_where_one_is_set() {
    let stub = stub(Options { key: Some("k".to_owned()), ..Options::default() }).await;
    let answer = one(&stub, "").send(Call::post("m", "/v1/chat/completions", "{}")).await.unwrap();
    assert_eq!(answer.status.as_u16(), 401);
}

#[tokio::test]
async fn too_much_is_refused() {
    let stub = stub(Options { body_limit: 10, ..Options::default() }).await;
    let body = json!({"prompt": "0123456789"}).to_string();
    let answer = one(&stub, "").send(Call::post("m", "/v1/completions", body)).await.unwrap();
    assert_eq!(answer.status.as_u16(), 413);
}

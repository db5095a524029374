//! Ollama: chat and generate, which stream lines of JSON unless told not to.

use bytes::Bytes;
use serde_json::{Map, Value, json};

use super::MODEL;
use super::answer::{Content, NDJSON};
use super::reply::Reply;

const CREATED: &str = "2023-11-14T22:13:20Z";

pub(super) fn chat(request: &Value, reply: &Reply) -> Content {
    let calls: Vec<Value> = reply
        .calls
        .iter()
        .map(|call| {
            let arguments = serde_json::from_str(&call.arguments_text()).unwrap_or_else(|_| json!({}));
            json!({"function": {"name": call.name, "arguments": arguments}})
        })
        .collect();
    let message = |text: &str, calls: &[Value]| {
        let mut message = json!({"role": "assistant", "content": text});
        if let (Some(message), false) = (message.as_object_mut(), calls.is_empty()) {
            message.insert("tool_calls".to_owned(), json!(calls));
        }
        json!({ "message": message })
    };
    if !streams(request) {
        return Content::Document(last(message(&reply.text, &calls), reply));
    }
    let mut lines: Vec<Bytes> = reply.pieces().iter().map(|piece| line(&part(message(piece, &[])))).collect();
    if !calls.is_empty() {
        lines.push(line(&part(message("", &calls))));
    }
    lines.push(line(&last(message("", &[]), reply)));
    Content::Stream(NDJSON, lines)
}

pub(super) fn generate(request: &Value, reply: &Reply) -> Content {
    if !streams(request) {
        return Content::Document(last(json!({"response": reply.text}), reply));
    }
    let mut lines: Vec<Bytes> =
        reply.pieces().iter().map(|piece| line(&part(json!({"response": piece})))).collect();
    lines.push(line(&last(json!({"response": ""}), reply)));
    Content::Stream(NDJSON, lines)
}

pub(super) fn tags() -> Value {
    json!({"models": [{"name": MODEL, "model": MODEL, "modified_at": CREATED, "size": 0, "digest": "",
        "details": {"format": "stub", "family": "stub", "parameter_size": "0", "quantization_level": "none"}}]})
}

fn streams(request: &Value) -> bool {
    request.get("stream").and_then(Value::as_bool).unwrap_or(true)
}

fn line(value: &Value) -> Bytes {
    Bytes::from(format!("{value}\n"))
}

fn part(content: Value) -> Value {
    joined(content, json!({"done": false}))
}

fn last(content: Value, reply: &Reply) -> Value {
    let reason = if reply.finish == "length" { "length" } else { "stop" };
    joined(
        content,
        json!({"done": true, "done_reason": reason, "total_duration": 0, "load_duration": 0,
        "prompt_eval_count": reply.prompt_tokens, "prompt_eval_duration": 0, "eval_count": reply.tokens(),
        "eval_duration": 0}),
    )
}

fn joined(content: Value, end: Value) -> Value {
    let mut object = Map::new();
    object.insert("model".to_owned(), json!(MODEL));
    object.insert("created_at".to_owned(), json!(CREATED));
    for part in [content, end] {
        if let Value::Object(part) = part {
            object.extend(part);
        }
    }
    Value::Object(object)
}

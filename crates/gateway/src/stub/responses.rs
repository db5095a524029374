//! OpenAI responses.

use bytes::Bytes;
use serde_json::{Value, json};

use super::MODEL;
use super::answer::{Content, SSE, event};
use super::openai::{CREATED, call_id, halves};
use super::prompt::Prompt;
use super::reply::Reply;

pub(super) fn respond(prompt: &Prompt, reply: &Reply) -> Content {
    let (status, details) = match reply.finish.as_str() {
        "length" => ("incomplete", json!({"reason": "max_output_tokens"})),
        "content_filter" => ("incomplete", json!({"reason": "content_filter"})),
        _ => ("completed", Value::Null),
    };
    let items = items(reply);
    let done = response(status, &details, &items, Some(usage(reply)));
    if prompt.stream {
        Content::Stream(SSE, stream(reply, &items, status, &done))
    } else {
        Content::Document(done)
    }
}

fn response(status: &str, details: &Value, output: &[Value], usage: Option<Value>) -> Value {
    json!({"id": "resp_stub", "object": "response", "created_at": CREATED, "status": status, "error": null,
        "incomplete_details": details, "instructions": null, "metadata": {}, "model": MODEL, "output": output,
        "parallel_tool_calls": true, "temperature": 1.0, "tool_choice": "auto", "tools": [], "top_p": 1.0,
        "max_output_tokens": null, "previous_response_id": null, "store": false, "text": {"format": {"type": "text"}},
        "truncation": "disabled", "usage": usage})
}

fn usage(reply: &Reply) -> Value {
    let (input, output) = (reply.prompt_tokens, reply.tokens());
    json!({"input_tokens": input, "input_tokens_details": {"cached_tokens": 0}, "output_tokens": output,
        "output_tokens_details": {"reasoning_tokens": 0}, "total_tokens": input + output})
}

fn items(reply: &Reply) -> Vec<Value> {
    let mut items = Vec::new();
    if !reply.text.is_empty() || reply.calls.is_empty() {
        items.push(message("completed", &[text_part(&reply.text)]));
    }
    for (index, call) in reply.calls.iter().enumerate() {
        items.push(json!({"id": format!("fc_stub_{index}"), "type": "function_call", "status": "completed",
            "call_id": call_id(index), "name": call.name, "arguments": call.arguments_text()}));
    }
    items
}

fn message(status: &str, content: &[Value]) -> Value {
    json!({"id": "msg_stub", "type": "message", "status": status, "role": "assistant", "content": content})
}

fn text_part(text: &str) -> Value {
    json!({"type": "output_text", "text": text, "annotations": [], "logprobs": []})
}

/// Events with their running number.
struct Events(Vec<Bytes>);

impl Events {
    fn push(&mut self, name: &str, fields: Value) {
        let mut value = json!({"type": name, "sequence_number": self.0.len()});
        if let (Some(value), Value::Object(fields)) = (value.as_object_mut(), fields) {
            value.extend(fields);
        }
        self.0.push(event(name, &value));
    }
}

fn stream(reply: &Reply, items: &[Value], status: &str, done: &Value) -> Vec<Bytes> {
    let mut events = Events(Vec::new());
    let begun = response("in_progress", &Value::Null, &[], None);
    events.push("response.created", json!({"response": begun}));
    events.push("response.in_progress", json!({"response": begun}));
    for (index, item) in items.iter().enumerate() {
        match item.get("type").and_then(Value::as_str) {
            Some("message") => text_item(&mut events, index, reply, item),
            _ => call_item(&mut events, index, item),
        }
    }
    events.push(&format!("response.{status}"), json!({"response": done}));
    events.0
}

fn text_item(events: &mut Events, index: usize, reply: &Reply, item: &Value) {
    let opening = message("in_progress", &[]);
    events.push("response.output_item.added", json!({"output_index": index, "item": opening}));
    let place = |fields: Value| {
        let mut place = json!({"item_id": "msg_stub", "output_index": index, "content_index": 0});
        if let (Some(place), Value::Object(fields)) = (place.as_object_mut(), fields) {
            place.extend(fields);
        }
        place
    };
    events.push("response.content_part.added", place(json!({"part": text_part("")})));
    for piece in reply.pieces() {
        events.push("response.output_text.delta", place(json!({"delta": piece, "logprobs": []})));
    }
    events.push("response.output_text.done", place(json!({"text": reply.text, "logprobs": []})));
    events.push("response.content_part.done", place(json!({"part": text_part(&reply.text)})));
    events.push("response.output_item.done", json!({"output_index": index, "item": item}));
}

fn call_item(events: &mut Events, index: usize, item: &Value) {
    let text = |name: &str| item.get(name).and_then(Value::as_str).unwrap_or_default();
    let mut opening = item.clone();
    if let Some(opening) = opening.as_object_mut() {
        opening.insert("status".to_owned(), json!("in_progress"));
        opening.insert("arguments".to_owned(), json!(""));
    }
    events.push("response.output_item.added", json!({"output_index": index, "item": opening}));
    for piece in halves(text("arguments")) {
        events.push(
            "response.function_call_arguments.delta",
            json!({"item_id": text("id"), "output_index": index, "delta": piece}),
        );
    }
    events.push(
        "response.function_call_arguments.done",
        json!({"item_id": text("id"), "output_index": index,
        "name": text("name"), "arguments": text("arguments")}),
    );
    events.push("response.output_item.done", json!({"output_index": index, "item": item}));
}

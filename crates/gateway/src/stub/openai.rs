//! OpenAI: chat completions, completions, moderations, models.

use bytes::Bytes;
use serde_json::{Value, json};

use super::MODEL;
use super::answer::{Content, SSE, data};
use super::prompt::Prompt;
use super::reply::Reply;

/// When every answer was made: a constant, so that answers can be compared.
pub(super) const CREATED: u64 = 1_700_000_000;

pub(super) fn chat(prompt: &Prompt, reply: &Reply) -> Content {
    if prompt.stream {
        Content::Stream(SSE, chat_stream(prompt, reply))
    } else {
        Content::Document(chat_document(prompt, reply))
    }
}

fn chat_document(prompt: &Prompt, reply: &Reply) -> Value {
    let content =
        if reply.text.is_empty() && !reply.calls.is_empty() { Value::Null } else { json!(reply.text) };
    let mut message = json!({"role": "assistant", "content": content, "refusal": null});
    if !reply.calls.is_empty() {
        let calls: Vec<Value> = reply
            .calls
            .iter()
            .enumerate()
            .map(|(index, call)| {
                json!({"id": call_id(index), "type": "function",
                "function": {"name": call.name, "arguments": call.arguments_text()}})
            })
            .collect();
        if let Some(message) = message.as_object_mut() {
            message.insert("tool_calls".to_owned(), Value::Array(calls));
        }
    }
    let choice =
        |index| json!({"index": index, "message": message, "logprobs": null, "finish_reason": reply.finish});
    let choices: Vec<Value> = (0..=prompt.more_answers).map(choice).collect();
    json!({"id": "chatcmpl-stub", "object": "chat.completion", "created": CREATED, "model": MODEL, "choices": choices,
        "usage": usage(reply), "system_fingerprint": "fp_castellan_stub"})
}

fn chat_stream(prompt: &Prompt, reply: &Reply) -> Vec<Bytes> {
    // Answers come side by side, each chunk of every one in turn.
    let chunk = |delta: Value, finish: Value| -> Bytes {
        let one = |index: usize| {
            data(
                &json!({"id": "chatcmpl-stub", "object": "chat.completion.chunk", "created": CREATED, "model": MODEL,
                "choices": [{"index": index, "delta": delta, "logprobs": null, "finish_reason": finish}]}),
            )
        };
        (0..=prompt.more_answers).map(one).collect::<Vec<Bytes>>().concat().into()
    };
    let mut events = vec![chunk(json!({"role": "assistant", "content": ""}), Value::Null)];
    events.extend(reply.pieces().iter().map(|piece| chunk(json!({"content": piece}), Value::Null)));
    for (index, call) in reply.calls.iter().enumerate() {
        let opening = json!({"tool_calls": [{"index": index, "id": call_id(index), "type": "function",
            "function": {"name": call.name, "arguments": ""}}]});
        events.push(chunk(opening, Value::Null));
        for piece in halves(&call.arguments_text()) {
            let arguments = json!({"tool_calls": [{"index": index, "function": {"arguments": piece}}]});
            events.push(chunk(arguments, Value::Null));
        }
    }
    events.push(chunk(json!({}), json!(reply.finish)));
    if prompt.include_usage {
        events.push(data(
            &json!({"id": "chatcmpl-stub", "object": "chat.completion.chunk", "created": CREATED,
            "model": MODEL, "choices": [], "usage": usage(reply)}),
        ));
    }
    events.push(Bytes::from_static(b"data: [DONE]\n\n"));
    events
}

pub(super) fn completion(prompt: &Prompt, reply: &Reply) -> Content {
    let document = |text: &str, finish: Value| {
        json!({"id": "cmpl-stub", "object": "text_completion", "created": CREATED, "model": MODEL,
            "choices": [{"index": 0, "text": text, "logprobs": null, "finish_reason": finish}]})
    };
    if !prompt.stream {
        let mut whole = document(&reply.text, json!(reply.finish));
        if let Some(whole) = whole.as_object_mut() {
            whole.insert("usage".to_owned(), usage(reply));
        }
        return Content::Document(whole);
    }
    let mut events: Vec<Bytes> =
        reply.pieces().iter().map(|piece| data(&document(piece, Value::Null))).collect();
    events.push(data(&document("", json!(reply.finish))));
    if prompt.include_usage {
        events.push(data(
            &json!({"id": "cmpl-stub", "object": "text_completion", "created": CREATED, "model": MODEL,
            "choices": [], "usage": usage(reply)}),
        ));
    }
    events.push(Bytes::from_static(b"data: [DONE]\n\n"));
    Content::Stream(SSE, events)
}

fn usage(reply: &Reply) -> Value {
    let (prompt, completion) = (reply.prompt_tokens, reply.tokens());
    json!({"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion,
        "prompt_tokens_details": {"cached_tokens": 0}, "completion_tokens_details": {"reasoning_tokens": 0}})
}

pub(super) fn call_id(index: usize) -> String {
    format!("call_stub_{index}")
}

/// A text in two pieces, so that clients have to put them together.
pub(super) fn halves(text: &str) -> Vec<&str> {
    let middle = (0..=text.len() / 2).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    let (first, second) = text.split_at(middle);
    [first, second].into_iter().filter(|piece| !piece.is_empty()).collect()
}

pub(super) fn model(name: &str) -> Value {
    json!({"id": name, "object": "model", "created": CREATED, "owned_by": "castellan"})
}

const CATEGORIES: [&str; 13] = [
    "harassment",
    "harassment/threatening",
    "hate",
    "hate/threatening",
    "illicit",
    "illicit/violent",
    "self-harm",
    "self-harm/intent",
    "self-harm/instructions",
    "sexual",
    "sexual/minors",
    "violence",
    "violence/graphic",
];

/// Nothing is ever flagged: the stub judges nothing.
pub(super) fn moderation(request: &Value) -> Value {
    let inputs = match request.get("input") {
        Some(Value::Array(inputs)) => inputs.len(),
        _ => 1,
    };
    let each = |value: Value| -> Value {
        Value::Object(CATEGORIES.iter().map(|name| ((*name).to_owned(), value.clone())).collect())
    };
    let result = json!({"flagged": false, "categories": each(json!(false)), "category_scores": each(json!(0.0)),
        "category_applied_input_types": each(json!(["text"]))});
    json!({"id": "modr-stub", "model": MODEL, "results": vec![result; inputs]})
}

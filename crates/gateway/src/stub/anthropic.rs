//! Anthropic messages.

use bytes::Bytes;
use serde_json::{Value, json};

use super::MODEL;
use super::answer::{Content, SSE, event};
use super::openai::halves;
use super::prompt::Prompt;
use super::reply::Reply;

pub(super) fn message(prompt: &Prompt, reply: &Reply) -> Content {
    if prompt.stream { Content::Stream(SSE, stream(reply)) } else { Content::Document(document(reply)) }
}

fn document(reply: &Reply) -> Value {
    let mut content = Vec::new();
    if !reply.text.is_empty() || reply.calls.is_empty() {
        content.push(json!({"type": "text", "text": reply.text}));
    }
    for (index, call) in reply.calls.iter().enumerate() {
        let input = serde_json::from_str(&call.arguments_text()).unwrap_or_else(|_| json!({}));
        content.push(json!({"type": "tool_use", "id": call_id(index), "name": call.name, "input": input}));
    }
    json!({"id": "msg_stub", "type": "message", "role": "assistant", "model": MODEL, "content": content,
        "stop_reason": stop_reason(reply), "stop_sequence": null,
        "usage": {"input_tokens": reply.prompt_tokens, "output_tokens": reply.tokens()}})
}

fn stream(reply: &Reply) -> Vec<Bytes> {
    let mut events = vec![
        event(
            "message_start",
            &json!({"type": "message_start", "message": {"id": "msg_stub", "type": "message",
            "role": "assistant", "model": MODEL, "content": [], "stop_reason": null, "stop_sequence": null,
            "usage": {"input_tokens": reply.prompt_tokens, "output_tokens": 1}}}),
        ),
        event("ping", &json!({"type": "ping"})),
    ];
    let mut index = 0;
    if !reply.text.is_empty() || reply.calls.is_empty() {
        let deltas =
            reply.pieces().iter().map(|piece| json!({"type": "text_delta", "text": piece})).collect();
        block(&mut events, index, &json!({"type": "text", "text": ""}), deltas);
        index += 1;
    }
    for (number, call) in reply.calls.iter().enumerate() {
        let start = json!({"type": "tool_use", "id": call_id(number), "name": call.name, "input": {}});
        let arguments = call.arguments_text();
        let deltas = halves(&arguments)
            .iter()
            .map(|piece| json!({"type": "input_json_delta", "partial_json": piece}))
            .collect();
        block(&mut events, index, &start, deltas);
        index += 1;
    }
    events.push(event(
        "message_delta",
        &json!({"type": "message_delta",
        "delta": {"stop_reason": stop_reason(reply), "stop_sequence": null},
        "usage": {"output_tokens": reply.tokens()}}),
    ));
    events.push(event("message_stop", &json!({"type": "message_stop"})));
    events
}

fn block(events: &mut Vec<Bytes>, index: usize, start: &Value, deltas: Vec<Value>) {
    events.push(event(
        "content_block_start",
        &json!({"type": "content_block_start", "index": index, "content_block": start}),
    ));
    for delta in deltas {
        events.push(event(
            "content_block_delta",
            &json!({"type": "content_block_delta", "index": index, "delta": delta}),
        ));
    }
    events.push(event("content_block_stop", &json!({"type": "content_block_stop", "index": index})));
}

fn call_id(index: usize) -> String {
    format!("toolu_stub_{index}")
}

fn stop_reason(reply: &Reply) -> &str {
    match reply.finish.as_str() {
        "stop" => "end_turn",
        "length" => "max_tokens",
        "tool_calls" => "tool_use",
        "content_filter" => "refusal",
        other => other,
    }
}

//! From a reply to the events or the document of one API.

use bytes::Bytes;
use serde_json::{Value, json};

use super::prompt::Prompt;
use super::reply::Reply;
use super::route::{Family, Operation};
use super::{anthropic, embedding, ollama, openai, responses};

/// The body of an answer.
#[derive(Clone, Debug)]
pub(super) enum Content {
    Document(Value),
    /// Events in order, each as it goes on the wire.
    Stream(&'static str, Vec<Bytes>),
}

pub(super) const SSE: &str = "text/event-stream; charset=utf-8";
pub(super) const NDJSON: &str = "application/x-ndjson";

/// The answer in the shape of the operation.
pub(super) fn shape(operation: &Operation, request: &Value, prompt: &Prompt, reply: &Reply) -> Content {
    match operation {
        Operation::Chat => openai::chat(prompt, reply),
        Operation::Completion => openai::completion(prompt, reply),
        Operation::Response => responses::respond(prompt, reply),
        Operation::Embedding => Content::Document(embedding::openai(request)),
        Operation::Moderation => Content::Document(openai::moderation(request)),
        Operation::Models => {
            Content::Document(json!({"object": "list", "data": [openai::model(super::MODEL)]}))
        }
        Operation::Model(name) => Content::Document(openai::model(name)),
        Operation::Message => anthropic::message(prompt, reply),
        Operation::CountTokens => Content::Document(json!({"input_tokens": prompt.tokens()})),
        Operation::OllamaChat => ollama::chat(request, reply),
        Operation::OllamaGenerate => ollama::generate(request, reply),
        Operation::OllamaEmbed => Content::Document(embedding::ollama(request)),
        Operation::OllamaTags => Content::Document(ollama::tags()),
        Operation::OllamaVersion => Content::Document(json!({"version": "0.0.0-castellan-stub"})),
    }
}

/// An error in the shape of an API.
pub(super) fn error(family: Family, status: u16, message: &str) -> Value {
    match family {
        Family::OpenAi => json!({"error": {"message": message, "type": openai_type(status), "param": null,
            "code": openai_code(status)}}),
        Family::Anthropic => {
            json!({"type": "error", "error": {"type": anthropic_type(status), "message": message}})
        }
        Family::Ollama => json!({"error": message}),
    }
}

fn openai_type(status: u16) -> &'static str {
    match status {
        429 => "requests",
        500.. => "server_error",
        _ => "invalid_request_error",
    }
}

fn openai_code(status: u16) -> Value {
    match status {
        401 => json!("invalid_api_key"),
        404 => json!("not_found"),
        429 => json!("rate_limit_exceeded"),
        _ => Value::Null,
    }
}

fn anthropic_type(status: u16) -> &'static str {
    match status {
        401 => "authentication_error",
        403 => "permission_error",
        404 => "not_found_error",
        413 => "request_too_large",
        429 => "rate_limit_error",
        529 => "overloaded_error",
        500.. => "api_error",
        _ => "invalid_request_error",
    }
}

/// An event of server-sent events without a name.
pub(super) fn data(value: &Value) -> Bytes {
    Bytes::from(format!("data: {value}\n\n"))
}

/// An event with a name.
pub(super) fn event(name: &str, value: &Value) -> Bytes {
    Bytes::from(format!("event: {name}\ndata: {value}\n\n"))
}

//! What clients are told, in the manner of the API that they speak, so that their own code for errors and filtered answers
//! works.
//!
//! A prompt that is blocked is Azure OpenAI's 400 with `content_filter`; an answer that is blocked is one that ended with
//! `content_filter` (OpenAI), `incomplete` (Responses) or `refusal` (Anthropic); a stream that is blocked ends as one of its API
//! may end.

use serde_json::{Value, json};

use crate::frame::{About, FrameReading, event};
use crate::route::{Api, Dialect};
use crate::usage::Usage;

/// What a refused prompt is told.
pub const PROMPT_FILTERED: &str =
    "The prompt was refused by a guardrail of the gate; change it and try again.";

/// Why a request does not pass.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The HTTP status.
    pub status: u16,
    /// A word that does not change: `invalid_api_key`.
    pub code: &'static str,
    /// What is wrong and what to do, without anything secret.
    pub message: String,
}

impl Refusal {
    /// A refusal.
    pub fn new(status: u16, code: &'static str, message: impl Into<String>) -> Refusal {
        Refusal { status, code, message: message.into() }
    }

    /// The JSON of the answer.
    pub fn body(&self, dialect: Dialect) -> String {
        let (code, message) = (self.code, &self.message);
        let value = match dialect {
            Dialect::Anthropic => {
                json!({"type": "error", "error": {"type": anthropic_kind(self.status), "message": format!("{message} ({code})")}})
            }
            Dialect::Ollama => json!({"error": format!("{message} ({code})")}),
            Dialect::OpenAi | Dialect::AzureClassic | Dialect::AzureV1 => {
                json!({"error": {"message": message, "type": openai_kind(self.status), "param": null, "code": code}})
            }
        };
        value.to_string()
    }
}

fn openai_kind(status: u16) -> &'static str {
    match status {
        401 => "authentication_error",
        403 => "permission_error",
        404 => "not_found_error",
        429 => "rate_limit_error",
        500.. => "server_error",
        _ => "invalid_request_error",
    }
}

fn anthropic_kind(status: u16) -> &'static str {
    match status {
        401 => "authentication_error",
        403 => "permission_error",
        404 => "not_found_error",
        413 => "request_too_large",
        429 => "rate_limit_error",
        503 | 529 => "overloaded_error",
        500.. => "api_error",
        _ => "invalid_request_error",
    }
}

/// The answer to a prompt that a guardrail blocks, with HTTP status 400. `results` is `content_filter_results` as
/// [`crate::annotate`] makes it.
pub fn filtered_prompt(dialect: Dialect, results: &Value, message: Option<&str>) -> String {
    let message = message.unwrap_or(PROMPT_FILTERED);
    match dialect {
        Dialect::Anthropic => {
            json!({"type": "error", "error": {"type": "invalid_request_error", "message": format!("{message} (content_filter)")}})
        }
        Dialect::Ollama => json!({"error": format!("{message} (content_filter)")}),
        Dialect::OpenAi | Dialect::AzureClassic | Dialect::AzureV1 => json!({"error": {
            "message": message, "type": null, "param": "prompt", "code": "content_filter", "status": 400,
            "innererror": {"code": "ResponsibleAIPolicyViolation", "content_filter_result": results},
        }}),
    }
    .to_string()
}

/// A whole answer that is blocked: nothing of what the model said is left. `None` for APIs whose answers cannot say so; the
/// gate refuses there.
pub fn filtered_answer(api: Api, about: &About, usage: Usage, results: &Value) -> Option<String> {
    let id = about.id.clone().unwrap_or_else(|| "filtered".to_owned());
    let model = about.model.clone().unwrap_or_default();
    let created = about.created.unwrap_or_default();
    let value = match api {
        Api::Chat => json!({
            "id": id, "object": "chat.completion", "created": created, "model": model,
            "choices": [{"index": 0, "message": {"role": "assistant", "content": null}, "finish_reason": "content_filter",
                "content_filter_results": results}],
            "usage": openai_usage(usage),
        }),
        Api::Completions => json!({
            "id": id, "object": "text_completion", "created": created, "model": model,
            "choices": [{"index": 0, "text": "", "logprobs": null, "finish_reason": "content_filter", "content_filter_results": results}],
            "usage": openai_usage(usage),
        }),
        Api::Responses | Api::StoredResponse => incomplete(&id, &model, created, usage),
        Api::Messages => json!({
            "id": id, "type": "message", "role": "assistant", "model": model, "content": [], "stop_reason": "refusal",
            "stop_sequence": null, "usage": {"input_tokens": usage.input, "output_tokens": usage.output},
        }),
        Api::OllamaChat => json!({
            "model": model, "created_at": "1970-01-01T00:00:00Z", "message": {"role": "assistant", "content": ""}, "done": true,
            "done_reason": "content_filter", "prompt_eval_count": usage.input, "eval_count": usage.output,
        }),
        Api::OllamaGenerate => json!({
            "model": model, "created_at": "1970-01-01T00:00:00Z", "response": "", "done": true, "done_reason": "content_filter",
            "prompt_eval_count": usage.input, "eval_count": usage.output,
        }),
        _ => return None,
    };
    Some(value.to_string())
}

fn openai_usage(usage: Usage) -> Value {
    json!({"prompt_tokens": usage.input, "completion_tokens": usage.output, "total_tokens": usage.input.saturating_add(usage.output)})
}

fn incomplete(id: &str, model: &str, created: u64, usage: Usage) -> Value {
    json!({
        "id": id, "object": "response", "created_at": created, "status": "incomplete", "model": model, "output": [],
        "error": null, "incomplete_details": {"reason": "content_filter"}, "instructions": null, "metadata": {},
        "parallel_tool_calls": true, "temperature": null, "tool_choice": "auto", "tools": [], "top_p": null,
        "usage": {"input_tokens": usage.input, "input_tokens_details": {"cached_tokens": usage.cached},
            "output_tokens": usage.output, "output_tokens_details": {"reasoning_tokens": usage.reasoning},
            "total_tokens": usage.input.saturating_add(usage.output)},
    })
}

/// What a stream has said about itself so far: what its end has to fit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Told {
    about: About,
    usage: Usage,
    /// Content blocks of Anthropic's API that have begun and not ended.
    open: Vec<u64>,
    has_begun: bool,
}

impl Told {
    /// Takes note of a frame that the client gets.
    pub fn passed(&mut self, frame: &FrameReading) {
        self.has_begun = true;
        let About { id, model, created, sequence, began, ended, choices, finish: _ } = &frame.about;
        let known = &mut self.about;
        known.id = known.id.take().or_else(|| id.clone());
        known.model = known.model.take().or_else(|| model.clone());
        known.created = known.created.or(*created);
        known.sequence = sequence.or(known.sequence);
        for choice in choices {
            if !known.choices.contains(choice) && known.choices.len() < 128 {
                known.choices.push(*choice);
            }
        }
        self.open.extend(*began);
        self.open.retain(|block| Some(*block) != *ended);
        self.usage = frame.usage.map_or(self.usage, |usage| self.usage.and(usage));
    }

    /// Takes note of what a frame says about the answer, whether the client gets it or not.
    pub fn seen(&mut self, frame: &FrameReading) {
        let known = &mut self.about;
        known.id = known.id.take().or_else(|| frame.about.id.clone());
        known.model = known.model.take().or_else(|| frame.about.model.clone());
        known.created = known.created.or(frame.about.created);
    }

    /// The end of a stream of which the rest is blocked.
    pub fn filtered_end(&self, api: Api, results: &Value) -> Vec<u8> {
        match api {
            Api::Chat | Api::Completions => self.end_of_choices(api, results),
            Api::Responses | Api::StoredResponse => self.end_of_response(),
            Api::Messages => self.end_of_message(),
            Api::OllamaChat | Api::OllamaGenerate => {
                let line = filtered_answer(api, &self.about, self.usage, results).unwrap_or_default();
                format!("{line}\n").into_bytes()
            }
            _ => {
                let refusal =
                    Refusal::new(400, "content_filter", "the rest was refused by a guardrail of the gate");
                event(Some("error"), &refusal.body(Dialect::OpenAi))
            }
        }
    }

    fn end_of_choices(&self, api: Api, results: &Value) -> Vec<u8> {
        let choices = if self.about.choices.is_empty() { vec![0] } else { self.about.choices.clone() };
        let choices: Vec<Value> = choices
            .iter()
            .map(|index| match api {
                Api::Completions => {
                    json!({"index": index, "text": "", "logprobs": null, "finish_reason": "content_filter", "content_filter_results": results})
                }
                _ => json!({"index": index, "delta": {}, "finish_reason": "content_filter", "content_filter_results": results}),
            })
            .collect();
        let object = if api == Api::Chat { "chat.completion.chunk" } else { "text_completion" };
        let chunk = json!({
            "id": self.about.id.as_deref().unwrap_or("filtered"), "object": object,
            "created": self.about.created.unwrap_or_default(), "model": self.about.model.as_deref().unwrap_or_default(),
            "choices": choices,
        });
        [event(None, &chunk.to_string()), event(None, "[DONE]")].concat()
    }

    fn end_of_response(&self) -> Vec<u8> {
        let id = self.about.id.as_deref().unwrap_or("filtered");
        let model = self.about.model.as_deref().unwrap_or_default();
        let response = incomplete(id, model, self.about.created.unwrap_or_default(), self.usage);
        let next = self.about.sequence.map_or(0, |number| number + 1);
        let end = json!({"type": "response.incomplete", "sequence_number": next, "response": response});
        event(Some("response.incomplete"), &end.to_string())
    }

    fn end_of_message(&self) -> Vec<u8> {
        let mut events = Vec::new();
        if !self.has_begun {
            let start = json!({"type": "message_start", "message": {
                "id": self.about.id.as_deref().unwrap_or("filtered"), "type": "message", "role": "assistant",
                "model": self.about.model.as_deref().unwrap_or_default(), "content": [], "stop_reason": null, "stop_sequence": null,
                "usage": {"input_tokens": self.usage.input, "output_tokens": 0},
            }});
            events.push(event(Some("message_start"), &start.to_string()));
        }
        for block in &self.open {
            let stop = json!({"type": "content_block_stop", "index": block});
            events.push(event(Some("content_block_stop"), &stop.to_string()));
        }
        let delta = json!({"type": "message_delta", "delta": {"stop_reason": "refusal", "stop_sequence": null},
            "usage": {"output_tokens": self.usage.output}});
        events.push(event(Some("message_delta"), &delta.to_string()));
        events.push(event(Some("message_stop"), &json!({"type": "message_stop"}).to_string()));
        events.concat()
    }
}

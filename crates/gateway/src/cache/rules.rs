//! Which requests have one answer, so that it may be given again, and which answers may be kept.
//!
//! What is not known to leave the answer as it is keeps a request out: each API has a list of members, and a request with any
//! other is never answered from here.

use std::time::Duration;

use castellan_wire::json::{Item, Kind};
use castellan_wire::{Api, Point, Reading};
use http::HeaderMap;
use http::header::{CACHE_CONTROL, PRAGMA};

/// Members of all requests.
const ALL: &[&str] = &["model", "stream", "user"];
/// Members of requests that have a model write something.
const WRITING: &[&str] = &["metadata", "safety_identifier", "service_tier", "temperature", "top_k", "top_p"];
const CHAT: &[&str] = &[
    "best_of",
    "echo",
    "frequency_penalty",
    "logit_bias",
    "logprobs",
    "max_completion_tokens",
    "max_tokens",
    "messages",
    "min_p",
    "n",
    "presence_penalty",
    "prompt",
    "prompt_cache_key",
    "prompt_cache_retention",
    "reasoning_effort",
    "repetition_penalty",
    "response_format",
    "seed",
    "stop",
    "store",
    "stream_options",
    "suffix",
    "top_logprobs",
    "user_security_context",
    "verbosity",
];
const RESPONSES: &[&str] = &[
    "input",
    "instructions",
    "max_output_tokens",
    "prompt_cache_key",
    "prompt_cache_retention",
    "reasoning",
    "store",
    "stream_options",
    "text",
    "top_logprobs",
    "truncation",
    "user_security_context",
];
const MESSAGES: &[&str] = &["max_tokens", "messages", "stop_sequences", "system"];
const OLLAMA: &[&str] = &[
    "format",
    "keep_alive",
    "messages",
    "options",
    "prompt",
    "raw",
    "suffix",
    "system",
    "template",
    "think",
];
const EMBEDDING: &[&str] =
    &["dimensions", "encoding_format", "input", "input_type", "keep_alive", "options", "prompt", "truncate"];

/// Members that let a model call something, by which there is more to an answer than its texts.
const CALLS: &[&str] =
    &["function_call", "functions", "mcp_servers", "tool_choice", "tools", "web_search_options"];

fn members(api: Api) -> Option<(&'static [&'static str], bool)> {
    Some(match api {
        Api::Chat | Api::Completions => (CHAT, true),
        Api::Responses => (RESPONSES, true),
        Api::Messages => (MESSAGES, true),
        Api::OllamaChat | Api::OllamaGenerate => (OLLAMA, true),
        Api::Embeddings | Api::Moderations | Api::OllamaEmbed => (EMBEDDING, false),
        _ => return None,
    })
}

/// Why a request is not answered from what is kept, and its answer not kept; nothing where it may be.
pub(crate) fn bypass(api: Api, body: Item<'_>, reading: &Reading) -> Option<&'static str> {
    let Some((known, is_writing)) = members(api) else { return Some("api") };
    let given = |name: &str| body.get(name).filter(|item| item.kind() != Kind::Null);
    for member in body.items().filter(|item| item.kind() != Kind::Null) {
        let name = member.name().unwrap_or_default();
        if CALLS.contains(&name.as_ref()) {
            if member.kind() == Kind::List && member.items().next().is_none() {
                continue;
            }
            return Some("tools");
        }
        let is_known = ALL.contains(&name.as_ref())
            || known.contains(&name.as_ref())
            || (is_writing && WRITING.contains(&name.as_ref()));
        if !is_known {
            return Some("member");
        }
    }
    if reading.passages.iter().any(|passage| matches!(passage.point, Point::ToolCall | Point::ToolResult)) {
        return Some("tools");
    }
    if !reading.unscanned.is_empty() {
        return Some("unscanned");
    }
    // Of the responses API what is not said is kept at the provider, where somebody may continue it.
    let stores = given("store").map_or(api == Api::Responses, |store| store.truth() != Some(false));
    if stores {
        return Some("store");
    }
    let is_one = |name: &str| given(name).is_none_or(|count| count.integer() == Some(1));
    if !is_one("n") || !is_one("best_of") {
        return Some("choices");
    }
    (is_writing && !is_determined(api, body)).then_some("sampling")
}

/// Whether a model is asked to write what it would write again: at temperature 0, or with a seed.
fn is_determined(api: Api, body: Item<'_>) -> bool {
    let options = match api {
        Api::OllamaChat | Api::OllamaGenerate => match body.get("options") {
            Some(options) => options,
            None => return false,
        },
        _ => body,
    };
    let is_zero = |item: Item<'_>| {
        let text = std::str::from_utf8(item.raw()).ok().filter(|_| item.kind() == Kind::Number);
        text.and_then(|text| text.parse::<f64>().ok()) == Some(0.0)
    };
    let is_number = |item: Item<'_>| item.kind() == Kind::Number;
    options.get("temperature").is_some_and(is_zero) || options.get("seed").is_some_and(is_number)
}

/// Whether an answer came to its own end. What was cut off at a limit, filtered or asks for a tool did not.
pub(crate) fn is_finished(api: Api, finish: Option<&str>) -> bool {
    match finish {
        Some(finish) => matches!(finish, "stop" | "end_turn" | "stop_sequence" | "completed"),
        None => matches!(api, Api::Embeddings | Api::Moderations | Api::OllamaEmbed),
    }
}

/// What a client says about kept answers (RFC 9111, 5.2.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Wish {
    /// Whether its answer may be kept, and one that was kept may be given.
    pub(crate) may_keep: bool,
    /// How old an answer may be that it gets.
    pub(crate) oldest: Option<Duration>,
}

/// What a client says. Of what cannot be understood the stricter meaning counts.
pub(crate) fn wish(headers: &HeaderMap) -> Wish {
    let mut wish = Wish { may_keep: true, oldest: Some(Duration::MAX) };
    let mut has_said = false;
    for value in headers.get_all(CACHE_CONTROL) {
        has_said = true;
        let Ok(text) = value.to_str() else { return Wish { may_keep: false, oldest: None } };
        for directive in text.split(',') {
            let (name, value) = directive.split_once('=').unwrap_or((directive, ""));
            match name.trim().to_ascii_lowercase().as_str() {
                "no-store" => wish = Wish { may_keep: false, oldest: None },
                "no-cache" => wish.oldest = None,
                "max-age" => {
                    let seconds = value.trim().trim_matches('"').parse().unwrap_or(0);
                    let most = Duration::from_secs(seconds);
                    wish.oldest = wish.oldest.map(|oldest| oldest.min(most)).filter(|_| seconds > 0);
                }
                _ => {}
            }
        }
    }
    let is_old = |value: &http::HeaderValue| value.as_bytes().eq_ignore_ascii_case(b"no-cache");
    if !has_said && headers.get(PRAGMA).is_some_and(is_old) {
        wish.oldest = None;
    }
    wish
}

/// Whether an upstream lets its answer be kept.
pub(crate) fn may_be_kept(headers: &HeaderMap) -> bool {
    let mut said = headers.get_all(CACHE_CONTROL).into_iter();
    !said.any(|value| value.to_str().map_or(true, |text| text.to_ascii_lowercase().contains("no-store")))
}

#[cfg(test)]
mod tests {
    use castellan_wire::json::{Bounds, Tree};
    use castellan_wire::{Direction, passages};
    use http::HeaderValue;

    use super::*;

    fn check(api: Api, body: &str, expected: Option<&str>) {
        let tree = Tree::read(body.as_bytes(), &Bounds::default()).unwrap();
        let reading = passages(&tree, api, Direction::Request);
        assert_eq!(bypass(api, tree.root(), &reading), expected, "{body}");
    }

    fn chat(more: &str, expected: Option<&str>) {
        let body =
            format!("{{\"model\":\"m\",\"messages\":[{{\"role\":\"user\",\"content\":\"x\"}}]{more}}}");
        check(Api::Chat, &body, expected);
    }

    #[test]
    fn only_what_is_determined_is_kept() {
        chat("", Some("sampling"));
        chat(r#","temperature":0.7"#, Some("sampling"));
        chat(r#","temperature":"0""#, Some("sampling"));
        chat(r#","temperature":0"#, None);
        chat(r#","temperature":0.0,"stream":true,"max_tokens":9"#, None);
        chat(r#","temperature":1,"seed":7"#, None);
        chat(r#","temperature":null,"seed":null"#, Some("sampling"));
        chat(r#","temperature":0,"n":2"#, Some("choices"));
        chat(r#","temperature":0,"n":1"#, None);
        chat(r#","temperature":0,"store":true"#, Some("store"));
        chat(r#","temperature":0,"store":false"#, None);
        chat(r#","temperature":0,"tools":[{"type":"function","function":{"name":"f"}}]"#, Some("tools"));
        chat(r#","temperature":0,"tools":[]"#, None);
        chat(r#","temperature":0,"tool_choice":"none""#, Some("tools"));
        chat(r#","temperature":0,"data_sources":[]"#, Some("member"));
    }

    #[test]
    fn each_api_in_its_words() {
        check(Api::Responses, r#"{"model":"m","input":"x","temperature":0}"#, Some("store"));
        check(Api::Responses, r#"{"model":"m","input":"x","temperature":0,"store":false}"#, None);
        let continued =
            r#"{"model":"m","input":"x","temperature":0,"store":false,"previous_response_id":"r"}"#;
        check(Api::Responses, continued, Some("member"));
        check(Api::Embeddings, r#"{"model":"m","input":"x"}"#, None);
        check(Api::Embeddings, r#"{"model":"m","input":[1,2]}"#, Some("unscanned"));
        check(Api::Messages, r#"{"model":"m","max_tokens":9,"messages":[],"temperature":0}"#, None);
        check(Api::Messages, r#"{"model":"m","max_tokens":9,"messages":[],"seed":1}"#, Some("member"));
        check(Api::OllamaChat, r#"{"model":"m","messages":[],"temperature":0}"#, Some("sampling"));
        check(Api::OllamaChat, r#"{"model":"m","messages":[],"options":{"seed":1}}"#, None);
        check(Api::Speech, r#"{"model":"m","input":"x"}"#, Some("api"));
        let called =
            r#"{"model":"m","temperature":0,"messages":[{"role":"tool","tool_call_id":"c","content":"x"}]}"#;
        check(Api::Chat, called, Some("tools"));
        let seen = r#"{"model":"m","temperature":0,"messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"https://x/"}}]}]}"#;
        check(Api::Chat, seen, Some("unscanned"));
    }

    #[test]
    fn what_clients_say_counts() {
        let said = |name: http::HeaderName, value: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(name, HeaderValue::from_static(value));
            wish(&headers)
        };
        let nothing = Wish { may_keep: false, oldest: None };
        let anew = Wish { may_keep: true, oldest: None };
        assert_eq!(wish(&HeaderMap::new()), Wish { may_keep: true, oldest: Some(Duration::MAX) });
        assert_eq!(said(CACHE_CONTROL, "no-store"), nothing);
        assert_eq!(said(CACHE_CONTROL, "max-age=9, No-Store"), nothing);
        assert_eq!(said(CACHE_CONTROL, "no-cache"), anew);
        assert_eq!(said(CACHE_CONTROL, "max-age=0"), anew);
        assert_eq!(said(CACHE_CONTROL, "max-age=x"), anew);
        assert_eq!(said(CACHE_CONTROL, "max-age=60").oldest, Some(Duration::from_secs(60)));
        assert_eq!(said(PRAGMA, "no-cache"), anew);
    }

    #[test]
    fn what_is_not_whole_is_not_finished() {
        for finish in [
            "length",
            "max_tokens",
            "content_filter",
            "tool_calls",
            "tool_use",
            "incomplete",
            "refusal",
            "load",
        ] {
            assert!(!is_finished(Api::Chat, Some(finish)), "{finish}");
        }
        assert!(is_finished(Api::Chat, Some("stop")) && is_finished(Api::Responses, Some("completed")));
        assert!(!is_finished(Api::Chat, None) && is_finished(Api::Embeddings, None));
    }
}

//! Scripts: which request gets which answer.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use castellan_base::{Limits, Sources, yaml};
use serde::Deserialize;
use serde_json::Value;

use super::prompt::Prompt;

/// Largest script, in bytes.
const LIMIT: u64 = 4 << 20;

/// Rules in the order in which they are tried; the first that matches answers.
///
/// ```
/// use castellan_gateway::stub::Script;
///
/// let script = Script::read(r#"
/// rules:
///   - match: { contains: weather }
///     tool_calls: [{ name: get_weather, arguments: { city: Paris } }]
///   - match: { model: flaky }
///     times: 2
///     status: 429
///     retry_after: 1
///   - match: { contains: cut me off }
///     text: a long answer that ends too early
///     fault: truncated
///   - text: anything else
/// "#).unwrap();
/// assert_eq!(script.rules().len(), 4);
/// ```
#[derive(Clone, Debug, Default)]
pub struct Script {
    rules: Arc<[Counted]>,
}

#[derive(Debug)]
struct Counted {
    rule: Rule,
    used: AtomicU64,
}

/// One rule of a script.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// Which requests it answers; all when nothing is given.
    #[serde(default, rename = "match")]
    pub matches: Match,
    /// How often it answers before it is passed over; always when not given.
    #[serde(default)]
    pub times: Option<u64>,
    /// The text of the answer; that of the user when neither a text nor calls are given.
    #[serde(default)]
    pub text: Option<String>,
    /// Calls of tools that the answer asks for.
    #[serde(default)]
    pub tool_calls: Vec<ToolCall>,
    /// The status; from 400 on the answer is an error with `message`.
    #[serde(default)]
    pub status: Option<u16>,
    /// The message of an error.
    #[serde(default)]
    pub message: Option<String>,
    /// The `Retry-After` header, in seconds.
    #[serde(default)]
    pub retry_after: Option<u64>,
    /// The `retry-after-ms` header, in milliseconds.
    #[serde(default)]
    pub retry_after_ms: Option<u64>,
    /// Why the answer ends, in OpenAI's words: `stop`, `length`, `content_filter`. `tool_calls` where tools are called.
    #[serde(default)]
    pub finish_reason: Option<String>,
    /// Milliseconds before the first byte.
    #[serde(default)]
    pub delay_ms: u64,
    /// Milliseconds before each event of a stream.
    #[serde(default)]
    pub pause_ms: u64,
    /// What goes wrong on the way.
    #[serde(default)]
    pub fault: Option<Fault>,
}

/// Which requests a rule answers: those for which everything given here holds.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Match {
    /// The last text of the user holds this, upper and lower case told apart.
    #[serde(default)]
    pub contains: Option<String>,
    /// The model asked for is this.
    #[serde(default)]
    pub model: Option<String>,
    /// The path ends in this.
    #[serde(default)]
    pub path: Option<String>,
    /// Streaming is asked for, or is not.
    #[serde(default)]
    pub stream: Option<bool>,
}

/// A call of a tool.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct ToolCall {
    /// The tool.
    pub name: String,
    /// Its arguments: an object, or a text that is sent as it is, so that malformed arguments can be tried.
    #[serde(default)]
    pub arguments: Value,
}

impl ToolCall {
    /// The arguments as the text that goes on the wire.
    pub(super) fn arguments_text(&self) -> String {
        match &self.arguments {
            Value::Null => "{}".to_owned(),
            Value::String(text) => text.clone(),
            other => other.to_string(),
        }
    }
}

/// What goes wrong on the way to the client.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum Fault {
    /// The connection is reset before the answer.
    Reset,
    /// The connection is closed before the answer.
    Close,
    /// The connection is reset in the middle of the body.
    ResetMidway,
    /// The body ends in the middle, as if the server had been killed.
    Truncated,
    /// An event in the middle of the stream is no JSON.
    MalformedSse,
    /// No answer ever comes.
    Stall,
    /// The body stops in the middle, and the connection stays open.
    StallMidway,
    /// Half of the events come, and then a proper end without the dialect's last event.
    Unfinished,
}

/// Why a script is no script.
#[derive(Debug, thiserror::Error)]
#[error("the script of the stub cannot be used: {0}")]
pub struct ScriptError(String);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    rules: Vec<Rule>,
}

impl Script {
    /// Reads a script from YAML.
    ///
    /// # Errors
    /// When the text is no YAML, and when a rule has unknown fields or fields of the wrong kind.
    pub fn read(text: &str) -> Result<Script, ScriptError> {
        let mut sources = Sources::default();
        let source = sources.add("script", text);
        let limits = Limits { bytes: LIMIT, depth: 32, values: 200_000 };
        let node = yaml::parse(text, source, &limits).map_err(|problem| {
            let place = sources.locate(problem.span).map(|place| format!("{place}: ")).unwrap_or_default();
            ScriptError(format!("{place}{}", problem.message))
        })?;
        let document: Document =
            serde_json::from_value(node.to_json()).map_err(|problem| ScriptError(problem.to_string()))?;
        Ok(Script::new(document.rules))
    }

    /// A script of these rules.
    #[must_use]
    pub fn new(rules: Vec<Rule>) -> Script {
        Script { rules: rules.into_iter().map(|rule| Counted { rule, used: AtomicU64::new(0) }).collect() }
    }

    /// The rules, in order.
    #[must_use]
    pub fn rules(&self) -> Vec<&Rule> {
        self.rules.iter().map(|counted| &counted.rule).collect()
    }

    /// The rule that answers; a use of it is counted.
    pub(super) fn find(&self, path: &str, prompt: &Prompt) -> Option<&Rule> {
        self.rules
            .iter()
            .find(|counted| counted.rule.matches.holds(path, prompt) && counted.take())
            .map(|found| &found.rule)
    }
}

impl Counted {
    fn take(&self) -> bool {
        let Some(times) = self.rule.times else { return true };
        let next = |used: u64| (used < times).then_some(used + 1);
        self.used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, next).is_ok()
    }
}

impl Match {
    fn holds(&self, path: &str, prompt: &Prompt) -> bool {
        self.contains.as_ref().is_none_or(|text| prompt.text.contains(text.as_str()))
            && self.model.as_ref().is_none_or(|model| *model == prompt.model)
            && self.path.as_ref().is_none_or(|end| path.ends_with(end.as_str()))
            && self.stream.is_none_or(|stream| stream == prompt.stream)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_answers_as_often_as_it_says() {
        let script = Script::read("rules: [{times: 2, text: a}, {text: b}]").unwrap();
        let texts: Vec<_> =
            (0..3).map(|_| script.find("/v1/x", &Prompt::default()).unwrap().text.clone().unwrap()).collect();
        assert_eq!(texts, ["a", "a", "b"]);
    }

    #[test]
    fn unknown_fields_are_refused() {
        let refused = Script::read("rules: [{txt: a}]").unwrap_err().to_string();
        assert!(refused.contains("txt"), "{refused}");
        assert!(Script::read("rules: [").is_err());
    }
}

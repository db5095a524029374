//! What is answered, before it has the shape of an API.

use std::time::Duration;

use super::prompt::Prompt;
use super::script::{Fault, Rule, ToolCall};

/// An answer of the stub.
#[derive(Clone, Debug, Default)]
pub(super) struct Reply {
    pub text: String,
    pub calls: Vec<ToolCall>,
    /// In OpenAI's words.
    pub finish: String,
    pub error: Option<Refusal>,
    pub delay: Duration,
    pub pause: Duration,
    pub fault: Option<Fault>,
    pub prompt_tokens: usize,
}

/// An answer that is an error.
#[derive(Clone, Debug)]
pub(super) struct Refusal {
    pub status: u16,
    pub message: String,
    pub retry_after: Option<u64>,
    pub retry_after_ms: Option<u64>,
}

/// The text of [`super::Mode::Fixed`].
pub(super) const FIXED: &str = "The quarterly report shows that revenue grew by four percent while costs stayed flat, \
     and the team expects the same trend for the next two quarters if nothing unusual happens.";

impl Reply {
    pub(super) fn text(text: &str, prompt_tokens: usize) -> Reply {
        Reply { text: text.to_owned(), finish: "stop".to_owned(), prompt_tokens, ..Reply::default() }
    }

    /// The echo of a prompt.
    pub(super) fn echo(prompt: &Prompt) -> Reply {
        match called(&prompt.text) {
            Some(call) => Reply {
                calls: vec![call],
                finish: "tool_calls".to_owned(),
                prompt_tokens: prompt.tokens(),
                ..Reply::default()
            },
            None => Reply::text(&prompt.text, prompt.tokens()),
        }
    }

    /// What a rule says.
    pub(super) fn ruled(rule: &Rule, prompt: &Prompt) -> Reply {
        let mut reply = match (&rule.text, rule.tool_calls.is_empty()) {
            (Some(text), _) => Reply::text(text, prompt.tokens()),
            (None, true) => Reply::echo(prompt),
            (None, false) => Reply::text("", prompt.tokens()),
        };
        reply.calls.extend(rule.tool_calls.iter().cloned());
        if !reply.calls.is_empty() {
            "tool_calls".clone_into(&mut reply.finish);
        }
        if let Some(finish) = &rule.finish_reason {
            reply.finish.clone_from(finish);
        }
        reply.delay = Duration::from_millis(rule.delay_ms);
        reply.pause = Duration::from_millis(rule.pause_ms);
        reply.fault = rule.fault;
        reply.error = rule.status.filter(|status| *status >= 400).map(|status| Refusal {
            status,
            message: rule.message.clone().unwrap_or_else(|| format!("scripted error {status}")),
            retry_after: rule.retry_after,
            retry_after_ms: rule.retry_after_ms,
        });
        reply
    }

    /// Tokens of the answer: characters divided by four, rounded up, those of calls included.
    pub(super) fn tokens(&self) -> usize {
        let calls: usize = self.calls.iter().map(|call| call.arguments_text().chars().count()).sum();
        (self.text.chars().count() + calls).div_ceil(4)
    }

    /// The text in pieces as a stream carries it: words with the space after them.
    pub(super) fn pieces(&self) -> Vec<&str> {
        self.text.split_inclusive(' ').collect()
    }
}

/// `/call NAME {...}` asks for a call.
fn called(text: &str) -> Option<ToolCall> {
    let rest = text.strip_prefix("/call ")?.trim();
    let (name, arguments) = rest.split_once(' ').unwrap_or((rest, "{}"));
    let arguments = serde_json::from_str(arguments).ok()?;
    Some(ToolCall { name: name.to_owned(), arguments })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_make_the_text() {
        let reply = Reply::text("a  b c", 0);
        assert_eq!(reply.pieces().concat(), "a  b c");
        assert_eq!(reply.pieces().len(), 4);
    }

    #[test]
    fn a_call_can_be_asked_for() {
        let call = called(r#"/call look {"x": 1}"#).unwrap();
        assert_eq!((call.name.as_str(), call.arguments_text().as_str()), ("look", r#"{"x":1}"#));
        assert_eq!(called("/call look {"), None);
    }
}

//! Tokens that an answer says were used.

use serde::Serialize;

use crate::json::{Item, Tree};

/// Tokens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Usage {
    /// Of the request, those from a cache included.
    pub input: u64,
    /// Of the answer, reasoning included.
    pub output: u64,
    /// Of the request, those that came from a cache.
    pub cached: u64,
    /// Of the answer, those of reasoning.
    pub reasoning: u64,
}

impl Usage {
    /// What a body or an event says; `None` where it says nothing.
    pub fn of(tree: &Tree<'_>) -> Option<Usage> {
        let root = tree.root();
        let inner = root.get("response").or_else(|| root.get("message"));
        let told = root.get("usage").or_else(|| inner.and_then(|inner| inner.get("usage")));
        let usage = told.filter(|usage| usage.items().next().is_some()).map(openai);
        usage.or_else(|| ollama(root))
    }

    /// What is known after one more event: streams tell the request's tokens first and the answer's last.
    #[must_use]
    pub fn and(self, later: Usage) -> Usage {
        Usage {
            input: self.input.max(later.input),
            output: self.output.max(later.output),
            cached: self.cached.max(later.cached),
            reasoning: self.reasoning.max(later.reasoning),
        }
    }
}

fn openai(usage: Item<'_>) -> Usage {
    let first = |names: &[&[&str]]| {
        names.iter().find_map(|path| usage.at(path).and_then(|item| item.integer())).unwrap_or_default()
    };
    // Anthropic counts what it reads from its cache and writes to it apart.
    let read = first(&[&["cache_read_input_tokens"]]);
    let written = first(&[&["cache_creation_input_tokens"]]);
    Usage {
        input: first(&[&["prompt_tokens"], &["input_tokens"]]).saturating_add(read).saturating_add(written),
        output: first(&[&["completion_tokens"], &["output_tokens"]]),
        cached: first(&[
            &["prompt_tokens_details", "cached_tokens"],
            &["input_tokens_details", "cached_tokens"],
        ])
        .max(read),
        reasoning: first(&[
            &["completion_tokens_details", "reasoning_tokens"],
            &["output_tokens_details", "reasoning_tokens"],
        ]),
    }
}

fn ollama(root: Item<'_>) -> Option<Usage> {
    let number = |name: &str| root.get(name).and_then(|item| item.integer());
    let (input, output) = (number("prompt_eval_count"), number("eval_count"));
    (input.is_some() || output.is_some()).then(|| Usage {
        input: input.unwrap_or_default(),
        output: output.unwrap_or_default(),
        ..Usage::default()
    })
}

/// Why an answer ended, in the words of its API.
pub fn finish(tree: &Tree<'_>) -> Option<String> {
    let root = tree.root();
    let mut choices = root.get("choices").into_iter().flat_map(|choices| choices.items());
    let of_choice = choices.find_map(|choice| choice.get("finish_reason")?.text());
    let of_message = || root.get("stop_reason").or_else(|| root.at(&["delta", "stop_reason"]))?.text();
    let of_line = || root.get("done_reason")?.text();
    let of_response = || root.get("status").or_else(|| root.at(&["response", "status"]))?.text();
    of_choice.or_else(of_message).or_else(of_line).or_else(of_response).map(std::borrow::Cow::into_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::Bounds;

    fn check(body: &str, expected: Option<(u64, u64, u64, u64)>) {
        let tree = Tree::read(body.as_bytes(), &Bounds::default()).unwrap();
        let usage = Usage::of(&tree).map(|usage| (usage.input, usage.output, usage.cached, usage.reasoning));
        assert_eq!(usage, expected, "{body}");
    }

    #[test]
    fn every_api_tells_in_its_words() {
        check(
            r#"{"usage":{"prompt_tokens":9,"completion_tokens":4,"prompt_tokens_details":{"cached_tokens":2},"completion_tokens_details":{"reasoning_tokens":1}}}"#,
            Some((9, 4, 2, 1)),
        );
        check(
            r#"{"type":"response.completed","response":{"usage":{"input_tokens":9,"output_tokens":4}}}"#,
            Some((9, 4, 0, 0)),
        );
        check(
            r#"{"type":"message_start","message":{"usage":{"input_tokens":9,"cache_read_input_tokens":5,"output_tokens":1}}}"#,
            Some((14, 1, 5, 0)),
        );
        check(r#"{"done":true,"prompt_eval_count":3,"eval_count":7}"#, Some((3, 7, 0, 0)));
        check(r#"{"usage":null,"choices":[]}"#, None);
    }
}

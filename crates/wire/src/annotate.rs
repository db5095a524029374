//! Annotations as Azure OpenAI gives them: what was found in a prompt and in an answer, so that clients that read them work.
//!
//! Source: Azure OpenAI's content filtering, `content_filter_results` and `prompt_filter_results` of the API version 2024-10-21.

use serde_json::{Map, Value, json};

use crate::edit::{EditError, with_member};
use crate::json::Tree;

/// What was found, in the members of `content_filter_results`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Results {
    /// Harms by their names (`hate`, `sexual`, `violence`, `self_harm`) with a severity from 0 to 7, and whether it was blocked.
    pub harms: Vec<(&'static str, u8, bool)>,
    /// An attack by the user: whether one was found, and whether it was blocked.
    pub jailbreak: Option<(bool, bool)>,
    /// An attack in a document or in a tool's result.
    pub indirect_attack: Option<(bool, bool)>,
    /// Block lists: whether an item was found, and whether it was blocked.
    pub blocklists: Option<(bool, bool)>,
    /// Personal data or secrets: the detectors that found something, and whether it was blocked.
    pub sensitive: Vec<(String, bool)>,
}

/// A severity from 0 to 7 in Azure's words.
pub fn severity(level: u8) -> &'static str {
    match level {
        0 | 1 => "safe",
        2 | 3 => "low",
        4 | 5 => "medium",
        _ => "high",
    }
}

impl Results {
    /// As JSON.
    pub fn value(&self) -> Value {
        let mut members = Map::new();
        for (harm, level, filtered) in &self.harms {
            members.insert((*harm).to_owned(), json!({"filtered": filtered, "severity": severity(*level)}));
        }
        let found = |found: (bool, bool)| json!({"filtered": found.1, "detected": found.0});
        if let Some(attack) = self.jailbreak {
            members.insert("jailbreak".to_owned(), found(attack));
        }
        if let Some(attack) = self.indirect_attack {
            members.insert("indirect_attack".to_owned(), found(attack));
        }
        if let Some(listed) = self.blocklists {
            members.insert("custom_blocklists".to_owned(), found(listed));
        }
        if !self.sensitive.is_empty() {
            let filtered = self.sensitive.iter().any(|(_, filtered)| *filtered);
            let kinds: Vec<Value> = self
                .sensitive
                .iter()
                .map(|(kind, filtered)| json!({"sub_category": kind, "filtered": filtered, "detected": true}))
                .collect();
            let value = json!({"filtered": filtered, "detected": true, "sub_categories": kinds});
            members.insert("personally_identifiable_information".to_owned(), value);
        }
        Value::Object(members)
    }
}

/// A whole answer of chat or completions with annotations; as it was where it has no choices.
///
/// # Errors
/// When the body is not what was read.
pub fn annotated(tree: &Tree<'_>, prompt: &Results, answer: &Results) -> Result<Vec<u8>, EditError> {
    let root = tree.root();
    let mut body = tree.bytes().to_vec();
    if root.get("choices").is_none() {
        return Ok(body);
    }
    // From the end to the beginning, so that places stay where they are.
    let prompt_results = json!([{"prompt_index": 0, "content_filter_results": prompt.value()}]);
    if root.get("prompt_filter_results").is_none() {
        body = with_member(&body, root.span(), &format!("\"prompt_filter_results\":{prompt_results}"))?;
    }
    let member = format!("\"content_filter_results\":{}", answer.value());
    let choices: Vec<_> = root.get("choices").into_iter().flat_map(|choices| choices.items()).collect();
    for choice in choices.iter().rev().filter(|choice| choice.get("content_filter_results").is_none()) {
        body = with_member(&body, choice.span(), &member)?;
    }
    Ok(body)
}

/// The first chunk of a stream: what was found in the prompt.
pub fn first_chunk(prompt: &Results) -> Vec<u8> {
    let chunk = json!({
        "id": "", "object": "", "created": 0, "model": "", "choices": [],
        "prompt_filter_results": [{"prompt_index": 0, "content_filter_results": prompt.value()}],
    });
    crate::frame::event(None, &chunk.to_string())
}

/// A chunk that says how far an answer has been looked at, in characters, and what was found.
pub fn offsets_chunk(choice: u64, checked: usize, from: usize, answer: &Results) -> Vec<u8> {
    let chunk = json!({
        "id": "", "object": "", "created": 0, "model": "",
        "choices": [{"index": choice, "finish_reason": null, "delta": {}, "content_filter_results": answer.value(),
            "content_filter_offsets": {"check_offset": checked, "start_offset": from, "end_offset": checked}}],
    });
    crate::frame::event(None, &chunk.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::Bounds;

    #[test]
    fn answers_get_what_clients_of_azure_read() {
        let body = br#"{"id":"x","choices":[{"index":0,"message":{"content":"a"}},{"index":1}],"usage":{}}"#;
        let tree = Tree::read(body, &Bounds::default()).unwrap();
        let prompt = Results { jailbreak: Some((true, false)), ..Results::default() };
        let answer = Results { harms: vec![("hate", 5, false)], ..Results::default() };
        let value: Value = serde_json::from_slice(&annotated(&tree, &prompt, &answer).unwrap()).unwrap();
        assert_eq!(value.pointer("/choices/1/content_filter_results/hate/severity"), Some(&json!("medium")));
        let attack = value.pointer("/prompt_filter_results/0/content_filter_results/jailbreak");
        assert_eq!(attack, Some(&json!({"filtered": false, "detected": true})));
        assert_eq!(value.pointer("/choices/0/message/content"), Some(&json!("a")));
    }
}

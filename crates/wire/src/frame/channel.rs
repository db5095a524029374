//! Which texts of a stream continue one another.
//!
//! A text is told by the numbers in its event, never by its place in a list: a server may leave choices out.

use crate::json::{Item, Tree};

/// The channel of a text at a path; `None` where it is a text of its own.
pub(super) fn of(tree: &Tree<'_>, path: &str) -> Option<String> {
    let root = tree.root();
    if let Some(rest) = path.strip_prefix("choices[") {
        return choice(root, rest);
    }
    let kind = root.get("type").and_then(|kind| kind.text()).unwrap_or_default();
    if let Some(event) = kind.strip_suffix(".delta").filter(|_| path == "delta") {
        return Some(format!("{}{event}", item(root)));
    }
    if kind == "content_block_delta" && path.starts_with("delta.") {
        let index = root.get("index").and_then(|index| index.integer()).unwrap_or_default();
        return Some(format!("block {index} {}", path.trim_start_matches("delta.")));
    }
    // Ollama's lines.
    let is_line = root.get("done").is_some();
    let continues = matches!(path, "response" | "thinking" | "message.content" | "message.thinking");
    (is_line && continues).then(|| format!("line {path}"))
}

/// `0].delta.tool_calls[0].function.arguments` of a chat, `0].text` of a completion.
fn choice(root: Item<'_>, rest: &str) -> Option<String> {
    let (place, member) = rest.split_once("].")?;
    let choice = root.get("choices")?.items().nth(place.parse().ok()?)?;
    let index = choice.get("index").and_then(|index| index.integer()).unwrap_or_default();
    if member == "text" {
        return Some(format!("choice {index} text"));
    }
    let member = member.strip_prefix("delta.")?;
    if let Some(call) = member.strip_prefix("tool_calls[") {
        let (place, member) = call.split_once("].")?;
        let call = choice.at(&["delta", "tool_calls"])?.items().nth(place.parse().ok()?)?;
        let number = call.get("index").and_then(|index| index.integer()).unwrap_or_default();
        return Some(format!("choice {index} call {number} {member}"));
    }
    // Parts of a list, such as references to sources, are whole.
    (!member.contains('[')).then(|| format!("choice {index} {member}"))
}

/// Which item and which part of it an event of the Responses API is about.
fn item(root: Item<'_>) -> String {
    let number = |name: &str| root.get(name).and_then(|number| number.integer()).unwrap_or_default();
    format!("item {} part {} {} ", number("output_index"), number("content_index"), number("summary_index"))
}

/// Channels that end with an event.
pub(super) fn ends(tree: &Tree<'_>) -> Vec<String> {
    let root = tree.root();
    let mut ends = Vec::new();
    for choice in root.get("choices").into_iter().flat_map(|choices| choices.items()) {
        let is_over = choice.get("finish_reason").is_some_and(|reason| reason.text().is_some());
        if let Some(index) = choice.get("index").and_then(|index| index.integer()).filter(|_| is_over) {
            ends.push(format!("choice {index} "));
        }
    }
    let kind = root.get("type").and_then(|kind| kind.text()).unwrap_or_default();
    match &*kind {
        "message_stop" | "response.completed" | "response.incomplete" | "response.failed" | "error" => {
            ends.push(String::new());
        }
        "content_block_stop" => {
            let index = root.get("index").and_then(|index| index.integer()).unwrap_or_default();
            ends.push(format!("block {index} "));
        }
        "response.output_item.done" => {
            let index = root.get("output_index").and_then(|index| index.integer()).unwrap_or_default();
            ends.push(format!("item {index} "));
        }
        done => {
            if let Some(event) = done.strip_suffix(".done") {
                ends.push(format!("{}{event}", item(root)));
            }
        }
    }
    if root.get("done").and_then(|done| done.truth()) == Some(true) {
        ends.push(String::new());
    }
    ends
}

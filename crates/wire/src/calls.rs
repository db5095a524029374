//! Calls of tools as wholes: the tool's name with its arguments.

use crate::json::{Item, Kind, Tree};

/// Most calls of a body.
const MOST: usize = 4_096;

/// A call of a tool.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Call {
    /// The tool's name; empty where the call has none.
    pub tool: String,
    /// Its arguments as JSON.
    pub arguments: String,
    /// Where they stand.
    pub path: String,
}

/// The calls of a body: of Chat and Ollama (`function`), of Responses (`function_call`), of Anthropic's messages
/// (`tool_use`) and whatever else has a name and arguments.
pub fn calls(tree: &Tree<'_>) -> Vec<Call> {
    let mut found = Vec::new();
    let mut open = vec![tree.root()];
    while let Some(item) = open.pop() {
        if item.kind() == Kind::Record
            && found.len() < MOST
            && let Some(arguments) = arguments(item)
        {
            let json = match arguments.text() {
                Some(text) => text.into_owned(),
                None => String::from_utf8_lossy(arguments.raw()).into_owned(),
            };
            found.push(Call {
                tool: name(item).unwrap_or_default(),
                arguments: json,
                path: arguments.path(),
            });
        }
        open.extend(item.items());
    }
    found.reverse();
    found
}

/// Whether a frame of a stream has whole calls, and not parts of them.
pub fn is_whole(tree: &Tree<'_>) -> bool {
    let root = tree.root();
    if root.get("choices").is_some() {
        return false;
    }
    match root.get("type").and_then(|kind| kind.text()) {
        None => true,
        Some(kind) => [".done", ".completed", ".incomplete", ".failed"].iter().any(|end| kind.ends_with(end)),
    }
}

/// Names of tools that a frame of a stream tells before their arguments come, by the beginning of their channel's name.
pub fn names(tree: &Tree<'_>) -> Option<(String, String)> {
    let root = tree.root();
    let number = |name: &str| root.get(name).and_then(|number| number.integer()).unwrap_or_default();
    if let Some(block) = root.get("content_block") {
        return Some((format!("block {} ", number("index")), name(block)?));
    }
    let item = root.get("item")?;
    Some((format!("item {} ", number("output_index")), name(item)?))
}

fn name(item: Item<'_>) -> Option<String> {
    item.get("name").and_then(|name| name.text()).map(std::borrow::Cow::into_owned)
}

fn arguments(item: Item<'_>) -> Option<Item<'_>> {
    let is_value = |value: &Item<'_>| matches!(value.kind(), Kind::Text | Kind::Record);
    if let Some(arguments) = item.get("arguments").filter(is_value) {
        return Some(arguments);
    }
    let is_use = item.get("type").and_then(|kind| kind.text()).is_some_and(|kind| kind.ends_with("tool_use"));
    item.get("input").filter(|_| is_use)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::Bounds;

    fn check(body: &str, expected: &[(&str, &str)]) {
        let tree = Tree::read(body.as_bytes(), &Bounds::default()).unwrap();
        let calls = calls(&tree);
        let told: Vec<_> = calls.iter().map(|call| (call.tool.as_str(), call.arguments.as_str())).collect();
        assert_eq!(told, expected, "{body}");
    }

    #[test]
    fn every_api_has_its_calls() {
        check(
            r#"{"choices":[{"message":{"tool_calls":[{"function":{"name":"f","arguments":"{\"a\":1}"}},{"function":{"name":"g","arguments":{}}}]}}]}"#,
            &[("f", r#"{"a":1}"#), ("g", "{}")],
        );
        check(
            r#"{"output":[{"type":"function_call","name":"f","arguments":"{}"}],"content":[{"type":"tool_use","name":"g","input":{"b": 2}},{"type":"text","input":"x"}]}"#,
            &[("f", "{}"), ("g", r#"{"b": 2}"#)],
        );
        check(r#"{"tools":[{"function":{"name":"f","parameters":{}}}]}"#, &[]);
    }
}

//! Values and resources in Terraform's language.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::Value;

use crate::content::TerraformFix;

/// A string literal.
pub(crate) fn string(text: &str) -> String {
    let mut quoted = String::from("\"");
    let mut rest = text.chars().peekable();
    while let Some(character) = rest.next() {
        match character {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            '$' | '%' if rest.peek() == Some(&'{') => {
                quoted.push(character);
                quoted.push(character);
            }
            control if control.is_control() => {
                let _ = write!(quoted, "\\u{:04x}", u32::from(control));
            }
            other => quoted.push(other),
        }
    }
    quoted.push('"');
    quoted
}

fn value(json: &Value, indent: usize) -> String {
    let (inner, outer) = (" ".repeat(indent + 2), " ".repeat(indent));
    match json {
        Value::String(text) => string(text),
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(|item| value(item, indent)).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Object(members) if members.is_empty() => "{}".to_owned(),
        Value::Object(members) => {
            let lines: Vec<String> = members
                .iter()
                .map(|(name, member)| format!("{inner}{} = {}\n", key(name), value(member, indent + 2)))
                .collect();
            format!("{{\n{}{outer}}}", lines.concat())
        }
        other => other.to_string(),
    }
}

fn is_identifier(name: &str) -> bool {
    let mut characters = name.chars();
    characters.next().is_some_and(|first| first.is_ascii_alphabetic() || first == '_')
        && characters.all(|next| next.is_ascii_alphanumeric() || matches!(next, '_' | '-'))
}

fn key(name: &str) -> String {
    if is_identifier(name) { name.to_owned() } else { string(name) }
}

/// A label for a resource block, from any name.
pub(crate) fn label(name: &str) -> String {
    let mut label: String = name
        .chars()
        .map(|character| if character.is_ascii_alphanumeric() { character.to_ascii_lowercase() } else { '_' })
        .collect();
    if !label.starts_with(|first: char| first.is_ascii_alphabetic()) {
        label.insert_str(0, "r_");
    }
    label
}

/// The attributes of each `azurerm` resource, as blocks to merge into the existing ones.
pub(crate) fn attributes(fixes: &[TerraformFix], name: &str) -> String {
    let mut by_resource: BTreeMap<&str, Block> = BTreeMap::new();
    for fix in fixes {
        let block = by_resource.entry(&fix.resource).or_default();
        let path: Vec<&str> = fix.attribute.split('.').collect();
        block.set(&path, &fix.value.to_json());
    }
    let mut text = String::new();
    for (resource, block) in by_resource {
        let _ = writeln!(text, "resource {} {} {{", string(resource), string(&label(name)));
        text.push_str("  # keep the other arguments, and set:\n");
        block.write(2, &mut text);
        text.push_str("}\n");
    }
    text
}

#[derive(Default)]
struct Block {
    attributes: Vec<(String, Value)>,
    blocks: BTreeMap<String, Block>,
}

impl Block {
    fn set(&mut self, path: &[&str], json: &Value) {
        match path {
            [] => {}
            [attribute] => self.attributes.push(((*attribute).to_owned(), json.clone())),
            [block, rest @ ..] => self.blocks.entry((*block).to_owned()).or_default().set(rest, json),
        }
    }

    fn write(&self, indent: usize, text: &mut String) {
        let margin = " ".repeat(indent);
        for (name, json) in &self.attributes {
            let _ = writeln!(text, "{margin}{} = {}", key(name), value(json, indent));
        }
        for (name, block) in &self.blocks {
            let _ = writeln!(text, "{margin}{} {{", key(name));
            block.write(indent + 2, text);
            let _ = writeln!(text, "{margin}}}");
        }
    }
}

/// An `azapi_update_resource` that sets these members.
pub(crate) fn update_resource(name: &str, type_and_version: &str, id: &str, body: &Value) -> String {
    format!(
        "resource \"azapi_update_resource\" {} {{\n  type        = {}\n  resource_id = {}\n  body = {}\n}}\n",
        string(&label(name)),
        string(type_and_version),
        string(id),
        value(body, 2)
    )
}

#[cfg(test)]
mod tests {
    use castellan_base::{Node, Value as NodeValue};

    use super::*;

    #[test]
    fn strings_cannot_interpolate() {
        assert_eq!(string("a\"${x}%{y}$5\u{7}"), "\"a\\\"$${x}%%{y}$5\\u0007\"");
        assert_eq!(label("1-Ai.x"), "r_1_ai_x");
    }

    #[test]
    fn attributes_of_blocks_nest() {
        let fix = |attribute: &str, value: NodeValue| TerraformFix {
            resource: "azurerm_x".into(),
            attribute: attribute.into(),
            value: Node::from_value(value),
        };
        let fixes = [fix("a", NodeValue::Bool(true)), fix("acls.default", NodeValue::string("Deny"))];
        let expected = "resource \"azurerm_x\" \"n\" {\n  # keep the other arguments, and set:\n  a = true\n  acls {\n    default = \"Deny\"\n  }\n}\n";
        assert_eq!(attributes(&fixes, "n"), expected);
    }
}

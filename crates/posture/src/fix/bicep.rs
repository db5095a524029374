//! Values and resources in Bicep.

use std::fmt::Write as _;

use serde_json::Value;

/// A string literal.
pub(crate) fn string(text: &str) -> String {
    let mut quoted = String::from("'");
    for character in text.chars() {
        match character {
            '\'' => quoted.push_str("\\'"),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            '$' => quoted.push_str("\\$"),
            control if control.is_control() => {
                let _ = write!(quoted, "\\u{{{:x}}}", u32::from(control));
            }
            other => quoted.push(other),
        }
    }
    quoted.push('\'');
    quoted
}

fn key(name: &str) -> String {
    let mut characters = name.chars();
    let starts_well = characters.next().is_some_and(|first| first.is_ascii_alphabetic() || first == '_');
    let goes_on = characters.all(|next| next.is_ascii_alphanumeric() || next == '_');
    if starts_well && goes_on { name.to_owned() } else { string(name) }
}

/// A value, with the lines after the first indented by `indent` spaces.
pub(crate) fn value(json: &Value, indent: usize) -> String {
    let (inner, outer) = (" ".repeat(indent + 2), " ".repeat(indent));
    match json {
        Value::String(text) => string(text),
        Value::Array(items) if items.is_empty() => "[]".to_owned(),
        Value::Array(items) => {
            let lines: Vec<String> =
                items.iter().map(|item| format!("{inner}{}\n", value(item, indent + 2))).collect();
            format!("[\n{}{outer}]", lines.concat())
        }
        Value::Object(members) if members.is_empty() => "{}".to_owned(),
        Value::Object(members) => {
            let lines: Vec<String> = members
                .iter()
                .map(|(name, member)| format!("{inner}{}: {}\n", key(name), value(member, indent + 2)))
                .collect();
            format!("{{\n{}{outer}}}", lines.concat())
        }
        // Bicep has no fractions; `json()` is how they are written.
        Value::Number(number) if number.is_f64() => format!("json('{number}')"),
        other => other.to_string(),
    }
}

/// A resource declaration with these members to set.
pub(crate) fn resource(symbol: &str, type_and_version: &str, name: &str, body: &Value) -> String {
    let mut text = format!("resource {symbol} {} = {{\n", string(type_and_version));
    let _ = writeln!(text, "  name: {}", string(name));
    text.push_str("  // keep the rest as it is, and set:\n");
    for (member, json) in body.as_object().into_iter().flatten() {
        let _ = writeln!(text, "  {}: {}", key(member), value(json, 2));
    }
    text.push_str("}\n");
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_cannot_break_out() {
        assert_eq!(string("a'${b}\\\u{1}"), "'a\\'\\${b}\\\\\\u{1}'");
        let body = serde_json::json!({"properties": {"a-b": [true, 1.5], "c": {}}});
        let text = resource("r", "P/t@v", "n", &body);
        assert!(
            text.contains(
                "  properties: {\n    'a-b': [\n      true\n      json('1.5')\n    ]\n    c: {}\n  }\n}\n"
            ),
            "{text}"
        );
    }
}

//! Documents as YAML, in the form that people edit.

use std::fmt::Write as _;

use serde_json::Value;

/// A document as YAML that reads back as the same document.
///
/// ```
/// let yaml = castellan_respond::playbook::to_yaml(&serde_json::json!({"name": "a: b", "steps": [1, true]}));
/// assert_eq!(yaml, "name: \"a: b\"\nsteps:\n  - 1\n  - true\n");
/// ```
pub fn to_yaml(document: &Value) -> String {
    let mut out = String::new();
    block(document, 0, &mut out);
    out
}

fn block(value: &Value, indent: usize, out: &mut String) {
    match value {
        Value::Object(members) if !members.is_empty() => {
            for (key, member) in members {
                pad(indent, out);
                out.push_str(&scalar(key));
                out.push(':');
                entry(member, indent, out);
            }
        }
        Value::Array(items) if !items.is_empty() => {
            for item in items {
                pad(indent, out);
                out.push('-');
                entry(item, indent, out);
            }
        }
        other => {
            pad(indent, out);
            out.push_str(&flow(other));
            out.push('\n');
        }
    }
}

/// What follows a colon or a dash: on the same line when it is short, else as a block below.
fn entry(value: &Value, indent: usize, out: &mut String) {
    let is_block = match value {
        Value::Object(members) => !members.is_empty(),
        Value::Array(items) => !items.is_empty(),
        _ => false,
    };
    if is_block {
        out.push('\n');
        block(value, indent + 2, out);
    } else {
        out.push(' ');
        out.push_str(&flow(value));
        out.push('\n');
    }
}

fn pad(indent: usize, out: &mut String) {
    let _ = write!(out, "{:indent$}", "");
}

fn flow(value: &Value) -> String {
    match value {
        Value::String(text) => scalar(text),
        other => other.to_string(),
    }
}

/// A text without quotes where no reader could take it for anything else, else as JSON writes it, which YAML reads.
fn scalar(text: &str) -> String {
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || b"_-./ (),;".contains(&byte);
    let is_plain = text.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
        && !text.ends_with(' ')
        && text.bytes().all(is_part)
        && !["true", "false", "null", "yes", "no", "on", "off", "y", "n"]
            .iter()
            .any(|word| text.eq_ignore_ascii_case(word));
    if is_plain { text.to_owned() } else { Value::from(text).to_string() }
}

#[cfg(test)]
mod tests {
    use castellan_base::{Limits, Sources, yaml};
    use proptest::prelude::*;

    use super::*;

    fn any_value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            "[ -~\u{e9}\n\t]{0,12}".prop_map(Value::from),
            "(true|no|~|1e3|-|: |#x|a #b|0x1f|\\[|\\{)".prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 32, 5, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
                prop::collection::btree_map("[a-z_:# -]{0,6}", inner, 0..5)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn reads_back_as_the_same(value in any_value()) {
            let text = to_yaml(&value);
            let mut sources = Sources::default();
            let source = sources.add("t", text.as_str());
            let read = yaml::parse(&text, source, &Limits::default());
            prop_assert_eq!(read.map(|node| node.to_json()).map_err(|error| error.message), Ok(value), "{}", text);
        }
    }
}

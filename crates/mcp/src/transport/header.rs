//! Header values that repeat what a body says (2026-07-28, Streamable HTTP, "Request Metadata").

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::json::Value;

const PREFIX: &str = "=?base64?";
const SUFFIX: &str = "?=";

/// A value as a header carries it: in Base64 between marks when it is not plain.
#[must_use]
pub fn encode(value: &str) -> String {
    let is_plain = value.bytes().all(|byte| (b' '..=b'~').contains(&byte));
    let is_padded = value.starts_with(' ') || value.ends_with(' ');
    let is_marked = value.starts_with(PREFIX) && value.ends_with(SUFFIX);
    if is_plain && !is_padded && !is_marked {
        return value.to_owned();
    }
    format!("{PREFIX}{}{SUFFIX}", STANDARD.encode(value))
}

/// What a header value stands for; `None` for characters that a value must not have, and for Base64 that is none.
#[must_use]
pub fn decode(value: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(value).ok()?;
    if !text.bytes().all(|byte| (b' '..=b'~').contains(&byte) || byte == b'\t') {
        return None;
    }
    let text = text.trim_matches([' ', '\t']);
    let Some(inner) = text.strip_prefix(PREFIX).and_then(|rest| rest.strip_suffix(SUFFIX)) else {
        return Some(text.to_owned());
    };
    String::from_utf8(STANDARD.decode(inner).ok()?).ok()
}

/// An `x-mcp-header` of a tool's schema: an argument that a header has to repeat.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeaderAnnotation {
    /// The whole header's name, in lower case: `mcp-param-region`.
    pub header: String,
    /// Property names from the arguments' root.
    pub path: Vec<String>,
}

/// Most annotated arguments of one tool.
const MOST: usize = 64;

/// The annotations of an input schema.
///
/// # Errors
/// Which rule of the specification an annotation breaks; such a tool must not be listed.
pub fn annotations(schema: &Value) -> Result<Vec<HeaderAnnotation>, String> {
    let mut found = Vec::new();
    collect(schema, &mut Vec::new(), &mut found)?;
    if count(schema) != found.len() {
        return Err("`x-mcp-header` stands where no chain of `properties` leads".to_owned());
    }
    Ok(found)
}

fn collect(schema: &Value, path: &mut Vec<String>, found: &mut Vec<HeaderAnnotation>) -> Result<(), String> {
    for member in schema.get("properties").map(Value::members).unwrap_or_default() {
        path.push(member.key.to_string());
        if let Some(header) = member.value.get("x-mcp-header") {
            let header = name(header, &member.value)?;
            if found.len() >= MOST || found.iter().any(|other| other.header == header) {
                return Err(format!("`x-mcp-header` has `{header}` twice, or there are more than {MOST}"));
            }
            found.push(HeaderAnnotation { header, path: path.clone() });
        }
        collect(&member.value, path, found)?;
        path.pop();
    }
    Ok(())
}

fn name(header: &Value, schema: &Value) -> Result<String, String> {
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    let name = header.as_str().filter(|name| (1..=64).contains(&name.len()) && name.bytes().all(is_token));
    let name = name.ok_or("`x-mcp-header` has to be a header's name of at most 64 characters")?;
    let kind = schema.get("type").and_then(Value::as_str).unwrap_or_default();
    if !matches!(kind, "string" | "integer" | "boolean") {
        return Err(format!("`x-mcp-header` `{name}` needs the type string, integer or boolean"));
    }
    Ok(format!("mcp-param-{}", name.to_ascii_lowercase()))
}

/// Annotations anywhere: where a schema stands, not where `x-mcp-header` is the name of a property.
fn count(value: &Value) -> usize {
    let own = usize::from(value.get("x-mcp-header").is_some());
    let of_members = value.members().iter().map(|member| match &*member.key {
        "properties" | "$defs" | "definitions" | "patternProperties" | "dependentSchemas" => {
            member.value.members().iter().map(|inner| count(&inner.value)).sum()
        }
        "const" | "default" | "enum" | "examples" => 0,
        _ => count(&member.value),
    });
    let of_items = value.items().iter().map(count);
    own + of_members.sum::<usize>() + of_items.sum::<usize>()
}

/// Whether a header value stands for the same thing as an argument. Numbers compare as numbers.
pub(super) fn agrees(header: &str, argument: &Value) -> bool {
    if let Some(text) = argument.as_str() {
        return header == text;
    }
    if let Some(flag) = argument.as_bool() {
        return header == if flag { "true" } else { "false" };
    }
    let is_number = header.bytes().all(|byte| byte.is_ascii_digit() || b"+-.eE".contains(&byte));
    is_number
        && header.parse::<f64>().ok().is_some_and(|number| argument.as_f64() == Some(number))
        && (argument.as_i64().is_none()
            || header.parse::<i64>().ok().is_none_or(|whole| argument.as_i64() == Some(whole)))
}

//! Strings.

use castellan_base::{Node, Value};
use uuid::Uuid;

use super::{Call, Function, FunctionError, TEXT_LIMIT, bounded_text, rows, string_format};

pub(super) static FUNCTIONS: &[Function] = rows! { "string":
    "endsWith" 2 2 Shallow ends_with, "endsWith(text, end)", "Whether the text ends so, in any case.";
    "format" 1 any Shallow format, "format(pattern, a, ...)", "The pattern with `{0}`, `{1:N0}`, ... filled in as .NET does.";
    "guid" 1 any Shallow guid, "guid(a, ...)", "A name-based GUID of the arguments.";
    "join" 2 2 Deep join, "join(array, delimiter)", "The items as one string.";
    "padLeft" 2 3 Shallow pad_left, "padLeft(value, width, character?)", "The text, filled on the left.";
    "replace" 3 3 Shallow replace, "replace(text, old, new)", "The text with every `old` replaced.";
    "split" 2 2 Shallow split, "split(text, delimiters)", "The parts between delimiters.";
    "startsWith" 2 2 Shallow starts_with, "startsWith(text, start)", "Whether the text starts so, in any case.";
    "string" 1 1 Deep string, "string(value)", "The value as a string; containers as JSON.";
    "substring" 2 3 Shallow substring, "substring(text, start, length?)", "A part of the text.";
    "toLower" 1 1 Shallow to_lower, "toLower(text)", "In lower case.";
    "toUpper" 1 1 Shallow to_upper, "toUpper(text)", "In upper case.";
    "trim" 1 1 Shallow trim, "trim(text)", "Without white space at the ends.";
};

/// Text as `string()` gives it.
pub(super) fn text_of(node: &Node) -> String {
    match &node.value {
        Value::Null => String::new(),
        Value::Bool(flag) => if *flag { "True" } else { "False" }.to_owned(),
        Value::Int(number) => number.to_string(),
        Value::Float(number) => number.to_string(),
        Value::String(text) => text.to_string(),
        _ => node.to_json().to_string(),
    }
}

fn ends_with(call: &Call<'_>) -> Result<Value, FunctionError> {
    Ok(Value::Bool(call.text(0)?.to_lowercase().ends_with(&call.text(1)?.to_lowercase())))
}

fn starts_with(call: &Call<'_>) -> Result<Value, FunctionError> {
    Ok(Value::Bool(call.text(0)?.to_lowercase().starts_with(&call.text(1)?.to_lowercase())))
}

fn format(call: &Call<'_>) -> Result<Value, FunctionError> {
    let args = call.args.get(1..).unwrap_or_default();
    bounded_text(string_format::format(call.text(0)?, args)?)
}

/// The namespace that Resource Manager's `guid` uses.
const GUID_NAMESPACE: Uuid = Uuid::from_u128(0x11fb06fb_712d_4ddd_98c7_e71bbd588830);

/// RFC 4122 version 5 over the arguments joined by `-`.
fn guid(call: &Call<'_>) -> Result<Value, FunctionError> {
    let parts: Result<Vec<&str>, FunctionError> =
        (0..call.args.len()).map(|index| call.text(index)).collect();
    let name = parts?.join("-");
    Ok(Value::string(Uuid::new_v5(&GUID_NAMESPACE, name.as_bytes()).to_string()))
}

fn join(call: &Call<'_>) -> Result<Value, FunctionError> {
    let parts: Vec<String> = call.array(0)?.iter().map(text_of).collect();
    let delimiter = call.text(1)?;
    let length: usize = parts.iter().map(|part| part.len() + delimiter.len()).sum();
    if length > TEXT_LIMIT + delimiter.len() {
        return Err(FunctionError::new("the text would be too long"));
    }
    bounded_text(parts.join(delimiter))
}

fn pad_left(call: &Call<'_>) -> Result<Value, FunctionError> {
    let text = match &call.arg(0)?.value {
        Value::String(_) | Value::Int(_) => text_of(call.arg(0)?),
        _ => return Err(call.wrong(0, "a string or a whole number")),
    };
    let fill = if call.args.len() > 2 { call.text(2)?.chars().next().unwrap_or(' ') } else { ' ' };
    let width = call.count(1)?;
    let missing = width.saturating_sub(text.chars().count());
    if missing > TEXT_LIMIT {
        return Err(FunctionError::new("the text would be too long"));
    }
    bounded_text(std::iter::repeat_n(fill, missing).collect::<String>() + &text)
}

fn replace(call: &Call<'_>) -> Result<Value, FunctionError> {
    let (text, old, new) = (call.text(0)?, call.text(1)?, call.text(2)?);
    if old.is_empty() {
        return Err(FunctionError::new("argument 2 must not be empty"));
    }
    let found = text.matches(old).count();
    if text.len() + found.saturating_mul(new.len()) > TEXT_LIMIT {
        return Err(FunctionError::new("the text would be too long"));
    }
    Ok(Value::string(text.replace(old, new)))
}

fn split(call: &Call<'_>) -> Result<Value, FunctionError> {
    let text = call.text(0)?;
    let delimiters: Vec<&str> = match &call.arg(1)?.value {
        Value::String(delimiter) => vec![delimiter],
        Value::Array(items) => items.iter().filter_map(Node::as_str).collect(),
        _ => return Err(call.wrong(1, "a string or an array of strings")),
    };
    let mut parts = Vec::new();
    let (mut start, mut offset) = (0, 0);
    while offset < text.len() {
        let rest = text.get(offset..).unwrap_or_default();
        let found =
            delimiters.iter().filter(|delimiter| !delimiter.is_empty() && rest.starts_with(**delimiter));
        if let Some(longest) = found.max_by_key(|delimiter| delimiter.len()) {
            parts.push(text.get(start..offset).unwrap_or_default());
            offset += longest.len();
            start = offset;
        } else {
            offset += rest.chars().next().map_or(1, char::len_utf8);
        }
    }
    parts.push(text.get(start..).unwrap_or_default());
    call.strings(parts)
}

fn string(call: &Call<'_>) -> Result<Value, FunctionError> {
    bounded_text(text_of(call.arg(0)?))
}

fn substring(call: &Call<'_>) -> Result<Value, FunctionError> {
    let text = call.text(0)?;
    let length = text.chars().count();
    let start = usize::try_from(call.int(1)?).ok().filter(|start| *start <= length);
    let start = start.ok_or_else(|| FunctionError::new("the start is outside the text"))?;
    let take = if call.args.len() > 2 {
        let wanted = usize::try_from(call.int(2)?).ok().filter(|wanted| start + *wanted <= length);
        wanted.ok_or_else(|| FunctionError::new("the length reaches outside the text"))?
    } else {
        length - start
    };
    Ok(Value::string(text.chars().skip(start).take(take).collect::<String>()))
}

fn to_lower(call: &Call<'_>) -> Result<Value, FunctionError> {
    Ok(Value::string(call.text(0)?.to_lowercase()))
}

fn to_upper(call: &Call<'_>) -> Result<Value, FunctionError> {
    Ok(Value::string(call.text(0)?.to_uppercase()))
}

fn trim(call: &Call<'_>) -> Result<Value, FunctionError> {
    Ok(Value::string(call.text(0)?.trim()))
}

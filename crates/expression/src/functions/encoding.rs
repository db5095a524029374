//! Base64, data URIs and URIs.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use castellan_base::{Limits, SourceId, Value, json};

use super::{Call, Function, FunctionError, bounded_text, rows};

pub(super) static FUNCTIONS: &[Function] = rows! { "encoding":
    "base64" 1 1 Shallow encode, "base64(text)", "The UTF-8 text in base64.";
    "base64ToJson" 1 1 Shallow to_json, "base64ToJson(base64)", "The JSON value that a base64 text holds.";
    "base64ToString" 1 1 Shallow decode, "base64ToString(base64)", "The text that a base64 text holds.";
    "dataUri" 1 1 Shallow data_uri, "dataUri(text)", "The text as a data URI.";
    "dataUriToString" 1 1 Shallow from_data_uri, "dataUriToString(uri)", "The text that a data URI holds.";
    "uri" 2 2 Shallow uri, "uri(base, relative)", "The relative URI as seen from the base.";
    "uriComponent" 1 1 Shallow component, "uriComponent(text)", "The text escaped for a URI.";
    "uriComponentToString" 1 1 Shallow from_component, "uriComponentToString(text)", "The text without URI escapes.";
};

fn encode(call: &Call<'_>) -> Result<Value, FunctionError> {
    bounded_text(STANDARD.encode(call.text(0)?))
}

fn decoded(text: &str) -> Result<String, FunctionError> {
    let bytes = STANDARD.decode(text.trim()).map_err(|_| FunctionError::new("this is no base64"))?;
    String::from_utf8(bytes).map_err(|_| FunctionError::new("the base64 text does not hold UTF-8"))
}

fn decode(call: &Call<'_>) -> Result<Value, FunctionError> {
    Ok(Value::string(decoded(call.text(0)?)?))
}

fn to_json(call: &Call<'_>) -> Result<Value, FunctionError> {
    let limits = Limits { bytes: 4 << 20, depth: 64, values: 200_000 };
    let parsed = json::parse(&decoded(call.text(0)?)?, SourceId::NONE, &limits);
    parsed
        .map(|node| node.value)
        .map_err(|diagnostic| FunctionError::new(format!("no JSON: {}", diagnostic.message)))
}

fn data_uri(call: &Call<'_>) -> Result<Value, FunctionError> {
    bounded_text(format!("data:text/plain;charset=utf8;base64,{}", STANDARD.encode(call.text(0)?)))
}

fn from_data_uri(call: &Call<'_>) -> Result<Value, FunctionError> {
    let error = || FunctionError::new("this is no data URI");
    let rest = call.text(0)?.strip_prefix("data:").ok_or_else(error)?;
    let (kind, data) = rest.split_once(',').ok_or_else(error)?;
    let text = if kind.ends_with(";base64") { decoded(data)? } else { unescaped(data)? };
    Ok(Value::string(text))
}

/// Joins as the documentation says: a base that ends in a slash keeps all of itself, one with a path loses the part
/// after its last slash, one without a path gets the relative part as its path.
fn uri(call: &Call<'_>) -> Result<Value, FunctionError> {
    let (base, relative) = (call.text(0)?, call.text(1)?);
    let scheme_end = base.find("://").ok_or_else(|| FunctionError::new("the base is no absolute URI"))? + 3;
    let authority_end =
        base.get(scheme_end..).and_then(|rest| rest.find('/')).map(|offset| offset + scheme_end);
    let origin = base.get(..authority_end.unwrap_or(base.len())).unwrap_or(base);
    if relative.starts_with('/') {
        return bounded_text(format!("{origin}{relative}"));
    }
    let folder = match authority_end.and_then(|_| base.rfind('/')) {
        Some(last_slash) => base.get(..=last_slash).unwrap_or(base).to_owned(),
        None => format!("{origin}/"),
    };
    bounded_text(folder + relative)
}

/// Escapes everything but the unreserved characters of RFC 3986.
fn component(call: &Call<'_>) -> Result<Value, FunctionError> {
    let mut escaped = String::new();
    for byte in call.text(0)?.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            escaped.push(char::from(byte));
        } else {
            escaped.push_str(&format!("%{byte:02X}"));
        }
    }
    bounded_text(escaped)
}

fn unescaped(text: &str) -> Result<String, FunctionError> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        let code = tail.get(..2).and_then(|digits| std::str::from_utf8(digits).ok());
        let code = code.and_then(|digits| u8::from_str_radix(digits, 16).ok()).filter(|_| *first == b'%');
        bytes.push(code.unwrap_or(*first));
        rest = tail.get(if code.is_some() { 2 } else { 0 }..).unwrap_or_default();
    }
    String::from_utf8(bytes).map_err(|_| FunctionError::new("the escapes do not give UTF-8"))
}

fn from_component(call: &Call<'_>) -> Result<Value, FunctionError> {
    Ok(Value::string(unescaped(call.text(0)?)?))
}

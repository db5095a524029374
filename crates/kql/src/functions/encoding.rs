//! Base64 and URL escapes.

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use super::{ScalarFunction, array, at, function, items_at, text_at};
use crate::value::{Dynamic, Value};

/// Padding may be left out when decoding.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

fn decoded(arguments: &[Value]) -> Option<Vec<u8>> {
    BASE64.decode(text_at(arguments, 0).trim()).ok()
}

/// Null when the bytes are no UTF-8.
fn to_string(arguments: &[Value]) -> Value {
    match decoded(arguments).and_then(|bytes| String::from_utf8(bytes).ok()) {
        Some(text) => Value::string(text),
        None => Value::string(""),
    }
}

/// Padding has to be there: without it there is no array.
fn to_array(arguments: &[Value]) -> Value {
    let text = text_at(arguments, 0);
    match decoded(arguments).filter(|_| text.trim().len().is_multiple_of(4)) {
        Some(bytes) => array(bytes.into_iter().map(|byte| Dynamic::Long(i64::from(byte))).collect()),
        None => Value::Null,
    }
}

fn from_array(arguments: &[Value]) -> Value {
    let Some(items) = items_at(arguments, 0) else { return Value::string("") };
    let bytes: Option<Vec<u8>> =
        items.iter().map(|item| u8::try_from(item.to_value().to_i64()?).ok()).collect();
    bytes.map_or_else(|| Value::string(""), |bytes| Value::string(BASE64.encode(bytes)))
}

/// The bytes of a guid as .NET lays them out: the first three groups have their low byte first.
fn guid_bytes(guid: u128) -> [u8; 16] {
    uuid::Uuid::from_u128(guid).to_bytes_le()
}

fn to_guid(arguments: &[Value]) -> Value {
    let bytes: Option<[u8; 16]> = decoded(arguments).and_then(|bytes| bytes.try_into().ok());
    bytes.map_or(Value::Null, |bytes| Value::Guid(uuid::Uuid::from_bytes_le(bytes).as_u128()))
}

fn from_guid(arguments: &[Value]) -> Value {
    match at(arguments, 0).to_guid() {
        Some(guid) => Value::string(BASE64.encode(guid_bytes(guid))),
        None => Value::string(""),
    }
}

/// Everything but letters, digits and `-_.~` becomes `%XX`; a component has its blanks as `%20`, a form as `+`.
fn escaped(text: &str, keep: &str, blank: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        let character = char::from(byte);
        if byte == b' ' {
            escaped.push_str(blank);
        } else if character.is_ascii_alphanumeric() || keep.contains(character) {
            escaped.push(character);
        } else {
            escaped.push_str(&format!("%{byte:02X}"));
        }
    }
    escaped
}

fn unescaped(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut plain = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        let code = bytes.get(at + 1..at + 3).and_then(|digits| std::str::from_utf8(digits).ok());
        let code = code.and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match (byte, code) {
            (b'%', Some(code)) => {
                plain.push(code);
                at += 3;
            }
            (b'+', _) => {
                plain.push(b' ');
                at += 1;
            }
            (other, _) => {
                plain.push(*other);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&plain).into_owned()
}

pub(super) fn url_decoded(text: &str) -> String {
    unescaped(text)
}

pub(super) const FUNCTIONS: &[ScalarFunction] = &[
    function("base64_encode_tostring", 1, 1, |a| Value::string(BASE64.encode(text_at(a, 0)))),
    function("base64_encodestring", 1, 1, |a| Value::string(BASE64.encode(text_at(a, 0)))),
    function("base64_decode_tostring", 1, 1, to_string),
    function("base64_decodestring", 1, 1, to_string),
    function("base64_decode_toarray", 1, 1, to_array),
    function("base64_encode_fromarray", 1, 1, from_array),
    function("base64_decode_toguid", 1, 1, to_guid),
    function("base64_encode_fromguid", 1, 1, from_guid),
    function("url_encode", 1, 1, |a| Value::string(escaped(&text_at(a, 0), "-_.!*()", "+"))),
    function("url_encode_component", 1, 1, |a| Value::string(escaped(&text_at(a, 0), "-_.~", "%20"))),
    function("url_decode", 1, 1, |a| Value::string(unescaped(&text_at(a, 0)))),
];

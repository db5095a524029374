//! Values and attributes of OTLP as JSON.

use std::collections::HashSet;

use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value::Value};

use crate::json;
use crate::problem::{ProblemKind, Problems};
use crate::{MAX_ATTRIBUTES, MAX_DEPTH, MAX_TEXT};

/// From this many attributes on, doubles are found by hashing.
const FEW: usize = 24;

/// A value: bytes as base64, numbers that are not finite as texts (Source: ProtoJSON), an absent one as `null`.
pub(crate) fn value(out: &mut Vec<u8>, any: Option<&AnyValue>, problems: &mut Problems) {
    nested(out, any, 0, problems);
}

fn nested(out: &mut Vec<u8>, any: Option<&AnyValue>, depth: usize, problems: &mut Problems) {
    match any.and_then(|any| any.value.as_ref()) {
        None | Some(Value::StringValueStrindex(_)) => out.extend_from_slice(b"null"),
        Some(Value::StringValue(text)) => string(out, text, problems),
        Some(Value::BoolValue(truth)) => out.extend_from_slice(if *truth { b"true" } else { b"false" }),
        Some(Value::IntValue(number)) => json::integer(out, *number),
        Some(Value::DoubleValue(number)) => double(out, *number),
        Some(Value::BytesValue(bytes)) => base64(out, bytes, problems),
        Some(Value::ArrayValue(_) | Value::KvlistValue(_)) if depth >= MAX_DEPTH => {
            problems.tell(ProblemKind::TooDeep);
            out.extend_from_slice(b"null");
        }
        Some(Value::ArrayValue(array)) => {
            out.push(b'[');
            for (place, item) in array.values.iter().enumerate() {
                if place > 0 {
                    out.push(b',');
                }
                nested(out, Some(item), depth + 1, problems);
            }
            out.push(b']');
        }
        Some(Value::KvlistValue(list)) => {
            let members = Attributes::of(&list.values, problems);
            let mut object = json::Object::begin(out);
            for member in members.iter() {
                nested(object.key(&member.key), member.value.as_ref(), depth + 1, problems);
            }
            object.end();
        }
    }
}

/// A text, cut to the bound.
pub(crate) fn string(out: &mut Vec<u8>, text: &str, problems: &mut Problems) {
    let kept = json::cut(text, MAX_TEXT);
    if kept.len() < text.len() {
        problems.tell(ProblemKind::TextCut);
    }
    json::string(out, kept);
}

pub(crate) fn double(out: &mut Vec<u8>, number: f64) {
    if number.is_finite() {
        json::real(out, number);
    } else {
        let name = if number.is_nan() {
            "NaN"
        } else if number > 0.0 {
            "Infinity"
        } else {
            "-Infinity"
        };
        json::string(out, name);
    }
}

/// Base64 after RFC 4648, section 4, with padding.
fn base64(out: &mut Vec<u8>, bytes: &[u8], problems: &mut Problems) {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let kept = bytes.get(..MAX_TEXT).unwrap_or(bytes);
    if kept.len() < bytes.len() {
        problems.tell(ProblemKind::TextCut);
    }
    let letter = |bits: u32| LETTERS.get((bits & 63) as usize).copied().unwrap_or(b'=');
    out.push(b'"');
    for group in kept.chunks(3) {
        let byte = |place: usize| u32::from(group.get(place).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        out.push(letter(bits >> 18));
        out.push(letter(bits >> 12));
        out.push(if group.len() > 1 { letter(bits >> 6) } else { b'=' });
        out.push(if group.len() > 2 { letter(bits) } else { b'=' });
    }
    out.push(b'"');
}

/// Attributes that count: of two with one key the last, and no more than the bound.
pub(crate) struct Attributes<'a> {
    all: &'a [KeyValue],
    /// Places that do not count, in order.
    skipped: Vec<usize>,
}

impl<'a> Attributes<'a> {
    pub(crate) fn of(all: &'a [KeyValue], problems: &mut Problems) -> Attributes<'a> {
        let all = match all.get(..MAX_ATTRIBUTES) {
            Some(first) if all.len() > MAX_ATTRIBUTES => {
                problems.tell(ProblemKind::TooManyAttributes);
                first
            }
            _ => all,
        };
        let skipped = doubles(all);
        for _ in &skipped {
            problems.tell(ProblemKind::DuplicateKey);
        }
        if all.iter().any(|attribute| attribute.key.is_empty()) {
            problems.tell(ProblemKind::EmptyKey);
        }
        Attributes { all, skipped }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &'a KeyValue> + '_ {
        let mut skipped = self.skipped.iter().peekable();
        let counts = move |place: &usize| {
            let skip = skipped.peek() == Some(&place);
            if skip {
                skipped.next();
            }
            !skip
        };
        let mut counts = counts;
        self.all.iter().enumerate().filter(move |(place, _)| counts(place)).map(|(_, attribute)| attribute)
    }

    pub(crate) fn get(&self, key: &str) -> Option<&'a AnyValue> {
        self.all.iter().rev().find(|attribute| attribute.key == key)?.value.as_ref()
    }

    /// The value of a key where it is a text.
    pub(crate) fn text(&self, key: &str) -> Option<&'a str> {
        match self.get(key)?.value.as_ref()? {
            Value::StringValue(text) => Some(text),
            _ => None,
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.all.is_empty()
    }
}

/// What becomes of one attribute where a record's attributes are written.
pub(crate) enum Kept {
    /// It stays as it is.
    Whole,
    /// A marker stands in its place, under a key.
    Marked(String, String),
    /// It is left out, since a marker for its group stands already.
    Gone,
}

fn doubles(all: &[KeyValue]) -> Vec<usize> {
    let mut skipped = Vec::new();
    if all.len() <= FEW {
        for (place, attribute) in all.iter().enumerate() {
            let later = all.get(place + 1..).unwrap_or_default();
            if later.iter().any(|other| other.key == attribute.key) {
                skipped.push(place);
            }
        }
        return skipped;
    }
    let mut seen = HashSet::with_capacity(all.len());
    for (place, attribute) in all.iter().enumerate().rev() {
        if !seen.insert(attribute.key.as_str()) {
            skipped.push(place);
        }
    }
    skipped.reverse();
    skipped
}

#[cfg(test)]
mod tests {
    use opentelemetry_proto::tonic::common::v1::ArrayValue;

    use super::*;

    fn text(text: &str) -> AnyValue {
        AnyValue { value: Some(Value::StringValue(text.to_owned())) }
    }

    fn check(any: &AnyValue, expected: &str) -> Problems {
        let (mut out, mut problems) = (Vec::new(), Problems::default());
        value(&mut out, Some(any), &mut problems);
        assert_eq!(String::from_utf8(out).unwrap(), expected);
        problems
    }

    fn of(value: Value) -> AnyValue {
        AnyValue { value: Some(value) }
    }

    #[test]
    fn scalars() {
        check(&text("a\"b\n"), r#""a\"b\n""#);
        check(&of(Value::IntValue(i64::MIN)), "-9223372036854775808");
        check(&of(Value::DoubleValue(0.5)), "0.5");
        check(&of(Value::DoubleValue(f64::NEG_INFINITY)), "\"-Infinity\"");
        check(&of(Value::DoubleValue(f64::NAN)), "\"NaN\"");
        check(&AnyValue { value: None }, "null");
    }

    /// The cases of RFC 4648, section 10.
    #[test]
    fn bytes_are_base64() {
        for (bytes, expected) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
            ("fooba", "Zm9vYmE="),
        ] {
            check(&of(Value::BytesValue(bytes.as_bytes().to_vec())), &format!("\"{expected}\""));
        }
    }

    #[test]
    fn depth_is_bounded() {
        let mut any = text("below");
        for _ in 0..MAX_DEPTH + 1 {
            any = of(Value::ArrayValue(ArrayValue { values: vec![any] }));
        }
        let expected = format!("{}null{}", "[".repeat(MAX_DEPTH), "]".repeat(MAX_DEPTH));
        assert_eq!(check(&any, &expected).finish()[0].kind, ProblemKind::TooDeep);
    }

    #[test]
    fn the_last_of_two_counts() {
        let pair = |key: &str, value: &str| KeyValue {
            key: key.into(),
            value: Some(text(value)),
            ..Default::default()
        };
        for filler in [0, 100] {
            let mut all = vec![pair("a", "1"), pair("b", "2"), pair("a", "3")];
            all.extend((0..filler).map(|place| pair(&format!("f{place}"), "")));
            let mut problems = Problems::default();
            let attributes = Attributes::of(&all, &mut problems);
            let kept: Vec<_> = attributes.iter().take(2).map(|attribute| attribute.key.as_str()).collect();
            assert_eq!(kept, ["b", "a"]);
            assert_eq!(attributes.text("a"), Some("3"));
            assert_eq!(problems.finish()[0].kind, ProblemKind::DuplicateKey);
        }
    }
}

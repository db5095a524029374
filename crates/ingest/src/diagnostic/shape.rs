//! Values of JSON as cells of a type.

use castellan_base::Ticks;
use serde_json::Value;

use super::ColumnType;
use crate::json;
use crate::problem::{ProblemKind, Problems};
use crate::{MAX_DEPTH, MAX_TEXT};

/// Writes a value; false, and nothing written, where it does not fit.
pub(super) fn write(out: &mut Vec<u8>, value: &Value, kind: ColumnType, problems: &mut Problems) -> bool {
    match kind {
        ColumnType::Text => match value {
            Value::String(text) => string(out, text, problems),
            other => string(out, &other.to_string(), problems),
        },
        ColumnType::Int => {
            return whole(value).and_then(|number| i32::try_from(number).ok()).is_some_and(|number| {
                json::integer(out, i64::from(number));
                true
            });
        }
        ColumnType::Long => {
            return whole(value).is_some_and(|number| {
                json::integer(out, number);
                true
            });
        }
        ColumnType::Real => {
            return number(value).is_some_and(|number| {
                json::real(out, number);
                true
            });
        }
        ColumnType::Bool => match truth(value) {
            Some(truth) => out.extend_from_slice(if truth { b"true" } else { b"false" }),
            None => return false,
        },
        ColumnType::Time => match value.as_str().and_then(|text| text.parse::<Ticks>().ok()) {
            Some(time) => out.extend_from_slice(format!("\"{time}\"").as_bytes()),
            None => return false,
        },
        ColumnType::Dynamic => dynamic(out, value, problems),
    }
    true
}

fn string(out: &mut Vec<u8>, text: &str, problems: &mut Problems) {
    let kept = json::cut(text, MAX_TEXT);
    if kept.len() < text.len() {
        problems.tell(ProblemKind::TextCut);
    }
    json::string(out, kept);
}

/// An object or array that stands in a text is meant itself: services write both.
fn dynamic(out: &mut Vec<u8>, value: &Value, problems: &mut Problems) {
    let parsed = value
        .as_str()
        .filter(|text| text.trim_start().starts_with(['{', '[']))
        .and_then(|text| serde_json::from_str::<Value>(text).ok());
    nested(out, parsed.as_ref().unwrap_or(value), 0, problems);
}

fn nested(out: &mut Vec<u8>, value: &Value, depth: usize, problems: &mut Problems) {
    match value {
        Value::String(text) => string(out, text, problems),
        Value::Array(_) | Value::Object(_) if depth >= MAX_DEPTH => {
            problems.tell(ProblemKind::TooDeep);
            out.extend_from_slice(b"null");
        }
        Value::Array(items) => {
            out.push(b'[');
            for (place, item) in items.iter().enumerate() {
                if place > 0 {
                    out.push(b',');
                }
                nested(out, item, depth + 1, problems);
            }
            out.push(b']');
        }
        Value::Object(members) => {
            let mut object = json::Object::begin(out);
            for (name, member) in members {
                nested(object.key(name), member, depth + 1, problems);
            }
            object.end();
        }
        other => out.extend_from_slice(other.to_string().as_bytes()),
    }
}

fn whole(value: &Value) -> Option<i64> {
    match value {
        Value::Number(number) => number.as_i64().or_else(|| {
            let number = number.as_f64()?;
            (number.fract() == 0.0 && number.abs() < 9e15).then_some(number as i64)
        }),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}

fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim().parse().ok().filter(|number: &f64| number.is_finite()),
        _ => None,
    }
}

fn truth(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(truth) => Some(*truth),
        Value::String(text) if text.eq_ignore_ascii_case("true") => Some(true),
        Value::String(text) if text.eq_ignore_ascii_case("false") => Some(false),
        _ => None,
    }
}

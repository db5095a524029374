//! Conversions, tests for nothing, and choices.

use super::{MANY, ScalarFunction, at, boolean, function};
use crate::value::{Dynamic, ScalarType, Value, compare};

fn is_empty(value: &Value) -> bool {
    value.is_null() || value.as_str().is_some_and(str::is_empty)
}

fn is_null(value: &Value) -> bool {
    value.is_null()
}

/// `case(condition, value, ..., otherwise)`
fn case(arguments: &[Value]) -> Value {
    let mut rest = arguments;
    while let [condition, value, more @ ..] = rest {
        if condition.to_bool() == Some(true) {
            return value.clone();
        }
        rest = more;
    }
    rest.first().cloned().unwrap_or(Value::Null)
}

fn extreme(arguments: &[Value], wanted: std::cmp::Ordering) -> Value {
    let mut best = Value::Null;
    for value in arguments.iter().filter(|value| !value.is_null()) {
        if best.is_null() || compare(value, &best) == Some(wanted) {
            best = value.clone();
        }
    }
    best
}

fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Dynamic(dynamic) => dynamic.type_name(),
        other => other.scalar_type().map_or("null", ScalarType::name),
    }
}

pub(super) const FUNCTIONS: &[ScalarFunction] = &[
    function("estimate_data_size", 1, MANY, estimate_data_size),
    function("tobool", 1, 1, |a| at(a, 0).convert(ScalarType::Bool)),
    function("toboolean", 1, 1, |a| at(a, 0).convert(ScalarType::Bool)),
    function("toint", 1, 1, |a| at(a, 0).convert(ScalarType::Int)),
    function("tolong", 1, 1, |a| at(a, 0).convert(ScalarType::Long)),
    function("toreal", 1, 1, |a| at(a, 0).convert(ScalarType::Real)),
    function("todouble", 1, 1, |a| at(a, 0).convert(ScalarType::Real)),
    function("todecimal", 1, 1, |a| at(a, 0).convert(ScalarType::Decimal)),
    function("tostring", 1, 1, |a| at(a, 0).convert(ScalarType::String)),
    function("todatetime", 1, 1, |a| at(a, 0).convert(ScalarType::DateTime)),
    function("totimespan", 1, 1, |a| at(a, 0).convert(ScalarType::TimeSpan)),
    function("toguid", 1, 1, |a| at(a, 0).convert(ScalarType::Guid)),
    function("datetime", 1, 1, |a| at(a, 0).convert(ScalarType::DateTime)),
    function("timespan", 1, 1, |a| at(a, 0).convert(ScalarType::TimeSpan)),
    function("time", 1, 1, |a| at(a, 0).convert(ScalarType::TimeSpan)),
    function("isnull", 1, 1, |a| boolean(is_null(at(a, 0)))),
    function("isnotnull", 1, 1, |a| boolean(!is_null(at(a, 0)))),
    function("notnull", 1, 1, |a| boolean(!is_null(at(a, 0)))),
    function("isempty", 1, 1, |a| boolean(is_empty(at(a, 0)))),
    function("isnotempty", 1, 1, |a| boolean(!is_empty(at(a, 0)))),
    function("notempty", 1, 1, |a| boolean(!is_empty(at(a, 0)))),
    function("not", 1, 1, |a| at(a, 0).to_bool().map_or(Value::Null, |flag| boolean(!flag))),
    function("iff", 3, 3, case),
    function("iif", 3, 3, case),
    function("case", 3, MANY, case),
    function("coalesce", 1, MANY, |a| {
        a.iter().find(|value| !is_empty(value)).or(a.last()).cloned().unwrap_or(Value::Null)
    }),
    function("min_of", 1, MANY, |a| extreme(a, std::cmp::Ordering::Less)),
    function("max_of", 1, MANY, |a| extreme(a, std::cmp::Ordering::Greater)),
    function("gettype", 1, 1, |a| Value::string(type_name(at(a, 0)))),
    function("tohex", 1, 2, hexadecimal),
    function("todynamic", 1, 1, parse_json),
    function("parse_json", 1, 1, parse_json),
    function("parsejson", 1, 1, parse_json),
    function("toobject", 1, 1, parse_json),
    function("dynamic_to_json", 1, 1, |a| Value::string(canonical(at(a, 0)))),
];

/// Two's complement in the width of the type, with at least so many digits.
fn hexadecimal(arguments: &[Value]) -> Value {
    let width =
        super::long_at(arguments, 1).and_then(|width| usize::try_from(width).ok()).unwrap_or(0).min(64);
    let digits = match at(arguments, 0).unwrapped() {
        Value::Int(number) => format!("{number:x}"),
        other => other.to_i64().map_or_else(String::new, |number| format!("{number:x}")),
    };
    Value::string(if digits.is_empty() { digits } else { format!("{digits:0>width$}") })
}

/// JSON in text; text that is no JSON stays text.
fn parse_json(arguments: &[Value]) -> Value {
    match at(arguments, 0) {
        Value::String(text) if text.is_empty() => Value::Null,
        Value::String(text) => {
            Value::dynamic(Dynamic::parse(text).unwrap_or_else(|| Dynamic::String(text.clone())))
        }
        other => other.convert(ScalarType::Dynamic),
    }
}

/// JSON with sorted keys.
fn canonical(value: &Value) -> String {
    fn sorted(dynamic: &Dynamic) -> Dynamic {
        match dynamic {
            Dynamic::Array(items) => Dynamic::Array(items.iter().map(sorted).collect()),
            Dynamic::Bag(members) => {
                let mut members: indexmap::IndexMap<_, _> =
                    members.iter().map(|(key, value)| (std::sync::Arc::clone(key), sorted(value))).collect();
                members.sort_keys();
                Dynamic::Bag(members)
            }
            other => other.clone(),
        }
    }
    match value {
        Value::Dynamic(dynamic) => sorted(dynamic).to_string(),
        Value::Null => String::new(),
        _ => Dynamic::from_value(value).to_string(),
    }
}

/// About how many bytes a value takes: texts their length, other types their width.
fn size(value: &Value) -> usize {
    match value {
        Value::Null => 0,
        Value::Bool(_) => 1,
        Value::Int(_) => 4,
        Value::Long(_) | Value::Real(_) | Value::DateTime(_) | Value::TimeSpan(_) => 8,
        Value::Decimal(_) | Value::Guid(_) => 16,
        Value::String(text) => text.len(),
        Value::Dynamic(dynamic) => dynamic_size(dynamic),
    }
}

/// A dynamic value takes a byte more than what it holds, for what kind it is.
fn dynamic_size(dynamic: &Dynamic) -> usize {
    1 + match dynamic {
        Dynamic::Array(items) => items.iter().map(dynamic_size).sum(),
        Dynamic::Bag(members) => members.iter().map(|(key, value)| key.len() + dynamic_size(value)).sum(),
        scalar => size(&scalar.to_value()),
    }
}

fn estimate_data_size(arguments: &[Value]) -> Value {
    Value::Long(arguments.iter().map(|value| i64::try_from(size(value)).unwrap_or(i64::MAX)).sum())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn choices() {
        let (yes, no) = (Value::Bool(true), Value::Bool(false));
        assert_eq!(case(&[no.clone(), Value::Long(1), yes, Value::Long(2), Value::Long(3)]), Value::Long(2));
        assert_eq!(case(&[no, Value::Long(1), Value::Long(3)]), Value::Long(3));
    }
}

//! Operators with one and two sides.

use std::cmp::Ordering;

use bigdecimal::{BigDecimal, Zero};

use super::pattern;
use crate::ast::{BinaryKind, BinaryOperator};
use crate::value::{Dynamic, Value, compare, equals};

/// `left operator right`. `and` and `or` are Kusto's: null counts as unknown.
pub fn binary(operator: BinaryOperator, left: &Value, right: &Value) -> Value {
    let (left, right) = (&left.unwrapped(), &right.unwrapped());
    let negate = |flag: bool| Value::Bool(flag != operator.is_negated);
    let ordered = |wanted: fn(Ordering) -> bool| match compare_mixed(left, right) {
        Some(ordering) => Value::Bool(wanted(ordering)),
        // NaN compares as false, null as null.
        None if left.is_null() || right.is_null() => Value::Null,
        None => Value::Bool(false),
    };
    match operator.kind {
        BinaryKind::And => and(left.to_bool(), right.to_bool()),
        BinaryKind::Or => or(left.to_bool(), right.to_bool()),
        BinaryKind::Equal if operator.is_case_sensitive => match equal_mixed(left, right) {
            Some(flag) => negate(flag),
            None => Value::Null,
        },
        BinaryKind::Equal => negate(left.to_text().to_lowercase() == right.to_text().to_lowercase()),
        BinaryKind::Less => ordered(Ordering::is_lt),
        BinaryKind::LessOrEqual => ordered(Ordering::is_le),
        BinaryKind::Greater => ordered(Ordering::is_gt),
        BinaryKind::GreaterOrEqual => ordered(Ordering::is_ge),
        BinaryKind::Add => add(left, right),
        BinaryKind::Subtract => subtract(left, right),
        BinaryKind::Multiply => multiply(left, right),
        BinaryKind::Divide => divide(left, right),
        BinaryKind::Modulo => modulo(left, right),
        BinaryKind::MatchesRegex => match pattern::compiled(&right.to_text()) {
            Some(regex) => negate(regex.is_match(&left.to_text())),
            None => Value::Null,
        },
        kind => negate(text_test(kind, operator.is_case_sensitive, &left.to_text(), &right.to_text())),
    }
}

/// A constant string beside a time, a guid or a number is read as one.
fn compare_mixed(left: &Value, right: &Value) -> Option<Ordering> {
    compare(left, right).or_else(|| match (left, right) {
        (Value::String(_), other) if !matches!(other, Value::String(_)) => {
            compare(&left.convert(other.scalar_type()?), right)
        }
        (other, Value::String(_)) if !matches!(other, Value::String(_)) => {
            compare(left, &right.convert(other.scalar_type()?))
        }
        _ => None,
    })
}

fn equal_mixed(left: &Value, right: &Value) -> Option<bool> {
    match (left, right) {
        (Value::String(_), Value::String(_)) | (Value::Null, _) | (_, Value::Null) => equals(left, right),
        (Value::String(_), _) | (_, Value::String(_)) => {
            Some(compare_mixed(left, right) == Some(Ordering::Equal))
        }
        _ => equals(left, right),
    }
}

fn and(left: Option<bool>, right: Option<bool>) -> Value {
    match (left, right) {
        (Some(false), _) | (_, Some(false)) => Value::Bool(false),
        (Some(true), Some(true)) => Value::Bool(true),
        _ => Value::Null,
    }
}

fn or(left: Option<bool>, right: Option<bool>) -> Value {
    match (left, right) {
        (Some(true), _) | (_, Some(true)) => Value::Bool(true),
        (Some(false), Some(false)) => Value::Bool(false),
        _ => Value::Null,
    }
}

/// `has`, `contains` and their relatives on two texts.
pub fn text_test(kind: BinaryKind, is_case_sensitive: bool, text: &str, wanted: &str) -> bool {
    if is_case_sensitive {
        return test(kind, text, wanted);
    }
    test(kind, &text.to_lowercase(), &wanted.to_lowercase())
}

fn test(kind: BinaryKind, text: &str, wanted: &str) -> bool {
    match kind {
        BinaryKind::Contains | BinaryKind::Search => text.contains(wanted),
        BinaryKind::StartsWith => text.starts_with(wanted),
        BinaryKind::EndsWith => text.ends_with(wanted),
        BinaryKind::Has => has(text, wanted, true, true),
        BinaryKind::HasPrefix => has(text, wanted, true, false),
        BinaryKind::HasSuffix => has(text, wanted, false, true),
        BinaryKind::Like => like(text, wanted),
        _ => text == wanted,
    }
}

/// A term is a run of letters and digits: `wanted` must begin and end where terms do, as far as asked.
fn has(text: &str, wanted: &str, at_start: bool, at_end: bool) -> bool {
    if wanted.is_empty() {
        return true;
    }
    let is_term = |character: Option<char>| character.is_some_and(char::is_alphanumeric);
    let (first, last) = (wanted.chars().next(), wanted.chars().next_back());
    text.match_indices(wanted).any(|(start, found)| {
        let before = text.get(..start).and_then(|before| before.chars().next_back());
        let after = text.get(start + found.len()..).and_then(|after| after.chars().next());
        let goes_on_before = at_start && is_term(before) && is_term(first);
        let goes_on_after = at_end && is_term(after) && is_term(last);
        !goes_on_before && !goes_on_after
    })
}

/// `*` stands for any text.
fn like(text: &str, wanted: &str) -> bool {
    let parts: Vec<&str> = wanted.split('*').collect();
    let [first, middle @ .., last] = parts.as_slice() else { return text == wanted };
    let Some(mut rest) = text.strip_prefix(first) else { return false };
    for part in middle {
        let Some(found) = rest.find(part) else { return false };
        rest = rest.get(found + part.len()..).unwrap_or_default();
    }
    rest.ends_with(last)
}

/// `-value`
pub fn negate(value: &Value) -> Value {
    match value.unwrapped() {
        Value::Int(number) => number.checked_neg().map_or(Value::Null, Value::Int),
        Value::Long(number) => Value::Long(number.wrapping_neg()),
        Value::Real(number) => Value::Real(-number),
        Value::Decimal(number) => Value::Decimal(-number),
        Value::TimeSpan(ticks) => Value::TimeSpan(ticks.wrapping_neg()),
        _ => Value::Null,
    }
}

/// Two numbers as the wider of their types.
enum Pair {
    Longs(i64, i64),
    Reals(f64, f64),
    Decimals(BigDecimal, BigDecimal),
}

fn pair(left: &Value, right: &Value) -> Option<Pair> {
    match (left, right) {
        (Value::Decimal(_), _) | (_, Value::Decimal(_)) => {
            Some(Pair::Decimals(left.to_decimal()?, right.to_decimal()?))
        }
        (Value::Real(_), other) | (other, Value::Real(_)) => match other {
            Value::Int(_) | Value::Long(_) | Value::Real(_) => {
                Some(Pair::Reals(left.to_f64()?, right.to_f64()?))
            }
            _ => None,
        },
        (Value::Int(_) | Value::Long(_), Value::Int(_) | Value::Long(_)) => {
            Some(Pair::Longs(left.to_i64()?, right.to_i64()?))
        }
        _ => None,
    }
}

fn add(left: &Value, right: &Value) -> Value {
    match (left, right) {
        (Value::DateTime(time), Value::TimeSpan(span)) | (Value::TimeSpan(span), Value::DateTime(time)) => {
            time.checked_add(*span).map_or(Value::Null, Value::datetime)
        }
        (Value::TimeSpan(left), Value::TimeSpan(right)) => {
            left.checked_add(*right).map_or(Value::Null, Value::TimeSpan)
        }
        _ => match pair(left, right) {
            Some(Pair::Longs(left, right)) => Value::Long(left.wrapping_add(right)),
            Some(Pair::Reals(left, right)) => Value::Real(left + right),
            Some(Pair::Decimals(left, right)) => Value::decimal(left + right),
            None => Value::Null,
        },
    }
}

fn subtract(left: &Value, right: &Value) -> Value {
    match (left, right) {
        (Value::DateTime(left), Value::DateTime(right)) => Value::TimeSpan(left - right),
        (Value::DateTime(time), Value::TimeSpan(span)) => {
            time.checked_sub(*span).map_or(Value::Null, Value::datetime)
        }
        (Value::TimeSpan(left), Value::TimeSpan(right)) => {
            left.checked_sub(*right).map_or(Value::Null, Value::TimeSpan)
        }
        _ => match pair(left, right) {
            Some(Pair::Longs(left, right)) => Value::Long(left.wrapping_sub(right)),
            Some(Pair::Reals(left, right)) => Value::Real(left - right),
            Some(Pair::Decimals(left, right)) => Value::decimal(left - right),
            None => Value::Null,
        },
    }
}

fn multiply(left: &Value, right: &Value) -> Value {
    match (left, right) {
        (Value::TimeSpan(span), number) | (number, Value::TimeSpan(span)) => match number {
            Value::Int(_) | Value::Long(_) => number
                .to_i64()
                .and_then(|number| span.checked_mul(number))
                .map_or(Value::Null, Value::TimeSpan),
            Value::Real(number) => scaled(*span, *number),
            _ => Value::Null,
        },
        _ => match pair(left, right) {
            Some(Pair::Longs(left, right)) => Value::Long(left.wrapping_mul(right)),
            Some(Pair::Reals(left, right)) => Value::Real(left * right),
            Some(Pair::Decimals(left, right)) => Value::decimal(left * right),
            None => Value::Null,
        },
    }
}

fn scaled(span: i64, factor: f64) -> Value {
    crate::value::whole((span as f64 * factor).round()).map_or(Value::Null, Value::TimeSpan)
}

/// Whole numbers divide to whole numbers, timespans to reals; a whole number divided by zero is null.
fn divide(left: &Value, right: &Value) -> Value {
    match (left, right) {
        (Value::TimeSpan(left), Value::TimeSpan(right)) => Value::Real(*left as f64 / *right as f64),
        (Value::TimeSpan(span), Value::Int(_) | Value::Long(_)) => {
            right.to_i64().and_then(|number| span.checked_div(number)).map_or(Value::Null, Value::TimeSpan)
        }
        (Value::TimeSpan(span), Value::Real(number)) => scaled(*span, 1.0 / number),
        (Value::DateTime(time), Value::TimeSpan(span)) => Value::Real(*time as f64 / *span as f64),
        _ => match pair(left, right) {
            Some(Pair::Longs(_, 0)) => Value::Null,
            Some(Pair::Longs(left, right)) => Value::Long(left.wrapping_div(right)),
            Some(Pair::Reals(left, right)) => Value::Real(left / right),
            Some(Pair::Decimals(_, right)) if right.is_zero() => Value::Null,
            Some(Pair::Decimals(left, right)) => Value::decimal(left / right),
            None => Value::Null,
        },
    }
}

/// Never negative for whole numbers.
fn modulo(left: &Value, right: &Value) -> Value {
    match (left, right) {
        (Value::TimeSpan(left), Value::TimeSpan(right)) if *right != 0 => {
            Value::TimeSpan(left.wrapping_rem_euclid(*right))
        }
        (Value::DateTime(left), Value::TimeSpan(right)) if *right != 0 => {
            Value::TimeSpan(left.wrapping_rem_euclid(*right))
        }
        _ => match pair(left, right) {
            Some(Pair::Longs(_, 0)) | None => Value::Null,
            Some(Pair::Longs(left, right)) => Value::Long(left.wrapping_rem_euclid(right)),
            Some(Pair::Reals(left, right)) => Value::Real(left.rem_euclid(right)),
            Some(Pair::Decimals(_, right)) if right.is_zero() => Value::Null,
            Some(Pair::Decimals(left, right)) => Value::decimal(left % right),
        },
    }
}

/// `value in (items)`; arrays among the items stand for their own items.
pub fn is_in(value: &Value, items: &[Value], is_case_sensitive: bool) -> bool {
    let value = value.unwrapped();
    let same = |item: &Value| {
        if is_case_sensitive {
            equal_mixed(&value, &item.unwrapped()).unwrap_or(true)
        } else {
            value.to_text().to_lowercase() == item.to_text().to_lowercase()
        }
    };
    flattened(items).iter().any(same)
}

/// `value has_any (items)` and `has_all`.
pub fn has_terms(value: &Value, items: &[Value], all: bool) -> bool {
    let text = value.to_text();
    let items = flattened(items);
    let mut found = items.iter().map(|item| text_test(BinaryKind::Has, false, &text, &item.to_text()));
    if all { found.all(|found| found) } else { found.any(|found| found) }
}

fn flattened(items: &[Value]) -> Vec<Value> {
    let each = items.iter().flat_map(|item| match item {
        Value::Dynamic(dynamic) => match &**dynamic {
            Dynamic::Array(inner) => inner.iter().map(Dynamic::to_value).collect(),
            _ => vec![item.clone()],
        },
        _ => vec![item.clone()],
    });
    each.collect()
}

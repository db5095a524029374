//! Comparing values.

use std::cmp::Ordering;

use super::{Dynamic, Value};

/// The order of two values that are not null and of types that can be compared; `None` otherwise, and for NaN.
/// Numbers compare by value whatever their type, strings by code point.
pub fn compare(left: &Value, right: &Value) -> Option<Ordering> {
    match (left, right) {
        (Value::Null, _) | (_, Value::Null) => None,
        (Value::Bool(left), Value::Bool(right)) => Some(left.cmp(right)),
        (Value::String(left), Value::String(right)) => Some(left.as_bytes().cmp(right.as_bytes())),
        (Value::DateTime(left), Value::DateTime(right)) | (Value::TimeSpan(left), Value::TimeSpan(right)) => {
            Some(left.cmp(right))
        }
        (Value::Guid(left), Value::Guid(right)) => Some(left.cmp(right)),
        (Value::Int(left), Value::Int(right)) => Some(left.cmp(right)),
        (Value::Long(left), Value::Long(right)) => Some(left.cmp(right)),
        (Value::Int(left), Value::Long(right)) => Some(i64::from(*left).cmp(right)),
        (Value::Long(left), Value::Int(right)) => Some(left.cmp(&i64::from(*right))),
        (Value::Decimal(_), other) | (other, Value::Decimal(_)) if is_number(other) => {
            Some(left.to_decimal()?.cmp(&right.to_decimal()?))
        }
        (left, right) if is_number(left) && is_number(right) => left.to_f64()?.partial_cmp(&right.to_f64()?),
        (Value::Dynamic(left), Value::Dynamic(right)) => compare_dynamic(left, right),
        (Value::Dynamic(dynamic), scalar) => compare(&dynamic_scalar(dynamic)?, scalar),
        (scalar, Value::Dynamic(dynamic)) => compare(scalar, &dynamic_scalar(dynamic)?),
        _ => None,
    }
}

/// Kusto's equality: total on a null at one side (`false`), null only when both are null.
pub fn equals(left: &Value, right: &Value) -> Option<bool> {
    match (left.is_null(), right.is_null()) {
        (true, true) => None,
        (true, false) | (false, true) => Some(false),
        (false, false) => Some(match (left, right) {
            (Value::Dynamic(left), Value::Dynamic(right)) => left == right,
            _ => compare(left, right) == Some(Ordering::Equal),
        }),
    }
}

fn is_number(value: &Value) -> bool {
    matches!(value, Value::Int(_) | Value::Long(_) | Value::Real(_) | Value::Decimal(_))
}

fn dynamic_scalar(dynamic: &Dynamic) -> Option<Value> {
    match dynamic {
        Dynamic::Array(_) | Dynamic::Bag(_) => None,
        scalar => Some(scalar.to_value()),
    }
}

/// Scalars inside dynamics compare like scalars; arrays and bags have no order.
fn compare_dynamic(left: &Dynamic, right: &Dynamic) -> Option<Ordering> {
    compare(&dynamic_scalar(left)?, &dynamic_scalar(right)?)
}

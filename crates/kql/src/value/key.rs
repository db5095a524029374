//! Values as keys of groups and joins.

use std::sync::Arc;

use super::{Dynamic, Value};

/// A value that can be looked up: values that are equal have equal keys, whole numbers of any type included, and null is
/// a value like any other.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Key {
    /// Null.
    Null,
    /// A bool.
    Bool(bool),
    /// A whole number, whatever its type.
    Whole(i64),
    /// Another real number, by its bits.
    Real(u64),
    /// Another decimal, as text.
    Decimal(String),
    /// Text.
    Text(Arc<str>),
    /// A datetime.
    DateTime(i64),
    /// A timespan.
    TimeSpan(i64),
    /// A guid.
    Guid(u128),
    /// An array or a bag, as JSON.
    Json(String),
}

impl Key {
    /// The key of a value. A scalar inside a dynamic value counts as that scalar.
    pub fn of(value: &Value) -> Key {
        match value {
            Value::Null => Key::Null,
            Value::Bool(flag) => Key::Bool(*flag),
            Value::Int(number) => Key::Whole(i64::from(*number)),
            Value::Long(number) => Key::Whole(*number),
            Value::Real(number) => Key::of_real(*number),
            Value::Decimal(number) => match value.to_i64().filter(|_| number.is_integer()) {
                Some(whole) => Key::Whole(whole),
                None => Key::Decimal(number.normalized().to_string()),
            },
            Value::String(text) => Key::Text(Arc::clone(text)),
            Value::DateTime(ticks) => Key::DateTime(*ticks),
            Value::TimeSpan(ticks) => Key::TimeSpan(*ticks),
            Value::Guid(guid) => Key::Guid(*guid),
            Value::Dynamic(dynamic) => match &**dynamic {
                Dynamic::Array(_) | Dynamic::Bag(_) => Key::Json(dynamic.to_string()),
                scalar => Key::of(&scalar.to_value()),
            },
        }
    }

    fn of_real(number: f64) -> Key {
        match super::whole(number) {
            Some(whole) if whole as f64 == number => Key::Whole(whole),
            // There is one NaN, whatever its bits.
            _ => Key::Real(if number.is_nan() { f64::NAN } else { number }.to_bits()),
        }
    }
}

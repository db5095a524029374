//! Scalar values: what a cell of a table can hold.
//!
//! The types are Kusto's ten. A `string` is never null; every other type has a null, written [`Value::Null`] whatever
//! the type, since the type of an expression is known from its place. Times are counted in ticks of 100 ns.

mod calendar;
mod convert;
mod datetime;
mod dynamic;
pub mod json;
mod key;
mod order;
mod text;
mod timespan;

use std::fmt;
use std::sync::Arc;

pub use bigdecimal::BigDecimal;
pub use calendar::{Civil, civil, days_in_month, ticks_of_date};
pub(crate) use convert::{read_decimal, read_real, whole};
pub use datetime::{format_datetime, parse_datetime};
pub use dynamic::Dynamic;
pub use key::Key;
pub use order::{compare, equals};
pub use text::format_real;
pub(crate) use timespan::timespan_unit;
pub use timespan::{format_timespan, parse_timespan};

/// Ticks in a second: a tick is 100 ns.
pub const TICKS_PER_SECOND: i64 = 10_000_000;
/// Ticks in a day.
pub const TICKS_PER_DAY: i64 = 86_400 * TICKS_PER_SECOND;
/// Ticks from 0001-01-01 to 1970-01-01.
pub const UNIX_EPOCH_TICKS: i64 = 621_355_968_000_000_000;
/// The last tick of the year 9999.
pub const MAX_DATETIME_TICKS: i64 = 3_155_378_975_999_999_999;
/// Significant digits of a `decimal`.
pub const DECIMAL_DIGITS: u64 = 34;
/// The most digits of a `decimal` before its point, and zeros behind it. Source: IEEE 754-2019, decimal128.
pub const MAX_DECIMAL_EXPONENT: i64 = 6_145;

/// The scalar types. Source: Kusto documentation, "Scalar data types".
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ScalarType {
    /// `bool`, also `boolean`.
    Bool,
    /// `int`: 32 bits.
    Int,
    /// `long`: 64 bits.
    Long,
    /// `real`, also `double`: IEEE 754, 64 bits.
    Real,
    /// `decimal`: 34 significant digits.
    Decimal,
    /// `string`: UTF-8, never null.
    String,
    /// `datetime`, also `date`: ticks since 0001-01-01, UTC.
    DateTime,
    /// `timespan`, also `time`: ticks.
    TimeSpan,
    /// `guid`, also `uuid` and `uniqueid`.
    Guid,
    /// `dynamic`: any of the others, an array or a property bag.
    Dynamic,
}

impl ScalarType {
    /// All types.
    pub const ALL: [ScalarType; 10] = [
        ScalarType::Bool,
        ScalarType::Int,
        ScalarType::Long,
        ScalarType::Real,
        ScalarType::Decimal,
        ScalarType::String,
        ScalarType::DateTime,
        ScalarType::TimeSpan,
        ScalarType::Guid,
        ScalarType::Dynamic,
    ];

    /// The type's name in a schema.
    pub fn name(self) -> &'static str {
        match self {
            ScalarType::Bool => "bool",
            ScalarType::Int => "int",
            ScalarType::Long => "long",
            ScalarType::Real => "real",
            ScalarType::Decimal => "decimal",
            ScalarType::String => "string",
            ScalarType::DateTime => "datetime",
            ScalarType::TimeSpan => "timespan",
            ScalarType::Guid => "guid",
            ScalarType::Dynamic => "dynamic",
        }
    }

    /// The type that a word of the language, or of a .NET schema (`System.Int64`), names.
    pub fn named(word: &str) -> Option<ScalarType> {
        let word = word.strip_prefix("System.").unwrap_or(word).to_ascii_lowercase();
        Some(match word.as_str() {
            "bool" | "boolean" | "sbyte" => ScalarType::Bool,
            "int" | "int32" | "int16" | "uint16" | "uint8" | "byte" => ScalarType::Int,
            "long" | "int64" | "uint32" | "uint64" | "ulong" | "uint" => ScalarType::Long,
            "real" | "double" | "float" | "single" => ScalarType::Real,
            "decimal" | "sqldecimal" => ScalarType::Decimal,
            "string" => ScalarType::String,
            "datetime" | "date" => ScalarType::DateTime,
            "timespan" | "time" => ScalarType::TimeSpan,
            "guid" | "uuid" | "uniqueid" => ScalarType::Guid,
            "dynamic" | "object" => ScalarType::Dynamic,
            _ => return None,
        })
    }

    /// True for `int`, `long`, `real` and `decimal`.
    pub fn is_number(self) -> bool {
        matches!(self, ScalarType::Int | ScalarType::Long | ScalarType::Real | ScalarType::Decimal)
    }
}

impl fmt::Display for ScalarType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A scalar value.
#[derive(Clone, Debug, PartialEq, Default)]
pub enum Value {
    /// The null of every type but `string`.
    #[default]
    Null,
    /// `bool`
    Bool(bool),
    /// `int`
    Int(i32),
    /// `long`
    Long(i64),
    /// `real`
    Real(f64),
    /// `decimal`, as [`Value::decimal`] makes it.
    Decimal(BigDecimal),
    /// `string`
    String(Arc<str>),
    /// `datetime`, ticks since 0001-01-01.
    DateTime(i64),
    /// `timespan`, ticks.
    TimeSpan(i64),
    /// `guid`, in the order in which it is written.
    Guid(u128),
    /// `dynamic` that is not null.
    Dynamic(Arc<Dynamic>),
}

impl Value {
    /// A string.
    pub fn string(text: impl Into<Arc<str>>) -> Value {
        Value::String(text.into())
    }

    /// A dynamic value; a dynamic null is [`Value::Null`].
    pub fn dynamic(dynamic: Dynamic) -> Value {
        if dynamic == Dynamic::Null { Value::Null } else { Value::Dynamic(Arc::new(dynamic)) }
    }

    /// A real; kept as it is, NaN and infinities included.
    pub fn real(number: f64) -> Value {
        Value::Real(number)
    }

    /// A datetime; null outside the years 1 to 9999.
    pub fn datetime(ticks: i64) -> Value {
        if (0..=MAX_DATETIME_TICKS).contains(&ticks) { Value::DateTime(ticks) } else { Value::Null }
    }

    /// A decimal, rounded to [`DECIMAL_DIGITS`] digits and without zeros behind the last of them, so that equal decimals
    /// have one text. Null beyond [`MAX_DECIMAL_EXPONENT`], and zero below it.
    pub fn decimal(number: BigDecimal) -> Value {
        let rounded =
            if number.digits() > DECIMAL_DIGITS { number.with_prec(DECIMAL_DIGITS) } else { number };
        let normalized = rounded.normalized();
        let exponent = i64::try_from(normalized.digits()).unwrap_or(i64::MAX);
        match exponent.saturating_sub(normalized.fractional_digit_count()) {
            exponent if exponent > MAX_DECIMAL_EXPONENT => Value::Null,
            exponent if exponent < -MAX_DECIMAL_EXPONENT => Value::Decimal(BigDecimal::default()),
            _ => Value::Decimal(normalized),
        }
    }

    /// True for null.
    pub fn is_null(&self) -> bool {
        matches!(self, Value::Null)
    }

    /// The type; `None` for null, whose type its place says.
    pub fn scalar_type(&self) -> Option<ScalarType> {
        Some(match self {
            Value::Null => return None,
            Value::Bool(_) => ScalarType::Bool,
            Value::Int(_) => ScalarType::Int,
            Value::Long(_) => ScalarType::Long,
            Value::Real(_) => ScalarType::Real,
            Value::Decimal(_) => ScalarType::Decimal,
            Value::String(_) => ScalarType::String,
            Value::DateTime(_) => ScalarType::DateTime,
            Value::TimeSpan(_) => ScalarType::TimeSpan,
            Value::Guid(_) => ScalarType::Guid,
            Value::Dynamic(_) => ScalarType::Dynamic,
        })
    }

    /// The value of a type that stands for "nothing": null, or the empty string.
    pub fn empty(of: ScalarType) -> Value {
        if of == ScalarType::String { Value::string("") } else { Value::Null }
    }

    /// The text of a string, or of a dynamic that holds one.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Value::String(text) => Some(text),
            Value::Dynamic(dynamic) => match &**dynamic {
                Dynamic::String(text) => Some(text),
                _ => None,
            },
            _ => None,
        }
    }
}

//! Conversions between the types: what `tolong()` and its siblings do, and what operators do by themselves.

use std::str::FromStr;

use bigdecimal::{BigDecimal, FromPrimitive, ToPrimitive};

use super::{Dynamic, MAX_DATETIME_TICKS, ScalarType, Value, parse_datetime, parse_timespan};

impl Value {
    /// This value as another type, by the rules of the `to...()` functions; null where that has no meaning.
    pub fn convert(&self, to: ScalarType) -> Value {
        match to {
            ScalarType::Bool => self.to_bool().map_or(Value::Null, Value::Bool),
            ScalarType::Int => {
                self.to_i64().and_then(|number| i32::try_from(number).ok()).map_or(Value::Null, Value::Int)
            }
            ScalarType::Long => self.to_i64().map_or(Value::Null, Value::Long),
            ScalarType::Real => self.to_f64().map_or(Value::Null, Value::Real),
            ScalarType::Decimal => self.to_decimal().map_or(Value::Null, Value::decimal),
            ScalarType::String => Value::string(self.to_text()),
            ScalarType::DateTime => self.to_datetime().map_or(Value::Null, Value::datetime),
            ScalarType::TimeSpan => self.to_timespan().map_or(Value::Null, Value::TimeSpan),
            ScalarType::Guid => self.to_guid().map_or(Value::Null, Value::Guid),
            ScalarType::Dynamic => match self {
                Value::Dynamic(_) => self.clone(),
                other => Value::dynamic(Dynamic::from_value(other)),
            },
        }
    }

    /// The scalar inside a dynamic; any other value as it is.
    pub fn unwrapped(&self) -> Value {
        match self {
            Value::Dynamic(dynamic) => match &**dynamic {
                Dynamic::Array(_) | Dynamic::Bag(_) => self.clone(),
                scalar => scalar.to_value(),
            },
            other => other.clone(),
        }
    }

    /// `tobool()`: numbers that are not zero, `true` and `1` in text.
    pub fn to_bool(&self) -> Option<bool> {
        match self.unwrapped() {
            Value::Bool(flag) => Some(flag),
            Value::Int(number) => Some(number != 0),
            Value::Long(number) => Some(number != 0),
            Value::Real(number) => Some(number != 0.0),
            Value::String(text) => {
                let text = text.trim().to_ascii_lowercase();
                match text.as_str() {
                    "true" => Some(true),
                    "false" => Some(false),
                    other => other.parse::<i64>().ok().map(|number| number != 0),
                }
            }
            _ => None,
        }
    }

    /// `tolong()`: reals are cut, text is read as a decimal or hexadecimal number, times give their ticks.
    pub fn to_i64(&self) -> Option<i64> {
        match self.unwrapped() {
            Value::Bool(flag) => Some(i64::from(flag)),
            Value::Int(number) => Some(i64::from(number)),
            Value::Long(number) => Some(number),
            Value::Real(number) => whole(number),
            Value::Decimal(number) => number.to_i64(),
            Value::String(text) => read_whole(text.trim()),
            Value::DateTime(ticks) | Value::TimeSpan(ticks) => Some(ticks),
            _ => None,
        }
    }

    /// `toreal()`
    pub fn to_f64(&self) -> Option<f64> {
        match self.unwrapped() {
            Value::Bool(flag) => Some(f64::from(u8::from(flag))),
            Value::Int(number) => Some(f64::from(number)),
            Value::Long(number) => Some(number as f64),
            Value::Real(number) => Some(number),
            Value::Decimal(number) => number.to_f64(),
            Value::String(text) => read_real(text.trim()),
            Value::DateTime(ticks) | Value::TimeSpan(ticks) => Some(ticks as f64),
            _ => None,
        }
    }

    /// `todecimal()`
    pub fn to_decimal(&self) -> Option<BigDecimal> {
        match self.unwrapped() {
            Value::Bool(flag) => Some(BigDecimal::from(i64::from(flag))),
            Value::Int(number) => Some(BigDecimal::from(number)),
            Value::Long(number) => Some(BigDecimal::from(number)),
            // The shortest digits of the real, not the binary fraction behind them.
            Value::Real(number) if number.is_finite() => {
                BigDecimal::from_str(&format!("{number}")).ok().or_else(|| BigDecimal::from_f64(number))
            }
            Value::Decimal(number) => Some(number),
            Value::String(text) => read_decimal(text.trim()),
            _ => None,
        }
    }

    /// `todatetime()`; a whole number counts as ticks. Ticks of the years 1 to 9999 and no others.
    pub fn to_datetime(&self) -> Option<i64> {
        let ticks = match self.unwrapped() {
            Value::DateTime(ticks) | Value::Long(ticks) => ticks,
            Value::Int(ticks) => i64::from(ticks),
            Value::String(text) => parse_datetime(&text)?,
            _ => return None,
        };
        (0..=MAX_DATETIME_TICKS).contains(&ticks).then_some(ticks)
    }

    /// `totimespan()`; a whole number counts as ticks.
    pub fn to_timespan(&self) -> Option<i64> {
        match self.unwrapped() {
            Value::TimeSpan(ticks) | Value::Long(ticks) => Some(ticks),
            Value::Int(ticks) => Some(i64::from(ticks)),
            Value::String(text) => parse_timespan(&text),
            _ => None,
        }
    }

    /// `toguid()`
    pub fn to_guid(&self) -> Option<u128> {
        match self.unwrapped() {
            Value::Guid(guid) => Some(guid),
            Value::String(text) => uuid::Uuid::parse_str(text.trim()).ok().map(|guid| guid.as_u128()),
            _ => None,
        }
    }
}

/// A real cut to a whole number; `None` beyond 64 bits.
pub(crate) fn whole(number: f64) -> Option<i64> {
    let cut = number.trunc();
    // 2^63 is exact as a real; every real below it fits.
    ((-9_223_372_036_854_775_808.0..9_223_372_036_854_775_808.0).contains(&cut)).then_some(cut as i64)
}

/// A real in text: `1.5`, `1e3`, `NaN`, `inf`, `-inf`, `Infinity`.
pub(crate) fn read_real(text: &str) -> Option<f64> {
    match text.to_ascii_lowercase().as_str() {
        "" => None,
        "nan" => Some(f64::NAN),
        "inf" | "+inf" | "infinity" => Some(f64::INFINITY),
        "-inf" | "-infinity" => Some(f64::NEG_INFINITY),
        _ => text.parse().ok(),
    }
}

fn read_whole(text: &str) -> Option<i64> {
    let hexadecimal = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X"));
    if let Some(digits) = hexadecimal {
        return u64::from_str_radix(digits, 16).ok().map(u64::cast_signed);
    }
    text.parse().ok().or_else(|| read_real(text).filter(|number| number.is_finite()).and_then(whole))
}

/// A decimal in text. The exponent is bounded, so that `1e999999999` cannot ask for a gigabyte of digits.
pub(crate) fn read_decimal(text: &str) -> Option<BigDecimal> {
    const MAX_EXPONENT: i64 = 6_144;
    if text.is_empty() || text.len() > 512 {
        return None;
    }
    let exponent = text.find(['e', 'E']).and_then(|at| text.get(at + 1..));
    if exponent.is_some_and(|digits| digits.parse::<i64>().map_or(true, |e| e.abs() > MAX_EXPONENT)) {
        return None;
    }
    BigDecimal::from_str(text).ok()
}

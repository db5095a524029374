//! One column while rows are read into it.

use std::sync::Arc;

use castellan_kql::value::{UNIX_EPOCH_TICKS, json, parse_datetime, parse_timespan, ticks_of_date};
use castellan_kql::{ScalarType, Value as KqlValue};
use datafusion::arrow::array::{
    ArrayRef, BooleanBuilder, Float64Builder, Int32Builder, Int64Builder, StringBuilder,
    TimestampMicrosecondBuilder,
};

use super::scan::{Value, unescaped};

/// Appends values as they stand in JSON; those that do not fit the type become null and are told.
#[derive(Debug)]
pub(super) struct ColumnBuilder {
    scalar_type: ScalarType,
    values: Values,
    rows: usize,
}

#[derive(Debug)]
enum Values {
    Bool(BooleanBuilder),
    Int(Int32Builder),
    Long(Int64Builder),
    Real(Float64Builder),
    Time(TimestampMicrosecondBuilder),
    Text(StringBuilder),
}

/// Whether a value had a place in its column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fit {
    Yes,
    No,
}

impl ColumnBuilder {
    /// For values of a type.
    pub(super) fn new(scalar_type: ScalarType) -> ColumnBuilder {
        let values = match scalar_type {
            ScalarType::Bool => Values::Bool(BooleanBuilder::new()),
            ScalarType::Int => Values::Int(Int32Builder::new()),
            ScalarType::Long | ScalarType::TimeSpan => Values::Long(Int64Builder::new()),
            ScalarType::Real => Values::Real(Float64Builder::new()),
            ScalarType::DateTime => Values::Time(TimestampMicrosecondBuilder::new().with_timezone("UTC")),
            ScalarType::String | ScalarType::Decimal | ScalarType::Guid | ScalarType::Dynamic => {
                Values::Text(StringBuilder::new())
            }
        };
        ColumnBuilder { scalar_type, values, rows: 0 }
    }

    /// Rows that it has so far.
    pub(super) fn rows(&self) -> usize {
        self.rows
    }

    /// Appends nulls until it has so many rows.
    pub(super) fn pad(&mut self, rows: usize) {
        let missing = rows.saturating_sub(self.rows);
        if missing == 0 {
            return;
        }
        match &mut self.values {
            Values::Bool(builder) => builder.append_nulls(missing),
            Values::Int(builder) => builder.append_nulls(missing),
            Values::Long(builder) => builder.append_nulls(missing),
            Values::Real(builder) => builder.append_nulls(missing),
            Values::Time(builder) => builder.append_nulls(missing),
            Values::Text(builder) => builder.append_nulls(missing),
        }
        self.rows += missing;
    }

    /// Appends a value.
    pub(super) fn push(&mut self, value: Value<'_>) -> Fit {
        let before = self.rows;
        self.rows += 1;
        let fits = match (&mut self.values, value) {
            (_, Value::Null) => None,
            (Values::Bool(builder), value) => boolean(value).map(|flag| builder.append_value(flag)),
            (Values::Int(builder), value) => whole(value)
                .and_then(|number| i32::try_from(number).ok())
                .map(|number| builder.append_value(number)),
            (Values::Long(builder), value) if self.scalar_type == ScalarType::TimeSpan => {
                timespan(value).map(|ticks| builder.append_value(ticks))
            }
            (Values::Long(builder), value) => whole(value).map(|number| builder.append_value(number)),
            (Values::Real(builder), value) => real(value).map(|number| builder.append_value(number)),
            (Values::Time(builder), value) => micros(value).map(|micros| builder.append_value(micros)),
            (Values::Text(builder), value) => text(self.scalar_type, value, builder),
        };
        if fits.is_some() {
            return Fit::Yes;
        }
        self.rows = before;
        self.pad(before + 1);
        if is_nothing(value) { Fit::Yes } else { Fit::No }
    }

    pub(super) fn finish(mut self, rows: usize) -> ArrayRef {
        self.pad(rows);
        match self.values {
            Values::Bool(mut builder) => Arc::new(builder.finish()),
            Values::Int(mut builder) => Arc::new(builder.finish()),
            Values::Long(mut builder) => Arc::new(builder.finish()),
            Values::Real(mut builder) => Arc::new(builder.finish()),
            Values::Time(mut builder) => Arc::new(builder.finish()),
            Values::Text(mut builder) => Arc::new(builder.finish()),
        }
    }
}

/// Null, and the empty text, which has a place in every column.
fn is_nothing(value: Value<'_>) -> bool {
    matches!(value, Value::Null | Value::String("", _))
}

fn boolean(value: Value<'_>) -> Option<bool> {
    match value {
        Value::Bool(flag) => Some(flag),
        Value::Number("0") => Some(false),
        Value::Number("1") => Some(true),
        Value::String(text, false) if text.eq_ignore_ascii_case("true") || text == "1" => Some(true),
        Value::String(text, false) if text.eq_ignore_ascii_case("false") || text == "0" => Some(false),
        _ => None,
    }
}

fn whole(value: Value<'_>) -> Option<i64> {
    let text = match value {
        Value::Number(text) | Value::String(text, false) => text.trim(),
        Value::Bool(flag) => return Some(i64::from(flag)),
        _ => return None,
    };
    text.parse().ok().or_else(|| {
        // `1.0` and `1e3` are whole; beyond 2^53 a double no longer says which number is meant.
        let number: f64 = text.parse().ok()?;
        #[expect(clippy::cast_possible_truncation, reason = "checked to be whole and within 2^53")]
        (number.fract() == 0.0 && number.abs() <= 9_007_199_254_740_992.0).then_some(number as i64)
    })
}

fn real(value: Value<'_>) -> Option<f64> {
    match value {
        Value::Number(text) | Value::String(text, false) => text.trim().parse().ok(),
        _ => None,
    }
}

fn timespan(value: Value<'_>) -> Option<i64> {
    match value {
        Value::String(text, false) => parse_timespan(text),
        Value::Number(text) => text.parse().ok(),
        _ => None,
    }
}

/// Microseconds since 1970; what is finer is cut off.
fn micros(value: Value<'_>) -> Option<i64> {
    let Value::String(text, false) = value else { return None };
    iso(text.as_bytes()).or_else(|| parse_datetime(text).map(micros_of_ticks))
}

/// Microseconds since 1970, as the lake counts, of ticks of the language; what is finer is cut off.
pub fn micros_of_ticks(ticks: i64) -> i64 {
    (ticks - UNIX_EPOCH_TICKS).div_euclid(10)
}

/// Ticks of the language of microseconds since 1970.
pub fn ticks_of_micros(micros: i64) -> i64 {
    micros.saturating_mul(10).saturating_add(UNIX_EPOCH_TICKS)
}

/// The form that nearly all events have: `2026-01-02T03:04:05[.123...]Z`. `None` for everything else.
fn iso(text: &[u8]) -> Option<i64> {
    let digits = |from: usize, to: usize| -> Option<i64> {
        text.get(from..to)?.iter().try_fold(0_i64, |number, byte| {
            byte.is_ascii_digit().then(|| number * 10 + i64::from(byte - b'0'))
        })
    };
    let at = |place: usize| text.get(place).copied();
    let marks = [(4, b'-'), (7, b'-'), (10, b'T'), (13, b':'), (16, b':')];
    if marks.iter().any(|(place, mark)| at(*place) != Some(*mark)) {
        return None;
    }
    let (year, month, day) = (digits(0, 4)?, digits(5, 7)?, digits(8, 10)?);
    let (hour, minute, second) = (digits(11, 13)?, digits(14, 16)?, digits(17, 19)?);
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let (fraction, end) = match at(19)? {
        b'.' => {
            let end = (20..text.len()).find(|place| !at(*place).is_some_and(|byte| byte.is_ascii_digit()))?;
            let count = end - 20;
            if count == 0 || count > 9 {
                return None;
            }
            let number = digits(20, end)?;
            let micros = if count <= 6 {
                number * 10_i64.pow(u32::try_from(6 - count).ok()?)
            } else {
                number / 10_i64.pow(u32::try_from(count - 6).ok()?)
            };
            (micros, end)
        }
        _ => (0, 19),
    };
    if at(end) != Some(b'Z') || text.len() != end + 1 {
        return None;
    }
    let day = micros_of_ticks(ticks_of_date(year, month, day)?);
    Some(day + ((hour * 60 + minute) * 60 + second) * 1_000_000 + fraction)
}

fn text(scalar_type: ScalarType, value: Value<'_>, builder: &mut StringBuilder) -> Option<()> {
    match (scalar_type, value) {
        (ScalarType::String, Value::String("", _)) => return None,
        (ScalarType::String, Value::String(raw, false)) => builder.append_value(raw),
        (ScalarType::String, Value::String(raw, true)) => builder.append_value(unescaped(raw)),
        (ScalarType::String, Value::Number(raw) | Value::Nested(raw)) => builder.append_value(raw),
        (ScalarType::String, Value::Bool(flag)) => builder.append_value(if flag { "true" } else { "false" }),
        (ScalarType::Dynamic, value) => return dynamic(value, builder),
        (ScalarType::Guid, Value::String(raw, false)) => {
            builder.append_value(KqlValue::Guid(KqlValue::string(raw).to_guid()?).to_text());
        }
        (ScalarType::Decimal, Value::Number(raw) | Value::String(raw, false)) => {
            match KqlValue::decimal(KqlValue::string(raw).to_decimal()?) {
                KqlValue::Null => return None,
                number => builder.append_value(number.to_text()),
            }
        }
        _ => return None,
    }
    Some(())
}

/// JSON as it stands there. A string that holds JSON is read as such, since many senders nest it so.
fn dynamic(value: Value<'_>, builder: &mut StringBuilder) -> Option<()> {
    match value {
        Value::Null => return None,
        Value::Bool(flag) => builder.append_value(if flag { "true" } else { "false" }),
        Value::Number(raw) | Value::Nested(raw) => builder.append_value(raw),
        Value::String("", _) => return None,
        Value::String(raw, has_escapes) => {
            let begins = raw.trim_start().starts_with(['{', '[']);
            let inner = if has_escapes { unescaped(raw) } else { raw.to_owned() };
            if begins && json::is_json(&inner) {
                builder.append_value(inner);
            } else {
                let mut quoted = String::with_capacity(inner.len() + 2);
                json::quote(&inner, &mut quoted);
                builder.append_value(quoted);
            }
        }
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_short_way_reads_times_as_the_language_does(
            ticks in 0..=castellan_kql::value::MAX_DATETIME_TICKS, digits in 0_usize..=7
        ) {
            let text = castellan_kql::value::format_datetime(ticks);
            let (whole, fraction) = text.trim_end_matches('Z').split_once('.').unwrap_or((&text, ""));
            let text = match fraction.get(..digits) {
                Some(fraction) if digits > 0 => format!("{whole}.{fraction}Z"),
                _ => format!("{}Z", whole.trim_end_matches('Z')),
            };
            prop_assert_eq!(iso(text.as_bytes()), parse_datetime(&text).map(micros_of_ticks), "{}", text);
        }

        #[test]
        fn no_text_is_read_otherwise_than_by_the_language(text in "[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\\.[0-9]{0,9})?Z?") {
            if let Some(micros) = iso(text.as_bytes()) {
                prop_assert_eq!(Some(micros), parse_datetime(&text).map(micros_of_ticks), "{}", text);
            }
        }
    }
}

//! Values as text.

use super::{Dynamic, Value, format_datetime, format_timespan};

/// The shortest text that reads back as the same number, with a point or an exponent so that it stays a real:
/// `3.0`, `0.1`, `1e+20`; `NaN`, `inf`, `-inf`.
pub fn format_real(number: f64) -> String {
    if number.is_nan() {
        return "NaN".to_owned();
    }
    if number.is_infinite() {
        return if number > 0.0 { "Infinity" } else { "-Infinity" }.to_owned();
    }
    let magnitude = number.abs();
    if magnitude != 0.0 && !(1e-5..1e15).contains(&magnitude) {
        let text = format!("{number:e}");
        let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        let (sign, digits) = match exponent.strip_prefix('-') {
            Some(digits) => ('-', digits),
            None => ('+', exponent),
        };
        return format!("{mantissa}e{sign}{digits:0>2}");
    }
    let text = format!("{number}");
    if text.contains('.') { text } else { format!("{text}.0") }
}

/// `74be27de-1e4e-49d9-b579-fe0b331d3642`
pub(crate) fn format_guid(guid: u128) -> String {
    uuid::Uuid::from_u128(guid).hyphenated().to_string()
}

impl Value {
    /// What `tostring()` gives: the empty text for null, ISO 8601 for times, compact JSON for arrays and bags, the bare
    /// text of a dynamic string.
    pub fn to_text(&self) -> String {
        match self {
            Value::Null => String::new(),
            Value::Bool(flag) => if *flag { "True" } else { "False" }.to_owned(),
            Value::Int(number) => number.to_string(),
            Value::Long(number) => number.to_string(),
            Value::Real(number) => format_real(*number),
            Value::Decimal(number) => number.to_plain_string(),
            Value::String(text) => text.to_string(),
            Value::DateTime(ticks) => format_datetime(*ticks),
            Value::TimeSpan(ticks) => format_timespan(*ticks),
            Value::Guid(guid) => format_guid(*guid),
            Value::Dynamic(dynamic) => match &**dynamic {
                Dynamic::Bool(flag) => flag.to_string(),
                Dynamic::String(text) => text.to_string(),
                Dynamic::DateTime(ticks) => format_datetime(*ticks),
                Dynamic::TimeSpan(ticks) => format_timespan(*ticks),
                Dynamic::Guid(guid) => format_guid(*guid),
                other => other.to_string(),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reals_read_back() {
        for (number, text) in [
            (3.0, "3.0"),
            (-0.5, "-0.5"),
            (0.1, "0.1"),
            (1e20, "1e+20"),
            (1.5e-7, "1.5e-07"),
            (123_456_789.25, "123456789.25"),
            (0.0, "0.0"),
        ] {
            assert_eq!(format_real(number), text);
            assert_eq!(text.parse::<f64>().unwrap(), number);
        }
    }
}

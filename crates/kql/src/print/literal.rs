//! Constants in print.

use std::fmt::Write as _;

use super::Printer;
use crate::value::{Dynamic, ScalarType, TICKS_PER_DAY, TICKS_PER_SECOND, Value, format_real};

impl Printer {
    pub(super) fn literal(&mut self, value: &Value, scalar_type: ScalarType) {
        match value {
            Value::Null => self.typed(scalar_type.name(), "null"),
            Value::Bool(flag) => self.push(if *flag { "true" } else { "false" }),
            Value::Int(number) => self.typed("int", &number.to_string()),
            Value::Long(number) => self.long(*number),
            Value::Real(number) => self.real(*number),
            Value::Decimal(_) | Value::DateTime(_) | Value::Guid(_) => {
                self.typed(scalar_type.name(), &value.to_text());
            }
            Value::String(text) => self.quoted(text),
            Value::TimeSpan(ticks) => self.timespan(*ticks),
            Value::Dynamic(dynamic) => {
                self.push("dynamic(");
                self.dynamic(dynamic);
                self.push(")");
            }
        }
    }

    fn typed(&mut self, name: &str, text: &str) {
        self.push(name);
        self.push("(");
        self.push(text);
        self.push(")");
    }

    fn long(&mut self, number: i64) {
        // The smallest long has no positive counterpart that a sign could stand before.
        if number == i64::MIN {
            self.push("0x8000000000000000");
        } else {
            let _ = write!(self.out, "{number}");
        }
    }

    fn real(&mut self, number: f64) {
        if number.is_nan() {
            self.push("real(nan)");
        } else if number.is_infinite() {
            self.push(if number > 0.0 { "real(+inf)" } else { "real(-inf)" });
        } else {
            self.push(&format_real(number));
        }
    }

    /// The largest unit that divides it, or the form with colons.
    fn timespan(&mut self, ticks: i64) {
        const UNITS: [(&str, i64); 5] = [
            ("d", TICKS_PER_DAY),
            ("h", 3600 * TICKS_PER_SECOND),
            ("m", 60 * TICKS_PER_SECOND),
            ("s", TICKS_PER_SECOND),
            ("ms", TICKS_PER_SECOND / 1000),
        ];
        if ticks == i64::MIN || ticks == i64::MAX {
            return self.push(if ticks == i64::MIN { "timespan(min)" } else { "timespan(max)" });
        }
        match UNITS.iter().find(|(_, unit)| ticks % unit == 0) {
            Some((name, unit)) => {
                let _ = write!(self.out, "{}{name}", ticks / unit);
            }
            None => self.typed("timespan", &Value::TimeSpan(ticks).to_text()),
        }
    }

    /// Verbatim where that saves escapes, as in regular expressions.
    pub(super) fn quoted(&mut self, text: &str) {
        let is_verbatim = text.contains('\\') && !text.chars().any(char::is_control);
        if is_verbatim {
            self.push("@\"");
            self.push(&text.replace('"', "\"\""));
            return self.push("\"");
        }
        self.push("\"");
        for character in text.chars() {
            match character {
                '"' => self.push("\\\""),
                '\\' => self.push("\\\\"),
                '\n' => self.push("\\n"),
                '\r' => self.push("\\r"),
                '\t' => self.push("\\t"),
                control if control.is_control() => {
                    let _ = write!(self.out, "\\u{:04x}", u32::from(control));
                }
                other => self.out.push(other),
            }
        }
        self.push("\"");
    }

    fn dynamic(&mut self, dynamic: &Dynamic) {
        match dynamic {
            Dynamic::Null => self.push("null"),
            Dynamic::Bool(flag) => self.push(if *flag { "true" } else { "false" }),
            Dynamic::Long(number) => self.long(*number),
            Dynamic::Real(number) => self.real(*number),
            Dynamic::String(text) => self.quoted(text),
            Dynamic::DateTime(ticks) => self.typed("datetime", &Value::DateTime(*ticks).to_text()),
            Dynamic::TimeSpan(ticks) => self.timespan(*ticks),
            Dynamic::Guid(guid) => self.typed("guid", &Value::Guid(*guid).to_text()),
            Dynamic::Array(items) => {
                self.push("[");
                self.list(items, Self::dynamic);
                self.push("]");
            }
            Dynamic::Bag(members) => {
                self.push("{");
                for (index, (key, value)) in members.iter().enumerate() {
                    if index > 0 {
                        self.push(", ");
                    }
                    self.quoted(key);
                    self.push(": ");
                    self.dynamic(value);
                }
                self.push("}");
            }
        }
    }
}

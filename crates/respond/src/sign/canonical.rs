//! The canonical form of JSON (RFC 8785), which signatures and digests are made of.

use std::fmt::Write as _;

use serde_json::{Number, Value};

/// The canonical text of a value: no white space, members by their UTF-16 code units, numbers as ECMAScript writes them.
///
/// ```
/// use castellan_respond::sign::canonical;
///
/// let value = serde_json::json!({"b": 1.0, "a": [1e30, "\u{20ac}\n"]});
/// assert_eq!(canonical(&value), "{\"a\":[1e+30,\"\u{20ac}\\n\"],\"b\":1}");
/// ```
pub fn canonical(value: &Value) -> String {
    let mut out = String::new();
    write(value, &mut out);
    out
}

fn write(value: &Value, out: &mut String) {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(flag) => out.push_str(if *flag { "true" } else { "false" }),
        Value::Number(number) => out.push_str(&number_text(number)),
        // serde_json escapes what RFC 8785 section 3.2.2.2 escapes, in the same short forms and in lower case.
        Value::String(text) => out.push_str(&Value::from(text.as_str()).to_string()),
        Value::Array(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                write(item, out);
            }
            out.push(']');
        }
        Value::Object(members) => {
            let mut sorted: Vec<(Vec<u16>, &String, &Value)> =
                members.iter().map(|(key, value)| (key.encode_utf16().collect(), key, value)).collect();
            sorted.sort_by(|left, right| left.0.cmp(&right.0));
            out.push('{');
            for (index, (_, key, member)) in sorted.into_iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                out.push_str(&Value::from(key.as_str()).to_string());
                out.push(':');
                write(member, out);
            }
            out.push('}');
        }
    }
}

/// ECMAScript's `Number::toString` of the double that the number is (RFC 8785 section 3.2.2.3).
fn number_text(number: &Number) -> String {
    let double = number.as_f64().unwrap_or(0.0);
    if double == 0.0 || !double.is_finite() {
        return "0".to_owned();
    }
    // Rust's scientific form has the shortest digits that give the double again, as ECMAScript's has.
    let scientific = format!("{:e}", double.abs());
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let digits: String = mantissa.chars().filter(char::is_ascii_digit).collect();
    let exponent: i64 = exponent.parse().unwrap_or(0);
    let mut out = String::from(if double < 0.0 { "-" } else { "" });
    out.push_str(&place(&digits, exponent + 1));
    out
}

/// The digits with a point after `point` of them, by the cases of ECMAScript.
fn place(digits: &str, point: i64) -> String {
    let count = i64::try_from(digits.len()).unwrap_or(i64::MAX);
    let zeros = |count: i64| "0".repeat(usize::try_from(count).unwrap_or(0));
    if count <= point && point <= 21 {
        return format!("{digits}{}", zeros(point - count));
    }
    let split = usize::try_from(point).unwrap_or(0).min(digits.len());
    if 0 < point && point <= 21 {
        let (whole, fraction) = digits.split_at(split);
        return format!("{whole}.{fraction}");
    }
    if -6 < point && point <= 0 {
        return format!("0.{}{digits}", zeros(-point));
    }
    let (first, rest) = digits.split_at(1.min(digits.len()));
    let mut out = first.to_owned();
    if !rest.is_empty() {
        let _ = write!(out, ".{rest}");
    }
    let _ = write!(out, "e{}{}", if point > 0 { '+' } else { '-' }, (point - 1).abs());
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(bits: u64, expected: &str) {
        let number = Number::from_f64(f64::from_bits(bits));
        assert_eq!(number.map(|number| number_text(&number)).as_deref(), Some(expected), "{bits:016x}");
    }

    /// Samples of RFC 8785, appendix B.
    #[test]
    fn numbers_of_the_standard() {
        check(0x0000_0000_0000_0000, "0");
        check(0x8000_0000_0000_0000, "0");
        check(0x0000_0000_0000_0001, "5e-324");
        check(0x8000_0000_0000_0001, "-5e-324");
        check(0x7fef_ffff_ffff_ffff, "1.7976931348623157e+308");
        check(0x4340_0000_0000_0000, "9007199254740992");
        check(0xc340_0000_0000_0000, "-9007199254740992");
        check(0x4430_0000_0000_0000, "295147905179352830000");
        check(0x44b5_2d02_c7e1_4af5, "9.999999999999997e+22");
        check(0x44b5_2d02_c7e1_4af6, "1e+23");
        check(0x444b_1ae4_d6e2_ef4e, "999999999999999700000");
        check(0x444b_1ae4_d6e2_ef50, "1e+21");
        check(0x3eb0_c6f7_a0b5_ed8c, "9.999999999999997e-7");
        check(0x3eb0_c6f7_a0b5_ed8d, "0.000001");
        check(0x41b3_de43_5555_5553, "333333333.3333332");
        check(0xbecb_f647_612f_3696, "-0.0000033333333333333333");
    }

    /// The order of members in RFC 8785, section 3.2.3.
    #[test]
    fn members_of_the_standard() {
        let keys = ["\u{20ac}", "\r", "\u{fb33}", "1", "\u{1f600}", "\u{80}", "\u{f6}"];
        let object: Value = keys.iter().map(|key| ((*key).to_owned(), Value::Null)).collect();
        let expected = "{\"\\r\":null,\"1\":null,\"\u{80}\":null,\"\u{f6}\":null,\"\u{20ac}\":null,\"\u{1f600}\":null,\"\u{fb33}\":null}";
        assert_eq!(canonical(&object), expected);
    }

    proptest! {
        #[test]
        fn numbers_read_back(double in any::<f64>().prop_filter("finite", |double| double.is_finite())) {
            let text = Number::from_f64(double).map(|number| number_text(&number)).unwrap_or_default();
            prop_assert_eq!(text.parse::<f64>().ok(), Some(if double == 0.0 { 0.0 } else { double }));
        }
    }
}

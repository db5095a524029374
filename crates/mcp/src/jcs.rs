//! The canonical form of JSON (RFC 8785), over which pins are hashed.
//!
//! Members are sorted by the UTF-16 code units of their names, numbers are written as ECMAScript writes doubles.
//! Whole numbers beyond 2^53 are where RFC 8785 alone would give two definitions one hash, since both become the same
//! double; [`Integers::Exact`] keeps their digits, and it is what pins use.

use std::fmt::Write;

use crate::json::{Kind, Member, Value, quote};

/// How whole numbers are written that a double does not hold exactly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Integers {
    /// As RFC 8785 has it: the nearest double.
    EcmaScript,
    /// Digit for digit.
    Exact,
}

/// The canonical form.
#[must_use]
pub fn canonical(value: &Value, integers: Integers) -> String {
    let mut out = String::new();
    write(value, integers, &mut out);
    out
}

fn write(value: &Value, integers: Integers, out: &mut String) {
    match &value.kind {
        Kind::Null => out.push_str("null"),
        Kind::Bool(flag) => out.push_str(if *flag { "true" } else { "false" }),
        Kind::Number(text) if integers == Integers::Exact && is_large_integer(text) => out.push_str(text),
        Kind::Number(text) => out.push_str(&number(text)),
        Kind::String(text) => quote(text, out),
        Kind::Array(items) => {
            out.push('[');
            for (place, item) in items.iter().enumerate() {
                if place > 0 {
                    out.push(',');
                }
                write(item, integers, out);
            }
            out.push(']');
        }
        Kind::Object(members) => {
            let mut sorted: Vec<&Member> = members.iter().collect();
            sorted.sort_by(|one, two| one.key.encode_utf16().cmp(two.key.encode_utf16()));
            out.push('{');
            for (place, member) in sorted.into_iter().enumerate() {
                if place > 0 {
                    out.push(',');
                }
                quote(&member.key, out);
                out.push(':');
                write(&member.value, integers, out);
            }
            out.push('}');
        }
    }
}

fn is_large_integer(text: &str) -> bool {
    const SAFE: u64 = 1 << 53;
    let digits = text.strip_prefix('-').unwrap_or(text);
    digits.bytes().all(|byte| byte.is_ascii_digit())
        && !digits.parse::<u64>().is_ok_and(|number| number <= SAFE)
}

/// A number as ECMAScript's `Number::toString` writes it. What is no finite number is written as it is.
#[must_use]
pub fn number(text: &str) -> String {
    let Some(value) = text.parse::<f64>().ok().filter(|value| value.is_finite()) else {
        return text.to_owned();
    };
    if value == 0.0 {
        return "0".to_owned();
    }
    let scientific = shortest(value.abs());
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let digits: String = mantissa.chars().filter(|character| *character != '.').collect();
    let count = i32::try_from(digits.len()).unwrap_or(i32::MAX);
    let point = exponent.parse::<i32>().unwrap_or_default() + 1;
    let mut out = if value < 0.0 { "-".to_owned() } else { String::new() };
    if (count..=21).contains(&point) {
        out.push_str(&digits);
        zeros(point - count, &mut out);
    } else if (1..=21).contains(&point) {
        let (whole, fraction) =
            digits.split_at_checked(usize::try_from(point).unwrap_or(1)).unwrap_or((&digits, ""));
        let _ = write!(out, "{whole}.{fraction}");
    } else if (-5..=0).contains(&point) {
        out.push_str("0.");
        zeros(-point, &mut out);
        out.push_str(&digits);
    } else {
        let (first, rest) = digits.split_at_checked(1).unwrap_or((&digits, ""));
        out.push_str(first);
        if !rest.is_empty() {
            let _ = write!(out, ".{rest}");
        }
        let _ = write!(out, "e{:+}", point - 1);
    }
    out
}

/// The fewest digits that give the same double again; of those the closest ones, and of two as close the even ones.
fn shortest(value: f64) -> String {
    let short = format!("{value:e}");
    let digits = short.split('e').next().map_or(1, str::len);
    let places = digits.saturating_sub(2);
    // Rust's shortest digits round halves up; with the number of places given it rounds as ECMAScript asks for.
    let closest = format!("{value:.places$e}");
    if closest.parse() == Ok(value) { closest } else { short }
}

fn zeros(count: i32, out: &mut String) {
    (0..count).for_each(|_| out.push('0'));
}

//! Dynamic values as text: JSON, and a few marks for what JSON has no word for.
//!
//! Text was chosen over a binary form by measurement (`cargo bench -p castellan-query --bench dynamic`): logs bring
//! dynamic columns as JSON text, so a binary form has to be made first, which costs more than all that a typical query
//! looks up in it; and finding one member in text needs no allocation.
//!
//! `@d` and ticks are a datetime, `@t` and ticks a timespan, `@g` and 32 hexadecimal digits a guid, `@nan`, `@inf` and
//! `@-inf` the numbers that JSON lacks. JSON from elsewhere has no `@` outside of strings. What is no JSON at all is one
//! string, as `parse_json()` has it.

mod items;

use std::borrow::Cow;
use std::fmt::Write as _;

use castellan_kql::Value;
use castellan_kql::value::Dynamic;
use castellan_kql::value::json::Scanner;
pub use castellan_kql::value::json::{Part, quote};
pub use items::{Item, Place, items};

/// The text of a value that is not null.
pub fn encode(dynamic: &Dynamic) -> String {
    let mut out = String::new();
    write(dynamic, &mut out);
    out
}

/// Appends the text of a value, that of null being `null`.
pub fn write(dynamic: &Dynamic, out: &mut String) {
    match dynamic {
        Dynamic::Null => out.push_str("null"),
        Dynamic::Bool(flag) => out.push_str(if *flag { "true" } else { "false" }),
        Dynamic::Long(number) => {
            let _ = write!(out, "{number}");
        }
        Dynamic::String(text) => quote(text, out),
        Dynamic::DateTime(ticks) => {
            let _ = write!(out, "@d{ticks}");
        }
        Dynamic::TimeSpan(ticks) => {
            let _ = write!(out, "@t{ticks}");
        }
        Dynamic::Guid(guid) => {
            let _ = write!(out, "@g{guid:032x}");
        }
        Dynamic::Real(number) if number.is_nan() => out.push_str("@nan"),
        Dynamic::Real(number) if number.is_infinite() => {
            out.push_str(if *number > 0.0 { "@inf" } else { "@-inf" });
        }
        Dynamic::Array(items) => {
            out.push('[');
            for (at, item) in items.iter().enumerate() {
                if at > 0 {
                    out.push(',');
                }
                write(item, out);
            }
            out.push(']');
        }
        Dynamic::Bag(members) => {
            out.push('{');
            for (at, (key, value)) in members.iter().enumerate() {
                if at > 0 {
                    out.push(',');
                }
                quote(key, out);
                out.push(':');
                write(value, out);
            }
            out.push('}');
        }
        Dynamic::Real(number) => {
            let _ = write!(out, "{}", Dynamic::Real(*number));
        }
    }
}

/// The value of a text. What is no JSON is a string; the empty text is null.
pub fn decode(text: &str) -> Value {
    if text.is_empty() {
        return Value::Null;
    }
    let mut scanner = scanner(text);
    scanner.blank();
    match Dynamic::read(&mut scanner, mark) {
        Some(dynamic) if scanner.is_at_end() => Value::dynamic(dynamic),
        _ => Value::dynamic(Dynamic::String(text.into())),
    }
}

fn scanner(text: &str) -> Scanner<'_> {
    Scanner::with_marks(text, |marked| mark(marked).is_some())
}

/// What stands behind an `@`.
fn mark(marked: &str) -> Option<Dynamic> {
    match marked {
        "nan" => Some(Dynamic::Real(f64::NAN)),
        "inf" => Some(Dynamic::Real(f64::INFINITY)),
        "-inf" => Some(Dynamic::Real(f64::NEG_INFINITY)),
        _ => match marked.split_at_checked(1)? {
            ("d", ticks) => ticks.parse().ok().map(Dynamic::DateTime),
            ("t", ticks) => ticks.parse().ok().map(Dynamic::TimeSpan),
            ("g", digits) => u128::from_str_radix(digits, 16).ok().map(Dynamic::Guid),
            _ => None,
        },
    }
}

/// The text of what is at the end of a path; `None` when there is nothing, and for null. Text that is no JSON is a
/// string, in which there is nothing to find.
pub fn find<'t>(text: &'t str, path: &[Part]) -> Option<&'t str> {
    scanner(text).find(path).flatten().filter(|found| *found != "null")
}

/// Whether a text is null: the empty text is, and `null`.
pub(crate) fn is_null(text: &str) -> bool {
    text.is_empty() || text.trim_matches([' ', '\t', '\n', '\r']) == "null"
}

/// What `tostring()` gives for the value of a text.
pub(crate) fn to_text(text: &str) -> Cow<'_, str> {
    let is_plain = |word: &str| matches!(word, "true" | "false") || is_short_whole(word);
    if is_plain(text) {
        return Cow::Borrowed(text);
    }
    let mut scanner = scanner(text);
    if scanner.peek() == Some(b'"')
        && let Some(quoted) = scanner.string()
        && scanner.is_at_end()
    {
        return quoted.text();
    }
    Cow::Owned(decode(text).to_text())
}

/// A whole number that is written as it would be again.
fn is_short_whole(word: &str) -> bool {
    matches!(word.as_bytes(), [b'1'..=b'9', rest @ ..] if rest.len() < 18 && rest.iter().all(u8::is_ascii_digit))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let value = Dynamic::Array(vec![
            Dynamic::DateTime(5),
            Dynamic::TimeSpan(-7),
            Dynamic::Guid(9),
            Dynamic::Real(f64::INFINITY),
            Dynamic::Real(0.5),
            Dynamic::String("a\"\u{1f600}\n".into()),
            Dynamic::Null,
            Dynamic::bag(vec![("k".into(), Dynamic::Bool(true))]),
        ]);
        assert_eq!(decode(&encode(&value)), Value::dynamic(value));
    }

    #[test]
    fn what_is_no_json_is_a_string() {
        for text in
            ["abc", "-inf", "007", "1.", "\"\u{1}\"", "{\"a\":", "[1,]", "1 2", "@x", &"[".repeat(400)]
        {
            assert_eq!(decode(text), Value::dynamic(Dynamic::String(text.into())), "{text}");
        }
        assert_eq!(decode(""), Value::Null);
        assert_eq!(decode("null"), Value::Null);
    }

    #[test]
    fn texts_of_values_are_those_of_the_plain_engine() {
        for text in [
            "",
            "null",
            " null",
            "abc",
            "1",
            "-1",
            "1.0",
            "1e3",
            "true",
            "\"a\\n\"",
            "\"a\"b\"",
            "[ 1 ]",
            "{\"a\":[]}",
            "@d5",
            "0",
            "12345678901234567890",
        ] {
            assert_eq!(to_text(text), decode(text).to_text(), "{text}");
            assert_eq!(is_null(text), decode(text).is_null(), "{text}");
        }
    }
}

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
use std::sync::Arc;

use castellan_kql::Value;
use castellan_kql::value::Dynamic;

pub use items::{Item, Place, items};

/// Deepest nesting that is read; deeper text is one string.
const MAX_DEPTH: usize = 128;

/// The text of a value that is not null.
pub fn encode(dynamic: &Dynamic) -> String {
    let mut out = String::new();
    write(dynamic, &mut out);
    out
}

/// Appends the text of a value; that of null is `null`.
pub fn write(dynamic: &Dynamic, out: &mut String) {
    match dynamic {
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
                write(&Dynamic::String(Arc::clone(key)), out);
                out.push(':');
                write(value, out);
            }
            out.push('}');
        }
        scalar => {
            let _ = write!(out, "{scalar}");
        }
    }
}

/// The value of a text. What is no JSON is a string; the empty text is null.
pub fn decode(text: &str) -> Value {
    if text.is_empty() {
        return Value::Null;
    }
    let mut parser = Parser { text, at: 0 };
    let parsed = parser.value(0);
    parser.blank();
    match parsed {
        Some(dynamic) if parser.at == text.len() => Value::dynamic(dynamic),
        _ => Value::dynamic(Dynamic::String(text.into())),
    }
}

/// A step into a value.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Part {
    /// The member of a bag.
    Key(Arc<str>),
    /// The item of an array; from the end when negative.
    Item(i64),
}

/// The text of what is at the end of a path; `None` when there is nothing, and for null.
pub fn find<'t>(text: &'t str, path: &[Part]) -> Option<&'t str> {
    let mut text = text;
    for part in path {
        text = match part {
            Part::Key(key) => member(text, key)?,
            Part::Item(position) => item(text, *position)?,
        };
    }
    let text = text.trim();
    (text != "null").then_some(text)
}

/// The last member of that name counts, as it does when the whole text is read.
fn member<'t>(text: &'t str, key: &str) -> Option<&'t str> {
    let mut parser = Parser { text, at: 0 };
    parser.blank();
    parser.take(b'{')?;
    parser.blank();
    let mut found = None;
    if parser.peek() == Some(b'}') {
        return None;
    }
    loop {
        parser.blank();
        let (raw, has_escapes) = parser.raw_string()?;
        let is_it = if has_escapes { unescape(raw)? == key } else { raw == key };
        parser.blank();
        parser.take(b':')?;
        parser.blank();
        let start = parser.at;
        parser.skip(0)?;
        if is_it {
            found = text.get(start..parser.at);
        }
        parser.blank();
        match parser.next()? {
            b',' => {}
            b'}' => return found,
            _ => return None,
        }
    }
}

fn item(text: &str, position: i64) -> Option<&str> {
    let mut parser = Parser { text, at: 0 };
    parser.blank();
    parser.take(b'[')?;
    parser.blank();
    if parser.peek() == Some(b']') {
        return None;
    }
    let wanted = usize::try_from(position).ok();
    let mut items = Vec::new();
    loop {
        parser.blank();
        let start = parser.at;
        parser.skip(0)?;
        let found = text.get(start..parser.at)?;
        if wanted == Some(items.len()) {
            return Some(found);
        }
        items.push(found);
        parser.blank();
        match parser.next()? {
            b',' => {}
            b']' => break,
            _ => return None,
        }
    }
    let from_end = usize::try_from(position.checked_neg()?).ok()?;
    items.get(items.len().checked_sub(from_end)?).copied()
}

/// The text of a string without its quotes and escapes; `None` for what is no string.
pub fn as_string(text: &str) -> Option<Cow<'_, str>> {
    let inner = text.trim().strip_prefix('"')?.strip_suffix('"')?;
    if inner.contains('\\') { unescape(inner).map(Cow::Owned) } else { Some(Cow::Borrowed(inner)) }
}

fn unescape(raw: &str) -> Option<String> {
    let mut out = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some(at) = rest.find('\\') {
        out.push_str(rest.get(..at)?);
        let after = rest.get(at + 1..)?;
        let escape = after.chars().next()?;
        rest = after.get(escape.len_utf8()..)?;
        match escape {
            'n' => out.push('\n'),
            't' => out.push('\t'),
            'r' => out.push('\r'),
            'b' => out.push('\u{8}'),
            'f' => out.push('\u{c}'),
            '"' | '\\' | '/' => out.push(escape),
            'u' => {
                let first = hex(rest)?;
                rest = rest.get(4..)?;
                let second =
                    rest.strip_prefix("\\u").and_then(hex).filter(|low| (0xDC00..0xE000).contains(low));
                match (first, second) {
                    (0xD800..0xDC00, Some(low)) => {
                        rest = rest.get(6..)?;
                        out.push(char::from_u32(0x10000 + ((first - 0xD800) << 10) + (low - 0xDC00))?);
                    }
                    // Half of a pair is no character.
                    (0xD800..0xE000, _) => out.push('\u{fffd}'),
                    _ => out.push(char::from_u32(first)?),
                }
            }
            _ => return None,
        }
    }
    out.push_str(rest);
    Some(out)
}

fn hex(text: &str) -> Option<u32> {
    u32::from_str_radix(text.get(..4)?, 16).ok()
}

struct Parser<'t> {
    text: &'t str,
    at: usize,
}

impl<'t> Parser<'t> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn next(&mut self) -> Option<u8> {
        let byte = self.peek()?;
        self.at += 1;
        Some(byte)
    }

    fn take(&mut self, wanted: u8) -> Option<()> {
        (self.next()? == wanted).then_some(())
    }

    fn blank(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    /// The text between quotes, and whether something in it is escaped.
    fn raw_string(&mut self) -> Option<(&'t str, bool)> {
        self.take(b'"')?;
        let start = self.at;
        let bytes = self.text.as_bytes();
        let mut has_escapes = false;
        loop {
            let found = memchr::memchr2(b'"', b'\\', bytes.get(self.at..)?)?;
            self.at += found;
            if bytes.get(self.at) == Some(&b'"') {
                let raw = self.text.get(start..self.at)?;
                self.at += 1;
                return Some((raw, has_escapes));
            }
            has_escapes = true;
            self.at += 2;
        }
    }

    /// A word up to the next sign.
    fn word(&mut self) -> Option<&'t str> {
        let start = self.at;
        while !matches!(
            self.peek(),
            None | Some(b',' | b']' | b'}' | b' ' | b'\t' | b'\n' | b'\r' | b':' | b'"')
        ) {
            self.at += 1;
        }
        self.text.get(start..self.at).filter(|word| !word.is_empty())
    }

    /// Passes over a value. Brackets are counted, not understood: what is inside is looked at when it is asked for.
    fn skip(&mut self, depth: usize) -> Option<()> {
        match self.peek()? {
            b'"' => self.raw_string().map(|_| ()),
            b'{' | b'[' => {
                let mut open = 0_usize;
                loop {
                    match self.peek()? {
                        b'"' => {
                            self.raw_string()?;
                            continue;
                        }
                        b'{' | b'[' => open += 1,
                        b'}' | b']' => open -= 1,
                        _ => {}
                    }
                    self.at += 1;
                    if open == 0 {
                        return Some(());
                    }
                    if open + depth > MAX_DEPTH {
                        return None;
                    }
                }
            }
            _ => self.word().map(|_| ()),
        }
    }

    fn value(&mut self, depth: usize) -> Option<Dynamic> {
        if depth > MAX_DEPTH {
            return None;
        }
        self.blank();
        match self.peek()? {
            b'"' => {
                let (raw, has_escapes) = self.raw_string()?;
                let text = if has_escapes { unescape(raw)?.into() } else { raw.into() };
                Some(Dynamic::String(text))
            }
            b'[' => self.array(depth),
            b'{' => self.bag(depth),
            _ => scalar(self.word()?),
        }
    }

    fn array(&mut self, depth: usize) -> Option<Dynamic> {
        self.at += 1;
        let mut items = Vec::new();
        self.blank();
        if self.peek() == Some(b']') {
            self.at += 1;
            return Some(Dynamic::Array(items));
        }
        loop {
            items.push(self.value(depth + 1)?);
            self.blank();
            match self.next()? {
                b',' => {}
                b']' => return Some(Dynamic::Array(items)),
                _ => return None,
            }
        }
    }

    fn bag(&mut self, depth: usize) -> Option<Dynamic> {
        self.at += 1;
        let mut members = Vec::new();
        self.blank();
        if self.peek() == Some(b'}') {
            self.at += 1;
            return Some(Dynamic::bag(members));
        }
        loop {
            self.blank();
            let (raw, has_escapes) = self.raw_string()?;
            let key: Arc<str> = if has_escapes { unescape(raw)?.into() } else { raw.into() };
            self.blank();
            self.take(b':')?;
            members.push((key, self.value(depth + 1)?));
            self.blank();
            match self.next()? {
                b',' => {}
                b'}' => return Some(Dynamic::bag(members)),
                _ => return None,
            }
        }
    }
}

/// A value without brackets and quotes.
fn scalar(word: &str) -> Option<Dynamic> {
    if let Some(marked) = word.strip_prefix('@') {
        return match marked {
            "nan" => Some(Dynamic::Real(f64::NAN)),
            "inf" => Some(Dynamic::Real(f64::INFINITY)),
            "-inf" => Some(Dynamic::Real(f64::NEG_INFINITY)),
            _ => match marked.split_at_checked(1)? {
                ("d", ticks) => ticks.parse().ok().map(Dynamic::DateTime),
                ("t", ticks) => ticks.parse().ok().map(Dynamic::TimeSpan),
                ("g", digits) => u128::from_str_radix(digits, 16).ok().map(Dynamic::Guid),
                _ => None,
            },
        };
    }
    match word {
        "null" => Some(Dynamic::Null),
        "true" => Some(Dynamic::Bool(true)),
        "false" => Some(Dynamic::Bool(false)),
        _ => {
            let first = word.as_bytes().first()?;
            if !first.is_ascii_digit() && *first != b'-' {
                return None;
            }
            match word.parse::<i64>() {
                Ok(whole) => Some(Dynamic::Long(whole)),
                Err(_) => word.parse::<f64>().ok().map(Dynamic::Real),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str, path: &[Part]) -> Option<String> {
        find(text, path).map(str::to_owned)
    }

    fn key(name: &str) -> Part {
        Part::Key(name.into())
    }

    #[test]
    fn members_and_items_are_found_without_reading_the_rest() {
        let text = r#"{"a": {"b": [1, {"c": "x\"y"}, null]}, "a\u0062": true, "z": {}}"#;
        assert_eq!(found(text, &[key("a"), key("b"), Part::Item(1), key("c")]).as_deref(), Some(r#""x\"y""#));
        assert_eq!(found(text, &[key("a"), key("b"), Part::Item(-3)]).as_deref(), Some("1"));
        assert_eq!(found(text, &[key("a"), key("b"), Part::Item(2)]), None);
        assert_eq!(found(text, &[key("a"), key("b"), Part::Item(3)]), None);
        assert_eq!(found(text, &[key("ab")]).as_deref(), Some("true"));
        assert_eq!(found(text, &[key("z")]).as_deref(), Some("{}"));
        assert_eq!(found(text, &[key("none")]), None);
        assert_eq!(found("no json", &[key("a")]), None);
    }

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
        for text in ["abc", "{\"a\":", "[1,]", "1 2", "@x", &"[".repeat(400)] {
            assert_eq!(decode(text), Value::dynamic(Dynamic::String(text.into())), "{text}");
        }
        assert_eq!(decode(""), Value::Null);
        assert_eq!(decode("null"), Value::Null);
    }
}

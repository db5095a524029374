//! JSON with positions.
//!
//! Reads RFC 8259 JSON and what Azure's own tools accept on top of it: a byte order mark, `//` and `/* */` comments,
//! trailing commas, and line breaks inside strings (ARM templates use them for long expressions).
//!
//! ```
//! use castellan_base::{Limits, Sources, json};
//!
//! let mut sources = Sources::default();
//! let source = sources.add("main.json", r#"{ "sku": { "name": "S0" } /* paid */ }"#);
//! let text = sources.text(source).unwrap();
//! let document = json::parse(&text, source, &Limits::default()).unwrap();
//! let name = document.at_path("sku.name").unwrap();
//! assert_eq!(sources.locate(name.span).unwrap().to_string(), "main.json:1:20");
//! ```

use std::sync::Arc;

use rustc_hash::FxHashSet;

use crate::diagnostic::Diagnostic;
use crate::limits::Limits;
use crate::span::{SourceId, Span};
use crate::value::{Member, Node, Object, Value};

/// Reads one document; anything but white space and comments after it is an error.
pub fn parse(text: &str, source: SourceId, limits: &Limits) -> Result<Node, Diagnostic> {
    let mut parser = Parser::new(text, source, limits)?;
    let node = parser.value(0)?;
    parser.skip_blank()?;
    if parser.peek().is_some() {
        return Err(parser.error_here("unexpected text after the end of the document"));
    }
    Ok(node)
}

struct Parser<'a> {
    text: &'a str,
    bytes: &'a [u8],
    offset: usize,
    source: SourceId,
    limits: &'a Limits,
    values: u32,
    keys: FxHashSet<Arc<str>>,
}

impl<'a> Parser<'a> {
    fn new(text: &'a str, source: SourceId, limits: &'a Limits) -> Result<Self, Diagnostic> {
        let length = u64::try_from(text.len()).unwrap_or(u64::MAX);
        if length > limits.bytes || length >= u64::from(u32::MAX) {
            let message = format!("the document has {length} bytes; at most {} are read", limits.bytes);
            return Err(Diagnostic::error(Span::new(source, 0, 0), message));
        }
        let offset = if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
        Ok(Parser {
            text,
            bytes: text.as_bytes(),
            offset,
            source,
            limits,
            values: 0,
            keys: FxHashSet::default(),
        })
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.offset).copied()
    }

    fn span_from(&self, start: usize) -> Span {
        Span::new(self.source, start, self.offset)
    }

    fn error_here(&self, message: impl Into<String>) -> Diagnostic {
        let end = (self.offset + 1).min(self.bytes.len());
        Diagnostic::error(Span::new(self.source, self.offset.min(end), end), message)
    }

    fn skip_blank(&mut self) -> Result<(), Diagnostic> {
        loop {
            match self.peek() {
                Some(b' ' | b'\t' | b'\n' | b'\r') => self.offset += 1,
                Some(b'/') => self.skip_comment()?,
                _ => return Ok(()),
            }
        }
    }

    fn skip_comment(&mut self) -> Result<(), Diagnostic> {
        let rest = self.bytes.get(self.offset..).unwrap_or_default();
        if rest.starts_with(b"//") {
            self.offset += memchr::memchr(b'\n', rest).unwrap_or(rest.len());
            return Ok(());
        }
        if rest.starts_with(b"/*") {
            let body = rest.get(2..).unwrap_or_default();
            let Some(end) = memchr::memmem::find(body, b"*/") else {
                return Err(self.error_here("this comment is never closed"));
            };
            self.offset += end + 4;
            return Ok(());
        }
        Err(self.error_here("expected a value or a comment"))
    }

    fn value(&mut self, depth: u32) -> Result<Node, Diagnostic> {
        self.skip_blank()?;
        self.values += 1;
        if self.values > self.limits.values {
            return Err(self.error_here(format!("more than {} values in one document", self.limits.values)));
        }
        if depth > self.limits.depth {
            return Err(self.error_here(format!("nested more than {} deep", self.limits.depth)));
        }
        let start = self.offset;
        let value = match self.peek() {
            Some(b'{') => self.object(depth)?,
            Some(b'[') => self.array(depth)?,
            Some(b'"') => Value::String(self.string()?),
            Some(b'-' | b'0'..=b'9') => self.number()?,
            Some(b't') => self.word("true", Value::Bool(true))?,
            Some(b'f') => self.word("false", Value::Bool(false))?,
            Some(b'n') => self.word("null", Value::Null)?,
            Some(_) => return Err(self.error_here("expected a value")),
            None => return Err(self.error_here("the document ends where a value is expected")),
        };
        Ok(value.at(self.span_from(start)))
    }

    fn word(&mut self, word: &str, value: Value) -> Result<Value, Diagnostic> {
        if self.text.get(self.offset..).is_some_and(|rest| rest.starts_with(word)) {
            self.offset += word.len();
            return Ok(value);
        }
        Err(self.error_here(format!("expected `{word}`")))
    }

    fn object(&mut self, depth: u32) -> Result<Value, Diagnostic> {
        self.offset += 1;
        let mut object = Object::new();
        loop {
            self.skip_blank()?;
            match self.peek() {
                Some(b'}') => break,
                Some(b'"') => {}
                _ => return Err(self.error_here("expected a member name in double quotes, or `}`")),
            }
            let key_start = self.offset;
            let key = self.string()?;
            let key_span = self.span_from(key_start);
            self.skip_blank()?;
            if self.peek() != Some(b':') {
                return Err(self.error_here("expected `:` after the member name"));
            }
            self.offset += 1;
            let value = self.value(depth + 1)?;
            object.push(Member { key: self.intern(key), key_span, value });
            if !self.comma(b'}')? {
                break;
            }
        }
        self.offset += 1;
        Ok(Value::object(object))
    }

    fn array(&mut self, depth: u32) -> Result<Value, Diagnostic> {
        self.offset += 1;
        let mut items = Vec::new();
        loop {
            self.skip_blank()?;
            if self.peek() == Some(b']') {
                break;
            }
            items.push(self.value(depth + 1)?);
            if !self.comma(b']')? {
                break;
            }
        }
        self.offset += 1;
        items.shrink_to_fit();
        Ok(Value::array(items))
    }

    /// Steps over a comma; `false` at the closing bracket.
    fn comma(&mut self, close: u8) -> Result<bool, Diagnostic> {
        self.skip_blank()?;
        match self.peek() {
            Some(b',') => {
                self.offset += 1;
                Ok(true)
            }
            Some(byte) if byte == close => Ok(false),
            _ => Err(self.error_here(format!("expected `,` or `{}`", char::from(close)))),
        }
    }

    fn intern(&mut self, key: Arc<str>) -> Arc<str> {
        if let Some(known) = self.keys.get(&key) {
            return Arc::clone(known);
        }
        self.keys.insert(Arc::clone(&key));
        key
    }

    fn number(&mut self) -> Result<Value, Diagnostic> {
        let start = self.offset;
        while matches!(self.peek(), Some(b'-' | b'+' | b'.' | b'e' | b'E' | b'0'..=b'9')) {
            self.offset += 1;
        }
        let text = self.text.get(start..self.offset).unwrap_or_default();
        if let Ok(whole) = text.parse::<i64>()
            && is_json_number(text)
        {
            return Ok(Value::Int(whole));
        }
        match text.parse::<f64>() {
            Ok(number) if is_json_number(text) && number.is_finite() => Ok(Value::Float(number)),
            _ => Err(Diagnostic::error(self.span_from(start), format!("`{text}` is not a number"))),
        }
    }

    fn string(&mut self) -> Result<Arc<str>, Diagnostic> {
        let start = self.offset;
        self.offset += 1;
        let rest = self.bytes.get(self.offset..).unwrap_or_default();
        match memchr::memchr2(b'"', b'\\', rest) {
            Some(length) if rest.get(length) == Some(&b'"') => {
                let text = self.text.get(self.offset..self.offset + length).unwrap_or_default();
                self.offset += length + 1;
                Ok(text.into())
            }
            Some(_) => self.escaped_string(start),
            None => Err(Diagnostic::error(
                Span::new(self.source, start, start + 1),
                "this string is never closed",
            )),
        }
    }

    fn escaped_string(&mut self, start: usize) -> Result<Arc<str>, Diagnostic> {
        let mut text = String::new();
        loop {
            let rest = self.bytes.get(self.offset..).unwrap_or_default();
            let Some(length) = memchr::memchr2(b'"', b'\\', rest) else {
                let span = Span::new(self.source, start, start + 1);
                return Err(Diagnostic::error(span, "this string is never closed"));
            };
            text.push_str(self.text.get(self.offset..self.offset + length).unwrap_or_default());
            self.offset += length + 1;
            if rest.get(length) == Some(&b'"') {
                return Ok(text.into());
            }
            text.push(self.escape()?);
        }
    }

    fn escape(&mut self) -> Result<char, Diagnostic> {
        let byte = self.peek().ok_or_else(|| self.error_here("the document ends inside a string"))?;
        let character = match byte {
            b'"' => '"',
            b'\\' => '\\',
            b'/' => '/',
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => {
                self.offset += 1;
                return self.unicode_escape();
            }
            _ => return Err(self.error_here("unknown escape in a string")),
        };
        self.offset += 1;
        Ok(character)
    }

    fn unicode_escape(&mut self) -> Result<char, Diagnostic> {
        let high = self.hex4()?;
        if !(0xd800..0xdc00).contains(&high) {
            return Ok(char::from_u32(high).unwrap_or(char::REPLACEMENT_CHARACTER));
        }
        if self.bytes.get(self.offset..).is_some_and(|rest| rest.starts_with(b"\\u")) {
            let before = self.offset;
            self.offset += 2;
            let low = self.hex4()?;
            if (0xdc00..0xe000).contains(&low) {
                let code = 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00);
                return Ok(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER));
            }
            self.offset = before;
        }
        Ok(char::REPLACEMENT_CHARACTER)
    }

    fn hex4(&mut self) -> Result<u32, Diagnostic> {
        let digits = self.text.get(self.offset..self.offset + 4);
        let code = digits
            .filter(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()))
            .and_then(|digits| u32::from_str_radix(digits, 16).ok());
        let Some(code) = code else {
            return Err(self.error_here("expected four hexadecimal digits after `\\u`"));
        };
        self.offset += 4;
        Ok(code)
    }
}

/// The number grammar of RFC 8259, section 6, which is narrower than what Rust parses.
fn is_json_number(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let leading_zero = digits.starts_with('0') && digits.as_bytes().get(1).is_some_and(u8::is_ascii_digit);
    let starts_with_digit = digits.as_bytes().first().is_some_and(u8::is_ascii_digit);
    let dangling_point = digits.split(['e', 'E']).next().is_some_and(|mantissa| mantissa.ends_with('.'));
    starts_with_digit && !leading_zero && !dangling_point
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::span::Sources;

    fn read(text: &str) -> Result<Node, String> {
        let mut sources = Sources::default();
        let source = sources.add("t", text);
        parse(text, source, &Limits::default()).map_err(|diagnostic| {
            let location = sources.locate(diagnostic.span).unwrap();
            format!("{}:{}: {}", location.line, location.column, diagnostic.message)
        })
    }

    #[test]
    fn accepts_what_azure_tools_accept() {
        let text = "\u{feff}// head\n{ \"a\": [1, 2.5, -3e2,], /* x */ \"b\": \"line\nbreak \\u00e9\\ud83d\\ude00\", }";
        let expected = serde_json::json!({"a": [1, 2.5, -300.0], "b": "line\nbreak \u{e9}\u{1f600}"});
        assert_eq!(read(text).unwrap().to_json(), expected);
    }

    #[test]
    fn refuses_with_a_position() {
        let cases = [
            ("{\n  \"a\" 1}", "2:7: expected `:` after the member name"),
            ("[1 2]", "1:4: expected `,` or `]`"),
            ("[01]", "1:2: `01` is not a number"),
            ("\"abc", "1:1: this string is never closed"),
            ("{} x", "1:4: unexpected text after the end of the document"),
            ("", "1:1: the document ends where a value is expected"),
            ("[nul]", "1:2: expected `null`"),
            ("\"\\x\"", "1:3: unknown escape in a string"),
            ("/* x", "1:1: this comment is never closed"),
        ];
        for (text, expected) in cases {
            assert_eq!(read(text).unwrap_err(), expected, "{text}");
        }
        assert!(read(&"[".repeat(100_000)).unwrap_err().contains("nested more than"));
    }

    proptest! {
        #[test]
        fn never_panics(text in ".{0,200}") {
            let _ = read(&text);
        }

        #[test]
        fn agrees_with_serde_json(text in "[\\[\\]{}\",:0-9a-z. -]{0,40}") {
            if let Ok(expected) = serde_json::from_str::<serde_json::Value>(&text) {
                let found = read(&text).map(|node| node.to_json());
                // serde_json keeps the last of repeated members; both are valid readings of RFC 8259.
                if !text.contains('{') {
                    prop_assert_eq!(found, Ok(expected));
                } else {
                    prop_assert!(found.is_ok());
                }
            }
        }
    }
}

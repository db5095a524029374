//! JSON as it stands in a text, passed over at the speed of memory: no tree is made.
//!
//! The grammar is that of RFC 8259, with a bound on depth.

use memchr::memchr2;

/// Arrays and objects that may stand in one another.
pub(super) const MAX_DEPTH: usize = 64;

/// What is wrong, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Fault {
    /// In bytes from the beginning of the text.
    pub(super) offset: usize,
    pub(super) reason: &'static str,
}

/// A value as it stands in the text.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Value<'t> {
    Null,
    Bool(bool),
    Number(&'t str),
    /// What is between the quotes, and whether something in it is escaped.
    String(&'t str, bool),
    /// An object or an array, the brackets included.
    Nested(&'t str),
}

/// Reads a text from the front.
#[derive(Debug)]
pub(super) struct Scanner<'t> {
    text: &'t str,
    at: usize,
}

type Scanned<T> = Result<T, Fault>;

impl<'t> Scanner<'t> {
    pub(super) fn new(text: &'t str) -> Scanner<'t> {
        Scanner { text, at: 0 }
    }

    pub(super) fn place(&self) -> usize {
        self.at
    }

    pub(super) fn is_at_end(&self) -> bool {
        self.at >= self.text.len()
    }

    pub(super) fn fault(&self, reason: &'static str) -> Fault {
        Fault { offset: self.at, reason }
    }

    pub(super) fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    pub(super) fn blank(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    /// Whether the next byte is this one, which is then taken.
    pub(super) fn took(&mut self, wanted: u8) -> bool {
        let is_it = self.peek() == Some(wanted);
        self.at += usize::from(is_it);
        is_it
    }

    pub(super) fn take(&mut self, wanted: u8, reason: &'static str) -> Scanned<()> {
        if self.took(wanted) { Ok(()) } else { Err(self.fault(reason)) }
    }

    fn slice(&self, from: usize, to: usize) -> &'t str {
        self.text.get(from..to).unwrap_or_default()
    }

    /// A string: what is between the quotes, and whether something is escaped.
    pub(super) fn string(&mut self) -> Scanned<(&'t str, bool)> {
        self.take(b'"', "a string in quotes is expected")?;
        let start = self.at;
        let mut has_escapes = false;
        loop {
            let rest = self.text.as_bytes().get(self.at..).unwrap_or_default();
            let Some(found) = memchr2(b'"', b'\\', rest) else {
                return Err(Fault { offset: start, reason: "a string without its end" });
            };
            self.at += found;
            if self.took(b'"') {
                let raw = self.slice(start, self.at - 1);
                if raw.bytes().any(|byte| byte < b' ') {
                    return Err(Fault {
                        offset: start,
                        reason: "a control character in a string has to be escaped",
                    });
                }
                return Ok((raw, has_escapes));
            }
            has_escapes = true;
            self.escape()?;
        }
    }

    fn escape(&mut self) -> Scanned<()> {
        self.at += 1;
        match self.peek() {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => self.at += 1,
            Some(b'u') => {
                let digits = self.text.as_bytes().get(self.at + 1..self.at + 5).unwrap_or_default();
                if digits.len() < 4 || !digits.iter().all(u8::is_ascii_hexdigit) {
                    return Err(self.fault("`\\u` needs four hexadecimal digits"));
                }
                self.at += 5;
            }
            _ => return Err(self.fault("this cannot be escaped")),
        }
        Ok(())
    }

    /// The next value.
    pub(super) fn value(&mut self) -> Scanned<Value<'t>> {
        match self.peek() {
            Some(b'"') => {
                let (raw, has_escapes) = self.string()?;
                Ok(Value::String(raw, has_escapes))
            }
            Some(b'{' | b'[') => {
                let start = self.at;
                self.pass(0)?;
                Ok(Value::Nested(self.slice(start, self.at)))
            }
            Some(b't') => self.word("true", Value::Bool(true)),
            Some(b'f') => self.word("false", Value::Bool(false)),
            Some(b'n') => self.word("null", Value::Null),
            Some(b'-' | b'0'..=b'9') => self.number(),
            _ => Err(self.fault("a value is expected")),
        }
    }

    fn word(&mut self, word: &'static str, value: Value<'t>) -> Scanned<Value<'t>> {
        if self.slice(self.at, self.at + word.len()) != word {
            return Err(self.fault("a value is expected"));
        }
        self.at += word.len();
        Ok(value)
    }

    fn digits(&mut self) -> Scanned<()> {
        if !matches!(self.peek(), Some(b'0'..=b'9')) {
            return Err(self.fault("a digit is expected"));
        }
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        Ok(())
    }

    fn number(&mut self) -> Scanned<Value<'t>> {
        let start = self.at;
        let _ = self.took(b'-');
        if !self.took(b'0') {
            self.digits()?;
        }
        if self.took(b'.') {
            self.digits()?;
        }
        if self.took(b'e') || self.took(b'E') {
            let _ = self.took(b'+') || self.took(b'-');
            self.digits()?;
        }
        Ok(Value::Number(self.slice(start, self.at)))
    }

    /// Passes over a value.
    fn pass(&mut self, depth: usize) -> Scanned<()> {
        if depth > MAX_DEPTH {
            return Err(self.fault("nested deeper than 64 levels"));
        }
        if self.took(b'{') {
            self.items(b'}', |scanner| {
                scanner.string()?;
                scanner.blank();
                scanner.take(b':', "a colon is expected behind the name")?;
                scanner.blank();
                scanner.pass(depth + 1)
            })
        } else if self.took(b'[') {
            self.items(b']', |scanner| scanner.pass(depth + 1))
        } else {
            self.value().map(|_| ())
        }
    }

    /// Items with commas between them, up to a closing bracket.
    pub(super) fn items(&mut self, close: u8, mut item: impl FnMut(&mut Self) -> Scanned<()>) -> Scanned<()> {
        self.blank();
        if self.took(close) {
            return Ok(());
        }
        loop {
            self.blank();
            item(self)?;
            self.blank();
            if self.took(close) {
                return Ok(());
            }
            self.take(b',', "a comma or the closing bracket is expected")?;
        }
    }
}

/// A string without its escapes. Half a surrogate pair becomes U+FFFD.
pub(super) fn unescaped(raw: &str) -> String {
    let mut out = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some((before, behind)) = rest.split_once('\\') {
        out.push_str(before);
        let mut characters = behind.chars();
        match characters.next() {
            Some('b') => out.push('\u{8}'),
            Some('f') => out.push('\u{c}'),
            Some('n') => out.push('\n'),
            Some('r') => out.push('\r'),
            Some('t') => out.push('\t'),
            Some('u') => {
                let (character, behind) = unit(characters.as_str());
                out.push(character);
                rest = behind;
                continue;
            }
            Some(other) => out.push(other),
            None => {}
        }
        rest = characters.as_str();
    }
    out.push_str(rest);
    out
}

/// The character of the digits behind `\u`, with the second half of a pair.
fn unit(text: &str) -> (char, &str) {
    let number = |text: &str| text.get(..4).and_then(|digits| u32::from_str_radix(digits, 16).ok());
    let Some(first) = number(text) else { return ('\u{fffd}', text) };
    let rest = text.get(4..).unwrap_or_default();
    if let 0xd800..=0xdbff = first
        && let Some(second) = rest.strip_prefix("\\u").and_then(number)
        && let 0xdc00..=0xdfff = second
    {
        let code = 0x1_0000 + ((first - 0xd800) << 10) + (second - 0xdc00);
        return (char::from_u32(code).unwrap_or('\u{fffd}'), rest.get(6..).unwrap_or_default());
    }
    (char::from_u32(first).unwrap_or('\u{fffd}'), rest)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn is_value(text: &str) -> bool {
        let mut scanner = Scanner::new(text);
        scanner.blank();
        let read = scanner.value();
        scanner.blank();
        read.is_ok() && scanner.is_at_end()
    }

    #[test]
    fn depth_is_bounded() {
        assert!(is_value(&format!("{}{}", "[".repeat(60), "]".repeat(60))));
        assert!(!is_value(&format!("{}{}", "[".repeat(70), "]".repeat(70))));
        assert!(!is_value(&"[".repeat(1_000_000)));
    }

    proptest! {
        #[test]
        fn it_takes_what_serde_json_takes(text in r#"[ \[\]{}:,"\\0-9eE.\-+a-ftrulsn]{0,24}"#) {
            let theirs = serde_json::from_str::<serde_json::Value>(&text);
            // Numbers beyond the range of doubles are numbers all the same.
            let is_range = theirs.as_ref().is_err_and(|error| error.to_string().contains("out of range"));
            prop_assert_eq!(is_value(&text), theirs.is_ok() || is_range, "{}", text);
        }

        #[test]
        fn strings_come_back(text in any::<String>()) {
            let json = serde_json::to_string(&text).unwrap_or_default();
            let mut scanner = Scanner::new(&json);
            let Ok((raw, has_escapes)) = scanner.string() else { return Err(TestCaseError::fail("no string")) };
            let read = if has_escapes { unescaped(raw) } else { raw.to_owned() };
            prop_assert_eq!(read, text);
        }
    }
}

//! The reader.

use std::collections::HashSet;

use super::{Kind, Limits, Member, Span, Value};

/// Why a document was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{kind} at byte {offset}")]
pub struct ParseError {
    /// Where.
    pub offset: usize,
    /// What.
    pub kind: ErrorKind,
}

/// What is wrong.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ErrorKind {
    /// More bytes than the limit.
    #[error("the document has more than {0} bytes")]
    TooLong(usize),
    /// Nested deeper than the limit.
    #[error("nested more than {0} deep")]
    TooDeep(usize),
    /// More values than the limit.
    #[error("more than {0} values")]
    TooMany(usize),
    /// Bytes that are no UTF-8.
    #[error("bytes that are not UTF-8")]
    NotUtf8,
    /// Two members of one object have this name.
    #[error("the member `{0}` appears twice in one object")]
    Duplicate(String),
    /// Half of a surrogate pair.
    #[error("an escape that is half of a surrogate pair")]
    LoneSurrogate,
    /// A number that no double holds.
    #[error("a number that is too large")]
    NumberRange,
    /// Anything else that JSON does not have.
    #[error("expected {0}")]
    Expected(&'static str),
}

/// Reads one document.
///
/// # Errors
/// What is wrong first, and where. See the module on what is refused beyond RFC 8259.
pub fn parse(bytes: &[u8], limits: &Limits) -> Result<Value, ParseError> {
    if bytes.len() > limits.bytes {
        return Err(ParseError { offset: limits.bytes, kind: ErrorKind::TooLong(limits.bytes) });
    }
    let text = std::str::from_utf8(bytes)
        .map_err(|error| ParseError { offset: error.valid_up_to(), kind: ErrorKind::NotUtf8 })?;
    let mut parser = Parser { text, bytes, offset: 0, limits, values: 0 };
    let value = parser.value(0)?;
    parser.blank();
    if parser.offset < bytes.len() {
        return parser.fail(ErrorKind::Expected("the end of the document"));
    }
    Ok(value)
}

struct Parser<'a> {
    text: &'a str,
    bytes: &'a [u8],
    offset: usize,
    limits: &'a Limits,
    values: usize,
}

impl Parser<'_> {
    fn fail<T>(&self, kind: ErrorKind) -> Result<T, ParseError> {
        Err(ParseError { offset: self.offset, kind })
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.offset).copied()
    }

    fn blank(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.offset += 1;
        }
    }

    fn value(&mut self, depth: usize) -> Result<Value, ParseError> {
        self.blank();
        self.values += 1;
        if self.values > self.limits.values {
            return self.fail(ErrorKind::TooMany(self.limits.values));
        }
        if depth > self.limits.depth {
            return self.fail(ErrorKind::TooDeep(self.limits.depth));
        }
        let start = self.offset;
        let kind = match self.peek() {
            Some(b'{') => self.object(depth)?,
            Some(b'[') => self.array(depth)?,
            Some(b'"') => Kind::String(self.string()?),
            Some(b'-' | b'0'..=b'9') => self.number()?,
            Some(b't') => self.word("true", Kind::Bool(true))?,
            Some(b'f') => self.word("false", Kind::Bool(false))?,
            Some(b'n') => self.word("null", Kind::Null)?,
            _ => return self.fail(ErrorKind::Expected("a value")),
        };
        Ok(Value { span: Span { start, end: self.offset }, kind })
    }

    fn word(&mut self, word: &'static str, kind: Kind) -> Result<Kind, ParseError> {
        if self.text.get(self.offset..).is_some_and(|rest| rest.starts_with(word)) {
            self.offset += word.len();
            return Ok(kind);
        }
        self.fail(ErrorKind::Expected("`true`, `false` or `null`"))
    }

    fn object(&mut self, depth: usize) -> Result<Kind, ParseError> {
        self.offset += 1;
        let mut members: Vec<Member> = Vec::new();
        let mut names = HashSet::new();
        self.blank();
        if self.peek() == Some(b'}') {
            self.offset += 1;
            return Ok(Kind::Object(members));
        }
        loop {
            self.blank();
            let start = self.offset;
            if self.peek() != Some(b'"') {
                return self.fail(ErrorKind::Expected("a member name in double quotes"));
            }
            let key = self.string()?;
            let key_span = Span { start, end: self.offset };
            if is_known(&members, &mut names, &key) {
                return Err(ParseError { offset: start, kind: ErrorKind::Duplicate(key.into()) });
            }
            self.blank();
            if self.peek() != Some(b':') {
                return self.fail(ErrorKind::Expected("`:`"));
            }
            self.offset += 1;
            let value = self.value(depth + 1)?;
            members.push(Member { key_span, key, value });
            if !self.goes_on(b'}')? {
                return Ok(Kind::Object(members));
            }
        }
    }

    fn array(&mut self, depth: usize) -> Result<Kind, ParseError> {
        self.offset += 1;
        let mut items = Vec::new();
        self.blank();
        if self.peek() == Some(b']') {
            self.offset += 1;
            return Ok(Kind::Array(items));
        }
        loop {
            items.push(self.value(depth + 1)?);
            if !self.goes_on(b']')? {
                return Ok(Kind::Array(items));
            }
        }
    }

    fn goes_on(&mut self, close: u8) -> Result<bool, ParseError> {
        self.blank();
        let next = self.peek();
        if next == Some(b',') || next == Some(close) {
            self.offset += 1;
            return Ok(next == Some(b','));
        }
        self.fail(ErrorKind::Expected("`,` or the closing bracket"))
    }

    fn digits(&mut self) -> Result<(), ParseError> {
        let start = self.offset;
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.offset += 1;
        }
        if self.offset == start { self.fail(ErrorKind::Expected("a digit")) } else { Ok(()) }
    }

    fn number(&mut self) -> Result<Kind, ParseError> {
        let start = self.offset;
        if self.peek() == Some(b'-') {
            self.offset += 1;
        }
        if self.peek() == Some(b'0') {
            self.offset += 1;
        } else {
            self.digits()?;
        }
        if self.peek() == Some(b'.') {
            self.offset += 1;
            self.digits()?;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.offset += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.offset += 1;
            }
            self.digits()?;
        }
        let text = self.text.get(start..self.offset).unwrap_or_default();
        if !text.parse::<f64>().is_ok_and(f64::is_finite) {
            return Err(ParseError { offset: start, kind: ErrorKind::NumberRange });
        }
        Ok(Kind::Number(text.into()))
    }

    fn string(&mut self) -> Result<Box<str>, ParseError> {
        self.offset += 1;
        let mut decoded = String::new();
        let mut from = self.offset;
        loop {
            match self.peek() {
                Some(b'"') => {
                    decoded.push_str(self.text.get(from..self.offset).unwrap_or_default());
                    self.offset += 1;
                    return Ok(decoded.into());
                }
                Some(b'\\') => {
                    decoded.push_str(self.text.get(from..self.offset).unwrap_or_default());
                    let rest = self.text.get(self.offset..).unwrap_or_default();
                    let Some((character, length)) = escape(rest) else {
                        let half = rest.starts_with("\\u") && hex(rest, 2).is_some();
                        let expected = ErrorKind::Expected("an escape that JSON has");
                        return self.fail(if half { ErrorKind::LoneSurrogate } else { expected });
                    };
                    decoded.push(character);
                    self.offset += length;
                    from = self.offset;
                }
                Some(0..=0x1f) => return self.fail(ErrorKind::Expected("control characters as escapes")),
                Some(_) => self.offset += 1,
                None => return self.fail(ErrorKind::Expected("the closing quote")),
            }
        }
    }
}

/// Few members are compared one by one; of many a set is kept, so that no object takes quadratic time.
fn is_known(members: &[Member], names: &mut HashSet<Box<str>>, key: &str) -> bool {
    const FEW: usize = 16;
    if members.len() < FEW {
        return members.iter().any(|member| &*member.key == key);
    }
    if names.is_empty() {
        names.extend(members.iter().map(|member| member.key.clone()));
    }
    !names.insert(key.into())
}

fn hex(text: &str, at: usize) -> Option<u32> {
    let digits = text.get(at..at + 4)?;
    if !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    u32::from_str_radix(digits, 16).ok()
}

/// What the escape at the start of a text stands for, and its length in bytes. `None` for half of a pair too.
pub(crate) fn escape(text: &str) -> Option<(char, usize)> {
    let short = match text.as_bytes().get(1)? {
        b'"' => '"',
        b'\\' => '\\',
        b'/' => '/',
        b'b' => '\u{8}',
        b'f' => '\u{c}',
        b'n' => '\n',
        b'r' => '\r',
        b't' => '\t',
        b'u' => {
            let unit = hex(text, 2)?;
            if !(0xd800..0xdc00).contains(&unit) {
                return Some((char::from_u32(unit)?, 6));
            }
            let low = text.get(6..8).filter(|mark| *mark == "\\u").and_then(|_| hex(text, 8))?;
            if !(0xdc00..0xe000).contains(&low) {
                return None;
            }
            return Some((char::from_u32(0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00))?, 12));
        }
        _ => return None,
    };
    Some((short, 2))
}

//! From bytes to nodes.

use super::text::{decoded, hex};
use super::{Bounds, JsonError, Kind, Node};

/// Names that decide what a text is. Some readers do not mind the case of names, so these may not stand twice in any.
const STRUCTURAL: [&[u8]; 14] = [
    b"arguments",
    b"content",
    b"delta",
    b"function",
    b"input",
    b"instructions",
    b"messages",
    b"model",
    b"prompt",
    b"role",
    b"stream",
    b"system",
    b"text",
    b"type",
];

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    nodes: Vec<Node>,
    bounds: &'a Bounds,
    /// Lists and records that are open: their nodes.
    open: Vec<usize>,
}

pub(super) fn read(bytes: &[u8], bounds: &Bounds) -> Result<Vec<Node>, JsonError> {
    if bytes.len() > bounds.bytes || bytes.len() >= u32::MAX as usize {
        return Err(JsonError { reason: "it has too many bytes", offset: bounds.bytes });
    }
    if let Err(error) = std::str::from_utf8(bytes) {
        return Err(JsonError { reason: "it is not UTF-8", offset: error.valid_up_to() });
    }
    let nodes = Vec::with_capacity((bytes.len() / 24).min(4_096));
    let mut reader = Reader { bytes, at: 0, nodes, bounds, open: Vec::new() };
    reader.document()?;
    Ok(reader.nodes)
}

impl Reader<'_> {
    fn fault<T>(&self, reason: &'static str) -> Result<T, JsonError> {
        Err(JsonError { reason, offset: self.at })
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn blank(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    /// Reads values without recursion: depth is a bound, not a stack.
    fn document(&mut self) -> Result<(), JsonError> {
        self.blank();
        self.value((0, 0), 0)?;
        while let Some(container) = self.open.last().copied() {
            self.blank();
            let is_record = self.nodes.get(container).is_some_and(|node| node.kind == Kind::Record);
            let close = if is_record { b'}' } else { b']' };
            let count = self.nodes.get(container).map_or(0, |node| node.after);
            match self.peek() {
                Some(byte) if byte == close => {
                    self.at += 1;
                    self.close(container)?;
                    continue;
                }
                Some(b',') if count > 0 => {
                    self.at += 1;
                    self.blank();
                }
                _ if count == 0 => {}
                _ => return self.fault("a comma or the end of what is open is missing"),
            }
            let name = if is_record { self.name()? } else { (0, 0) };
            // While a container is open, `after` counts what it has.
            if let Some(node) = self.nodes.get_mut(container) {
                node.after += 1;
            }
            self.value(name, count)?;
        }
        self.blank();
        if self.at < self.bytes.len() { self.fault("something follows the end") } else { Ok(()) }
    }

    fn name(&mut self) -> Result<(u32, u32), JsonError> {
        if self.peek() != Some(b'"') {
            return self.fault("a member has no name");
        }
        let start = self.at;
        self.text()?;
        let name = (offset(start), offset(self.at));
        self.blank();
        if self.peek() != Some(b':') {
            return self.fault("a colon is missing");
        }
        self.at += 1;
        self.blank();
        Ok(name)
    }

    fn value(&mut self, name: (u32, u32), place: u32) -> Result<(), JsonError> {
        if self.nodes.len() >= self.bounds.values {
            return self.fault("it has too many values");
        }
        let start = self.at;
        let at = self.nodes.len();
        let parent = offset(self.open.last().copied().unwrap_or_default());
        let node = Node { kind: Kind::Null, start: offset(start), end: 0, name, parent, after: 0, place };
        self.nodes.push(node);
        let kind = match self.peek() {
            Some(b'{') => Kind::Record,
            Some(b'[') => Kind::List,
            Some(b'"') => self.text().map(|()| Kind::Text)?,
            Some(b't') => self.word(b"true", Kind::Bool)?,
            Some(b'f') => self.word(b"false", Kind::Bool)?,
            Some(b'n') => self.word(b"null", Kind::Null)?,
            Some(b'-' | b'0'..=b'9') => self.number()?,
            _ => return self.fault("a value is missing"),
        };
        let is_container = matches!(kind, Kind::Record | Kind::List);
        if is_container {
            if self.open.len() >= self.bounds.depth {
                return self.fault("values lie too deep within one another");
            }
            self.at += 1;
            self.open.push(at);
        }
        let end = offset(self.at);
        let after = if is_container { 0 } else { offset(at + 1) };
        if let Some(node) = self.nodes.get_mut(at) {
            *node = Node { kind, end, after, ..*node };
        }
        Ok(())
    }

    fn close(&mut self, container: usize) -> Result<(), JsonError> {
        self.open.pop();
        let (after, end) = (offset(self.nodes.len()), offset(self.at));
        let Some(node) = self.nodes.get_mut(container) else { return Ok(()) };
        let count = std::mem::replace(&mut node.after, after);
        node.end = end;
        if node.kind == Kind::Record && count > 1 { self.distinct(container) } else { Ok(()) }
    }

    /// Refuses members of one name.
    fn distinct(&self, container: usize) -> Result<(), JsonError> {
        let mut names: Vec<(Vec<u8>, Vec<u8>)> = Vec::new();
        let mut at = container + 1;
        while let Some(node) = self.nodes.get(at) {
            let raw = self.bytes.get(node.name.0 as usize..node.name.1 as usize).unwrap_or_default();
            let name = decoded(raw).into_owned().into_bytes();
            names.push((name.to_ascii_lowercase(), name));
            at = node.after as usize;
        }
        names.sort_unstable();
        let twice = names.windows(2).any(|pair| match pair {
            [(folded, one), (other_folded, other)] => {
                folded == other_folded && (one == other || STRUCTURAL.contains(&folded.as_slice()))
            }
            _ => false,
        });
        if twice { self.fault("an object has two members of one name before") } else { Ok(()) }
    }

    fn word(&mut self, word: &[u8], kind: Kind) -> Result<Kind, JsonError> {
        if self.bytes.get(self.at..).is_some_and(|rest| rest.starts_with(word)) {
            self.at += word.len();
            return Ok(kind);
        }
        self.fault("a word is not known")
    }

    fn digits(&mut self) -> usize {
        let start = self.at;
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        self.at - start
    }

    fn number(&mut self) -> Result<Kind, JsonError> {
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        let leads_with_zero = self.peek() == Some(b'0');
        let whole = self.digits();
        if whole == 0 || (leads_with_zero && whole > 1) {
            return self.fault("a number is not one of JSON's");
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            if self.digits() == 0 {
                return self.fault("a number has no digits behind its point");
            }
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            if self.digits() == 0 {
                return self.fault("a number has no exponent");
            }
        }
        Ok(Kind::Number)
    }

    fn text(&mut self) -> Result<(), JsonError> {
        self.at += 1;
        loop {
            let rest = self.bytes.get(self.at..).unwrap_or_default();
            let Some(next) = memchr::memchr2(b'"', b'\\', rest) else {
                self.at = self.bytes.len();
                return self.fault("a text has no end");
            };
            if let Some(control) = rest.get(..next).and_then(|part| part.iter().position(|byte| *byte < b' '))
            {
                self.at += control;
                return self.fault("a text has a control character");
            }
            self.at += next + 1;
            if rest.get(next) == Some(&b'"') {
                return Ok(());
            }
            self.escape()?;
        }
    }

    fn escape(&mut self) -> Result<(), JsonError> {
        match self.peek() {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => self.at += 1,
            Some(b'u') => {
                let first = self.unit()?;
                if (0xd800..0xdc00).contains(&first) {
                    let pair = self.bytes.get(self.at..self.at + 2) == Some(b"\\u".as_slice());
                    self.at += usize::from(pair);
                    if !pair || !(0xdc00..0xe000).contains(&self.unit()?) {
                        return self.fault("half of a surrogate pair stands alone");
                    }
                } else if (0xdc00..0xe000).contains(&first) {
                    return self.fault("half of a surrogate pair stands alone");
                }
            }
            _ => return self.fault("an escape is not known"),
        }
        Ok(())
    }

    /// Reads `uXXXX`.
    fn unit(&mut self) -> Result<u32, JsonError> {
        match hex(self.bytes.get(self.at + 1..self.at + 5)) {
            Some(unit) => {
                self.at += 5;
                Ok(unit)
            }
            None => self.fault("an escape has no four digits"),
        }
    }
}

/// Documents are shorter than 4 GiB.
fn offset(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

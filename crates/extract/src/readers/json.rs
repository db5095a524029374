//! JSON after RFC 8259, streamed, with comments and stray commas let through.
//!
//! What is no JSON is not lost: from the place where the rules are broken on, the text is given as plain text - to the
//! end of the line in a file of records, to the end of the file otherwise.

use std::collections::HashSet;
use std::io::{BufRead, Read};
use std::sync::Arc;

use super::text;
use crate::decode::{PLAIN, TextReader};
use crate::input::Input;
use crate::limits::Limits;
use crate::location::Place;
use crate::outcome::Oddity;
use crate::part::{Mapping, Origin};
use crate::walk::{Fault, Step, Walk};

/// How many bytes of names are remembered, so that each is given once.
const NAMES_KEPT: usize = 1 << 20;
/// The longest path that is written out; deeper ones end in an ellipsis.
const LONGEST_PATH: usize = 1024;

pub(super) fn read(input: Input<'_>, walk: &mut Walk<'_>, is_lines: bool) -> Step {
    let reader = text::open(input);
    let mut json = Json::new(reader, walk, is_lines);
    json.all()?;
    let Json { reader, walk, .. } = json;
    text::note_encoding(&reader, walk);
    Ok(())
}

/// How many JSON documents a text is, if it is nothing else; the last may be cut.
pub(crate) fn documents_in(text: &str, is_cut: bool) -> Option<u64> {
    let limits = Limits::default();
    let mut ignored = |_: &crate::part::Part<'_>| {};
    let mut walk = Walk::new(&limits, &mut ignored);
    let mut json = Json::new(TextReader::new(text.as_bytes(), PLAIN), &mut walk, true);
    let mut documents = 0;
    loop {
        match json.document() {
            Ok(End::Whole) => documents += 1,
            Ok(End::Cut) => return is_cut.then_some(documents.max(1)),
            Ok(End::Nothing) => return Some(documents),
            Ok(End::Broken) | Err(_) => return None,
        }
    }
}

/// How reading a document ended.
enum End {
    Whole,
    /// There was none.
    Nothing,
    /// The text ended within it.
    Cut,
    /// The rules are broken where the reader stands.
    Broken,
}

enum Frame {
    /// An object; the length of the path without the member.
    Object(usize),
    /// An array; the same, and the index of the element.
    Array(usize, u64),
}

/// What may come next.
enum Next {
    Value,
    /// A member's name, or the end of the object.
    Name,
    /// A comma, or the end of what is open.
    Comma,
}

struct Json<'w, 'a, R> {
    reader: TextReader<R>,
    walk: &'w mut Walk<'a>,
    path: String,
    frames: Vec<Frame>,
    record: Option<u64>,
    is_lines: bool,
    names: HashSet<String>,
    names_len: usize,
}

impl<'w, 'a, R: Read> Json<'w, 'a, R> {
    fn new(reader: TextReader<R>, walk: &'w mut Walk<'a>, is_lines: bool) -> Self {
        Self {
            reader,
            walk,
            path: String::from("$"),
            frames: Vec::new(),
            record: is_lines.then_some(1),
            is_lines,
            names: HashSet::new(),
            names_len: 0,
        }
    }

    fn all(&mut self) -> Step {
        loop {
            let end = self.document()?;
            self.path.truncate(1);
            self.frames.clear();
            match end {
                End::Whole => self.count(),
                End::Nothing | End::Cut => return Ok(()),
                End::Broken if self.is_lines => self.rest_of_line()?,
                End::Broken => return text::stream_rest(&mut self.reader, self.walk),
            }
        }
    }

    fn count(&mut self) {
        if self.is_lines {
            self.walk.count_row();
        }
        self.record = Some(self.record.unwrap_or(1) + 1);
    }

    /// Gives the rest of a line that is no JSON as it stands.
    fn rest_of_line(&mut self) -> Step {
        self.walk.note(Oddity::ReadAsText { byte: self.reader.byte() });
        self.walk.open(Place::Body, false);
        loop {
            let origin = self.reader.position();
            let rest = self.reader.rest()?;
            let end = memchr::memchr(b'\n', rest.as_bytes());
            let line = rest.get(..end.unwrap_or(rest.len())).unwrap_or_default();
            self.walk.feed(line, Some(origin))?;
            let taken = line.len() + usize::from(end.is_some());
            if taken == 0 {
                return Ok(());
            }
            self.reader.consume(taken);
            if end.is_some() {
                self.count();
                return Ok(());
            }
        }
    }

    fn document(&mut self) -> Step<End> {
        let mut next = Next::Value;
        let mut is_started = false;
        loop {
            let Some(byte) = self.peek_past_space()? else {
                return Ok(if is_started { End::Cut } else { End::Nothing });
            };
            is_started = true;
            let step = match next {
                Next::Value => self.value(byte)?,
                Next::Name => self.name(byte)?,
                Next::Comma => self.comma(byte)?,
            };
            next = match step {
                Ok(next) => next,
                Err(end) => return Ok(end),
            };
            if matches!(next, Next::Comma) && self.frames.is_empty() {
                return Ok(End::Whole);
            }
        }
    }

    fn value(&mut self, byte: u8) -> Step<Result<Next, End>> {
        if matches!(byte, b'{' | b'[') && self.frames.len() >= self.walk.limits.nesting {
            return Ok(Err(End::Broken));
        }
        match byte {
            b'{' => {
                self.reader.consume(1);
                self.frames.push(Frame::Object(self.path.len()));
                Ok(Ok(Next::Name))
            }
            b'[' => {
                self.reader.consume(1);
                self.frames.push(Frame::Array(self.path.len(), 0));
                self.extend_path("[0]");
                Ok(Ok(Next::Value))
            }
            b']' if self.ends_array() => Ok(self.close()),
            b'"' => {
                self.reader.consume(1);
                let is_whole = self.string_value()?;
                Ok(if is_whole { Ok(Next::Comma) } else { Err(End::Cut) })
            }
            b'-' | b'+' | b'.' | b'0'..=b'9' => self.number(),
            b't' => self.literal("true"),
            b'f' => self.literal("false"),
            b'n' => self.literal("null"),
            _ => Ok(Err(End::Broken)),
        }
    }

    /// Whether the array that is open may end where a value could stand: it is empty, or a comma strayed.
    fn ends_array(&self) -> bool {
        matches!(self.frames.last(), Some(Frame::Array(..)))
    }

    fn name(&mut self, byte: u8) -> Step<Result<Next, End>> {
        if byte == b'}' {
            return Ok(self.close());
        }
        if byte != b'"' {
            return Ok(Err(End::Broken));
        }
        self.reader.consume(1);
        let start = self.reader.byte();
        let Some(name) = self.short_string()? else { return Ok(Err(End::Cut)) };
        if let Some(Frame::Object(base)) = self.frames.last() {
            self.path.truncate(*base);
        }
        self.extend_path_by_name(&name);
        self.give_name(&name, start)?;
        match self.peek_past_space()? {
            Some(b':') => {
                self.reader.consume(1);
                Ok(Ok(Next::Value))
            }
            Some(_) => Ok(Err(End::Broken)),
            None => Ok(Err(End::Cut)),
        }
    }

    fn comma(&mut self, byte: u8) -> Step<Result<Next, End>> {
        match (byte, self.frames.last_mut()) {
            (b',', Some(Frame::Object(_))) => {
                self.reader.consume(1);
                Ok(Ok(Next::Name))
            }
            (b',', Some(Frame::Array(base, index))) => {
                *index += 1;
                let (base, step) = (*base, format!("[{index}]"));
                self.path.truncate(base);
                self.extend_path(&step);
                self.reader.consume(1);
                Ok(Ok(Next::Value))
            }
            (b'}', Some(Frame::Object(_))) | (b']', Some(Frame::Array(..))) => Ok(self.close()),
            _ => Ok(Err(End::Broken)),
        }
    }

    fn close(&mut self) -> Result<Next, End> {
        self.reader.consume(1);
        match self.frames.pop() {
            Some(Frame::Object(base) | Frame::Array(base, _)) => self.path.truncate(base),
            None => return Err(End::Broken),
        }
        Ok(Next::Comma)
    }

    fn extend_path(&mut self, step: &str) {
        if self.path.len() + step.len() <= LONGEST_PATH {
            self.path.push_str(step);
        } else if !self.path.ends_with("...") {
            self.path.push_str("...");
        }
    }

    fn extend_path_by_name(&mut self, name: &str) {
        let is_plain = |name: &str| {
            let mut bytes = name.bytes();
            bytes.next().is_some_and(|byte| byte.is_ascii_alphabetic() || byte == b'_' || byte >= 0x80)
                && bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80)
        };
        if is_plain(name) {
            self.extend_path(&format!(".{name}"));
        } else {
            self.extend_path(&format!("['{}']", name.replace('\\', "\\\\").replace('\'', "\\'")));
        }
    }

    fn place(&self, is_key: bool) -> Place {
        Place::Json { record: self.record, path: Arc::from(self.path.as_str()), is_key }
    }

    /// Gives a name the first time that it occurs.
    fn give_name(&mut self, name: &str, start: Option<u64>) -> Step {
        if name.is_empty() || self.names.contains(name) {
            return Ok(());
        }
        self.names_len += name.len() + 32;
        if self.names_len > NAMES_KEPT {
            self.names.clear();
            self.names_len = name.len();
        }
        self.names.insert(name.to_owned());
        self.walk.open(self.place(true), false);
        let origin = start.map(|byte| Origin { byte, line: None, mapping: Mapping::Unknown });
        self.walk.feed(name, origin)
    }

    fn number(&mut self) -> Step<Result<Next, End>> {
        // A number longer than any that means something is no number.
        const LONGEST: usize = 4096;
        let start = self.reader.byte();
        let mut digits = String::new();
        while let Some(byte) = self.peek()? {
            if !matches!(byte, b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E') || digits.len() >= LONGEST {
                break;
            }
            digits.push(char::from(byte));
            self.reader.consume(1);
        }
        self.walk.open(self.place(false), false);
        let origin = start.map(|byte| Origin { byte, line: None, mapping: Mapping::Same });
        self.walk.feed(&digits, origin)?;
        Ok(Ok(Next::Comma))
    }

    fn literal(&mut self, literal: &str) -> Step<Result<Next, End>> {
        let rest = self.reader.rest()?;
        if rest.len() >= literal.len() && !rest.starts_with(literal) {
            return Ok(Err(End::Broken));
        }
        let mut matched = String::new();
        for expected in literal.bytes() {
            match self.peek()? {
                Some(byte) if byte == expected => {
                    matched.push(char::from(byte));
                    self.reader.consume(1);
                }
                other => {
                    self.walk.text(self.place(false), &matched)?;
                    return Ok(Err(if other.is_some() { End::Broken } else { End::Cut }));
                }
            }
        }
        Ok(Ok(Next::Comma))
    }

    /// Gives a string in chunks as it is read; whether it was ended.
    fn string_value(&mut self) -> Step<bool> {
        self.walk.open(self.place(false), false);
        let mut piece = Piece { text: String::new(), start: self.reader.byte(), is_plain: true };
        loop {
            let is_end = self.string_step(&mut piece)?;
            if is_end.is_some() || piece.text.len() >= self.walk.limits.chunk_len() {
                let mapping = if piece.is_plain { Mapping::Same } else { Mapping::Unknown };
                let origin = piece.start.map(|byte| Origin { byte, line: None, mapping });
                self.walk.feed(&piece.text, origin)?;
                piece = Piece { text: String::new(), start: self.reader.byte(), is_plain: true };
            }
            if let Some(is_whole) = is_end {
                return Ok(is_whole);
            }
        }
    }

    /// A member's name; none if the text ends within it. Names longer than a chunk are cut in the path, not in what
    /// is given: they come as text.
    fn short_string(&mut self) -> Step<Option<String>> {
        let mut piece = Piece { text: String::new(), start: None, is_plain: true };
        let mut is_cut = false;
        loop {
            let end = self.string_step(&mut piece)?;
            let is_long = piece.text.len() >= self.walk.limits.chunk_len();
            if is_long || (is_cut && end.is_some()) || end == Some(false) {
                if !is_cut {
                    self.walk.open(self.place(true), false);
                }
                self.walk.feed(&piece.text, None)?;
                piece.text.clear();
                is_cut = true;
            }
            match end {
                Some(true) => return Ok(Some(piece.text)),
                Some(false) => return Ok(None),
                None => {}
            }
        }
    }

    /// Takes a stretch of a string: `Some(true)` at its closing quote, `Some(false)` where the text ends.
    fn string_step(&mut self, piece: &mut Piece) -> Step<Option<bool>> {
        let rest = self.reader.rest()?;
        if rest.is_empty() {
            return Ok(Some(false));
        }
        let stop = memchr::memchr2(b'"', b'\\', rest.as_bytes());
        let end = stop.unwrap_or(rest.len());
        piece.text.push_str(rest.get(..end).unwrap_or_default());
        let byte = stop.and_then(|stop| rest.as_bytes().get(stop).copied());
        self.reader.consume(end + usize::from(byte.is_some()));
        self.walk.ask(end)?;
        match byte {
            Some(b'"') => Ok(Some(true)),
            Some(_) => {
                piece.is_plain = false;
                self.escape(&mut piece.text)?;
                Ok(None)
            }
            None => Ok(None),
        }
    }

    fn escape(&mut self, text: &mut String) -> Step {
        let Some(byte) = self.take()? else { return Ok(()) };
        match byte {
            b'n' => text.push('\n'),
            b't' => text.push('\t'),
            b'r' => text.push('\r'),
            b'b' => text.push('\u{8}'),
            b'f' => text.push('\u{c}'),
            b'u' => self.unicode_escape(text)?,
            b'"' | b'\\' | b'/' => text.push(char::from(byte)),
            // Unknown escapes stand for themselves, so that nothing is lost.
            other => {
                text.push('\\');
                if other.is_ascii() {
                    text.push(char::from(other));
                }
            }
        }
        Ok(())
    }

    fn unicode_escape(&mut self, text: &mut String) -> Step {
        let mut units = vec![self.hex4()?];
        let is_first_half = |unit: Option<&u16>| unit.is_some_and(|unit| (0xD800..0xDC00).contains(unit));
        // The second half of a pair follows as an escape of its own.
        while is_first_half(units.last()) && units.len() < 64 && self.peek()? == Some(b'\\') {
            self.reader.consume(1);
            if self.peek()? != Some(b'u') {
                text.extend(
                    char::decode_utf16(units).map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER)),
                );
                return self.escape(text);
            }
            self.reader.consume(1);
            units.push(self.hex4()?);
        }
        text.extend(char::decode_utf16(units).map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER)));
        Ok(())
    }

    fn hex4(&mut self) -> Step<u16> {
        let mut value = 0_u16;
        for _ in 0..4 {
            let Some(digit) = self.peek()?.and_then(|byte| char::from(byte).to_digit(16)) else { break };
            value = (value << 4) | u16::try_from(digit).unwrap_or(0);
            self.reader.consume(1);
        }
        Ok(value)
    }

    fn peek(&mut self) -> Step<Option<u8>> {
        Ok(self.reader.fill_buf()?.first().copied())
    }

    fn take(&mut self) -> Step<Option<u8>> {
        let byte = self.peek()?;
        // A character beyond ASCII stays to be taken whole.
        if byte.is_some_and(|byte| byte.is_ascii()) {
            self.reader.consume(1);
        }
        Ok(byte)
    }

    /// The next byte that is no space, past comments, which are given.
    fn peek_past_space(&mut self) -> Step<Option<u8>> {
        loop {
            let rest = self.reader.rest()?;
            let is_space = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | 0x1E);
            let spaces = rest.bytes().take_while(is_space).count();
            let next = rest.as_bytes().get(spaces).copied();
            let is_end = rest.is_empty();
            self.reader.consume(spaces);
            self.walk.ask(spaces)?;
            match next {
                Some(b'/') if self.comment()? => {}
                Some(byte) => return Ok(Some(byte)),
                None if is_end => return Ok(None),
                None => {}
            }
        }
    }

    /// Gives a comment; whether there was one.
    fn comment(&mut self) -> Step<bool> {
        let rest = self.reader.rest()?;
        let (end, is_line) = match rest.get(..2) {
            Some("//") => ("\n", true),
            Some("/*") => ("*/", false),
            _ => return Ok(false),
        };
        self.reader.consume(2);
        self.walk.open(Place::Comment, false);
        loop {
            let rest = self.reader.rest()?;
            if rest.is_empty() {
                return Ok(true);
            }
            let stop = rest.find(end);
            let comment = rest.get(..stop.unwrap_or(rest.len())).unwrap_or_default();
            let taken = comment.len() + if stop.is_some() && !is_line { 2 } else { 0 };
            self.walk.feed(comment, None)?;
            self.reader.consume(taken);
            if stop.is_some() {
                return Ok(true);
            }
        }
    }
}

/// A stretch of a string on its way.
struct Piece {
    text: String,
    start: Option<u64>,
    is_plain: bool,
}

/// Gives every name, string and number of a JSON text that is at hand, for formats that carry JSON within.
pub(super) fn embedded(json: &str, walk: &mut Walk<'_>) -> Result<(), Fault> {
    Json::new(TextReader::new(json.as_bytes(), PLAIN), walk, false).all()
}

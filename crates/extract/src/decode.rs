//! Bytes to text, whatever the encoding, a buffer at a time.

use std::io::{self, BufRead, Read};

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{Decoder, Encoding, UTF_8, UTF_16BE, UTF_16LE};

use crate::part::{Mapping, Origin};

/// How a text is encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Charset {
    /// Nothing but ASCII so far: what it is shows when the first other byte comes.
    Ascii,
    Utf8,
    Utf16 {
        is_big: bool,
    },
    Utf32 {
        is_big: bool,
    },
    /// One of the Encoding Standard's, by guess.
    Legacy(&'static Encoding),
    /// One of the Encoding Standard's, by what the text says of itself.
    Declared(&'static Encoding),
}

/// What the first bytes say about the encoding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Detected {
    pub(crate) charset: Charset,
    /// The length of the byte order mark.
    pub(crate) mark: usize,
}

/// Works out how `head`, the first bytes of a file, is encoded; `None` if it is no text.
pub(crate) fn detect(head: &[u8], is_whole: bool) -> Option<Detected> {
    if let Some(marked) = byte_order_mark(head) {
        return Some(marked);
    }
    let charset = if head.contains(&0) { with_nulls(head)? } else { without_nulls(head, is_whole)? };
    Some(Detected { charset, mark: 0 })
}

fn byte_order_mark(head: &[u8]) -> Option<Detected> {
    let marks: [(&[u8], Charset); 5] = [
        (b"\xEF\xBB\xBF", Charset::Utf8),
        (b"\xFF\xFE\0\0", Charset::Utf32 { is_big: false }),
        (b"\0\0\xFE\xFF", Charset::Utf32 { is_big: true }),
        (b"\xFF\xFE", Charset::Utf16 { is_big: false }),
        (b"\xFE\xFF", Charset::Utf16 { is_big: true }),
    ];
    let (mark, charset) = marks.into_iter().find(|(mark, _)| head.starts_with(mark))?;
    Some(Detected { charset, mark: mark.len() })
}

/// UTF-16 and UTF-32 without a mark, and texts that were padded with zeros.
fn with_nulls(head: &[u8]) -> Option<Charset> {
    let charsets = [
        Charset::Utf32 { is_big: false },
        Charset::Utf32 { is_big: true },
        Charset::Utf16 { is_big: false },
        Charset::Utf16 { is_big: true },
    ];
    if let Some(wide) = charsets.into_iter().find(|charset| reads_as(head, *charset)) {
        return Some(wide);
    }
    let kept: Vec<u8> = head.iter().copied().filter(|byte| *byte != 0).collect();
    let is_mostly_text = kept.len() * 10 >= head.len() && kept.len() >= 16;
    if is_mostly_text && is_utf8(&kept, false) { without_nulls(&kept, false) } else { None }
}

/// Whether bytes decode as wide characters without an error to something that looks like text.
fn reads_as(head: &[u8], charset: Charset) -> bool {
    const LOOKED_AT: usize = 4096;
    let unit = if matches!(charset, Charset::Utf32 { .. }) { 4 } else { 2 };
    let length = head.len().min(LOOKED_AT) / unit * unit;
    let Some(sample) = head.get(..length).filter(|sample| !sample.is_empty()) else { return false };
    let mut text = String::new();
    let (_, is_valid) = match charset {
        Charset::Utf32 { is_big } => utf32(sample, is_big, &mut text),
        _ => utf16(sample, matches!(charset, Charset::Utf16 { is_big: true }), true, &mut text),
    };
    let mut characters = 0_usize;
    let (mut odd, mut common) = (0_usize, 0_usize);
    for character in text.chars() {
        characters += 1;
        let is_control = character.is_control() && !matches!(character, '\t' | '\n' | '\r' | '\u{c}');
        let is_private = matches!(character, '\u{e000}'..='\u{f8ff}' | '\u{fffe}'..='\u{ffff}');
        odd += usize::from(is_control || is_private);
        common += usize::from(matches!(character, ' '..='~' | '\n' | '\r' | '\t' | '\u{3001}' | '\u{3002}'));
    }
    // Text in any script has spaces, line ends or punctuation; noise that happens to be valid has hardly any.
    is_valid && characters > 1 && odd * 50 <= characters && common * 20 >= characters
}

fn without_nulls(head: &[u8], is_whole: bool) -> Option<Charset> {
    let is_odd = |byte: &u8| matches!(byte, 0x01..=0x06 | 0x0E..=0x1A | 0x1C..=0x1F | 0x7F);
    let odd = head.iter().filter(|byte| is_odd(byte)).count();
    if odd * 50 > head.len() {
        return None;
    }
    if head.is_ascii() && !head.contains(&0x1B) {
        return Some(Charset::Ascii);
    }
    Some(beyond_ascii(head, is_whole))
}

/// UTF-8 if it is valid, else what the frequency of letters says.
fn beyond_ascii(bytes: &[u8], is_whole: bool) -> Charset {
    if is_utf8(bytes, is_whole) {
        return Charset::Utf8;
    }
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Allow);
    detector.feed(bytes, is_whole);
    match detector.guess(None, Utf8Detection::Allow) {
        encoding if encoding == UTF_8 => Charset::Utf8,
        encoding => Charset::Legacy(encoding),
    }
}

/// Whether bytes are UTF-8, but for a character that the end cuts and, in a long text, a few stray bytes.
fn is_utf8(bytes: &[u8], is_whole: bool) -> bool {
    let (mut rest, mut errors, mut wide) = (bytes, 0_usize, 0_usize);
    loop {
        match std::str::from_utf8(rest) {
            Ok(text) => {
                wide += text.bytes().filter(|byte| *byte >= 0xC2).count();
                break;
            }
            Err(error) => {
                let valid = rest.get(..error.valid_up_to()).unwrap_or_default();
                wide += valid.iter().filter(|byte| **byte >= 0xC2).count();
                let Some(length) = error.error_len() else {
                    errors += usize::from(is_whole);
                    break;
                };
                errors += 1;
                rest = rest.get(error.valid_up_to() + length..).unwrap_or_default();
            }
        }
    }
    // A single valid sequence is rare by chance, so ten of them for each error is a text with damage.
    errors == 0 || wide >= errors * 10
}

/// Decodes UTF-16; gives how many bytes were taken and whether all were valid. A pair that the end cuts is left.
fn utf16(bytes: &[u8], is_big: bool, is_end: bool, text: &mut String) -> (usize, bool) {
    let unit = |pair: &[u8]| {
        let pair = [pair.first().copied().unwrap_or(0), pair.get(1).copied().unwrap_or(0)];
        if is_big { u16::from_be_bytes(pair) } else { u16::from_le_bytes(pair) }
    };
    let mut units = bytes.chunks_exact(2).map(unit).collect::<Vec<_>>();
    let ends_in_half = units.last().is_some_and(|unit| (0xD800..0xDC00).contains(unit));
    if ends_in_half && !is_end {
        units.pop();
    }
    let mut is_valid = true;
    text.extend(char::decode_utf16(units.iter().copied()).map(|character| {
        character.unwrap_or_else(|_| {
            is_valid = false;
            char::REPLACEMENT_CHARACTER
        })
    }));
    (units.len() * 2, is_valid)
}

fn utf32(bytes: &[u8], is_big: bool, text: &mut String) -> (usize, bool) {
    let mut is_valid = true;
    for four in bytes.chunks_exact(4) {
        let four: [u8; 4] = four.try_into().unwrap_or_default();
        let number = if is_big { u32::from_be_bytes(four) } else { u32::from_le_bytes(four) };
        is_valid &= char::from_u32(number).is_some();
        text.push(char::from_u32(number).unwrap_or(char::REPLACEMENT_CHARACTER));
    }
    (bytes.len() / 4 * 4, is_valid)
}

/// Decodes a small text that is at hand, by its mark, its validity or its letters.
pub(crate) fn whole(bytes: &[u8]) -> String {
    let mut reader = TextReader::new(bytes, detect(bytes, true).unwrap_or(PLAIN));
    let mut text = String::new();
    while let Ok(Some((chunk, _))) = reader.next_chunk() {
        text.push_str(chunk);
    }
    text
}

/// What an unknown text is taken for.
pub(crate) const PLAIN: Detected = Detected { charset: Charset::Ascii, mark: 0 };

/// A reader of text: decodes what `inner` gives, knows the byte and the line it stands at.
///
/// Read in chunks ([`next_chunk`](Self::next_chunk)), or as UTF-8 bytes through [`BufRead`].
pub(crate) struct TextReader<R> {
    inner: R,
    charset: Charset,
    decoder: Option<Decoder>,
    raw: Vec<u8>,
    is_end: bool,
    error: Option<io::Error>,
    mark: usize,
    text: String,
    /// How many bytes of `text` were taken.
    taken: usize,
    origin: Origin,
    /// The byte of the file after the last decoded one.
    next_byte: u64,
    has_invalid: bool,
}

const BUFFER: usize = 64 << 10;

impl<R: Read> TextReader<R> {
    pub(crate) fn new(inner: R, detected: Detected) -> Self {
        Self {
            inner,
            charset: detected.charset,
            decoder: None,
            raw: Vec::new(),
            is_end: false,
            error: None,
            mark: detected.mark,
            text: String::new(),
            taken: 0,
            origin: Origin { byte: 0, line: Some(1), mapping: Mapping::Same },
            next_byte: 0,
            has_invalid: false,
        }
    }

    /// The encoding that was guessed, if it was.
    pub(crate) fn guessed(&self) -> Option<&'static str> {
        match self.charset {
            Charset::Legacy(encoding) => Some(encoding.name()),
            _ => None,
        }
    }

    /// The encoding, if some bytes were not valid in it.
    pub(crate) fn invalid(&self) -> Option<&'static str> {
        self.has_invalid.then_some(match self.charset {
            Charset::Ascii | Charset::Utf8 => UTF_8.name(),
            Charset::Utf16 { is_big: true } => UTF_16BE.name(),
            Charset::Utf16 { is_big: false } => UTF_16LE.name(),
            Charset::Utf32 { .. } => "UTF-32",
            Charset::Legacy(encoding) | Charset::Declared(encoding) => encoding.name(),
        })
    }

    /// The next stretch of text and where it starts; none at the end.
    pub(crate) fn next_chunk(&mut self) -> io::Result<Option<(&str, Origin)>> {
        self.fill_text()?;
        let origin = self.position();
        let taken = std::mem::replace(&mut self.taken, self.text.len());
        Ok(self
            .text
            .get(self.text.ceil_char_boundary(taken)..)
            .filter(|text| !text.is_empty())
            .map(|text| (text, origin)))
    }

    /// Where the next byte of text stands.
    pub(crate) fn position(&self) -> Origin {
        let Some(before) = self.text.get(..self.taken) else { return self.origin };
        let lines = memchr::memchr_iter(b'\n', before.as_bytes()).count() as u64;
        let line = self.origin.line.map(|line| line + lines);
        let byte = match self.origin.mapping {
            Mapping::Same => self.origin.byte + self.taken as u64,
            _ if self.taken == 0 => self.origin.byte,
            _ => return Origin { mapping: Mapping::Unknown, line, ..self.origin },
        };
        Origin { byte, line, mapping: self.origin.mapping }
    }

    /// The text at hand that was not taken yet; none at the end.
    pub(crate) fn rest(&mut self) -> io::Result<&str> {
        self.fill_text()?;
        Ok(self.text.get(self.text.ceil_char_boundary(self.taken)..).unwrap_or_default())
    }

    /// The byte of the file at which the next byte of text stands, where bytes of text are bytes of the file.
    pub(crate) fn byte(&self) -> Option<u64> {
        (self.origin.mapping == Mapping::Same).then(|| self.origin.byte + self.taken as u64)
    }

    fn fill_text(&mut self) -> io::Result<()> {
        while self.taken >= self.text.len() {
            let lines = memchr::memchr_iter(b'\n', self.text.as_bytes()).count() as u64;
            self.origin.line = self.origin.line.map(|line| line + lines);
            self.text.clear();
            self.taken = 0;
            if self.is_end && self.raw.is_empty() && self.decoder.is_none() {
                return Ok(());
            }
            self.read_raw()?;
            self.decode();
        }
        Ok(())
    }

    fn read_raw(&mut self) -> io::Result<()> {
        if self.is_end {
            return Ok(());
        }
        let before = self.raw.len();
        let room = BUFFER.saturating_sub(before).max(16) as u64;
        if let Some(error) = self.error.take() {
            return Err(error);
        }
        match self.inner.by_ref().take(room).read_to_end(&mut self.raw) {
            Ok(count) => self.is_end = (count as u64) < room,
            // What came before the error is given first.
            Err(error) if self.raw.len() > before => self.error = Some(error),
            Err(error) => return Err(error),
        }
        if self.mark > 0 {
            self.raw.drain(..self.mark.min(self.raw.len()));
            self.next_byte += self.mark as u64;
            self.mark = 0;
        }
        Ok(())
    }

    fn decode(&mut self) {
        if self.charset == Charset::Ascii && !self.raw.is_ascii() {
            self.charset = beyond_ascii(&self.raw, self.is_end);
        }
        self.origin.byte = self.next_byte;
        let (used, is_valid) = match self.charset {
            Charset::Ascii | Charset::Utf8 => self.decode_utf8(),
            Charset::Utf16 { is_big } => {
                self.origin.mapping = Mapping::Utf16;
                utf16(&self.raw, is_big, self.is_end, &mut self.text)
            }
            Charset::Utf32 { is_big } => {
                self.origin.mapping = Mapping::Utf32;
                utf32(&self.raw, is_big, &mut self.text)
            }
            Charset::Legacy(encoding) | Charset::Declared(encoding) => self.decode_legacy(encoding),
        };
        // Half a character at the very end stands for nothing.
        let is_cut = self.is_end && used < self.raw.len();
        if is_cut {
            self.text.push(char::REPLACEMENT_CHARACTER);
        }
        let used = if is_cut { self.raw.len() } else { used };
        if !is_valid || is_cut {
            self.has_invalid = true;
            self.origin.mapping = Mapping::Unknown;
        }
        self.raw.drain(..used);
        self.next_byte += used as u64;
    }

    fn decode_utf8(&mut self) -> (usize, bool) {
        self.origin.mapping = Mapping::Same;
        let error = match std::str::from_utf8(&self.raw) {
            Ok(text) => {
                self.text.push_str(text);
                return (self.raw.len(), true);
            }
            Err(error) => error,
        };
        if error.error_len().is_none() {
            let valid = self.raw.get(..error.valid_up_to()).unwrap_or_default();
            self.text.push_str(&String::from_utf8_lossy(valid));
            return (valid.len(), true);
        }
        // The last few bytes may be the start of a character that goes on.
        let keep = if self.is_end { 0 } else { unfinished(&self.raw) };
        let length = self.raw.len() - keep;
        self.text.push_str(&String::from_utf8_lossy(self.raw.get(..length).unwrap_or_default()));
        (length, false)
    }

    fn decode_legacy(&mut self, encoding: &'static Encoding) -> (usize, bool) {
        let mapping = if encoding.is_single_byte() { Mapping::BytePerCharacter } else { Mapping::Unknown };
        self.origin.mapping = mapping;
        let mut decoder = self.decoder.take().unwrap_or_else(|| encoding.new_decoder_without_bom_handling());
        let most = decoder.max_utf8_buffer_length(self.raw.len()).unwrap_or(BUFFER * 3);
        self.text.reserve(most);
        let (_, used, had_errors) = decoder.decode_to_string(&self.raw, &mut self.text, self.is_end);
        if !self.is_end {
            self.decoder = Some(decoder);
        }
        (used, !had_errors)
    }
}

/// How many bytes at the end start a UTF-8 character without finishing it.
fn unfinished(bytes: &[u8]) -> usize {
    (1..=3.min(bytes.len()))
        .find(|back| {
            let tail = bytes.get(bytes.len() - back..).unwrap_or_default();
            std::str::from_utf8(tail)
                .is_err_and(|error| error.valid_up_to() == 0 && error.error_len().is_none())
        })
        .unwrap_or(0)
}

impl<R: Read> Read for TextReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.fill_buf()?.read(buffer)?;
        self.consume(count);
        Ok(count)
    }
}

impl<R: Read> BufRead for TextReader<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.fill_text()?;
        Ok(self.text.as_bytes().get(self.taken..).unwrap_or_default())
    }

    fn consume(&mut self, amount: usize) {
        self.taken = (self.taken + amount).min(self.text.len());
    }
}

//! What an extraction gives: pieces of text and where they come from.

use crate::location::Location;
use crate::outcome::Skipped;

/// One chunk of text.
///
/// A text longer than [`Limits::chunk`](crate::Limits::chunk) comes in several: the first has `continues == false`, the
/// rest follow at once with the same location and `continues == true`, so that a scanner can carry its state over.
#[derive(Clone, Copy, Debug)]
pub struct Part<'a> {
    /// Where the text stands.
    pub location: &'a Location,
    /// The text, never empty.
    pub text: &'a str,
    /// Whether the text goes on where the part before it ended.
    pub continues: bool,
    /// Whether a reader of the document would not see the text: hidden elements and rows, deleted passages.
    pub is_hidden: bool,
    /// Where in the innermost file the text starts, where that can be said.
    pub origin: Option<Origin>,
}

impl Part<'_> {
    /// The byte of the innermost file at which the text's byte `offset` stands; `None` where the encoding or an escape
    /// makes that unknowable, or where `offset` lies outside the text or inside a character.
    pub fn byte_at(&self, offset: usize) -> Option<u64> {
        let origin = self.origin?;
        let before = self.text.get(..offset)?;
        let length = match origin.mapping {
            Mapping::Same => offset,
            Mapping::BytePerCharacter => before.chars().count(),
            Mapping::Utf16 => before.chars().map(char::len_utf16).sum::<usize>() * 2,
            Mapping::Utf32 => before.chars().count() * 4,
            Mapping::Unknown => return (offset == 0).then_some(origin.byte),
        };
        Some(origin.byte + length as u64)
    }

    /// The line of the innermost file, from one, on which the text's byte `offset` stands.
    pub fn line_at(&self, offset: usize) -> Option<u64> {
        let before = self.text.get(..offset)?;
        let origin = self.origin?;
        Some(origin.line? + memchr::memchr_iter(b'\n', before.as_bytes()).count() as u64)
    }
}

/// Where in the innermost file a text starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Origin {
    /// The first byte, from zero.
    pub byte: u64,
    /// The line, from one, where lines are counted.
    pub line: Option<u64>,
    /// How the text's bytes lie over the file's.
    pub mapping: Mapping,
}

/// How the bytes of a text lie over the bytes of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mapping {
    /// Byte for byte: UTF-8 without escapes.
    Same,
    /// A byte for each character: the legacy encodings of Europe.
    BytePerCharacter,
    /// UTF-16.
    Utf16,
    /// UTF-32.
    Utf32,
    /// The text was decoded, unescaped or repaired: only its start is known.
    Unknown,
}

/// Receives what an extraction finds.
pub trait Sink {
    /// One chunk of text. The borrowed parts are gone after the call.
    fn part(&mut self, part: &Part<'_>);

    /// A file within the file, before it is read or skipped: the last of the location's entries is its name.
    fn entry(&mut self, location: &Location) {
        let _ = location;
    }

    /// Something that was not read, as it happens; the same stands in the [`Outcome`](crate::Outcome).
    fn skipped(&mut self, skipped: &Skipped) {
        let _ = skipped;
    }
}

impl<F: FnMut(&Part<'_>)> Sink for F {
    fn part(&mut self, part: &Part<'_>) {
        self(part);
    }
}

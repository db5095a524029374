//! Where a value stands: files, byte spans, lines and columns.
//!
//! Every value that Castellan reads keeps a [`Span`], twelve bytes that name a file and a byte range in it. The
//! [`Sources`] table turns a span back into a path, a line and a column when a person has to be told.

use std::fmt;
use std::sync::Arc;

use serde::Serialize;

/// Names one file in a [`Sources`] table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SourceId(u32);

impl SourceId {
    /// The source of values that no file holds: results of an evaluation, literals in code, rows from an API.
    pub const NONE: SourceId = SourceId(u32::MAX);
}

/// A byte range in one source. The range is half-open: `start..end`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Span {
    /// The file.
    pub source: SourceId,
    /// First byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

impl Span {
    /// The span of a value that stands in no file.
    pub const NONE: Span = Span { source: SourceId::NONE, start: 0, end: 0 };

    /// A span in `source`. Offsets past 4 GiB saturate; [`crate::Limits`] keeps inputs far below that.
    pub fn new(source: SourceId, start: usize, end: usize) -> Span {
        let narrow = |offset: usize| u32::try_from(offset).unwrap_or(u32::MAX);
        Span { source, start: narrow(start), end: narrow(end) }
    }

    /// True when the value stands in no file.
    pub fn is_none(self) -> bool {
        self.source == SourceId::NONE
    }

    /// This span, or `other` when this one stands in no file.
    pub fn or(self, other: Span) -> Span {
        if self.is_none() { other } else { self }
    }
}

/// A place as people write it: `main.json:12:7`. Lines and columns count from 1; columns count characters.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub struct Location {
    /// The file, as it was named when it was read.
    pub file: Arc<str>,
    /// Line, from 1.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
    /// Line of the end, from 1.
    pub end_line: u32,
    /// Column of the end (one past the last character), from 1.
    pub end_column: u32,
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.file, self.line, self.column)
    }
}

#[derive(Debug)]
struct SourceFile {
    path: Arc<str>,
    text: Arc<str>,
    line_starts: Vec<u32>,
    /// Characters before each block of [`BLOCK`] bytes, so that a column costs the same on the longest line, such as
    /// an export of many megabytes without a line break. Empty for ASCII text, where characters are bytes.
    characters_before: Vec<u32>,
}

/// Bytes between two entries of `characters_before`.
const BLOCK: usize = 256;

/// All files read so far. Grows only.
#[derive(Debug, Default)]
pub struct Sources {
    files: Vec<SourceFile>,
}

impl Sources {
    /// Adds a file and returns the id that its spans carry.
    pub fn add(&mut self, path: impl Into<Arc<str>>, text: impl Into<Arc<str>>) -> SourceId {
        let text: Arc<str> = text.into();
        let mut line_starts = vec![0];
        line_starts.extend(
            memchr::memchr_iter(b'\n', text.as_bytes()).filter_map(|offset| u32::try_from(offset + 1).ok()),
        );
        let id = SourceId(u32::try_from(self.files.len()).unwrap_or(u32::MAX));
        let characters_before = characters_before(&text);
        self.files.push(SourceFile { path: path.into(), text, line_starts, characters_before });
        id
    }

    fn file(&self, id: SourceId) -> Option<&SourceFile> {
        self.files.get(usize::try_from(id.0).ok()?)
    }

    /// The text of a file.
    pub fn text(&self, id: SourceId) -> Option<Arc<str>> {
        self.file(id).map(|file| Arc::clone(&file.text))
    }

    /// The path of a file, as it was given to [`Sources::add`].
    pub fn path(&self, id: SourceId) -> Option<Arc<str>> {
        self.file(id).map(|file| Arc::clone(&file.path))
    }

    /// The text that a span covers.
    pub fn snippet(&self, span: Span) -> Option<&str> {
        let file = self.file(span.source)?;
        file.text.get(usize::try_from(span.start).ok()?..usize::try_from(span.end).ok()?)
    }

    /// Line and column of a span; `None` for a span that stands in no file.
    pub fn locate(&self, span: Span) -> Option<Location> {
        let file = self.file(span.source)?;
        let (line, column) = file.line_and_column(span.start);
        let (end_line, end_column) = file.line_and_column(span.end.max(span.start));
        Some(Location { file: Arc::clone(&file.path), line, column, end_line, end_column })
    }
}

impl SourceFile {
    fn line_and_column(&self, offset: u32) -> (u32, u32) {
        let line = self.line_starts.partition_point(|start| *start <= offset).max(1);
        let line_start = self.line_starts.get(line - 1).copied().unwrap_or(0);
        let characters = self.characters_until(offset).saturating_sub(self.characters_until(line_start));
        (u32::try_from(line).unwrap_or(u32::MAX), characters.saturating_add(1))
    }

    /// How many characters start before a byte offset.
    fn characters_until(&self, offset: u32) -> u32 {
        if self.characters_before.is_empty() {
            return offset;
        }
        let end = usize::try_from(offset).unwrap_or(usize::MAX).min(self.text.len());
        let block = end / BLOCK;
        let before = self.characters_before.get(block).copied().unwrap_or(0);
        let rest = self.text.as_bytes().get(block * BLOCK..end).unwrap_or_default();
        before + count_characters(rest)
    }
}

fn characters_before(text: &str) -> Vec<u32> {
    if text.is_ascii() {
        return Vec::new();
    }
    let mut total = 0;
    let counts = text.as_bytes().chunks(BLOCK).map(|block| {
        let before = total;
        total += count_characters(block);
        before
    });
    let mut counts: Vec<u32> = counts.collect();
    counts.push(total);
    counts
}

/// Characters that start in these bytes: all bytes but the continuations of UTF-8.
fn count_characters(bytes: &[u8]) -> u32 {
    let starts = bytes.iter().filter(|byte| **byte & 0b1100_0000 != 0b1000_0000).count();
    u32::try_from(starts).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_and_columns_count_characters_from_one() {
        let mut sources = Sources::default();
        let id = sources.add("a.json", "{\n  \"\u{e9}\": 1\n}");
        let location = sources.locate(Span::new(id, 10, 11)).unwrap();
        assert_eq!(location.to_string(), "a.json:2:8");
        assert_eq!(sources.snippet(Span::new(id, 10, 11)), Some("1"));
        assert_eq!(sources.locate(Span::NONE), None);
    }

    #[test]
    fn columns_on_a_long_line_are_those_of_counting() {
        let text = format!("x\n{}", "a\u{e9}\u{1f600}".repeat(400));
        let mut sources = Sources::default();
        let id = sources.add("a", text.as_str());
        for (offset, _) in text.char_indices().skip(2) {
            let counted = text[2..offset].chars().count() + 1;
            let location = sources.locate(Span::new(id, offset, offset)).unwrap();
            assert_eq!((location.line, location.column as usize), (2, counted), "{offset}");
        }
        let end = sources.locate(Span::new(id, text.len(), text.len())).unwrap();
        assert_eq!(end.column, 1201);
    }
}

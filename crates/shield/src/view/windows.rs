//! Windows: a long text in overlapping parts, none of it left out.

use std::ops::Range;

/// How windows are cut, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WindowSize {
    /// The most that a window holds. At least 16 is used.
    pub size: usize,
    /// The least that a window shares with the one before. At most half of the size is used.
    pub overlap: usize,
}

impl Default for WindowSize {
    /// 512 bytes, 128 of them shared: some 90 English words, and an instruction of 128 bytes is never cut.
    fn default() -> Self {
        Self { size: 512, overlap: 128 }
    }
}

/// A part of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Window<'a> {
    /// Its bytes.
    pub span: Range<usize>,
    /// Its text.
    pub text: &'a str,
}

/// Overlapping windows that cover all of `text`. They begin and end at ends of sentences where one is near, else at ends
/// of words, else between characters. A text that fits is one window; an empty one has none.
///
/// *Invariant (nothing between two windows):* every stretch of up to `overlap` bytes lies whole within some window.
pub fn windows(text: &str, size: WindowSize) -> impl Iterator<Item = Window<'_>> {
    let most = size.size.max(16);
    let overlap = size.overlap.min(most / 2);
    let mut next = (!text.is_empty()).then_some(0);
    std::iter::from_fn(move || {
        let start = next?;
        let end = end_of(text, start, most, overlap);
        next = (end < text.len()).then(|| start_of(text, start, end, overlap));
        Some(Window { span: start..end, text: text.get(start..end)? })
    })
}

/// Where a window that starts at `start` ends: in its last quarter where possible, and always so far that the next one
/// starts later than this.
fn end_of(text: &str, start: usize, most: usize, overlap: usize) -> usize {
    if text.len() - start <= most {
        return text.len();
    }
    let limit = text.floor_char_boundary(start + most);
    let least = text.ceil_char_boundary((start + most - most / 4).max(start + overlap + 8)).min(limit);
    let tail = text.get(least..limit).unwrap_or_default();
    last_sentence_end(tail).or_else(|| last_word_end(tail)).map_or(limit, |place| least + place)
}

/// Where the window after `start..end` starts: at most an eighth of the overlap before what it must share.
fn start_of(text: &str, start: usize, end: usize, overlap: usize) -> usize {
    let must = text.floor_char_boundary(end - overlap);
    let may = text.ceil_char_boundary(must.saturating_sub(overlap / 8).max(start + 1)).min(must);
    let head = text.get(may..must).unwrap_or_default();
    let place = last_sentence_end(head).or_else(|| last_word_end(head)).map_or(must, |place| may + place);
    if place > start { place } else { end }
}

/// The place after the last white space that follows the end of a sentence, or after the last line break.
fn last_sentence_end(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let ends = |pair: &[u8]| match *pair {
        [_, b'\n'] => true,
        [before, b' '] => matches!(before, b'.' | b'!' | b'?' | b':' | b';'),
        _ => false,
    };
    bytes.windows(2).rposition(ends).map(|place| place + 2)
}

fn last_word_end(text: &str) -> Option<usize> {
    let (place, space) = text.char_indices().rev().find(|(_, character)| character.is_whitespace())?;
    Some(place + space.len_utf8())
}

//! What escapes have in common: here and there a character of a text is written otherwise, and the rest stands for itself.

use std::ops::Range;

use super::Codec;
use super::bytes::Bytes;
use super::scan::{Found, Scan};
use crate::view::View;

/// What an escape stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Meaning {
    Character(char),
    Byte(u8),
    /// Nothing: it only breaks a line, say.
    Nothing,
}

/// A way of escaping.
pub(super) struct Escapes {
    pub(super) codec: &'static Codec,
    /// The byte with which each escape begins.
    pub(super) mark: u8,
    /// How long the escape at the start of a text is in bytes, and what it stands for; `None` where there is none.
    pub(super) read: fn(&str) -> Option<(usize, Meaning)>,
}

/// Escapes further apart than this many bytes are not looked at together.
const APART: usize = 96;

impl Escapes {
    /// All of `text` without its escapes.
    pub(super) fn decode(&self, text: &str) -> Option<View<'static>> {
        let mut bytes = Bytes::default();
        self.read_into(text, 0..text.len(), &mut bytes);
        bytes.into_view(text.len())
    }

    /// Reads `range`; gives how many letters and how many other characters were escaped.
    fn read_into(&self, text: &str, range: Range<usize>, bytes: &mut Bytes) -> (usize, usize) {
        let all = text.as_bytes();
        let (mut letters, mut others) = (0, 0);
        let mut place = range.start;
        while place < range.end {
            let Some(&byte) = all.get(place) else { break };
            let escape = (byte == self.mark).then(|| text.get(place..).and_then(self.read)).flatten();
            let Some((length, meaning)) = escape.filter(|(length, _)| *length > 0) else {
                bytes.push(&[byte], place..place + 1);
                place += 1;
                continue;
            };
            let origin = place..place + length;
            let is_letter = match meaning {
                Meaning::Character(character) => {
                    bytes.push(character.encode_utf8(&mut [0; 4]).as_bytes(), origin);
                    character.is_alphanumeric()
                }
                Meaning::Byte(byte) => {
                    bytes.push(&[byte], origin);
                    byte.is_ascii_alphanumeric() || byte >= 0x80
                }
                // A row of marks is a line to look at, and not an escape at its end.
                Meaning::Nothing if place > 0 && all.get(place - 1) == Some(&self.mark) => {
                    place += length;
                    continue;
                }
                Meaning::Nothing => false,
            };
            letters += usize::from(is_letter);
            others += usize::from(!is_letter);
            place += length;
        }
        (letters, others)
    }

    /// Finds stretches with escapes, each with the words around it.
    pub(super) fn find(&self, scan: &Scan<'_>, found: &mut Vec<Found>) {
        let mut places = self.places(scan).peekable();
        while let Some(first) = places.next() {
            let mut end = first.end;
            while let Some(next) = places.next_if(|next| next.start <= end + APART) {
                end = next.end;
            }
            let span = around(scan.text, first.start..end);
            let mut bytes = Bytes::default();
            let (letters, others) = self.read_into(scan.text, span.clone(), &mut bytes);
            let confidence = match (letters, others) {
                (3.., _) => 0.9,
                (1.., _) => 0.6,
                (0, 2..) => 0.4,
                _ => continue,
            };
            if let Some(view) = bytes.into_lenient_view(scan.text.len()) {
                found.push(Found { codec: self.codec, view, span, confidence });
            }
        }
    }

    fn places<'a>(&'a self, scan: &'a Scan<'_>) -> impl Iterator<Item = Range<usize>> + 'a {
        let all = scan.bytes();
        let mut at = 0;
        std::iter::from_fn(move || {
            loop {
                let place = at + all.get(at..)?.iter().position(|&byte| byte == self.mark)?;
                at = place + 1;
                if let Some((length, _)) = scan.text.get(place..).and_then(self.read) {
                    at = place + length.max(1);
                    return Some(place..at);
                }
            }
        })
    }
}

/// `range` with what stands around it up to white space, at most 64 bytes on either side.
pub(super) fn around(text: &str, range: Range<usize>) -> Range<usize> {
    let least = text.floor_char_boundary(range.start.saturating_sub(64));
    let most = text.ceil_char_boundary(range.end.saturating_add(64).min(text.len()));
    let before = text.get(least..range.start).unwrap_or_default();
    let after = text.get(range.end..most).unwrap_or_default();
    let start = before
        .rfind(char::is_whitespace)
        .and_then(|place| text.get(least + place..)?.chars().next().map(|c| place + c.len_utf8()));
    let end = after.find(char::is_whitespace);
    start.map_or(least, |place| least + place)..end.map_or(most, |place| range.end + place)
}

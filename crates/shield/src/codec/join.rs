//! Texts in pieces that a program would join: `"ig" + "nore"`.

use std::ops::Range;

use super::scan::{Found, Scan};
use super::{Codec, Loss};
use crate::view::{View, ViewBuilder};

pub(super) static JOINED: Codec = Codec {
    name: "string-join",
    about: "Quoted pieces of three characters with plus signs between",
    carries: "texts of one character and more without quotes, backslashes and line breaks",
    loss: Loss::None,
    encode: |text| {
        let characters: Vec<char> = text.chars().collect();
        let pieces = characters.chunks(3).map(|piece| format!("\"{}\"", piece.iter().collect::<String>()));
        Some(pieces.collect::<Vec<_>>().join(" + "))
    },
    decode: |text| {
        let pieces = pieces_from(text, 0)
            .filter(|pieces| pieces.last().is_some_and(|last| last.end + 1 == text.len()))?;
        Some(joined(text, &pieces))
    },
    returns: |text| (!text.is_empty() && !text.contains(['"', '\\', '\n', '\r'])).then(|| text.to_owned()),
};

/// The longest piece in bytes. Quotes in prose are longer, and a program would not cut a text that is.
const LONGEST: usize = 256;
/// The most bytes between two pieces.
const GAP: usize = 8;

/// The insides of the quoted pieces that are joined from the quote at `start` on.
fn pieces_from(text: &str, start: usize) -> Option<Vec<Range<usize>>> {
    let mut pieces = Vec::new();
    let mut at = start;
    while let Some(piece) = quoted(text.as_bytes(), at) {
        at = piece.end + 1;
        pieces.push(piece);
        let gap = text.as_bytes().get(at..).unwrap_or_default();
        let length = gap.iter().take(GAP).take_while(|byte| !matches!(byte, b'"' | b'\'')).count();
        let between = std::str::from_utf8(gap.get(..length)?).ok()?.trim();
        if !matches!(between, "+" | "." | "&" | ".." | "||" | "+=" | "++" | "<>" | "~") {
            break;
        }
        at += length;
    }
    (!pieces.is_empty()).then_some(pieces)
}

/// What stands between the quote at `start` and the next of its kind on the same line.
fn quoted(bytes: &[u8], start: usize) -> Option<Range<usize>> {
    let quote = *bytes.get(start).filter(|byte| matches!(byte, b'"' | b'\''))?;
    let inside = bytes.get(start + 1..)?;
    let length = inside.iter().take(LONGEST).position(|&byte| byte == quote || byte == b'\n')?;
    (inside.get(length) == Some(&quote)).then_some(start + 1..start + 1 + length)
}

fn joined(text: &str, pieces: &[Range<usize>]) -> View<'static> {
    let mut builder = ViewBuilder::default();
    for piece in pieces {
        builder.exact(text.get(piece.clone()).unwrap_or_default(), piece.start);
    }
    builder.finish(text.len())
}

/// Finds two and more quoted pieces that are joined: first what joins two quotes, then where the pieces begin.
pub(super) fn find(scan: &Scan<'_>, found: &mut Vec<Found>) {
    let bytes = scan.bytes();
    let mut before: [Option<usize>; BACK] = [None; BACK];
    let mut done = 0;
    for (place, &quote) in bytes.iter().enumerate().filter(|(_, byte)| matches!(byte, b'"' | b'\'')) {
        let earlier = before;
        before.rotate_right(1);
        if let Some(latest) = before.first_mut() {
            *latest = Some(place);
        }
        if place < done || !joins(bytes, place) {
            continue;
        }
        let opening =
            earlier.iter().flatten().find(|&&start| start >= done && bytes.get(start) == Some(&quote));
        let pieces =
            opening.and_then(|&start| pieces_from(scan.text, start)).filter(|pieces| pieces.len() >= 2);
        let (Some(&start), Some(pieces)) = (opening, pieces) else { continue };
        let view = joined(scan.text, &pieces);
        done = pieces.last().map_or(place, |last| last.end + 1);
        if view.text().bytes().filter(u8::is_ascii_alphabetic).count() >= 3 {
            found.push(Found { codec: &JOINED, view, span: start..done, confidence: 0.7 });
        }
    }
}

/// How many quotes are looked back at for the one that opens a piece; those between are apostrophes.
const BACK: usize = 4;

/// Whether a sign that joins and another quote follow the quote at `place`.
fn joins(bytes: &[u8], place: usize) -> bool {
    let gap = bytes.get(place + 1..bytes.len().min(place + 2 + GAP)).unwrap_or_default();
    let sign = gap.iter().position(|byte| !byte.is_ascii_whitespace());
    let joining = |byte: &u8| matches!(byte, b'+' | b'.' | b'&' | b'|' | b'<' | b'~');
    sign.is_some_and(|sign| {
        let rest = gap.get(sign..).unwrap_or_default();
        rest.first().is_some_and(joining) && rest.iter().any(|byte| matches!(byte, b'"' | b'\''))
    })
}

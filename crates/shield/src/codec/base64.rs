//! Base64 (RFC 4648): with and without padding, in the alphabet for addresses, and wrapped over lines.

use std::ops::Range;

use super::bytes::Bytes;
use super::scan::{Found, Scan, kind, runs};
use super::{Codec, Loss, whole};
use crate::view::View;

const STANDARD: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const FOR_ADDRESSES: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
/// Letters on a line, as in mail (RFC 2045).
const LINE: usize = 76;

pub(super) static PADDED: Codec = Codec {
    name: "base64",
    about: "Base64 with padding",
    encode: |text| Some(encode(text, STANDARD, true)),
    ..UNPADDED
};
pub(super) static ADDRESS: Codec = Codec {
    name: "base64url",
    about: "Base64 in the alphabet for addresses and file names, without padding",
    encode: |text| Some(encode(text, FOR_ADDRESSES, false)),
    ..UNPADDED
};
pub(super) static BARE: Codec = UNPADDED;
pub(super) static WRAPPED: Codec = Codec {
    name: "base64-wrapped",
    about: "Base64 in lines of 76 characters",
    encode: |text| Some(wrap(&encode(text, STANDARD, true))),
    ..UNPADDED
};
const UNPADDED: Codec = Codec {
    name: "base64-unpadded",
    about: "Base64 without padding",
    carries: "any text",
    loss: Loss::None,
    encode: |text| Some(encode(text, STANDARD, false)),
    decode,
    returns: whole,
};

fn encode(text: &str, alphabet: &[u8; 64], padded: bool) -> String {
    let mut out = String::with_capacity(text.len() / 3 * 4 + 4);
    for group in text.as_bytes().chunks(3) {
        let joined = group.iter().fold(0_usize, |joined, &byte| joined << 8 | usize::from(byte))
            << (8 * (3 - group.len()));
        let letter = |shift: usize| alphabet.get(joined >> shift & 63).copied().map_or('=', char::from);
        let letters = [letter(18), letter(12), letter(6), letter(0)];
        out.extend(letters.iter().take(group.len() + 1));
        out.extend(std::iter::repeat_n('=', if padded { 3 - group.len() } else { 0 }));
    }
    out
}

fn wrap(encoded: &str) -> String {
    let lines: Vec<&str> =
        encoded.as_bytes().chunks(LINE).filter_map(|line| std::str::from_utf8(line).ok()).collect();
    lines.join("\r\n")
}

fn value(byte: u8) -> Option<u32> {
    Some(u32::from(match byte {
        b'A'..=b'Z' => byte - b'A',
        b'a'..=b'z' => byte - b'a' + 26,
        b'0'..=b'9' => byte - b'0' + 52,
        b'+' | b'-' => 62,
        b'/' | b'_' => 63,
        _ => return None,
    }))
}

pub(super) fn is_letter(byte: u8) -> bool {
    value(byte).is_some()
}

fn decode(text: &str) -> Option<View<'static>> {
    let body = text.trim_end_matches('=');
    let ours = |byte: u8| is_letter(byte) || byte.is_ascii_whitespace();
    body.bytes().all(ours).then(|| read(body, 0)).flatten()?.into_view(text.len())
}

/// The bytes of `letters`, which start at `base`; what is no letter is passed over. A last letter that stands for no byte
/// is left.
pub(super) fn read(letters: &str, base: usize) -> Option<Bytes> {
    let mut bytes = Bytes::default();
    let mut joined = 0_u32;
    let mut held = 0;
    let mut start = base;
    for (offset, &byte) in letters.as_bytes().iter().enumerate() {
        let Some(six) = value(byte) else { continue };
        let place = base + offset;
        if held == 0 {
            start = place;
        }
        joined = joined << 6 | six;
        held += 1;
        if held == 4 {
            let [_, group @ ..] = joined.to_be_bytes();
            bytes.push(&group, start..place + 1);
            (joined, held) = (0, 0);
        }
    }
    let [_, group @ ..] = (joined << (6 * (4 - held))).to_be_bytes();
    bytes.push(group.get(..(held as usize * 6) / 8)?, start..base + letters.len());
    Some(bytes)
}

/// Finds Base64: runs of its letters, over the line breaks of a wrapped text too.
pub(super) fn find(scan: &Scan<'_>, found: &mut Vec<Found>) {
    let mut lines: Vec<Range<usize>> = Vec::new();
    for word in &scan.words {
        // Letters alone of one case are a word; nothing that is encoded has only those.
        if word.len() >= 8 && word.has(kind::CAPITAL | kind::DIGIT) || !lines.is_empty() {
            let bytes = scan.bytes().get(word.range()).unwrap_or_default();
            for run in runs(bytes, is_letter).filter(|run| run.len() >= 2) {
                take(scan, word.start + run.start..word.start + run.end, &mut lines, found);
            }
        }
    }
    stretch_found(scan, &lines, found);
}

/// Takes the next run: one more line, or the start of another text.
fn take(scan: &Scan<'_>, run: Range<usize>, lines: &mut Vec<Range<usize>>, found: &mut Vec<Found>) {
    if lines.last().is_some_and(|last| continues(scan, lines, last, &run)) {
        return lines.push(run);
    }
    if !lines.is_empty() {
        stretch_found(scan, lines, found);
        lines.clear();
    }
    let letters = scan.bytes().get(run.clone()).unwrap_or_default();
    lines.extend(start_of_text(letters).map(|start| run.start + start..run.end));
}

/// Where in `letters` a text starts: with the first, or behind letters that only stand before it, as those of a path do.
fn start_of_text(letters: &[u8]) -> Option<usize> {
    if letters.len() >= 8 && starts_as_text(letters) {
        return Some(0);
    }
    if letters.len() < 24 {
        return None;
    }
    let marks = letters.iter().enumerate().filter(|(_, byte)| !byte.is_ascii_alphanumeric());
    let behind = marks.map(|(place, _)| place + 1).take(4);
    let mut starts = behind.chain(1..4);
    starts.find(|&start| {
        letters.get(start..).is_some_and(|rest| rest.len() >= 20 && first_bytes(rest, 4).all(is_plain))
    })
}

/// Whether `next` is the line after `last`: nothing but a line break is between them, and all lines before are as long.
fn continues(scan: &Scan<'_>, lines: &[Range<usize>], last: &Range<usize>, next: &Range<usize>) -> bool {
    let gap = scan.slice(last.end..next.start);
    let full = lines.first().map_or(0, Range::len);
    full >= 40 && last.len() == full && next.len() <= full && full.is_multiple_of(4) && is_line_break(gap)
}

fn is_line_break(gap: &str) -> bool {
    gap.len() <= 16
        && gap.contains('\n')
        && gap.bytes().all(|byte| byte.is_ascii_whitespace() || byte == b'>')
}

/// What `lines` hold; where that is no text, the last may have been a word that follows.
fn stretch_found(scan: &Scan<'_>, lines: &[Range<usize>], found: &mut Vec<Found>) {
    for count in [lines.len(), lines.len().saturating_sub(1)] {
        let (Some(first), Some(last)) = (lines.first(), lines.get(..count).and_then(<[_]>::last)) else {
            return;
        };
        let padding = scan.bytes().iter().skip(last.end).take(2).take_while(|&&byte| byte == b'=').count();
        let bytes = read(scan.slice(first.start..last.end), first.start);
        let decoded = bytes
            .and_then(|bytes| bytes.into_found(&PADDED, first.start..last.end + padding, scan.text.len()));
        if let Some(decoded) = decoded.filter(|decoded| decoded.view.text().len() >= 5) {
            return found.push(decoded);
        }
    }
}

/// Whether the first six bytes could be text, which they are in few words and names.
fn starts_as_text(letters: &[u8]) -> bool {
    let mut first = [b' '; 6];
    first.iter_mut().zip(first_bytes(letters, 2)).for_each(|(place, byte)| *place = byte);
    let printable = first.iter().all(|&byte| byte >= 0x80 || byte == 0 || is_plain(byte));
    // The last character may be cut.
    printable && std::str::from_utf8(&first).map_or_else(|error| error.error_len().is_none(), |_| true)
}

fn is_plain(byte: u8) -> bool {
    (0x20..0x7f).contains(&byte) || (9..=13).contains(&byte)
}

fn first_bytes(letters: &[u8], groups: usize) -> impl Iterator<Item = u8> {
    letters.chunks_exact(4).take(groups).flat_map(|group| {
        let joined = group.iter().fold(0, |joined, &byte| joined << 6 | value(byte).unwrap_or(0));
        let [_, decoded @ ..] = joined.to_be_bytes();
        decoded
    })
}

//! The encoding of `uuencode` (POSIX), with its first and last line.

use std::ops::Range;

use super::bytes::Bytes;
use super::scan::{Found, Scan, Word};
use super::{Codec, Loss, whole};

pub(super) static UU: Codec = Codec {
    name: "uuencode",
    about: "Lines of uuencode between \"begin\" and \"end\"",
    carries: "any text",
    loss: Loss::None,
    encode: |text| Some(encode(text)),
    decode: |text| read(text, body(text, 0)?).filter(|_| text.starts_with("begin "))?.into_view(text.len()),
    returns: whole,
};

fn encode(text: &str) -> String {
    let mut out = String::from("begin 644 text\n");
    for line in text.as_bytes().chunks(45) {
        out.push(sixth(line.len()));
        for group in line.chunks(3) {
            let joined = (0..3)
                .fold(0, |joined, place| joined << 8 | usize::from(group.get(place).copied().unwrap_or(0)));
            out.extend([18, 12, 6, 0].map(|shift| sixth(joined >> shift & 63)));
        }
        out.push('\n');
    }
    out.push_str("`\nend\n");
    out
}

fn sixth(value: usize) -> char {
    match u8::try_from(value) {
        Ok(value @ 1..=63) => char::from(value + 32),
        _ => '`',
    }
}

fn value(byte: u8) -> Option<u32> {
    matches!(byte, b' '..=b'`').then(|| u32::from(byte - b' ') & 63)
}

/// The lines after the first line `begin` at or after `from`.
fn body(text: &str, from: usize) -> Option<Range<usize>> {
    let begin = from + text.get(from..)?.find("begin ")?;
    let line = begin + text.get(begin..)?.find('\n')? + 1;
    Some(line..text.len())
}

/// The bytes of the lines in `range`, up to a line that is none.
fn read(text: &str, range: Range<usize>) -> Option<Bytes> {
    let mut bytes = Bytes::default();
    let mut start = range.start;
    for line in text.get(range)?.split_inclusive('\n') {
        let letters = line.trim_end_matches(['\n', '\r']);
        let length = letters.bytes().next().and_then(value)? as usize;
        let groups = letters.as_bytes().get(1..)?;
        if length == 0 || groups.len() < length.div_ceil(3) * 4 - 2 || length > 45 {
            break;
        }
        for (index, group) in groups.chunks(4).take(length.div_ceil(3)).enumerate() {
            let digit = |place: usize| group.get(place).map_or(Some(0), |&byte| value(byte));
            let joined = (0..4).try_fold(0_u32, |joined, place| Some(joined << 6 | digit(place)?))?;
            let [_, decoded @ ..] = joined.to_be_bytes();
            let from = start + 1 + index * 4;
            bytes.push(decoded.get(..(length - index * 3).min(3))?, from..from + group.len());
        }
        start += line.len();
    }
    Some(bytes)
}

/// Finds what follows a line that begins with `begin` and a mode.
pub(super) fn find(scan: &Scan<'_>, found: &mut Vec<Found>) {
    let begins = |word: &&Word| word.len() == 5 && scan.slice(word.range()) == "begin";
    for word in scan.words.iter().filter(begins) {
        let place = word.start;
        let mode =
            scan.bytes().get(place + 6..place + 9).is_some_and(|mode| mode.iter().all(u8::is_ascii_digit));
        let at_start = place == 0 || scan.bytes().get(place - 1) == Some(&b'\n');
        if !mode {
            continue;
        }
        let Some(lines) = body(scan.text, place) else { return };
        let Some(bytes) = read(scan.text, lines.clone()).filter(|bytes| bytes.len() > 0) else { continue };
        let Some(view) = bytes.into_lenient_view(scan.text.len()) else { continue };
        let end = view.origin(0..view.text().len()).end;
        found.push(Found {
            codec: &UU,
            view,
            span: place..end,
            confidence: if at_start { 0.95 } else { 0.8 },
        });
    }
}

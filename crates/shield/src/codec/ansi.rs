//! Control sequences of terminals (ECMA-48) around and between letters.

use std::ops::Range;

use super::scan::{Found, Scan};
use super::{Codec, Loss};
use crate::view::{View, ViewBuilder};

const BASE: Codec = Codec {
    name: "ansi-colours",
    about: "Letters each in a colour of the terminal",
    carries: "printable ASCII",
    loss: Loss::None,
    encode: |text| {
        Some(
            text.chars()
                .zip(COLOURED.iter().cycle())
                .map(|(c, colour)| format!("{colour}{c}\u{1b}[0m"))
                .collect(),
        )
    },
    decode: |text| Some(read(text, 0..text.len()).0),
    returns: printable,
};
pub(super) static COLOURS: Codec = BASE;
pub(super) static CONCEALED: Codec = Codec {
    name: "ansi-concealed",
    about: "Text that the terminal is told to conceal",
    encode: |text| Some(format!("\u{1b}[8m{text}\u{1b}[28m")),
    ..BASE
};
const COLOURED: [&str; 3] = ["\u{1b}[31m", "\u{1b}[32m", "\u{1b}[34m"];

fn printable(text: &str) -> Option<String> {
    text.bytes().all(|byte| (b' '..=b'~').contains(&byte)).then(|| text.to_owned())
}

/// How long the control sequence at the start of `text` is: `ESC [ parameters letter`, or `ESC ] words` up to BEL or
/// `ESC \`. At most 4,096 bytes.
fn sequence(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    match (bytes.first()?, bytes.get(1)?) {
        (0x1b, b'[') => {
            let end = bytes.iter().skip(2).take(64).position(|byte| (0x40..0x7f).contains(byte))?;
            Some(end + 3)
        }
        (0x1b, b']') => {
            let end = bytes.iter().skip(2).take(4094).position(|byte| matches!(byte, 7 | 0x1b))?;
            Some(
                end + 3
                    + usize::from(bytes.get(end + 2) == Some(&0x1b) && bytes.get(end + 3) == Some(&b'\\')),
            )
        }
        _ => None,
    }
}

/// The text of `range` without control sequences, and how many there were.
fn read(text: &str, range: Range<usize>) -> (View<'static>, usize) {
    let mut builder = ViewBuilder::default();
    let mut count = 0;
    let mut at = range.start;
    while at < range.end {
        let rest = text.get(at..range.end).unwrap_or_default();
        if let Some(length) = sequence(rest) {
            count += 1;
            at += length;
            continue;
        }
        let plain =
            rest.char_indices().skip(1).find(|(_, c)| *c == '\u{1b}').map_or(rest.len(), |(place, _)| place);
        builder.exact(rest.get(..plain).unwrap_or_default(), at);
        at += plain.max(1);
    }
    (builder.finish(text.len()), count)
}

/// Control sequences further apart than this many bytes are not looked at together.
const APART: usize = 256;

/// Finds stretches with control sequences: what they colour or conceal, and what they say beside what is shown.
pub(super) fn find(scan: &Scan<'_>, found: &mut Vec<Found>) {
    let mut escapes = scan.text.match_indices('\u{1b}').map(|(place, _)| place).peekable();
    while let Some(start) = escapes.next() {
        let mut end = start;
        let mut concealed = false;
        loop {
            let rest = scan.text.get(end..).unwrap_or_default();
            let length = sequence(rest).unwrap_or(1);
            concealed |= rest.starts_with("\u{1b}[8m");
            said_aside(scan, end, rest.get(..length).unwrap_or_default(), found);
            match escapes.next_if(|place| *place <= end + length + APART) {
                Some(next) => end = next,
                None => {
                    end += length;
                    break;
                }
            }
        }
        let end = scan.text.ceil_char_boundary(end.min(scan.text.len()));
        let (view, count) = read(scan.text, start..end);
        if count >= 1 && view.text().bytes().filter(u8::is_ascii_alphabetic).count() >= 3 {
            let (codec, confidence) = if concealed { (&CONCEALED, 0.95) } else { (&COLOURS, 0.6) };
            found.push(Found { codec, view, span: start..end, confidence });
        }
    }
}

/// The words of an `ESC ]` sequence: a title, or the address of a link.
fn said_aside(scan: &Scan<'_>, start: usize, sequence: &str, found: &mut Vec<Found>) {
    let Some(body) = sequence.strip_prefix("\u{1b}]") else { return };
    let words = body.trim_end_matches(['\u{7}', '\u{1b}', '\\']);
    if words.bytes().filter(u8::is_ascii_alphabetic).count() >= 8 {
        let mut builder = ViewBuilder::default();
        builder.exact(words, start + 2);
        let view = builder.finish(scan.text.len());
        found.push(Found { codec: &CONCEALED, view, span: start..start + sequence.len(), confidence: 0.8 });
    }
}

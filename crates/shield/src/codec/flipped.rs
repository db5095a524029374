//! Letters that look like others upside down, from the last to the first.

use std::ops::Range;

use super::escape::around;
use super::scan::{Found, Scan};
use super::{Codec, Loss};
use crate::view::english::score;
use crate::view::{View, ViewBuilder};

pub(super) static FLIPPED: Codec = Codec {
    name: "upside-down",
    about: "Letters that look like others upside down, from the last to the first",
    carries: "letters, spaces and some punctuation",
    loss: Loss::Case,
    encode: |text| text.chars().rev().map(|c| flip(c.to_ascii_lowercase())).collect(),
    decode: |text| read(text, 0, text.len()),
    returns: |text| {
        let known = text.chars().all(|c| flip(c.to_ascii_lowercase()).is_some());
        known.then(|| text.to_ascii_lowercase())
    },
};

const PAIRS: &[(char, char)] = &[
    ('a', '\u{250}'),
    ('b', 'q'),
    ('c', '\u{254}'),
    ('d', 'p'),
    ('e', '\u{1dd}'),
    ('f', '\u{25f}'),
    ('g', '\u{183}'),
    ('h', '\u{265}'),
    ('i', '\u{1d09}'),
    ('j', '\u{27e}'),
    ('k', '\u{29e}'),
    ('l', 'l'),
    ('m', '\u{26f}'),
    ('n', 'u'),
    ('o', 'o'),
    ('p', 'd'),
    ('q', 'b'),
    ('r', '\u{279}'),
    ('s', 's'),
    ('t', '\u{287}'),
    ('u', 'n'),
    ('v', '\u{28c}'),
    ('w', '\u{28d}'),
    ('x', 'x'),
    ('y', '\u{28e}'),
    ('z', 'z'),
    (' ', ' '),
    ('.', '\u{2d9}'),
    (',', '\''),
    ('\'', ','),
    ('?', '\u{bf}'),
    ('!', '\u{a1}'),
    ('_', '\u{203e}'),
    ('(', ')'),
    (')', '('),
    ('-', '-'),
];

fn flip(character: char) -> Option<char> {
    PAIRS.iter().find(|(plain, _)| *plain == character).map(|(_, flipped)| *flipped)
}

fn unflip(character: char) -> Option<char> {
    // Other letters that are used for some of them.
    let plain = match character {
        '\u{131}' => Some('i'),
        '\u{a781}' | '\u{5df}' => Some('l'),
        '\u{253}' => Some('g'),
        '\u{638}' => Some('j'),
        _ => None,
    };
    plain.or_else(|| PAIRS.iter().find(|(_, flipped)| *flipped == character).map(|(plain, _)| *plain))
}

/// Whether `character` is there for its looks upside down alone.
pub(super) fn is_mark(character: char) -> bool {
    let likely = matches!(character, '\u{183}' | '\u{1dd}' | '\u{250}'..='\u{2d9}' | '\u{1d09}');
    likely && PAIRS.iter().any(|(_, flipped)| *flipped == character)
}

/// `part`, which starts at `base`, the right way up; what is not flipped stays.
fn read(part: &str, base: usize, length: usize) -> Option<View<'static>> {
    let mut builder = ViewBuilder::with_capacity(part.len());
    for (place, character) in part.char_indices().rev() {
        let start = base + place;
        builder.character(unflip(character).unwrap_or(character), start..start + character.len_utf8());
    }
    Some(builder.finish(length))
}

/// Flipped letters further apart than this many bytes are not of one text.
const APART: usize = 24;

/// `span` with up to two words on either side that are of letters which look like letters upside down too.
fn with_neighbours(text: &str, span: Range<usize>) -> Range<usize> {
    let ours = |word: &str| {
        !word.is_empty() && word.len() <= 4 && word.bytes().all(|byte| b"bdlnopqsuxz".contains(&byte))
    };
    let (mut start, mut end) = (span.start, span.end);
    for _ in 0..2 {
        let before = text.get(..start).unwrap_or_default();
        if let Some(word) = before
            .strip_suffix(' ')
            .and_then(|rest| rest.rsplit(char::is_whitespace).next())
            .filter(|word| ours(word))
        {
            start -= word.len() + 1;
        }
        let after = text.get(end..).unwrap_or_default();
        if let Some(word) = after
            .strip_prefix(' ')
            .and_then(|rest| rest.split(char::is_whitespace).next())
            .filter(|word| ours(word))
        {
            end += word.len() + 1;
        }
    }
    start..end
}

/// Finds stretches with three and more flipped letters, with the words around them.
pub(super) fn find(scan: &Scan<'_>, found: &mut Vec<Found>) {
    let mut places = scan.text.char_indices().filter(|(_, c)| is_mark(*c)).peekable();
    while let Some((start, first)) = places.next() {
        let mut end = start + first.len_utf8();
        let mut count = 1;
        while let Some((place, next)) = places.next_if(|(place, _)| *place <= end + APART) {
            end = place + next.len_utf8();
            count += 1;
        }
        let span = with_neighbours(scan.text, around(scan.text, start..end));
        let part = scan.slice(span.clone());
        if count < 3 {
            continue;
        }
        let Some(view) = read(part, span.start, scan.text.len()) else { continue };
        // The letters are there for this alone; a name in the International Phonetic Alphabet is shorter or no English.
        if score(view.text()).bits() >= 0.3 {
            found.push(Found { codec: &FLIPPED, view, span, confidence: if count >= 8 { 0.9 } else { 0.6 } });
        }
    }
}

//! Braille without contractions (English, grade 1).

use super::scan::{Found, Scan};
use super::{Codec, Loss};
use crate::view::{View, ViewBuilder};

pub(super) static BRAILLE: Codec = Codec {
    name: "braille",
    about: "Braille cells, one for each letter",
    carries: "letters, digits, spaces and common punctuation",
    loss: Loss::Case,
    encode,
    decode: |text| read(text, 0, text.len()),
    returns: |text| {
        let small = text.to_ascii_lowercase();
        small.chars().all(|c| c.is_ascii_digit() || cell(c).is_some()).then_some(small)
    },
};

/// Dots of a cell, from U+2800 on, and its character.
const CELLS: &[(u8, char)] = &[
    (0x01, 'a'),
    (0x03, 'b'),
    (0x09, 'c'),
    (0x19, 'd'),
    (0x11, 'e'),
    (0x0b, 'f'),
    (0x1b, 'g'),
    (0x13, 'h'),
    (0x0a, 'i'),
    (0x1a, 'j'),
    (0x05, 'k'),
    (0x07, 'l'),
    (0x0d, 'm'),
    (0x1d, 'n'),
    (0x15, 'o'),
    (0x0f, 'p'),
    (0x1f, 'q'),
    (0x17, 'r'),
    (0x0e, 's'),
    (0x1e, 't'),
    (0x25, 'u'),
    (0x27, 'v'),
    (0x3a, 'w'),
    (0x2d, 'x'),
    (0x3d, 'y'),
    (0x35, 'z'),
    (0x00, ' '),
    (0x02, ','),
    (0x06, ';'),
    (0x12, ':'),
    (0x32, '.'),
    (0x16, '!'),
    (0x26, '?'),
    (0x04, '\''),
    (0x24, '-'),
];
/// Stands before each digit.
const NUMBER: u8 = 0x3c;
/// Stands before capitals.
const CAPITAL: u8 = 0x20;

fn cell(character: char) -> Option<u8> {
    CELLS.iter().find(|(_, known)| *known == character).map(|(dots, _)| *dots)
}

fn shown(dots: u8) -> char {
    char::from_u32(0x2800 + u32::from(dots)).unwrap_or('\u{2800}')
}

fn dots(character: char) -> Option<u8> {
    u32::from(character).checked_sub(0x2800).and_then(|dots| u8::try_from(dots).ok())
}

fn encode(text: &str) -> Option<String> {
    let mut out = String::new();
    for character in text.chars() {
        let small = character.to_ascii_lowercase();
        let Some(digit) = small.to_digit(10) else {
            out.push(shown(cell(small)?));
            continue;
        };
        // The letters a to j are the digits 1 to 9 and 0.
        let letter = char::from_u32(u32::from('a') + (digit + 9) % 10)?;
        out.extend([shown(NUMBER), shown(cell(letter)?)]);
    }
    Some(out)
}

fn read(text: &str, base: usize, length: usize) -> Option<View<'static>> {
    let mut builder = ViewBuilder::default();
    let mut number = None;
    for (place, character) in text.char_indices() {
        let start = base + place;
        let end = start + character.len_utf8();
        match dots(character) {
            Some(NUMBER) => number = Some(start),
            Some(CAPITAL) => {}
            Some(dots) => {
                let letter = CELLS.iter().find(|(known, _)| *known == dots)?.1;
                let digit = number.take().map(|from| (from, digit_of(letter)));
                match digit {
                    Some((from, digit)) => builder.character(digit?, from..end),
                    None => builder.character(letter, start..end),
                }
            }
            None if character.is_whitespace() => builder.character(character, start..end),
            None => return None,
        }
    }
    Some(builder.finish(length))
}

fn digit_of(letter: char) -> Option<char> {
    let place = u32::from(letter).checked_sub(u32::from('a')).filter(|place| *place < 10)?;
    char::from_digit((place + 1) % 10, 10)
}

/// Finds runs of Braille cells, with white space between them too.
pub(super) fn find(scan: &Scan<'_>, found: &mut Vec<Found>) {
    let mut start = None;
    let mut end = 0;
    for (place, character) in scan.text.char_indices().chain([(scan.text.len(), '.')]) {
        if dots(character).is_some() {
            start = start.or(Some(place));
            end = place + character.len_utf8();
        } else if !character.is_whitespace()
            && let Some(from) = start.take()
            && let Some(view) = read(scan.slice(from..end), from, scan.text.len())
        {
            found.extend(Found::spelled(&BRAILLE, view, from..end, 3));
        }
    }
}

//! Letters in another style: each has a character of its own in Unicode that looks like it.

use super::escape::around;
use super::scan::{Found, Scan};
use super::{Codec, Loss};
use crate::view::confusables::{Likeness, is_letter, looks_like, regional_letter};
use crate::view::{Options, View, ViewBuilder, WhiteSpace, normalise_with};

const BASE: Codec = Codec {
    name: "full-width",
    about: "Full-width forms, as in East Asian text",
    carries: "printable ASCII",
    loss: Loss::None,
    encode: |text| Some(text.chars().map(full_width).collect()),
    decode: plain,
    returns: printable,
};
pub(super) static FULL_WIDTH: Codec = BASE;
pub(super) static BOLD: Codec = Codec {
    name: "math-bold",
    about: "Mathematical bold letters and digits",
    encode: |text| Some(styled(text, 0x1d400, 0x1d41a, 0x1d7ce)),
    ..BASE
};
pub(super) static SCRIPT: Codec = Codec {
    name: "math-script",
    about: "Mathematical bold script letters",
    encode: |text| Some(styled(text, 0x1d4d0, 0x1d4ea, 0)),
    ..BASE
};
pub(super) static FRAKTUR: Codec = Codec {
    name: "math-fraktur",
    about: "Mathematical bold Fraktur letters",
    encode: |text| Some(styled(text, 0x1d56c, 0x1d586, 0)),
    ..BASE
};
pub(super) static SANS: Codec = Codec {
    name: "math-sans",
    about: "Mathematical sans-serif letters and digits",
    encode: |text| Some(styled(text, 0x1d5a0, 0x1d5ba, 0x1d7e2)),
    ..BASE
};
pub(super) static MONOSPACE: Codec = Codec {
    name: "math-monospace",
    about: "Mathematical monospace letters and digits",
    encode: |text| Some(styled(text, 0x1d670, 0x1d68a, 0x1d7f6)),
    ..BASE
};
pub(super) static CIRCLED: Codec = Codec {
    name: "circled",
    about: "Letters in circles",
    encode: |text| Some(styled(text, 0x24b6, 0x24d0, 0)),
    ..BASE
};
pub(super) static PARENTHESISED: Codec = Codec {
    name: "parenthesised",
    about: "Letters in parentheses that are one character with them",
    encode: |text| Some(styled(text, 0x1f110, 0x249c, 0)),
    ..BASE
};
pub(super) static SQUARED: Codec = Codec {
    name: "squared",
    about: "Capitals in squares",
    loss: Loss::Case,
    encode: |text| Some(styled(text, 0x1f130, 0x1f130, 0)),
    returns: |text| printable(text).map(|text| text.to_ascii_uppercase()),
    ..BASE
};
pub(super) static NEGATIVE_SQUARED: Codec = Codec {
    name: "negative-squared",
    about: "White capitals in black squares",
    encode: |text| Some(styled(text, 0x1f170, 0x1f170, 0)),
    ..UPPER
};
pub(super) static REGIONAL: Codec = Codec {
    name: "regional-indicators",
    about: "Regional indicators, which in pairs are shown as flags",
    encode: |text| Some(styled(text, 0x1f1e6, 0x1f1e6, 0)),
    decode: |text| Some(letters(text, 0, text.len())),
    ..UPPER
};
pub(super) static SUPERSCRIPT: Codec = Codec {
    name: "superscript",
    about: "Raised letters and digits",
    encode: |text| Some(text.chars().map(|c| listed(SUPERSCRIPTS, c.to_ascii_lowercase())).collect()),
    ..LOWER
};
pub(super) static SMALL_CAPITALS: Codec = Codec {
    name: "small-capitals",
    about: "Small capitals",
    encode: |text| Some(text.chars().map(|c| listed(CAPITALS, c.to_ascii_lowercase())).collect()),
    ..LOWER
};
pub(super) static CONFUSABLES: Codec = Codec {
    name: "confusables",
    about: "Cyrillic letters in place of the Latin ones that they look like",
    encode: |text| Some(text.chars().map(|c| listed(CYRILLIC, c)).collect()),
    ..BASE
};
const UPPER: Codec =
    Codec { loss: Loss::Case, returns: |text| printable(text).map(|text| text.to_ascii_uppercase()), ..BASE };
const LOWER: Codec =
    Codec { loss: Loss::Case, returns: |text| printable(text).map(|text| text.to_ascii_lowercase()), ..BASE };

static SUPERSCRIPTS: &[(char, char)] = &[
    ('a', '\u{1d43}'),
    ('b', '\u{1d47}'),
    ('c', '\u{1d9c}'),
    ('d', '\u{1d48}'),
    ('e', '\u{1d49}'),
    ('f', '\u{1da0}'),
    ('g', '\u{1d4d}'),
    ('h', '\u{2b0}'),
    ('i', '\u{2071}'),
    ('j', '\u{2b2}'),
    ('k', '\u{1d4f}'),
    ('l', '\u{2e1}'),
    ('m', '\u{1d50}'),
    ('n', '\u{207f}'),
    ('o', '\u{1d52}'),
    ('p', '\u{1d56}'),
    ('r', '\u{2b3}'),
    ('s', '\u{2e2}'),
    ('t', '\u{1d57}'),
    ('u', '\u{1d58}'),
    ('v', '\u{1d5b}'),
    ('w', '\u{2b7}'),
    ('x', '\u{2e3}'),
    ('y', '\u{2b8}'),
    ('z', '\u{1dbb}'),
    ('0', '\u{2070}'),
    ('1', '\u{b9}'),
    ('2', '\u{b2}'),
    ('3', '\u{b3}'),
    ('4', '\u{2074}'),
    ('5', '\u{2075}'),
    ('6', '\u{2076}'),
    ('7', '\u{2077}'),
    ('8', '\u{2078}'),
    ('9', '\u{2079}'),
];
static CAPITALS: &[(char, char)] = &[
    ('a', '\u{1d00}'),
    ('b', '\u{299}'),
    ('c', '\u{1d04}'),
    ('d', '\u{1d05}'),
    ('e', '\u{1d07}'),
    ('f', '\u{a730}'),
    ('g', '\u{262}'),
    ('h', '\u{29c}'),
    ('i', '\u{26a}'),
    ('j', '\u{1d0a}'),
    ('k', '\u{1d0b}'),
    ('l', '\u{29f}'),
    ('m', '\u{1d0d}'),
    ('n', '\u{274}'),
    ('o', '\u{1d0f}'),
    ('p', '\u{1d18}'),
    ('q', '\u{a7af}'),
    ('r', '\u{280}'),
    ('s', '\u{a731}'),
    ('t', '\u{1d1b}'),
    ('u', '\u{1d1c}'),
    ('v', '\u{1d20}'),
    ('w', '\u{1d21}'),
    ('y', '\u{28f}'),
    ('z', '\u{1d22}'),
];
static CYRILLIC: &[(char, char)] = &[
    ('a', '\u{430}'),
    ('c', '\u{441}'),
    ('d', '\u{501}'),
    ('e', '\u{435}'),
    ('h', '\u{4bb}'),
    ('i', '\u{456}'),
    ('j', '\u{458}'),
    ('o', '\u{43e}'),
    ('p', '\u{440}'),
    ('q', '\u{51b}'),
    ('s', '\u{455}'),
    ('w', '\u{51d}'),
    ('x', '\u{445}'),
    ('y', '\u{443}'),
    ('A', '\u{410}'),
    ('B', '\u{412}'),
    ('C', '\u{421}'),
    ('E', '\u{415}'),
    ('H', '\u{41d}'),
    ('I', '\u{406}'),
    ('J', '\u{408}'),
    ('K', '\u{41a}'),
    ('M', '\u{41c}'),
    ('O', '\u{41e}'),
    ('P', '\u{420}'),
    ('S', '\u{405}'),
    ('T', '\u{422}'),
    ('X', '\u{425}'),
];

fn printable(text: &str) -> Option<String> {
    text.bytes().all(|byte| (b' '..=b'~').contains(&byte)).then(|| text.to_owned())
}

fn full_width(character: char) -> char {
    match character {
        ' ' => '\u{3000}',
        _ => char::from_u32(u32::from(character) + 0xfee0)
            .filter(|_| character.is_ascii_graphic())
            .unwrap_or(character),
    }
}

/// `text` with capitals counted from `capital` on, small letters from `small`, and digits from `zero` unless that is 0.
fn styled(text: &str, capital: u32, small: u32, zero: u32) -> String {
    let one = |character: char| match character {
        'A'..='Z' => capital + (u32::from(character) - u32::from('A')),
        'a'..='z' => small + (u32::from(character) - u32::from('a')),
        '0'..='9' if zero > 0 => zero + (u32::from(character) - u32::from('0')),
        _ => u32::from(character),
    };
    text.chars().filter_map(|character| char::from_u32(one(character))).collect()
}

fn listed(table: &[(char, char)], character: char) -> char {
    table.iter().find(|(plain, _)| *plain == character).map_or(character, |(_, styled)| *styled)
}

fn plain(text: &str) -> Option<View<'static>> {
    let options = Options { fold_case: false, white_space: WhiteSpace::Keep };
    Some(normalise_with(text, &options).into_owned())
}

/// `part`, which starts at `base`, with the letters of regional indicators.
fn letters(part: &str, base: usize, length: usize) -> View<'static> {
    let mut builder = ViewBuilder::with_capacity(part.len());
    for (place, character) in part.char_indices() {
        let origin = base + place..base + place + character.len_utf8();
        match regional_letter(character) {
            Some(letter) => builder.character(letter, origin),
            None => builder.exact(character.encode_utf8(&mut [0; 4]), origin.start),
        }
    }
    builder.finish(length)
}

/// The codec that `character` is of, if it is a styled letter.
fn style_of(character: char) -> Option<&'static Codec> {
    Some(match character {
        '\u{ff01}'..='\u{ff5e}' => &FULL_WIDTH,
        '\u{1d400}'..='\u{1d433}' | '\u{1d7ce}'..='\u{1d7d7}' => &BOLD,
        '\u{1d434}'..='\u{1d4cf}' | '\u{1d4d0}'..='\u{1d503}' => &SCRIPT,
        '\u{1d504}'..='\u{1d59f}' => &FRAKTUR,
        '\u{1d5a0}'..='\u{1d66f}' | '\u{1d7d8}'..='\u{1d7f5}' => &SANS,
        '\u{1d670}'..='\u{1d6a3}' | '\u{1d7f6}'..='\u{1d7ff}' => &MONOSPACE,
        '\u{249c}'..='\u{24b5}' => &PARENTHESISED,
        '\u{2460}'..='\u{24ff}' | '\u{1f150}'..='\u{1f169}' => &CIRCLED,
        '\u{1f110}'..='\u{1f129}' => &PARENTHESISED,
        '\u{1f130}'..='\u{1f149}' => &SQUARED,
        '\u{1f170}'..='\u{1f189}' => &NEGATIVE_SQUARED,
        '\u{1f1e6}'..='\u{1f1ff}' => &REGIONAL,
        '\u{2070}'..='\u{209c}' | '\u{1d2c}'..='\u{1d6a}' | '\u{1d9b}'..='\u{1dbf}' => &SUPERSCRIPT,
        '\u{2b0}'..='\u{2b8}' | '\u{2e0}'..='\u{2e4}' => &SUPERSCRIPT,
        '\u{250}'..='\u{2af}' | '\u{1d00}'..='\u{1d22}' | '\u{a730}'..='\u{a7af}'
            if CAPITALS.iter().any(|(_, capital)| *capital == character) =>
        {
            &SMALL_CAPITALS
        }
        '\u{370}'..='\u{1fff}'
            if matches!(looks_like(character), Some((_, Likeness::Always | Likeness::Strong))) =>
        {
            &CONFUSABLES
        }
        _ => return None,
    })
}

/// Whether `character` is a styled letter.
pub(super) fn is_styled(character: char) -> bool {
    style_of(character).is_some()
}

/// Whether more than three in ten letters of `part` look like none of ASCII: it is of another script, not in disguise.
fn is_foreign(part: &str) -> bool {
    let letters = || part.chars().filter(|&character| is_letter(character));
    let others = letters().filter(|&character| !character.is_ascii() && style_of(character).is_none());
    others.count() * 10 > letters().count() * 3
}

/// Styled letters further apart than this many bytes are not of one stretch.
const APART: usize = 12;
/// The fewest styled letters that are a stretch.
const FEWEST: usize = 4;

/// Finds stretches of styled letters, with the words around them. They are in the normalised view too; a stretch says
/// that, and where, a text was written so.
pub(super) fn find(scan: &Scan<'_>, found: &mut Vec<Found>) {
    let mut places =
        scan.text.char_indices().filter_map(|(place, c)| Some((place, c, style_of(c)?))).peekable();
    while let Some((start, first, codec)) = places.next() {
        let mut end = start + first.len_utf8();
        let mut count = 1;
        while let Some((place, next, _)) = places.next_if(|(place, ..)| *place <= end + APART) {
            end = place + next.len_utf8();
            count += 1;
        }
        let span = around(scan.text, start..end);
        let part = scan.slice(span.clone());
        if count < FEWEST || is_foreign(part) {
            continue;
        }
        let regional = letters(part, span.start, scan.text.len());
        let Some(view) = plain(regional.text()).map(|view| view.through(regional.map())) else { continue };
        let ascii = view.text().bytes().filter(u8::is_ascii_alphabetic).count();
        if ascii * 10 >= view.text().chars().filter(|c| c.is_alphabetic()).count() * 8 {
            found.push(Found { codec, view, span, confidence: 0.8 });
        }
    }
}

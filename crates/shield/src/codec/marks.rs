//! Characters put on and between letters that change nothing: combining marks, accents, tatweel, zero-width spaces.

use super::{Codec, Loss};
use crate::view::{Options, View, WhiteSpace, normalise_with};

const BASE: Codec = Codec {
    name: "zalgo",
    about: "Letters under heaps of combining marks",
    carries: "printable ASCII",
    loss: Loss::None,
    encode: |text| {
        Some(after_letters(text, |index| HEAPS.get(index % HEAPS.len()).copied().unwrap_or_default()))
    },
    decode: plain,
    returns: |text| text.bytes().all(|byte| (b' '..=b'~').contains(&byte)).then(|| text.to_owned()),
};
pub(super) static ZALGO: Codec = BASE;
pub(super) static DIACRITICS: Codec = Codec {
    name: "diacritics",
    about: "Letters with accents",
    encode: |text| Some(text.chars().map(accented).collect()),
    ..BASE
};
pub(super) static TATWEEL: Codec = Codec {
    name: "tatweel",
    about: "The Arabic stretching sign behind each letter",
    encode: |text| Some(after_letters(text, |_| "\u{640}")),
    ..BASE
};
pub(super) static ZERO_WIDTH: Codec = Codec {
    name: "zero-width-between",
    about: "A zero-width space behind each letter",
    encode: |text| Some(after_letters(text, |_| "\u{200b}")),
    ..BASE
};
pub(super) static SOFT_HYPHENS: Codec = Codec {
    name: "soft-hyphens",
    about: "A soft hyphen behind each letter",
    encode: |text| Some(after_letters(text, |_| "\u{ad}")),
    ..BASE
};

const HEAPS: &[&str] =
    &["\u{315}\u{31b}\u{340}", "\u{321}\u{334}", "\u{489}\u{35c}\u{361}\u{327}", "\u{300}\u{336}"];

fn after_letters(text: &str, put: impl Fn(usize) -> &'static str) -> String {
    let mut out = String::with_capacity(text.len() * 4);
    for (index, character) in text.chars().enumerate() {
        out.push(character);
        if character.is_ascii_alphanumeric() {
            out.push_str(put(index));
        }
    }
    out
}

fn accented(character: char) -> char {
    let pairs = [
        ('a', '\u{e4}'),
        ('c', '\u{e7}'),
        ('e', '\u{ea}'),
        ('g', '\u{11f}'),
        ('i', '\u{ed}'),
        ('n', '\u{f1}'),
        ('o', '\u{f6}'),
        ('r', '\u{159}'),
        ('s', '\u{161}'),
        ('t', '\u{163}'),
        ('u', '\u{fb}'),
        ('y', '\u{fd}'),
        ('z', '\u{17e}'),
        ('A', '\u{c4}'),
        ('E', '\u{ca}'),
        ('I', '\u{cd}'),
        ('O', '\u{d6}'),
        ('U', '\u{db}'),
    ];
    pairs.iter().find(|(plain, _)| *plain == character).map_or(character, |(_, accented)| *accented)
}

/// All of these are taken off by normalisation, so that the normalised view is where they are found.
fn plain(text: &str) -> Option<View<'static>> {
    let options = Options { fold_case: false, white_space: WhiteSpace::Keep };
    Some(normalise_with(text, &options).into_owned())
}

//! Text back to front: as a whole, or each word for itself.

use super::{Codec, Loss, whole};
use crate::view::{View, ViewBuilder};

pub(super) static REVERSED: Codec = Codec {
    name: "reversed",
    about: "All characters from the last to the first",
    carries: "any text",
    loss: Loss::None,
    encode: |text| Some(text.chars().rev().collect()),
    decode: |text| Some(reversed(text, 0, text.len())),
    returns: whole,
};
pub(super) static WORDS: Codec = Codec {
    name: "reversed-letters",
    about: "The letters of each word from the last to the first",
    carries: "any text",
    loss: Loss::None,
    encode: |text| Some(reversed_words(text, 0, text.len()).text().to_owned()),
    decode: |text| Some(reversed_words(text, 0, text.len())),
    returns: whole,
};
pub(super) static ORDER: Codec = Codec {
    name: "reversed-words",
    about: "The words from the last to the first, each as it is",
    carries: "any text",
    loss: Loss::None,
    encode: |text| Some(reversed_order(text, 0, text.len()).text().to_owned()),
    decode: |text| Some(reversed_order(text, 0, text.len())),
    returns: whole,
};

/// A text with its words from the last to the first.
pub(crate) fn turned_order(text: &str) -> View<'static> {
    reversed_order(text, 0, text.len())
}

/// `part`, which starts at `base` of an origin of `length` bytes, back to front.
pub(super) fn reversed(part: &str, base: usize, length: usize) -> View<'static> {
    let mut builder = ViewBuilder::with_capacity(part.len());
    for (place, character) in part.char_indices().rev() {
        builder.character(character, base + place..base + place + character.len_utf8());
    }
    builder.finish(length)
}

/// As [`reversed`], each word for itself; white space stays where it is.
pub(super) fn reversed_words(part: &str, base: usize, length: usize) -> View<'static> {
    let mut builder = ViewBuilder::with_capacity(part.len());
    let mut start = 0;
    for word in part.split_inclusive(char::is_whitespace) {
        let letters = word.trim_end_matches(char::is_whitespace);
        for (place, character) in letters.char_indices().rev() {
            let from = base + start + place;
            builder.character(character, from..from + character.len_utf8());
        }
        builder.exact(word.get(letters.len()..).unwrap_or_default(), base + start + letters.len());
        start += word.len();
    }
    builder.finish(length)
}

/// As [`reversed`], by words: runs of white space and of all else change places.
pub(super) fn reversed_order(part: &str, base: usize, length: usize) -> View<'static> {
    let mut runs = Vec::new();
    let mut start = 0;
    for (place, character) in part.char_indices() {
        let before = part.get(start..place).unwrap_or_default();
        if before.chars().next().is_some_and(|first| first.is_whitespace() != character.is_whitespace()) {
            runs.push((start, before));
            start = place;
        }
    }
    runs.push((start, part.get(start..).unwrap_or_default()));
    let mut builder = ViewBuilder::with_capacity(part.len());
    for (place, run) in runs.into_iter().rev() {
        builder.exact(run, base + place);
    }
    builder.finish(length)
}

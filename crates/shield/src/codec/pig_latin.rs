//! Pig Latin: what stands before the first vowel of a word goes to its end, and "ay" is put behind it.

use super::scan::{Found, Scan, Word, confidence_of_letters};
use super::{Codec, Loss};
use crate::view::english::{Score, score};
use crate::view::{View, ViewBuilder};

pub(super) static PIG_LATIN: Codec = Codec {
    name: "pig-latin",
    about: "Pig Latin: the consonants before the first vowel go to the end, and \"ay\" behind them",
    carries: "words in small letters with single spaces, where it can be told how many consonants came from the front",
    loss: Loss::None,
    encode: |text| Some(encode(text)),
    decode: |text| Some(read(text, 0, text.len())),
    returns: |text| {
        let plain = text
            .split(' ')
            .all(|word| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase()));
        (plain && read(&encode(text), 0, 0).text() == text).then(|| text.to_owned())
    },
};

fn is_vowel(byte: u8) -> bool {
    matches!(byte.to_ascii_lowercase(), b'a' | b'e' | b'i' | b'o' | b'u')
}

fn encode(text: &str) -> String {
    text.split(' ').map(encode_word).collect::<Vec<_>>().join(" ")
}

fn encode_word(word: &str) -> String {
    let vowel = |(place, byte): (usize, u8)| is_vowel(byte) || (place > 0 && byte == b'y');
    match word.bytes().enumerate().position(vowel) {
        Some(0) => format!("{word}yay"),
        Some(place) => {
            // What follows q is of one sound with it.
            let place = if word.get(place - 1..=place) == Some("qu") { place + 1 } else { place };
            let (front, rest) = word.split_at(place.min(word.len()));
            format!("{rest}{front}ay")
        }
        None => format!("{word}ay"),
    }
}

/// The longest group of consonants that a word begins with, as in "scheme" or "squ".
const FRONT: usize = 4;

/// Bits a letter in favour of a word that began with a vowel, since few begin with w or y.
const VOWEL_FIRST: f32 = 0.4;

/// The word that `word` stands for: which of its bytes come first, and where it ends. Of all that it could be, the most
/// English.
fn split_of(word: &str) -> Option<(usize, usize)> {
    let small = word.to_ascii_lowercase();
    let body = small
        .strip_suffix("ay")
        .filter(|body| !body.is_empty() && body.bytes().all(|byte| byte.is_ascii_lowercase()))?;
    let unmarked = body.strip_suffix(['w', 'y']).filter(|rest| rest.bytes().next().is_some_and(is_vowel));
    let bits = |told: &str| score(told).bits();
    let vowel_first = unmarked.map(|rest| (bits(rest) + VOWEL_FIRST, 0, rest.len()));
    let no_vowel = (!body.bytes().any(is_vowel)).then(|| (bits(body), 0, body.len()));
    let turned = (1..=FRONT.min(body.len() - 1)).filter_map(|front| {
        let place = body.len() - front;
        let told = format!("{}{}", body.get(place..)?, body.get(..place)?);
        (encode_word(&told) == small).then(|| (bits(&told), place, body.len()))
    });
    let all = turned.chain(vowel_first).chain(no_vowel);
    all.max_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, place, end)| (place, end))
}

/// `part`, which starts at `base`, with its words put right; others stay.
fn read(part: &str, base: usize, length: usize) -> View<'static> {
    let mut builder = ViewBuilder::with_capacity(part.len());
    let mut start = base;
    for piece in part.split_inclusive(|c: char| !c.is_ascii_alphabetic()) {
        let word = piece.trim_end_matches(|c: char| !c.is_ascii_alphabetic());
        if let Some((place, end)) = split_of(word) {
            builder.exact(word.get(place..end).unwrap_or_default(), start + place);
            builder.exact(word.get(..place).unwrap_or_default(), start);
        } else {
            builder.exact(word, start);
        }
        builder.exact(piece.get(word.len()..).unwrap_or_default(), start + word.len());
        start += piece.len();
    }
    builder.finish(length)
}

/// The longest word that is looked at.
const LONGEST: usize = 32;

/// Finds three and more words in a row that end in "ay" and read as English once they are put right.
pub(super) fn find(scan: &Scan<'_>, found: &mut Vec<Found>) {
    let ends = |word: &Word| {
        let bytes = scan.bytes().get(word.range()).unwrap_or_default();
        let could_end =
            bytes.last().is_some_and(|last| !last.is_ascii_alphanumeric() || matches!(last, b'y' | b'Y'));
        if !could_end || !(3..=LONGEST).contains(&word.len()) {
            return false;
        }
        let marks = bytes.iter().rev().take_while(|byte| !byte.is_ascii_alphabetic()).count();
        let letters = bytes.get(..bytes.len() - marks).unwrap_or_default();
        letters.last_chunk::<2>().is_some_and(|end| end.eq_ignore_ascii_case(b"ay"))
    };
    for (row, span) in scan.rows(3, ends) {
        let view = read(scan.slice(span.clone()), span.start, scan.text.len());
        if confidence_of_letters(Score::default(), score(view.text())).is_some() {
            found.push(Found {
                codec: &PIG_LATIN,
                view,
                span,
                confidence: if row.len() >= 5 { 0.9 } else { 0.7 },
            });
        }
    }
}

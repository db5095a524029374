//! Letters with something between them: spaces, punctuation, emoji.

use std::ops::Range;

use super::scan::{Found, Scan, distinct_letters, kind};
use super::{Codec, Loss};
use crate::view::english::score;
use crate::view::{View, ViewBuilder};

const BASE: Codec = Codec {
    name: "spaced",
    about: "Letters with a space between, words with three",
    carries: "words of ASCII letters and digits with single spaces",
    loss: Loss::None,
    encode: |text| Some(encode(text, " ", "   ")),
    decode: |text| Some(read(text, &letters_of(text, 0..text.len()), " ")),
    returns: plain_words,
};
pub(super) static SPACED: Codec = BASE;
pub(super) static DOTTED: Codec = Codec {
    name: "dotted",
    about: "Letters with a full stop between",
    encode: |text| Some(encode(text, ".", " ")),
    decode: |text| Some(read(text, &letters_of(text, 0..text.len()), ".")),
    ..BASE
};
pub(super) static DASHED: Codec = Codec {
    name: "dashed",
    about: "Letters with a hyphen between",
    encode: |text| Some(encode(text, "-", " ")),
    decode: |text| Some(read(text, &letters_of(text, 0..text.len()), "-")),
    ..BASE
};
pub(super) static EMOJI: Codec = Codec {
    name: "emoji-between",
    about: "Letters with an emoji between",
    encode: |text| Some(encode(text, "\u{1f525}", " ")),
    decode: |text| Some(read(text, &letters_of(text, 0..text.len()), "\u{1f525}")),
    ..BASE
};

fn plain_words(text: &str) -> Option<String> {
    let plain = |word: &str| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_alphanumeric());
    text.split(' ').all(plain).then(|| text.to_owned())
}

fn encode(text: &str, letter: &str, word: &str) -> String {
    let spread = |word: &str| word.chars().map(String::from).collect::<Vec<_>>().join(letter);
    text.split(' ').map(spread).collect::<Vec<_>>().join(word)
}

/// Places of the letters and digits in `range`.
fn letters_of(text: &str, range: Range<usize>) -> Vec<usize> {
    let bytes = text.as_bytes().iter().enumerate().skip(range.start).take(range.len());
    bytes.filter(|(_, byte)| byte.is_ascii_alphanumeric()).map(|(place, _)| place).collect()
}

/// The letters at `places`: what is between two of them is the end of a word unless it is `between`.
fn read(text: &str, places: &[usize], between: &str) -> View<'static> {
    let mut builder = ViewBuilder::default();
    let mut end = None;
    for &place in places {
        if let Some(end) = end.filter(|&end| text.get(end..place) != Some(between)) {
            builder.block(" ", end..place);
        }
        builder.exact(text.get(place..place + 1).unwrap_or_default(), place);
        end = Some(place + 1);
    }
    builder.finish(text.len())
}

/// The most bytes between two letters: an emoji, or spaces around a sign.
const GAP: usize = 9;
/// The fewest letters that are looked at.
const FEWEST: usize = 5;

/// Finds five and more letters each of which stands alone.
pub(super) fn find(scan: &Scan<'_>, found: &mut Vec<Found>) {
    let alone = |place: usize| {
        let is_letter = |place: Option<usize>| {
            place.and_then(|p| scan.bytes().get(p)).is_some_and(u8::is_ascii_alphanumeric)
        };
        !is_letter(place.checked_sub(1)) && !is_letter(Some(place + 1))
    };
    let mut run: Vec<usize> = Vec::new();
    for word in &scan.words {
        let marks = word.len() - word.score.letters as usize;
        let spread = word.len() == 1 || marks + 1 >= word.score.letters as usize && word.has(!kind::DIGIT);
        if !spread {
            continue;
        }
        for place in letters_of(scan.text, word.range()) {
            let joins = run.last().is_some_and(|last| place - last <= GAP + 1);
            if !alone(place) || !joins {
                end(scan, &run, found);
                run.clear();
            }
            if alone(place) {
                run.push(place);
            }
        }
    }
    end(scan, &run, found);
}

fn end(scan: &Scan<'_>, run: &[usize], found: &mut Vec<Found>) {
    let (Some(&first), Some(&last)) = (run.first(), run.last()) else { return };
    if run.len() < FEWEST {
        return;
    }
    let Some((between, words_apart)) = separator(scan, run) else { return };
    let view = read(scan.text, run, between);
    let score = score(view.text());
    let enough = score.letters as usize * 10 >= run.len() * 7 && distinct_letters(view.text()) >= 4;
    if score.bits() < 0.4 || !enough {
        return;
    }
    let codec = match between {
        " " => &SPACED,
        "." => &DOTTED,
        "-" => &DASHED,
        _ if between.is_ascii() => &DOTTED,
        _ => &EMOJI,
    };
    let confidence = if words_apart || run.len() >= 10 { 0.9 } else { 0.7 };
    found.push(Found { codec, view, span: first..last + 1, confidence });
}

/// What stands most often between two of the letters, and whether anything else does.
fn separator<'a>(scan: &Scan<'a>, run: &[usize]) -> Option<(&'a str, bool)> {
    let gaps = || run.windows(2).filter_map(|pair| scan.text.get(pair.first()? + 1..*pair.last()?));
    let mut kinds: Vec<(&str, usize)> = Vec::new();
    for gap in gaps() {
        // Random marks between letters would make this quadratic; a text for readers has few kinds.
        let is_room = kinds.len() < 16;
        match kinds.iter_mut().find(|(known, _)| *known == gap) {
            Some((_, count)) => *count += 1,
            None if is_room => kinds.push((gap, 1)),
            None => {}
        }
    }
    let (most, count) = kinds.iter().max_by_key(|(_, count)| *count)?;
    (count * 2 >= run.len() - 1).then_some((*most, kinds.len() > 1))
}

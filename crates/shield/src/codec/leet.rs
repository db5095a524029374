//! Leet: digits and signs in place of letters that they resemble.

use std::ops::Range;

use super::scan::{Found, Scan, Word, kind};
use super::{Codec, Loss};
use crate::view::english::{Score, score};
use crate::view::{View, ViewBuilder};

pub(super) static LEET: Codec = Codec {
    name: "leet",
    about: "Digits in place of letters that they resemble: 4, 3, 1, 0, 5, 7",
    carries: "ASCII without signs that stand for letters; letters that become digits, and digits, come back as small letters",
    loss: Loss::Form,
    encode: |text| Some(text.chars().map(encoded).collect()),
    decode: |text| Some(read(text, 0..text.len(), text.len(), 'i')),
    returns: |text| {
        let carried = |c: char| c.is_ascii() && (c.is_ascii_digit() || letter(c, 'i').is_none());
        let back = |c: char| letter(encoded(c), 'i').unwrap_or(c);
        text.chars().all(carried).then(|| text.chars().map(back).collect())
    },
};

fn encoded(character: char) -> char {
    match character.to_ascii_lowercase() {
        'a' => '4',
        'e' => '3',
        'i' => '1',
        'o' => '0',
        's' => '5',
        't' => '7',
        _ => character,
    }
}

/// The letter that `character` resembles; `stroke` is that of 1 and of a vertical line, which can be two letters.
fn letter(character: char, stroke: char) -> Option<char> {
    Some(match character {
        '0' => 'o',
        '1' | '|' | '!' => stroke,
        '2' => 'z',
        '3' => 'e',
        '4' | '@' => 'a',
        '5' | '$' => 's',
        '6' | '9' => 'g',
        '7' | '+' => 't',
        '8' => 'b',
        _ => return None,
    })
}

fn read(text: &str, range: Range<usize>, length: usize, stroke: char) -> View<'static> {
    let part = text.get(range.clone()).unwrap_or_default();
    let mut builder = ViewBuilder::default();
    builder.exact(&part.chars().map(|c| letter(c, stroke).unwrap_or(c)).collect::<String>(), range.start);
    builder.finish(length)
}

/// How many words without signs may stand between two that have some.
const APART: usize = 2;

/// Finds stretches of words in which digits and signs stand among letters, and that read as English with them.
pub(super) fn find(scan: &Scan<'_>, found: &mut Vec<Found>) {
    let mixed = |word: &Word| is_mixed(scan, word);
    let mut open: Option<(usize, usize, usize)> = None;
    for (index, word) in scan.words.iter().enumerate() {
        if word.has(kind::DIGIT | kind::OTHER) && mixed(word) {
            open = match open {
                Some((first, last, count)) if index - last <= APART + 1 => Some((first, index, count + 1)),
                before => {
                    close(scan, before, found);
                    Some((index, index, 1))
                }
            };
        }
    }
    close(scan, open, found);
}

/// Whether `word` could be letters in disguise: it has a letter, or is a short number, and a sign that is not at its end.
fn is_mixed(scan: &Scan<'_>, word: &Word) -> bool {
    let body = bare(scan.slice(word.range()));
    let signs = body.chars().filter(|&c| letter(c, 'i').is_some()).count();
    let letters = body.bytes().filter(u8::is_ascii_alphabetic).count();
    let apostrophes = body.bytes().filter(|byte| *byte == b'\'').count();
    signs > 0
        && !is_ordinal(body)
        && signs + letters + apostrophes == body.len()
        && apostrophes < 2
        && (letters > 0 || (2..=6).contains(&signs))
        && body.len() <= 24
}

/// `1st`, `2nd`, `3rd` and `4th` are numbers; `4nd` is none.
fn is_ordinal(word: &str) -> bool {
    let ending = word.trim_start_matches(|c: char| c.is_ascii_digit());
    let number = word.strip_suffix(ending).unwrap_or_default();
    let expected = match number {
        "" => return false,
        teen if teen.ends_with("11") || teen.ends_with("12") || teen.ends_with("13") => "th",
        first if first.ends_with('1') => "st",
        second if second.ends_with('2') => "nd",
        third if third.ends_with('3') => "rd",
        _ => "th",
    };
    ending.eq_ignore_ascii_case(expected)
}

/// A word without the quotes, brackets and punctuation around it.
fn bare(word: &str) -> &str {
    let around =
        |c: char| matches!(c, '.' | ',' | ';' | ':' | '?' | '"' | '\'' | '(' | ')' | '[' | ']' | '<' | '>');
    word.trim_start_matches(around).trim_end_matches(|c| c == '!' || around(c))
}

fn close(scan: &Scan<'_>, stretch: Option<(usize, usize, usize)>, found: &mut Vec<Found>) {
    let Some((first, last, count)) = stretch else { return };
    let words = scan.words.get(first..=last).unwrap_or_default();
    let (Some(head), Some(tail)) = (words.first(), words.last()) else { return };
    let span = head.start..tail.end;
    let mut builder = ViewBuilder::default();
    let (mut before, mut after) = (0, Score::default());
    let mut place = span.start;
    for word in words {
        builder.exact(scan.slice(place..word.start), place);
        place = word.end;
        let digits = word.kinds == kind::DIGIT && word.len() <= 3;
        if !digits && !is_mixed(scan, word) {
            builder.exact(scan.slice(word.range()), word.start);
            continue;
        }
        before += word.score.sum;
        let (view, score) = best_reading(scan, word);
        after.sum += score.sum;
        after.letters += score.letters;
        builder.exact(view.text(), word.start);
    }
    let gain = after.sum - before;
    let mixed = || words.iter().filter(|word| is_mixed(scan, word));
    let signs = mixed().map(|word| word.len() - word.score.letters as usize).sum::<usize>();
    let plain = mixed().map(|word| word.score.letters as usize).sum::<usize>();
    if plain * 2 >= signs
        && (count >= 2 || signs >= 2)
        && after.letters >= 5
        && after.bits() >= 0.9
        && gain >= 48
    {
        let confidence = if count >= 3 { 0.85 } else { 0.6 };
        found.push(Found { codec: &LEET, view: builder.finish(scan.text.len()), span, confidence });
    }
}

/// A word with 1 read as i, or as l where that is better English and no other letter says how l is written here. What is
/// around it stays.
fn best_reading(scan: &Scan<'_>, word: &Word) -> (View<'static>, Score) {
    let whole = scan.slice(word.range());
    let body = bare(whole);
    let start = whole.find(body).unwrap_or(0);
    let reading = |stroke| {
        let mut builder = ViewBuilder::default();
        builder.exact(whole.get(..start).unwrap_or_default(), 0);
        let (from, to) = (word.start + start, word.start + start + body.len());
        builder.exact(read(scan.text, from..to, 0, stroke).text(), start);
        builder.exact(whole.get(start + body.len()..).unwrap_or_default(), start + body.len());
        let view = builder.finish(word.len());
        let score = score(view.text());
        (view, score)
    };
    let (as_i, as_l) = (reading('i'), reading('l'));
    let writes_l = body.contains(['l', 'L']);
    if as_l.1.sum > as_i.1.sum && !writes_l { as_l } else { as_i }
}

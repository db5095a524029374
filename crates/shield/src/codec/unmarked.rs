//! Ciphers without a mark of their own. They are tried where a text looks like no English, and found where it then does.

use std::ops::Range;

use super::scan::{Found, Scan, Word, confidence_of_letters, distinct_letters, kind};
use super::stretch::{grown, stretches};
use super::{Codec, reverse, substitution};
use crate::view::english::{self, Score, Walk};
use crate::view::{View, ViewBuilder};

/// Bits a letter between a text that is English and one that is not.
const BORDER: f32 = 0.55;
/// How many bytes of a stretch are looked at to choose the cipher.
const SAMPLE: usize = 384;
/// Who turns a text turns all of it, names and strings that are no English too. So many words of letters on either side of
/// a turned stretch, and between two of them, belong to it, unless one of them says so many bits against it.
const TURNED_MORE: usize = 6;
const TURNED_AGAINST: f32 = 6.0;

/// Finds stretches in Caesar with any shift, Atbash, rot47, or back to front.
pub(super) fn find(scan: &Scan<'_>, found: &mut Vec<Found>) {
    for stretch in stretches(&scan.words, oddness) {
        substituted(scan, stretch, found);
    }
    let mut last: Option<Range<usize>> = None;
    for stretch in stretches(&scan.words, |word| bits_turned(scan, word)) {
        last = match last {
            Some(before) if reaches(scan, before.end..stretch.start) => Some(before.start..stretch.end),
            before => {
                before.into_iter().for_each(|before| turned(scan, before, found));
                Some(stretch)
            }
        };
    }
    last.into_iter().for_each(|last| turned(scan, last, found));
}

/// Whether the words between two turned stretches can be turned as well.
fn reaches(scan: &Scan<'_>, between: Range<usize>) -> bool {
    let first = between.start.saturating_sub(1);
    between.len() <= TURNED_MORE
        && (first..between.end).all(|index| turned_after(scan, index, index + 1).is_some())
}

/// How many bits the word `next` says against being turned, where it can be turned with the word `index` beside it: it
/// has letters and stands in the same line.
fn turned_after(scan: &Scan<'_>, index: usize, next: usize) -> Option<f32> {
    let (word, other) = (scan.words.get(index)?, scan.words.get(next)?);
    let between = scan.slice(word.end.min(other.end)..word.start.max(other.start));
    let against = -bits_turned(scan, other);
    (other.score.letters > 0 && !between.contains('\n') && against < TURNED_AGAINST).then_some(against)
}

/// A turned stretch with the words on either side that are likely turned with it.
fn extended(scan: &Scan<'_>, stretch: Range<usize>) -> Range<usize> {
    let Range { mut start, mut end } = stretch;
    let mut against = 0.0;
    while let Some(bits) = start.checked_sub(1).and_then(|next| turned_after(scan, start, next)) {
        against += bits;
        if against > TURNED_AGAINST || stretch.start - start == TURNED_MORE {
            break;
        }
        start -= 1;
    }
    against = 0.0;
    while let Some(bits) = end.checked_sub(1).and_then(|last| turned_after(scan, last, end)) {
        against += bits;
        if against > TURNED_AGAINST || end - stretch.end == TURNED_MORE {
            break;
        }
        end += 1;
    }
    start..end
}

/// Bits that a word says against English. Marks within words are what rot47 makes of letters.
fn oddness(word: &Word) -> f32 {
    let by_letters = BORDER * word.score.letters as f32 - word.score.sum as f32 / 16.0;
    let marks = word.len() as f32 - word.score.letters as f32;
    // Lines and borders of tables are marks alone.
    let is_code = word.has(kind::CAPITAL | kind::SMALL | kind::DIGIT);
    if marks > 1.0 && is_code { by_letters + 0.8 * marks } else { by_letters }
}

/// A cipher that puts one character for each.
struct Choice {
    codec: &'static Codec,
    map: Box<dyn Fn(u8) -> u8>,
    /// How much the start of the stretch is English without it.
    after: Score,
}

/// Finds what a stretch says with the cipher that makes it most English.
fn substituted(scan: &Scan<'_>, stretch: Range<usize>, found: &mut Vec<Found>) {
    let span = span_of(scan, &stretch);
    let part = scan.slice(span);
    let sample = part.get(..part.floor_char_boundary(SAMPLE)).unwrap_or_default();
    let before = english::score(sample);
    let best = choices(sample).into_iter().max_by(|a, b| a.after.bits().total_cmp(&b.after.bits()));
    let Some(choice) = best.filter(|choice| confidence_of_letters(before, choice.after).is_some()) else {
        return;
    };
    let gain = |word: &Word| {
        let bytes = scan.bytes().get(word.range()).unwrap_or_default();
        bits_more(score_of(bytes.iter().map(|&byte| (choice.map)(byte))), word.score)
    };
    let span = span_of(scan, &grown(&scan.words, stretch, gain));
    let mut builder = ViewBuilder::default();
    let map = |c| u8::try_from(c).ok().filter(u8::is_ascii).map_or(c, |byte| char::from((choice.map)(byte)));
    builder.exact(&scan.slice(span.clone()).chars().map(map).collect::<String>(), span.start);
    push(scan, choice.codec, span, builder.finish(scan.text.len()), found);
}

/// Finds a stretch whose letters are turned round. It reads as well whether the words were turned with them or not, so
/// both are given.
fn turned(scan: &Scan<'_>, stretch: Range<usize>, found: &mut Vec<Found>) {
    let words = grown(&scan.words, stretch, |word| bits_turned(scan, word));
    let span = span_of(scan, &extended(scan, words));
    let part = scan.slice(span.clone());
    let length = scan.text.len();
    // Short phrases of other languages can be likelier English from behind.
    let (before, after) = (english::score(part), score_of(part.bytes().rev()));
    if after.letters < 14 || after.bits() < 1.2 || after.bits() - before.bits() < 0.9 {
        return;
    }
    push(scan, &reverse::REVERSED, span.clone(), reverse::reversed(part, span.start, length), found);
    push(scan, &reverse::WORDS, span.clone(), reverse::reversed_words(part, span.start, length), found);
}

/// Bits by which a word is likelier English when it is read from its end.
fn bits_turned(scan: &Scan<'_>, word: &Word) -> f32 {
    let bytes = scan.bytes().get(word.range()).unwrap_or_default();
    bits_more(score_of(bytes.iter().rev().copied()), word.score)
}

fn bits_more(after: Score, before: Score) -> f32 {
    (after.sum - before.sum) as f32 / 16.0
}

fn span_of(scan: &Scan<'_>, words: &Range<usize>) -> Range<usize> {
    match scan.words.get(words.clone()) {
        Some([only]) => only.range(),
        Some([first, .., last]) => first.start..last.end,
        _ => 0..0,
    }
}

fn push(
    scan: &Scan<'_>,
    codec: &'static Codec,
    span: Range<usize>,
    view: View<'static>,
    found: &mut Vec<Found>,
) {
    let before = english::score(scan.slice(span.clone()));
    let Some(confidence) = confidence_of_letters(before, english::score(view.text())) else { return };
    // A short text has few letters by chance alone, and those of numbers and tables come again and again.
    let letters = view.text().bytes().filter(u8::is_ascii_alphabetic).count();
    let shown = view.text().bytes().filter(u8::is_ascii_graphic).count();
    if distinct_letters(view.text()) >= 6 && letters * 4 >= shown * 3 {
        found.push(Found { codec, view, span, confidence });
    }
}

/// The ciphers that are tried, Caesar with its likeliest shift.
fn choices(sample: &str) -> Vec<Choice> {
    let mapped = |codec, map: fn(u8) -> u8| Choice {
        codec,
        map: Box::new(map),
        after: score_of(sample.bytes().map(map)),
    };
    let shifted = best_shift(sample).and_then(|(shift, after)| {
        let codec = substitution::CAESAR.get(usize::from(shift) - 1)?;
        Some(Choice { codec, map: Box::new(move |byte| substitution::unshifted(byte, shift)), after })
    });
    let mut all = vec![
        mapped(&substitution::ATBASH, substitution::atbash),
        mapped(&substitution::ROT47, substitution::rot47),
    ];
    all.extend(shifted);
    all
}

fn score_of(bytes: impl Iterator<Item = u8>) -> Score {
    let mut walk = Walk::default();
    bytes.for_each(|byte| walk.byte(byte));
    walk.class(0);
    walk.score
}

/// How often each letter stands in a thousand of English, a to z.
const FREQUENCY: [u32; 26] =
    [82, 15, 28, 43, 127, 22, 20, 61, 70, 2, 8, 40, 24, 67, 75, 19, 1, 60, 63, 91, 28, 10, 24, 2, 20, 1];

/// The shift after which the letters are the most like English: of the three that fit by frequency, by threes.
fn best_shift(sample: &str) -> Option<(u8, Score)> {
    let mut counts = [0_u32; 26];
    for byte in sample.bytes() {
        let class = english::class(byte);
        if let Some(count) = class.checked_sub(1).and_then(|letter| counts.get_mut(letter)) {
            *count += 1;
        }
    }
    let mut fits: Vec<(u32, u8)> = (1..26_u8)
        .map(|shift| {
            let rotated = counts.iter().cycle().skip(usize::from(shift));
            (rotated.zip(FREQUENCY).map(|(count, frequency)| count * frequency).sum(), shift)
        })
        .collect();
    fits.sort_unstable_by(|a, b| b.cmp(a));
    let scored = fits
        .into_iter()
        .take(4)
        .map(|(_, shift)| (shift, score_of(sample.bytes().map(|byte| substitution::unshifted(byte, shift)))));
    scored.max_by_key(|(_, score)| score.sum)
}

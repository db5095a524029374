//! What finders are given, what they give, and how they judge what they decoded.

use std::ops::Range;

use super::Codec;
use crate::view::english::{self, Score, Walk};
use crate::view::{View, ViewBuilder};

/// Classes of bytes, one bit each.
pub(crate) mod kind {
    pub(crate) const CAPITAL: u32 = 1;
    pub(crate) const SMALL: u32 = 1 << 1;
    pub(crate) const DIGIT: u32 = 1 << 2;
    pub(crate) const PERCENT: u32 = 1 << 3;
    pub(crate) const AMPERSAND: u32 = 1 << 4;
    pub(crate) const BACKSLASH: u32 = 1 << 5;
    pub(crate) const EQUALS: u32 = 1 << 6;
    pub(crate) const LESS: u32 = 1 << 7;
    pub(crate) const BRACKET: u32 = 1 << 8;
    pub(crate) const QUOTE: u32 = 1 << 9;
    pub(crate) const DASH: u32 = 1 << 10;
    pub(crate) const DOT: u32 = 1 << 11;
    pub(crate) const OTHER: u32 = 1 << 12;
    pub(crate) const HIGH: u32 = 1 << 13;

    const fn of(byte: u8) -> u32 {
        match byte {
            b'A'..=b'Z' => CAPITAL,
            b'a'..=b'z' => SMALL,
            b'0'..=b'9' => DIGIT,
            b'%' => PERCENT,
            b'&' => AMPERSAND,
            b'\\' => BACKSLASH,
            b'=' => EQUALS,
            b'<' => LESS,
            b'[' => BRACKET,
            b'"' | b'\'' => QUOTE,
            b'-' | b'_' => DASH,
            b'.' => DOT,
            0x80.. => HIGH,
            _ => OTHER,
        }
    }

    pub(super) static TABLE: [u32; 256] = {
        let mut table = [0; 256];
        let mut byte = 0;
        while byte < 256 {
            #[allow(clippy::indexing_slicing, reason = "evaluated when compiled")]
            {
                table[byte] = of(byte as u8);
            }
            byte += 1;
        }
        table
    };
}

/// What stands between white space.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Word {
    pub(crate) start: usize,
    pub(crate) end: usize,
    /// Which of the classes in [`kind`] its bytes are of.
    pub(crate) kinds: u32,
    /// How much it looks like English.
    pub(crate) score: Score,
}

impl Word {
    pub(crate) fn range(&self) -> Range<usize> {
        self.start..self.end
    }

    pub(crate) fn len(&self) -> usize {
        self.end - self.start
    }

    pub(crate) fn has(&self, kinds: u32) -> bool {
        self.kinds & kinds != 0
    }
}

/// A text to look for encoded stretches in, and what one walk over its bytes tells.
pub(crate) struct Scan<'a> {
    pub(crate) text: &'a str,
    pub(crate) words: Vec<Word>,
    kinds: u32,
}

impl<'a> Scan<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        let mut words = Vec::with_capacity(text.len() / 5);
        let mut all = 0;
        let mut walk = Walk::default();
        let (mut start, mut kinds) = (0, 0);
        for (place, byte) in text.bytes().chain([b' ']).enumerate() {
            if !byte.is_ascii_whitespace() {
                walk.byte(byte);
                kinds |= kind::TABLE.get(usize::from(byte)).copied().unwrap_or(0);
                continue;
            }
            if place > start {
                walk.class(0);
                words.push(Word { start, end: place, kinds, score: walk.score });
                all |= kinds;
                kinds = 0;
                walk = Walk::default();
            }
            start = place + 1;
        }
        Self { text, words, kinds: all }
    }

    pub(crate) fn bytes(&self) -> &'a [u8] {
        self.text.as_bytes()
    }

    /// Whether some byte is of one of `kinds`.
    pub(crate) fn has(&self, kinds: u32) -> bool {
        self.kinds & kinds != 0
    }

    pub(crate) fn slice(&self, range: Range<usize>) -> &'a str {
        self.text.get(range).unwrap_or_default()
    }

    /// The runs of words that `belongs` takes, of `least` words and more, with the stretch of each.
    pub(crate) fn rows(
        &self,
        least: usize,
        belongs: impl Fn(&Word) -> bool,
    ) -> impl Iterator<Item = (&[Word], Range<usize>)> {
        let mut at = 0;
        std::iter::from_fn(move || {
            loop {
                let start = at + self.words.get(at..)?.iter().position(&belongs)?;
                let rest = self.words.get(start..)?;
                let count = rest.iter().position(|word| !belongs(word)).unwrap_or(rest.len());
                at = start + count;
                let row = self.words.get(start..at)?;
                if let (true, Some(first), Some(last)) = (count >= least, row.first(), row.last()) {
                    return Some((row, first.start..last.end));
                }
            }
        })
    }

    /// The runs of bytes that `belongs` takes, of `least` bytes and more, in words of so many that have some of `kinds`.
    pub(crate) fn each_run(
        &self,
        least: usize,
        kinds: u32,
        belongs: impl Fn(u8) -> bool,
        mut take: impl FnMut(Range<usize>),
    ) {
        for word in self.words.iter().filter(|word| word.len() >= least && word.has(kinds)) {
            let bytes = self.bytes().get(word.range()).unwrap_or_default();
            for run in runs(bytes, &belongs).filter(|run| run.len() >= least) {
                take(word.start + run.start..word.start + run.end);
            }
        }
    }
}

/// A decoded stretch.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) codec: &'static Codec,
    /// Its view of the scanned text.
    pub(crate) view: View<'static>,
    pub(crate) span: Range<usize>,
    /// From 0 to 1: how sure it is that this is a text that somebody encoded.
    pub(crate) confidence: f32,
}

impl Found {
    /// What characters that show nothing spell; they have no other reason to stand in a row.
    pub(crate) fn hidden(codec: &'static Codec, builder: ViewBuilder, origin_length: usize) -> Option<Self> {
        Self::hidden_view(codec, builder.finish(origin_length))
    }

    /// As [`Found::hidden`], of a view.
    pub(crate) fn hidden_view(codec: &'static Codec, view: View<'static>) -> Option<Self> {
        let length = view.text().len();
        if length < 2 || view.text().chars().any(|c| c.is_control() && !c.is_whitespace()) {
            return None;
        }
        let span = view.origin(0..length);
        Some(Self { codec, view, span, confidence: 0.95 })
    }

    /// What was spelled in signs that hardly stand in a row by chance: `least` letters and more.
    pub(crate) fn spelled(
        codec: &'static Codec,
        view: View<'static>,
        span: Range<usize>,
        least: usize,
    ) -> Option<Self> {
        let letters = view.text().chars().filter(|character| character.is_alphanumeric()).count();
        let evidence = letters as f32 * 0.25 + english::score(view.text()).bits();
        (letters >= least).then(|| Self { codec, view, span, confidence: logistic(evidence).min(0.95) })
    }
}

/// How sure it is that `decoded` was a text, where chance would have given any bytes; `None` where it holds what texts do
/// not. Every printable character is evidence, letters in the order of English are more.
pub(crate) fn confidence_of_bytes(decoded: &str) -> Option<f32> {
    let (mut letters, mut total, mut foreign) = (0_u32, 0_u32, 0_u32);
    for character in decoded.chars() {
        let odd = match character {
            '\n' | '\r' | '\t' => false,
            '\u{fffd}' | '\u{e000}'..='\u{f8ff}' => true,
            _ => character.is_control(),
        };
        if odd {
            return None;
        }
        total += 1;
        foreign += u32::from(!character.is_ascii());
        letters += u32::from(character.is_alphanumeric() || character.is_whitespace());
    }
    if total < 3 || letters * 2 < total {
        return (total >= 24).then_some(0.3);
    }
    // Chance gives a printable byte in about 3 of 8 cases, and letters in no order. A few letters have no order.
    let score = english::score(decoded);
    let order = score.bits().clamp(-2.0, 2.0) * (score.letters as f32 / 6.0).min(1.0);
    let evidence = 1.2 * (total - foreign) as f32 + 0.8 * foreign as f32 + 3.0 * order - 9.0;
    Some(logistic(evidence / 2.0)).filter(|&confidence| confidence >= 0.3)
}

/// How sure it is that `decoded` was meant, where what it was decoded from could as well be nothing but odd text:
/// `before` and `after` are what English says of both.
pub(crate) fn confidence_of_letters(before: Score, after: Score) -> Option<f32> {
    let gain = after.bits() - before.bits();
    let (bits, more) = if after.letters < 24 { (1.0, 0.8) } else { (0.7, 0.5) };
    if after.letters < 10 || after.bits() < bits || gain < more {
        return None;
    }
    let evidence = (after.bits() - 0.6) * (after.letters as f32).sqrt() + gain;
    Some(logistic(evidence - 3.0)).filter(|&confidence| confidence >= 0.3)
}

fn logistic(evidence: f32) -> f32 {
    1.0 / (1.0 + (-evidence).exp())
}

/// How many different letters of ASCII `text` has, without regard to case.
pub(crate) fn distinct_letters(text: &str) -> u32 {
    let letters = text.bytes().filter(u8::is_ascii_alphabetic);
    letters.fold(0_u32, |seen, byte| seen | 1 << (byte.to_ascii_lowercase() - b'a')).count_ones()
}

/// The runs of bytes that `belongs` takes.
pub(crate) fn runs(bytes: &[u8], belongs: impl Fn(u8) -> bool) -> impl Iterator<Item = Range<usize>> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let start = at + bytes.get(at..)?.iter().position(|&byte| belongs(byte))?;
        let length = bytes.get(start..)?.iter().position(|&byte| !belongs(byte));
        at = length.map_or(bytes.len(), |length| start + length);
        Some(start..at)
    })
}

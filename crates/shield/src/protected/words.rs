//! A text as hashes of its words, and of so many words in a row.

use std::collections::VecDeque;
use std::ops::Range;

use super::Kind;
use crate::view::{Options, normalise_with};

/// The factor of the rolling hash; odd, so that no word's weight becomes zero.
const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;

/// The words of a text.
pub(super) struct Words {
    hashes: Vec<u64>,
    /// The bytes of the text, word by word.
    spans: Vec<Range<usize>>,
}

impl Words {
    pub(super) fn new(text: &str, kind: Kind, key: &[u8; 32]) -> Words {
        let folded = normalise_with(text, &Options { fold_case: true, ..Options::default() });
        let mut words = Words { hashes: Vec::new(), spans: Vec::new() };
        let mut rest = 0;
        while let Some(word) = next_word(folded.text(), rest, kind) {
            rest = word.end;
            words.hashes.push(hash_of(folded.text().get(word.clone()).unwrap_or_default(), key));
            words.spans.push(folded.origin(word));
        }
        words
    }

    pub(super) fn len(&self) -> usize {
        self.hashes.len()
    }

    /// The bytes of the text that the words `range` take.
    pub(super) fn span(&self, range: Range<usize>) -> Range<usize> {
        let first = self.spans.get(range.start).map_or(0, |span| span.start);
        let last = range.end.checked_sub(1).and_then(|last| self.spans.get(last));
        first..last.map_or(first, |span| span.end.max(first))
    }

    /// Hashes of each `length` words in a row.
    pub(super) fn hashed(&self, length: usize) -> Hashed {
        let leaving = (0..length).fold(1_u64, |weight, _| weight.wrapping_mul(FACTOR));
        let mut rolling = 0_u64;
        let mut hashes = Vec::with_capacity(self.hashes.len().saturating_sub(length));
        for (index, hash) in self.hashes.iter().enumerate() {
            rolling = rolling.wrapping_mul(FACTOR).wrapping_add(*hash);
            if let Some(left) = index.checked_sub(length).and_then(|left| self.hashes.get(left)) {
                rolling = rolling.wrapping_sub(left.wrapping_mul(leaving));
            }
            if index + 1 >= length {
                hashes.push(mixed(rolling));
            }
        }
        Hashed { hashes, length }
    }

    /// Eight bits of the word `distance` before the word `first` and of the hash of what follows; 0 where there is none.
    pub(super) fn check_before(&self, hash: u64, first: usize, distance: usize) -> u8 {
        first.checked_sub(distance).map_or(0, |place| self.check(hash, place))
    }

    /// As [`Words::check_before`] for the word `distance` after the word `last`.
    pub(super) fn check_after(&self, hash: u64, last: usize, distance: usize) -> u8 {
        self.check(hash, last + distance)
    }

    fn check(&self, hash: u64, place: usize) -> u8 {
        let [first, ..] = self.hashes.get(place).map_or([0; 8], |word| mixed(word ^ hash).to_le_bytes());
        first
    }
}

/// Hashes of so many words in a row, by the place of the first.
pub(super) struct Hashed {
    hashes: Vec<u64>,
    length: usize,
}

impl Hashed {
    pub(super) fn length(&self) -> usize {
        self.length
    }

    pub(super) fn at(&self, place: usize) -> u64 {
        self.hashes.get(place).copied().unwrap_or_default()
    }

    pub(super) fn all(&self) -> &[u64] {
        &self.hashes
    }

    /// The places of the least hash of each `window` neighbours, of the last one where several are as small.
    pub(super) fn winnowed(&self, window: usize) -> Vec<usize> {
        let mut kept = Vec::new();
        // Places whose hashes grow from front to back; the front is the least of the window.
        let mut least: VecDeque<(usize, u64)> = VecDeque::new();
        for (place, &hash) in self.hashes.iter().enumerate() {
            while least.back().is_some_and(|&(_, before)| before >= hash) {
                least.pop_back();
            }
            least.push_back((place, hash));
            while least.front().is_some_and(|&(first, _)| first + window <= place) {
                least.pop_front();
            }
            let is_full = place + 1 >= window || place + 1 == self.hashes.len();
            if let (true, Some(&(first, _))) = (is_full, least.front())
                && kept.last() != Some(&first)
            {
                kept.push(first);
            }
        }
        kept
    }
}

/// The next word of `text` from `start` on.
fn next_word(text: &str, start: usize, kind: Kind) -> Option<Range<usize>> {
    let is_part = |character: char| character.is_alphanumeric() || (kind == Kind::Code && character == '_');
    let rest = text.get(start..)?;
    let skipped = rest.find(|character: char| match kind {
        Kind::Text => is_part(character),
        Kind::Code => !character.is_whitespace(),
    })?;
    let word = rest.get(skipped..)?;
    let first = word.chars().next()?;
    let length = match is_part(first) && !stands_alone(first) {
        true => word.find(|character| !is_part(character) || stands_alone(character)).unwrap_or(word.len()),
        false => first.len_utf8(),
    };
    Some(start + skipped..start + skipped + length)
}

/// Whether a character is a word, as scripts without spaces are cut by nothing else: kana, Han, Thai.
fn stands_alone(character: char) -> bool {
    matches!(character, '\u{e00}'..='\u{e7f}' | '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}' | '\u{20000}'..='\u{3ffff}')
}

fn hash_of(word: &str, key: &[u8; 32]) -> u64 {
    let hash = blake3::keyed_hash(key, word.as_bytes());
    let first = hash.as_bytes().first_chunk::<8>();
    first.map_or(0, |bytes| u64::from_le_bytes(*bytes))
}

/// Spreads the bits of a number over all of it (the finaliser of SplitMix64, which is in the public domain).
fn mixed(number: u64) -> u64 {
    let once = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let twice = (once ^ (once >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    twice ^ (twice >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, kind: Kind, expected: &[&str]) {
        let words = Words::new(text, kind, &[0; 32]);
        let parts: Vec<&str> = words.spans.iter().map(|span| &text[span.clone()]).collect();
        assert_eq!(parts, expected);
    }

    #[test]
    fn texts_are_cut_into_words() {
        check("It's a re-run.", Kind::Text, &["It", "s", "a", "re", "run"]);
        check("a_b += f(x1);", Kind::Code, &["a_b", "+", "=", "f", "(", "x1", ")", ";"]);
        check("\u{5317}\u{4eac} x", Kind::Text, &["\u{5317}", "\u{4eac}", "x"]);
    }

    #[test]
    fn hashes_roll() {
        let long = Words::new("one two three four five", Kind::Text, &[7; 32]).hashed(2);
        let short = Words::new("three four", Kind::Text, &[7; 32]).hashed(2);
        assert_eq!(long.at(2), short.at(0));
        assert_eq!((long.all().len(), short.all().len()), (4, 1));
    }

    #[test]
    fn of_each_window_one_is_kept() {
        let hashed = Hashed { hashes: vec![5, 1, 4, 4, 9, 8, 7, 6, 6], length: 1 };
        assert_eq!(hashed.winnowed(4), [1, 3, 7, 8]);
        assert_eq!(Hashed { hashes: vec![3, 2], length: 1 }.winnowed(4), [1]);
        assert!(Hashed { hashes: Vec::new(), length: 1 }.winnowed(4).is_empty());
    }
}

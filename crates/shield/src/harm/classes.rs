//! Words by what they stand for, and features of their order.
//!
//! What is said of one group is said of others in the same words: a class stands for all of its words, so that what was
//! learnt of "all women should ..." is known of any group. A word of a class gives the class, the class after each of the
//! last classes of its sentence, and the class with the words beside it.

use std::collections::HashMap;

use crate::model::tokens::{Place, Sink, Word};

/// How many classes before are looked at.
const BEFORE: usize = 3;
/// How many tokens back a class is still looked at.
const NEAR: usize = 8;
/// Most bytes of a word that is looked up.
const LONGEST: usize = 40;
/// Odd numbers with well-mixed bits.
const MULTIPLIER: u64 = 0xD6E8_FEB8_6659_FD93;

/// Classes of words.
#[derive(Clone, Debug, Default)]
pub(crate) struct Classes {
    words: HashMap<u64, u16>,
}

impl Classes {
    /// Adds a word, in lower case; false when another class has it.
    pub(crate) fn add(&mut self, word: &str, class: u16) -> bool {
        *self.words.entry(hash(word)).or_insert(class) == class
    }

    fn of(&self, word: &str) -> Option<u16> {
        let stem = word.strip_suffix("'s").unwrap_or(word);
        self.words.get(&hash(stem)).copied()
    }
}

/// Hands on what a text is read into, and adds the features of its classes.
pub(crate) struct Classed<'a, S> {
    classes: &'a Classes,
    text: &'a str,
    sink: &'a mut S,
    /// Tokens so far.
    token: usize,
    /// The last classes of this sentence with the number of their tokens, the latest first.
    recent: [Option<(u16, usize)>; BEFORE],
    /// The word before, when it is in this sentence.
    previous: Option<u64>,
}

impl<'a, S: Sink> Classed<'a, S> {
    /// Reads `text` into `sink`.
    pub(crate) fn new(classes: &'a Classes, text: &'a str, sink: &'a mut S) -> Classed<'a, S> {
        Classed { classes, text, sink, token: 0, recent: [None; BEFORE], previous: None }
    }

    fn class(&mut self, class: u16) {
        let own = u64::from(class) + 1;
        // Twice, since a class has to be heard beside the many n-grams of its word.
        self.sink.feature(mixed(own, 0x11));
        self.sink.feature(mixed(own, 0x12));
        for (before, token) in self.recent.into_iter().flatten() {
            let distance = self.token - token;
            if distance <= NEAR {
                let pair = own << 16 | (u64::from(before) + 1);
                self.sink.feature(mixed(pair, 0x13));
                self.sink.feature(mixed(pair, if distance <= 2 { 0x14 } else { 0x15 }));
            }
        }
        if let [Some((first, far)), Some((second, _)), ..] = self.recent
            && self.token - far <= NEAR
        {
            let triple = own << 32 | (u64::from(first) + 1) << 16 | (u64::from(second) + 1);
            self.sink.feature(mixed(triple, 0x16));
        }
        if let Some(previous) = self.previous {
            self.sink.feature(mixed(previous ^ own, 0x17));
        }
        self.recent.rotate_right(1);
        if let Some(latest) = self.recent.first_mut() {
            *latest = Some((class, self.token));
        }
    }

    fn plain(&mut self, word: u64) {
        if let Some((class, token)) = self.recent.first().copied().flatten()
            && self.token - token <= NEAR / 2
        {
            self.sink.feature(mixed(word ^ (u64::from(class) + 1), 0x18));
        }
    }
}

impl<S: Sink> Sink for Classed<'_, S> {
    fn feature(&mut self, hash: u32) {
        self.sink.feature(hash);
    }

    fn remembered(&mut self, word: Word) -> bool {
        self.sink.remembered(word)
    }

    fn remember(&mut self, word: Word) {
        self.sink.remember(word);
    }

    fn token(&mut self, place: Place) {
        let word = self.text.get(place.start..place.end).unwrap_or_default();
        if ends_sentence(word) {
            self.recent = [None; BEFORE];
            self.previous = None;
        } else if word.len() <= LONGEST {
            let own = hash(word);
            match self.classes.of(word) {
                Some(class) => self.class(class),
                None => self.plain(own),
            }
            self.previous = Some(own);
        }
        self.token += 1;
        self.sink.token(place);
    }
}

/// True for the tokens after which another sentence begins, as [`crate::model::tokens`] has it.
pub(super) fn ends_sentence(token: &str) -> bool {
    let ends = ['.', '!', '?', ';', '\n', '\r', '\u{3002}', '\u{ff01}', '\u{ff1f}', '\u{964}'];
    token.starts_with(ends)
}

/// FNV-1a of a word without case.
fn hash(word: &str) -> u64 {
    let step = |hash: u64, code: u32| (hash ^ u64::from(code)).wrapping_mul(0x0000_0100_0000_01B3);
    let start = 0xCBF2_9CE4_8422_2325_u64;
    if word.is_ascii() {
        return word.bytes().fold(start, |hash, byte| step(hash, u32::from(byte.to_ascii_lowercase())));
    }
    word.chars().flat_map(char::to_lowercase).fold(start, |hash, letter| step(hash, u32::from(letter)))
}

/// The upper half of a mixed hash: tables take as many of its upper bits as they have.
#[allow(clippy::cast_possible_truncation)] // The upper half is what is wanted.
fn mixed(value: u64, kind: u64) -> u32 {
    let first = (value ^ kind << 56).wrapping_mul(MULTIPLIER);
    let second = (first ^ (first >> 32)).wrapping_mul(MULTIPLIER);
    ((second ^ (second >> 29)).wrapping_mul(MULTIPLIER) >> 32) as u32
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::tokens::{Features, read};

    fn extra(text: &str) -> Vec<u32> {
        let mut classes = Classes::default();
        assert!(classes.add("women", 0) && classes.add("men", 0) && classes.add("hate", 1));
        assert!(!classes.add("men", 1));
        let mut features = Features::default();
        read(text, &mut Classed::new(&classes, text, &mut features));
        let plain = Features::of(text).hashes;
        features.hashes.retain(|hash| !plain.contains(hash));
        features.hashes
    }

    #[test]
    fn words_of_a_class_are_alike_and_their_order_is_not() {
        assert_eq!(extra("I hate women"), extra("I HATE men"));
        assert_ne!(extra("I hate women"), extra("women hate I"));
        assert!(extra("I like roses").is_empty());
    }

    #[test]
    fn no_pair_reaches_over_the_end_of_a_sentence() {
        let apart: Vec<u32> = [extra("hate"), extra("men")].concat();
        assert_eq!(extra("hate. men"), apart);
        assert!(extra("hate men").len() > apart.len());
    }
}

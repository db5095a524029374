//! From a text in chunks to its shingles, and from shingles to marks.

use std::collections::VecDeque;

use crate::exact::{
    keyed::{Rolling, SipKey, sip},
    reading::{is_mark, stands_alone},
};

use super::format::Secrets;

/// Words of a shingle.
pub(super) const WORDS: usize = 6;
/// Shingles of a window, of which the least is kept.
pub(super) const WINDOW: usize = 6;
/// Fewest words in which something shared is certain to be found.
pub(super) const CERTAIN: usize = WORDS + WINDOW - 1;

/// A run of [`WORDS`] words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Shingle {
    /// Its keyed hash.
    pub(super) hash: u64,
    /// The number of its first word in the text.
    pub(super) word: u64,
    /// Where it stands, in bytes from the start of the text.
    pub(super) start: u64,
    pub(super) end: u64,
}

/// Reads words, whatever the chunks they come in.
pub(super) struct Shingler {
    letters: Rolling,
    words: Rolling,
    sip: SipKey,
    power: u64,
    offset: u64,
    open: Option<Word>,
    /// For each of the last words: where it starts, and the hash of all words before it.
    last: VecDeque<(u64, u64)>,
    hash: u64,
    count: u64,
    whole: blake3::Hasher,
}

struct Word {
    start: u64,
    hash: u64,
    alone: bool,
}

impl Shingler {
    pub(super) fn new(secrets: &Secrets) -> Shingler {
        Shingler {
            letters: secrets.letters,
            words: secrets.words,
            sip: secrets.shingle,
            power: secrets.words.powers(WORDS).last().copied().unwrap_or(1),
            offset: 0,
            open: None,
            last: VecDeque::with_capacity(WORDS),
            hash: 0,
            count: 0,
            whole: blake3::Hasher::new_keyed(&secrets.whole),
        }
    }

    /// Words that are complete.
    pub(super) fn count(&self) -> u64 {
        self.count
    }

    /// Reads a chunk and gives each shingle that it completes.
    pub(super) fn push(&mut self, chunk: &str, mut found: impl FnMut(Shingle)) {
        for c in chunk.chars() {
            let alone = !c.is_ascii() && stands_alone(c);
            let part = c.is_alphanumeric() || is_mark(c);
            let goes_on =
                part && (is_mark(c) || (!alone && self.open.as_ref().is_some_and(|word| !word.alone)));
            if !goes_on && let Some(shingle) = self.close() {
                found(shingle);
            }
            if part {
                self.letter(c, alone);
            }
            self.offset += c.len_utf8() as u64;
        }
    }

    /// The end of the text: the last shingle, and the digest of all words.
    pub(super) fn finish(&mut self) -> (Option<Shingle>, [u8; 16]) {
        let shingle = self.close();
        let mut digest = [0; 16];
        digest.iter_mut().zip(self.whole.finalize().as_bytes()).for_each(|(to, from)| *to = *from);
        (shingle, digest)
    }

    fn letter(&mut self, c: char, alone: bool) {
        let start = self.offset;
        let word = self.open.get_or_insert(Word { start, hash: 0, alone });
        if c.is_ascii() {
            word.hash = self.letters.push(word.hash, u64::from(c.to_ascii_lowercase()));
        } else {
            for lower in c.to_lowercase() {
                word.hash = self.letters.push(word.hash, u64::from(lower));
            }
        }
    }

    fn close(&mut self) -> Option<Shingle> {
        let word = self.open.take()?;
        self.whole.update(&word.hash.to_le_bytes());
        if self.last.len() == WORDS {
            self.last.pop_front();
        }
        self.last.push_back((word.start, self.hash));
        self.hash = self.words.push(self.hash, word.hash);
        self.count += 1;
        let (start, before) = self.last.front().copied().filter(|_| self.last.len() == WORDS)?;
        let hash = sip(self.sip, &[Rolling::between(before, self.hash, self.power)]);
        Some(Shingle { hash, word: self.count - WORDS as u64, start, end: self.offset })
    }
}

/// Winnowing (Schleimer, Wilkerson and Aiken 2003): of each window of shingles the least, of equals the last.
#[derive(Default)]
pub(super) struct Winnow {
    window: VecDeque<Shingle>,
    chosen: Option<u64>,
}

impl Winnow {
    /// Takes the next shingle; gives one that is kept, if the window has a new least one.
    pub(super) fn push(&mut self, shingle: Shingle) -> Option<Shingle> {
        if self.window.len() == WINDOW {
            self.window.pop_front();
        }
        self.window.push_back(shingle);
        if self.window.len() < WINDOW { None } else { self.choose() }
    }

    /// The end: a text that never filled a window keeps its least shingle.
    pub(super) fn finish(&mut self) -> Option<Shingle> {
        if self.window.len() < WINDOW { self.choose() } else { None }
    }

    fn choose(&mut self) -> Option<Shingle> {
        let least = self.window.iter().rev().min_by_key(|shingle| shingle.hash).copied()?;
        let new = self.chosen != Some(least.word);
        self.chosen = Some(least.word);
        new.then_some(least)
    }
}

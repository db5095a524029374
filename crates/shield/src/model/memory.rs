//! What words come to, remembered.
//!
//! Most of what a model looks up in a text are the n-grams inside of its words, and the same few thousand words make up most
//! of any text. What a word's n-grams sum up to is a whole number that depends on the word alone, so that remembering it
//! changes no result. Whoever reads takes a table of its own for as long as it reads: no reader waits for another.

use std::fmt;
use std::sync::{Mutex, PoisonError};

use super::tokens::Word;

/// Bits of a table's size. 4,096 words cover nine in ten words of ordinary text and stay in a processor's own cache.
const BITS: u32 = 12;
/// Most tables that are kept while nobody reads.
const KEPT: usize = 64;

/// Tables of one model.
pub(super) struct Memory<T>(Mutex<Vec<Words<T>>>);

/// A table: each word has one place, and the last one that came to it is there.
pub(super) struct Words<T>(Vec<Option<(Word, T)>>);

impl<T: Copy> Memory<T> {
    /// Lends a table.
    pub(super) fn with(&self, read: impl FnOnce(&mut Words<T>)) {
        let kept = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let table = kept().pop();
        let mut table = table.unwrap_or_else(|| Words(vec![None; 1 << BITS]));
        read(&mut table);
        let mut kept = kept();
        if kept.len() < KEPT {
            kept.push(table);
        }
    }
}

impl<T> Words<T> {
    pub(super) fn get(&self, word: Word) -> Option<&T> {
        let (known, value) = self.0.get(word.slot(BITS))?.as_ref()?;
        (*known == word).then_some(value)
    }

    pub(super) fn put(&mut self, word: Word, value: T) {
        if let Some(place) = self.0.get_mut(word.slot(BITS)) {
            *place = Some((word, value));
        }
    }
}

impl<T> Default for Memory<T> {
    fn default() -> Memory<T> {
        Memory(Mutex::new(Vec::new()))
    }
}

/// A copy of a model remembers for itself.
impl<T> Clone for Memory<T> {
    fn clone(&self) -> Memory<T> {
        Memory::default()
    }
}

/// What is remembered makes no model differ.
impl<T> PartialEq for Memory<T> {
    fn eq(&self, _: &Memory<T>) -> bool {
        true
    }
}

impl<T> fmt::Debug for Memory<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Memory(..)")
    }
}

impl<T> fmt::Debug for Words<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Words(..)")
    }
}

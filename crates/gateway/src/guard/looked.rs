//! What the engines say of texts, remembered: conversations send the same texts again with each turn.
//!
//! Two generations of entries: when the younger is full, it becomes the older one, and what was in that is forgotten. An entry
//! is found by the BLAKE3 hash of its text and never holds the text.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use castellan_classify::Finding;
use castellan_shield::Source;
use castellan_shield::attack::Verdict;
use castellan_shield::harm::Harms;
use castellan_shield::model::calibration::OperatingPoint;

/// Shards, so that threads seldom wait for one another.
const SHARDS: usize = 16;
/// Texts that are shorter are judged as fast as they are found.
const SHORTEST: usize = 48;

/// What was asked of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Asked {
    Attack(Source, OperatingPoint),
    Harm,
    Findings,
    /// A category of one's own, by the beginning of its file's hash.
    Custom([u8; 16]),
}

/// What was said.
#[derive(Clone, Debug)]
pub(super) enum Said {
    Attack(Arc<Verdict>),
    Harm(Harms),
    Findings(Arc<Vec<Finding>>),
    Custom(f32),
}

impl Said {
    /// Whether the same would be said again: what a second tier could not say for want of time, it may say the next time.
    fn lasts(&self) -> bool {
        match self {
            Said::Attack(verdict) => verdict.failure().is_none(),
            Said::Harm(_) | Said::Findings(_) | Said::Custom(_) => true,
        }
    }
}

type Key = ([u8; 32], Asked);

#[derive(Debug, Default)]
struct Shard {
    young: HashMap<Key, Said>,
    old: HashMap<Key, Said>,
}

/// The memory.
#[derive(Debug)]
pub(super) struct Looked {
    shards: Vec<Mutex<Shard>>,
    /// Entries of one generation of one shard.
    most: usize,
}

impl Looked {
    /// For at most so many entries.
    pub(super) fn new(entries: usize) -> Looked {
        let shards = (0..SHARDS).map(|_| Mutex::default()).collect();
        Looked { shards, most: entries / SHARDS / 2 }
    }

    /// What is known of a text, or what `look` finds out.
    pub(super) fn or(&self, text: &str, asked: Asked, look: impl FnOnce() -> Said) -> Said {
        if text.len() < SHORTEST || self.most == 0 {
            return look();
        }
        let hash = *blake3::hash(text.as_bytes()).as_bytes();
        let key = (hash, asked);
        let place = usize::from(*hash.first().unwrap_or(&0)) % SHARDS;
        let Some(shard) = self.shards.get(place) else { return look() };
        if let Some(said) = shard.lock().unwrap_or_else(PoisonError::into_inner).get(&key, self.most) {
            return said;
        }
        let said = look();
        if said.lasts() {
            shard.lock().unwrap_or_else(PoisonError::into_inner).put(key, said.clone(), self.most);
        }
        said
    }
}

impl Shard {
    fn get(&mut self, key: &Key, most: usize) -> Option<Said> {
        if let Some(said) = self.young.get(key) {
            return Some(said.clone());
        }
        let said = self.old.remove(key)?;
        self.put(*key, said.clone(), most);
        Some(said)
    }

    fn put(&mut self, key: Key, said: Said, most: usize) {
        if self.young.len() >= most {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(key, said);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_text_is_looked_at_once_and_memory_is_bounded() {
        let looked = Looked::new(64);
        let mut times = 0;
        let text = "a text that is longer than those that are not worth remembering";
        for _ in 0..3 {
            looked.or(text, Asked::Harm, || {
                times += 1;
                Said::Harm(Harms::default())
            });
        }
        assert_eq!(times, 1);
        for number in 0..1_000 {
            looked.or(&format!("{text} {number}"), Asked::Harm, || Said::Harm(Harms::default()));
        }
        let held: usize = looked
            .shards
            .iter()
            .map(|shard| shard.lock().map(|shard| shard.young.len() + shard.old.len()).unwrap_or_default())
            .sum();
        assert!(held <= 64, "{held}");
    }
}

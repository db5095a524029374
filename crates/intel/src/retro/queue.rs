//! What is still to hunt, and what was hunted.

use std::collections::{HashMap, VecDeque};

use castellan_base::Ticks;
use serde::{Deserialize, Serialize};

use super::Options;
use crate::held::{Held, Written};
use crate::look::{By, Window};

/// The most values of indicators of which it is remembered that they were hunted. The oldest are forgotten first: they are
/// hunted again if they arrive again.
pub const MAX_HUNTED: usize = 5_000_000;

/// An indicator that is to be hunted over a time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Hunt {
    /// Its id.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// How sure its creator is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confidence: Option<u8>,
    /// Its values.
    pub alternatives: Vec<Written>,
    /// It counts from then on, in ticks.
    pub valid_from: i64,
    /// It does not count then any more, in ticks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_until: Option<i64>,
    /// The first time that is looked through, in ticks.
    pub from: i64,
    /// The first time that is not, in ticks.
    pub until: i64,
    /// What the times are of.
    pub by: By,
}

impl Hunt {
    /// The time that is looked through.
    pub fn window(&self) -> Option<Window> {
        Some(Window { from: Ticks::new(self.from)?, until: Ticks::new(self.until)?, by: self.by })
    }

    /// What tells its values from others, 16 bytes each.
    fn keys(&self) -> impl Iterator<Item = u128> {
        self.alternatives.iter().map(|alternative| key(&self.id, alternative))
    }
}

fn key(id: &str, alternative: &Written) -> u128 {
    let mut parts: Vec<String> =
        alternative.parts.iter().map(|(kind, value)| format!("{kind}\u{1f}{value}")).collect();
    parts.sort();
    let digest = blake3::hash(format!("{id}\u{1e}{}", parts.join("\u{1e}")).as_bytes());
    digest.as_bytes().first_chunk().map_or(0, |bytes| u128::from_le_bytes(*bytes))
}

/// A change of a queue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Entry {
    /// An indicator is to be hunted.
    Queued(Hunt),
    /// The first hunts of the queue are done, so many.
    Done(usize),
    /// Values were hunted up to a time: what stays of hunts that are done.
    Hunted {
        /// What tells the value from others, in hexadecimal.
        key: String,
        /// The time, in ticks.
        until: i64,
    },
}

/// What becomes of an indicator that arrives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Arrived {
    /// It is to be hunted.
    Hunt(Box<Hunt>),
    /// It was hunted, and is watched since.
    Known,
    /// It has no values that are matched row by row, or does not count.
    Nothing,
}

/// What is still to hunt, and what was hunted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Queue {
    pending: VecDeque<Hunt>,
    hunted: HashMap<u128, i64>,
}

impl Queue {
    /// How many indicators are to be hunted.
    pub fn pending(&self) -> usize {
        self.pending.len()
    }

    /// Of how many values it is remembered that they were hunted.
    pub fn hunted(&self) -> usize {
        self.hunted.len()
    }

    /// What is to be done for an indicator that arrives at a time. `is_watched` says that what arrives was held against it
    /// until now, so that only values that were never hunted have to be.
    ///
    /// A value that was hunted before is hunted over what was taken in since; another one over the window of the options.
    pub fn arrive(&self, held: &Held, now: Ticks, is_watched: bool, options: &Options) -> Vec<Arrived> {
        if held.alternatives.is_empty() || !held.counts_at(now) {
            return vec![Arrived::Nothing];
        }
        let mut fresh: Vec<Written> = Vec::new();
        let mut again: Vec<(i64, Written)> = Vec::new();
        let pending: Vec<u128> =
            self.pending.iter().filter(|hunt| hunt.id == held.id).flat_map(Hunt::keys).collect();
        for alternative in held.alternatives.iter().map(Written::of) {
            let key = key(&held.id, &alternative);
            match self.hunted.get(&key) {
                _ if pending.contains(&key) => {}
                None => fresh.push(alternative),
                Some(until) if !is_watched && *until < now.get() => again.push((*until, alternative)),
                Some(_) => {}
            }
        }
        let begin = now.checked_add(-options.window).unwrap_or(Ticks::MIN);
        let hunt = |alternatives: Vec<Written>, from: i64, by: By| {
            Arrived::Hunt(Box::new(Hunt {
                id: held.id.clone(),
                name: held.name.clone(),
                confidence: held.confidence,
                alternatives,
                valid_from: held.from.get(),
                valid_until: held.until.map(Ticks::get),
                from,
                until: now.get(),
                by,
            }))
        };
        let mut found = Vec::new();
        if !fresh.is_empty() {
            found.push(hunt(fresh, begin.get(), By::Known));
        }
        again.sort_by_key(|(until, _)| *until);
        for group in again.chunk_by(|(one, _), (other, _)| one == other) {
            let alternatives = group.iter().map(|(_, alternative)| alternative.clone()).collect();
            let from = group.first().map_or(begin.get(), |(until, _)| *until);
            found.push(hunt(alternatives, from, By::Received));
        }
        if found.is_empty() {
            found.push(Arrived::Known);
        }
        found
    }

    /// Applies a change.
    pub fn apply(&mut self, entry: Entry) {
        match entry {
            Entry::Queued(hunt) => self.pending.push_back(hunt),
            Entry::Done(count) => {
                for hunt in self.pending.drain(..count.min(self.pending.len())) {
                    for key in hunt.keys() {
                        let until = self.hunted.entry(key).or_insert(hunt.until);
                        *until = hunt.until.max(*until);
                    }
                }
                self.forget();
            }
            Entry::Hunted { key, until } => {
                if let Ok(key) = u128::from_str_radix(&key, 16) {
                    self.hunted.insert(key, until);
                }
            }
        }
    }

    /// The changes that make this queue out of an empty one.
    pub fn entries(&self) -> impl Iterator<Item = Entry> {
        let hunted = self.hunted.iter();
        let hunted = hunted.map(|(key, until)| Entry::Hunted { key: format!("{key:032x}"), until: *until });
        hunted.chain(self.pending.iter().cloned().map(Entry::Queued))
    }

    /// The first hunts, of one time, so many at most.
    pub fn next(&self, most: usize) -> Vec<Hunt> {
        let Some(first) = self.pending.front() else { return Vec::new() };
        let time = |hunt: &Hunt| (hunt.from, hunt.until, hunt.by);
        self.pending.iter().take(most.max(1)).take_while(|hunt| time(hunt) == time(first)).cloned().collect()
    }

    fn forget(&mut self) {
        let excess = self.hunted.len().saturating_sub(MAX_HUNTED);
        if excess == 0 {
            return;
        }
        let mut times: Vec<i64> = self.hunted.values().copied().collect();
        times.sort_unstable();
        let Some(last) = times.get(excess - 1).copied() else { return };
        self.hunted.retain(|_, until| *until > last);
    }
}

//! What is remembered of all actors of a definition.
//!
//! *Invariant (order does not matter):* a state is the same whatever order activities of a time came in and however they were
//! cut into parts, as long as none of its bounds is reached.
//!
//! *Invariant (told):* what a state forgets before its time, and what it does not count, is in [`Counts`].

mod actor;
mod forget;
mod keep;
mod peers;

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

pub(crate) use actor::{Actor, Became, Values};
pub use keep::Damaged;

use crate::definition::Definition;
use crate::measure::Clock;

/// How much a state may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// The most actors.
    pub actors: usize,
    /// The most values that are kept one by one, of an actor and a dimension.
    pub values: usize,
    /// The most bytes, about.
    pub bytes: usize,
}

impl Default for Bounds {
    /// 100,000 actors, 500 values, 256 MiB.
    fn default() -> Bounds {
        Bounds { actors: 100_000, values: 500, bytes: 256 << 20 }
    }
}

/// What was not counted, or forgotten before its time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Activities that were counted.
    pub activities: u64,
    /// Activities without an actor.
    pub nameless: u64,
    /// Activities older than is remembered.
    pub old: u64,
    /// Activities of the day after tomorrow or later.
    pub ahead: u64,
    /// Values that there was no room for: whether they are new is not known.
    pub beyond: u64,
    /// Values that made room for others.
    pub evicted_values: u64,
    /// Actors that made room for others.
    pub evicted_actors: u64,
}

impl Counts {
    /// Adds others.
    pub fn add(&mut self, other: &Counts) {
        self.activities += other.activities;
        self.nameless += other.nameless;
        self.old += other.old;
        self.ahead += other.ahead;
        self.beyond += other.beyond;
        self.evicted_values += other.evicted_values;
        self.evicted_actors += other.evicted_actors;
    }
}

/// What is remembered of all actors of a definition, and how far it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct State {
    /// The definition's [fingerprint](Definition::fingerprint).
    pub(crate) fingerprint: String,
    /// What was taken in before is learnt from, and nothing is said of it. In ticks.
    pub(crate) began: i64,
    /// All that was taken in before is counted. In ticks.
    pub(crate) until: i64,
    /// The present day.
    pub(crate) day: i32,
    pub(crate) clock: Clock,
    pub(crate) actors: BTreeMap<Arc<str>, Actor>,
    /// What was not counted, since it began.
    pub(crate) counts: Counts,
    /// Bytes that the actors take, about.
    pub(crate) bytes: usize,
    dimensions: usize,
    /// For each dimension, by how many actors a value is had. Worked out from the actors.
    #[serde(skip)]
    pub(crate) population: Vec<BTreeMap<Arc<str>, u32>>,
}

impl State {
    /// Of a definition that begins at a time, to learn from what was taken in from another time on. Both in ticks.
    pub(crate) fn new(definition: &Definition, from: i64, began: i64) -> State {
        let day = crate::activity::day(from);
        // Everything that may be counted is later than the origin of weights.
        let origin = day.saturating_sub(i32::from(definition.retention.days) + 2);
        State {
            fingerprint: definition.fingerprint(),
            began,
            until: from,
            day,
            clock: Clock::new(origin, definition.retention.half_life),
            actors: BTreeMap::new(),
            counts: Counts::default(),
            bytes: 0,
            dimensions: definition.dimensions.len(),
            population: vec![BTreeMap::new(); definition.dimensions.len()],
        }
    }

    /// How many actors there are.
    pub fn actors(&self) -> usize {
        self.actors.len()
    }

    /// The ids and names of actors, in order.
    pub fn names(&self) -> impl Iterator<Item = (&Arc<str>, &Arc<str>)> {
        self.actors.iter().map(|(id, actor)| (id, &actor.name.text))
    }

    /// All that was taken in before this time is counted. In ticks.
    pub fn until(&self) -> i64 {
        self.until
    }

    /// What was taken in before this time is learnt from alone. In ticks.
    pub fn began(&self) -> i64 {
        self.began
    }

    /// What was not counted, since it began.
    pub fn counts(&self) -> &Counts {
        &self.counts
    }

    /// Bytes that it takes, about.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Whether it is one of this definition.
    pub fn is_of(&self, definition: &Definition) -> bool {
        self.fingerprint == definition.fingerprint()
    }

    /// By how many actors a value is had.
    pub(crate) fn known_by(&self, dimension: usize, value: &str) -> u32 {
        self.population.get(dimension).and_then(|counts| counts.get(value)).copied().unwrap_or(0)
    }

    /// One more actor has a value.
    pub(crate) fn had(&mut self, dimension: usize, value: &Arc<str>) {
        if let Some(counts) = self.population.get_mut(dimension) {
            *counts.entry(Arc::clone(value)).or_default() += 1;
        }
    }

    /// One actor less has a value.
    pub(crate) fn had_not(&mut self, dimension: usize, value: &str) {
        let Some(counts) = self.population.get_mut(dimension) else { return };
        match counts.get_mut(value) {
            Some(count) if *count > 1 => *count -= 1,
            _ => drop(counts.remove(value)),
        }
    }

    /// Works out what is not kept in files.
    fn restore(&mut self) {
        // A definition has few, whatever a file says.
        let mut population = vec![BTreeMap::<Arc<str>, u32>::new(); self.dimensions.min(1_000)];
        for actor in self.actors.values() {
            for (counts, values) in population.iter_mut().zip(&actor.values) {
                for value in values.seen.keys() {
                    *counts.entry(Arc::clone(value)).or_default() += 1;
                }
            }
        }
        self.population = population;
    }
}

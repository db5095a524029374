//! Affinities within a distance: their evidence is gathered while the text comes by, and judged stretch by stretch.
//!
//! A stretch begins with a piece of evidence and is as many characters long as the affinity says. What has to stand there
//! has to stand in it as a whole; what must not (a `max`) must not stand in the same number of characters before it
//! either. A stretch that holds is told, and the next begins behind its evidence. Every occurrence enters and leaves a
//! stretch once, so judging is linear in them, however long the stretch is.

use std::collections::BTreeMap;

use rustc_hash::FxHashMap;

use crate::engine::characters::Offset;
use crate::engine::compile::{CompiledAffinity, Shared};
use crate::engine::document::{Counts, Seen, confidence, span};
use crate::engine::finding::Combination;
use crate::rule::ElementId;

/// Most occurrences that one affinity keeps.
const MOST: usize = 65_536;
/// Most combinations that are told of a text.
const MOST_TOLD: usize = 65_536;

/// An occurrence of an element.
#[derive(Clone, Copy, Debug)]
pub(super) struct Occurrence {
    pub(super) element: usize,
    /// Of its text, with ASCII case folded.
    pub(super) hash: u64,
    pub(super) start: Offset,
    pub(super) end: Offset,
}

/// The affinities within a distance that are selected, and what is known for them.
#[derive(Debug, Default)]
pub(crate) struct Near {
    affinities: Vec<Gathering>,
    /// By element: places in `affinities`.
    users: FxHashMap<usize, Vec<usize>>,
    /// What held, in the order in which it was decided.
    told: Vec<Combination>,
}

/// One affinity.
#[derive(Debug)]
struct Gathering {
    /// A place in [`Shared::affinities`].
    place: usize,
    characters: u64,
    /// Beginnings of stretches that are not decided: byte and character.
    beginnings: BTreeMap<u64, u64>,
    /// What no stretch has reached, by where it ends.
    ahead: BTreeMap<(u64, u64, usize), Occurrence>,
    /// What stands in the stretch.
    stretch: Window,
    /// The same, and what stands before it within the distance.
    around: Window,
    /// The byte before which everything is told.
    free: u64,
}

/// Occurrences in a window, by element.
#[derive(Debug, Default)]
struct Window {
    elements: FxHashMap<usize, Inside>,
    size: usize,
}

#[derive(Debug, Default)]
struct Inside {
    /// By their first byte: a list or an expression matches once at a place.
    places: BTreeMap<u64, Occurrence>,
    /// How often each text.
    different: FxHashMap<u64, u32>,
}

impl Near {
    /// For the affinities at these places, as far as they have a distance.
    pub(super) fn new(shared: &Shared, places: &[usize]) -> Near {
        let mut near = Near::default();
        for place in places {
            let Some(affinity) = shared.affinities.get(*place) else { continue };
            let Some(characters) = affinity.characters else { continue };
            let mut elements = affinity.elements();
            elements.sort();
            elements.dedup();
            for element in elements {
                near.users.entry(element.index()).or_default().push(near.affinities.len());
            }
            near.affinities.push(Gathering::new(*place, characters));
        }
        near
    }

    /// Forgets every occurrence.
    pub(super) fn wipe(&mut self) {
        for gathering in &mut self.affinities {
            *gathering = Gathering::new(gathering.place, gathering.characters);
        }
        self.told.clear();
    }

    /// Whether an element is evidence for an affinity within a distance.
    pub(super) fn wants(&self, element: usize) -> bool {
        self.users.contains_key(&element)
    }

    /// Whether anything is undecided.
    pub(super) fn is_waiting(&self) -> bool {
        self.affinities.iter().any(|gathering| !gathering.beginnings.is_empty())
    }

    /// Notes an occurrence; false when there were too many.
    pub(super) fn note(&mut self, occurrence: Occurrence) -> bool {
        let mut kept = true;
        for place in self.users.get(&occurrence.element).into_iter().flatten() {
            kept &= self.affinities.get_mut(*place).is_none_or(|gathering| gathering.note(occurrence));
        }
        kept
    }

    /// Judges the stretches that end before `known`, or all; false when too many hold.
    pub(super) fn decide(&mut self, shared: &Shared, known: Option<Offset>, least: u8) -> bool {
        for gathering in &mut self.affinities {
            let Some(affinity) = shared.affinities.get(gathering.place) else { continue };
            while self.told.len() < MOST_TOLD
                && let Some((byte, character)) = gathering.beginnings.first_key_value().map(|(b, c)| (*b, *c))
                && known.is_none_or(|known| character + gathering.characters < known.character)
            {
                gathering.beginnings.remove(&byte);
                self.told.extend(gathering.judge((byte, character), affinity, least));
            }
        }
        self.told.len() < MOST_TOLD
    }

    /// What held, by place.
    pub(super) fn told(&mut self) -> Vec<Combination> {
        let mut told = std::mem::take(&mut self.told);
        told.sort_by_key(|combination| (combination.start, combination.end, combination.affinity));
        told
    }
}

impl Gathering {
    fn new(place: usize, characters: u64) -> Gathering {
        Gathering {
            place,
            characters,
            beginnings: BTreeMap::new(),
            ahead: BTreeMap::new(),
            stretch: Window::default(),
            around: Window::default(),
            free: 0,
        }
    }

    fn note(&mut self, occurrence: Occurrence) -> bool {
        if self.ahead.len() + self.around.size >= MOST {
            return false;
        }
        self.beginnings.insert(occurrence.start.byte, occurrence.start.character);
        let by_end = (occurrence.end.character, occurrence.start.byte, occurrence.element);
        self.ahead.insert(by_end, occurrence);
        true
    }

    /// Whether the affinity holds in the stretch that begins here.
    fn judge(
        &mut self,
        (byte, character): (u64, u64),
        affinity: &CompiledAffinity,
        least: u8,
    ) -> Option<Combination> {
        let last = character + self.characters;
        while let Some(entry) = self.ahead.first_entry().filter(|entry| entry.key().0 <= last) {
            let occurrence = entry.remove();
            self.around.add(occurrence);
            if occurrence.start.byte >= byte {
                self.stretch.add(occurrence);
            }
        }
        self.stretch.forget(|occurrence| occurrence.start.byte < byte);
        self.around.forget(|occurrence| occurrence.start.character + self.characters < character);
        if byte < self.free {
            return None;
        }
        let windows = Windows { stretch: &self.stretch, around: &self.around };
        let (confidence, evidence) = confidence(affinity, &windows, least)?;
        let (start, end) = span(&windows, &evidence)?;
        self.free = end.byte;
        Some(Combination { affinity: affinity.place, confidence, start, end, evidence })
    }
}

impl Window {
    fn add(&mut self, occurrence: Occurrence) {
        let inside = self.elements.entry(occurrence.element).or_default();
        if inside.places.insert(occurrence.start.byte, occurrence).is_some() {
            return;
        }
        *inside.different.entry(occurrence.hash).or_insert(0) += 1;
        self.size += 1;
    }

    /// Drops what stands at the beginning and is no longer within.
    fn forget(&mut self, is_out: impl Fn(&Occurrence) -> bool) {
        for inside in self.elements.values_mut() {
            while let Some(entry) = inside.places.first_entry().filter(|entry| is_out(entry.get())) {
                let hash = entry.remove().hash;
                self.size -= 1;
                if let Some(times) = inside.different.get_mut(&hash) {
                    *times -= 1;
                    if *times == 0 {
                        inside.different.remove(&hash);
                    }
                }
            }
        }
    }

    fn inside(&self, element: ElementId) -> Option<&Inside> {
        self.elements.get(&element.index())
    }
}

/// What a stretch holds, and what stands around it.
struct Windows<'a> {
    stretch: &'a Window,
    around: &'a Window,
}

impl Counts for Windows<'_> {
    fn seen(&self, element: ElementId) -> Option<Seen> {
        let inside = self.stretch.inside(element)?;
        let (_, first) = inside.places.first_key_value()?;
        Some(Seen {
            all: inside.places.len() as u32,
            different: inside.different.len() as u32,
            first: (first.start, first.end),
        })
    }

    fn seen_around(&self, element: ElementId) -> Option<Seen> {
        Windows { stretch: self.around, around: self.around }.seen(element)
    }
}

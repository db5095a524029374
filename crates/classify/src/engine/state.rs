//! What a scan knows between two chunks.

use std::hash::RandomState;

use rustc_hash::FxHashMap;

use crate::engine::characters::Offset;
use crate::engine::compile::Shared;
use crate::engine::expression::Ends;
use crate::engine::finding::{Finding, Miss, Supporting};
use crate::engine::keywords::Hit;
use crate::engine::near::Near;
use crate::engine::stretch::Stretch;
use crate::engine::view::View;
use crate::engine::walk::Walk;
use crate::engine::words::{Kind, Words};
use crate::rule::ElementId;

/// What a scan knows between two chunks. Places are bytes of the text at hand.
#[derive(Debug)]
pub(crate) struct State {
    /// By use: where the next match may begin.
    pub(super) allowed: Vec<usize>,
    /// By element: the next place to try.
    pub(super) untried: Vec<usize>,
    pub(super) words: Words,
    pub(super) strings: Words,
    pub(super) walk: Walk,
    /// Keywords that the walk has just found.
    pub(super) fresh: Vec<Hit>,
    /// A stretch of the text that is known to be ASCII.
    pub(super) ascii: (usize, usize),
    /// A stretch of it in which nothing begins that redaction may have left.
    pub(super) plain: (usize, usize),
    pub(super) ends: Ends,
    /// By element: a stretch in which no match of it begins, as far as evidence was looked for.
    pub(super) absent: FxHashMap<usize, (usize, usize)>,
    /// What the last match was judged by, for its memory.
    pub(super) evidence: Vec<Supporting>,
    /// Where the terms were that it was judged by.
    pub(super) stretches: [Stretch; 2],
    /// Findings that later ones may still overlap, in the order in which they were found.
    pub(super) waiting: Vec<Waiting>,
    /// A place in the whole text, at or before every finding to come.
    offset: Offset,
    /// Bytes lost at the beginning of the text at hand.
    pub(crate) base: u64,
    /// By element: occurrences in the document so far, where they are counted.
    pub(super) counts: FxHashMap<usize, Count>,
    pub(super) pending: Vec<Pending>,
    /// Affinities within a distance.
    pub(super) near: Near,
    /// Keyed by the process, so that no text can be made to collide.
    pub(super) hasher: RandomState,
    /// What was nearly found, where that is asked for.
    pub(super) misses: Vec<Miss>,
    /// Matches that wait for evidence anywhere were too many.
    pub(crate) overflowed: bool,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Count {
    pub(super) all: u32,
    /// How often each text, by hash.
    pub(super) different: FxHashMap<u64, u32>,
    pub(super) first: Option<(Offset, Offset)>,
    /// Where the last one ends, in the whole text.
    pub(super) to: u64,
}

/// Most findings, matches or texts that a state has room for when it is kept for the next scan.
const LARGE: usize = 4_096;

#[derive(Debug)]
pub(super) struct Waiting {
    pub(super) finding: Finding,
    /// Its end in the text at hand.
    pub(super) end: usize,
    /// Whether a better finding overlaps it.
    pub(super) beaten: bool,
    /// The farthest end of this one and those before it.
    pub(super) reach: u64,
}

impl Waiting {
    pub(super) fn new(finding: Finding, end: usize) -> Waiting {
        Waiting { reach: finding.end.byte, finding, end, beaten: false }
    }

    /// What they are sorted by: beginning, end, detector, element.
    fn place(&self) -> (u64, u64, usize, ElementId) {
        let finding = &self.finding;
        (finding.start.byte, finding.end.byte, finding.detector, finding.primary)
    }
}

/// Sorts by place. Findings come nearly in order and are large: what is sorted is a number for each, of its beginning and
/// where it is, and those that begin together are compared afterwards.
fn sort(waiting: &mut [Waiting]) {
    let beginning = |(at, one): (usize, &Waiting)| u128::from(one.finding.start.byte) << 64 | at as u128;
    let mut order: Vec<u128> = waiting.iter().enumerate().map(beginning).collect();
    order.sort_unstable();
    let at = |key: &u128| *key as u64 as usize;
    for together in order.chunk_by_mut(|one, next| one >> 64 == next >> 64) {
        if together.len() > 1 {
            together.sort_by_key(|key| waiting.get(at(key)).map(Waiting::place));
        }
    }
    // Each is moved to its place once; where it was before, it may have made room for another.
    for place in 0..order.len() {
        let mut from = order.get(place).map_or(place, at);
        while from < place {
            from = order.get(from).map_or(place, at);
        }
        if let Some(key) = order.get_mut(place) {
            *key = from as u128;
        }
        if from != place {
            waiting.swap(place, from);
        }
    }
}

/// A match whose evidence may stand anywhere.
#[derive(Debug)]
pub(super) struct Pending {
    pub(super) used: usize,
    pub(super) start: Offset,
    pub(super) end: Offset,
    /// Of the text that matched.
    pub(super) hash: u64,
}

impl State {
    pub(crate) fn new(shared: &Shared, view: &View) -> State {
        State {
            allowed: vec![0; shared.uses.len()],
            untried: vec![0; shared.elements.len()],
            words: Words::new(Kind::Words, shared.lists.len(), shared.elements.len()),
            strings: Words::new(Kind::Strings, shared.lists.len(), 0),
            walk: Walk::default(),
            fresh: Vec::new(),
            ascii: (0, 0),
            plain: (0, 0),
            ends: Ends::default(),
            absent: FxHashMap::default(),
            evidence: Vec::new(),
            stretches: Default::default(),
            waiting: Vec::new(),
            offset: Offset::default(),
            base: 0,
            counts: FxHashMap::default(),
            pending: Vec::new(),
            near: Near::new(shared, &view.affinities),
            hasher: RandomState::new(),
            misses: Vec::new(),
            overflowed: false,
        }
    }

    /// Whether a text has made it so large that it should not be kept.
    pub(super) fn is_large(&self) -> bool {
        self.waiting.capacity().max(self.pending.capacity()) > LARGE
    }

    /// Forgets the text, and keeps the tables. The key for hashes stays, which nobody outside can learn.
    pub(super) fn wipe(&mut self) {
        self.allowed.fill(0);
        self.untried.fill(0);
        self.words.wipe();
        self.strings.wipe();
        self.walk.wipe();
        self.fresh.clear();
        (self.ascii, self.plain) = ((0, 0), (0, 0));
        self.absent.clear();
        self.evidence.clear();
        self.stretches = Default::default();
        self.waiting.clear();
        (self.offset, self.base) = (Offset::default(), 0);
        self.counts.clear();
        self.pending.clear();
        self.near.wipe();
        self.misses.clear();
        self.overflowed = false;
    }

    /// Moves everything towards the beginning by `bytes`, which the text at hand has lost there.
    pub(crate) fn rebase(&mut self, text: &[u8], bytes: usize) {
        self.advance_offset(text, bytes);
        for place in self.allowed.iter_mut().chain(&mut self.untried) {
            *place = place.saturating_sub(bytes);
        }
        for waiting in &mut self.waiting {
            waiting.end = waiting.end.saturating_sub(bytes);
        }
        for (from, to) in self.absent.values_mut() {
            (*from, *to) = (from.saturating_sub(bytes), to.saturating_sub(bytes));
        }
        self.words.rebase(bytes);
        self.strings.rebase(bytes);
        self.walk.rebase(bytes);
        (self.ascii, self.plain) = ((0, 0), (0, 0));
        self.base += bytes as u64;
    }

    /// The offsets of both ends of what was found.
    pub(super) fn offsets(&mut self, text: &[u8], (from, to): (usize, usize)) -> (Offset, Offset) {
        let start = self.offset(text, from);
        if self.ascii.0 <= from && to <= self.ascii.1 {
            return (start, start.plus(to - from));
        }
        (start, start.after(text.get(from..to).unwrap_or_default()))
    }

    /// The offset of a place, counted from the last one where that is possible.
    fn offset(&mut self, text: &[u8], place: usize) -> Offset {
        let known = usize::try_from(self.offset.byte - self.base).unwrap_or(0);
        if place < known {
            // A match that began before one that is known: go back by what lies between.
            if self.ascii.0 <= place && known <= self.ascii.1 {
                return self.offset.minus(known - place);
            }
            let between = Offset::default().after(text.get(place..known).unwrap_or_default());
            return Offset {
                byte: self.offset.byte - between.byte,
                character: self.offset.character - between.character,
                utf16: self.offset.utf16 - between.utf16,
            };
        }
        self.advance_offset(text, place);
        self.offset
    }

    /// Keeps a finding until nothing to come can overlap it.
    pub(super) fn wait(&mut self, waiting: Waiting) {
        self.waiting.push(waiting);
    }

    /// Takes the findings that wait, by place.
    pub(super) fn take_waiting(&mut self) -> Vec<Waiting> {
        let mut waiting = std::mem::take(&mut self.waiting);
        if !waiting.is_sorted_by_key(Waiting::place) {
            sort(&mut waiting);
        }
        waiting
    }

    /// Where the first finding begins that is known and not yet told.
    pub(crate) fn earliest_waiting(&self) -> Option<u64> {
        self.waiting.iter().map(|waiting| waiting.finding.start.byte).min()
    }

    fn advance_offset(&mut self, text: &[u8], place: usize) {
        let known = usize::try_from(self.offset.byte.saturating_sub(self.base)).unwrap_or(0);
        if place > known && self.ascii.0 <= known && place <= self.ascii.1 {
            self.offset = self.offset.plus(place - known);
        } else if place > known {
            self.offset = self.offset.after(text.get(known..place).unwrap_or_default());
        }
    }
}

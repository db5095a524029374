//! Evidence that may stand anywhere in the document: counted while the text comes by, judged when it has ended.

use std::hash::BuildHasher as _;

use rustc_hash::FxHashMap;

use crate::engine::characters::Offset;
use crate::engine::clause::Clause;
use crate::engine::compile::{CompiledAffinity, CompiledElement};
use crate::engine::evidence::Match;
use crate::engine::finding::{Combination, Finding, Supporting};
use crate::engine::near::Occurrence;
use crate::engine::run::Run;
use crate::engine::state::{Count, Pending, Waiting};
use crate::rule::ElementId;

/// Most matches kept until the end for evidence that may stand anywhere.
const MOST_PENDING: usize = 65_536;
/// Most different texts of an element that are told apart.
const MOST_DIFFERENT: usize = 10_000;

impl Run<'_> {
    /// Notes an occurrence of an element. Those of an expression are counted one after the other, as they are nearby.
    pub(super) fn count(&mut self, element: usize, found: Match) {
        let base = self.state.base;
        let is_list = self.shared.elements.get(element).is_some_and(CompiledElement::is_list);
        let count = self.state.counts.entry(element).or_default();
        if !is_list && base + (found.start as u64) < count.to {
            return;
        }
        count.to = base + found.end as u64;
        count.all = count.all.saturating_add(1);
        let is_first = count.first.is_none();
        let text = self.text.get(found.start..found.end).unwrap_or_default();
        let hash = self.state.hasher.hash_one(text.to_ascii_lowercase());
        if count.different.len() < MOST_DIFFERENT || count.different.contains_key(&hash) {
            *count.different.entry(hash).or_insert(0) += 1;
        }
        let is_near = self.state.near.wants(element);
        if !is_first && !is_near {
            return;
        }
        let (start, end) = self.state.offsets(self.text, (found.start, found.end));
        if let Some(count) = self.state.counts.get_mut(&element) {
            count.first.get_or_insert((start, end));
        }
        if is_near && !self.state.near.note(Occurrence { element, hash, start, end }) {
            self.state.overflowed = true;
        }
    }

    /// Keeps a match until the end.
    pub(super) fn pend(&mut self, used: usize, found: Match) {
        if self.state.pending.len() >= MOST_PENDING {
            self.state.overflowed = true;
            return;
        }
        let (start, end) = self.state.offsets(self.text, found.value);
        let text = self.text.get(found.start..found.end).unwrap_or_default();
        let hash = self.state.hasher.hash_one(text.to_ascii_lowercase());
        self.state.pending.push(Pending { used, start, end, hash });
    }

    /// Judges what waits for evidence anywhere, and tells the rest. The text has ended.
    pub(crate) fn end(&mut self) -> Vec<Combination> {
        for pending in std::mem::take(&mut self.state.pending) {
            let Some(used) = self.shared.uses.get(pending.used) else { continue };
            let mut evidence = Vec::new();
            let own = |element: ElementId, unique: bool| {
                element.index() == used.element && (!unique || self.is_alone(used.element, pending.hash))
            };
            let judge = Judge { counts: &Whole(&self.state.counts), own: &own, around: false };
            let holding = self.patterns(used).find(|pattern| {
                evidence.clear();
                pattern.clauses.iter().all(|clause| judge.holds(clause, &mut evidence))
            });
            let Some(pattern) = holding else { continue };
            let place = |byte: u64| usize::try_from(byte.saturating_sub(self.state.base)).unwrap_or(0);
            let end = place(pending.end.byte);
            let finding = Finding {
                detector: used.detector,
                pattern: pattern.place,
                confidence: pattern.confidence,
                primary: ElementId::new(used.element),
                start: pending.start,
                end: pending.end,
                evidence,
            };
            self.state.wait(Waiting::new(finding, end));
        }
        self.release(None);
        self.decide(None);
        let anywhere = self.view.affinities.iter().filter_map(|place| self.combination(*place));
        let mut told: Vec<Combination> = anywhere.collect();
        told.extend(self.state.near.told());
        told
    }

    /// Whether an element has matched a text, by its hash, once only.
    fn is_alone(&self, element: usize, hash: u64) -> bool {
        let times = self.state.counts.get(&element).and_then(|count| count.different.get(&hash));
        times.is_none_or(|times| *times < 2)
    }

    /// Judges an affinity whose evidence may stand anywhere.
    fn combination(&self, place: usize) -> Option<Combination> {
        let affinity = self.shared.affinities.get(place).filter(|affinity| affinity.characters.is_none())?;
        let counts = Whole(&self.state.counts);
        let (confidence, evidence) = confidence(affinity, &counts, self.view.min_confidence)?;
        let (start, end) = span(&counts, &evidence).unwrap_or_default();
        Some(Combination { affinity: affinity.place, confidence, start, end, evidence })
    }

    /// Judges the stretches of affinities within a distance that nothing to come can change: those that end before
    /// `place`, or all.
    pub(super) fn decide(&mut self, place: Option<usize>) {
        if !self.state.near.is_waiting() {
            return;
        }
        let known = place.map(|place| self.state.offsets(self.text, (place, place)).0);
        let told = self.state.near.decide(self.shared, known, self.view.min_confidence);
        self.state.overflowed |= !told;
    }
}

/// How often an element occurs.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seen {
    pub(super) all: u32,
    /// How many different texts, with ASCII case folded.
    pub(super) different: u32,
    /// Where it occurs first.
    pub(super) first: (Offset, Offset),
}

/// What is known of the occurrences that count.
pub(super) trait Counts {
    /// Those in which something has to stand.
    fn seen(&self, element: ElementId) -> Option<Seen>;

    /// Those in which something must not stand.
    fn seen_around(&self, element: ElementId) -> Option<Seen> {
        self.seen(element)
    }
}

/// The occurrences in a whole document.
struct Whole<'a>(&'a FxHashMap<usize, Count>);

impl Counts for Whole<'_> {
    fn seen(&self, element: ElementId) -> Option<Seen> {
        let count = self.0.get(&element.index())?;
        Some(Seen { all: count.all, different: count.different.len() as u32, first: count.first? })
    }
}

/// The confidence of an affinity and what gave it, where that is enough.
pub(super) fn confidence(
    affinity: &CompiledAffinity,
    counts: &dyn Counts,
    least: u8,
) -> Option<(u8, Vec<Supporting>)> {
    // No primary stands for itself here.
    let judge = Judge { counts, own: &|_, _| false, around: false };
    let mut evidence = Vec::new();
    let mut doubt = 1.0;
    for (confidence, clauses) in &affinity.parts {
        let before = evidence.len();
        if clauses.iter().all(|clause| judge.holds(clause, &mut evidence)) {
            doubt *= 1.0 - f64::from(*confidence) / 100.0;
        } else {
            evidence.truncate(before);
        }
    }
    let confidence = ((1.0 - doubt) * 100.0).round().clamp(0.0, 100.0) as u8;
    (confidence >= affinity.threshold.max(least).max(1)).then_some((confidence, evidence))
}

/// From the beginning of the first piece of evidence to the end of the last.
pub(super) fn span(counts: &dyn Counts, evidence: &[Supporting]) -> Option<(Offset, Offset)> {
    let places = || evidence.iter().filter_map(|it| Some(counts.seen(it.element)?.first));
    Some((places().map(|(start, _)| start).min()?, places().map(|(_, end)| end).max()?))
}

/// Judges conditions by counts.
struct Judge<'a> {
    counts: &'a dyn Counts,
    /// Whether a primary match is among the occurrences of an element: of all, or the only one with its text. A match
    /// is no evidence for itself.
    own: &'a dyn Fn(ElementId, bool) -> bool,
    /// Whether what must not stand there is asked about.
    around: bool,
}

impl Judge<'_> {
    /// Whether a condition holds. What made it hold is appended to `told`.
    fn holds(&self, clause: &Clause, told: &mut Vec<Supporting>) -> bool {
        let (element, min, unique) = match clause {
            Clause::List { element, min, unique, .. } | Clause::Expression { element, min, unique } => {
                (*element, *min, *unique)
            }
            Clause::Any { min, max, of } => {
                let before = told.len();
                let holding = of.iter().filter(|clause| self.holds(clause, told)).count() as u32;
                let holds = holding >= *min && max.is_none_or(|max| self.holding(of, holding) <= max);
                if !holds {
                    told.truncate(before);
                }
                return holds;
            }
        };
        let seen = if self.around { self.counts.seen_around(element) } else { self.counts.seen(element) };
        let Some(seen) = seen else { return min == 0 };
        let count = if unique { seen.different } else { seen.all };
        let holds = count >= min.saturating_add(u32::from((self.own)(element, unique)));
        if holds {
            let (start, end) = (seen.first.0.byte, seen.first.1.byte);
            told.push(Supporting { element, start, end, distance: 0 });
        }
        holds
    }

    /// How many of these hold where they must not; so many hold where they have to.
    fn holding(&self, of: &[Clause], known: u32) -> u32 {
        if self.around {
            return known;
        }
        let around = Judge { around: true, ..*self };
        of.iter().filter(|clause| around.holds(clause, &mut Vec::new())).count() as u32
    }
}

//! Evidence that may stand anywhere in the document: counted while the text comes by, judged when it has ended.

use std::hash::BuildHasher as _;

use crate::engine::clause::Clause;
use crate::engine::evidence::Match;
use crate::engine::finding::{Combination, Finding, Supporting};
use crate::engine::run::Run;
use crate::engine::state::{Pending, Waiting};
use crate::rule::ElementId;

/// Most matches kept until the end for evidence that may stand anywhere.
const MOST_PENDING: usize = 65_536;
/// Most different texts of an element that are told apart.
const MOST_DIFFERENT: usize = 10_000;

impl Run<'_> {
    /// Notes an occurrence of an element.
    pub(super) fn count(&mut self, element: usize, found: Match) {
        let base = self.state.base;
        let Some(count) = self.state.counts.get_mut(element) else { return };
        count.all = count.all.saturating_add(1);
        count.first.get_or_insert((base + found.start as u64, base + found.end as u64));
        let text = self.text.get(found.start..found.end).unwrap_or_default();
        let hash = self.state.hasher.hash_one(text.to_ascii_lowercase());
        if count.different.len() < MOST_DIFFERENT || count.different.contains_key(&hash) {
            *count.different.entry(hash).or_insert(0) += 1;
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
            let holding = self.patterns(used).find(|pattern| {
                evidence.clear();
                pattern
                    .clauses
                    .iter()
                    .all(|clause| self.counted((used.element, pending.hash), clause, &mut evidence))
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
        self.view.affinities.iter().filter_map(|place| self.combination(*place)).collect()
    }

    /// Judges an affinity.
    fn combination(&self, place: usize) -> Option<Combination> {
        let affinity = self.shared.affinities.get(place)?;
        let mut evidence = Vec::new();
        let mut doubt = 1.0;
        for (confidence, clauses) in &affinity.parts {
            let before = evidence.len();
            // No primary stands for itself here.
            let nobody = (usize::MAX, 0);
            if clauses.iter().all(|clause| self.counted(nobody, clause, &mut evidence)) {
                doubt *= 1.0 - f64::from(*confidence) / 100.0;
            } else {
                evidence.truncate(before);
            }
        }
        let confidence = ((1.0 - doubt) * 100.0).round().clamp(0.0, 100.0) as u8;
        let holds = confidence >= affinity.threshold.max(self.view.min_confidence).max(1);
        holds.then_some(Combination { affinity: affinity.place, confidence, evidence })
    }

    /// Whether a condition holds in the whole document.
    fn counted(&self, primary: (usize, u64), clause: &Clause, told: &mut Vec<Supporting>) -> bool {
        let (element, min, unique) = match clause {
            Clause::List { element, min, unique, .. } | Clause::Expression { element, min, unique } => {
                (*element, *min, *unique)
            }
            Clause::Any { min, max, of } => {
                let before = told.len();
                let holding = of.iter().filter(|clause| self.counted(primary, clause, told)).count() as u32;
                let holds = holding >= *min && max.is_none_or(|max| holding <= max);
                if !holds {
                    told.truncate(before);
                }
                return holds;
            }
        };
        let Some(count) = self.state.counts.get(element.index()) else { return false };
        // A match is no evidence for itself; another one of the same text is.
        let own = element.index() == primary.0;
        let alone = count.different.get(&primary.1).is_none_or(|times| *times < 2);
        let (seen, less) =
            if unique { (count.different.len() as u32, own && alone) } else { (count.all, own) };
        let holds = seen >= min.saturating_add(u32::from(less));
        if let (true, Some((start, end))) = (holds, count.first) {
            told.push(Supporting { element, start, end, distance: 0 });
        }
        holds
    }
}

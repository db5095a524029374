//! What is nearly found: which check a match does not pass, which evidence it lacks, what it had to give way to.

use crate::engine::compile::CompiledUse;
use crate::engine::evidence::Surroundings;
use crate::engine::finding::{Miss, Reason};
use crate::engine::run::Run;
use crate::engine::state::Waiting;
use crate::rule::ElementId;

/// Most that is told of a text.
const MOST: usize = 1_000;

impl Run<'_> {
    /// Notes a match that is no finding.
    pub(super) fn miss(&mut self, used: &CompiledUse, (start, end): (usize, usize), reason: Reason) {
        if self.state.misses.len() < MOST {
            self.state.misses.push(Miss {
                detector: used.detector,
                primary: ElementId::new(used.element),
                start: self.state.base + start as u64,
                end: self.state.base + end as u64,
                reason,
            });
        }
    }

    /// Notes a match that does not pass a check, for each detector that uses the element.
    pub(super) fn missed_by_check(&mut self, element: usize, value: (usize, usize), check: &str) {
        let (view, shared) = (self.view, self.shared);
        let uses = view.active.get(element).map(|active| active.uses.as_slice()).unwrap_or_default();
        for used in uses.iter().filter_map(|place| shared.uses.get(*place)) {
            self.miss(used, value, Reason::Check(check.into()));
        }
    }

    /// The pattern of which the fewest conditions fail, and their elements.
    pub(super) fn least_lacking(&self, used: &CompiledUse, around: &Surroundings<'_>) -> Option<Reason> {
        let lacks = self.patterns(used).map(|pattern| {
            let failing = pattern.clauses.iter().filter(|clause| !around.holds(clause, &mut Vec::new()));
            let failing: Vec<_> = failing.collect();
            (failing.len(), pattern.place, failing)
        });
        let (_, pattern, failing) = lacks.min_by_key(|(count, ..)| *count)?;
        let mut lacking = Vec::new();
        failing.iter().for_each(|clause| clause.elements(&mut lacking));
        Some(Reason::Evidence { pattern, lacking })
    }

    /// Notes findings that gave way to better ones.
    pub(super) fn beaten(&mut self, waiting: &[Waiting]) {
        for Waiting { finding, .. } in waiting.iter().filter(|waiting| waiting.beaten) {
            if self.state.misses.len() < MOST {
                self.state.misses.push(Miss {
                    detector: finding.detector,
                    primary: finding.primary,
                    start: finding.start.byte,
                    end: finding.end.byte,
                    reason: Reason::Overlapped,
                });
            }
        }
    }
}

//! What is told, and when: a finding once nothing to come can overlap it.

use crate::engine::finding::{Finding, Overlap};
use crate::engine::run::Run;
use crate::engine::state::Waiting;

impl Run<'_> {
    /// Tells every finding that nothing to come can overlap: those that end before `place`, or all.
    pub(super) fn release(&mut self, place: Option<usize>) {
        if self.state.waiting.is_empty() {
            return;
        }
        let mut waiting = self.state.take_waiting();
        // In order of their beginning: one that is not final holds back those after it.
        let last = waiting.iter().take_while(|waiting| place.is_none_or(|place| waiting.end < place)).count();
        if self.view.overlap == Overlap::Best {
            self.compare(&mut waiting);
        }
        if self.view.explain {
            self.beaten(waiting.get(..last).unwrap_or_default());
        }
        self.findings.reserve(last);
        for released in waiting.drain(..last) {
            if !released.beaten {
                self.findings.push(released.finding);
            }
        }
        self.state.waiting = waiting;
    }

    /// Marks findings that overlap a better one. A finding can only be marked once all that overlap it are there or
    /// have been there, so nothing depends on when this is done.
    fn compare(&self, waiting: &mut [Waiting]) {
        for at in 1..waiting.len() {
            let Some((before, [this, ..])) = waiting.split_at_mut_checked(at) else { return };
            // Sorted by beginning: those before overlap when they end later than this one begins.
            for other in before.iter_mut().rev() {
                if other.reach <= this.finding.start.byte {
                    break;
                }
                if other.finding.end.byte > this.finding.start.byte {
                    this.beaten |= self.is_better(&other.finding, &this.finding);
                    other.beaten |= self.is_better(&this.finding, &other.finding);
                }
            }
            let so_far = before.last().map_or(0, |other| other.reach);
            this.reach = so_far.max(this.finding.end.byte);
        }
    }

    fn is_better(&self, other: &Finding, this: &Finding) -> bool {
        let length = |finding: &Finding| finding.end.byte - finding.start.byte;
        if other.detector == this.detector {
            let rank = |finding: &Finding| {
                (
                    finding.confidence,
                    length(finding),
                    std::cmp::Reverse((finding.start.byte, finding.primary)),
                )
            };
            return rank(other) > rank(this);
        }
        let category =
            |finding: &Finding| self.shared.rules.detectors.get(finding.detector).map(|it| it.category);
        let same = (other.start, other.end) == (this.start, this.end) || category(other) == category(this);
        same && other.confidence > this.confidence
    }
}

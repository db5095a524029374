//! What was found.

use std::sync::Arc;

use crate::engine::characters::Offset;
use crate::engine::scanner::Outcome;
use crate::rule::ElementId;

/// A place in a text where a detector found its entity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The detector: a place in [`crate::rule::Rules::detectors`].
    pub detector: usize,
    /// The pattern that gave the confidence: a place in the detector's patterns.
    pub pattern: usize,
    /// 1 to 100.
    pub confidence: u8,
    /// The element that matched. Its checks have all passed.
    pub primary: ElementId,
    /// The first byte of what was found.
    pub start: Offset,
    /// One past its last byte.
    pub end: Offset,
    /// What stands nearby and made the pattern hold. Where several places do, the nearest keyword is named.
    pub evidence: Vec<Supporting>,
}

impl Finding {
    /// The byte range, for a text held in memory.
    pub fn range(&self) -> std::ops::Range<usize> {
        let place = |byte| usize::try_from(byte).unwrap_or(usize::MAX);
        place(self.start.byte)..place(self.end.byte)
    }
}

/// A combination of evidence that a document holds, or a stretch of it where the affinity has a distance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Combination {
    /// The affinity: a place in [`crate::rule::Rules::affinities`].
    pub affinity: usize,
    /// 1 to 100: of evidence with the confidences a, b, ..., that at least one is right, 1 - (1 - a)(1 - b)...
    pub confidence: u8,
    /// Where the first piece of its evidence begins; of each element, the first occurrence counts.
    pub start: Offset,
    /// One past the last byte of the one that ends last. Both are 0 where it holds by what is absent.
    pub end: Offset,
    /// What made it hold, each at its first place.
    pub evidence: Vec<Supporting>,
}

/// A piece of evidence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Supporting {
    /// The element that matched.
    pub element: ElementId,
    /// Where, in bytes from the beginning of the text.
    pub start: u64,
    /// One past its last byte.
    pub end: u64,
    /// Characters between it and the primary match; 0 where they touch or overlap.
    pub distance: u64,
}

/// Something that is nearly a finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Miss {
    /// The detector: a place in [`crate::rule::Rules::detectors`].
    pub detector: usize,
    /// The element that matched.
    pub primary: ElementId,
    /// The first byte of what matched.
    pub start: u64,
    /// One past its last byte.
    pub end: u64,
    /// Why it is none.
    pub reason: Reason,
}

/// Why a match is no finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The longest match does not pass this check.
    Check(Arc<str>),
    /// No pattern holds; this one lacks least.
    Evidence {
        /// A place in the detector's patterns.
        pattern: usize,
        /// The elements of the conditions that do not hold.
        lacking: Vec<ElementId>,
    },
    /// A better finding overlaps it.
    Overlapped,
}

/// Findings, and what is nearly one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Explanation {
    /// What a scan gives.
    pub outcome: Outcome,
    /// What is nearly found, by place; at most 1,000.
    pub misses: Vec<Miss>,
}

/// Which of several findings at one place are told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Overlap {
    /// Of overlapping findings of one detector the best is told. Of those of different detectors, one with less
    /// confidence is left out if it is of the same category or covers the same bytes; others are independent and told.
    #[default]
    Best,
    /// Every finding, also several of one detector.
    All,
}

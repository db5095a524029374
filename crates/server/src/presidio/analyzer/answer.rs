//! Results, and which of them are told.

use std::cmp::Reverse;

use serde::Serialize;

use crate::presidio::analyzer::Name;
use crate::presidio::analyzer::explain::Explanation;

/// A result as it is sent: members in the order of their names, as Presidio sends them.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Found {
    pub(super) analysis_explanation: Option<Explanation>,
    pub(super) end: usize,
    pub(super) entity_type: Name,
    pub(super) score: f64,
    pub(super) start: usize,
}

/// The least confidence, 0 to 100, of a pattern that is tried and told. This is the one rule about it:
///
/// * With a threshold, the threshold alone decides, by the score; every pattern is tried.
/// * Where entities are named, every pattern of theirs counts, however unsure: who asks for one knows what the text is.
/// * Otherwise a detector's own recommendation counts, which keeps what is merely possible out of ordinary texts.
pub(super) fn least_told(threshold: Option<f64>, named: bool, recommended: u8) -> u8 {
    if threshold.is_some() || named { 0 } else { recommended }
}

/// Without results that another of the same type covers with at least their score; the best first, then by place.
pub(super) fn without_repetitions(mut found: Vec<Found>) -> Vec<Found> {
    found.sort_by(|left, right| {
        let place = |it: &Found| (it.start, Reverse(it.end));
        let by_place = left.entity_type.cmp(&right.entity_type).then(place(left).cmp(&place(right)));
        by_place.then(right.score.total_cmp(&left.score))
    });
    let mut kept: Vec<Found> = Vec::with_capacity(found.len());
    // Those kept that reach as far as the one that is looked at, by their places among them.
    let mut open: Vec<usize> = Vec::new();
    for result in found {
        open.retain(|index| {
            let other = kept.get(*index);
            other.is_some_and(|other| other.entity_type == result.entity_type && other.end >= result.start)
        });
        let covers = |index: &usize| {
            kept.get(*index).is_some_and(|other| other.end >= result.end && other.score >= result.score)
        };
        if result.score > 0.0 && !open.iter().any(covers) {
            open.push(kept.len());
            kept.push(result);
        }
    }
    kept.sort_by(|left, right| {
        let place = |it: &Found| (it.start, Reverse(it.end));
        right.score.total_cmp(&left.score).then(place(left).cmp(&place(right)))
    });
    kept
}

#[cfg(test)]
mod tests {
    use super::{Found, least_told, without_repetitions};

    fn found(entity: &str, start: usize, end: usize, score: f64) -> Found {
        Found { analysis_explanation: None, entity_type: entity.into(), start, end, score }
    }

    #[test]
    fn repetitions() {
        let check = |all: Vec<Found>, expected: &[(&str, usize, usize)]| {
            let kept = without_repetitions(all);
            let kept: Vec<_> = kept.iter().map(|it| (&*it.entity_type, it.start, it.end)).collect();
            assert_eq!(kept, expected);
        };
        check(vec![found("A", 0, 9, 0.5), found("A", 2, 4, 0.5)], &[("A", 0, 9)]);
        check(vec![found("A", 0, 9, 0.5), found("A", 2, 4, 0.6)], &[("A", 2, 4), ("A", 0, 9)]);
        check(vec![found("A", 0, 9, 0.5), found("B", 2, 4, 0.5)], &[("A", 0, 9), ("B", 2, 4)]);
        check(vec![found("A", 0, 3, 0.5), found("A", 0, 3, 0.5), found("A", 5, 6, 0.0)], &[("A", 0, 3)]);
    }

    #[test]
    fn thresholds() {
        assert_eq!((least_told(None, false, 75), least_told(None, true, 75)), (75, 0));
        assert_eq!(least_told(Some(0.4), false, 75), 0);
    }
}

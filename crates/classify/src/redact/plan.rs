//! Which stretches of a text are replaced, and as what.

use std::cmp::Reverse;
use std::ops::Range;

use crate::redact::format::CheckDigits;
use crate::redact::redactor::Kind;

/// A stretch of findings that overlap one another in a chain ends once it is so long, in bytes. What reaches beyond it
/// is a stretch of its own. So a stream never waits for the end of a chain.
pub(crate) const LONGEST: usize = 16 << 10;

/// A finding that something is done about. Places are bytes of the whole text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Hit {
    pub(crate) start: usize,
    pub(crate) end: usize,
    pub(crate) detector: usize,
    pub(crate) confidence: u8,
    pub(crate) check: CheckDigits,
}

/// A stretch that is replaced as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stretch {
    pub(crate) start: usize,
    pub(crate) end: usize,
    /// The finding that says how.
    pub(crate) hit: Hit,
    /// Whether every finding in it covers all of it.
    pub(crate) exact: bool,
}

/// Joins findings that overlap. Of a finding that begins before `floor`, only what follows is replaced.
///
/// Invariant (most restrictive wins): one more finding never shows a byte that was hidden before.
pub(crate) fn stretches(kinds: &[Kind], hits: &mut [Hit], floor: usize) -> Vec<Stretch> {
    hits.sort_unstable_by_key(|hit| (hit.start, hit.end, hit.detector, hit.confidence));
    let rank = |hit: &Hit| {
        let restriction = kinds.get(hit.detector).map(|kind| kind.operator.restriction());
        (restriction, hit.confidence, Reverse(hit.start), Reverse(hit.detector))
    };
    let extents = extents(hits, floor);
    let mut winners: Vec<Option<Stretch>> = vec![None; extents.len()];
    for hit in hits.iter() {
        let first = extents.partition_point(|extent| extent.end <= hit.start);
        let over = extents.iter().zip(&mut winners).skip(first);
        for (extent, winner) in over.take_while(|(extent, _)| extent.start < hit.end) {
            let Range { start, end } = *extent;
            let stretch = winner.get_or_insert(Stretch { start, end, hit: *hit, exact: true });
            stretch.exact &= (hit.start, hit.end) == (start, end);
            if rank(hit) > rank(&stretch.hit) {
                stretch.hit = *hit;
            }
        }
    }
    winners.into_iter().flatten().collect()
}

/// What sorted findings cover from `floor` on, cut where a chain gets too long.
fn extents(hits: &[Hit], floor: usize) -> Vec<Range<usize>> {
    let mut extents: Vec<Range<usize>> = Vec::new();
    for hit in hits.iter().filter(|hit| hit.end > floor) {
        let start = hit.start.max(floor);
        match extents.last_mut() {
            Some(last) if start < last.end => {
                let behind = last.end;
                if hit.end > behind && last.len() >= LONGEST {
                    extents.push(behind..hit.end);
                } else {
                    last.end = behind.max(hit.end);
                }
            }
            _ => extents.push(start..hit.end),
        }
    }
    extents
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::redact::operator::{Hidden, Mask, Operator, Replacement};

    fn kinds() -> Vec<Kind> {
        let mask = Mask { character: '*', hidden: Hidden::AllBut { shown: 4, at_end: true } };
        let operators =
            [Operator::Mask(mask), Operator::Encrypt, Operator::Replace(Replacement::Type), Operator::Remove];
        let kind = |operator| Kind { label: "A".into(), operator, min_confidence: 0 };
        operators.into_iter().map(kind).collect()
    }

    fn hits() -> impl Strategy<Value = Vec<Hit>> {
        let length = prop_oneof![1..40_usize, 1..3 * LONGEST];
        let hit = (0..2 * LONGEST, length, 0..4_usize).prop_map(|(start, length, detector)| Hit {
            start,
            end: start + length,
            detector,
            confidence: 75,
            check: CheckDigits::None,
        });
        prop::collection::vec(hit, 0..30)
    }

    proptest! {
        #[test]
        fn the_most_restrictive_wins(mut hits in hits()) {
            let kinds = kinds();
            let joined = stretches(&kinds, &mut hits, 0);
            prop_assert!(joined.windows(2).all(|pair| pair[0].end <= pair[1].start));
            let rank = |hit: &Hit| kinds[hit.detector].operator.restriction();
            for hit in &hits {
                let over: Vec<_> = joined.iter().filter(|it| it.start < hit.end && hit.start < it.end).collect();
                let covered: usize = over.iter().map(|it| it.end.min(hit.end) - it.start.max(hit.start)).sum();
                prop_assert_eq!(covered, hit.end - hit.start);
                for stretch in over {
                    prop_assert!(rank(&stretch.hit) >= rank(hit));
                    let same = (hit.start, hit.end) == (stretch.start, stretch.end);
                    prop_assert!(same || !stretch.exact);
                }
            }
        }

        /// A stream that has passed some stretches sees the rest as it was.
        #[test]
        fn what_has_passed_does_not_matter(mut hits in hits(), passed in 0..6_usize) {
            let kinds = kinds();
            let whole = stretches(&kinds, &mut hits, 0);
            let (before, after) = whole.split_at(passed.min(whole.len()));
            let floor = before.last().map_or(0, |stretch| stretch.end);
            prop_assert_eq!(after, stretches(&kinds, &mut hits, floor));
        }
    }
}

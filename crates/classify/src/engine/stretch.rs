//! A stretch of a list of terms, which goes along with the windows of matches.

use crate::engine::keywords::Hit;

/// Where the terms are that begin in a window: places among all.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Stretch {
    first: usize,
    last: usize,
}

impl Stretch {
    /// Moves to the terms that begin in a window.
    pub(crate) fn go_to<'a>(&mut self, hits: &'a [Hit], (from, to): (usize, usize)) -> &'a [Hit] {
        self.first = follow(hits, self.first, from);
        self.last = follow(hits, self.last.max(self.first), to);
        hits.get(self.first..self.last).unwrap_or_default()
    }
}

/// The first of these terms that begins at or after a place, looked for from one that is probably near, in steps that
/// double.
fn follow(hits: &[Hit], near: usize, place: usize) -> usize {
    let is_before = |at: usize| hits.get(at).is_some_and(|hit| hit.start < place);
    let mut step = 1;
    let (from, to) = match near.min(hits.len()).checked_sub(1).filter(|at| !is_before(*at)) {
        Some(mut at) => loop {
            let farther = at.saturating_sub(step);
            if at == 0 || is_before(farther) {
                break (farther, at);
            }
            (at, step) = (farther, 2 * step);
        },
        None => {
            let mut at = near.min(hits.len());
            loop {
                let farther = at + step;
                if !is_before(farther - 1) {
                    break (at, farther.min(hits.len()));
                }
                (at, step) = (farther, 2 * step);
            }
        }
    };
    from + hits.get(from..to).map_or(0, |hits| hits.partition_point(|hit| hit.start < place))
}

#[cfg(test)]
mod tests {
    use super::{Stretch, follow};
    use crate::engine::keywords::Hit;

    #[test]
    fn places_are_found_from_anywhere() {
        let hits: Vec<Hit> =
            [0, 3, 3, 7, 8, 8, 8, 12, 40].map(|start| Hit { start, end: start + 1, list: 0 }).into();
        for count in 0..=hits.len() {
            let hits = &hits[..count];
            for place in 0..42 {
                let expected = hits.partition_point(|hit| hit.start < place);
                for near in 0..12 {
                    assert_eq!(follow(hits, near, place), expected, "{count} {place} {near}");
                }
            }
        }
        let mut stretch = Stretch::default();
        assert_eq!(stretch.go_to(&hits, (3, 9)).len(), 6);
        assert_eq!(stretch.go_to(&hits, (0, 3)).len(), 1);
    }
}

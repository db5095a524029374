//! Where each byte of a derived text comes from.

use std::ops::Range;

/// A stretch of a derived text: either its bytes correspond to those of the origin one to one, or all of them together
/// come from all of the origin's stretch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Piece {
    derived: usize,
    start: usize,
    end: usize,
    exact: bool,
}

/// A map from byte ranges of a derived text to byte ranges of its origin.
///
/// *Invariant (in bounds):* every range that [`Map::origin`] gives lies within the origin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Map {
    /// Nothing where the map is the identity.
    pieces: Vec<Piece>,
    derived_length: usize,
    origin_length: usize,
    identity: bool,
    monotone: bool,
}

impl Map {
    /// The map of a text of `length` bytes onto itself, byte for byte.
    pub fn identity(length: usize) -> Self {
        let pieces = Vec::new();
        Self { pieces, derived_length: length, origin_length: length, identity: true, monotone: true }
    }

    /// Whether every byte comes from the byte at its own place.
    pub fn is_identity(&self) -> bool {
        self.identity
    }

    /// Whether what comes later in the derived text comes from later in the origin. Reversed text is not so.
    pub fn is_monotone(&self) -> bool {
        self.monotone
    }

    /// Length of the derived text in bytes.
    pub fn derived_length(&self) -> usize {
        self.derived_length
    }

    /// Length of the origin in bytes.
    pub fn origin_length(&self) -> usize {
        self.origin_length
    }

    /// The smallest range of the origin from which all bytes of `range` come. An empty range gives an empty one; what
    /// lies outside of the derived text is cut off.
    pub fn origin(&self, range: Range<usize>) -> Range<usize> {
        let start = range.start.min(self.derived_length);
        let end = range.end.clamp(start, self.derived_length);
        if self.identity {
            return start..end;
        }
        if start == end {
            let place = self.origin_of_point(start);
            return place..place;
        }
        let first = self.piece_index(start);
        let last = self.piece_index(end - 1);
        let touched = self.pieces.get(first..=last).unwrap_or_default();
        let ends = match touched {
            [only] => [Some(only), None],
            [head, .., tail] if self.monotone => [Some(head), Some(tail)],
            _ => return self.union(touched.iter(), start, end),
        };
        self.union(ends.into_iter().flatten(), start, end)
    }

    fn union<'a>(&self, pieces: impl Iterator<Item = &'a Piece>, start: usize, end: usize) -> Range<usize> {
        let mut all: Option<Range<usize>> = None;
        for piece in pieces {
            let part = piece.origin(start, end);
            all = Some(match all {
                None => part,
                Some(so_far) => so_far.start.min(part.start)..so_far.end.max(part.end),
            });
        }
        all.unwrap_or(0..0)
    }

    fn origin_of_point(&self, point: usize) -> usize {
        let Some(piece) = self.pieces.get(self.piece_index(point)) else { return 0 };
        match piece.exact {
            true => (piece.start + point.saturating_sub(piece.derived)).min(piece.end),
            false if point <= piece.derived => piece.start,
            false => piece.end,
        }
    }

    /// The piece that holds the byte at `place`.
    fn piece_index(&self, place: usize) -> usize {
        self.pieces.partition_point(|piece| piece.derived <= place).saturating_sub(1)
    }

    /// This map followed by `outer`, whose derived text is the origin of this one.
    #[must_use]
    pub fn then(&self, outer: &Map) -> Map {
        if outer.identity {
            let mut whole = self.clone();
            whole.origin_length = outer.origin_length;
            return whole;
        }
        if self.identity && self.derived_length == outer.derived_length {
            return outer.clone();
        }
        let mut builder = MapBuilder::default();
        if self.identity {
            builder.follow(0..self.derived_length, outer);
        }
        for (index, piece) in self.pieces.iter().enumerate() {
            let derived_end = self.pieces.get(index + 1).map_or(self.derived_length, |next| next.derived);
            let length = derived_end - piece.derived;
            match piece.exact {
                true => builder.follow(piece.start..piece.start + length, outer),
                false => builder.block(length, outer.origin(piece.start..piece.end)),
            }
        }
        builder.finish(outer.origin_length)
    }
}

impl Piece {
    fn origin(&self, start: usize, end: usize) -> Range<usize> {
        if !self.exact {
            return self.start..self.end;
        }
        let from = self.start + start.saturating_sub(self.derived);
        let to = self.start + end.saturating_sub(self.derived);
        from.min(self.end)..to.min(self.end)
    }
}

/// Builds a [`Map`] from the front of the derived text to its end.
#[derive(Clone, Debug)]
pub(crate) struct MapBuilder {
    pieces: Vec<Piece>,
    length: usize,
    monotone: bool,
}

impl Default for MapBuilder {
    fn default() -> Self {
        Self { pieces: Vec::new(), length: 0, monotone: true }
    }
}

impl MapBuilder {
    /// The next `length` bytes are those from `start` on.
    pub(crate) fn exact(&mut self, length: usize, start: usize) {
        if length == 0 {
            return;
        }
        let end = start + length;
        match self.pieces.last_mut() {
            Some(last) if last.exact && last.end == start => last.end = end,
            _ => self.push(Piece { derived: self.length, start, end, exact: true }),
        }
        self.length += length;
    }

    /// The next `length` bytes come from all of `origin`.
    pub(crate) fn block(&mut self, length: usize, origin: Range<usize>) {
        if length == 0 {
            return;
        }
        match self.pieces.last() {
            Some(last) if !last.exact && last.start == origin.start && last.end == origin.end => {}
            _ => {
                let (start, end) = (origin.start, origin.end.max(origin.start));
                self.push(Piece { derived: self.length, start, end, exact: false });
            }
        }
        self.length += length;
    }

    fn push(&mut self, piece: Piece) {
        if self.pieces.last().is_some_and(|last| piece.start < last.start || piece.end < last.end) {
            self.monotone = false;
        }
        self.pieces.push(piece);
    }

    /// The next bytes are those of `middle` in the derived text of `outer`.
    fn follow(&mut self, middle: Range<usize>, outer: &Map) {
        if outer.identity {
            return self.exact(middle.len(), middle.start);
        }
        let mut at = middle.start;
        let mut index = outer.piece_index(at);
        while at < middle.end {
            let Some(piece) = outer.pieces.get(index) else { return };
            let piece_end = outer.pieces.get(index + 1).map_or(outer.derived_length, |next| next.derived);
            let end = piece_end.min(middle.end);
            match piece.exact {
                true => self.exact(end - at, piece.start + (at - piece.derived)),
                false => self.block(end - at, piece.start..piece.end),
            }
            at = end;
            index += 1;
        }
    }

    /// The map, onto an origin of `origin_length` bytes.
    pub(crate) fn finish(self, origin_length: usize) -> Map {
        let identity = match self.pieces.as_slice() {
            [] => origin_length == 0,
            [only] => only.exact && only.start == 0 && only.end == origin_length,
            _ => false,
        };
        let pieces = if identity { Vec::new() } else { self.pieces };
        Map { pieces, derived_length: self.length, origin_length, identity, monotone: self.monotone }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Map {
        let mut builder = MapBuilder::default();
        builder.exact(3, 0);
        builder.block(2, 5..9);
        builder.exact(2, 9);
        builder.finish(12)
    }

    #[test]
    fn ranges_come_from_where_their_pieces_do() {
        let map = sample();
        assert_eq!(map.origin(1..3), 1..3);
        assert_eq!(map.origin(3..4), 5..9);
        assert_eq!(map.origin(2..6), 2..10);
        assert_eq!(map.origin(0..100), 0..11);
        assert_eq!(map.origin(5..5), 9..9);
        assert!(map.is_monotone());
    }

    #[test]
    fn maps_compose() {
        let mut builder = MapBuilder::default();
        builder.exact(4, 2);
        builder.block(1, 0..2);
        let inner = builder.finish(7);
        let both = inner.then(&sample());
        assert_eq!(both.origin(0..1), 2..3);
        assert_eq!(both.origin(1..2), 5..9);
        assert_eq!(both.origin(3..4), 9..10);
        assert_eq!(both.origin(4..5), 0..2);
        assert!(!both.is_monotone());
        assert_eq!(both.derived_length(), 5);
        assert_eq!(both.origin_length(), 12);
    }
}

//! Lists of texts that a match may, or may not, be, begin or end with, or stand beside.

use crate::rule::{Check, Side};

/// Most blanks between a match and what must, or must not, stand beside it.
pub(super) const MOST_BLANKS: usize = 3;

/// The texts of a check, in lower case. Some lists are of a hundred, so those that cannot be there are not compared.
#[derive(Default)]
pub(super) struct Texts {
    /// Sorted.
    all: Vec<Box<[u8]>>,
    /// By their first byte.
    beginning: Edge,
    /// By their last byte.
    ending: Edge,
}

impl Texts {
    /// The texts of a check that has some.
    pub(super) fn of(check: &Check) -> Texts {
        let (Check::Not(texts) | Check::Edge { texts, .. } | Check::Beside { texts, .. }) = check else {
            return Texts::default();
        };
        let folded = texts.iter().map(|text| text.bytes().map(|byte| byte.to_ascii_lowercase()).collect());
        let mut all: Vec<Box<[u8]>> = folded.collect();
        all.sort_unstable();
        let beginning = Edge::of(&all, |text| text.first());
        let ending = Edge::of(&all, |text| text.last());
        Texts { all, beginning, ending }
    }

    /// Whether a value is one of them.
    pub(super) fn has(&self, value: &[u8]) -> bool {
        let folded = || value.iter().map(u8::to_ascii_lowercase);
        self.all.binary_search_by(|text| text.iter().copied().cmp(folded())).is_ok()
    }

    /// Whether a text begins or ends with one of them.
    pub(super) fn touch(&self, text: &[u8], side: Side) -> bool {
        match side {
            Side::Start => self.beginning.has(text.first(), |length| text.get(..length)),
            Side::End => self.ending.has(text.last(), |length| text.get(text.len().checked_sub(length)?..)),
        }
    }

    /// Whether one of them stands before or after a match, with up to three blanks left out.
    pub(super) fn stand_beside(&self, text: &[u8], (start, end): (usize, usize), side: Side) -> bool {
        let (mut rest, near) = match side {
            Side::Start => (text.get(..start).unwrap_or_default(), Side::End),
            Side::End => (text.get(end..).unwrap_or_default(), Side::Start),
        };
        for _ in 0..=MOST_BLANKS {
            if self.touch(rest, near) {
                return true;
            }
            rest = match (near, rest) {
                (Side::Start, [b' ' | b'\t' | b'\n' | b'\r', rest @ ..]) => rest,
                (Side::End, [rest @ .., b' ' | b'\t' | b'\n' | b'\r']) => rest,
                _ => return false,
            };
        }
        false
    }
}

/// Texts by the byte at one of their edges.
#[derive(Default)]
struct Edge {
    /// Those with the same byte side by side.
    texts: Vec<Box<[u8]>>,
    /// By byte: where its texts are.
    places: Vec<(u32, u32)>,
    /// Whether one has no bytes.
    empty: bool,
}

impl Edge {
    fn of(all: &[Box<[u8]>], byte: impl Fn(&[u8]) -> Option<&u8>) -> Edge {
        let mut texts: Vec<Box<[u8]>> = all.iter().filter(|text| !text.is_empty()).cloned().collect();
        texts.sort_by_key(|text| byte(text).copied());
        let mut places = vec![(0, 0); 256];
        for (place, text) in (0_u32..).zip(&texts) {
            let known = byte(text).and_then(|byte| places.get_mut(usize::from(*byte)));
            if let Some((from, to)) = known {
                *from = if *to == 0 { place } else { *from };
                *to = place.saturating_add(1);
            }
        }
        Edge { empty: texts.len() < all.len(), texts, places }
    }

    /// Whether one of the texts is what stands there; `part` gives so many bytes of it.
    fn has<'a>(&self, byte: Option<&u8>, part: impl Fn(usize) -> Option<&'a [u8]>) -> bool {
        let folded = byte.map(|byte| usize::from(byte.to_ascii_lowercase()));
        let (from, to) = folded.and_then(|byte| self.places.get(byte)).copied().unwrap_or_default();
        let near = self.texts.get(from as usize..to as usize).unwrap_or_default();
        self.empty || near.iter().any(|text| part(text.len()).is_some_and(|it| text.eq_ignore_ascii_case(it)))
    }
}

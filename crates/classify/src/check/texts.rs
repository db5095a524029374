//! Lists of texts that a match may, or may not, be, begin or end with, or stand beside.

use crate::rule::{Check, Side};

/// Most blanks between a match and what must, or must not, stand beside it.
pub(super) const MOST_BLANKS: usize = 3;

/// The texts of a check, in lower case. Some lists are of a hundred, so those that cannot be there are not compared.
#[derive(Default)]
pub(super) struct Texts {
    /// Sorted.
    all: Vec<Box<[u8]>>,
    /// Each backwards, sorted: for what ends with them.
    backwards: Vec<Box<[u8]>>,
}

impl Texts {
    /// The texts of a check that has some.
    pub(super) fn of(check: &Check) -> Texts {
        let (Check::Not(texts) | Check::Edge { texts, .. } | Check::Beside { texts, .. }) = check else {
            return Texts::default();
        };
        let mut all: Vec<Box<[u8]>> = texts.iter().map(|text| text.bytes().map(lower).collect()).collect();
        all.sort_unstable();
        let mut backwards: Vec<Box<[u8]>> =
            texts.iter().map(|text| text.bytes().rev().map(lower).collect()).collect();
        backwards.sort_unstable();
        Texts { all, backwards }
    }

    /// Whether a value is one of them.
    pub(super) fn has(&self, value: &[u8]) -> bool {
        let folded = || value.iter().copied().map(lower);
        self.all.binary_search_by(|text| text.iter().copied().cmp(folded())).is_ok()
    }

    /// Whether a text begins or ends with one of them.
    pub(super) fn touch(&self, text: &[u8], side: Side) -> bool {
        match side {
            Side::Start => leads(&self.all, || text.iter().copied()),
            Side::End => leads(&self.backwards, || text.iter().rev().copied()),
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

/// Whether one of some sorted texts is the beginning of these bytes.
fn leads<I: Iterator<Item = u8>>(texts: &[Box<[u8]>], bytes: impl Fn() -> I) -> bool {
    let first = bytes().next().map(lower);
    // Those that begin with another byte come before or after.
    let from = texts.partition_point(|text| text.first().copied() < first);
    let near = texts.get(from..).unwrap_or_default();
    let empty = texts.first().is_some_and(|text| text.is_empty());
    let mut possible = near.iter().take_while(|text| text.first().copied() == first);
    empty || possible.any(|text| bytes().map(lower).take(text.len()).eq(text.iter().copied()))
}

fn lower(byte: u8) -> u8 {
    byte.to_ascii_lowercase()
}

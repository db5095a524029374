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
        let beginning = Edge::of(&all, |text| text.first(), |text| Tip::of(text.iter()));
        let ending = Edge::of(&all, |text| text.last(), |text| Tip::of(text.iter().rev()));
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
            Side::Start => {
                let tip = || Tip::of(text.iter());
                self.beginning.has(text.first(), tip, |length| text.get(..length))
            }
            Side::End => {
                let tip = || Tip::of(text.iter().rev());
                self.ending.has(text.last(), tip, |length| text.get(text.len().checked_sub(length)?..))
            }
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
    /// Those with the same byte side by side, each with what its four bytes at the edge have to be.
    texts: Vec<(Tip, Box<[u8]>)>,
    /// By byte: where its texts are.
    places: Vec<(u32, u32)>,
    /// Whether one has no bytes.
    empty: bool,
}

/// The last four bytes at an edge, or as many as there are, with the bit of lower case set. Of a list, most texts differ
/// from what stands there in these, and one comparison says so.
#[derive(Clone, Copy)]
struct Tip {
    bytes: u32,
    mask: u32,
}

impl Tip {
    /// The bytes from the edge inwards.
    #[inline]
    fn of<'a>(inwards: impl Iterator<Item = &'a u8>) -> Tip {
        let add = |tip: Tip, byte: &u8| Tip {
            bytes: tip.bytes << 8 | u32::from(byte | 0x20),
            mask: tip.mask << 8 | 0xFF,
        };
        let tip = inwards.take(4).fold(Tip { bytes: 0, mask: 0 }, add);
        // What is nearest to the edge is highest.
        let missing = tip.mask.leading_zeros();
        let up = |bits: u32| bits.checked_shl(missing).unwrap_or(0);
        Tip { bytes: up(tip.bytes), mask: up(tip.mask) }
    }

    /// Whether a text with this tip can stand where the other is.
    #[inline]
    fn fits(self, other: Tip) -> bool {
        (self.bytes ^ other.bytes) & self.mask == 0
    }
}

impl Edge {
    fn of(all: &[Box<[u8]>], byte: impl Fn(&[u8]) -> Option<&u8>, tip: impl Fn(&[u8]) -> Tip) -> Edge {
        let some = all.iter().filter(|text| !text.is_empty());
        let mut texts: Vec<(Tip, Box<[u8]>)> = some.map(|text| (tip(text), text.clone())).collect();
        texts.sort_by_key(|(_, text)| byte(text).copied());
        let mut places = vec![(0, 0); 256];
        for (place, (_, text)) in (0_u32..).zip(&texts) {
            let known = byte(text).and_then(|byte| places.get_mut(usize::from(*byte)));
            if let Some((from, to)) = known {
                *from = if *to == 0 { place } else { *from };
                *to = place.saturating_add(1);
            }
        }
        Edge { empty: texts.len() < all.len(), texts, places }
    }

    /// Whether one of the texts is what stands there, of which the first byte and the first four are given; `part` gives so
    /// many bytes of it.
    #[inline]
    fn has<'a>(
        &self,
        byte: Option<&u8>,
        tip: impl FnOnce() -> Tip,
        part: impl Fn(usize) -> Option<&'a [u8]>,
    ) -> bool {
        let folded = byte.map(|byte| usize::from(byte.to_ascii_lowercase()));
        let (from, to) = folded.and_then(|byte| self.places.get(byte)).copied().unwrap_or_default();
        if from == to {
            return self.empty;
        }
        let near = self.texts.get(from as usize..to as usize).unwrap_or_default();
        let tip = tip();
        let is = |text: &[u8]| part(text.len()).is_some_and(|it| text.eq_ignore_ascii_case(it));
        self.empty || near.iter().any(|(wanted, text)| wanted.fits(tip) && is(text))
    }
}

#[cfg(test)]
mod tests {
    use super::Texts;
    use crate::rule::{Check, Side};

    /// Every list agrees with comparing all of its texts.
    #[test]
    fn edges_are_what_the_texts_say() {
        let lists: [&[&str]; 4] =
            [&["a", "ab", "Abc", " Street", "@{x"], &["st", "ST.", "", "est"], &["\u{e9}a", "`"], &["xyzzy"]];
        let texts = [
            "",
            "a",
            "AB",
            "cab",
            "Main STREET",
            "st",
            "test.",
            "\u{e9}A",
            "@[X",
            "@{X",
            "@",
            "xyzz",
            "xyzzy",
        ];
        for list in lists {
            let known = Texts::of(&Check::Not(list.iter().map(|text| (*text).into()).collect()));
            for text in texts {
                let folded = text.to_ascii_lowercase();
                let starts = list.iter().any(|it| folded.starts_with(&it.to_ascii_lowercase()));
                let ends = list.iter().any(|it| folded.ends_with(&it.to_ascii_lowercase()));
                assert_eq!(known.touch(text.as_bytes(), Side::Start), starts, "{list:?} {text}");
                assert_eq!(known.touch(text.as_bytes(), Side::End), ends, "{list:?} {text}");
            }
        }
    }
}

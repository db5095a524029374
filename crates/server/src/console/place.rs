//! Places in texts, as browsers count them: in UTF-16 code units.

use castellan_kql::Span;
use serde::Serialize;

/// From where to where, in UTF-16 code units.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct Place {
    pub(super) start: usize,
    pub(super) end: usize,
}

/// A text whose places are asked for. A question walks over the text, unless it is of ASCII alone, as nearly all queries are.
#[derive(Clone, Copy, Debug)]
pub(super) struct Utf16<'t> {
    text: &'t str,
    is_ascii: bool,
}

impl<'t> Utf16<'t> {
    pub(super) fn of(text: &'t str) -> Utf16<'t> {
        Utf16 { text, is_ascii: text.is_ascii() }
    }

    /// The code unit at which a byte stands. Bytes within a character count as its beginning, those beyond the end as the end.
    pub(super) fn unit(self, byte: usize) -> usize {
        if self.is_ascii {
            return byte.min(self.text.len());
        }
        let before = self.text.char_indices().take_while(|(at, character)| at + character.len_utf8() <= byte);
        before.map(|(_, character)| character.len_utf16()).sum()
    }

    /// The byte at which a code unit stands.
    pub(super) fn byte(self, unit: usize) -> usize {
        if self.is_ascii {
            return unit.min(self.text.len());
        }
        let mut units = 0;
        for (at, character) in self.text.char_indices() {
            if units + character.len_utf16() > unit {
                return at;
            }
            units += character.len_utf16();
        }
        self.text.len()
    }

    pub(super) fn range(self, range: &std::ops::Range<usize>) -> Place {
        Place { start: self.unit(range.start), end: self.unit(range.end) }
    }

    pub(super) fn place(self, span: Span) -> Place {
        let byte = |at: u32| usize::try_from(at).unwrap_or(usize::MAX);
        self.range(&(byte(span.start)..byte(span.end)))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::Utf16;

    #[test]
    fn units() {
        let text = Utf16::of("a\u{e9}\u{1f600}b");
        assert_eq!([0, 1, 3, 7, 8, 99].map(|byte| text.unit(byte)), [0, 1, 2, 4, 5, 5]);
        assert_eq!([0, 1, 2, 4, 5, 99].map(|unit| text.byte(unit)), [0, 1, 3, 7, 8, 8]);
        // Within a character.
        assert_eq!((text.unit(5), text.byte(3)), (2, 3));
    }

    proptest! {
        #[test]
        fn there_and_back(text in ".{0,40}") {
            let places = Utf16::of(&text);
            for (at, _) in text.char_indices() {
                prop_assert_eq!(places.byte(places.unit(at)), at);
            }
            prop_assert_eq!(places.unit(text.len()), text.encode_utf16().count());
        }
    }
}

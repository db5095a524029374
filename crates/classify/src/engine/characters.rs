//! Characters and UTF-16 units of a text whose spans are bytes.
//!
//! *How text that is no UTF-8 is counted:* every byte that does not continue a character (`10xxxxxx`) counts as one
//! character; from `0xF0` on it counts as two UTF-16 units, otherwise as one. For UTF-8 that is exact.

/// A place in a text in three units.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Offset {
    /// Bytes from the beginning.
    pub byte: u64,
    /// Unicode code points from the beginning.
    pub character: u64,
    /// UTF-16 units from the beginning.
    pub utf16: u64,
}

impl Offset {
    /// The place after so many ASCII characters.
    pub(crate) fn plus(self, characters: usize) -> Offset {
        let length = characters as u64;
        Offset { byte: self.byte + length, character: self.character + length, utf16: self.utf16 + length }
    }

    /// The place before so many ASCII characters.
    pub(crate) fn minus(self, characters: usize) -> Offset {
        let length = characters as u64;
        Offset { byte: self.byte - length, character: self.character - length, utf16: self.utf16 - length }
    }

    /// The place after these bytes.
    pub(crate) fn after(self, bytes: &[u8]) -> Offset {
        let length = bytes.len() as u64;
        if bytes.is_ascii() {
            return self.plus(bytes.len());
        }
        let characters = count(bytes) as u64;
        let wide = bytes.iter().filter(|byte| **byte >= 0xF0).count() as u64;
        Offset {
            byte: self.byte + length,
            character: self.character + characters,
            utf16: self.utf16 + characters + wide,
        }
    }
}

/// How many characters begin in these bytes.
pub(crate) fn count(bytes: &[u8]) -> usize {
    bytes.iter().filter(|byte| begins(**byte)).count()
}

fn begins(byte: u8) -> bool {
    byte & 0xC0 != 0x80
}

/// The place `characters` before `place`, or the beginning.
pub(crate) fn back(text: &[u8], place: usize, characters: usize) -> usize {
    let before = text.get(..place).unwrap_or_default();
    let near = before.len().saturating_sub(characters);
    if before.get(near..).is_some_and(<[u8]>::is_ascii) {
        return near;
    }
    let mut begun = before.iter().enumerate().rev().filter(|(_, byte)| begins(**byte));
    match characters.checked_sub(1) {
        None => place,
        Some(others) => begun.nth(others).map_or(0, |(at, _)| at),
    }
}

/// The place `characters` after `place`, or the end.
pub(crate) fn forward(text: &[u8], place: usize, characters: usize) -> usize {
    let after = text.get(place..).unwrap_or_default();
    let far = after.len().min(characters);
    if after.get(..far).is_some_and(<[u8]>::is_ascii) && after.get(far).is_none_or(|byte| begins(*byte)) {
        return place + far;
    }
    let mut begun = after.iter().enumerate().filter(|(_, byte)| begins(**byte));
    begun.nth(characters).map_or(text.len(), |(at, _)| place + at)
}

#[cfg(test)]
mod tests {
    use super::{Offset, back, forward};

    #[test]
    fn characters_are_counted_both_ways() {
        let text = "a\u{e9}\u{1f600}bcd".as_bytes();
        let places: Vec<usize> =
            "a\u{e9}\u{1f600}bcd".char_indices().map(|(at, _)| at).chain([text.len()]).collect();
        for (from, at) in places.iter().enumerate() {
            for (to, target) in places.iter().enumerate() {
                if to <= from {
                    assert_eq!(back(text, *at, from - to), *target);
                } else {
                    assert_eq!(forward(text, *at, to - from), *target);
                }
            }
        }
        assert_eq!((back(text, 3, 9), forward(text, 3, 9)), (0, text.len()));
        let end = Offset::default().after(text);
        assert_eq!((end.byte, end.character, end.utf16), (10, 6, 7));
    }
}

//! Sets of bytes.

use serde::{Deserialize, Serialize};

/// A set of byte values.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct ByteSet([u64; 4]);

impl ByteSet {
    /// Bytes below 128.
    pub(crate) const ASCII: ByteSet = ByteSet([u64::MAX, u64::MAX, 0, 0]);
    /// ASCII digits.
    pub(crate) const DIGITS: ByteSet = ByteSet([0x03FF << 48, 0, 0, 0]);
    /// ASCII letters.
    pub(crate) const LETTERS: ByteSet = ByteSet([0, 0x07FF_FFFE | 0x07FF_FFFE << 32, 0, 0]);
    /// Every byte.
    pub(crate) const ALL: ByteSet = ByteSet([u64::MAX; 4]);

    pub(crate) fn insert(&mut self, byte: u8) {
        if let Some(bits) = self.0.get_mut(usize::from(byte >> 6)) {
            *bits |= 1 << (byte & 63);
        }
    }

    pub(crate) fn insert_range(&mut self, first: u8, last: u8) {
        for byte in first..=last {
            self.insert(byte);
        }
    }

    #[inline]
    pub(crate) fn contains(&self, byte: u8) -> bool {
        self.0.get(usize::from(byte >> 6)).is_some_and(|bits| bits >> (byte & 63) & 1 == 1)
    }

    pub(crate) fn union(mut self, other: ByteSet) -> ByteSet {
        self.0.iter_mut().zip(other.0).for_each(|(bits, more)| *bits |= more);
        self
    }

    pub(crate) fn intersection(mut self, other: ByteSet) -> ByteSet {
        self.0.iter_mut().zip(other.0).for_each(|(bits, only)| *bits &= only);
        self
    }

    pub(crate) fn complement(self) -> ByteSet {
        ByteSet(self.0.map(|bits| !bits))
    }

    pub(crate) fn is_empty(self) -> bool {
        self.0 == [0; 4]
    }

    pub(crate) fn len(self) -> usize {
        self.0.iter().map(|bits| bits.count_ones() as usize).sum()
    }

    /// The set with the bit of lower case set in every byte: `A` becomes `a`.
    pub(crate) fn folded(self) -> ByteSet {
        // That bit is the sixth, so it tells the halves of each word apart.
        ByteSet(self.0.map(|bits| (bits | bits << 32) & !0 << 32))
    }

    pub(crate) fn bytes(self) -> impl Iterator<Item = u8> {
        [0_u8, 64, 128, 192].into_iter().zip(self.0).flat_map(|(first, bits)| {
            let rest = std::iter::successors(Some(bits), |rest| Some(rest & rest.wrapping_sub(1)));
            rest.take_while(|rest| *rest != 0).map(move |rest| first + rest.trailing_zeros() as u8)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::ByteSet;

    #[test]
    fn constants_hold_what_they_say() {
        for byte in 0..=u8::MAX {
            assert_eq!(ByteSet::DIGITS.contains(byte), byte.is_ascii_digit(), "{byte}");
            assert_eq!(ByteSet::LETTERS.contains(byte), byte.is_ascii_alphabetic(), "{byte}");
            assert!(ByteSet::ALL.contains(byte));
            assert_eq!(ByteSet::ASCII.contains(byte), byte.is_ascii(), "{byte}");
            assert!(!ByteSet::ALL.complement().contains(byte));
            let mut single = ByteSet::default();
            single.insert(byte);
            assert_eq!(single.bytes().collect::<Vec<_>>(), [byte]);
            assert_eq!(single.folded().bytes().collect::<Vec<_>>(), [byte | 0x20]);
        }
        assert_eq!(ByteSet::ALL.len(), 256);
        assert!(ByteSet::ALL.bytes().eq(0..=u8::MAX));
    }
}

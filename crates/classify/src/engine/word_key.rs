//! The first eight bytes of a word with case folded, by which terms are looked up, and sets of such keys.

use crate::engine::boundary::{is_letter, is_word_alone};

/// The bit of lower case in each of eight bytes.
pub(crate) const LOWER: u64 = 0x2020_2020_2020_2020;

/// The key of a word of so many bytes, from its first eight.
#[inline]
pub(crate) fn key_of_bytes(bytes: u64, length: u32) -> u64 {
    bytes & (u64::MAX >> (64 - 8 * length.min(8)))
}

/// Eight bytes, with zeros after the end of the text.
#[inline]
pub(crate) fn eight(text: &[u8], start: usize) -> u64 {
    match text.get(start..).and_then(<[u8]>::first_chunk::<8>) {
        Some(bytes) => u64::from_le_bytes(*bytes),
        None => short(text, start),
    }
}

/// The last bytes of a text, fewer than eight.
#[cold]
fn short(text: &[u8], start: usize) -> u64 {
    let rest = text.get(start..).unwrap_or_default();
    rest.iter().take(8).enumerate().fold(0, |all, (place, byte)| all | u64::from(*byte) << (8 * place))
}

/// A key that grows by one character after another.
#[derive(Default)]
pub(super) struct Key {
    pub(super) value: u64,
    length: u32,
}

impl Key {
    pub(super) fn push(&mut self, character: char) {
        let mut buffer = [0; 4];
        for byte in character.encode_utf8(&mut buffer).bytes() {
            if self.length < 8 {
                self.value |= u64::from(byte) << (8 * self.length);
            }
            self.length += 1;
        }
    }

    pub(super) fn is_full(&self) -> bool {
        self.length >= 8
    }
}

/// The key of a term's first word, or of its first character where that is a word of its own.
pub(super) fn key_of(characters: impl Iterator<Item = char>) -> u64 {
    let mut key = Key::default();
    for character in characters {
        if is_word_alone(character) {
            if key.length == 0 {
                key.push(character);
            }
            break;
        }
        if !is_letter(character) {
            break;
        }
        key.push(character);
    }
    key.value
}

/// Spreads the bits of a key.
const SPREAD: u64 = 0x9E37_79B9_7F4A_7C15;

/// A set of keys that may tell of one that is not there.
#[derive(Debug, Default)]
pub(crate) struct Filter {
    /// A bit for each hash.
    bits: Vec<u64>,
    shift: u32,
}

impl Filter {
    /// About eight bits a key: one lookup in eight or more goes on to the table.
    pub(super) fn of(keys: impl ExactSizeIterator<Item = u64>) -> Filter {
        let size = (keys.len() * 8).next_power_of_two().max(4_096);
        let mut filter = Filter { bits: vec![0; size / 64], shift: 64 - size.trailing_zeros() };
        for key in keys {
            let (word, bit) = filter.place(key);
            if let Some(word) = filter.bits.get_mut(word) {
                *word |= 1 << bit;
            }
        }
        filter
    }

    #[inline]
    fn place(&self, key: u64) -> (usize, u32) {
        let hash = key.wrapping_mul(SPREAD) >> self.shift;
        ((hash >> 6) as usize, (hash & 63) as u32)
    }

    #[inline]
    pub(crate) fn may_have(&self, key: u64) -> bool {
        let (word, bit) = self.place(key);
        self.bits.get(word).is_some_and(|bits| bits >> bit & 1 == 1)
    }
}

/// Values by key, in a table that is at most half full: a multiplication and nearly always one look. Keys stand apart
/// from values, so that a key that is not there is looked for in little memory.
#[derive(Clone, Debug)]
pub(crate) struct Table<V> {
    /// No key is zero, which is a free slot.
    keys: Box<[u64]>,
    values: Box<[V]>,
    shift: u32,
}

impl<V> Default for Table<V> {
    fn default() -> Table<V> {
        Table { keys: Box::default(), values: Box::default(), shift: 63 }
    }
}

impl<V: Copy + Default> Table<V> {
    pub(crate) fn of(all: impl ExactSizeIterator<Item = (u64, V)>) -> Table<V> {
        let size = (all.len() * 2).next_power_of_two().max(2);
        let (keys, values) = (vec![0; size].into(), vec![V::default(); size].into());
        let mut table = Table { keys, values, shift: 64 - size.trailing_zeros() };
        for (key, value) in all {
            let mut slot = table.slot(key);
            while table.key(slot).is_some_and(|known| known != 0) {
                slot += 1;
            }
            let slot = slot & table.last();
            table.keys.get_mut(slot).into_iter().for_each(|free| *free = key);
            table.values.get_mut(slot).into_iter().for_each(|free| *free = value);
        }
        table
    }

    #[inline]
    fn last(&self) -> usize {
        self.keys.len().wrapping_sub(1)
    }

    /// The first slot in which a key may be; it may be in those after it, up to a free one.
    #[inline]
    fn slot(&self, key: u64) -> usize {
        (key.wrapping_mul(SPREAD) >> self.shift) as usize
    }

    /// The key in a slot, where the first one follows the last.
    #[inline]
    fn key(&self, slot: usize) -> Option<u64> {
        self.keys.get(slot & self.last()).copied()
    }

    #[inline]
    pub(crate) fn get(&self, key: u64) -> Option<V> {
        let mut slot = self.slot(key);
        loop {
            match self.key(slot)? {
                known if known == key => return self.values.get(slot & self.last()).copied(),
                0 => return None,
                _ => slot += 1,
            }
        }
    }

    pub(crate) fn keys(&self) -> impl Iterator<Item = u64> {
        self.keys.iter().copied().filter(|key| *key != 0)
    }
}

#[cfg(test)]
mod tests {
    use super::{Filter, SPREAD, Table};

    #[test]
    fn what_was_put_in_is_there_and_nothing_else() {
        // Keys that share a slot, at the end of the table too, where the search goes on at its beginning.
        let keys: Vec<u64> =
            (1..2_000_u64).map(|key| if key % 3 == 0 { key } else { key.wrapping_mul(SPREAD) }).collect();
        for count in [0, 1, 2, 3, 64, keys.len()] {
            let (inside, outside) = keys.split_at(count);
            let filter = Filter::of(inside.iter().copied());
            let table = Table::of(inside.iter().map(|key| (*key, key ^ 7)));
            for key in inside {
                assert!(filter.may_have(*key));
                assert_eq!(table.get(*key), Some(key ^ 7));
            }
            assert!(outside.iter().all(|key| table.get(*key).is_none()));
            let mut known: Vec<u64> = table.keys().collect();
            let mut expected = inside.to_vec();
            known.sort_unstable();
            expected.sort_unstable();
            assert_eq!(known, expected);
        }
        assert_eq!(Table::<u32>::default().get(5), None);
    }
}

//! Elements that may begin at one kind of word, and which of them the bytes around such a word allow.
//!
//! A short word of digits is where a hundred elements may begin, of which the bytes beside it leave one or two. So the
//! entries are not asked one by one: each has a bit, and for the byte before the word, its first and the two after it a
//! table tells the bits of those that allow the byte. Tables have a column for each class of bytes that no set of any
//! element tells apart, and are made when the first such word comes.

use std::sync::OnceLock;

use rustc_hash::FxHashMap;

use crate::engine::byte_set::ByteSet;

/// An element that may begin at a word. Sets are places in [`Classes::sets`].
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) element: u16,
    /// Bytes of the match before the word.
    pub(crate) before: u8,
    /// Whether it needs a keyword nearby.
    pub(crate) gated: bool,
    /// Whether the match may end with the word.
    pub(crate) ends: bool,
    /// What stands before the word, its first byte, the two bytes after it.
    pub(crate) prior: u16,
    pub(crate) first: u16,
    pub(crate) next: u16,
    pub(crate) second: u16,
}

/// The bytes around a word.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Around {
    prior: u8,
    first: u8,
    /// The two bytes after the word, where its end is known.
    after: Option<(u8, u8)>,
}

impl Around {
    /// Past the ends of the text a byte is zero, which no expression is likely to want.
    #[inline]
    pub(crate) fn new(text: &[u8], place: usize, end: Option<usize>) -> Around {
        let byte = |at: usize| text.get(at).copied().unwrap_or(0);
        Around {
            prior: place.checked_sub(1).map_or(0, byte),
            first: byte(place),
            after: end.map(|end| (byte(end), byte(end + 1))),
        }
    }
}

/// Collects the sets of bytes that entries name.
#[derive(Debug, Default)]
pub(crate) struct Sets {
    sets: Vec<ByteSet>,
    places: FxHashMap<ByteSet, u16>,
}

impl Sets {
    /// The place of a set.
    pub(crate) fn place(&mut self, set: ByteSet) -> u16 {
        let next = u16::try_from(self.sets.len()).unwrap_or(0);
        let place = *self.places.entry(set).or_insert(next);
        if place == next {
            self.sets.push(set);
        }
        place
    }

    /// The classes of bytes that the sets tell apart.
    pub(crate) fn classes(self) -> Classes {
        Classes::new(self.sets)
    }
}

/// All sets of bytes that entries name, and the classes of bytes that they tell apart.
#[derive(Clone, Debug)]
pub(crate) struct Classes {
    sets: Vec<ByteSet>,
    of: [u8; 256],
    count: usize,
}

impl Default for Classes {
    fn default() -> Classes {
        Classes::new(Vec::new())
    }
}

impl Classes {
    fn new(sets: Vec<ByteSet>) -> Classes {
        let mut of = [0_u8; 256];
        let mut count = 1;
        for set in &sets {
            // Each class falls into the part inside of the set, which keeps its number, and the one outside.
            let mut halves: Vec<Option<(u8, bool)>> = vec![None; 256];
            let mut split: Vec<Option<u8>> = vec![None; 256];
            for (class, byte) in of.iter_mut().zip(0_u8..=u8::MAX) {
                let (old, inside) = (usize::from(*class), set.contains(byte));
                let Some((half, split)) = halves.get_mut(old).zip(split.get_mut(old)) else { continue };
                let (_, kept) = *half.get_or_insert((*class, inside));
                if inside != kept {
                    *class = *split.get_or_insert_with(|| {
                        count += 1;
                        // There are at most 256 classes of 256 bytes.
                        u8::try_from(count - 1).unwrap_or(u8::MAX)
                    });
                }
            }
        }
        Classes { sets, of, count }
    }

    #[inline]
    fn class(&self, byte: u8) -> usize {
        usize::from(self.of.get(usize::from(byte)).copied().unwrap_or(0))
    }

    fn set(&self, place: u16) -> ByteSet {
        self.sets.get(usize::from(place)).copied().unwrap_or(ByteSet::ALL)
    }
}

/// Elements that may begin at one kind of word. What begins farther before the word comes first.
#[derive(Clone, Debug, Default)]
pub(crate) struct Group {
    entries: Vec<Entry>,
    table: OnceLock<Table>,
}

impl Group {
    pub(crate) fn add(&mut self, entry: Entry) {
        // Places are tried from left to right.
        let place = self.entries.partition_point(|known| known.before >= entry.before);
        self.entries.insert(place, entry);
    }

    /// How many times 64 entries there are.
    pub(crate) fn parts(&self) -> usize {
        self.entries.len().div_ceil(64)
    }

    /// The entries of one part that the bytes around a word allow, a bit for each: those that need nothing nearby, and
    /// those that need a keyword.
    #[inline]
    pub(crate) fn allowed(&self, part: usize, classes: &Classes, around: Around) -> (u64, u64) {
        self.table.get_or_init(|| Table::new(&self.entries, classes)).allowed(part, classes, around)
    }

    /// The entry of a bit.
    #[inline]
    pub(crate) fn entry(&self, part: usize, bit: u32) -> Option<&Entry> {
        self.entries.get(64 * part + bit as usize)
    }
}

/// Which entries allow a byte, for each part of 64 entries.
#[derive(Clone, Debug)]
struct Table {
    parts: Vec<Part>,
}

/// Which of up to 64 entries allow a byte.
#[derive(Clone, Debug)]
struct Part {
    /// Those that need a keyword nearby.
    gated: u64,
    /// By class: those that allow the byte before the word, as its first, as the one after it, as the second after it.
    columns: Vec<[u64; 4]>,
}

impl Table {
    fn new(entries: &[Entry], classes: &Classes) -> Table {
        let parts = entries.chunks(64).map(|entries| {
            let mut columns = vec![[0; 4]; classes.count];
            for (byte, class) in (0_u8..=u8::MAX).zip(classes.of) {
                if let Some(column) = columns.get_mut(usize::from(class)) {
                    *column = bits(entries, classes, byte);
                }
            }
            let places = entries.iter().enumerate();
            let gated = places.fold(0, |all, (place, entry)| all | u64::from(entry.gated) << place);
            Part { gated, columns }
        });
        Table { parts: parts.collect() }
    }

    #[inline]
    fn allowed(&self, part: usize, classes: &Classes, around: Around) -> (u64, u64) {
        let Some(Part { gated, columns }) = self.parts.get(part) else { return (0, 0) };
        let column = |byte: u8| columns.get(classes.class(byte)).unwrap_or(&[0; 4]);
        let [prior, ..] = column(around.prior);
        let [_, first, ..] = column(around.first);
        let mut allowed = prior & first;
        if let Some((next, second)) = around.after {
            let [_, _, next, _] = column(next);
            let [_, _, _, second] = column(second);
            allowed &= next & second;
        }
        (allowed & !gated, allowed & gated)
    }
}

/// The entries that allow a byte before the word, as its first, as the one after it, as the second after it.
fn bits(entries: &[Entry], classes: &Classes, byte: u8) -> [u64; 4] {
    let mut bits = [0; 4];
    for (place, entry) in entries.iter().enumerate() {
        let allows = [
            entry.before == 0 || classes.set(entry.prior).contains(byte),
            classes.set(entry.first).contains(byte),
            entry.ends || classes.set(entry.next).contains(byte),
            entry.ends || classes.set(entry.second).contains(byte),
        ];
        for (bits, allows) in bits.iter_mut().zip(allows) {
            *bits |= u64::from(allows) << place;
        }
    }
    bits
}

#[cfg(test)]
mod tests {
    use super::{Around, Entry, Group, Sets};
    use crate::engine::byte_set::ByteSet;

    fn set(bytes: &[u8]) -> ByteSet {
        let mut set = ByteSet::default();
        bytes.iter().for_each(|byte| set.insert(*byte));
        set
    }

    /// Entries of all kinds, more than one part of them: what the table tells is what they say.
    #[test]
    fn tables_tell_what_entries_say() {
        let mut sets = Sets::default();
        let choices =
            [ByteSet::DIGITS, ByteSet::LETTERS, ByteSet::ALL, set(b" -"), set(b"-:x"), set(&[0, 255])];
        let places: Vec<u16> = choices.iter().map(|choice| sets.place(*choice)).collect();
        let entries: Vec<Entry> = (0..150_u16)
            .map(|number| {
                let place = |by: u16| places[usize::from(number / by) % places.len()];
                Entry {
                    element: number,
                    before: u8::try_from(number % 3).unwrap(),
                    gated: number % 7 < 3,
                    ends: number % 5 == 0,
                    prior: place(1),
                    first: place(2),
                    next: place(3),
                    second: place(6),
                }
            })
            .collect();
        let classes = sets.classes();
        let mut group = Group::default();
        entries.iter().for_each(|entry| group.add(entry.clone()));
        for text in [b"-1xx- ".as_slice(), b"x2xx:1", b" yxx-x", b"0zxx  ", &[255, 0, 0, 0, 255, 0]] {
            for end in [None, Some(4)] {
                let holds = |place: u16, at: usize| {
                    choices[places.iter().position(|known| *known == place).unwrap()].contains(text[at])
                };
                let allows = |entry: &Entry| {
                    (entry.before == 0 || holds(entry.prior, 0))
                        && holds(entry.first, 1)
                        && (end.is_none() || entry.ends || (holds(entry.next, 4) && holds(entry.second, 5)))
                };
                let mut expected: Vec<u16> =
                    entries.iter().filter(|entry| allows(entry)).map(|entry| entry.element).collect();
                let mut found = Vec::new();
                for part in 0..group.parts() {
                    let (free, gated) = group.allowed(part, &classes, Around::new(text, 1, end));
                    for bit in (0..64).filter(|bit| (free | gated) >> bit & 1 == 1) {
                        let entry = group.entry(part, bit).unwrap();
                        assert_eq!(entry.gated, gated >> bit & 1 == 1);
                        found.push(entry.element);
                    }
                }
                expected.sort_unstable();
                found.sort_unstable();
                assert_eq!(found, expected, "{text:?} {end:?}");
            }
        }
    }
}

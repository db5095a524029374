//! Elements that may begin at one kind of word, and which of them the bytes around such a word allow.
//!
//! A short word of digits is where a hundred elements may begin, of which the bytes beside it leave one or two. So the
//! entries are not asked one by one: each has a bit, and for each spot that any of them is particular about, a table
//! tells the bits of those that allow the byte there. Tables are made when the first such word comes.

use std::sync::OnceLock;

use rustc_hash::FxHashMap;

use crate::engine::byte_set::ByteSet;
use crate::engine::index::Gate;
use crate::engine::seen::{AROUND_GRAMS, AROUND_WORDS, Profiles, SEEN, Spot};

/// An element that may begin at a word.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) element: u16,
    /// Bytes of the match before the word.
    pub(crate) before: u8,
    /// Whether it needs a keyword nearby.
    pub(crate) gated: bool,
    /// What it wants of the bytes around: a number of the index's profiles.
    pub(crate) profile: u32,
}

/// The bytes at the spots around a word, in their order. Past the ends of the text they are zero, which no expression is
/// likely to want.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Around([u8; SEEN]);

impl Around {
    /// What stands at [`AROUND_WORDS`], where the word's end is known.
    #[inline]
    pub(crate) fn word(text: &[u8], start: usize, end: usize) -> Around {
        match (chunk(text, start, 1), chunk(text, end, 3)) {
            (Some([s0, s1, s2]), Some([e0, e1, e2, e3, e4, e5, e6, e7, e8])) => {
                Around([*s1, *e3, *e2, *s0, *e4, *e5, *s2, *e1, *e0, *e6, *e7, *e8])
            }
            _ => Around::at(text, (start, end), &AROUND_WORDS),
        }
    }

    /// What stands at [`AROUND_GRAMS`], which are all counted from the start of the word.
    #[inline]
    pub(crate) fn gram(text: &[u8], start: usize) -> Around {
        match chunk::<16>(text, start, 1) {
            Some([before, _, _, _, _, first, rest @ ..]) => {
                let [a, b, c, d, e, f, g, h, i, j]: &[u8; 10] = rest;
                Around([*first, *before, *a, *b, *c, *d, *e, *f, *g, *h, *i, *j])
            }
            _ => Around::at(text, (start, start), &AROUND_GRAMS),
        }
    }

    /// What stands at any spots: near the ends of a text, where some of them lie beyond.
    #[cold]
    fn at(text: &[u8], (start, end): (usize, usize), spots: &[Spot; SEEN]) -> Around {
        Around(spots.map(|spot| {
            let at = match spot {
                Spot::Start(offset) => start.wrapping_add_signed(isize::from(offset)),
                Spot::End(offset) => end.wrapping_add_signed(isize::from(offset)),
            };
            text.get(at).copied().unwrap_or(0)
        }))
    }

    /// The byte at a spot, by the number of the spot.
    #[inline]
    fn byte(&self, spot: usize) -> u8 {
        self.0.get(spot).copied().unwrap_or(0)
    }
}

/// So many bytes from `back` before a place on, if they are all there.
#[inline]
fn chunk<const N: usize>(text: &[u8], place: usize, back: usize) -> Option<&[u8; N]> {
    text.get(place.checked_sub(back)?..)?.first_chunk()
}

/// Most entries that are asked one by one: a table for so few would take more memory than it saves time.
const FEW: usize = 6;

/// Elements that may begin at one kind of word. What begins farther before the word comes first.
#[derive(Clone, Debug, Default)]
pub(crate) struct Group {
    entries: Vec<Entry>,
    parts: OnceLock<Vec<Part>>,
    needs: OnceLock<Needs>,
}

/// By keyword list: which entries need one of its words, so that a few lists that stand nearby answer for all entries.
#[derive(Clone, Debug, Default)]
struct Needs(FxHashMap<(usize, u16), u64>);

impl Needs {
    fn new<'a>(entries: &[Entry], gate: impl Fn(u16) -> Option<&'a Gate>) -> Needs {
        let mut needs = Needs::default();
        for (place, entry) in entries.iter().enumerate().filter(|(_, entry)| entry.gated) {
            for list in gate(entry.element).into_iter().flat_map(Gate::lists) {
                *needs.0.entry((place / 64, list)).or_insert(0) |= 1 << (place % 64);
            }
        }
        needs
    }

    #[inline]
    fn of(&self, part: usize, list: u16) -> u64 {
        self.0.get(&(part, list)).copied().unwrap_or(0)
    }
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
    /// those that need a keyword. `profiles` are those of the entries.
    #[inline]
    pub(crate) fn allowed(&self, part: usize, profiles: &Profiles, around: &Around) -> (u64, u64) {
        if self.entries.len() <= FEW {
            return self.few(|profile| {
                let mut wanted = profiles.sets(profile).zip(around.0);
                wanted.all(|(set, byte)| set.contains(byte))
            });
        }
        let parts = self
            .parts
            .get_or_init(|| self.entries.chunks(64).map(|entries| Part::new(entries, profiles)).collect());
        parts.get(part).map_or((0, 0), |part| part.allowed(around))
    }

    #[inline]
    fn few(&self, allows: impl Fn(u32) -> bool) -> (u64, u64) {
        let (mut free, mut gated) = (0, 0);
        for (place, entry) in self.entries.iter().enumerate().filter(|(_, entry)| allows(entry.profile)) {
            *(if entry.gated { &mut gated } else { &mut free }) |= 1 << place;
        }
        (free, gated)
    }

    /// The entries of one part that need a keyword of a list, a bit for each. `gate` tells which lists an element needs one of.
    #[inline]
    pub(crate) fn needing<'a>(&self, part: usize, list: u16, gate: impl Fn(u16) -> Option<&'a Gate>) -> u64 {
        let needs = self.needs.get_or_init(|| Needs::new(&self.entries, gate));
        needs.of(part, list)
    }

    /// The entry of a bit.
    #[inline]
    pub(crate) fn entry(&self, part: usize, bit: u32) -> Option<&Entry> {
        self.entries.get(64 * part + bit as usize)
    }
}

/// Which of up to 64 entries allow a byte.
#[derive(Clone, Debug)]
struct Part {
    all: u64,
    /// Those that need a keyword nearby.
    gated: u64,
    /// One for each spot that some entry is particular about.
    rows: Vec<Row>,
    /// What the rows tell, of which there is little.
    bits: Vec<u64>,
}

/// Which entries allow a byte at one spot.
#[derive(Clone, Debug)]
struct Row {
    spot: usize,
    /// By byte: a place in the bits of its part, counted from `first`.
    of: [u8; 256],
    first: usize,
}

/// Bytes that are common around words.
const COMMON: &[u8] = b" \n,.:;-_/=\"'()<>[]019Aaeinrt";

impl Row {
    /// How many entries allow a common byte, over all of those.
    fn passing(&self, bits: &[u64]) -> u32 {
        let of = COMMON.iter().filter_map(|byte| self.of.get(usize::from(*byte)));
        of.filter_map(|of| bits.get(self.first + usize::from(*of))).map(|bits| bits.count_ones()).sum()
    }
}

impl Part {
    fn new(entries: &[Entry], profiles: &Profiles) -> Part {
        let all = if entries.len() < 64 { (1 << entries.len()) - 1 } else { u64::MAX };
        let gated =
            entries.iter().enumerate().fold(0, |all, (place, entry)| all | u64::from(entry.gated) << place);
        let mut part = Part { all, gated, rows: Vec::new(), bits: Vec::new() };
        for spot in 0..SEEN {
            let wanted = entries.iter().map(|entry| profiles.sets(entry.profile).nth(spot));
            part.add_row(spot, wanted.map(|set| set.copied().unwrap_or(ByteSet::ALL)));
        }
        // What excludes most comes first.
        let bits = std::mem::take(&mut part.bits);
        part.rows.sort_by_cached_key(|row| row.passing(&bits));
        part.bits = bits;
        part
    }

    /// Adds the row of a spot, unless every set is of all bytes.
    fn add_row(&mut self, spot: usize, sets: impl Iterator<Item = ByteSet>) {
        let mut always = 0_u64;
        let mut by_byte = [0_u64; 256];
        let mut particular = false;
        for (place, set) in sets.enumerate() {
            if set == ByteSet::ALL {
                always |= 1 << place;
                continue;
            }
            particular = true;
            for byte in set.bytes() {
                if let Some(bits) = by_byte.get_mut(usize::from(byte)) {
                    *bits |= 1 << place;
                }
            }
        }
        if !particular {
            return;
        }
        let first = self.bits.len();
        let mut of = [0; 256];
        for (of, bits) in of.iter_mut().zip(by_byte) {
            let bits = bits | always;
            let known = self.bits.iter().skip(first).position(|known| *known == bits);
            let place = known.unwrap_or_else(|| {
                self.bits.push(bits);
                self.bits.len() - 1 - first
            });
            // There are at most 256 of them for 256 bytes.
            *of = u8::try_from(place).unwrap_or(u8::MAX);
        }
        self.rows.push(Row { spot, of, first });
    }

    #[inline]
    fn allowed(&self, around: &Around) -> (u64, u64) {
        let mut allowed = self.all;
        for row in &self.rows {
            let of = row.of.get(usize::from(around.byte(row.spot))).copied().unwrap_or(0);
            allowed &= self.bits.get(row.first + usize::from(of)).copied().unwrap_or(0);
            if allowed == 0 {
                return (0, 0);
            }
        }
        (allowed & !self.gated, allowed & self.gated)
    }
}

#[cfg(test)]
mod tests {
    use super::{Around, Entry, Group};
    use crate::engine::byte_set::ByteSet;
    use crate::engine::seen::{AROUND_GRAMS, AROUND_WORDS, Collector, SEEN, Spot};

    fn set(bytes: &[u8]) -> ByteSet {
        let mut set = ByteSet::default();
        bytes.iter().for_each(|byte| set.insert(*byte));
        set
    }

    /// Inside of a text and near its ends, the bytes are those at the spots.
    #[test]
    fn bytes_are_those_at_the_spots() {
        let text: Vec<u8> = (1..40).collect();
        for start in 0..text.len() {
            for end in start + 1..=text.len() {
                let word = Around::at(&text, (start, end), &AROUND_WORDS);
                assert_eq!(Around::word(&text, start, end), word, "{start} {end}");
            }
            let gram = Around::at(&text, (start, start), &AROUND_GRAMS);
            assert_eq!(Around::gram(&text, start), gram, "{start}");
        }
    }

    /// Entries of all kinds, more than one part of them: what the tables tell is what they say.
    #[test]
    fn tables_tell_what_entries_say() {
        let choices =
            [ByteSet::ALL, ByteSet::DIGITS, ByteSet::LETTERS, set(b" -"), set(b"-:x"), set(&[0, 255])];
        let mut collector = Collector::default();
        let mut group = Group::default();
        let mut all = Vec::new();
        for number in 0..150_u16 {
            let choice = |by: usize| choices[usize::from(number) / by % choices.len()];
            let mut profile = [ByteSet::ALL; SEEN];
            (profile[0], profile[1], profile[3], profile[4]) = (choice(1), choice(2), choice(3), choice(6));
            let entry = Entry {
                element: number,
                before: u8::try_from(number % 3).unwrap(),
                gated: number % 7 < 3,
                profile: collector.number(&profile),
            };
            all.push((entry.clone(), profile));
            group.add(entry);
        }
        let profiles = collector.profiles();
        for text in [b"-1xx- ".as_slice(), b"x2xx:1", b" yxx-x", b"0zxx  ", &[255, 0, 0, 0, 255, 0]] {
            let at = |spot: Spot| match spot {
                Spot::Start(offset) => usize::try_from(1 + isize::from(offset)),
                Spot::End(offset) => usize::try_from(4 + isize::from(offset)),
            };
            let byte = |spot: Spot| at(spot).ok().and_then(|at| text.get(at)).copied().unwrap_or(0);
            let allows = |profile: &[ByteSet; SEEN]| {
                profile.iter().zip(AROUND_WORDS).all(|(set, spot)| set.contains(byte(spot)))
            };
            let mut expected: Vec<u16> =
                all.iter().filter(|(_, profile)| allows(profile)).map(|(entry, _)| entry.element).collect();
            let mut found = Vec::new();
            for part in 0..group.parts() {
                let around = Around::word(text, 1, 4);
                let (free, gated) = group.allowed(part, &profiles, &around);
                for bit in (0..64).filter(|bit| (free | gated) >> bit & 1 == 1) {
                    let entry = group.entry(part, bit).unwrap();
                    assert_eq!(entry.gated, gated >> bit & 1 == 1);
                    found.push(entry.element);
                }
            }
            expected.sort_unstable();
            found.sort_unstable();
            assert_eq!(found, expected, "{text:?}");
        }
    }
}

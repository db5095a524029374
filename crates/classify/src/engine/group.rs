//! Elements that may begin at one kind of word, and which of them the bytes around such a word allow.
//!
//! A short word of digits is where a hundred elements may begin, of which the bytes beside it leave one or two. So the
//! entries are not asked one by one: each has a bit, and for each spot that any of them is particular about, a table
//! tells the bits of those that allow the byte there. Tables are made when the first such word comes.

use std::sync::OnceLock;

use crate::engine::byte_set::ByteSet;
use crate::engine::seen::{AROUND_GRAMS, AROUND_WORDS, Profiles, SEEN, Spot, Wants};

/// What an element needs nearby before it is tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Needs {
    Nothing,
    /// A keyword, which is counted while the text comes by.
    Followed,
    /// A keyword, which has to be looked for.
    Keyword,
}

/// An element that may begin at a word.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) element: u16,
    /// Bytes of the match before the word.
    pub(crate) before: u8,
    pub(crate) needs: Needs,
    /// What it wants of the bytes around: a number of the index's profiles.
    pub(crate) profile: u32,
}

/// The bytes at the spots around a word, in their order. Past the ends of the text they are zero, which no expression is
/// likely to want.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Around([u8; ROOM]);

/// More than [`SEEN`], so that a number of a spot has only to be masked.
const ROOM: usize = 16;

impl Around {
    /// What stands at [`AROUND_WORDS`], where the word's end is known.
    #[inline]
    pub(crate) fn word(text: &[u8], start: usize, end: usize) -> Around {
        match (chunk(text, start, 1), chunk(text, end, 3)) {
            (Some([s0, s1, s2]), Some([e0, e1, e2, e3, e4, e5, e6, e7, e8])) => {
                Around([*s1, *e3, *e2, *s0, *e4, *e5, *s2, *e1, *e0, *e6, *e7, *e8, 0, 0, 0, 0])
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
                Around([*first, *before, *a, *b, *c, *d, *e, *f, *g, *h, *i, *j, 0, 0, 0, 0])
            }
            _ => Around::at(text, (start, start), &AROUND_GRAMS),
        }
    }

    /// What stands at any spots: near the ends of a text, where some of them lie beyond.
    #[cold]
    fn at(text: &[u8], (start, end): (usize, usize), spots: &[Spot; SEEN]) -> Around {
        let mut around = [0; ROOM];
        for (seen, spot) in around.iter_mut().zip(spots) {
            let at = match *spot {
                Spot::Start(offset) => start.wrapping_add_signed(isize::from(offset)),
                Spot::End(offset) => end.wrapping_add_signed(isize::from(offset)),
            };
            *seen = text.get(at).copied().unwrap_or(0);
        }
        Around(around)
    }

    /// The byte at a spot, by the number of the spot.
    #[inline]
    pub(super) fn byte(&self, spot: usize) -> u8 {
        self.0.get(spot & (ROOM - 1)).copied().unwrap_or(0)
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
    all: Members,
    split: OnceLock<Split>,
}

/// Some elements of a group.
#[derive(Clone, Debug, Default)]
pub(crate) struct Members {
    entries: Vec<Entry>,
    /// Tables, 64 entries each; none where the entries are few.
    parts: Vec<Part>,
}

/// A group by the byte at one spot: of a hundred elements that begin at some digits, the byte behind those leaves a few.
#[derive(Clone, Debug)]
struct Split {
    spot: usize,
    /// By byte: a kind of bytes.
    of: [u8; 256],
    /// By kind: its entries, as places among all, and their tables once such a byte has come by.
    kinds: Vec<(Vec<u32>, OnceLock<Members>)>,
}

impl Group {
    pub(crate) fn add(&mut self, entry: Entry) {
        // Places are tried from left to right.
        let entries = &mut self.all.entries;
        let place = entries.partition_point(|known| known.before >= entry.before);
        entries.insert(place, entry);
    }

    /// The elements that the byte at one spot leaves. `profiles` are those of the entries.
    #[inline]
    pub(crate) fn members(&self, profiles: &Profiles, around: &Around) -> &Members {
        if self.all.entries.len() <= FEW {
            return &self.all;
        }
        let split = self.split.get_or_init(|| Split::new(&self.all.entries, profiles));
        split.members(&self.all.entries, profiles, around)
    }
}

impl Split {
    fn new(entries: &[Entry], profiles: &Profiles) -> Split {
        let sets = |spot: usize| {
            entries
                .iter()
                .map(move |entry| profiles.sets(entry.profile).nth(spot).copied().unwrap_or(ByteSet::ALL))
        };
        // The spots that tell most come first; of the first two, the one that leaves fewer entries.
        let left = |spot: &usize| -> usize {
            sets(*spot).map(|set| COMMON.iter().filter(|byte| set.contains(**byte)).count()).sum()
        };
        let spot = [0, 1].into_iter().min_by_key(left).unwrap_or(0);
        let mut by_byte: Vec<Vec<u32>> = vec![Vec::new(); 256];
        for (place, set) in (0_u32..).zip(sets(spot)) {
            for byte in set.bytes() {
                by_byte.get_mut(usize::from(byte)).into_iter().for_each(|places| places.push(place));
            }
        }
        let mut split = Split { spot, of: [0; 256], kinds: Vec::new() };
        for (of, places) in split.of.iter_mut().zip(by_byte) {
            let known = split.kinds.iter().position(|(known, _)| *known == places);
            let kind = known.unwrap_or_else(|| {
                split.kinds.push((places, OnceLock::new()));
                split.kinds.len() - 1
            });
            // There are at most 256 kinds of 256 bytes.
            *of = u8::try_from(kind).unwrap_or(u8::MAX);
        }
        split
    }

    #[inline]
    fn members(&self, entries: &[Entry], profiles: &Profiles, around: &Around) -> &Members {
        let kind = self.of.get(usize::from(around.byte(self.spot))).copied().unwrap_or(0);
        let Some((places, members)) = self.kinds.get(usize::from(kind)) else { return &NOBODY };
        members.get_or_init(|| {
            let kept = places.iter().filter_map(|place| entries.get(*place as usize)).cloned();
            Members::new(kept.collect(), profiles, self.spot)
        })
    }
}

/// No elements.
static NOBODY: Members = Members { entries: Vec::new(), parts: Vec::new() };

impl Members {
    /// The tables of entries that all allow what stands at one spot.
    fn new(entries: Vec<Entry>, profiles: &Profiles, settled: usize) -> Members {
        let parts = match entries.len() <= FEW {
            true => Vec::new(),
            false => entries.chunks(64).map(|entries| Part::new(entries, profiles, settled)).collect(),
        };
        Members { entries, parts }
    }

    /// How many times 64 entries there are.
    pub(crate) fn parts(&self) -> usize {
        self.entries.len().div_ceil(64)
    }

    /// The entries of one part that the bytes around a word allow, a bit for each: those that need nothing nearby, and
    /// those that need a keyword. `wants` is what the profiles of the entries are particular about.
    #[inline]
    pub(crate) fn allowed(&self, part: usize, wants: &Wants, around: &Around) -> (u64, u64) {
        if self.entries.len() <= FEW {
            return self.few(wants, around);
        }
        self.parts.get(part).map_or((0, 0), |part| part.allowed(around))
    }

    #[inline]
    fn few(&self, wants: &Wants, around: &Around) -> (u64, u64) {
        let (mut free, mut gated) = (0, 0);
        for (place, entry) in self.entries.iter().enumerate() {
            if wants.allow(entry.profile, around) {
                *(if entry.needs == Needs::Nothing { &mut free } else { &mut gated }) |= 1 << place;
            }
        }
        (free, gated)
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
}

/// Which entries allow a byte at one spot.
#[derive(Clone, Debug)]
struct Row {
    spot: u8,
    /// By byte: a place in the bits.
    of: [u8; 256],
    bits: [u64; CHOICES],
}

/// Most choices of entries that the bytes at one spot make. Those beyond are one choice, which allows all that any of
/// them does: more is tried then, nothing less.
const CHOICES: usize = 32;

/// Bytes that are common around words.
const COMMON: &[u8] = b" \n,.:;-_/=\"'()<>[]019Aaeinrt";

impl Row {
    /// The row of a spot, unless every set is of all bytes.
    fn new(spot: u8, sets: impl Iterator<Item = ByteSet>) -> Option<Row> {
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
                by_byte.get_mut(usize::from(byte)).into_iter().for_each(|bits| *bits |= 1 << place);
            }
        }
        let mut row = Row { spot, of: [0; 256], bits: [0; CHOICES] };
        let mut choices: Vec<u64> = Vec::new();
        for (of, bits) in row.of.iter_mut().zip(by_byte) {
            let bits = bits | always;
            let known = choices.iter().position(|known| *known == bits);
            let choice = known.unwrap_or_else(|| {
                choices.push(bits);
                choices.len() - 1
            });
            let choice = choice.min(CHOICES - 1);
            row.bits.get_mut(choice).into_iter().for_each(|all| *all |= bits);
            *of = u8::try_from(choice).unwrap_or(u8::MAX);
        }
        particular.then_some(row)
    }

    /// The entries that allow a byte.
    #[inline]
    fn allowing(&self, byte: u8) -> u64 {
        let choice = self.of.get(usize::from(byte)).copied().unwrap_or(0);
        self.bits.get(usize::from(choice) & (CHOICES - 1)).copied().unwrap_or(0)
    }

    /// How many entries allow a common byte, over all of those.
    fn passing(&self) -> u32 {
        COMMON.iter().map(|byte| self.allowing(*byte).count_ones()).sum()
    }
}

impl Part {
    /// `settled` is a spot at which all entries allow what stands there.
    fn new(entries: &[Entry], profiles: &Profiles, settled: usize) -> Part {
        let all = if entries.len() < 64 { (1 << entries.len()) - 1 } else { u64::MAX };
        let bits = entries.iter().map(|entry| u64::from(entry.needs != Needs::Nothing));
        let gated = bits.enumerate().fold(0, |all, (place, bit)| all | bit << place);
        let spots = (0..SEEN).filter(|spot| *spot != settled);
        let rows = spots.filter_map(|spot| {
            let wanted = entries.iter().map(|entry| profiles.sets(entry.profile).nth(spot));
            let sets = wanted.map(|set| set.copied().unwrap_or(ByteSet::ALL));
            Row::new(u8::try_from(spot).ok()?, sets)
        });
        let mut rows: Vec<Row> = rows.collect();
        // What excludes most comes first.
        rows.sort_by_cached_key(Row::passing);
        Part { all, gated, rows }
    }

    #[inline]
    fn allowed(&self, around: &Around) -> (u64, u64) {
        let mut allowed = self.all;
        for row in &self.rows {
            allowed &= row.allowing(around.byte(usize::from(row.spot)));
            if allowed == 0 {
                return (0, 0);
            }
        }
        (allowed & !self.gated, allowed & self.gated)
    }
}

#[cfg(test)]
mod tests {
    use super::{Around, Entry, Group, Needs};
    use crate::engine::byte_set::ByteSet;
    use crate::engine::seen::{AROUND_GRAMS, AROUND_WORDS, Collector, SEEN, Spot, Wants};

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
                needs: if number % 7 < 3 { Needs::Followed } else { Needs::Nothing },
                profile: collector.number(&profile),
            };
            all.push((entry.clone(), profile));
            group.add(entry);
        }
        let profiles = collector.profiles();
        let wants = Wants::of(&profiles);
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
            let around = Around::word(text, 1, 4);
            let members = group.members(&profiles, &around);
            for part in 0..members.parts() {
                let (free, gated) = members.allowed(part, &wants, &around);
                for bit in (0..64).filter(|bit| (free | gated) >> bit & 1 == 1) {
                    let entry = members.entry(part, bit).unwrap();
                    assert_eq!(entry.needs != Needs::Nothing, gated >> bit & 1 == 1);
                    found.push(entry.element);
                }
            }
            expected.sort_unstable();
            found.sort_unstable();
            assert_eq!(found, expected, "{text:?}");
        }
    }
}

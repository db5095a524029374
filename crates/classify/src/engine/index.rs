//! The tables that the walk looks words up in: which elements may begin at a word, by what the word looks like.
//!
//! An element more or less costs nothing where its words do not occur: it sets some bits in two tables of 16 KiB, which
//! stay in the first-level cache, and is an entry in a bucket that is opened only when such a word comes by.

use rustc_hash::FxHashMap;

use crate::engine::anchor::{Anchor, LONG, Lead, SHAPED, Shape, TOKEN};
use crate::engine::byte_set::ByteSet;
use crate::engine::group::{Entry, Group, Needs};
use crate::engine::seen::{Collector, Profile, Profiles, Wants};
use crate::engine::word_key::Table;

/// How many bytes around a word of letters are looked at before its bucket is opened.
pub(crate) const EDGES: usize = 5;

/// Bits in a table.
const BITS: usize = 1 << 17;

/// Keyword lists of which one must stand nearby: a bit for each, 64 lists at a time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Gate {
    /// How many times 64 lists before the first bit. Lists of one detector have numbers side by side, so one or two
    /// words hold the bits of most gates.
    skipped: usize,
    bits: Vec<u64>,
}

impl Gate {
    pub(crate) fn insert(&mut self, list: u16) {
        self.merge(&Gate { skipped: usize::from(list / 64), bits: vec![1 << (list % 64)] });
    }

    pub(crate) fn contains(&self, list: u16) -> bool {
        let word = usize::from(list / 64).checked_sub(self.skipped);
        word.and_then(|word| self.bits.get(word)).is_some_and(|bits| bits >> (list % 64) & 1 == 1)
    }

    /// The bits, and by how many times 64 lists they are moved.
    pub(crate) fn words(&self) -> (usize, &[u64]) {
        (self.skipped, &self.bits)
    }

    /// The lists, ascending.
    pub(crate) fn lists(&self) -> impl Iterator<Item = u16> {
        let first = 64 * self.skipped;
        let words = self.bits.iter().enumerate();
        words.flat_map(move |(place, bits)| {
            let set = (0..64).filter(move |bit| bits >> bit & 1 == 1);
            set.filter_map(move |bit| u16::try_from(first + 64 * place + bit).ok())
        })
    }

    pub(crate) fn merge(&mut self, other: &Gate) {
        if self.bits.is_empty() {
            *self = other.clone();
            return;
        }
        let first = self.skipped.min(other.skipped);
        let end = (self.skipped + self.bits.len()).max(other.skipped + other.bits.len());
        let mut bits = vec![0; end - first];
        for gate in [&*self, other] {
            for (all, more) in bits.iter_mut().skip(gate.skipped - first).zip(&gate.bits) {
                *all |= more;
            }
        }
        *self = Gate { skipped: first, bits };
    }
}

/// A table of bits by hash.
#[derive(Clone, Debug)]
pub(crate) struct Filter(Box<[u64; BITS / 64]>);

impl Filter {
    fn new() -> Filter {
        Filter(Box::new([0; BITS / 64]))
    }

    #[inline]
    fn hash(key: u32) -> u32 {
        key.wrapping_mul(0x9E37_79B1) >> 15
    }

    fn insert(&mut self, key: u32) {
        let hash = Filter::hash(key);
        if let Some(bits) = self.0.get_mut((hash >> 6) as usize) {
            *bits |= 1 << (hash & 63);
        }
    }

    #[inline]
    pub(crate) fn contains(&self, key: u32) -> bool {
        let hash = Filter::hash(key);
        self.0.get((hash >> 6) as usize).is_some_and(|bits| bits >> (hash & 63) & 1 == 1)
    }
}

/// What the index needs to know of an element.
pub(crate) struct Member<'a> {
    pub(crate) element: u16,
    pub(crate) anchor: &'a Anchor,
    pub(crate) needs: Needs,
    /// Whether it may also begin at a change of case.
    pub(crate) subword: bool,
}

/// A literal that is searched everywhere.
#[derive(Clone, Debug)]
pub(crate) struct Literal {
    pub(crate) element: u16,
    pub(crate) bytes: Vec<u8>,
    pub(crate) nearest: usize,
    pub(crate) farthest: usize,
    pub(crate) before: ByteSet,
}

/// A bucket of words with the same first four bytes, and which bytes may follow those: a bit for each, by their lower six
/// bits.
#[derive(Clone, Copy, Debug, Default)]
struct Grams {
    bucket: u32,
    fifths: u64,
}

/// A bucket of words of one length, and which of its entries allow the bytes at the first spots of
/// [`AROUND_WORDS`](crate::engine::seen::AROUND_WORDS): a bit for each entry, where the sixty-fifth shares the bit of the
/// first. Bytes beyond ASCII share the place of the last byte of ASCII, so that all of this stays near the
/// processor.
#[derive(Clone, Debug, Default)]
struct Edges {
    bucket: Option<u32>,
    entries: u32,
    allows: Option<Box<[[u64; KINDS]; EDGES]>>,
}

/// Bytes that are told apart around a word of letters.
const KINDS: usize = 128;

#[inline]
fn kind(byte: u8) -> usize {
    usize::from(byte.min(127))
}

impl Edges {
    fn add(&mut self, bucket: u32, profile: &Profile) {
        self.bucket = Some(bucket);
        let bit = 1 << (self.entries % 64);
        self.entries += 1;
        let allows = self.allows.get_or_insert_with(|| Box::new([[0; KINDS]; EDGES]));
        for (allows, set) in allows.iter_mut().zip(profile) {
            for byte in set.bytes() {
                allows.get_mut(kind(byte)).into_iter().for_each(|bits| *bits |= bit);
            }
        }
    }

    /// The bucket, if any of its entries may allow these bytes: the first of a word, the one behind it, and the others,
    /// which are seldom asked for.
    #[inline]
    fn at(&self, (first, behind): (u8, u8), others: impl Fn() -> [u8; EDGES - 2]) -> Option<u32> {
        let [at_first, at_behind, at_others @ ..] = self.allows.as_deref()?;
        let of = |row: &[u64; KINDS], byte: u8| row.get(kind(byte)).copied().unwrap_or(0);
        let allowed = of(at_first, first) & of(at_behind, behind);
        if allowed == 0 {
            return None;
        }
        let allowed = at_others.iter().zip(others()).fold(allowed, |all, (row, byte)| all & of(row, byte));
        self.bucket.filter(|_| allowed != 0)
    }
}

/// The numbers that profiles of one element have among those of all.
fn renumbered(profiles: &Profiles, collector: &mut Collector) -> Vec<u32> {
    (0..profiles.count()).map(|number| collector.number(&profiles.get(number))).collect()
}

/// All tables.
#[derive(Clone, Debug)]
pub(crate) struct Index {
    pub(crate) gram_filter: Filter,
    grams: Table<Grams>,
    pub(crate) shape_filter: Filter,
    shapes: FxHashMap<u32, u32>,
    /// By the length of a word without digits.
    lettered: Vec<Edges>,
    /// A bit for each length of which any word is looked up; bit 63 stands for 64 and more.
    any: u64,
    lengths: Vec<Edges>,
    /// Buckets by the length of a token.
    tokens: Vec<Option<u32>>,
    buckets: Vec<Group>,
    pub(crate) profiles: Profiles,
    pub(crate) wants: Wants,
    pub(crate) literals: Vec<Literal>,
    /// Words that are searched everywhere in either case, all of them at once.
    pub(crate) words: Vec<Literal>,
    /// Elements without an anchor, with the bytes that they may begin with.
    pub(crate) everywhere: Vec<(u16, ByteSet)>,
    /// Whether some element begins at changes of case.
    pub(crate) subwords: bool,
    /// Most bytes of a match before the place that the walk names.
    pub(crate) before: usize,
}

impl Index {
    /// The tables for these elements.
    pub(crate) fn new<'a>(members: impl Iterator<Item = Member<'a>>) -> Index {
        let mut index = Index {
            gram_filter: Filter::new(),
            grams: Table::default(),
            shape_filter: Filter::new(),
            shapes: FxHashMap::default(),
            lettered: vec![Edges::default(); SHAPED as usize + 1],
            any: 0,
            lengths: vec![Edges::default(); LONG as usize + 1],
            tokens: vec![None; TOKEN.1 as usize + 1],
            buckets: Vec::new(),
            profiles: Profiles::default(),
            wants: Wants::default(),
            literals: Vec::new(),
            words: Vec::new(),
            everywhere: Vec::new(),
            subwords: false,
            before: 0,
        };
        let mut collector = Collector::default();
        let mut grams = FxHashMap::default();
        for member in members {
            index.add(&member, &mut grams, &mut collector);
        }
        index.grams = Table::of(grams.into_iter().map(|(gram, known)| (u64::from(gram), known)));
        index.profiles = collector.profiles();
        index.wants = Wants::of(&index.profiles);
        index
    }

    fn add(&mut self, member: &Member<'_>, known: &mut FxHashMap<u32, Grams>, collector: &mut Collector) {
        let needs = member.needs;
        let element = member.element;
        self.subwords |= member.subword;
        match member.anchor {
            Anchor::Grams { grams, profiles } => {
                let numbers = renumbered(profiles, collector);
                for gram in grams {
                    self.gram_filter.insert(gram.bytes);
                    let before = known.get(&gram.bytes).copied();
                    let bucket = Self::bucket(&mut self.buckets, before.map(|before| before.bucket));
                    let [fifth, ..] = profiles.get(gram.profile);
                    let fifths = before.map_or(0, |before| before.fifths);
                    let fifths = fifth.bytes().fold(fifths, |all, byte| all | 1 << (byte & 63));
                    known.insert(gram.bytes, Grams { bucket, fifths });
                    let profile = numbers.get(gram.profile as usize).copied().unwrap_or(0);
                    self.put(bucket, Entry { element, before: gram.before, needs, profile });
                }
            }
            Anchor::Shapes { leads, profiles } => {
                let numbers = renumbered(profiles, collector);
                for lead in leads {
                    let bucket = self.shape_bucket(lead, &profiles.get(lead.profile));
                    let profile = numbers.get(lead.profile as usize).copied().unwrap_or(0);
                    self.put(bucket, Entry { element, before: lead.before, needs, profile });
                }
            }
            Anchor::Tokens { shortest, longest } => {
                for length in *shortest..=*longest {
                    if let Some(slot) = self.tokens.get_mut(length as usize) {
                        let bucket = Self::bucket(&mut self.buckets, *slot);
                        *slot = Some(bucket);
                        self.put(bucket, Entry { element, before: 0, needs, profile: 0 });
                    }
                }
            }
            Anchor::Literal { bytes, nearest, farthest, before } => {
                self.before = self.before.max(*farthest);
                self.literals.push(Literal {
                    element: member.element,
                    bytes: bytes.clone(),
                    nearest: *nearest,
                    farthest: *farthest,
                    before: *before,
                });
            }
            Anchor::Words { words, nearest, farthest, before } => {
                self.before = self.before.max(*farthest);
                self.words.extend(words.iter().map(|word| Literal {
                    element: member.element,
                    bytes: word.clone(),
                    nearest: *nearest,
                    farthest: *farthest,
                    before: *before,
                }));
            }
            Anchor::Everywhere(first) => self.everywhere.push((member.element, *first)),
        }
    }

    fn shape_bucket(&mut self, lead: &Lead, profile: &Profile) -> u32 {
        match lead.shape {
            Shape::Exact { length, digits } => {
                let key = shape_key(length, digits);
                self.shape_filter.insert(key);
                let bucket = Self::bucket(&mut self.buckets, self.shapes.get(&key).copied());
                self.shapes.insert(key, bucket);
                if let Some(lettered) = self.lettered.get_mut(length as usize).filter(|_| digits == 0) {
                    lettered.add(bucket, profile);
                }
                bucket
            }
            Shape::Length(length) => {
                self.any |= 1 << (length - 1).min(63);
                let known = self.lengths.get(length as usize).and_then(|known| known.bucket);
                let bucket = Self::bucket(&mut self.buckets, known);
                if let Some(known) = self.lengths.get_mut(length as usize) {
                    known.add(bucket, profile);
                }
                bucket
            }
        }
    }

    /// The bucket's number, or that of a new one.
    fn bucket(buckets: &mut Vec<Group>, known: Option<u32>) -> u32 {
        known.unwrap_or_else(|| {
            buckets.push(Group::default());
            u32::try_from(buckets.len() - 1).unwrap_or(u32::MAX)
        })
    }

    fn put(&mut self, bucket: u32, entry: Entry) {
        self.before = self.before.max(usize::from(entry.before));
        let Some(bucket) = self.buckets.get_mut(bucket as usize) else { return };
        bucket.add(entry);
    }

    /// The elements that may begin at a word with these first four bytes and this fifth.
    #[inline]
    pub(crate) fn gram(&self, gram: u32, fifth: u8) -> Option<u32> {
        let known = self.grams.get(u64::from(gram))?;
        (known.fifths >> (fifth & 63) & 1 == 1).then_some(known.bucket)
    }

    /// A bucket by its number.
    #[inline]
    pub(crate) fn opened(&self, bucket: u32) -> Option<&Group> {
        self.buckets.get(bucket as usize)
    }

    /// The elements that may begin at a word of this shape, which holds digits.
    pub(crate) fn shape(&self, length: u32, digits: u32) -> Option<u32> {
        self.shapes.get(&shape_key(length, digits)).copied()
    }

    /// The elements that may begin at a word of letters alone, by its length, its first byte and the one behind it, and
    /// where those allow it by its last byte, the one before it, and the second behind it.
    #[inline]
    pub(crate) fn letters(
        &self,
        length: u32,
        ends: (u8, u8),
        others: impl Fn() -> [u8; EDGES - 2],
    ) -> Option<u32> {
        self.lettered.get(length as usize)?.at(ends, others)
    }

    /// The elements that may begin at any word of this length, as [`Index::letters`].
    #[inline]
    pub(crate) fn length(
        &self,
        length: u32,
        ends: (u8, u8),
        others: impl Fn() -> [u8; EDGES - 2],
    ) -> Option<u32> {
        self.lengths.get(length.min(LONG) as usize)?.at(ends, others)
    }

    /// Whether any word of this length is looked up.
    #[inline]
    pub(crate) fn has_length(&self, length: u32) -> bool {
        self.any >> (length.wrapping_sub(1) & 63) & 1 == 1
    }

    /// The elements that may begin at a token of this length.
    pub(crate) fn token(&self, length: usize) -> Option<u32> {
        self.tokens.get(length.min(TOKEN.1 as usize)).copied().flatten()
    }

    /// Whether any token is looked up.
    pub(crate) fn has_tokens(&self) -> bool {
        self.tokens.iter().any(Option::is_some)
    }
}

/// Length and digits of a word in one number: digits of at most 24 bytes, the length above them.
#[inline]
pub(crate) fn shape_key(length: u32, digits: u32) -> u32 {
    digits | length << 24
}

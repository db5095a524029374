//! The one walk over the text.
//!
//! It goes from word to word. A word is a run of ASCII letters and digits; where it begins, how long it is and where its
//! digits are comes from the bits of its block without looking at bytes one by one. Two lookups decide whether an
//! expression can begin there: the first four bytes, and the length with the places of digits. A third decides whether a
//! keyword, a name or another term can. So the walk goes ahead of what is tried: when an expression asks for the keywords
//! around it, they are known.
//!
//! Measured on one busy core of an EPYC 9004 at 64 bytes a block, in GB/s: masks alone 4.5 to 6, with both lookups 1.1
//! to 1.8. A walk byte by byte through a table of classes reaches 1.8 before it looks anything up, and an Aho-Corasick
//! automaton of 244 terms 0.23, which is why neither is used.

use crate::engine::anchor::{LONG, SHAPED, TOKEN};
use crate::engine::group::Around;
use crate::engine::index::{EDGES, Index, shape_key};
use crate::engine::keywords::{Hit, Keywords};
use crate::engine::letters::{Carry, Letters, Pair};
use crate::engine::masks::{self, BLOCK, from_bit};
use crate::engine::word_key::{Filter, LOWER, key_of_bytes};

/// How many bytes after a stretch have to be known for what begins in it: two blocks, and one for a long token.
pub(crate) const BEYOND: usize = 4 * BLOCK;

/// What the walk looks words up in.
pub(crate) struct Tables<'a> {
    pub(crate) index: &'a Index,
    /// Keywords that are evidence.
    pub(crate) keywords: &'a Keywords,
    /// Names and other terms that are primaries, those that are looked for.
    pub(crate) primaries: [Option<&'a Keywords>; 2],
    /// Every key of theirs.
    pub(crate) filter: &'a Filter,
}

/// Somewhere that elements of a bucket may begin.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Event {
    /// The first byte of the word.
    pub(crate) place: usize,
    bucket: u32,
    /// How many bytes from there the word ends, as far as elements ask for it; [`GRAM`] where they ask for what stands
    /// around four bytes.
    length: u32,
}

const GRAM: u32 = u32::MAX;

impl Event {
    /// The number of its bucket.
    pub(crate) fn bucket(&self) -> u32 {
        self.bucket
    }

    /// The bytes that the elements of the bucket may be particular about.
    #[inline]
    pub(crate) fn around(&self, text: &[u8]) -> Around {
        match self.length {
            GRAM => Around::gram(text, self.place),
            length => Around::word(text, self.place, self.place + length as usize),
        }
    }
}

/// How far the walk has come, and what it has seen that is not yet tried.
#[derive(Debug, Default)]
pub(crate) struct Walk {
    /// Where it goes on.
    pub(crate) to: usize,
    /// Words, in their order.
    words: Queue,
    /// Tokens, in their order.
    tokens: Queue,
    /// Terms that are primaries.
    terms: Vec<Hit>,
}

/// Events in the order of their places.
#[derive(Debug, Default)]
struct Queue {
    events: Vec<Event>,
    tried: usize,
}

impl Queue {
    /// Where the next one begins.
    #[inline]
    fn first(&self) -> usize {
        self.events.get(self.tried).map_or(usize::MAX, |event| event.place)
    }

    #[inline]
    fn next(&mut self, before: usize) -> Option<Event> {
        let event = self.events.get(self.tried).copied().filter(|event| event.place < before)?;
        self.tried += 1;
        Some(event)
    }

    fn forget(&mut self) {
        self.events.drain(..self.tried);
        self.tried = 0;
    }

    fn wipe(&mut self) {
        self.events.clear();
        self.tried = 0;
    }
}

impl Walk {
    /// The next word or token that begins before a place.
    #[inline]
    pub(crate) fn next(&mut self, before: usize) -> Option<Event> {
        match (self.words.first(), self.tokens.first()) {
            (word, token) if word <= token => self.words.next(before),
            _ => self.tokens.next(before),
        }
    }

    /// The terms that begin before a place, sorted.
    pub(crate) fn terms(&mut self, before: usize) -> Vec<Hit> {
        self.terms.sort_unstable();
        let count = self.terms.partition_point(|hit| hit.start < before);
        self.terms.drain(..count).collect()
    }

    /// Forgets what was tried.
    pub(crate) fn forget(&mut self) {
        self.words.forget();
        self.tokens.forget();
    }

    /// Forgets everything.
    pub(crate) fn wipe(&mut self) {
        self.to = 0;
        self.words.wipe();
        self.tokens.wipe();
        self.terms.clear();
    }

    /// Moves everything towards the beginning by `bytes`, which the text has lost there.
    pub(crate) fn rebase(&mut self, bytes: usize) {
        self.to -= bytes;
        for event in self.words.events.iter_mut().chain(&mut self.tokens.events) {
            event.place = event.place.saturating_sub(bytes);
        }
        for hit in &mut self.terms {
            (hit.start, hit.end) = (hit.start.saturating_sub(bytes), hit.end.saturating_sub(bytes));
        }
    }

    /// Goes on up to a place; [`BEYOND`] bytes after it have to be there, or the text has to end before. Keywords are
    /// appended to `hits`.
    pub(crate) fn go(&mut self, tables: &Tables<'_>, text: &[u8], to: usize, hits: &mut Vec<Hit>) {
        match tables.index.has_tokens() {
            true => self.go_with::<true>(tables, text, to, hits),
            false => self.go_with::<false>(tables, text, to, hits),
        }
    }

    fn go_with<const TOKENS: bool>(
        &mut self,
        tables: &Tables<'_>,
        text: &[u8],
        to: usize,
        hits: &mut Vec<Hit>,
    ) {
        let mut place = self.to;
        let mut now = Letters::new(masks::at::<TOKENS>(text, place), Carry::before(text, place));
        while place < to {
            let pair =
                Pair { now, next: Letters::new(masks::at::<TOKENS>(text, place + BLOCK), now.carry()) };
            let inside = if to - place < BLOCK { (1 << (to - place)) - 1 } else { u64::MAX };
            let around = text.get(place.wrapping_sub(BEFORE)..).and_then(<[u8]>::first_chunk);
            match around {
                Some(around) => self.block(tables, (text, place, around), (&pair, inside), hits),
                None => self.block(tables, (text, place, &padded(text, place)), (&pair, inside), hits),
            }
            if TOKENS {
                let long = now.tokens & runs(now.token, pair.next.token) & inside;
                self.find_tokens(tables.index, text, place, (&pair, long));
            }
            now = pair.next;
            place += BLOCK;
        }
        self.to = self.to.max(to);
    }

    /// Looks up the words that begin in one block.
    #[inline]
    fn block(
        &mut self,
        tables: &Tables<'_>,
        (text, place, around): (&[u8], usize, &Window),
        (pair, inside): (&Pair, u64),
        hits: &mut Vec<Hit>,
    ) {
        let now = &pair.now;
        let plain = pair.is_plain();
        let digits = now.digit | pair.next.digit != 0;
        // Expressions begin at changes of case only where some rule asks for that.
        let changes = if tables.index.subwords { now.changes } else { 0 };
        let mut starts = now.starts & inside;
        while starts != 0 {
            let bit = starts.trailing_zeros();
            starts &= starts - 1;
            let is = |bits: u64| bits >> bit & 1 == 1;
            let word = Word { start: place + bit as usize, bit, around };
            let bytes = word.eight() | LOWER;
            let length = pair.length(bit);
            if plain {
                let key = key_of_bytes(bytes, length);
                if tables.filter.may_have(key) {
                    self.term(tables, text, word.start, ((key, length.min(8)), is(now.capitals)), hits);
                }
            } else {
                let capital = is(now.capitals);
                self.ends(tables, text, (word.start, bytes, capital), pair.ends(bit), hits);
            }
            if (plain || is(now.fresh | changes)) && tables.index.gram_filter.contains(bytes as u32) {
                self.gram(tables.index, &word, bytes as u32);
            }
            if plain || is(now.fresh) {
                let digits = if digits { from_bit(now.digit, pair.next.digit, bit) } else { 0 };
                self.shape(tables.index, text, &word, (length, digits));
            }
        }
    }

    /// Looks up a word that may end in several places, or is not of ASCII alone.
    fn ends(
        &mut self,
        tables: &Tables<'_>,
        text: &[u8],
        (start, bytes, capital): (usize, u64, bool),
        ends: Option<u64>,
        hits: &mut Vec<Hit>,
    ) {
        let Some(mut ends) = ends else {
            tables.keywords.wide_word(text, start, hits);
            for terms in tables.primaries.iter().flatten().filter(|terms| capital || !terms.is_capitalised())
            {
                terms.wide_word(text, start, &mut self.terms);
            }
            return;
        };
        while ends != 0 {
            let length = ends.trailing_zeros();
            ends &= ends - 1;
            let key = key_of_bytes(bytes, length);
            if tables.filter.may_have(key) {
                self.term(tables, text, start, ((key, length), capital), hits);
            }
        }
    }

    /// Looks up a word as the first of a term.
    fn term(
        &mut self,
        tables: &Tables<'_>,
        text: &[u8],
        start: usize,
        (key, capital): ((u64, u32), bool),
        hits: &mut Vec<Hit>,
    ) {
        tables.keywords.key(text, start, key, hits);
        for terms in tables.primaries.iter().flatten().filter(|terms| capital || !terms.is_capitalised()) {
            terms.key(text, start, key, &mut self.terms);
        }
    }

    /// Looks up the first four bytes of a word.
    #[inline]
    fn gram(&mut self, index: &Index, word: &Word<'_>, gram: u32) {
        if let Some(bucket) = index.gram(gram, word.at(4)) {
            self.words.events.push(Event { place: word.start, bucket, length: GRAM });
        }
    }

    /// Looks up the length of a word and the places of its digits.
    #[inline]
    fn shape(&mut self, index: &Index, text: &[u8], word: &Word<'_>, (length, digits): (u32, u64)) {
        if length <= SHAPED {
            let digits = digits as u32 & ((1 << length) - 1);
            let bucket = match digits {
                0 => index.letters(length, (word.at(0), word.at(length)), || word.others(length)),
                _ if index.shape_filter.contains(shape_key(length, digits)) => index.shape(length, digits),
                _ => None,
            };
            if let Some(bucket) = bucket {
                self.words.events.push(Event { place: word.start, bucket, length });
            }
        }
        if index.has_length(length) {
            self.long(index, text, word.start, length);
        }
    }

    /// Looks up the length of a word alone.
    fn long(&mut self, index: &Index, text: &[u8], start: usize, length: u32) {
        let end = start + length as usize;
        let byte = |at: usize| text.get(at).copied().unwrap_or(0);
        let others = || [byte(end - 1), byte(start.wrapping_sub(1)), byte(end + 1)];
        if let Some(bucket) = index.length(length, (byte(start), byte(end)), others) {
            // Where a word is too long to be measured, no element wants anything of its end.
            let length = if length < LONG { length } else { 0 };
            self.words.events.push(Event { place: start, bucket, length });
        }
    }

    /// Looks up the tokens of some length that begin at these bits of one block. A token without digits is looked up too:
    /// keys of letters only exist.
    #[inline]
    fn find_tokens(&mut self, index: &Index, text: &[u8], place: usize, (pair, mut starts): (&Pair, u64)) {
        while starts != 0 {
            let bit = starts.trailing_zeros();
            starts &= starts - 1;
            let bits = (!from_bit(pair.now.token, pair.next.token, bit)).trailing_zeros();
            let start = place + bit as usize;
            let length = if bits < 64 { bits as usize } else { BLOCK + more(text, start + BLOCK) };
            if let Some(bucket) = index.token(length) {
                self.tokens.events.push(Event { place: start, bucket, length: 0 });
            }
        }
    }
}

/// Bytes of a block, of what stands before it and of what its words may reach: nothing that is looked at in a word of at
/// most [`SHAPED`] bytes has to be asked whether it is there.
type Window = [u8; 2 * BLOCK];

/// Bytes of a window before its block.
const BEFORE: usize = 1;

/// The window of a block at an end of the text, with zeros beyond.
#[cold]
fn padded(text: &[u8], place: usize) -> Window {
    let mut window = [0; 2 * BLOCK];
    let rest = text.get(place.saturating_sub(BEFORE)..).unwrap_or_default();
    let first = BEFORE - place.min(BEFORE);
    window.iter_mut().skip(first).zip(rest).for_each(|(target, byte)| *target = *byte);
    window
}

/// A word that begins in a block.
struct Word<'a> {
    start: usize,
    /// Its first byte, counted from the first of the block.
    bit: u32,
    around: &'a Window,
}

impl Word<'_> {
    /// Its first eight bytes, with zeros after the end of the text.
    #[inline]
    fn eight(&self) -> u64 {
        let first = BEFORE + self.bit as usize;
        self.around.get(first..).and_then(<[u8]>::first_chunk).map_or(0, |bytes| u64::from_le_bytes(*bytes))
    }

    /// The byte so many after its first; or zero where that is too far or the text has ended.
    #[inline]
    fn at(&self, offset: u32) -> u8 {
        self.around.get(BEFORE + (self.bit + offset) as usize).copied().unwrap_or(0)
    }

    /// Its last byte, the one before it, and the second behind it.
    #[inline]
    fn others(&self, length: u32) -> [u8; EDGES - 2] {
        let before = self.around.get(self.bit as usize).copied().unwrap_or(0);
        [self.at(length - 1), before, self.at(length + 1)]
    }
}

/// The bits from which on as many are set as the shortest token has: one step for each time that the length doubles.
#[inline]
fn runs(low: u64, high: u64) -> u64 {
    const { assert!(TOKEN.0 == 16) };
    [1, 2, 4, 8]
        .into_iter()
        .fold((low, high), |(low, high), step| {
            (low & (low >> step | high << (64 - step)), high & high >> step)
        })
        .0
}

/// How much of a long token stands in the block from `place` on. Longer ones need not be told apart.
fn more(text: &[u8], place: usize) -> usize {
    (!masks::at::<true>(text, place).token).trailing_zeros() as usize
}

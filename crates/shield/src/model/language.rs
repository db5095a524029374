//! What language looks like, letter by letter and word by word, and where a text stops looking like it.
//!
//! A suffix that was searched for by a machine reads like no language: letters follow each other as they never do, known
//! words stand in pairs that nobody writes, marks of code sit inside of words. A text is walked once in blocks of
//! sixteen characters; a window is a few blocks, and [`Salad`] says how much it looks like a salad of tokens. Hashes,
//! code and other alphabets are odd as well, so what counts is learnt from both.
//!
//! Words also have *roles*: the most frequent ones each their own, the others by their ending. How unlikely a role is
//! after the two before it tells a salad of real words from a sentence, whatever the words are. So do pairs of *common*
//! words, which are nearly always known where they are language.

use std::collections::BTreeMap;

use super::dense::Dense;

/// Classes of characters: printable ASCII by itself, the rest by script.
const CLASSES: usize = 104;
/// Costs are kept in steps of a sixteenth of a bit.
const STEPS: f32 = 16.0;
/// Bits of the sets of words and of pairs.
const WORD_BITS: u32 = 19;
const PAIR_BITS: u32 = 23;
/// How often a word is seen that is common: two of these are nearly always a pair that was seen, where they are language.
const COMMON: u8 = 20;
/// Roles of words: one for what begins, some by ending, the rest for frequent words.
const ROLES: usize = 96;
const ENDINGS: [&[u8]; 14] = [
    b"ing", b"ed", b"ly", b"tion", b"ment", b"ness", b"able", b"er", b"est", b"es", b"s", b"al", b"ive", b"y",
];
/// The role of what begins, and the first role of a frequent word.
const BEGIN: u8 = 0;
const FREQUENT: u8 = 16;
/// Bits of the table of frequent words.
const ROLE_BITS: u32 = 16;
/// Characters of a block.
const BLOCK: u16 = 16;
/// Windows, in blocks.
pub const WINDOWS: [usize; 3] = [4, 8, 12];
/// Shortest window that is judged, in bytes. Only texts that are as short have one.
const SHORTEST: usize = 16;
/// How many numbers describe a window.
pub const MEASURES: usize = 13;

/// A trained model of characters and words.
#[derive(Clone, Debug, PartialEq)]
pub struct Language {
    costs: Vec<u8>,
    words: Vec<u8>,
    /// Words that are seen often.
    common: Vec<u8>,
    pairs: Vec<u8>,
    /// The role of each frequent word, by hash; 0 for the others.
    roles: Vec<u8>,
    /// Costs of the third of three roles.
    role_costs: Vec<u8>,
}

/// What was counted in a block.
#[derive(Clone, Copy, Debug, Default)]
struct Block {
    start: u32,
    end: u32,
    characters: u16,
    cost: u32,
    marks: u16,
    digits: u16,
    wide: u16,
    /// Places where case changes inside of a word, and where a letter touches a mark that is no full stop or comma.
    turns: u16,
    glued: u16,
    words: u16,
    known: u16,
    pairs: u16,
    seen: u16,
    /// Pairs of two common words, and those of them that were seen.
    common: u16,
    common_seen: u16,
    role_cost: u32,
}

/// Sizes of the tables, in bytes.
pub const SIZES: [usize; 6] = [
    CLASSES * CLASSES * CLASSES,
    1 << (WORD_BITS - 3),
    1 << (WORD_BITS - 3),
    1 << (PAIR_BITS - 3),
    1 << ROLE_BITS,
    ROLES * ROLES * ROLES,
];

impl Language {
    /// From the tables that [`Language::parts`] gives; `None` where their sizes differ.
    pub fn new(parts: [Vec<u8>; 6]) -> Option<Language> {
        let fits = parts.iter().map(Vec::len).eq(SIZES);
        let [costs, words, common, pairs, roles, role_costs] = parts;
        fits.then_some(Language { costs, words, common, pairs, roles, role_costs })
    }

    /// Costs of characters, the sets of words, of common ones and of pairs, roles and their costs.
    pub fn parts(&self) -> [&[u8]; 6] {
        [&self.costs, &self.words, &self.common, &self.pairs, &self.roles, &self.role_costs]
    }

    /// Learns from texts.
    pub fn learn<'a>(texts: impl Iterator<Item = &'a str> + Clone) -> Language {
        let mut counts = vec![0_u32; CLASSES * CLASSES * CLASSES];
        let mut words = Counted::new(WORD_BITS);
        let mut pairs = Counted::new(PAIR_BITS);
        let mut frequent: BTreeMap<u32, u32> = BTreeMap::new();
        for text in texts.clone() {
            let mut walk = Walk::default();
            for character in text.chars() {
                walk.step(character, |context, word| {
                    if let Some(count) = counts.get_mut(context) {
                        *count = count.saturating_add(1);
                    }
                    if let Some(word) = word {
                        words.add(word.hash);
                        *frequent.entry(word.hash).or_default() += 1;
                        if let Some(pair) = word.pair {
                            pairs.add(pair);
                        }
                    }
                });
            }
        }
        let roles = roles(&frequent);
        let mut role_counts = vec![0_u32; ROLES * ROLES * ROLES];
        for text in texts {
            let (mut walk, mut trail) = (Walk::default(), Trail::default());
            for character in text.chars() {
                walk.step(character, |_, word| {
                    if let Some(word) = word
                        && let Some(count) = role_counts.get_mut(trail.step(&roles, &word))
                    {
                        *count = count.saturating_add(1);
                    }
                });
            }
        }
        let role_costs = costs(&role_counts, ROLES);
        Language {
            costs: costs(&counts, CLASSES),
            words: words.set(2),
            common: words.set(COMMON),
            pairs: pairs.set(1),
            roles,
            role_costs,
        }
    }

    /// Reads a text into blocks.
    pub fn read(&self, text: &str) -> Reading {
        let mut blocks = Vec::with_capacity(text.len() / 16 + 1);
        let mut block = Block::default();
        let (mut walk, mut trail) = (Walk::default(), Trail::default());
        let (mut last, mut was_common) = (0, false);
        for (place, character) in text.char_indices() {
            if block.characters == BLOCK {
                block.end = u32::try_from(place).unwrap_or(u32::MAX);
                blocks.push(block);
                block = Block { start: block.end, ..Block::default() };
            }
            walk.step(character, |context, word| {
                block.cost += u32::from(self.costs.get(context).copied().unwrap_or(u8::MAX));
                if let Some(word) = word {
                    let roles = trail.step(&self.roles, &word);
                    block.role_cost += u32::from(self.role_costs.get(roles).copied().unwrap_or(u8::MAX));
                    block.words += 1;
                    block.known += u16::from(holds(&self.words, word.hash, WORD_BITS));
                    let common = holds(&self.common, word.hash, WORD_BITS);
                    if let Some(pair) = word.pair {
                        let seen = u16::from(holds(&self.pairs, pair, PAIR_BITS));
                        block.pairs += 1;
                        block.seen += seen;
                        if common && was_common {
                            block.common += 1;
                            block.common_seen += seen;
                        }
                    }
                    was_common = common;
                }
            });
            let kind = kind(character);
            block.see(last, kind);
            last = kind;
        }
        block.end = u32::try_from(text.len()).unwrap_or(u32::MAX);
        // A short rest belongs to the block before.
        match blocks.last_mut() {
            Some(before) if block.characters < BLOCK / 2 => before.join(&block),
            _ if block.characters > 0 => blocks.push(block),
            _ => {}
        }
        Reading { blocks }
    }
}

/// Kinds of characters, one bit each. A strange mark is none that prose has beside letters.
const MARK: u8 = 1;
const DIGIT: u8 = 1 << 1;
const WIDE: u8 = 1 << 2;
const SMALL: u8 = 1 << 3;
const CAPITAL: u8 = 1 << 4;
const STRANGE: u8 = 1 << 5;

/// The kinds of the characters of ASCII, in order.
static KINDS: [u8; 128] = {
    let mut kinds = [0; 128];
    let mut byte = 0_u8;
    while byte < 128 {
        #[allow(clippy::indexing_slicing, reason = "evaluated when compiled")]
        {
            kinds[byte as usize] = match byte {
                b'.' | b',' | b'\'' | b'-' | b'"' | b':' => MARK,
                b'0'..=b'9' => DIGIT,
                b'a'..=b'z' => SMALL,
                b'A'..=b'Z' => CAPITAL,
                _ if byte.is_ascii_punctuation() => MARK | STRANGE,
                _ => 0,
            };
        }
        byte += 1;
    }
    kinds
};

fn kind(character: char) -> u8 {
    usize::try_from(u32::from(character)).ok().and_then(|code| KINDS.get(code)).copied().unwrap_or(WIDE)
}

impl Block {
    /// Counts a character by its kind and the one before.
    fn see(&mut self, last: u8, kind: u8) {
        let is = |kind: u8, bits: u8| kind & bits != 0;
        self.characters += 1;
        self.marks += u16::from(is(kind, MARK));
        self.digits += u16::from(is(kind, DIGIT));
        self.wide += u16::from(is(kind, WIDE));
        self.turns += u16::from(is(last, SMALL) && is(kind, CAPITAL));
        let letter = SMALL | CAPITAL;
        let glued = (is(last, letter) && is(kind, STRANGE)) || (is(last, STRANGE) && is(kind, letter | MARK));
        self.glued += u16::from(glued);
    }

    fn join(&mut self, other: &Block) {
        self.end = other.end;
        self.characters += other.characters;
        self.cost += other.cost;
        self.marks += other.marks;
        self.digits += other.digits;
        self.wide += other.wide;
        self.turns += other.turns;
        self.glued += other.glued;
        self.words += other.words;
        self.known += other.known;
        self.pairs += other.pairs;
        self.seen += other.seen;
        self.common += other.common;
        self.common_seen += other.common_seen;
        self.role_cost += other.role_cost;
    }

    fn measures(&self) -> [f32; MEASURES] {
        let characters = f32::from(self.characters.max(1));
        #[allow(clippy::cast_precision_loss)] // At most some thousands.
        let (cost, role_cost) = (self.cost as f32 / STEPS / characters, self.role_cost as f32 / STEPS);
        let part = |count: u16| f32::from(count) / characters;
        let of = |count: u16, all: u16| (f32::from(count) + 0.5) / (f32::from(all) + 1.0);
        [
            cost,
            part(self.marks),
            part(self.digits),
            part(self.wide),
            part(self.turns) * 10.0,
            part(self.glued) * 5.0,
            part(self.words) * 5.0,
            of(self.known, self.words),
            of(self.seen, self.pairs),
            f32::from(self.pairs - self.seen) / characters * 8.0,
            // A window without words has the cost of an ordinary one.
            (role_cost + 5.0) / (f32::from(self.words) + 1.0),
            of(self.common_seen, self.common),
            f32::from(self.common - self.common_seen) / characters * 8.0,
        ]
    }
}

/// A text in blocks.
#[derive(Clone, Debug)]
pub struct Reading {
    blocks: Vec<Block>,
}

/// A window: the bytes it covers and what it measures.
#[derive(Clone, Copy, Debug)]
pub struct Window {
    /// First byte.
    pub start: usize,
    /// The byte after the last.
    pub end: usize,
    /// The numbers that [`Salad`] judges.
    pub measures: [f32; MEASURES],
}

impl Reading {
    /// Overlapping windows of `size` blocks, or one over everything where the text is shorter.
    pub fn windows(&self, size: usize) -> impl Iterator<Item = Window> {
        self.blocks.windows(size.min(self.blocks.len()).max(1)).map(|blocks| {
            let mut sum = Block::default();
            blocks.iter().for_each(|block| sum.join(block));
            let place = |place: u32| usize::try_from(place).unwrap_or(usize::MAX);
            let start = blocks.first().map_or(0, |block| place(block.start));
            Window { start, end: place(sum.end), measures: sum.measures() }
        })
    }
}

impl Window {
    /// True for a window of a text that is too short to tell a string that a machine made.
    pub fn says_nothing(&self) -> bool {
        self.end - self.start < SHORTEST
    }
}

/// How much windows look like a salad of tokens.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Oddness {
    /// The logit of the oddest window.
    pub most: f32,
    /// The logit of the last window.
    pub last: f32,
    /// The mean over all windows.
    pub mean: f32,
    /// The part of windows that are odd.
    pub part: f32,
    /// The bytes of the oddest window.
    pub place: (usize, usize),
}

/// Judges windows.
#[derive(Clone, Debug, PartialEq)]
pub struct Salad {
    /// One combination for each of [`WINDOWS`].
    pub by_size: Vec<Dense>,
}

impl Salad {
    /// Judges a text that was read, without the windows that something else explains.
    pub fn judge(&self, reading: &Reading, explained: impl Fn(usize, usize) -> bool) -> Oddness {
        let mut oddness = Oddness { most: LEAST, last: LEAST, mean: LEAST, ..Oddness::default() };
        let (mut sum, mut odd, mut count) = (0.0, 0.0, 0.0);
        for (dense, size) in self.by_size.iter().zip(WINDOWS) {
            let mut last = LEAST;
            for window in reading.windows(size) {
                if window.says_nothing() || explained(window.start, window.end) {
                    continue;
                }
                let logit = dense.logit(&window.measures).clamp(LEAST, -LEAST);
                sum += logit;
                count += 1.0;
                odd += f32::from(u8::from(logit > 0.0));
                if logit > oddness.most {
                    oddness.most = logit;
                    oddness.place = (window.start, window.end);
                }
                last = logit;
            }
            oddness.last = oddness.last.max(last);
        }
        if count > 0.0 {
            oddness.mean = sum / count;
            oddness.part = odd / count;
        }
        oddness
    }
}

/// Logits are kept between this and its opposite.
const LEAST: f32 = -8.0;

/// A word that has just ended.
struct Word {
    hash: u32,
    pair: Option<u32>,
    ending: u8,
}

/// The roles of the two words before.
#[derive(Default)]
struct Trail {
    before: [usize; 2],
}

impl Trail {
    /// Takes a word; gives the place of its role after the two before it in the table of costs.
    fn step(&mut self, roles: &[u8], word: &Word) -> usize {
        if word.pair.is_none() {
            self.before = [usize::from(BEGIN); 2];
        }
        let slot = usize::try_from(word.hash >> (32 - ROLE_BITS)).unwrap_or(0);
        let frequent = roles.get(slot).copied().unwrap_or(0);
        let role = usize::from(if frequent > 0 { frequent } else { word.ending });
        let [first, second] = self.before;
        self.before = [second, role];
        (first * ROLES + second) * ROLES + role
    }
}

/// A role for each of the most frequent words, in a table by hash.
fn roles(counts: &BTreeMap<u32, u32>) -> Vec<u8> {
    let mut sorted: Vec<(&u32, &u32)> = counts.iter().collect();
    sorted.sort_by(|first, second| second.1.cmp(first.1).then(first.0.cmp(second.0)));
    let mut roles = vec![0; 1 << ROLE_BITS];
    for ((hash, _), role) in sorted.into_iter().zip(FREQUENT..u8::try_from(ROLES).unwrap_or(u8::MAX)) {
        if let Some(place) = roles.get_mut(usize::try_from(hash >> (32 - ROLE_BITS)).unwrap_or(0)) {
            *place = role;
        }
    }
    roles
}

/// Walks over characters: contexts of three, and words in lower case.
struct Walk {
    classes: [usize; 2],
    word: u32,
    letters: u32,
    /// The last four letters of the word.
    tail: [u8; 4],
    before: Option<u32>,
}

impl Default for Walk {
    fn default() -> Walk {
        Walk { classes: [0, 0], word: SEED, letters: 0, tail: [0; 4], before: None }
    }
}

const SEED: u32 = 0x811C_9DC5;

impl Walk {
    fn step(&mut self, character: char, mut tell: impl FnMut(usize, Option<Word>)) {
        let class = class(character);
        let [first, second] = self.classes;
        let context = (first * CLASSES + second) * CLASSES + class;
        self.classes = [second, class];
        if character.is_ascii_alphabetic() || character == '\'' {
            let lower = character.to_ascii_lowercase();
            self.word = (self.word ^ u32::from(lower)).wrapping_mul(0x0100_0193);
            let [_, second, third, fourth] = self.tail;
            self.tail = [second, third, fourth, u8::try_from(lower).unwrap_or(0)];
            self.letters += 1;
            tell(context, None);
            return;
        }
        let word = self.end_of_word();
        // Pairs do not reach over what is neither a space nor a hyphen or comma.
        if !matches!(character, ' ' | '-' | ',') {
            self.before = None;
        }
        tell(context, word);
    }

    fn end_of_word(&mut self) -> Option<Word> {
        if self.letters == 0 {
            return None;
        }
        let hash = self.word ^ (self.word >> 15);
        let pair = self.before.map(|before| (before.rotate_left(11) ^ hash).wrapping_mul(0x9E37_79B1));
        let ending = if self.letters > 3 { ending(self.tail) } else { 15 };
        self.word = SEED;
        self.letters = 0;
        self.before = Some(hash);
        Some(Word { hash: hash.wrapping_mul(0x85EB_CA6B), pair, ending })
    }
}

/// The role of a word that is not frequent: by its ending, 1 to 15.
fn ending(tail: [u8; 4]) -> u8 {
    let place = ENDINGS.iter().position(|ending| tail.ends_with(ending)).unwrap_or(ENDINGS.len());
    u8::try_from(place + 1).unwrap_or(15)
}

/// The class of a character.
fn class(character: char) -> usize {
    match u32::from(character) {
        code @ 0x20..=0x7E => usize::try_from(code - 0x20).unwrap_or(0),
        0x09..=0x0D => 0,
        0xC0..=0x24F => 95,
        0x370..=0x3FF => 96,
        0x400..=0x52F => 97,
        0x590..=0x8FF => 98,
        0x900..=0xDFF => 99,
        0xE00..=0x109F => 100,
        0x3040..=0x30FF => 101,
        0x2E80..=0x9FFF | 0xAC00..=0xD7AF => 102,
        _ => 103,
    }
}

/// Costs of the third of three out of `kinds`: counts of triples, pairs and singles mixed after Witten and Bell.
#[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)] // Rounded and bounded.
fn costs(counts: &[u32], kinds: usize) -> Vec<u8> {
    let square = kinds * kinds;
    let mut pairs = vec![0_u32; square];
    let mut singles = vec![0_u32; kinds];
    for (index, count) in counts.iter().enumerate() {
        if let Some(pair) = pairs.get_mut(index % square) {
            *pair += count;
        }
        if let Some(single) = singles.get_mut(index % kinds) {
            *single += count;
        }
    }
    let total: u32 = singles.iter().sum();
    let single = |last: usize| {
        (singles.get(last).copied().unwrap_or(0) as f32 + 0.5) / (total as f32 + 0.5 * kinds as f32)
    };
    let mixed = |row: &[u32], last: usize, rest: f32| {
        let (sum, seen) =
            row.iter().fold((0, 0), |(sum, seen), count| (sum + count, seen + u32::from(*count > 0)));
        let seen = seen.max(1) as f32;
        (row.get(last).copied().unwrap_or(0) as f32 + seen * rest) / (sum as f32 + seen)
    };
    let mut costs = Vec::with_capacity(counts.len());
    for (index, row) in counts.chunks(kinds).enumerate() {
        let second = index % kinds;
        let pair_row = pairs.get(second * kinds..(second + 1) * kinds).unwrap_or_default();
        for last in 0..kinds {
            let probability = mixed(row, last, mixed(pair_row, last, single(last)));
            let bits = -super::logistic::ln(probability) * std::f32::consts::LOG2_E;
            costs.push((bits * STEPS).round().clamp(0.0, 255.0) as u8);
        }
    }
    costs
}

/// How often hashes were seen, for a set of those seen often enough.
struct Counted {
    bits: u32,
    counts: Vec<u8>,
}

impl Counted {
    fn new(bits: u32) -> Counted {
        Counted { bits, counts: vec![0; 1 << bits] }
    }

    fn add(&mut self, hash: u32) {
        if let Some(count) = self.counts.get_mut(usize::try_from(hash >> (32 - self.bits)).unwrap_or(0)) {
            *count = count.saturating_add(1);
        }
    }

    /// One bit for each hash, set where it was seen `least` times.
    fn set(&self, least: u8) -> Vec<u8> {
        let byte = |eight: &[u8]| {
            eight
                .iter()
                .enumerate()
                .fold(0_u8, |byte, (bit, count)| byte | (u8::from(*count >= least) << bit))
        };
        self.counts.chunks(8).map(byte).collect()
    }
}

fn holds(set: &[u8], hash: u32, bits: u32) -> bool {
    let slot = usize::try_from(hash >> (32 - bits)).unwrap_or(0);
    set.get(slot / 8).is_some_and(|byte| byte & (1 << (slot % 8)) != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_learnt_is_cheaper_than_what_was_not() {
        let prose = "the cat sat on the mat and the dog sat on the cat again ".repeat(50);
        let language = Language::learn([prose.as_str()].into_iter());
        let cost = |text: &str| language.read(text).windows(4).next().unwrap().measures;
        let known = cost("the dog sat on the mat ");
        let odd = cost("zq](Xk ##vb matthe!!--");
        assert!(known[0] + 2.0 < odd[0], "{known:?} {odd:?}");
        assert!(known[8] > odd[8]);
    }

    #[test]
    fn roles_tell_sentences_from_the_same_words_in_disorder() {
        let prose = "the cat is in the house and a dog is at the gate . the bird is on the roof of a barn . "
            .repeat(40);
        let language = Language::learn([prose.as_str()].into_iter());
        let role_cost = |text: &str| language.read(text).windows(8).next().unwrap().measures[10];
        assert!(
            role_cost("the fox is in the field and a cow is at the fence ") + 1.0
                < role_cost("is the and at in a fox the is cow field fence the ")
        );
    }

    #[test]
    fn windows_cover_the_text() {
        let language = Language::learn(["a b"].into_iter());
        let text = "x".repeat(100);
        let windows: Vec<Window> = language.read(&text).windows(4).collect();
        assert_eq!(windows.first().map(|window| window.start), Some(0));
        assert_eq!(windows.last().map(|window| window.end), Some(100));
        assert_eq!(language.read("").windows(4).count(), 0);
        assert_eq!(language.read("abc").windows(4).count(), 1);
    }
}

//! Keyword lists and dictionaries: all terms of all rules in one index, in which the walk looks words up.
//!
//! A word of the text is looked up by its first eight bytes, with case folded: one load, one mask, one multiplication
//! and one bit tell that it begins no term, which is nearly always so. Terms that may stand inside of words are searched
//! by an Aho-Corasick automaton.

use std::sync::Arc;

use aho_corasick::{AhoCorasick, MatchKind};
use rustc_hash::FxHashMap;

use crate::engine::boundary::{case_changes, character_at, is_letter, is_word_alone, letter_before};
use crate::engine::letters::{Carry, Letters, Pair};
use crate::engine::masks::{self, BLOCK, Wanted};
use crate::engine::term::{FOLLOWER, MOST_BLANKS, WordTerm, folded};
use crate::rule::{KeywordGroup, MatchStyle};

/// A place in the text where a term of a list stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Hit {
    pub(crate) start: usize,
    pub(crate) end: usize,
    pub(crate) list: u16,
}

/// All terms of all lists.
#[derive(Debug, Default)]
pub(crate) struct Keywords {
    /// The keys of first words.
    filter: Filter,
    /// Terms by the key of their first word: a range of `order`.
    keys: FxHashMap<u64, (u32, u32)>,
    terms: Vec<WordTerm>,
    strings: Option<AhoCorasick>,
    string_terms: Vec<(u16, Arc<str>, bool)>,
    /// Most bytes that a term with its separators and followers can cover.
    pub(crate) longest: usize,
    /// Whether all terms begin with a capital letter.
    capitalised: bool,
}

/// A set of keys that may tell of one that is not there.
#[derive(Debug, Default)]
pub(crate) struct Filter {
    /// A bit for each hash.
    bits: Vec<u64>,
    shift: u32,
}

impl Filter {
    /// About eight bits a key: one lookup in eight or more goes on to the table.
    fn of(keys: impl ExactSizeIterator<Item = u64>) -> Filter {
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

    /// The keys of several indexes together.
    pub(crate) fn together(all: &[&Keywords]) -> Filter {
        let keys: Vec<u64> = all.iter().flat_map(|keywords| keywords.keys.keys().copied()).collect();
        Filter::of(keys.into_iter())
    }

    fn place(&self, key: u64) -> (usize, u32) {
        let hash = key.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> self.shift;
        (usize::try_from(hash >> 6).unwrap_or(usize::MAX), (hash & 63) as u32)
    }

    #[inline]
    pub(crate) fn may_have(&self, key: u64) -> bool {
        let (word, bit) = self.place(key);
        self.bits.get(word).is_some_and(|bits| bits >> bit & 1 == 1)
    }
}

/// Whether some of these terms may stand inside of words.
pub(crate) fn has_strings(groups: &[KeywordGroup]) -> bool {
    groups.iter().any(|group| group.style == MatchStyle::String)
}

/// Collects terms before they are indexed.
#[derive(Default)]
pub(crate) struct Builder {
    words: Vec<(u64, WordTerm)>,
    string_terms: Vec<(u16, Arc<str>, bool)>,
    longest: usize,
    capitalised: bool,
}

impl Builder {
    /// For terms that all begin with a capital letter.
    pub(crate) fn capitalised() -> Builder {
        Builder { capitalised: true, ..Builder::default() }
    }

    /// Adds the terms of a list.
    pub(crate) fn add_groups(&mut self, list: u16, groups: &[KeywordGroup]) {
        for group in groups {
            for term in &group.terms {
                match group.style {
                    MatchStyle::Word => self.add_word(list, &term.text, term.case_sensitive, None),
                    MatchStyle::String => {
                        self.longest = self.longest.max(term.text.len());
                        self.string_terms.push((list, term.text.clone(), term.case_sensitive));
                    }
                }
            }
        }
    }

    /// Adds a word of a dictionary.
    pub(crate) fn add_entry(&mut self, list: u16, text: &str, capitalised: bool, follow: u8) {
        self.add_word(list, text, false, Some((capitalised, follow)));
    }

    fn add_word(&mut self, list: u16, text: &str, case_sensitive: bool, entry: Option<(bool, u8)>) {
        let begins = text.find(|character| is_letter(character) || is_word_alone(character));
        let Some((lead, rest)) = begins.and_then(|at| text.split_at_checked(at)) else { return };
        let fold = |text: &str| match case_sensitive {
            true => text.to_owned(),
            false => text.chars().map(folded).collect(),
        };
        let mut body = String::with_capacity(rest.len());
        for part in fold(rest).split_whitespace() {
            if !body.is_empty() {
                body.push(' ');
            }
            body.push_str(part);
        }
        let (capitalised, follow) = entry.unwrap_or_default();
        // Folding can change a character's length by a factor of two, and followers are at most 40 bytes each.
        let blanks = body.matches(' ').count();
        self.longest =
            self.longest.max(2 * text.len() + blanks * MOST_BLANKS + usize::from(follow) * FOLLOWER);
        let key = key_of(body.chars().map(folded));
        let plain = lead.is_empty() && !case_sensitive && !capitalised && follow == 0;
        let term = WordTerm {
            list,
            plain: plain && body.bytes().all(|byte| byte.is_ascii_alphanumeric()),
            ascii: body.is_ascii(),
            lead: fold(lead).into(),
            body: body.into(),
            case_sensitive,
            follow,
            capitalised,
        };
        self.words.push((key, term));
    }

    /// The index.
    pub(crate) fn build(mut self) -> Keywords {
        let mut keywords = Keywords {
            filter: Filter::of(self.words.iter().map(|(key, _)| *key)),
            longest: self.longest,
            capitalised: self.capitalised,
            ..Keywords::default()
        };
        let keys = self.words.iter().map(|(key, _)| *key).zip(0_u32..);
        let mut order: Vec<(u64, u32)> = keys.collect();
        order.sort_unstable();
        keywords.keys.reserve(order.len());
        keywords.terms.reserve(order.len());
        for (key, from) in order {
            let Some((_, term)) = self.words.get_mut(usize::try_from(from).unwrap_or(usize::MAX)) else {
                continue;
            };
            let term = std::mem::take(term);
            let place = u32::try_from(keywords.terms.len()).unwrap_or(u32::MAX);
            let (_, end) = keywords.keys.entry(key).or_insert((place, place));
            *end = place + 1;
            keywords.terms.push(term);
        }
        if !self.string_terms.is_empty() {
            let texts = self.string_terms.iter().map(|(_, text, _)| text.as_bytes());
            let mut builder = AhoCorasick::builder();
            builder.ascii_case_insensitive(true).match_kind(MatchKind::Standard);
            keywords.strings = builder.build(texts).ok();
            keywords.string_terms = self.string_terms;
        }
        keywords
    }
}

impl Keywords {
    /// Every whole word or phrase of these indexes that begins in `text[from..to]`, appended to `hits`. It may end later.
    /// `ascii` says that the stretch and the block after it are known to be ASCII.
    pub(crate) fn find_words<const N: usize>(
        all: [Option<&Keywords>; N],
        text: &[u8],
        (from, to): (usize, usize),
        ascii: bool,
        hits: &mut Vec<Hit>,
    ) {
        if all.iter().flatten().all(|keywords| keywords.terms.is_empty()) {
            return;
        }
        let wanted = Wanted { upper: true, high: !ascii, token: false };
        let mut place = from;
        let mut now =
            Letters::new(masks::masks(&masks::block(text, place), wanted), Carry::before(text, place));
        while place < to {
            let masks = masks::masks(&masks::block(text, place + BLOCK), wanted);
            let next = Letters::new(masks, now.carry());
            let inside = if to - place < BLOCK { (1 << (to - place)) - 1 } else { u64::MAX };
            let pair = Pair { now, next };
            for keywords in all.iter().flatten() {
                let starts = if keywords.capitalised { now.starts & now.capitals } else { now.starts };
                keywords.block(text, place, (&pair, starts & inside), hits);
            }
            now = next;
            place += BLOCK;
        }
    }

    /// Looks up the words that begin at these bits of a block.
    #[inline]
    fn block(&self, text: &[u8], place: usize, (pair, mut starts): (&Pair, u64), hits: &mut Vec<Hit>) {
        let plain = pair.is_plain();
        while starts != 0 {
            let bit = starts.trailing_zeros();
            starts &= starts - 1;
            let start = place + bit as usize;
            let bytes = eight(text, start);
            let ends = if plain { Some(1 << pair.length(bit).min(8)) } else { pair.ends(bit) };
            match ends {
                Some(ends) => self.word(text, start, (bytes | LOWER, ends), hits),
                None => self.wide_word(text, start, hits),
            }
        }
    }

    /// Looks up an ASCII word of the text, by all of its first eight bytes and by what stands before a change of case.
    #[inline]
    fn word(&self, text: &[u8], start: usize, (bytes, mut ends): (u64, u64), hits: &mut Vec<Hit>) {
        while ends != 0 {
            let length = ends.trailing_zeros();
            ends &= ends - 1;
            // Of eight bytes and more, all are taken.
            let key = key_of_bytes(bytes, length);
            self.key(text, start, (key, length), hits);
        }
    }

    /// Tries the terms whose first word is an ASCII word of the text with this key.
    #[inline]
    pub(crate) fn key(&self, text: &[u8], start: usize, (key, length): (u64, u32), hits: &mut Vec<Hit>) {
        if self.filter.may_have(key) {
            self.lookup(text, start, (key, length), hits);
        }
    }

    /// Whether all terms begin with a capital letter.
    pub(crate) fn is_capitalised(&self) -> bool {
        self.capitalised
    }

    /// A word with, or beside, characters beyond ASCII.
    pub(crate) fn wide_word(&self, text: &[u8], start: usize, hits: &mut Vec<Hit>) {
        let Some(first) = character_at(text, start) else { return };
        if is_word_alone(first) {
            return self.lookup(text, start, (key_of([first].into_iter()), UNKNOWN), hits);
        }
        if !is_letter(first) || (letter_before(text, start) && !case_changes(text, start)) {
            return;
        }
        let mut key = Key::default();
        let mut place = start;
        while let Some(character) = character_at(text, place).filter(|character| is_letter(*character)) {
            if place > start && case_changes(text, place) && !key.is_full() {
                self.lookup(text, start, (key.value, UNKNOWN), hits);
            }
            key.push(folded(character));
            place += character.len_utf8();
            if key.is_full() {
                break;
            }
        }
        self.lookup(text, start, (key.value, UNKNOWN), hits);
    }

    /// Tries the terms whose first word has this key. `length` is that of a word of the text which has no other bytes than
    /// those of the key.
    fn lookup(&self, text: &[u8], start: usize, (key, length): (u64, u32), hits: &mut Vec<Hit>) {
        let Some((first, end)) = self.keys.get(&key) else { return };
        let range = usize::try_from(*first).unwrap_or(0)..usize::try_from(*end).unwrap_or(0);
        for term in self.terms.get(range).unwrap_or_default() {
            // A word of fewer than eight bytes that has the key is the term, if that is one plain word.
            let found = match term.plain && length < 8 {
                true => Some((start, start + length as usize)),
                false => term.matches(text, start),
            };
            if let Some((start, end)) = found {
                hits.push(Hit { start, end, list: term.list });
            }
        }
    }

    /// Whether some terms may stand inside of words.
    pub(crate) fn has_strings(&self) -> bool {
        self.strings.is_some()
    }

    /// Every term of the other kind that begins in `text[from..to]`, appended to `hits`.
    pub(crate) fn find_strings(&self, text: &[u8], from: usize, to: usize, hits: &mut Vec<Hit>) {
        let Some(strings) = &self.strings else { return };
        let end = to.saturating_add(self.longest).min(text.len());
        let window = text.get(from..end).unwrap_or_default();
        for found in strings.find_overlapping_iter(window) {
            let (start, end) = (from + found.start(), from + found.end());
            let Some((list, term, case_sensitive)) = self.string_terms.get(found.pattern().as_usize()) else {
                continue;
            };
            let exact = || text.get(start..end) == Some(term.as_bytes());
            if start < to && (!case_sensitive || exact()) {
                hits.push(Hit { start, end, list: *list });
            }
        }
    }
}

/// The first eight bytes of a word.
#[derive(Default)]
struct Key {
    value: u64,
    length: u32,
}

impl Key {
    fn push(&mut self, character: char) {
        let mut buffer = [0; 4];
        for byte in character.encode_utf8(&mut buffer).bytes() {
            if self.length < 8 {
                self.value |= u64::from(byte) << (8 * self.length);
            }
            self.length += 1;
        }
    }

    fn is_full(&self) -> bool {
        self.length >= 8
    }
}

/// The key of a term's first word, or of its first character where that is a word of its own.
fn key_of(characters: impl Iterator<Item = char>) -> u64 {
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

/// The length of a word that is not ASCII alone.
const UNKNOWN: u32 = u32::MAX;

#[cfg(test)]
mod tests {
    use super::{Builder, Keywords};
    use crate::rule::{KeywordGroup, MatchStyle, Term};

    fn check(term: &str, style: MatchStyle, text: &str, expected: &[&str]) {
        let mut builder = Builder::default();
        let terms = vec![Term { text: term.into(), case_sensitive: false }];
        builder.add_groups(7, &[KeywordGroup { style, terms }]);
        let keywords = builder.build();
        // Regions of any size give the same hits.
        for step in [1, 3, 64, 1_000] {
            let mut hits = Vec::new();
            for from in (0..text.len()).step_by(step) {
                let to = (from + step).min(text.len());
                Keywords::find_words(
                    [Some(&keywords)],
                    text.as_bytes(),
                    (from, to),
                    text.is_ascii(),
                    &mut hits,
                );
                keywords.find_strings(text.as_bytes(), from, to, &mut hits);
                hits.sort_unstable();
            }
            let found: Vec<_> = hits.iter().map(|hit| &text[hit.start..hit.end]).collect();
            assert_eq!(found, expected, "{term} in {text}, {step} bytes at a time");
        }
    }

    #[test]
    fn words_are_whole() {
        let word = |term, text, expected| check(term, MatchStyle::Word, text, expected);
        word("ssn", "SSN: 1, ssns, my_ssn, mySsn ssn", &["SSN", "ssn", "Ssn", "ssn"]);
        word("lic", "public lic. LIC", &["lic", "LIC"]);
        word(
            "card number",
            "cardNumber CARD_NUMBER card - number card     number cardnumber",
            &["cardNumber", "CARD_NUMBER", "card - number"],
        );
        word("cardnumber", "cardNumber CARDNUMBER cardnumbers", &["cardNumber", "CARDNUMBER"]);
        word("credit", "creditCardNumber creditcard", &["credit"]);
        word("ssn#", "ssn#1 ssn 1", &["ssn#"]);
        word("#id", "no #ID here", &["#ID"]);
        word("supercalifragilistic", "Supercalifragilistic supercalifragilistics", &["Supercalifragilistic"]);
    }

    #[test]
    fn letters_beyond_ascii_are_letters() {
        let word = |term, text, expected| check(term, MatchStyle::Word, text, expected);
        word("stra\u{df}e", "STRASSE Stra\u{df}e Stra\u{df}en", &["Stra\u{df}e"]);
        word("\u{e9}tat", "\u{c9}TAT l'\u{e9}tat \u{e9}tats", &["\u{c9}TAT", "\u{e9}tat"]);
        word("num", "num\u{e9}ro num \u{2014}num\u{2014}", &["num", "num"]);
        word("\u{53f7}\u{7801}", "ID\u{53f7}\u{7801}4111", &["\u{53f7}\u{7801}"]);
        word("id\u{53f7}\u{7801}", "xx ID\u{53f7}\u{7801}4111", &["ID\u{53f7}\u{7801}"]);
    }

    #[test]
    fn strings_are_anywhere() {
        check("contoso", MatchStyle::String, "myCONTOSOserver contoso", &["CONTOSO", "contoso"]);
        check("aa", MatchStyle::String, "aaa", &["aa", "aa"]);
    }
}

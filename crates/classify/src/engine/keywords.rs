//! Keyword lists and dictionaries: all terms of all rules in one index, in which the walk looks words up.
//!
//! A word of the text is looked up by its first eight bytes, with case folded: one load, one mask, one multiplication
//! and one bit tell that it begins no term, which is nearly always so. Terms that may stand inside of words are searched
//! by an Aho-Corasick automaton.

use std::ops::Range;
use std::sync::Arc;

use aho_corasick::AhoCorasick;

use crate::engine::boundary::{case_changes, character_at, is_letter, is_word_alone, letter_before};
use crate::engine::letters::{Carry, Letters, Pair};
use crate::engine::masks::{self, BLOCK};
use crate::engine::term::{After, Next, WordTerm, folded};
use crate::engine::word_key::{Filter, Key, LOWER, Table, eight, key_of, key_of_bytes};

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
    pub(super) filter: Filter,
    /// Terms by the key of their first word.
    pub(super) groups: Table<Group>,
    pub(super) terms: Vec<WordTerm>,
    /// By term: its list.
    pub(super) lists: Vec<u16>,
    pub(super) strings: Option<AhoCorasick>,
    pub(super) string_terms: Vec<(u16, Arc<str>, bool)>,
    /// Most bytes that a term with its separators and followers can cover.
    pub(crate) longest: usize,
    /// Whether all terms begin with a capital letter.
    pub(super) capitalised: bool,
}

/// The terms of which the first words have one key.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Group {
    /// Places of the terms; those before the second are plain.
    places: (u32, u32, u32),
    /// What the next word of the others begins with: a bit for each byte by its lower six bits. All of them where one of
    /// them does not go on with another word.
    next: u64,
}

impl Group {
    /// The group of one term, which is the first of its key.
    pub(super) fn new(place: u32, term: &WordTerm) -> Group {
        let mut group = Group { places: (place, place, place), next: 0 };
        group.add(term);
        group
    }

    /// Adds the term that comes next; plain ones come first.
    pub(super) fn add(&mut self, term: &WordTerm) {
        self.places.2 += 1;
        if term.plain {
            self.places.1 = self.places.2;
            return;
        }
        self.next |= match term.after {
            After::Word(byte) => 1 << (byte & 63),
            After::Nothing | After::Other => u64::MAX,
        };
    }

    /// The places of all terms, and of those that are not plain.
    fn ranges(&self) -> (Range<usize>, Range<usize>) {
        let (first, others, end) = (self.places.0 as usize, self.places.1 as usize, self.places.2 as usize);
        (first..end, others..end)
    }
}

impl Keywords {
    /// The keys of several indexes together.
    pub(crate) fn filter_of(all: &[&Keywords]) -> Filter {
        let keys: Vec<u64> = all.iter().flat_map(|keywords| keywords.groups.keys()).collect();
        Filter::of(keys.into_iter())
    }

    /// Every whole word or phrase of these indexes that begins in `text[from..to]`, appended to `hits`. It may end later.
    pub(crate) fn find_words<const N: usize>(
        all: [Option<&Keywords>; N],
        text: &[u8],
        (from, to): (usize, usize),
        hits: &mut Vec<Hit>,
    ) {
        if all.iter().flatten().all(|keywords| keywords.terms.is_empty()) {
            return;
        }
        let mut place = from;
        let mut now = Letters::new(masks::at::<false>(text, place), Carry::before(text, place));
        while place < to {
            let next = Letters::new(masks::at::<false>(text, place + BLOCK), now.carry());
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
        let Some(group) = self.groups.get(key) else { return };
        let (all, others) = group.ranges();
        if length >= 8 {
            for term in self.terms.get(all).unwrap_or_default() {
                let found = term.matches(text, start);
                hits.extend(found.map(|(start, end)| Hit { start, end, list: term.list }));
            }
            return;
        }
        // A word of fewer than eight bytes that has the key is the first word of each of these terms, in either case.
        let end = start + length as usize;
        let plain = self.lists.get(all.start..others.start).unwrap_or_default();
        hits.extend(plain.iter().map(|list| Hit { start, end, list: *list }));
        if others.is_empty() {
            return;
        }
        let next = Next::after(text, end);
        if !next.is_of(group.next) {
            return;
        }
        for term in self.terms.get(others).unwrap_or_default() {
            let found = match term.after {
                After::Nothing => term.alone(text, (start, end)),
                After::Word(byte) if !next.may_be(byte) => None,
                After::Word(_) | After::Other => term.matches(text, start),
            };
            hits.extend(found.map(|(start, end)| Hit { start, end, list: term.list }));
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

/// The length of a word that is not ASCII alone.
const UNKNOWN: u32 = u32::MAX;

#[cfg(test)]
mod tests {
    use super::Keywords;
    use crate::engine::keyword_builder::Builder;
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
                Keywords::find_words([Some(&keywords)], text.as_bytes(), (from, to), &mut hits);
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

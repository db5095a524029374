//! The automata of some items.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};
use regex::{Regex, RegexBuilder, RegexSet, RegexSetBuilder};

use super::{BlocklistError, EXPRESSION_BYTES, Hit, Item, MOST_CHARACTERS};
use crate::view::{Options, normalise_with};

/// So many expressions are in one set: more have too many states together to stay in the cache of a lazy automaton.
const EXPRESSIONS_IN_SET: usize = 64;

/// What an item is looked for by.
#[derive(Clone, Debug)]
pub(super) enum Pattern {
    /// Normalised and in small letters.
    Exact(Arc<str>),
    Expression(Regex),
}

impl Pattern {
    pub(super) fn new(item: &Item) -> Result<Pattern, BlocklistError> {
        if item.text.chars().nth(MOST_CHARACTERS).is_some() {
            return Err(BlocklistError::Long(item.id.clone()));
        }
        match item.is_regex {
            true => expression(item).map(Pattern::Expression),
            false => exact(item).map(Pattern::Exact),
        }
    }
}

fn exact(item: &Item) -> Result<Arc<str>, BlocklistError> {
    let folded = normalise_with(&item.text, &Options { fold_case: true, ..Options::default() });
    match folded.text().trim() {
        "" => Err(BlocklistError::Empty(item.id.clone())),
        text => Ok(text.into()),
    }
}

fn expression(item: &Item) -> Result<Regex, BlocklistError> {
    if item.text.is_empty() {
        return Err(BlocklistError::Empty(item.id.clone()));
    }
    let built = RegexBuilder::new(&item.text).size_limit(EXPRESSION_BYTES).nest_limit(32).build();
    let expression = built.map_err(|error| match error {
        regex::Error::CompiledTooBig(_) => BlocklistError::Large(item.id.clone()),
        other => BlocklistError::Expression { item: item.id.clone(), message: other.to_string() },
    })?;
    match expression.is_match("") {
        true => Err(BlocklistError::Everything(item.id.clone())),
        false => Ok(expression),
    }
}

/// One item as of one change.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) list: Arc<str>,
    pub(super) id: Arc<str>,
    pub(super) change: u64,
    text: Arc<str>,
    pattern: Pattern,
}

impl Entry {
    pub(super) fn new(list: &str, item: &Item, change: u64, pattern: Pattern) -> Entry {
        Entry {
            list: list.into(),
            id: item.id.as_str().into(),
            change,
            text: item.text.as_str().into(),
            pattern,
        }
    }

    pub(super) fn hit(&self, span: Range<usize>) -> Hit {
        let (list, item) = (Arc::clone(&self.list), Arc::clone(&self.id));
        Hit { list, item, item_text: Arc::clone(&self.text), span }
    }
}

/// Items and what finds all of them in one walk.
#[derive(Debug, Default)]
pub(super) struct Segment {
    entries: Vec<Entry>,
    words: Option<AhoCorasick>,
    /// For each pattern of `words`, which entries have this text.
    owners: Vec<Vec<usize>>,
    sets: Vec<ExpressionSet>,
}

/// Some expressions as one automaton.
#[derive(Debug)]
struct ExpressionSet {
    /// Nothing where they would be too large together; then each is tried by itself.
    set: Option<RegexSet>,
    entries: Vec<usize>,
}

impl Segment {
    pub(super) fn build(entries: Vec<Entry>) -> Segment {
        let mut texts: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        let mut expressions = Vec::new();
        for (index, entry) in entries.iter().enumerate() {
            match &entry.pattern {
                Pattern::Exact(text) => texts.entry(text).or_default().push(index),
                Pattern::Expression(expression) => expressions.push((index, expression)),
            }
        }
        // The contiguous automaton is small and quick to build. With these bounds building it cannot fail.
        let builder = || AhoCorasick::builder().kind(Some(AhoCorasickKind::ContiguousNFA)).clone();
        let words = match texts.is_empty() {
            true => None,
            false => builder().match_kind(MatchKind::Standard).build(texts.keys()).ok(),
        };
        let owners = texts.into_values().collect();
        let sets = expressions.chunks(EXPRESSIONS_IN_SET).map(ExpressionSet::build).collect();
        Segment { entries, words, owners, sets }
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(super) fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Tells `each` exact item of `text`, until it returns false.
    pub(super) fn exact(&self, text: &str, mut each: impl FnMut(&Entry, Range<usize>) -> bool) {
        let Some(words) = &self.words else { return };
        for found in words.find_overlapping_iter(text) {
            if !is_bounded(text, found.range()) {
                continue;
            }
            let owners = self.owners.get(found.pattern().as_usize());
            for entry in owners.into_iter().flatten().filter_map(|&index| self.entries.get(index)) {
                if !each(entry, found.range()) {
                    return;
                }
            }
        }
    }

    /// Tells `each` expression that matches `text`.
    pub(super) fn expressions(&self, text: &str, mut each: impl FnMut(&Entry, &Regex)) {
        for set in &self.sets {
            let matched: Vec<usize> = match &set.set {
                Some(automaton) => automaton.matches(text).into_iter().collect(),
                None => (0..set.entries.len()).collect(),
            };
            let entries = matched.into_iter().filter_map(|index| self.entries.get(*set.entries.get(index)?));
            for entry in entries {
                if let Pattern::Expression(expression) = &entry.pattern {
                    each(entry, expression);
                }
            }
        }
    }
}

impl ExpressionSet {
    fn build(expressions: &[(usize, &Regex)]) -> ExpressionSet {
        let texts = expressions.iter().map(|(_, expression)| expression.as_str());
        let size = EXPRESSION_BYTES * EXPRESSIONS_IN_SET;
        let set = RegexSetBuilder::new(texts).size_limit(size).nest_limit(32).build().ok();
        ExpressionSet { set, entries: expressions.iter().map(|(index, _)| *index).collect() }
    }
}

/// Whether `range` neither begins nor ends within a word.
fn is_bounded(text: &str, range: Range<usize>) -> bool {
    let (Some(before), Some(inner), Some(after)) =
        (text.get(..range.start), text.get(range.clone()), text.get(range.end..))
    else {
        return false;
    };
    let joined = |left: Option<char>, right: Option<char>| {
        left.is_some_and(is_of_word) && right.is_some_and(is_of_word)
    };
    !joined(before.chars().next_back(), inner.chars().next())
        && !joined(inner.chars().next_back(), after.chars().next())
}

/// Whether `character` is of a word that white space or punctuation ends.
fn is_of_word(character: char) -> bool {
    character.is_alphanumeric() && !has_no_borders(character)
}

/// Thai, Lao, Myanmar, Khmer, Tai, kana, Han and Hangul, by blocks.
fn has_no_borders(character: char) -> bool {
    matches!(character,
        '\u{e00}'..='\u{eff}' | '\u{1000}'..='\u{109f}' | '\u{1780}'..='\u{17ff}' | '\u{1950}'..='\u{19df}'
        | '\u{1a20}'..='\u{1aaf}' | '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}' | '\u{ac00}'..='\u{d7a3}' | '\u{f900}'..='\u{faff}'
        | '\u{20000}'..='\u{3ffff}')
}

//! Looks for rules in a text.

use std::collections::BTreeMap;

use regex_automata::Input;
use regex_automata::meta::{Config, Regex};
use regex_automata::util::syntax;

use super::{Hits, Rule, Rules};

/// Most matches that are kept; more say nothing more.
pub(crate) const MOST_HITS: usize = 64;
/// Most matches of one rule that are kept.
const MOST_OF_ONE: usize = 8;
/// How far from its word a match may begin and end, in bytes.
const REACH: usize = 240;
/// Largest compiled expression, in bytes.
const LARGEST: usize = 2 << 20;

/// A match.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hit {
    /// Which rule: an index into [`Rules::rules`].
    pub rule: usize,
    /// First byte.
    pub start: usize,
    /// The byte after the last.
    pub end: usize,
}

impl Rules {
    /// Looks for the rules that are meant for users' texts or for content. Each rule reads a byte at most once, and only
    /// near its words, so the time is linear in the text.
    pub fn find(&self, text: &str, content: bool) -> Hits {
        let lower = lowered(text);
        let mut hits = Hits { by_family: vec![0.0; self.families.len()], hits: Vec::new() };
        for (index, regions) in self.regions(&lower, content) {
            let Some(rule) = self.rules.get(index) else { continue };
            for (start, end) in rule.matches(&lower, &regions) {
                if let Some(weight) = hits.by_family.get_mut(rule.family) {
                    *weight = weight.max(rule.weight);
                }
                if hits.hits.len() < MOST_HITS {
                    hits.hits.push(Hit { rule: index, start, end });
                }
            }
        }
        hits.hits.sort_by_key(|hit| (hit.start, hit.end));
        hits
    }

    /// For each rule that may match, where: around its words, what overlaps joined.
    fn regions(&self, lower: &str, content: bool) -> BTreeMap<usize, Vec<(usize, usize)>> {
        let mut regions: BTreeMap<usize, Vec<(usize, usize)>> = BTreeMap::new();
        for found in self.words.find_overlapping_iter(lower) {
            let Some(index) = self.owners.get(found.pattern().as_usize()).copied() else { continue };
            let Some(rule) = self.rules.get(index) else { continue };
            if !(if content { rule.in_content } else { rule.in_user }) {
                continue;
            }
            let reach = if rule.pattern.is_some() { REACH } else { 0 };
            let from = floor(lower, found.start().saturating_sub(reach));
            let to = floor(lower, (found.end() + reach).min(lower.len()));
            let list = regions.entry(index).or_default();
            match list.last_mut() {
                Some(last) if from < last.1 => last.1 = last.1.max(to),
                _ => list.push((from, to)),
            }
        }
        regions
    }
}

impl Rule {
    /// Where the rule matches inside of some regions.
    fn matches(&self, text: &str, regions: &[(usize, usize)]) -> Vec<(usize, usize)> {
        if self.pattern.is_none() {
            return regions.iter().take(MOST_OF_ONE).copied().collect();
        }
        let Some(regex) = self.regex() else { return Vec::new() };
        let mut matches = Vec::new();
        for (from, to) in regions {
            let found = regex
                .find_iter(Input::new(text).range(*from..*to))
                .map(|found| (floor(text, found.start()), floor(text, found.end())));
            matches.extend(found.take(MOST_OF_ONE - matches.len()));
            if matches.len() >= MOST_OF_ONE {
                break;
            }
        }
        matches
    }

    /// The expression, compiled when it is first needed; `None` when it is none.
    pub(super) fn regex(&self) -> Option<&Regex> {
        let compile = || {
            let pattern = self.pattern.as_deref()?;
            // Words of ASCII letters make far smaller automata; only patterns in other alphabets need all letters.
            let unicode = !pattern.is_ascii();
            let config =
                Config::new().nfa_size_limit(Some(LARGEST)).onepass(false).dfa(false).utf8_empty(unicode);
            let syntax = syntax::Config::new().multi_line(true).unicode(unicode).utf8(unicode);
            Regex::builder().configure(config).syntax(syntax).build(pattern).ok()
        };
        self.compiled.get_or_init(compile).as_ref()
    }
}

fn floor(text: &str, mut place: usize) -> usize {
    while !text.is_char_boundary(place) {
        place -= 1;
    }
    place
}

/// A text in lower case, letter by letter, where that keeps the length, so that places stay the same.
pub(super) fn lowered(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    let lower = |character: char| {
        let mut lower = character.to_lowercase();
        match (lower.next(), lower.next()) {
            (Some(single), None) if single.len_utf8() == character.len_utf8() => single,
            _ => character,
        }
    };
    text.chars().map(lower).collect()
}

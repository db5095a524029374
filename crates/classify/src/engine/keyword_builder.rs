//! Terms as rules write them, made ready to be looked up.

use std::sync::Arc;

use aho_corasick::{AhoCorasick, MatchKind};

use crate::engine::boundary::{is_letter, is_word_alone};
use crate::engine::keywords::{Group, Keywords};
use crate::engine::term::{After, FOLLOWER, MOST_BLANKS, WordTerm, folded};
use crate::engine::word_key::{Filter, Table, key_of};
use crate::rule::{KeywordGroup, MatchStyle};

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
        let after = After::of(&body, lead.is_empty() && !case_sensitive);
        let term = WordTerm {
            list,
            plain: after == After::Nothing && !capitalised && follow == 0,
            after,
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
        // Of the terms of one key, the plain ones come first.
        self.words.sort_by_key(|(key, term)| (*key, !term.plain));
        let mut groups: Vec<(u64, Group)> = Vec::new();
        for ((key, term), place) in self.words.iter().zip(0_u32..) {
            match groups.last_mut().filter(|(known, _)| known == key) {
                Some((_, group)) => group.add(term),
                None => groups.push((*key, Group::new(place, term))),
            }
        }
        let mut keywords = Keywords {
            filter: Filter::of(groups.iter().map(|(key, _)| *key)),
            groups: Table::of(groups.iter().copied()),
            lists: self.words.iter().map(|(_, term)| term.list).collect(),
            terms: self.words.into_iter().map(|(_, term)| term).collect(),
            longest: self.longest,
            capitalised: self.capitalised,
            ..Keywords::default()
        };
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

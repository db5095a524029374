//! The sentences of the sources, by what is in them.

use std::collections::{HashMap, HashSet};

use super::Place;
use super::language::Language;
use super::quantity::Quantity;
use super::text::{Clause, Kind, Sentence, Text, Token};

/// So many sentences at most are looked at for one word.
const MOST_POSTINGS: usize = 2_000;

/// A sentence of a source.
pub(super) struct Entry {
    pub(super) source: usize,
    sentence: usize,
    /// Names in it, without repetition.
    pub(super) names: HashSet<String>,
    pub(super) quantities: Vec<(Quantity, std::ops::Range<usize>)>,
}

pub(super) struct Index<'a> {
    pub(super) language: &'a Language,
    pub(super) sources: &'a [&'a str],
    texts: Vec<Text>,
    pub(super) entries: Vec<Entry>,
    /// The sentences that have a term, and those that have a word as it is written.
    terms: HashMap<String, Vec<usize>>,
    words: HashMap<String, Vec<usize>>,
    /// The first letters of names of several words, and where.
    initials: HashMap<String, Vec<usize>>,
    asked_words: HashSet<String>,
    asked_terms: HashSet<String>,
    asked_quantities: Vec<Quantity>,
}

impl<'a> Index<'a> {
    /// An index of the sentences of `sources`. Words that are names in any of the texts become names in all.
    pub(super) fn new(
        sources: &'a [&'a str],
        query: Option<&str>,
        language: &'a Language,
        answer: &mut Text,
    ) -> Index<'a> {
        let mut texts: Vec<Text> = sources.iter().map(|source| Text::new(source, language)).collect();
        let names: HashSet<String> =
            texts.iter().chain([&*answer]).flat_map(Text::names).map(str::to_owned).collect();
        texts.iter_mut().chain([answer]).for_each(|text| text.promote(&names));
        let mut index = Index {
            language,
            sources,
            texts: Vec::new(),
            entries: Vec::new(),
            terms: HashMap::new(),
            words: HashMap::new(),
            initials: HashMap::new(),
            asked_words: HashSet::new(),
            asked_terms: HashSet::new(),
            asked_quantities: Vec::new(),
        };
        for (source, text) in texts.iter().enumerate() {
            for (number, sentence) in text.sentences.iter().enumerate() {
                index.add(source, number, text.sentence_tokens(sentence));
            }
        }
        index.texts = texts;
        index.ask(query.unwrap_or_default());
        index
    }

    fn add(&mut self, source: usize, sentence: usize, tokens: &[Token]) {
        let number = self.entries.len();
        let mut entry = Entry { source, sentence, names: HashSet::new(), quantities: Vec::new() };
        for token in tokens {
            post(&mut self.words, &token.word, number);
            // A word with a hyphen is also its parts.
            token
                .word
                .split('-')
                .filter(|part| part.len() > 2)
                .for_each(|part| post(&mut self.words, part, number));
            match &token.kind {
                Kind::Content => post(&mut self.terms, &token.term, number),
                Kind::Name => {
                    post(&mut self.terms, &self.language.term(&token.word), number);
                    entry.names.insert(token.word.clone());
                }
                Kind::Quantity(quantity) => entry.quantities.push((quantity.clone(), token.span.clone())),
                Kind::Function => {}
            }
        }
        for run in
            tokens.split(|token| token.kind != Kind::Name && !(token.kind == Kind::Content && token.capital))
        {
            let initials: String = run.iter().filter_map(|token| token.word.chars().next()).collect();
            if run.len() > 1 {
                post(&mut self.initials, &initials, number);
            }
        }
        self.entries.push(entry);
    }

    fn ask(&mut self, query: &str) {
        for token in Text::new(query, self.language).tokens {
            if let Kind::Quantity(quantity) = &token.kind {
                self.asked_quantities.push(quantity.clone());
            }
            self.asked_terms.insert(self.language.term(&token.word));
            self.asked_words.insert(token.word);
        }
    }

    pub(super) fn sentence(&self, number: usize) -> Option<(&Text, &Sentence)> {
        let entry = self.entries.get(number)?;
        let text = self.texts.get(entry.source)?;
        Some((text, text.sentences.get(entry.sentence)?))
    }

    pub(super) fn clauses(&self, number: usize) -> impl Iterator<Item = (&Text, &Clause)> {
        let found = self.sentence(number);
        found
            .into_iter()
            .flat_map(|(text, sentence)| text.clauses_of(sentence).iter().map(move |clause| (text, clause)))
    }

    pub(super) fn place(&self, number: usize) -> Option<Place> {
        let (_, sentence) = self.sentence(number)?;
        Some(Place { source: self.entries.get(number)?.source, span: sentence.span.clone() })
    }

    /// The sentences that have `token`, in order.
    pub(super) fn with(&self, token: &Token) -> Vec<usize> {
        match &token.kind {
            Kind::Name => self.with_name(&token.word, token.shouted),
            Kind::Content => {
                let by_term = self.terms.get(&token.term).map_or(&[][..], Vec::as_slice);
                let by_word = self.words.get(&token.word).map_or(&[][..], Vec::as_slice);
                merged(by_term, by_word)
            }
            Kind::Quantity(quantity) => self.with_quantity(quantity),
            Kind::Function => Vec::new(),
        }
    }

    fn with_name(&self, name: &str, shouted: bool) -> Vec<usize> {
        let direct = self.words.get(name).map_or(&[][..], Vec::as_slice);
        if !direct.is_empty() {
            return direct.to_vec();
        }
        if let Some(spelled) = self.initials.get(name).filter(|_| shouted) {
            return spelled.clone();
        }
        // `German` and `Germany`, `Paris` and `Parisian`.
        let mut near: Vec<usize> = (1..=3)
            .filter_map(|cut| name.char_indices().nth_back(cut - 1))
            .filter_map(|(end, _)| name.get(..end).filter(|short| short.len() >= 4))
            .filter_map(|short| self.words.get(short))
            .flatten()
            .copied()
            .collect();
        let parts: Vec<Vec<usize>> = name
            .split('-')
            .filter(|part| part.len() > 2 && *part != name)
            .map(|part| self.words.get(part).cloned().unwrap_or_default())
            .collect();
        if let Some(first) = parts.first() {
            let in_all = |number: &&usize| parts.iter().all(|part| part.binary_search(number).is_ok());
            near.extend(first.iter().filter(in_all));
        }
        merged(&near, &[])
    }

    fn with_quantity(&self, quantity: &Quantity) -> Vec<usize> {
        let agrees = |entry: &Entry| entry.quantities.iter().any(|(source, _)| quantity.agrees(source));
        let found = self.entries.iter().enumerate().filter(|(_, entry)| agrees(entry));
        found.map(|(number, _)| number).take(MOST_POSTINGS).collect()
    }

    /// Whether the question says `token`.
    pub(super) fn is_asked(&self, token: &Token) -> bool {
        match &token.kind {
            Kind::Quantity(quantity) => self.asked_quantities.iter().any(|asked| quantity.agrees(asked)),
            _ => self.asked_words.contains(&token.word) || self.asked_terms.contains(&token.term),
        }
    }

    /// How much a word tells that stands in so many sentences.
    pub(super) fn weight(&self, sentences: usize) -> f64 {
        let count = |number: usize| f64::from(u32::try_from(number).unwrap_or(u32::MAX));
        (1.0 + (1.0 + count(self.entries.len())) / (1.0 + count(sentences))).ln()
    }
}

fn post(postings: &mut HashMap<String, Vec<usize>>, key: &str, number: usize) {
    let list = match postings.get_mut(key) {
        Some(list) => list,
        None => postings.entry(key.to_owned()).or_default(),
    };
    if list.last() != Some(&number) && list.len() < MOST_POSTINGS {
        list.push(number);
    }
}

/// Two lists as one in order.
fn merged(left: &[usize], right: &[usize]) -> Vec<usize> {
    let mut all: Vec<usize> = left.iter().chain(right).copied().collect();
    all.sort_unstable();
    all.dedup();
    all
}

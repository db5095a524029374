//! Judges one claim against the sources.

use std::collections::{BTreeMap, HashSet};

use super::index::Index;
use super::language::Language;
use super::quantity::Quantity;
use super::text::{Clause, Kind, Sentence, Text, Token};
use super::{Claim, Reason};

/// How many sentences together may hold what a claim says.
const EVIDENCE: usize = 3;
/// Below this share of its words, by weight, a claim is ungrounded.
const LEAST_WORDS: f64 = 0.5;
/// A number or a name must stand with this share of the rest of its claim.
const LEAST_TOGETHER: f64 = 0.25;
/// A clause that shares this much with a claim says the same or the contrary.
const SAME_MATTER: f64 = 0.6;
/// How much the other clauses of its sentence help to find the sentences that a claim is about.
const CONTEXT: f64 = 0.3;
/// Names stand so many sentences before what is said of them.
const REACH: usize = 3;

/// Whether a clause claims anything.
pub(super) fn is_claim(text: &Text, clause: &Clause, language: &Language) -> bool {
    let tokens = text.tokens_of(clause);
    let words: Vec<&str> = tokens.iter().map(|token| token.word.as_str()).collect();
    let says_nothing =
        |phrase: &Vec<String>| words.windows(phrase.len().max(1)).any(|part| part == phrase.as_slice());
    tokens.iter().any(|token| token.kind != Kind::Function) && !language.no_claim.iter().any(says_nothing)
}

/// One thing that a claim says.
struct Part<'a> {
    token: &'a Token,
    weight: f64,
    sentences: Vec<usize>,
}

struct Judge<'a> {
    index: &'a Index<'a>,
    parts: Vec<Part<'a>>,
    /// Sentences that have most in common with the claim, the best first.
    evidence: Vec<usize>,
}

/// Nothing where `clause` is grounded.
pub(super) fn judge(text: &Text, sentence: &Sentence, clause: &Clause, index: &Index<'_>) -> Option<Claim> {
    let parts = parts(text.tokens_of(clause), index);
    let context = parts_beside(text, sentence, clause, index);
    let evidence = ranked(&parts, &context);
    let judge = Judge { index, parts, evidence };
    let mut reasons = judge.numbers();
    reasons.extend(judge.names());
    reasons.extend(judge.words());
    if reasons.is_empty() {
        reasons.extend(judge.contrary(clause, text));
    }
    let nearest = judge.evidence.first().and_then(|best| index.place(*best));
    (!reasons.is_empty()).then(|| Claim { span: clause.span.clone(), reasons, nearest })
}

fn parts<'a>(tokens: &'a [Token], index: &Index<'_>) -> Vec<Part<'a>> {
    let mut seen = HashSet::new();
    let meaningful = tokens.iter().filter(|token| token.kind != Kind::Function);
    let new = meaningful.filter(|token| matches!(token.kind, Kind::Quantity(_)) || seen.insert(&token.term));
    new.map(|token| {
        let sentences = index.with(token);
        Part { token, weight: index.weight(sentences.len()), sentences }
    })
    .collect()
}

fn parts_beside<'a>(
    text: &'a Text,
    sentence: &Sentence,
    clause: &Clause,
    index: &Index<'_>,
) -> Vec<Part<'a>> {
    let others = text.clauses_of(sentence).iter().filter(|other| other.tokens != clause.tokens);
    others.flat_map(|other| parts(text.tokens_of(other), index)).collect()
}

/// The sentences that share most, the best first.
fn ranked(parts: &[Part<'_>], context: &[Part<'_>]) -> Vec<usize> {
    let mut scores: BTreeMap<usize, f64> = BTreeMap::new();
    for (part, factor) in
        parts.iter().map(|part| (part, 1.0)).chain(context.iter().map(|part| (part, CONTEXT)))
    {
        for sentence in &part.sentences {
            *scores.entry(*sentence).or_default() += part.weight * factor;
        }
    }
    let mut sentences: Vec<(usize, f64)> = scores.into_iter().collect();
    sentences.sort_by(|left, right| right.1.total_cmp(&left.1).then(left.0.cmp(&right.0)));
    sentences.into_iter().take(EVIDENCE).map(|(sentence, _)| sentence).collect()
}

/// Whether `number` is in a list in order.
fn has(numbers: &[usize], number: usize) -> bool {
    numbers.binary_search(&number).is_ok()
}

impl Judge<'_> {
    /// The share of the parts but `except` that stand in `sentence` or were asked; 1 where there are no others.
    fn together(&self, sentence: usize, except: &Token, with_names: bool) -> f64 {
        let (mut all, mut found) = (0.0, 0.0);
        for part in &self.parts {
            let is_name = part.token.kind == Kind::Name;
            if part.token.span == except.span || (is_name && !with_names) {
                continue;
            }
            all += part.weight;
            if has(&part.sentences, sentence) || self.index.is_asked(part.token) {
                found += part.weight;
            }
        }
        if all > 0.0 { found / all } else { 1.0 }
    }

    fn numbers(&self) -> Vec<Reason> {
        let mut reasons = Vec::new();
        for (place, part) in self.parts.iter().enumerate() {
            let Kind::Quantity(quantity) = &part.token.kind else { continue };
            let is_grounded = self.index.is_asked(part.token)
                || part.sentences.iter().any(|sentence| {
                    let is_together = self.together(*sentence, part.token, true) >= LEAST_TOGETHER;
                    (is_together || self.is_beside(place, *sentence)) && self.is_of_name(place, *sentence)
                });
            if !is_grounded {
                let source = self.instead(quantity);
                reasons.push(Reason::Number { text: part.token.word.clone(), source });
            }
        }
        reasons
    }

    /// Whether a word beside the number stands in `sentence` too.
    fn is_beside(&self, number: usize, sentence: usize) -> bool {
        let near = [number.checked_sub(1), Some(number + 1)];
        let mut near = near.into_iter().flatten().filter_map(|place| self.parts.get(place));
        near.any(|part| part.token.kind == Kind::Content && has(&part.sentences, sentence))
    }

    /// Whether `sentence` speaks of one of the names that stand with the number, if there are any.
    fn is_of_name(&self, number: usize, sentence: usize) -> bool {
        let is_number = |part: &&Part<'_>| matches!(part.token.kind, Kind::Quantity(_));
        let before = self.parts.get(..number).unwrap_or_default();
        let after = self.parts.get(number + 1..).unwrap_or_default();
        let before = before.iter().rev().take_while(|part| !is_number(part));
        let after = after.iter().take_while(|part| !is_number(part));
        let mut names = before.chain(after).filter(|part| part.token.kind == Kind::Name).peekable();
        names.peek().is_none()
            || names.any(|name| self.is_said_of(name, sentence) || self.index.is_asked(name.token))
    }

    /// Whether `sentence` has the name, or has no name of its own and one shortly before has it.
    fn is_said_of(&self, name: &Part<'_>, sentence: usize) -> bool {
        if has(&name.sentences, sentence) {
            return true;
        }
        let Some(entry) = self.index.entries.get(sentence) else { return false };
        let is_of_claim = |other: &String| self.parts.iter().any(|part| part.token.word == *other);
        let is_free = entry.names.iter().all(is_of_claim);
        let before = (sentence.saturating_sub(REACH)..sentence)
            .filter(|number| self.index.entries.get(*number).is_some_and(|near| near.source == entry.source));
        is_free && before.into_iter().any(|number| has(&name.sentences, number))
    }

    /// What the best sentence has in place of a quantity, where that is one thing.
    fn instead(&self, quantity: &Quantity) -> Option<String> {
        let best = self.index.entries.get(*self.evidence.first()?)?;
        let mut same = best.quantities.iter().filter(|(source, _)| source.unit == quantity.unit);
        let (Some((_, span)), None) = (same.next(), same.next()) else { return None };
        Some(self.index.sources.get(best.source)?.get(span.clone())?.to_owned())
    }

    fn names(&self) -> Vec<Reason> {
        let mut reasons = Vec::new();
        for part in self.parts.iter().filter(|part| part.token.kind == Kind::Name) {
            if self.index.is_asked(part.token) {
                continue;
            }
            let text = part.token.word.clone();
            if part.sentences.is_empty() {
                reasons.push(Reason::Name { text, is_elsewhere: false });
                continue;
            }
            let is_about = |sentence: usize| {
                self.is_said_of(part, sentence)
                    && self.together(sentence, part.token, false) >= LEAST_TOGETHER
            };
            let near = part.sentences.iter().flat_map(|sentence| *sentence..=sentence + REACH);
            if !near.into_iter().any(is_about) {
                reasons.push(Reason::Name { text, is_elsewhere: true });
            }
        }
        reasons
    }

    fn words(&self) -> Option<Reason> {
        let content = self.parts.iter().filter(|part| part.token.kind == Kind::Content);
        let (mut all, mut found) = (0.0, 0.0);
        let mut missing = Vec::new();
        for part in content {
            all += part.weight;
            let near = |sentence: &usize| part.sentences.iter().any(|place| place.abs_diff(*sentence) <= 1);
            if self.index.is_asked(part.token) || self.evidence.iter().any(near) {
                found += part.weight;
            } else {
                missing.push(part.token.word.clone());
            }
        }
        (all > 0.0 && found / all < LEAST_WORDS).then_some(Reason::Words(missing))
    }

    /// Whether the clause of the sources that shares most with the claim says the contrary.
    fn contrary(&self, claim: &Clause, text: &Text) -> Option<Reason> {
        let tokens = text.tokens_of(claim);
        let mut best: Option<(f64, Option<Reason>)> = None;
        for number in &self.evidence {
            for (source, clause) in self.index.clauses(*number) {
                let against = source.tokens_of(clause);
                let shared = self.shared(against);
                if shared < SAME_MATTER {
                    continue;
                }
                let reason = self.contradiction(claim.negated, tokens, clause.negated, against);
                let is_better = best.as_ref().is_none_or(|(most, before)| {
                    shared > *most + 1e-9 || (shared > *most - 1e-9 && reason.is_none() && before.is_some())
                });
                if is_better {
                    best = Some((shared, reason));
                }
            }
        }
        best.and_then(|(_, reason)| reason)
    }

    /// The share of the claim's content that stands in `against`, where an opposite counts as much as the word.
    fn shared(&self, against: &[Token]) -> f64 {
        let (mut all, mut found) = (0.0, 0.0);
        for part in &self.parts {
            all += part.weight;
            let opposites = self.index.language.antonyms(&part.token.term);
            let is_there = |token: &Token| {
                token.term == part.token.term
                    || token.word == part.token.word
                    || opposites.contains(&token.term)
            };
            if against.iter().any(is_there) {
                found += part.weight;
            }
        }
        if all > 0.0 { found / all } else { 0.0 }
    }

    fn contradiction(
        &self,
        negated: bool,
        claim: &[Token],
        denied: bool,
        source: &[Token],
    ) -> Option<Reason> {
        let has = |tokens: &[Token], term: &str| tokens.iter().any(|token| token.term == term);
        let mut opposites = claim.iter().filter(|token| !has(source, &token.term)).filter_map(|token| {
            let denies = self.index.language.antonyms(&token.term);
            let other =
                source.iter().find(|other| denies.contains(&other.term) && !has(claim, &other.term))?;
            Some(Reason::Opposite { claim: token.word.clone(), source: other.word.clone() })
        });
        match (negated == denied, opposites.next()) {
            (true, Some(opposite)) => Some(opposite),
            (false, None) => Some(Reason::Negation),
            (true, None) | (false, Some(_)) => None,
        }
    }
}

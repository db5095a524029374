//! Anchors: what the walk over the text can see before it runs an expression.
//!
//! An anchor never misses a place where the expression matches; it may name places where it does not. Which kinds there
//! are is decided by what one walk can tell at the beginning of a word for a few cycles (`walk`): the first four bytes,
//! and the length of the word with the places of its digits.

use regex_syntax::hir::{Hir, HirKind, Look};
use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};

use crate::engine::byte_set::ByteSet;
use crate::engine::literals::required;
use crate::engine::program::{HORIZON, Program, States};
use crate::rule::{Boundary, Side};

/// Longest word whose digits' places are told apart.
pub(crate) const SHAPED: u32 = 24;
/// Words at least this long are all of one length.
pub(crate) const LONG: u32 = 64;
/// Shortest token, and the length from which on all are of one length.
pub(crate) const TOKEN: (u32, u32) = (16, 128);
/// Most bytes that are neither letters nor digits before the first that is.
const MOST_BEFORE: u8 = 8;
/// Most sequences of four bytes that stand for one expression.
const MOST_GRAMS: usize = 640;
/// Most shapes of a first word.
const MOST_SHAPES: usize = 600;
/// Farthest distance of a literal from the beginning of the match.
const FARTHEST: usize = 256;

/// The bytes of which tokens are made.
pub(crate) fn token_bytes() -> ByteSet {
    let mut set = word();
    b"_+/-".iter().for_each(|byte| set.insert(*byte));
    set
}

/// What is seen of an expression's first word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) enum Shape {
    /// Its length, and a bit for each digit, the first byte's lowest.
    Exact { length: u32, digits: u32 },
    /// Its length, at most [`LONG`].
    Length(u32),
}

/// A first word that an expression may have.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Lead {
    /// Bytes of the match before the word.
    pub(crate) before: u8,
    pub(crate) shape: Shape,
    /// The byte before the word, where the match has begun by then.
    pub(crate) prior: ByteSet,
    /// Its first byte.
    pub(crate) first: ByteSet,
    /// What may follow, and what after that, where the match does not end with the word.
    pub(crate) next: ByteSet,
    pub(crate) second: ByteSet,
    /// Whether the match may end with the word.
    pub(crate) ends: bool,
}

/// How an expression is found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Anchor {
    /// The first four bytes of the first word, with the bit of lower case set, and how many bytes come before it.
    Grams(Vec<(u32, u8)>),
    /// The first word's shapes.
    Shapes(Vec<Lead>),
    /// Lengths of the first run of token bytes.
    Tokens { shortest: u32, longest: u32 },
    /// A literal, how far from the beginning it may stand, and what may stand between.
    Literal { bytes: Vec<u8>, nearest: usize, farthest: usize, before: ByteSet },
    /// One of these words, all in lower case and found in either, and where it stands as for a literal.
    Words { words: Vec<Vec<u8>>, nearest: usize, farthest: usize, before: ByteSet },
    /// Every place that begins with one of these bytes.
    Everywhere(ByteSet),
}

/// Works out the anchor, or says why there is none and what to do.
pub(crate) fn anchor(hir: &Hir, boundary: Boundary, slow: bool) -> Result<Anchor, String> {
    let program = Program::new(hir).ok_or("the expression is too large; write smaller repetitions")?;
    if let Some(found) = find(hir, &program, boundary) {
        return Ok(found);
    }
    if slow {
        let everywhere = || Anchor::Everywhere(program.bytes(&program.start()));
        return Ok(words_near(hir, 2).unwrap_or_else(everywhere));
    }
    Err(match boundary {
        Boundary::None => {
            "nothing keeps letters and digits from touching the match, so it needs a literal of three or \
             more bytes (or `@`) near its beginning; use `boundary: word`, or say `slow: true`"
        }
        Boundary::Subword => {
            "its first word is not limited to a few beginnings, which `boundary: subword` needs; begin \
             with a literal, use `boundary: word`, or say `slow: true`"
        }
        Boundary::Token => {
            "a random token needs at least 16 bytes of a limited length, or a literal at its beginning; \
             or say `slow: true`"
        }
        Boundary::Word => {
            "its first word can be nearly any word; begin with a literal of three or more bytes or with \
             digits, limit its length, or say `slow: true`"
        }
    }
    .to_owned())
}

fn find(hir: &Hir, program: &Program, boundary: Boundary) -> Option<Anchor> {
    let words = Words { program, starts: prefixes(program) };
    // Where anything may touch the match, its first word begins at the beginning of a word only if something that is
    // no letter comes first.
    let bounded = boundary != Boundary::None || words.never_first() || edge(hir, Side::Start) == Edge::Kept;
    let ended = boundary != Boundary::None || edge(hir, Side::End) == Edge::Kept;
    if bounded && let Some(grams) = words.grams() {
        return Some(Anchor::Grams(grams));
    }
    if boundary == Boundary::Token
        && let Some(tokens) = tokens(program)
    {
        return Some(tokens);
    }
    let leads = if bounded && ended && boundary != Boundary::Subword { words.leads() } else { None };
    let strong = |lead: &Lead| matches!(lead.shape, Shape::Exact { digits, .. } if digits != 0);
    if let Some(leads) = &leads
        && leads.iter().all(strong)
    {
        return Some(Anchor::Shapes(leads.clone()));
    }
    if let Some(literal) = literal(hir) {
        return Some(literal);
    }
    // Words of six letters, or of any letters before one of a few signs, are a fair number of words; others are not.
    let fair = |lead: &Lead| match lead.shape {
        Shape::Exact { length, digits } => digits != 0 || length >= 6 || (!lead.ends && lead.next.len() <= 4),
        Shape::Length(length) => length >= 8,
    };
    leads.filter(|leads| leads.iter().all(fair)).map(Anchor::Shapes).or_else(|| words_near(hir, 3))
}

/// Where the automaton may be after 0, 1, ... bytes that are neither letters nor digits; `None` when there may be more
/// than [`MOST_BEFORE`] or a match without any letter or digit.
fn prefixes(program: &Program) -> Option<Vec<States>> {
    let other = word().complement();
    let mut all = Vec::new();
    let mut states = program.start();
    while !states.is_empty() {
        if program.matches(&states) || all.len() > usize::from(MOST_BEFORE) {
            return None;
        }
        let next = program.step(&states, other);
        all.push(std::mem::replace(&mut states, next));
    }
    Some(all)
}

struct Words<'a> {
    program: &'a Program,
    starts: Option<Vec<States>>,
}

impl Words<'_> {
    fn starts(&self) -> impl Iterator<Item = (u8, &States)> {
        let starts = self.starts.as_deref().unwrap_or_default();
        starts.iter().enumerate().map(|(before, states)| (u8::try_from(before).unwrap_or(u8::MAX), states))
    }

    /// Whether the match cannot begin with a letter or digit.
    fn never_first(&self) -> bool {
        let word = word();
        self.starts().next().is_some_and(|(_, states)| self.program.step(states, word).is_empty())
    }

    /// The first four bytes of the first word and what follows it; `None` when there are too many.
    fn grams(&self) -> Option<Vec<(u32, u8)>> {
        self.starts.as_ref()?;
        let mut all: Vec<(u32, u8)> = Vec::new();
        for (before, states) in self.starts() {
            let mut layer: Vec<(u32, States)> = vec![(0, states.clone())];
            for place in 0..3 {
                layer = self.extend(&layer, place)?;
            }
            for (prefix, states) in &layer {
                // Where the match has ended, anything may follow.
                let ended = self.program.matches(states);
                let bytes = if ended { ByteSet::ALL } else { self.program.bytes(states) };
                all.extend(bytes.folded().bytes().map(|byte| (prefix | u32::from(byte) << 24, before)));
            }
            if all.len() > MOST_GRAMS {
                return None;
            }
        }
        all.sort_unstable();
        all.dedup();
        (!all.is_empty()).then_some(all)
    }

    /// Every way on from these prefixes by one byte; `None` when there are too many.
    fn extend(&self, layer: &[(u32, States)], place: u32) -> Option<Vec<(u32, States)>> {
        let mut following = Vec::new();
        for (prefix, states) in layer {
            let mut bytes = self.program.bytes(states);
            if place == 0 {
                bytes = bytes.intersection(word());
            } else if self.program.matches(states) {
                return None;
            }
            // Two digits first are more common than what any expression means by them.
            let digits = |set: ByteSet| !set.intersection(ByteSet::DIGITS).is_empty();
            if place == 1 && (*prefix as u8).is_ascii_digit() && digits(bytes) {
                return None;
            }
            if following.len() + bytes.folded().len() > MOST_GRAMS {
                return None;
            }
            let mut next: Option<States> = None;
            for byte in bytes.folded().bytes() {
                // From a single state, every byte leads to the same place.
                let states = match next.clone().filter(|_| states.is_single()) {
                    Some(next) => next,
                    None => self.program.step(states, unfolded(byte)),
                };
                next = Some(states.clone());
                following.push((prefix | u32::from(byte) << (8 * place), states));
            }
        }
        Some(following)
    }

    fn leads(&self) -> Option<Vec<Lead>> {
        self.starts.as_ref()?;
        let mut leads = Vec::new();
        let mut prior = ByteSet::ALL;
        for (before, states) in self.starts() {
            let start =
                Start { before, prior, first: self.program.bytes(states).intersection(word()), states };
            self.lead_from(&start, &mut leads)?;
            prior = self.program.bytes(states).intersection(word().complement());
        }
        (!leads.is_empty() && leads.len() <= MOST_SHAPES).then_some(leads)
    }

    /// First words with the places of their digits, and from where those become too many on, with their length alone.
    fn lead_from(&self, start: &Start<'_>, leads: &mut Vec<Lead>) -> Option<()> {
        let mut layer: FxHashMap<u32, States> = FxHashMap::default();
        layer.insert(0, start.states.clone());
        for length in 1..=SHAPED {
            let mut following: FxHashMap<u32, States> = FxHashMap::default();
            for (digits, states) in &layer {
                for (bit, bytes) in [(0, ByteSet::LETTERS), (1, ByteSet::DIGITS)] {
                    let next = self.program.step(states, bytes);
                    if !next.is_empty() {
                        following.entry(digits | bit << (length - 1)).or_default().merge(&next);
                    }
                }
            }
            if following.len() + leads.len() > MOST_SHAPES {
                return self.lengths(start, length, layer, leads);
            }
            for (digits, states) in &following {
                leads.extend(self.lead(start, Shape::Exact { length, digits: *digits }, states));
            }
            layer = following;
        }
        self.lengths(start, SHAPED + 1, layer, leads)
    }

    /// The lengths of first words from `from` on.
    fn lengths(
        &self,
        start: &Start<'_>,
        from: u32,
        layer: FxHashMap<u32, States>,
        leads: &mut Vec<Lead>,
    ) -> Option<()> {
        let mut states = States::default();
        layer.values().for_each(|other| states.merge(other));
        for length in from..=u32::try_from(HORIZON).ok()? {
            states = self.program.step(&states, word());
            if states.is_empty() {
                break;
            }
            leads.extend(self.lead(start, Shape::Length(length.min(LONG)), &states));
        }
        Some(())
    }

    fn lead(&self, start: &Start<'_>, shape: Shape, states: &States) -> Option<Lead> {
        let ends = self.program.matches(states);
        let next = self.program.bytes(states).intersection(word().complement());
        if !ends && next.is_empty() {
            return None;
        }
        let after = self.program.step(states, next);
        let second = if self.program.matches(&after) { ByteSet::ALL } else { self.program.bytes(&after) };
        Some(Lead { before: start.before, shape, prior: start.prior, first: start.first, next, second, ends })
    }
}

/// The bytes that become this one when the bit of lower case is set.
fn unfolded(byte: u8) -> ByteSet {
    let mut set = ByteSet::default();
    set.insert(byte);
    set.insert(byte & !0x20);
    set
}

/// Where the first word begins.
struct Start<'a> {
    before: u8,
    prior: ByteSet,
    first: ByteSet,
    states: &'a States,
}

/// Letters and digits.
fn word() -> ByteSet {
    ByteSet::DIGITS.union(ByteSet::LETTERS)
}

/// The lengths of the run of token bytes with which every match begins.
fn tokens(program: &Program) -> Option<Anchor> {
    let token = token_bytes();
    let mut lengths = Vec::new();
    let mut states = program.start();
    for length in 0..=TOKEN.1 {
        let others = program.bytes(&states).intersection(token.complement());
        if program.matches(&states) || !others.is_empty() {
            lengths.push(length);
        }
        states = program.step(&states, token);
        if states.is_empty() {
            break;
        }
    }
    let (shortest, longest) = (*lengths.first()?, *lengths.last()?);
    (shortest >= TOKEN.0).then_some(Anchor::Tokens { shortest, longest })
}

/// Whether an expression itself keeps letters and digits from touching its first or last one.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Edge {
    /// By an assertion, or by a byte that is neither.
    Kept,
    /// It does where it takes anything at all.
    Open,
    /// It does not.
    Bare,
}

fn edge(hir: &Hir, side: Side) -> Edge {
    match hir.kind() {
        HirKind::Empty => Edge::Open,
        HirKind::Look(look) => match (look, side) {
            (Look::WordAscii | Look::WordUnicode, _)
            | (Look::Start | Look::StartLF | Look::StartCRLF | Look::WordStartAscii, Side::Start)
            | (Look::End | Look::EndLF | Look::EndCRLF | Look::WordEndAscii, Side::End) => Edge::Kept,
            _ => Edge::Open,
        },
        HirKind::Literal(_) | HirKind::Class(_) => {
            let taken = all_bytes(hir).intersection(word());
            if taken.is_empty() && side_is_byte(hir) { Edge::Kept } else { Edge::Bare }
        }
        HirKind::Capture(capture) => edge(&capture.sub, side),
        HirKind::Repetition(repetition) => match edge(&repetition.sub, side) {
            Edge::Kept if repetition.min == 0 => Edge::Open,
            other => other,
        },
        HirKind::Concat(parts) => {
            let mut parts: Vec<Edge> = parts.iter().map(|part| edge(part, side)).collect();
            if side == Side::End {
                parts.reverse();
            }
            parts.into_iter().find(|part| *part != Edge::Open).unwrap_or(Edge::Open)
        }
        HirKind::Alternation(parts) => {
            parts.iter().map(|part| edge(part, side)).fold(Edge::Kept, |all, part| match (all, part) {
                (Edge::Bare, _) | (_, Edge::Bare) => Edge::Bare,
                (Edge::Open, _) | (_, Edge::Open) => Edge::Open,
                _ => Edge::Kept,
            })
        }
    }
}

/// Whether a literal or class is one byte, so that its first is its last.
fn side_is_byte(hir: &Hir) -> bool {
    hir.properties().maximum_len() == Some(1)
}

/// The rarest literal that every match holds at a limited distance from its beginning.
fn literal(hir: &Hir) -> Option<Anchor> {
    let mut best: Option<(usize, Anchor)> = None;
    let mut pieces = Vec::new();
    flatten(hir, &mut pieces);
    let (mut nearest, mut farthest) = (0_usize, Some(0_usize));
    let mut before = ByteSet::default();
    for piece in pieces {
        let Some(limit) = farthest.filter(|farthest| *farthest <= FARTHEST) else { break };
        if let HirKind::Literal(literal) = piece.kind() {
            let bytes = literal.0.to_vec();
            let rank = rarity(&bytes);
            if rank > best.as_ref().map_or(0, |(rank, _)| *rank) {
                best = Some((rank, Anchor::Literal { bytes, nearest, farthest: limit, before }));
            }
        }
        let properties = piece.properties();
        nearest += properties.minimum_len().unwrap_or(0);
        farthest = properties.maximum_len().map(|length| limit.saturating_add(length));
        before = before.union(all_bytes(piece));
    }
    best.map(|(_, anchor)| anchor)
}

pub(crate) fn flatten<'a>(hir: &'a Hir, pieces: &mut Vec<&'a Hir>) {
    match hir.kind() {
        HirKind::Concat(parts) => parts.iter().for_each(|part| flatten(part, pieces)),
        HirKind::Capture(capture) => flatten(&capture.sub, pieces),
        _ => pieces.push(hir),
    }
}

/// The longest words, of at least so many bytes, of which every match holds one at a limited distance from its
/// beginning.
fn words_near(hir: &Hir, least: usize) -> Option<Anchor> {
    let near = required(hir).into_iter().filter_map(|found| Some((found.farthest?, found)));
    let usable = near.filter(|(farthest, found)| *farthest <= FARTHEST && found.shortest() >= least);
    // Of words that are equally long, those that stand nearest the beginning are the first.
    let best = usable.min_by_key(|(farthest, found)| (std::cmp::Reverse(found.shortest()), *farthest));
    best.map(|(farthest, found)| Anchor::Words {
        words: found.words,
        nearest: found.nearest,
        farthest,
        before: found.before,
    })
}

/// How good a literal is; 0 is not good enough.
fn rarity(bytes: &[u8]) -> usize {
    match bytes {
        [b'@'] => 3,
        [_, _, _, ..] => bytes.len(),
        _ => 0,
    }
}

/// Every byte that a piece of an expression can take.
pub(crate) fn all_bytes(hir: &Hir) -> ByteSet {
    let mut set = ByteSet::default();
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => {}
        HirKind::Literal(literal) => literal.0.iter().for_each(|byte| set.insert(*byte)),
        HirKind::Class(regex_syntax::hir::Class::Bytes(class)) => {
            class.ranges().iter().for_each(|range| set.insert_range(range.start(), range.end()));
        }
        HirKind::Class(_) => set = ByteSet::ALL,
        HirKind::Capture(capture) => set = all_bytes(&capture.sub),
        HirKind::Repetition(repetition) => set = all_bytes(&repetition.sub),
        HirKind::Concat(parts) | HirKind::Alternation(parts) => {
            set = parts.iter().fold(set, |all, part| all.union(all_bytes(part)));
        }
    }
    set
}

#[cfg(test)]
mod tests {
    use regex_syntax::ParserBuilder;

    use super::{Anchor, anchor};
    use crate::rule::Boundary;

    fn check(pattern: &str, boundary: Boundary, expected: &str) {
        let hir = ParserBuilder::new().unicode(false).utf8(false).build().parse(pattern).unwrap();
        let found = match anchor(&hir, boundary, false) {
            Ok(Anchor::Grams(grams)) => format!("grams {}", grams.len()),
            Ok(Anchor::Shapes(leads)) => format!("shapes {}", leads.len()),
            Ok(Anchor::Tokens { shortest, longest }) => format!("tokens {shortest}-{longest}"),
            Ok(Anchor::Literal { bytes, nearest, farthest, .. }) => {
                format!("literal {} {nearest}-{farthest}", String::from_utf8_lossy(&bytes))
            }
            Ok(Anchor::Words { words, nearest, farthest, .. }) => {
                let words: Vec<_> = words.iter().map(|word| String::from_utf8_lossy(word)).collect();
                format!("words {} {nearest}-{farthest}", words.join("|"))
            }
            Ok(Anchor::Everywhere(_)) => "everywhere".to_owned(),
            Err(_) => "refused".to_owned(),
        };
        assert_eq!(found, expected, "{pattern}");
    }

    #[test]
    fn each_kind_of_expression_has_its_anchor() {
        check("AKIA[A-Z2-7]{16}", Boundary::Word, "grams 1");
        check("gh[pousr]_[A-Za-z0-9]{36}", Boundary::Word, "grams 5");
        check("-----BEGIN", Boundary::None, "grams 1");
        check(r"\d{3}-\d{2}-\d{4}", Boundary::Word, "shapes 1");
        check(r"\(?\d{3}\)?-\d{4}", Boundary::Word, "shapes 2");
        check(r"[A-Z]{2}\d{6}", Boundary::Word, "shapes 1");
        check(r"[A-Z]{8}", Boundary::Word, "shapes 1");
        check(r"[A-Za-z0-9+/]{40}", Boundary::Token, "tokens 40-40");
        check(r"[A-Za-z0-9]{32,}", Boundary::Token, "tokens 32-128");
        check(r"[a-z.]{1,64}@[a-z]", Boundary::Word, "literal @ 1-64");
        check(r"[a-z]{1,9}://", Boundary::None, "literal :// 1-9");
        check(r"(?i)[a-z]{0,9}(?:secret|token)=", Boundary::None, "words secret=|token= 0-9");
        check(r"\b\d{9}\b", Boundary::None, "shapes 1");
        check(r"(?:^|[\s,])\d{8}(?:$|[\s,])", Boundary::None, "shapes 2");
    }

    #[test]
    fn what_matches_nearly_anything_is_refused() {
        check("[a-z]{2,9}", Boundary::Word, "refused");
        check(r"\s*abcd", Boundary::Word, "refused");
        check(r"\d{9}", Boundary::None, "refused");
        check(r"\b\d{9}", Boundary::None, "refused");
        check(r"\d{9}\b", Boundary::None, "refused");
        check(r"(?:^|\s?)\d{9}\b", Boundary::None, "refused");
        check("[A-Za-z0-9]{4}", Boundary::Token, "refused");
        check(".{8}", Boundary::Word, "refused");
    }
}

//! Anchors: what the walk over the text can see before it runs an expression.
//!
//! An anchor never misses a place where the expression matches; it may name places where it does not. Which kinds there
//! are is decided by what one walk can tell at the beginning of a word for a few cycles (`walk`): the first four bytes,
//! and the length of the word with the places of its digits.

use regex_syntax::hir::{Hir, HirKind, Look};
use serde::{Deserialize, Serialize};

use crate::engine::beginning::Beginning;
use crate::engine::byte_set::ByteSet;
use crate::engine::literals::required;
use crate::engine::program::Program;
use crate::engine::seen::Profiles;
use crate::rule::{Boundary, Side};

/// Longest word whose digits' places are told apart.
pub(crate) const SHAPED: u32 = 24;
/// Words at least this long are all of one length.
pub(crate) const LONG: u32 = 64;
/// Shortest token, and the length from which on all are of one length.
pub(crate) const TOKEN: (u32, u32) = (16, 128);
/// Signs behind a word that are few: some of ASCII, and what a letter beyond it may begin with.
const FEW_SIGNS: usize = 24;
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
    /// What stands around it, at [`AROUND_WORDS`](crate::engine::seen::AROUND_WORDS).
    pub(crate) profile: u32,
}

/// Four bytes with which a first word may begin.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Gram {
    /// The bytes with the bit of lower case set, the first lowest.
    pub(crate) bytes: u32,
    /// Bytes of the match before the word.
    pub(crate) before: u8,
    /// What stands around them, at [`AROUND_GRAMS`](crate::engine::seen::AROUND_GRAMS).
    pub(crate) profile: u32,
}

/// How an expression is found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Anchor {
    /// The first four bytes of the first word.
    Grams { grams: Vec<Gram>, profiles: Profiles },
    /// The first word's shapes.
    Shapes { leads: Vec<Lead>, profiles: Profiles },
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
    let beginning = Beginning::new(program);
    // Where anything may touch the match, its first word begins at the beginning of a word only if something that is
    // no letter comes first.
    let bounded =
        boundary != Boundary::None || beginning.never_first() || edge(hir, Side::Start) == Edge::Kept;
    let ended = boundary != Boundary::None || edge(hir, Side::End) == Edge::Kept;
    if bounded && let Some((grams, profiles)) = beginning.grams() {
        return Some(Anchor::Grams { grams, profiles });
    }
    if boundary == Boundary::Token
        && let Some(tokens) = tokens(program)
    {
        return Some(tokens);
    }
    let mut leads = if bounded && ended && boundary != Boundary::Subword { beginning.leads() } else { None };
    let strong = |(leads, _): &mut (Vec<Lead>, Profiles)| leads.iter().all(Lead::is_strong);
    if let Some((leads, profiles)) = leads.take_if(strong) {
        return Some(Anchor::Shapes { leads, profiles });
    }
    if let Some(literal) = literal(hir) {
        return Some(literal);
    }
    let fair = |(leads, profiles): &(Vec<Lead>, Profiles)| leads.iter().all(|lead| lead.is_fair(profiles));
    match leads.filter(fair) {
        Some((leads, profiles)) => Some(Anchor::Shapes { leads, profiles }),
        None => words_near(hir, 3),
    }
}

impl Lead {
    /// Whether few words look like this: those with digits at certain places.
    fn is_strong(&self) -> bool {
        matches!(self.shape, Shape::Exact { digits, .. } if digits != 0)
    }

    /// Words of six letters, or of any letters before one of [`FEW_SIGNS`], are a fair number of words; others are not.
    fn is_fair(&self, profiles: &Profiles) -> bool {
        let [_, next, ..] = profiles.get(self.profile);
        match self.shape {
            Shape::Exact { length, digits } => digits != 0 || length >= 6 || next.len() <= FEW_SIGNS,
            Shape::Length(length) => length >= 8,
        }
    }
}

/// Letters and digits.
pub(crate) fn word() -> ByteSet {
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
            Ok(Anchor::Grams { grams, .. }) => format!("grams {}", grams.len()),
            Ok(Anchor::Shapes { leads, .. }) => format!("shapes {}", leads.len()),
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

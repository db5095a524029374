//! Literals that every match of an expression holds, whatever their case.
//!
//! `(?i)secret` is no literal but six classes, and `(?:key|token)` is a choice. Both are found by searching a few words
//! without regard to case; more may be found than the expression means, never less.

use regex_syntax::hir::literal::Extractor;
use regex_syntax::hir::{Class, ClassBytes, ClassBytesRange, Hir, HirKind};

use crate::engine::anchor::{all_bytes, flatten};
use crate::engine::byte_set::ByteSet;

/// Most words that stand for one expression.
const MOST: usize = 64;
/// Most pieces of an expression that are looked at.
const MOST_PIECES: usize = 64;

/// Words of which every match holds one at the same distance from its beginning.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Required {
    /// In lower case. A match may have letters of either case.
    pub(crate) words: Vec<Vec<u8>>,
    /// Least distance from the beginning of the match, in bytes.
    pub(crate) nearest: usize,
    /// Greatest distance; `None` when there is no limit.
    pub(crate) farthest: Option<usize>,
    /// What may stand between the beginning of the match and the word.
    pub(crate) before: ByteSet,
}

impl Required {
    /// The length of the shortest word.
    pub(crate) fn shortest(&self) -> usize {
        self.words.iter().map(Vec::len).min().unwrap_or(0)
    }
}

/// Everything of this kind that is easily seen.
pub(crate) fn required(hir: &Hir) -> Vec<Required> {
    let mut found = Vec::new();
    let mut pieces = Vec::new();
    flatten(hir, &mut pieces);
    pieces.truncate(MOST_PIECES);
    let folded: Vec<Hir> = pieces.iter().map(|piece| fold(piece)).collect();
    let (mut nearest, mut farthest) = (0_usize, Some(0_usize));
    let mut before = ByteSet::default();
    for (place, piece) in pieces.iter().enumerate() {
        let rest = Hir::concat(folded.iter().skip(place).cloned().collect());
        if let Some(words) = prefixes(&rest) {
            found.push(Required { words, nearest, farthest, before });
        }
        let properties = piece.properties();
        nearest += properties.minimum_len().unwrap_or(0);
        farthest =
            farthest.zip(properties.maximum_len()).map(|(farthest, length)| farthest.saturating_add(length));
        before = before.union(all_bytes(piece));
    }
    found
}

/// The words with which every match begins; `None` where they are too many, or one of them is empty.
fn prefixes(hir: &Hir) -> Option<Vec<Vec<u8>>> {
    let mut extractor = Extractor::new();
    extractor.limit_class(4).limit_repeat(8).limit_literal_len(24).limit_total(MOST);
    let sequence = extractor.extract(hir);
    let words: Vec<Vec<u8>> = sequence.literals()?.iter().map(|word| word.as_bytes().to_vec()).collect();
    let usable = !words.is_empty() && words.len() <= MOST && words.iter().all(|word| !word.is_empty());
    usable.then_some(words)
}

/// The same expression in lower case.
fn fold(hir: &Hir) -> Hir {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => hir.clone(),
        HirKind::Literal(literal) => Hir::literal(literal.0.to_ascii_lowercase()),
        HirKind::Class(Class::Bytes(class)) => Hir::class(Class::Bytes(fold_class(class))),
        HirKind::Class(Class::Unicode(_)) => hir.clone(),
        HirKind::Capture(capture) => fold(&capture.sub),
        HirKind::Repetition(repetition) => {
            let mut repetition = repetition.clone();
            repetition.sub = Box::new(fold(&repetition.sub));
            Hir::repetition(repetition)
        }
        HirKind::Concat(parts) => Hir::concat(parts.iter().map(fold).collect()),
        HirKind::Alternation(parts) => Hir::alternation(parts.iter().map(fold).collect()),
    }
}

fn fold_class(class: &ClassBytes) -> ClassBytes {
    let mut folded = class.clone();
    folded.case_fold_simple();
    folded.difference(&ClassBytes::new([ClassBytesRange::new(b'A', b'Z')]));
    folded
}

#[cfg(test)]
mod tests {
    use regex_syntax::ParserBuilder;

    use super::required;

    fn check(pattern: &str, expected: &[&str]) {
        let hir = ParserBuilder::new().unicode(false).utf8(false).build().parse(pattern).unwrap();
        let found: Vec<String> = required(&hir)
            .iter()
            .filter(|required| required.shortest() >= 3)
            .map(|required| {
                let words: Vec<_> =
                    required.words.iter().map(|word| String::from_utf8_lossy(word).into_owned()).collect();
                format!("{} {}-{:?}", words.join("|"), required.nearest, required.farthest)
            })
            .collect();
        let first: Vec<&str> = found.iter().map(String::as_str).take(1).collect();
        assert_eq!(first, expected, "{pattern}");
    }

    #[test]
    fn words_are_found_whatever_their_case() {
        check("(?i)secret[a-z]{3}", &["secret 0-Some(0)"]);
        check("(?i:Key|token)=", &["key=|token= 0-Some(0)"]);
        check(r"\w{0,9}(?i)secret", &["secret 0-Some(9)"]);
        check("(?:A3T[A-Z0-9]|AKIA)[A-Z]{4}", &["a3t|akia 0-Some(0)"]);
        check(r"\w*(?i)secret", &["secret 0-None"]);
        check("[Aa]b[0-9]", &[]);
        check("(?i)secret|[a-z]{9}", &[]);
    }
}

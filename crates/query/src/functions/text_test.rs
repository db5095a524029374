//! `has`, `contains`, `startswith`, `=~`, `matches regex` and their relatives beside a constant.
//!
//! Case is folded as [`operators::text_test`] does, over all of Unicode. Texts of ASCII, which are nearly all, are folded
//! into one buffer that is kept, and searched there by SIMD (`memchr`).

use std::collections::HashSet;
use std::sync::Arc;

use aho_corasick::AhoCorasick;
use castellan_kql::ScalarType;
use castellan_kql::ast::{BinaryKind, BinaryOperator};
use castellan_kql::functions::{operators, regex};
use datafusion::arrow::array::{Array, ArrayRef, BooleanArray};
use datafusion::arrow::buffer::BooleanBuffer;
use datafusion::common::Result;
use datafusion::logical_expr::ColumnarValue;
use memchr::memmem::Finder;
use regex::Regex;

use super::kernel::{Kernel, texts};

/// A test of texts.
#[derive(Debug)]
pub struct TextTest {
    name: String,
    is_negated: bool,
    test: Test,
}

#[derive(Debug)]
enum Test {
    Term(Box<Term>),
    Regex(Regex),
    Terms(Terms),
    AnyOf(AnyOf),
}

impl TextTest {
    /// `text operator wanted`; `None` for operators that are no test of texts, and for a malformed expression.
    pub fn new(operator: BinaryOperator, wanted: &str) -> Option<TextTest> {
        let test = match operator.kind {
            BinaryKind::MatchesRegex => Test::Regex(regex(wanted).ok()?),
            BinaryKind::Equal if operator.is_case_sensitive => return None,
            BinaryKind::Equal
            | BinaryKind::Contains
            | BinaryKind::StartsWith
            | BinaryKind::EndsWith
            | BinaryKind::Has
            | BinaryKind::HasPrefix
            | BinaryKind::HasSuffix => {
                Test::Term(Box::new(Term::new(operator.kind, operator.is_case_sensitive, wanted)))
            }
            _ => return None,
        };
        let name = format!("{} {wanted:?}", operator.spelling());
        Some(TextTest { name, is_negated: operator.is_negated, test })
    }

    /// `text has_any (wanted)`, and `has_all`. `None` for more terms than can be searched for at once.
    pub fn terms(wanted: &[String], all: bool) -> Option<TextTest> {
        let name = format!("{} {wanted:?}", if all { "has_all" } else { "has_any" });
        Some(TextTest { name, is_negated: false, test: Test::Terms(Terms::new(wanted, all)?) })
    }

    /// `text in~ (wanted)`
    pub fn any_of(wanted: &[String], is_negated: bool) -> Option<TextTest> {
        let name = format!("{} {wanted:?}", if is_negated { "!in~" } else { "in~" });
        let folded = wanted.iter().map(|text| text.to_lowercase().into_bytes()).collect();
        Some(TextTest { name, is_negated, test: Test::AnyOf(AnyOf(folded)) })
    }
}

impl TextTest {
    fn is_so(&self, text: &str, folded: &mut Vec<u8>) -> bool {
        match &self.test {
            Test::Term(term) => term.is_in(text, folded),
            Test::Regex(regex) => regex.is_match(text),
            Test::Terms(terms) => terms.are_in(text, folded),
            Test::AnyOf(any) => any.has(text, folded),
        }
    }
}

impl Kernel for TextTest {
    fn name(&self) -> &str {
        &self.name
    }

    fn scalar_type(&self) -> ScalarType {
        ScalarType::Bool
    }

    fn is_costly(&self) -> bool {
        matches!(self.test, Test::Regex(_) | Test::Terms(_))
    }

    fn needed(&self) -> Option<Vec<Vec<String>>> {
        if self.is_negated {
            return None;
        }
        match &self.test {
            // Only these end where terms end.
            Test::Term(term) if matches!(term.kind, BinaryKind::Has | BinaryKind::Equal) => {
                Some(vec![vec![term.wanted.clone()]])
            }
            Test::Terms(terms) if terms.all => Some(vec![terms.wanted.clone()]),
            Test::Terms(terms) => Some(terms.wanted.iter().map(|wanted| vec![wanted.clone()]).collect()),
            Test::AnyOf(any) => {
                any.0.iter().map(|text| Some(vec![String::from_utf8(text.clone()).ok()?])).collect()
            }
            Test::Term(_) | Test::Regex(_) => None,
        }
    }

    fn run(&self, arguments: &[ColumnarValue], rows: usize) -> Result<ArrayRef> {
        let array = texts(arguments, 0, rows)?;
        let (mut folded, mut known) = (Vec::new(), Known::default());
        let mut each = array.iter().zip(array.views());
        let results = BooleanBuffer::collect_bool(array.len(), |_| {
            let Some((text, view)) = each.next() else { return false };
            // What stands in the view of a null means nothing; that of the empty text is zero.
            let view = if text.is_some() { *view } else { 0 };
            let is_so = known.or_else(view, || self.is_so(text.unwrap_or_default(), &mut folded));
            is_so != self.is_negated
        });
        Ok(Arc::new(BooleanArray::new(results, None)))
    }
}

/// How many results are kept.
const KEPT: usize = 256;

/// Results for the views of one array that came last. Where a file keeps a dictionary of texts, the rows of an array that
/// have the same text have the same view of it, and looking that up is quicker than any test.
struct Known([(u128, bool); KEPT]);

impl Default for Known {
    fn default() -> Known {
        // A view of a text that is longer than any: no row has it.
        Known([(u128::MAX, false); KEPT])
    }
}

impl Known {
    fn or_else(&mut self, view: u128, test: impl FnOnce() -> bool) -> bool {
        let mixed = (view as u64 ^ (view >> 64) as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let Some(kept) = self.0.get_mut((mixed >> 56) as usize) else { return test() };
        if kept.0 != view {
            *kept = (view, test());
        }
        kept.1
    }
}

/// The text in lower case, where it is ASCII.
fn fold<'f>(text: &str, folded: &'f mut Vec<u8>) -> Option<&'f [u8]> {
    if !text.is_ascii() {
        return None;
    }
    folded.clear();
    folded.extend_from_slice(text.as_bytes());
    folded.make_ascii_lowercase();
    Some(folded)
}

/// One text that is looked for.
#[derive(Debug)]
struct Term {
    kind: BinaryKind,
    is_case_sensitive: bool,
    /// As it was written.
    wanted: String,
    /// In lower case where case does not matter.
    folded: Vec<u8>,
    finder: Finder<'static>,
}

impl Term {
    fn new(kind: BinaryKind, is_case_sensitive: bool, wanted: &str) -> Term {
        let folded = if is_case_sensitive { wanted.to_owned() } else { wanted.to_lowercase() }.into_bytes();
        let finder = Finder::new(&folded).into_owned();
        Term { kind, is_case_sensitive, wanted: wanted.to_owned(), folded, finder }
    }

    fn is_in(&self, text: &str, folded: &mut Vec<u8>) -> bool {
        // Terms end where a character ends, which bytes tell for ASCII only.
        if self.is_case_sensitive {
            return match self.kind {
                BinaryKind::Contains => self.finder.find(text.as_bytes()).is_some(),
                BinaryKind::StartsWith => text.as_bytes().starts_with(&self.folded),
                BinaryKind::EndsWith => text.as_bytes().ends_with(&self.folded),
                _ if text.is_ascii() => self.is_term_in(text.as_bytes()),
                _ => operators::text_test(self.kind, true, text, &self.wanted),
            };
        }
        let length = self.folded.len();
        let folds_to = |part: Option<&[u8]>| part.is_some_and(|part| part.eq_ignore_ascii_case(&self.folded));
        let bytes = text.as_bytes();
        match self.kind {
            _ if !text.is_ascii() => operators::text_test(self.kind, false, text, &self.wanted),
            BinaryKind::Equal => folds_to(Some(bytes)),
            BinaryKind::StartsWith => folds_to(bytes.get(..length)),
            BinaryKind::EndsWith => folds_to(bytes.len().checked_sub(length).and_then(|at| bytes.get(at..))),
            kind => match fold(text, folded) {
                Some(folded) if kind == BinaryKind::Contains => self.finder.find(folded).is_some(),
                Some(folded) => self.is_term_in(folded),
                None => operators::text_test(kind, false, text, &self.wanted),
            },
        }
    }

    /// `has`, `hasprefix` and `hassuffix` in ASCII.
    fn is_term_in(&self, text: &[u8]) -> bool {
        let at_start = self.kind != BinaryKind::HasSuffix;
        let at_end = self.kind != BinaryKind::HasPrefix;
        let length = self.folded.len();
        let mut from = 0;
        while let Some(found) = text.get(from..).and_then(|rest| self.finder.find(rest)) {
            let start = from + found;
            if is_whole(text, start, start + length, at_start, at_end) {
                return true;
            }
            from = start + 1;
        }
        false
    }
}

/// Whether what is between two places of an ASCII text begins and ends where terms do, as far as asked.
fn is_whole(text: &[u8], start: usize, end: usize, at_start: bool, at_end: bool) -> bool {
    if start == end {
        return true;
    }
    let is_term = |at: Option<usize>| at.and_then(|at| text.get(at)).is_some_and(u8::is_ascii_alphanumeric);
    let goes_on_before = at_start && is_term(Some(start)) && is_term(start.checked_sub(1));
    let goes_on_after = at_end && is_term(end.checked_sub(1)) && is_term(Some(end));
    !goes_on_before && !goes_on_after
}

/// Texts in lower case, one of which a text has to be.
#[derive(Debug)]
struct AnyOf(HashSet<Vec<u8>, foldhash::fast::RandomState>);

impl AnyOf {
    fn has(&self, text: &str, folded: &mut Vec<u8>) -> bool {
        match fold(text, folded) {
            Some(folded) => self.0.contains(folded),
            None => self.0.contains(text.to_lowercase().as_bytes()),
        }
    }
}

/// Most terms that are searched for at once.
const MAX_TERMS: usize = 4_096;

/// Several terms.
#[derive(Debug)]
struct Terms {
    wanted: Vec<String>,
    all: bool,
    /// Finds the terms that are ASCII; the others are in no text of ASCII.
    finder: AhoCorasick,
    /// The place of each pattern of the finder among the terms.
    ascii: Vec<usize>,
    lengths: Vec<usize>,
}

impl Terms {
    fn new(wanted: &[String], all: bool) -> Option<Terms> {
        if wanted.is_empty() || wanted.len() > MAX_TERMS {
            return None;
        }
        let folded: Vec<String> = wanted.iter().map(|term| term.to_lowercase()).collect();
        let ascii = folded.iter().enumerate().filter(|(_, term)| term.is_ascii());
        let (ascii, patterns): (Vec<usize>, Vec<&String>) = ascii.unzip();
        let finder = AhoCorasick::new(patterns).ok()?;
        let lengths = folded.iter().map(String::len).collect();
        Some(Terms { wanted: wanted.to_vec(), all, finder, ascii, lengths })
    }

    fn are_in(&self, text: &str, folded: &mut Vec<u8>) -> bool {
        let Some(text) = fold(text, folded) else {
            let has = |term: &String| operators::text_test(BinaryKind::Has, false, text, term);
            return if self.all { self.wanted.iter().all(has) } else { self.wanted.iter().any(has) };
        };
        if self.all && self.ascii.len() < self.wanted.len() {
            return false;
        }
        let mut missing = if self.all { self.wanted.len() } else { 1 };
        let mut found = vec![false; if self.all { self.wanted.len() } else { 0 }];
        for hit in self.finder.find_overlapping_iter(text) {
            let Some(term) = self.ascii.get(hit.pattern().as_usize()).copied() else { continue };
            let length = self.lengths.get(term).copied().unwrap_or(0);
            if !is_whole(text, hit.end() - length, hit.end(), true, true) {
                continue;
            }
            match found.get_mut(term) {
                Some(known) if *known => continue,
                Some(known) => *known = true,
                None => {}
            }
            missing -= 1;
            if missing == 0 {
                return true;
            }
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use datafusion::arrow::array::{AsArray, StringViewArray};
    use proptest::prelude::*;

    const KINDS: [BinaryKind; 7] = [
        BinaryKind::Equal,
        BinaryKind::Contains,
        BinaryKind::StartsWith,
        BinaryKind::EndsWith,
        BinaryKind::Has,
        BinaryKind::HasPrefix,
        BinaryKind::HasSuffix,
    ];

    fn run(test: &TextTest, texts: &[String]) -> Vec<bool> {
        let array: ArrayRef = Arc::new(StringViewArray::from_iter_values(texts));
        let results = test.run(&[ColumnarValue::Array(array)], texts.len()).unwrap();
        results.as_boolean().iter().map(Option::unwrap).collect()
    }

    proptest! {
        #[test]
        fn tests_of_arrays_agree_with_tests_of_texts(
            texts in prop::collection::vec("[abAB1 .kK\u{212a}\u{e9}\u{c9}\u{df}\u{130}-]{0,12}", 1..20),
            wanted in prop::collection::vec("[abAB1.kK\u{212a}\u{e9}\u{c9}\u{df}]{0,3}", 1..4),
            sensitive in any::<bool>(),
            negated in any::<bool>(),
        ) {
            let first = wanted.first().unwrap();
            for kind in KINDS {
                let operator = BinaryOperator { kind, is_negated: negated, is_case_sensitive: sensitive };
                let Some(test) = TextTest::new(operator, first) else { continue };
                let expected: Vec<bool> = texts
                    .iter()
                    .map(|text| operators::text_test(kind, sensitive, text, first) != negated)
                    .collect();
                prop_assert_eq!(run(&test, &texts), expected, "{:?} {}", kind, first);
            }
            for all in [false, true] {
                let has = |text: &String, term: &String| operators::text_test(BinaryKind::Has, false, text, term);
                let expected: Vec<bool> = texts
                    .iter()
                    .map(|text| {
                        if all { wanted.iter().all(|term| has(text, term)) } else { wanted.iter().any(|term| has(text, term)) }
                    })
                    .collect();
                prop_assert_eq!(run(&TextTest::terms(&wanted, all).unwrap(), &texts), expected);
            }
        }
    }
}

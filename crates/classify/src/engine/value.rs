//! Where the group `value` lies in a match, as far as lengths tell it.
//!
//! Most groups stand at a fixed distance from the beginning or the end: `(?P<value>\d{5})(?:,? [A-Z]|$)` begins with
//! its match and has five bytes. Then the places follow from those of the match, and nothing has to be searched again.
//! Of others, what stands before often ends in one place only: `(?:name|patient):? (?P<value>[A-Z][a-z]+)`.

use regex_syntax::hir::{Hir, HirKind};

use crate::engine::byte_set::ByteSet;
use crate::engine::ending::Ending;
use crate::engine::program::Program;

/// How a group lies in its match.
pub(crate) enum Lies {
    /// So many bytes after the beginning, and so long.
    FromStart { before: usize, length: usize },
    /// So long, and so many bytes before the end.
    FromEnd { length: usize, after: usize },
    /// So many bytes after the beginning and before the end.
    Between { before: usize, after: usize },
    /// Behind what this automaton takes, if that can end in one place alone where the group can begin, and so many bytes
    /// before the end.
    Behind { prefix: Box<Ending>, first: ByteSet, after: usize },
}

impl Lies {
    /// How the group of this name lies in every match of an expression; `None` where only the text can tell, and where
    /// the group need not take part or can be empty.
    pub(crate) fn of(hir: &Hir, is_named: &impl Fn(&str) -> bool) -> Option<Lies> {
        let Parts { prefix, first, before, length, after } = parts(hir, is_named)?;
        match (before, length, after) {
            (Some(before), Some(length), _) => Some(Lies::FromStart { before, length }),
            (_, Some(length), Some(after)) => Some(Lies::FromEnd { length, after }),
            (Some(before), None, Some(after)) => Some(Lies::Between { before, after }),
            (None, None, Some(after)) => {
                let prefix = Box::new(Ending::new(&Hir::concat(prefix), false)?);
                Some(Lies::Behind { prefix, first, after })
            }
            _ => None,
        }
    }

    /// The group in a match; `None` where it can lie in several ways.
    pub(crate) fn within(&self, text: &[u8], (start, end): (usize, usize)) -> Option<(usize, usize)> {
        match self {
            Lies::FromStart { before, length } => Some((start + before, start + before + length)),
            Lies::FromEnd { length, after } => Some((end - after - length, end - after)),
            Lies::Between { before, after } => Some((start + before, end - after)),
            Lies::Behind { prefix, first, after } => {
                let mut ends = 0;
                let mut begin = start;
                let last = end - after - 1;
                prefix.ends(text, (start, last), |place| {
                    if text.get(place).is_some_and(|byte| first.contains(*byte)) {
                        (ends, begin) = (ends + 1, place);
                    }
                });
                (ends == 1).then_some((begin, end - after))
            }
        }
    }
}

/// What stands before a group, and how many bytes there are before it, of it and after it, each where that is always the
/// same.
struct Parts {
    prefix: Vec<Hir>,
    /// The bytes that the group may begin with.
    first: ByteSet,
    before: Option<usize>,
    length: Option<usize>,
    after: Option<usize>,
}

fn parts(hir: &Hir, is_named: &impl Fn(&str) -> bool) -> Option<Parts> {
    match hir.kind() {
        HirKind::Capture(capture) if capture.name.as_deref().is_some_and(is_named) => {
            let taken = hir.properties().minimum_len().is_some_and(|least| least > 0);
            taken.then(|| Parts {
                prefix: Vec::new(),
                first: Program::new(&capture.sub)
                    .map_or(ByteSet::ALL, |program| program.bytes(&program.start())),
                before: Some(0),
                length: length(hir),
                after: Some(0),
            })
        }
        HirKind::Capture(capture) => parts(&capture.sub, is_named),
        HirKind::Concat(all) => {
            let place = all.iter().position(|part| has_group(part, is_named))?;
            let (first, rest) = all.split_at_checked(place)?;
            let (part, last) = rest.split_first()?;
            if last.iter().any(|part| has_group(part, is_named)) {
                return None;
            }
            let Parts { prefix: inner, first: begin, before, length, after } = parts(part, is_named)?;
            let prefix = first.iter().cloned().chain(inner).collect();
            Some(Parts { prefix, first: begin, before: sum(before, first), length, after: sum(after, last) })
        }
        _ => None,
    }
}

/// So many bytes and those of these parts, where they are always the same.
fn sum(bytes: Option<usize>, parts: &[Hir]) -> Option<usize> {
    parts.iter().try_fold(bytes?, |sum, part| sum.checked_add(length(part)?))
}

/// How many bytes an expression takes, where that is always the same.
fn length(hir: &Hir) -> Option<usize> {
    let properties = hir.properties();
    properties.minimum_len().filter(|least| properties.maximum_len() == Some(*least))
}

fn has_group(hir: &Hir, is_named: &impl Fn(&str) -> bool) -> bool {
    match hir.kind() {
        HirKind::Capture(capture) => {
            capture.name.as_deref().is_some_and(is_named) || has_group(&capture.sub, is_named)
        }
        HirKind::Repetition(repetition) => has_group(&repetition.sub, is_named),
        HirKind::Concat(parts) | HirKind::Alternation(parts) => {
            parts.iter().any(|part| has_group(part, is_named))
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use regex_syntax::ParserBuilder;

    use super::Lies;

    /// The expression matches the whole text; what the group is, if that can be told.
    fn check(pattern: &str, text: &str, expected: Option<&str>) {
        let hir = ParserBuilder::new().unicode(false).utf8(false).build().parse(pattern).unwrap();
        let lies = Lies::of(&hir, &|name: &str| name.starts_with("value"));
        let around = format!("-{text}-");
        let found = lies.and_then(|lies| lies.within(around.as_bytes(), (1, 1 + text.len())));
        assert_eq!(found.map(|(start, end)| &around[start..end]), expected, "{pattern} on {text}");
    }

    #[test]
    fn lengths_tell_where_a_group_lies() {
        check(r"(?P<value>\d{5})(?:,? [A-Z]|$)", "12345, A", Some("12345"));
        check(r"[A-Z][a-z]{0,9}\s(?P<value>\d{5})!", "Abc 12345!", Some("12345"));
        check(r#"key="((?P<value>[^"]{1,9}))""#, r#"key="abc""#, Some("abc"));
        check(r"a(?P<value>[a-z]*)b", "acb", None);
        check(r"a(?:(?P<value>b)|c)d", "abd", None);
        check(r"a(?P<value>b)?c", "abc", None);
        check(r"a(?P<value>b)c(?P<value2>d)", "abcd", None);
        check("abc", "abc", None);
    }

    #[test]
    fn what_stands_before_tells_where_a_group_begins() {
        check(r"(?:name|patient):? (?P<value>[A-Z][a-z]+)", "name: Ann", Some("Ann"));
        check(r"[a-z]+=(?P<value>[a-z]+);", "ab=cd;", Some("cd"));
        check(r"[a-z]+\b(?P<value>=[a-z]+)", "ab=cd", Some("=cd"));
        check(r"name\s{0,2}:\s{0,3}(?P<value>[A-Z][a-z]+)", "name :  Ann", Some("Ann"));
        // Here it can begin in two places.
        check(r"[a-z]+(?P<value>[a-z]+)", "abc", None);
        check(r"[a-z]+=(?P<value>[a-z]+)(?:;|end)", "ab=cd;", None);
    }
}

//! Patterns of `parse`.

use castellan_kql::functions;
use memchr::memmem::Finder;
use regex::{CaptureLocations, Regex};
use regex_syntax::hir::{Hir, HirKind, Look};

use crate::physical::dynamic::Place;

/// Where columns are in a text.
#[derive(Debug)]
pub(super) enum Pattern {
    /// Texts that are looked for one after another, which is what most patterns are.
    Plain(Vec<Part>),
    /// A regular expression, with the number of the group of each column.
    Regex { regex: Regex, groups: Vec<Option<usize>> },
}

/// A part of a plain pattern.
#[derive(Debug)]
pub(super) enum Part {
    /// This text.
    Text(Box<Finder<'static>>),
    /// As little as possible, for the column of that number or for none.
    Gap(Option<usize>),
}

impl Pattern {
    /// Of a regular expression with a group `c0`, `c1`, ... for each of so many columns.
    ///
    /// Errors: what is wrong with it, in words.
    pub(super) fn new(text: &str, columns: usize) -> Result<Pattern, String> {
        if let Some(parts) = regex_syntax::parse(text).ok().and_then(|hir| plain(&hir)) {
            return Ok(Pattern::Plain(parts));
        }
        let regex = functions::regex(text)?;
        let number = |at: usize| regex.capture_names().position(|name| name == Some(&format!("c{at}")));
        let groups = (0..columns).map(number).collect();
        Ok(Pattern::Regex { regex, groups })
    }

    /// What [`Pattern::read`] works with.
    pub(super) fn memory(&self) -> Option<CaptureLocations> {
        match self {
            Pattern::Plain(_) => None,
            Pattern::Regex { regex, .. } => Some(regex.capture_locations()),
        }
    }

    /// Whether a text fits. Where columns have a part of it, their places are set.
    pub(super) fn read(
        &self,
        text: &str,
        memory: Option<&mut CaptureLocations>,
        places: &mut [Option<Place>],
    ) -> bool {
        match (self, memory) {
            (Pattern::Plain(parts), _) => read_plain(parts, text, places).is_some(),
            (Pattern::Regex { regex, groups }, Some(memory)) => {
                if regex.captures_read(memory, text).is_none() {
                    return false;
                }
                for (place, group) in places.iter_mut().zip(groups) {
                    let found = group.and_then(|group| memory.get(group));
                    *place = found.and_then(|(start, end)| Place::new(start, end));
                }
                true
            }
            (Pattern::Regex { .. }, None) => false,
        }
    }
}

/// The first place of each text after the one before leaves most for the rest, so nothing has to be tried again.
fn read_plain(parts: &[Part], text: &str, places: &mut [Option<Place>]) -> Option<()> {
    let mut at = 0;
    let mut gap: Option<Option<usize>> = None;
    let mut parts = parts.iter().peekable();
    while let Some(part) = parts.next() {
        let wanted = match part {
            Part::Gap(column) => {
                gap = Some(*column);
                continue;
            }
            Part::Text(wanted) => wanted,
        };
        let rest = text.as_bytes().get(at..)?;
        let length = wanted.needle().len();
        let Some(column) = gap.take() else {
            rest.starts_with(wanted.needle()).then_some(())?;
            at += length;
            continue;
        };
        let found = match parts.peek() {
            Some(_) => wanted.find(rest)?,
            None => rest.ends_with(wanted.needle()).then(|| rest.len() - length)?,
        };
        set(places, column, at, at + found);
        at += found + length;
    }
    match gap {
        Some(column) => set(places, column, at, text.len()),
        None => (at == text.len()).then_some(())?,
    }
    Some(())
}

fn set(places: &mut [Option<Place>], column: Option<usize>, start: usize, end: usize) {
    if let Some(place) = column.and_then(|column| places.get_mut(column)) {
        *place = Place::new(start, end);
    }
}

/// The parts of an expression that holds texts and gaps in turn, from the start of a text to its end.
fn plain(hir: &Hir) -> Option<Vec<Part>> {
    let HirKind::Concat(all) = hir.kind() else { return None };
    let [first, inner @ .., last] = all.as_slice() else { return None };
    let is_whole = *first.kind() == HirKind::Look(Look::Start) && *last.kind() == HirKind::Look(Look::End);
    let parts = inner.iter().map(part).collect::<Option<Vec<Part>>>()?;
    let is_gap = |part: &Part| matches!(part, Part::Gap(_));
    let alternates = parts.windows(2).all(|pair| match pair {
        [left, right] => is_gap(left) != is_gap(right),
        _ => true,
    });
    (is_whole && alternates).then_some(parts)
}

fn part(hir: &Hir) -> Option<Part> {
    match hir.kind() {
        HirKind::Literal(text) => Some(Part::Text(Box::new(Finder::new(&text.0).into_owned()))),
        HirKind::Capture(capture) if is_gap(&capture.sub) => {
            let column = capture.name.as_deref()?.strip_prefix('c')?.parse().ok()?;
            Some(Part::Gap(Some(column)))
        }
        _ => is_gap(hir).then_some(Part::Gap(None)),
    }
}

/// Any characters, line breaks too, as few as possible.
fn is_gap(hir: &Hir) -> bool {
    match hir.kind() {
        HirKind::Repetition(gap) => {
            gap.min == 0
                && gap.max.is_none()
                && !gap.greedy
                && *gap.sub == Hir::dot(regex_syntax::hir::Dot::AnyChar)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(pattern: &Pattern, text: &str, columns: usize) -> Option<Vec<String>> {
        let mut places = vec![None; columns];
        let fits = pattern.read(text, pattern.memory().as_mut(), &mut places);
        let part = |place: &Option<Place>| place.map_or("-", |place| place.of(text)).to_owned();
        fits.then(|| places.iter().map(part).collect())
    }

    #[test]
    fn plain_patterns_find_what_their_expressions_do() {
        let patterns = [
            r"(?s)^.*?://(?P<c0>.*?)/(?P<c1>.*?)$",
            r"(?s)^(?P<c0>.*?)=(?P<c1>.*?)$",
            r"(?s)^a(?P<c0>.*?)b$",
            r"(?s)^(?P<c0>.*?)aa.*?$",
            r"(?s)^.*?a(?P<c0>.*?)b(?P<c1>.*?)ab$",
            r"(?s)^(?P<c0>.*?)$",
            r"(?s)^a$",
        ];
        let texts = [
            "",
            "a",
            "ab",
            "aab",
            "abab",
            "aaa",
            "https://x.example/p/q",
            "://",
            "a=b=c",
            "ab\nab",
            "a\u{e9}b",
            "baabxab",
            "aaaa",
            "abbab",
            "=",
        ];
        for source in patterns {
            let fast = Pattern::new(source, 2).unwrap();
            assert!(matches!(fast, Pattern::Plain(_)), "{source}");
            let regex = functions::regex(source).unwrap();
            let number = |at: usize| regex.capture_names().position(|name| name == Some(&format!("c{at}")));
            let slow = Pattern::Regex { groups: (0..2).map(number).collect(), regex: regex.clone() };
            for text in texts {
                assert_eq!(found(&fast, text, 2), found(&slow, text, 2), "{source} on {text}");
            }
        }
    }

    #[test]
    fn what_is_not_plain_stays_an_expression() {
        for source in
            [r"^.*?a$", r"(?s)^(?P<c0>.*?).*?$", r"(?s)^(?P<c0>\d+)a$", r"(?s)^a.*?", r"(?is)^a.*?$"]
        {
            assert!(matches!(Pattern::new(source, 1), Ok(Pattern::Regex { .. })), "{source}");
        }
        assert!(Pattern::new("(", 0).is_err());
    }
}

//! What redaction leaves in a text, which is no finding: `<PAYMENT_CARD>`, `<PERSON_2>`, `<API_KEY:3f2a...>` and
//! `[[tok:v1:TYPE:KEY:BASE64URL]]`.
//!
//! Only names of types that the rules have make a mark, so `<AKIA...>` is none. A mark is known by what stands before and
//! inside of a match: nothing after it has to be there.

use std::sync::Arc;

use rustc_hash::FxHashSet;

use crate::rule::{Detector, Rules};

/// Bytes before a match that are looked at; in the rest of a longer mark, something may be found.
pub(crate) const LONGEST: usize = 8_192;
/// Longest beginning of a mark, up to the hash or the sealed value.
const LONGEST_HEAD: usize = 160;
/// Bytes before a match in which a mark would begin that holds it.
const BEFORE: usize = LONGEST + LONGEST_HEAD + 2;

/// The names that marks have.
#[derive(Debug, Default)]
pub(crate) struct Marks {
    labels: FxHashSet<Arc<str>>,
}

impl Marks {
    /// The types of rules, by our names and by those of Presidio.
    pub(crate) fn of(rules: &Rules) -> Marks {
        let ids = rules.detectors.iter().map(Detector::label);
        let entities = rules.detectors.iter().filter_map(|detector| detector.presidio.clone());
        Marks { labels: ids.chain(entities).collect() }
    }

    /// Whether a match lies in a mark. `plain` is a stretch in which none begins.
    #[inline]
    pub(crate) fn cover(&self, text: &[u8], value: (usize, usize), plain: (usize, usize)) -> bool {
        let is_plain = plain.0 <= value.0.saturating_sub(BEFORE) && value.1 <= plain.1;
        !is_plain && self.hold(text, value)
    }

    fn hold(&self, text: &[u8], (start, end): (usize, usize)) -> bool {
        let opener = opener(text, start);
        let length = |opener: usize| self.length(text.get(opener..).unwrap_or_default());
        opener.is_some_and(|opener| end <= opener + length(opener))
    }

    /// How many bytes at the beginning of a text are one mark, or the beginning of one.
    fn length(&self, text: &[u8]) -> usize {
        let sealed = text.strip_prefix(b"[[enc:v1:").or_else(|| text.strip_prefix(b"[[tok:v1:"));
        let Some(named) = sealed.or_else(|| text.strip_prefix(b"<")) else { return 0 };
        let (name, rest) = split(named, |byte| matches!(byte, b'A'..=b'Z' | b'0'..=b'9' | b'_'));
        if !self.is_name(name) {
            return 0;
        }
        let rest = match (sealed.is_some(), rest) {
            (false, [b':', hash @ ..]) => {
                let (_, rest) = split(hash, |byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
                rest.strip_prefix(b">").unwrap_or(rest)
            }
            (true, [b':', key @ ..]) => {
                let (_, rest) = split(key, |byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'));
                let (_, rest) = rest.strip_prefix(b":").map_or((key, rest), |body| split(body, is_body));
                rest.strip_prefix(b"]]").unwrap_or(rest)
            }
            (false, rest) => rest.strip_prefix(b">").unwrap_or(rest),
            (true, rest) => rest,
        };
        text.len() - rest.len()
    }

    fn is_name(&self, name: &[u8]) -> bool {
        let Ok(name) = std::str::from_utf8(name) else { return false };
        let numbered = || {
            let (name, number) = name.rsplit_once('_')?;
            number.bytes().all(|byte| byte.is_ascii_digit()).then_some(name)
        };
        self.labels.contains(name) || numbered().is_some_and(|name| self.labels.contains(name))
    }
}

/// Whether no mark begins in a stretch of a text.
pub(crate) fn is_plain(text: &[u8], (from, to): (usize, usize)) -> bool {
    // One may begin before the stretch, and end in it.
    let stretch = text.get(from.saturating_sub(1)..text.len().min(to + 1)).unwrap_or_default();
    memchr::memchr(b'<', stretch).is_none() && memchr::memmem::find(stretch, b"[[").is_none()
}

/// Where a mark would begin that holds a match.
fn opener(text: &[u8], start: usize) -> Option<usize> {
    if matches!(text.get(start..)?, [b'<', ..] | [b'[', b'[', ..]) {
        return Some(start);
    }
    let before = text.get(start.saturating_sub(LONGEST)..start)?;
    let inside = before.iter().rev().take_while(|byte| is_body(**byte)).count();
    let place = start - inside;
    match text.get(..place)? {
        [.., b'<'] => Some(place - 1),
        [.., b'[', b'['] => Some(place - 2),
        [.., b':'] => {
            let from = place.saturating_sub(LONGEST_HEAD);
            let head = text.get(from..place)?;
            let bracket = memchr::memrchr2(b'<', b'[', head)?;
            // Of `[[`, the second is found first.
            Some(from + bracket - usize::from(head.get(bracket) == Some(&b'[') && bracket > 0))
        }
        _ => None,
    }
}

fn is_body(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')
}

fn split(text: &[u8], is_part: impl Fn(u8) -> bool) -> (&[u8], &[u8]) {
    let length = text.iter().take_while(|byte| is_part(**byte)).count();
    text.split_at_checked(length).unwrap_or((text, &[]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn matches_inside_of_marks_are_told_apart() {
        let marks = Marks { labels: ["API_KEY".into(), "PERSON".into()].into_iter().collect() };
        let check = |text: &str, part: &str, expected: bool| {
            let start = text.find(part).unwrap();
            assert_eq!(
                marks.cover(text.as_bytes(), (start, start + part.len()), (0, 0)),
                expected,
                "{part} in {text}"
            );
        };
        check("key=<API_KEY>", "API_KEY", true);
        check("key=<API_KEY>", "<API_KEY>", true);
        check("key=<API_KEY>", "key=<API_KEY>", false);
        check("key=<API_KEY>!", "API_KEY>!", false);
        check("<PERSON_12>", "PERSON_12", true);
        check("<PERSONS>", "PERSONS", false);
        check("<AKIA0123456789ABCDEF>", "AKIA0123456789ABCDEF", false);
        check("<API_KEY:3f2a91>", "3f2a91", true);
        check("<API_KEY:3f2a91", "3f2a91", true);
        check("<API_KEY:3f2z91>", "3f2z91", false);
        check("<API_KEY:3f2a91>x", "3f2a91>x", false);
        for sealed in ["[[enc:v1:API_KEY:k1:Ab-9_x]]", "[[tok:v1:API_KEY:k1:Ab-9_x]]"] {
            check(sealed, "Ab-9_x", true);
            check(sealed, "9_x", true);
            check(sealed, "API_KEY:k1", true);
            check(sealed, sealed, true);
        }
        check("[[tok:v1:API_KEY:a.b@c.d", "a.b@c.d", false);
        check("[[tok:v1:NAME:k1:Ab-9_x]]", "Ab-9_x", false);
        check("[tok:v1:API_KEY:k1:Ab-9_x]]", "Ab-9_x", false);
        check("API_KEY:3f2a91", "3f2a91", false);
    }
}

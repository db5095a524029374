//! Words that point to harms, counted.

use aho_corasick::AhoCorasick;
use castellan_base::{Limits, Node, Sources, yaml};

use super::classes::Classes;

/// Lists of terms, in order: the four harms, then what speaks for a harmless use.
pub const LISTS: [&str; 5] = ["hate", "sexual", "violence", "self_harm", "neutral"];

/// Terms, ready to be counted.
#[derive(Clone, Debug)]
pub struct Terms {
    finder: AhoCorasick,
    /// For each pattern: its list, and whether any ending may follow.
    owners: Vec<(usize, bool)>,
    /// Words by what they stand for.
    pub(super) classes: Classes,
}

impl Terms {
    /// Reads a file of lists.
    pub fn read(name: &str, text: &str) -> Result<Terms, String> {
        let mut sources = Sources::default();
        let source = sources.add(name, text);
        let root = yaml::parse(text, source, &Limits::default())
            .map_err(|fault| format!("{name}: {}", fault.message))?;
        let (mut patterns, mut owners) = (Vec::new(), Vec::new());
        for (list, key) in LISTS.iter().enumerate() {
            let terms = root
                .get(key)
                .and_then(Node::as_array)
                .ok_or_else(|| format!("{name}: `{key}` is no list"))?;
            for term in terms {
                let term = term.as_str().ok_or_else(|| format!("{name}: `{key}` holds what is no text"))?;
                patterns.push(term.trim_end_matches('*').to_owned());
                owners.push((list, term.ends_with('*')));
            }
        }
        let finder = AhoCorasick::builder()
            .ascii_case_insensitive(true)
            .match_kind(aho_corasick::MatchKind::Standard)
            .build(&patterns);
        let finder = finder.map_err(|error| format!("{name}: {error}"))?;
        Ok(Terms { finder, owners, classes: classes(name, &root)? })
    }

    /// Where terms stand in a text, each with the number of its list.
    pub fn hits(&self, text: &str) -> Vec<(usize, usize)> {
        let bytes = text.as_bytes();
        let mut hits = Vec::new();
        for found in self.finder.find_overlapping_iter(text) {
            let Some((list, open)) = self.owners.get(found.pattern().as_usize()) else { continue };
            let is_letter = |place: Option<usize>| {
                place.and_then(|place| bytes.get(place)).is_some_and(u8::is_ascii_alphanumeric)
            };
            if is_letter(found.start().checked_sub(1)) || (!open && is_letter(Some(found.end()))) {
                continue;
            }
            hits.push((found.start(), *list));
        }
        hits
    }
}

/// The words of `classes`, numbered in the order of the file.
fn classes(name: &str, root: &Node) -> Result<Classes, String> {
    let mut classes = Classes::default();
    let lists = root.get("classes").and_then(Node::as_object).into_iter().flatten();
    for (class, list) in (0..).zip(lists) {
        let key = &list.key;
        let words = list.value.as_array().ok_or_else(|| format!("{name}: `classes.{key}` is no list"))?;
        for word in words {
            let word =
                word.as_str().ok_or_else(|| format!("{name}: `classes.{key}` holds what is no text"))?;
            if !classes.add(word, class) {
                return Err(format!("{name}: `{word}` stands in two classes"));
            }
        }
    }
    Ok(classes)
}

/// The square root of a count by hundred words, in a text of some bytes; a short text counts as one of twelve words.
#[allow(clippy::cast_precision_loss)] // A length of text.
pub(super) fn density(count: f32, bytes: usize) -> f32 {
    let words = (bytes as f32 / 6.0).max(12.0);
    (count * 100.0 / words).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_whole_words_and_open_endings() {
        let lists = "hate: [vermin]\nsexual: ['nude*']\nviolence: [kill]\nself_harm: [kill myself]\nneutral: [kill the process]\n";
        let terms = Terms::read("terms.yaml", lists).unwrap();
        let found = |text: &str| {
            let hits = terms.hits(text);
            [0, 1, 2, 3, 4].map(|list| hits.iter().any(|hit| hit.1 == list))
        };
        assert_eq!(found("Kill the process"), [false, false, true, false, true]);
        assert_eq!(found("nudes and skills"), [false, true, false, false, false]);
        assert!(Terms::read("terms.yaml", "hate: 3").is_err());
    }
}

//! Words that point to harms, counted.

use aho_corasick::AhoCorasick;
use castellan_base::{Limits, Node, Sources, yaml};

/// Lists of terms, in order: the four harms, then what speaks for a harmless use.
pub const LISTS: [&str; 5] = ["hate", "sexual", "violence", "self_harm", "neutral"];

/// Terms, ready to be counted.
#[derive(Clone, Debug)]
pub struct Terms {
    finder: AhoCorasick,
    /// For each pattern: its list, and whether any ending may follow.
    owners: Vec<(usize, bool)>,
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
        Ok(Terms { finder: finder.map_err(|error| format!("{name}: {error}"))?, owners })
    }

    /// How often terms of each list stand in a text, as the square root of the count by hundred words.
    pub fn count(&self, text: &str) -> [f32; LISTS.len()] {
        let bytes = text.as_bytes();
        let mut counts = [0.0_f32; LISTS.len()];
        for found in self.finder.find_overlapping_iter(text) {
            let Some((list, open)) = self.owners.get(found.pattern().as_usize()) else { continue };
            let is_letter = |place: Option<usize>| {
                place.and_then(|place| bytes.get(place)).is_some_and(u8::is_ascii_alphanumeric)
            };
            if is_letter(found.start().checked_sub(1)) || (!open && is_letter(Some(found.end()))) {
                continue;
            }
            if let Some(count) = counts.get_mut(*list) {
                *count += 1.0;
            }
        }
        #[allow(clippy::cast_precision_loss)] // A length of text.
        let words = (text.len() as f32 / 6.0).max(12.0);
        counts.map(|count| (count * 100.0 / words).sqrt())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_whole_words_and_open_endings() {
        let lists = "hate: [vermin]\nsexual: ['nude*']\nviolence: [kill]\nself_harm: [kill myself]\nneutral: [kill the process]\n";
        let terms = Terms::read("terms.yaml", lists).unwrap();
        let found = |text: &str| terms.count(text).map(|count| count > 0.0);
        assert_eq!(found("Kill the process"), [false, false, true, false, true]);
        assert_eq!(found("nudes and skills"), [false, true, false, false, false]);
        assert!(Terms::read("terms.yaml", "hate: 3").is_err());
    }
}

//! Texts as sentences and words.

use std::collections::HashMap;
use std::ops::Range;

use crate::view::{Options, normalise_with};

/// Small letters without accents and disguises.
pub(super) fn folded(text: &str) -> String {
    normalise_with(text, &Options { fold_case: true, ..Options::default() }).text().replace('\u{2019}', "'")
}

/// The words of a folded text.
pub(super) fn words(folded: &str) -> Vec<String> {
    let is_part = |character: char| character.is_alphanumeric() || matches!(character, '\'' | '-');
    let split = folded.split(|character| !is_part(character)).map(|word| word.trim_matches(['\'', '-']));
    split.filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

/// The words of a name such as `send_email`, `sendEmail`, `mail.send`.
pub(super) fn words_of_name(name: &str) -> Vec<String> {
    let mut split = String::new();
    let mut before = ' ';
    for character in name.chars() {
        if character.is_uppercase() && before.is_lowercase() {
            split.push(' ');
        }
        split.push(if character.is_alphanumeric() { character } else { ' ' });
        before = character;
    }
    words(&folded(&split))
}

/// Whether `word` is a form of `base`: an ending of English verbs or nouns may follow.
pub(super) fn is_form(word: &str, base: &str) -> bool {
    if word == base {
        return true;
    }
    if base.len() < 3 {
        return false;
    }
    let without_e = base.strip_suffix('e').unwrap_or(base);
    let Some(ending) = word.strip_prefix(without_e) else {
        // `replies` and `reply`.
        let stem = base.strip_suffix('y').and_then(|stem| word.strip_prefix(stem));
        return stem.is_some_and(|ending| matches!(ending, "ies" | "ied"));
    };
    let doubled = base.chars().next_back().and_then(|last| ending.strip_prefix(last)).unwrap_or(ending);
    matches!(ending, "s" | "es" | "ed" | "ing" | "e" | "d") || matches!(doubled, "ed" | "ing")
}

/// Words and phrases, by how their first words begin.
#[derive(Clone, Debug, Default)]
pub(super) struct Phrases(HashMap<Vec<u8>, Vec<Vec<String>>>);

impl Phrases {
    pub(super) fn new(phrases: Vec<Vec<String>>) -> Phrases {
        let mut buckets: HashMap<Vec<u8>, Vec<Vec<String>>> = HashMap::new();
        for phrase in phrases {
            if let Some(first) = phrase.first() {
                buckets.entry(bucket(first)).or_default().push(phrase);
            }
        }
        Phrases(buckets)
    }

    /// Where phrases begin in `words`, in any of their forms.
    pub(super) fn places<'a>(&'a self, words: &'a [String]) -> impl Iterator<Item = (usize, &'a [String])> {
        let at = move |place: usize| {
            let rest = words.get(place..).unwrap_or_default();
            let bucket = rest.first().and_then(|word| self.0.get(&bucket(word)));
            let is_here = move |phrase: &&Vec<String>| begins_with(rest, phrase);
            bucket.into_iter().flatten().filter(is_here).map(move |phrase| (place, phrase.as_slice()))
        };
        (0..words.len()).flat_map(at)
    }

    /// Where the first begins, and how long it is.
    pub(super) fn first(&self, words: &[String]) -> Option<(usize, usize)> {
        self.places(words).next().map(|(place, phrase)| (place, phrase.len()))
    }

    pub(super) fn are_in(&self, words: &[String]) -> bool {
        self.places(words).next().is_some()
    }
}

/// In a phrase, one to three words whatever they are.
const ANYBODY: &str = "someone";
const MOST_WORDS_OF_ANYBODY: usize = 3;

/// Whether `words` begin with the phrase.
fn begins_with(words: &[String], phrase: &[String]) -> bool {
    let Some((base, later)) = phrase.split_first() else { return true };
    let rest = |count: usize| words.get(count..).unwrap_or_default();
    match base == ANYBODY {
        true => (1..=MOST_WORDS_OF_ANYBODY.min(words.len())).any(|count| begins_with(rest(count), later)),
        false => words.first().is_some_and(|word| is_form(word, base)) && begins_with(rest(1), later),
    }
}

/// All forms of a word begin with the same two bytes.
fn bucket(word: &str) -> Vec<u8> {
    word.bytes().take(2).collect()
}

/// The sentences of a text, by their bytes.
pub(super) fn sentences(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut start = 0;
    let mut characters = text.char_indices().peekable();
    while let Some((place, character)) = characters.next() {
        let end = place + character.len_utf8();
        let is_followed =
            characters.peek().is_none_or(|(_, next)| next.is_whitespace() || matches!(next, '"' | '\''));
        let ends = match character {
            '\n' | ';' => true,
            '.' | '!' | '?' => is_followed,
            _ => false,
        };
        if ends {
            found.push(start..end);
            start = end;
        }
    }
    found.push(start..text.len());
    found.retain(|span| text.get(span.clone()).is_some_and(|part| part.chars().any(char::is_alphanumeric)));
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_cut_into_words() {
        for name in ["send_email", "sendEmail", "send-email", "Send.Email"] {
            assert_eq!(words_of_name(name), ["send", "email"], "{name}");
        }
    }

    #[test]
    fn forms_are_known() {
        for (word, base) in
            [("sends", "send"), ("deleting", "delete"), ("replied", "reply"), ("dropped", "drop")]
        {
            assert!(is_form(word, base), "{word}");
        }
        for (word, base) in
            [("payroll", "pay"), ("sender", "send"), ("posture", "post"), ("ordinary", "order")]
        {
            assert!(!is_form(word, base), "{word}");
        }
    }

    #[test]
    fn texts_are_cut_into_sentences() {
        let text = "Mail a@b.example. Then stop!\nDone";
        let parts: Vec<&str> = sentences(text).into_iter().map(|span| text[span].trim()).collect();
        assert_eq!(parts, ["Mail a@b.example.", "Then stop!", "Done"]);
    }
}

//! A term of a keyword list or dictionary, and whether it stands at a place of a text.

use crate::engine::boundary::{case_changes, character_at, is_letter};

/// Most blanks that one blank of a term stands for.
pub(super) const MOST_BLANKS: usize = 3;
/// Longest word that follows a dictionary's, with the blank before it.
pub(super) const FOLLOWER: usize = 40;

/// A term that matches whole words.
#[derive(Debug, Default)]
pub(super) struct WordTerm {
    pub(super) list: u16,
    /// Whether it is one word of ASCII letters and digits in either case, and nothing else.
    pub(super) plain: bool,
    /// Whether its body is ASCII.
    pub(super) ascii: bool,
    /// What stands before its first letter.
    pub(super) lead: Box<str>,
    /// The rest; a blank stands for any separator. Folded, unless case matters.
    pub(super) body: Box<str>,
    pub(super) case_sensitive: bool,
    /// Further capitalised words that belong to it; for dictionaries.
    pub(super) follow: u8,
    /// Whether it must begin with a capital letter; for dictionaries.
    pub(super) capitalised: bool,
}

impl WordTerm {
    /// Where the term stands if its first word begins at `start`.
    pub(super) fn matches(&self, text: &[u8], start: usize) -> Option<(usize, usize)> {
        let begin = start.checked_sub(self.lead.len())?;
        if !text.get(begin..start)?.eq_ignore_ascii_case(self.lead.as_bytes()) {
            return None;
        }
        if self.capitalised && !character_at(text, start)?.is_uppercase() {
            return None;
        }
        let place = match self.ascii {
            true => self.past_ascii(text, start),
            false => None,
        };
        let place = place.unwrap_or_else(|| self.past(text, start))?;
        let goes_on = self.body.chars().next_back().is_some_and(is_letter)
            && character_at(text, place).is_some_and(is_letter)
            && (!case_changes(text, place) || self.capitalised);
        (!goes_on).then(|| (begin, followers(text, place, self.follow)))
    }

    /// As [`WordTerm::past`], where term and text are ASCII; `None` where the text is not, some characters of which have
    /// the lower case of an ASCII letter.
    fn past_ascii(&self, text: &[u8], start: usize) -> Option<Option<usize>> {
        let mut place = start;
        for expected in self.body.bytes() {
            if expected == b' ' {
                let Some(next) = separators(text, place) else { return Some(None) };
                place = next;
                continue;
            }
            let Some(byte) = text.get(place) else { return Some(None) };
            if *byte >= 128 {
                return None;
            }
            let seen = if self.case_sensitive { *byte } else { byte.to_ascii_lowercase() };
            if seen != expected {
                return Some(None);
            }
            place += 1;
        }
        Some(Some(place))
    }

    /// The place past the body, if it stands at `start`.
    fn past(&self, text: &[u8], start: usize) -> Option<usize> {
        let mut place = start;
        for expected in self.body.chars() {
            if expected == ' ' {
                place = separators(text, place)?;
                continue;
            }
            let character = character_at(text, place)?;
            let seen = if self.case_sensitive { character } else { folded(character) };
            if seen != expected {
                return None;
            }
            place += character.len_utf8();
        }
        Some(place)
    }
}

/// Past what one blank of a term stands for.
fn separators(text: &[u8], place: usize) -> Option<usize> {
    let rest = text.get(place..)?;
    let blanks = rest
        .iter()
        .take_while(|byte| matches!(byte, b' ' | b'\t' | b'\r' | b'\n' | b'_' | b'-' | b'.'))
        .count();
    match blanks {
        0 => case_changes(text, place).then_some(place),
        1..=MOST_BLANKS => Some(place + blanks),
        _ => None,
    }
}

/// Past the capitalised words that follow, one blank apart.
fn followers(text: &[u8], end: usize, most: u8) -> usize {
    let mut kept = end;
    for _ in 0..most {
        let begin = kept + 1;
        if text.get(kept) != Some(&b' ') || !character_at(text, begin).is_some_and(char::is_uppercase) {
            break;
        }
        let mut place = begin;
        while let Some(character) = character_at(text, place) {
            let inside = is_letter(character) || (matches!(character, '\'' | '-') && place > begin);
            if !inside || place - begin >= FOLLOWER - 5 {
                break;
            }
            place += character.len_utf8();
        }
        kept = place;
    }
    kept
}

/// A character with its case folded, by itself.
pub(super) fn folded(character: char) -> char {
    if character.is_ascii() {
        return character.to_ascii_lowercase();
    }
    let mut lower = character.to_lowercase();
    lower.next().unwrap_or(character)
}

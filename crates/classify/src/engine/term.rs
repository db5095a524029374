//! A term of a keyword list or dictionary, and whether it stands at a place of a text.

use crate::engine::boundary::{case_changes, character_at, is_letter};

/// Most blanks that one blank of a term stands for.
pub(super) const MOST_BLANKS: usize = 3;
/// Longest word that follows a dictionary's, with the blank before it.
pub(super) const FOLLOWER: usize = 40;

/// What a term has after its first word, if that is of ASCII letters and digits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum After {
    /// Nothing: that word in either case is all.
    Nothing,
    /// Another word, which begins with this byte in lower case.
    Word(u8),
    /// Something else, or a first word of other letters.
    #[default]
    Other,
}

impl After {
    /// Of a body as [`WordTerm`] has it; `bare` is whether nothing stands before it and case does not matter.
    pub(super) fn of(body: &str, bare: bool) -> After {
        let rest = body.trim_start_matches(|character: char| character.is_ascii_alphanumeric());
        let next = rest.strip_prefix(' ').and_then(|rest| rest.bytes().next());
        match next {
            None if rest.is_empty() && bare => After::Nothing,
            Some(byte) if byte.is_ascii() => After::Word(byte.to_ascii_lowercase()),
            _ => After::Other,
        }
    }
}

/// What begins the word of a text after another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// No word that belongs to the one before.
    None,
    /// This byte of ASCII, in lower case.
    Byte(u8),
    /// Something beyond ASCII.
    Wide,
}

impl Next {
    /// After an ASCII word that ends at a place.
    pub(super) fn after(text: &[u8], end: usize) -> Next {
        match separators(text, end).and_then(|place| text.get(place)) {
            None => Next::None,
            Some(byte) if byte.is_ascii() => Next::Byte(byte.to_ascii_lowercase()),
            Some(_) => Next::Wide,
        }
    }

    /// Whether it may be this byte in lower case: a character beyond ASCII may become one of ASCII.
    #[inline]
    pub(super) fn may_be(self, byte: u8) -> bool {
        self == Next::Byte(byte) || self == Next::Wide
    }

    /// Whether one of these bytes may be it, which have a bit each by their lower six bits. All bits are said of what has
    /// no next word too.
    #[inline]
    pub(super) fn is_of(self, bytes: u64) -> bool {
        match self {
            Next::None => bytes == u64::MAX,
            Next::Byte(byte) => bytes >> (byte & 63) & 1 == 1,
            Next::Wide => true,
        }
    }
}

/// A term that matches whole words.
#[derive(Debug, Default)]
pub(super) struct WordTerm {
    pub(super) list: u16,
    /// Whether it is one word of ASCII letters and digits in either case, and nothing else.
    pub(super) plain: bool,
    /// What stands after its first word.
    pub(super) after: After,
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

    /// As [`WordTerm::matches`] of a term that is a single word, where an ASCII word of the text is that word in either
    /// case.
    pub(super) fn alone(&self, text: &[u8], (start, end): (usize, usize)) -> Option<(usize, usize)> {
        let refused = self.capitalised
            && (!text.get(start).is_some_and(u8::is_ascii_uppercase) || case_changes(text, end));
        (!refused).then(|| (start, followers(text, end, self.follow)))
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
        .take(MOST_BLANKS + 1)
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

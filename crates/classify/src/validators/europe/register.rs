//! Entries of the German registers of companies, partnerships, cooperatives and associations.

use crate::validators::format::{Check, Format, Invalid, Kind, component, length, shape};

pub(super) const FORMATS: &[Format] = &[Format::new(
    "de.handelsregisternummer",
    Kind::Company,
    entry,
    "German register number (Handelsregister)",
    "HRV; the courts that handelsregister.de lists",
)];

const COURTS: &str = include_str!("../data/courts.txt");

/// Register A and B of companies; of partnerships, cooperatives, associations and civil partnerships.
const REGISTERS: [&str; 6] = ["HRA", "HRB", "PR", "GnR", "VR", "GsR"];

/// `Court HRB 1234 B`, or the court behind the number.
fn entry(text: &str) -> Check {
    let written = text.trim();
    if let Some((_, rest)) = register(written) {
        let court = number(rest)?.trim_start_matches([',', ' ']);
        return component(is_court(court));
    }
    let blanks = written.char_indices().filter(|(_, character)| character.is_whitespace());
    for (place, _) in blanks {
        let (court, rest) = written.split_at_checked(place).unwrap_or_default();
        if let Some((_, rest)) = register(rest.trim_start()) {
            component(is_court(court))?;
            return shape(number(rest)?.is_empty());
        }
    }
    Err(Invalid::Format)
}

/// The first word when it is a register, and what is behind it.
fn register(text: &str) -> Option<(&str, &str)> {
    let (word, rest) = text.split_once(char::is_whitespace)?;
    REGISTERS.iter().any(|name| name.eq_ignore_ascii_case(word)).then_some((word, rest))
}

/// What is behind the number and the letters that some courts add.
fn number(text: &str) -> Result<&str, Invalid> {
    let written = text.trim();
    let end = written.find(|character: char| !character.is_ascii_digit()).unwrap_or(written.len());
    let (digits, rest) = written.split_at_checked(end).unwrap_or_default();
    shape(!digits.is_empty())?;
    length(digits.len() <= 6)?;
    let rest = rest.trim_start();
    let end = rest.find([' ', ',']).unwrap_or(rest.len());
    let (letters, behind) = rest.split_at_checked(end).unwrap_or_default();
    let is_suffix = letters.len() <= 3 && letters.bytes().all(|byte| byte.is_ascii_uppercase());
    Ok(if is_suffix { behind } else { rest })
}

fn is_court(text: &str) -> bool {
    let written = text.trim();
    let prefixes = ["Amtsgericht ", "Registergericht ", "AG "];
    let name = prefixes.iter().find_map(|prefix| written.strip_prefix(prefix)).unwrap_or(written);
    COURTS.lines().any(|court| letters(court).eq(letters(name)))
}

/// The letters of a name, small, with an umlaut and its two ways of writing all as the plain vowel.
fn letters(text: &str) -> impl Iterator<Item = u8> {
    let folded = text.chars().flat_map(|character| fold(character).bytes());
    let mut before = 0;
    folded.filter(move |letter| {
        let is_umlaut = *letter == b'e' && matches!(before, b'a' | b'o' | b'u');
        before = *letter;
        !is_umlaut
    })
}

/// The second characters of umlauts that were written in UTF-8 and read in Latin-1 count as the umlauts.
fn fold(character: char) -> &'static str {
    match character {
        '\u{E4}' | '\u{C4}' | '\u{A4}' => "a",
        '\u{F6}' | '\u{D6}' | '\u{B6}' => "o",
        '\u{FC}' | '\u{DC}' | '\u{BC}' => "u",
        '\u{DF}' | '\u{9F}' | '\u{178}' => "ss",
        _ => plain(character),
    }
}

fn plain(character: char) -> &'static str {
    const LETTERS: &str = "abcdefghijklmnopqrstuvwxyz";
    let small = character.to_ascii_lowercase();
    let place = if small.is_ascii_lowercase() { LETTERS.find(small) } else { None };
    place.and_then(|place| LETTERS.get(place..=place)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_courts_in_every_spelling() {
        for name in ["K\u{F6}ln", "Koeln", "Koln", "KOELN", "K\u{C3}\u{B6}ln", "Amtsgericht Koeln"] {
            assert!(is_court(name), "{name}");
        }
        assert!(is_court("Gie\u{DF}en"));
        assert!(!is_court("Atlantis"));
        assert!(!is_court(""));
    }
}

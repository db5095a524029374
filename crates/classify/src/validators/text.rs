//! Candidates without their separators, and what is asked of their characters.

use std::ops::{Deref, RangeBounds, RangeInclusive};

use super::format::{Invalid, length, shape};

/// How many characters a candidate may have, separators not counted.
pub const LONGEST: usize = 96;

/// How many bytes are looked at: the longest candidate with a separator around each character, all beyond ASCII.
pub(super) const LONGEST_INPUT: usize = LONGEST * 5;

/// A candidate without separators: upper case, one byte a character (ISO 8859-1).
#[derive(Clone, Copy)]
pub(super) struct Compact {
    characters: [u8; LONGEST],
    length: usize,
}

impl Compact {
    /// The text without the separators, in upper case. Typographic dashes, spaces, dots and slashes count as the plain
    /// ones, and full-width digits and letters as theirs.
    pub(super) fn new(text: &str, separators: &str) -> Result<Self, Invalid> {
        let mut compact = Self::cased(text, separators)?;
        for character in compact.characters.iter_mut().take(compact.length) {
            *character = upper(*character);
        }
        Ok(compact)
    }

    /// The same, in the case that it is written in.
    pub(super) fn cased(text: &str, separators: &str) -> Result<Self, Invalid> {
        let mut compact = Self { characters: [0; LONGEST], length: 0 };
        for character in text.trim().chars() {
            let plain = fold(character);
            if separators.contains(plain) {
                continue;
            }
            compact.push(u8::try_from(plain).map_err(|_| Invalid::Format)?)?;
        }
        Ok(compact)
    }

    /// These characters.
    pub(super) fn of(characters: &[u8]) -> Result<Self, Invalid> {
        let mut compact = Self { characters: [0; LONGEST], length: 0 };
        for character in characters {
            compact.push(*character)?;
        }
        Ok(compact)
    }

    /// These characters after as many zeros as make up the length.
    pub(super) fn padded(characters: &[u8], wanted: usize) -> Result<Self, Invalid> {
        let mut compact = Self { characters: [0; LONGEST], length: 0 };
        for _ in characters.len()..wanted {
            compact.push(b'0')?;
        }
        for character in characters {
            compact.push(*character)?;
        }
        Ok(compact)
    }

    pub(super) fn push(&mut self, character: u8) -> Result<(), Invalid> {
        let place = self.characters.get_mut(self.length).ok_or(Invalid::Length)?;
        *place = character;
        self.length += 1;
        Ok(())
    }
}

impl Deref for Compact {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.characters.get(..self.length).unwrap_or_default()
    }
}

fn upper(character: u8) -> u8 {
    match character {
        // The letters with accents; 0xF7 is a division sign and 0xFF has no capital in ISO 8859-1.
        0xE0..=0xF6 | 0xF8..=0xFE => character - 0x20,
        _ => character.to_ascii_uppercase(),
    }
}

/// The plain form of a character that only looks different.
fn fold(character: char) -> char {
    match character {
        '\u{21}'..='\u{7E}' => character,
        '\u{AD}' | '\u{2010}'..='\u{2015}' | '\u{2043}' | '\u{2212}' | '\u{FE58}' | '\u{FE63}' => '-',
        '\t' | '\n' | '\r' | '\u{A0}' | '\u{2000}'..='\u{200B}' | '\u{202F}' | '\u{205F}' | '\u{3000}' => ' ',
        '\u{2024}' | '\u{FE52}' => '.',
        '\u{2044}' | '\u{2215}' => '/',
        '\u{2018}' | '\u{2019}' => '\'',
        '\u{FF01}'..='\u{FF5E}' => full_width(character),
        _ => character,
    }
}

fn full_width(character: char) -> char {
    char::from_u32(u32::from(character) - 0xFF01 + 0x21).unwrap_or(character)
}

/// A candidate of digits alone, of one of these lengths.
pub(super) fn digits(
    text: &str,
    separators: &str,
    lengths: RangeInclusive<usize>,
) -> Result<Compact, Invalid> {
    digits_after(text, separators, &[], lengths)
}

/// The digits after a prefix that may be absent.
pub(super) fn digits_after(
    text: &str,
    separators: &str,
    prefixes: &[&str],
    lengths: RangeInclusive<usize>,
) -> Result<Compact, Invalid> {
    let compact = Compact::new(text, separators)?;
    let rest = compact.without(prefixes);
    shape(rest.is_digits())?;
    length(lengths.contains(&rest.len()))?;
    Compact::of(rest)
}

/// What is asked of the characters of a candidate. A place beyond its end holds a zero byte, which is neither a digit
/// nor a letter.
pub(super) trait Characters {
    /// The character at a place.
    fn at(&self, place: usize) -> u8;
    /// A part; empty when it is not all there.
    fn part(&self, places: impl RangeBounds<usize>) -> &[u8];
    /// The last character.
    fn end(&self) -> u8;
    /// All but the last character.
    fn body(&self) -> &[u8];
    /// All after the first of these prefixes that it has.
    fn without(&self, prefixes: &[&str]) -> &[u8];
    /// Whether it has characters, and all are ASCII digits.
    fn is_digits(&self) -> bool;
    /// Whether it has characters, and all are capital ASCII letters.
    fn is_letters(&self) -> bool;
    /// Whether it has characters, and all are ASCII digits or capital ASCII letters.
    fn is_alphanumeric(&self) -> bool;
    /// The value of the digit at a place; of a letter, 10 and more.
    fn digit(&self, place: usize) -> u32;
    /// The value of the last character.
    fn last_digit(&self) -> u32;
    /// Its value as a decimal number; as large as can be when it is larger.
    fn number(&self) -> u64;
    /// The rest of its value, a decimal number of any length, by a modulus.
    fn remainder(&self, modulus: u64) -> u64;
    /// The sum of the values of the characters, each times its weight.
    fn weighted(&self, weights: &[u32]) -> u32;
    /// The sum of the digits.
    fn digit_sum(&self) -> u32;
    /// Whether all characters are the same.
    fn is_repetition(&self) -> bool;
}

impl Characters for [u8] {
    fn at(&self, place: usize) -> u8 {
        self.get(place).copied().unwrap_or_default()
    }

    fn part(&self, places: impl RangeBounds<usize>) -> &[u8] {
        self.get((places.start_bound().cloned(), places.end_bound().cloned())).unwrap_or_default()
    }

    fn end(&self) -> u8 {
        self.last().copied().unwrap_or_default()
    }

    fn body(&self) -> &[u8] {
        self.split_last().map(|(_, body)| body).unwrap_or_default()
    }

    fn without(&self, prefixes: &[&str]) -> &[u8] {
        prefixes.iter().find_map(|prefix| self.strip_prefix(prefix.as_bytes())).unwrap_or(self)
    }

    fn is_digits(&self) -> bool {
        !self.is_empty() && self.iter().all(u8::is_ascii_digit)
    }

    fn is_letters(&self) -> bool {
        !self.is_empty() && self.iter().all(u8::is_ascii_uppercase)
    }

    fn is_alphanumeric(&self) -> bool {
        !self.is_empty() && self.iter().all(|character| value(*character).is_some())
    }

    fn digit(&self, place: usize) -> u32 {
        value(self.at(place)).unwrap_or_default()
    }

    fn last_digit(&self) -> u32 {
        value(self.end()).unwrap_or_default()
    }

    fn number(&self) -> u64 {
        let mut number = 0_u64;
        for character in self {
            let digit = u64::from(value(*character).unwrap_or_default());
            number = number.saturating_mul(10).saturating_add(digit);
        }
        number
    }

    fn remainder(&self, modulus: u64) -> u64 {
        self.iter().fold(0, |rest, character| {
            (rest * 10 + u64::from(value(*character).unwrap_or_default())) % modulus.max(1)
        })
    }

    fn weighted(&self, weights: &[u32]) -> u32 {
        let products = self.iter().zip(weights);
        products.map(|(character, weight)| value(*character).unwrap_or_default() * weight).sum()
    }

    fn digit_sum(&self) -> u32 {
        self.iter().filter_map(|character| value(*character)).sum()
    }

    fn is_repetition(&self) -> bool {
        self.windows(2).all(|pair| pair.first() == pair.last())
    }
}

/// The value of a digit, or of a capital letter: 10 for A to 35 for Z.
pub(super) fn value(character: u8) -> Option<u32> {
    match character {
        b'0'..=b'9' => Some(u32::from(character - b'0')),
        b'A'..=b'Z' => Some(u32::from(character - b'A') + 10),
        _ => None,
    }
}

/// The place of a character in an alphabet.
pub(super) fn place(alphabet: &str, character: u8) -> Option<u32> {
    let position = alphabet.bytes().position(|letter| letter == character)?;
    u32::try_from(position).ok()
}

/// The character at a place of an alphabet.
pub(super) fn letter(alphabet: &str, place: u32) -> u8 {
    alphabet.as_bytes().at(place as usize)
}

/// Whether a sorted or unsorted list of words, parted by blanks, holds these characters.
pub(super) fn listed(words: &str, characters: &[u8]) -> bool {
    words.split_ascii_whitespace().any(|word| word.as_bytes() == characters)
}

/// Whether a list of numbers and ranges of the same number of digits, parted by blanks, holds a number.
pub(super) fn in_ranges(ranges: &str, number: u64) -> bool {
    ranges.split_ascii_whitespace().any(|range| {
        let (first, last) = range.split_once('-').unwrap_or((range, range));
        (first.as_bytes().number()..=last.as_bytes().number()).contains(&number)
    })
}

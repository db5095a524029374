//! Luhn's formula (ISO/IEC 7812-1 annex B): every second digit from the right is doubled.

use super::super::text::{place, value};

const DIGITS: &str = "0123456789";

/// Whether the last digit is the check digit of the others.
pub(in super::super) fn luhn(number: &[u8]) -> bool {
    luhn_of(number, DIGITS)
}

/// The same with the characters of an alphabet of even size in place of digits ("Luhn mod N").
pub(in super::super) fn luhn_of(number: &[u8], alphabet: &str) -> bool {
    let size = alphabet.len() as u32;
    let mut sum = 0;
    for (index, character) in number.iter().rev().enumerate() {
        let Some(digit) = place(alphabet, *character) else { return false };
        let product = if index % 2 == 0 { digit } else { digit * 2 };
        sum += product / size + product % size;
    }
    !number.is_empty() && sum % size == 0
}

/// The check digit of digits that have none.
pub(in super::super) fn luhn_digit(number: &[u8]) -> u32 {
    let sum: u32 = number
        .iter()
        .rev()
        .enumerate()
        .map(|(index, character)| {
            let digit = value(*character).unwrap_or_default();
            let product = if index % 2 == 0 { digit * 2 } else { digit };
            product / 10 + product % 10
        })
        .sum();
    (10 - sum % 10) % 10
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn verifies_digits() {
        assert!(luhn(b"79927398713"));
        assert!(!luhn(b"79927398714"));
        assert!(!luhn(b""));
        assert!(!luhn(b"7992739871A"));
        assert_eq!(luhn_digit(b"7992739871"), 3);
    }

    #[test]
    fn catches_every_changed_digit() {
        super::super::weighted::tests::catches_changes(b"79927398713", luhn);
    }
}

//! The check character systems of ISO/IEC 7064.

use super::super::text::{place, value};

const DIGITS: &str = "0123456789";
const DIGITS_X: &str = "0123456789X";
const LETTERS: &str = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
const LETTERS_STAR: &str = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ*";

/// A pure system: radix 2, one check character, which alone may be the last of the alphabet.
fn pure(number: &[u8], modulus: u32, alphabet: &str) -> bool {
    let mut rest = 0;
    for (index, character) in number.iter().enumerate() {
        let Some(digit) = place(alphabet, *character) else { return false };
        let only_checks = digit + 1 == modulus;
        if only_checks && index + 1 != number.len() {
            return false;
        }
        rest = (rest * 2 + digit) % modulus;
    }
    !number.is_empty() && rest == 1
}

/// A hybrid system: moduli `M + 1` and `M`, where `M` is the size of the alphabet.
pub(in super::super) fn hybrid(number: &[u8], alphabet: &str) -> bool {
    let modulus = alphabet.len() as u32;
    let mut check = modulus;
    let Some((last, body)) = number.split_last() else { return false };
    for character in body {
        let Some(digit) = place(alphabet, *character) else { return false };
        let sum = (check + digit) % modulus;
        check = (if sum == 0 { modulus } else { sum }) * 2 % (modulus + 1);
    }
    place(alphabet, *last).is_some_and(|digit| (check + digit) % modulus == 1)
}

/// MOD 11-2: digits, and a digit or X.
pub(in super::super) fn mod_11_2(number: &[u8]) -> bool {
    pure(number, 11, DIGITS_X)
}

/// MOD 37-2: digits and letters, and one of these or `*`.
pub(in super::super) fn mod_37_2(number: &[u8]) -> bool {
    pure(number, 37, LETTERS_STAR)
}

/// MOD 11,10: digits.
pub(in super::super) fn mod_11_10(number: &[u8]) -> bool {
    hybrid(number, DIGITS)
}

/// MOD 37,36: digits and letters.
pub(in super::super) fn mod_37_36(number: &[u8]) -> bool {
    hybrid(number, LETTERS)
}

/// MOD 97-10: digits and letters, and two digits.
pub(in super::super) fn mod_97_10(number: &[u8]) -> bool {
    remainder_97(number) == Some(1)
}

/// What remains by 97, letters counting as two digits; nothing when there is another character.
pub(in super::super) fn remainder_97(number: &[u8]) -> Option<u32> {
    let mut rest = None;
    for character in number {
        let digit = value(*character)?;
        let shift = if digit < 10 { 10 } else { 100 };
        rest = Some((rest.unwrap_or(0) * shift + digit) % 97);
    }
    rest
}

#[cfg(test)]
mod tests {
    use super::super::weighted::tests::catches_changes;
    use super::*;

    #[test]
    fn verifies_pure_systems() {
        assert!(mod_11_2(b"079X"));
        assert!(!mod_11_2(b"07X9"), "X may only be the check character");
        assert!(mod_37_2(b"A999914123456N"));
        assert!(!mod_37_2(b"A999914123456M"));
        assert!(mod_97_10(b"9999123456789012141490"));
        assert!(!mod_97_10(b""));
    }

    #[test]
    fn verifies_hybrid_systems() {
        assert!(mod_11_10(b"07945"));
        assert!(!mod_11_10(b"07946"));
        assert!(mod_37_36(b"A12425GABC1234002M"));
        assert!(!mod_37_36(b""));
    }

    #[test]
    fn catches_every_changed_digit() {
        catches_changes(b"07940", mod_11_2);
        catches_changes(b"07945", mod_11_10);
        catches_changes(b"9999123456789012141490", mod_97_10);
        catches_changes(b"A12425GABC1234002M", mod_37_36);
    }
}

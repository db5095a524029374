//! Verhoeff's algorithm: digits as elements of the dihedral group D5, permuted by their place.

use super::super::text::value;

/// The powers of the permutation (0)(1 5 8 9 4 2 7)(3 6), which has order 8 on its places.
const PERMUTATIONS: [[u32; 10]; 8] = [
    [0, 1, 2, 3, 4, 5, 6, 7, 8, 9],
    [1, 5, 7, 6, 2, 8, 3, 0, 9, 4],
    [5, 8, 0, 3, 7, 9, 6, 1, 4, 2],
    [8, 9, 1, 6, 0, 4, 3, 5, 2, 7],
    [9, 4, 5, 3, 1, 2, 6, 8, 7, 0],
    [4, 2, 8, 6, 5, 7, 3, 9, 0, 1],
    [2, 7, 9, 3, 8, 0, 6, 4, 1, 5],
    [7, 0, 4, 6, 9, 1, 3, 2, 5, 8],
];

/// Whether the last digit is the check digit of the others.
pub(in super::super) fn verhoeff(number: &[u8]) -> bool {
    let mut check = 0;
    for (character, permutation) in number.iter().rev().zip(PERMUTATIONS.iter().cycle()) {
        let digit = value(*character).and_then(|digit| permutation.get(digit as usize));
        let Some(digit) = digit else { return false };
        check = multiply(check, *digit);
    }
    !number.is_empty() && check == 0
}

/// The product in D5: 0 to 4 are rotations, 5 to 9 reflections.
fn multiply(left: u32, right: u32) -> u32 {
    match (left < 5, right < 5) {
        (true, true) => (left + right) % 5,
        (true, false) => 5 + (left + right) % 5,
        (false, true) => 5 + (left + 5 - right) % 5,
        (false, false) => (left + 5 - right) % 5,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn verifies_digits() {
        assert!(verhoeff(b"2363"));
        assert!(!verhoeff(b"2364"));
        assert!(!verhoeff(b""));
        assert!(!verhoeff(b"23A3"));
    }

    #[test]
    fn catches_every_changed_digit() {
        super::super::weighted::tests::catches_changes(b"1428570", verhoeff);
    }
}

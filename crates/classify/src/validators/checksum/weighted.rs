//! Weighted sums and what is made of their rest.

use super::super::text::{Characters, value};

/// What is missing to the next multiple of a modulus; zero at a multiple.
pub(in super::super) fn complement(sum: u32, modulus: u32) -> u32 {
    (modulus - sum % modulus) % modulus
}

/// The sum with weights that are counted from the right and begin again when they end.
pub(in super::super) fn cyclic(number: &[u8], weights: &[u32]) -> u32 {
    let products = number.iter().rev().zip(weights.iter().cycle());
    products.map(|(character, weight)| value(*character).unwrap_or_default() * weight).sum()
}

/// The check digit of the personal codes of the Baltic countries and of many a register: a sum by 11, and when that
/// leaves 10, another sum by 11, of which 10 counts as 0.
pub(in super::super) fn twofold_11(number: &[u8], first: &[u32], second: &[u32]) -> u32 {
    let rest = number.weighted(first) % 11;
    if rest < 10 { rest } else { number.weighted(second) % 11 % 10 }
}

/// [`twofold_11`] with the weights of the eleven-digit personal codes.
pub(in super::super) fn personal_11(number: &[u8]) -> u32 {
    twofold_11(number, &[1, 2, 3, 4, 5, 6, 7, 8, 9, 1], &[3, 4, 5, 6, 7, 8, 9, 1, 2, 3])
}

#[cfg(test)]
pub(in super::super) mod tests {
    use super::*;

    /// Changes each digit of a right number into each other digit; none may pass.
    pub(in super::super::super) fn catches_changes(right: &[u8], check: fn(&[u8]) -> bool) {
        assert!(check(right));
        for place in 0..right.len() {
            for digit in b'0'..=b'9' {
                let mut wrong = right.to_vec();
                wrong[place] = digit;
                if right[place].is_ascii_digit() && wrong != right {
                    assert!(!check(&wrong), "{}", String::from_utf8_lossy(&wrong));
                }
            }
        }
    }

    #[test]
    fn sums() {
        assert_eq!(cyclic(b"123", &[1, 10]), 3 + 20 + 1);
        assert_eq!(complement(22, 11), 0);
        assert_eq!(complement(23, 11), 10);
        assert_eq!(personal_11(b"3680528010"), 9);
    }
}

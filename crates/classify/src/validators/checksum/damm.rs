//! Damm's algorithm (H. Michael Damm, 2004): a walk through a totally anti-symmetric quasigroup of order 10.

use super::super::text::value;

const QUASIGROUP: [[u32; 10]; 10] = [
    [0, 3, 1, 7, 5, 9, 8, 6, 4, 2],
    [7, 0, 9, 2, 1, 5, 4, 8, 6, 3],
    [4, 2, 0, 6, 8, 7, 1, 3, 5, 9],
    [1, 7, 5, 0, 9, 8, 3, 4, 2, 6],
    [6, 1, 2, 3, 0, 4, 5, 9, 7, 8],
    [3, 6, 7, 4, 2, 0, 9, 5, 8, 1],
    [5, 8, 6, 9, 7, 2, 0, 1, 3, 4],
    [8, 9, 4, 5, 3, 6, 2, 0, 1, 7],
    [9, 4, 3, 8, 6, 1, 7, 2, 0, 5],
    [2, 5, 8, 1, 4, 3, 6, 7, 9, 0],
];

/// Whether the last digit is the check digit of the others.
pub(in super::super) fn damm(number: &[u8]) -> bool {
    let mut state = 0_u32;
    for character in number {
        let row = QUASIGROUP.get(state as usize);
        let next = value(*character).and_then(|digit| row?.get(digit as usize));
        let Some(next) = next else { return false };
        state = *next;
    }
    !number.is_empty() && state == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn verifies_digits() {
        assert!(damm(b"5724"));
        assert!(!damm(b"5727"));
        assert!(!damm(b""));
        assert!(!damm(b"57B4"));
    }

    #[test]
    fn catches_every_changed_digit() {
        super::super::weighted::tests::catches_changes(b"5724", damm);
    }
}

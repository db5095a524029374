//! The key and the functions that depend on it.

use std::fmt;

/// The secret of an index, 32 bytes that stay with the scanner and are in no file.
///
/// Whoever has the key *and* an index can try guesses; whoever has only the index cannot.
#[derive(Clone)]
pub struct Key([u8; 32]);

/// Why bytes are no key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// There are not 32 bytes.
    #[error("a key has 32 bytes, not {0}; make one with `openssl rand 32`")]
    Length(usize),
    /// All bytes are the same, as in a buffer that nobody filled.
    #[error("all bytes of the key are the same; make one with `openssl rand 32`")]
    Constant,
}

impl Key {
    /// A key of 32 random bytes.
    ///
    /// # Errors
    /// [`KeyError`] where there are not 32 bytes, or where all are the same.
    pub fn new(bytes: &[u8]) -> Result<Key, KeyError> {
        let key: [u8; 32] = bytes.try_into().map_err(|_| KeyError::Length(bytes.len()))?;
        let first = bytes.first();
        if bytes.iter().all(|byte| Some(byte) == first) {
            return Err(KeyError::Constant);
        }
        Ok(Key(key))
    }

    /// A key for one purpose in one file. Keys of different purposes say nothing about one another.
    pub(crate) fn derive(&self, purpose: &str, salt: &[u8; 16], number: u64) -> [u8; 32] {
        let mut hasher = blake3::Hasher::new_keyed(&self.0);
        hasher.update(salt);
        hasher.update(&number.to_le_bytes());
        hasher.update(purpose.as_bytes());
        *hasher.finalize().as_bytes()
    }

    /// A key for [`sip`], made as by [`Key::derive`].
    pub(crate) fn derive_sip(&self, purpose: &str, salt: &[u8; 16], number: u64) -> SipKey {
        let [a, b, ..] = words(&self.derive(purpose, salt, number));
        SipKey(a, b)
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(..)")
    }
}

/// The four little-endian numbers of 32 bytes.
pub(crate) fn words(bytes: &[u8; 32]) -> [u64; 4] {
    let mut numbers = [0; 4];
    for (number, eight) in numbers.iter_mut().zip(bytes.chunks_exact(8)) {
        *number = eight.iter().rev().fold(0, |value, byte| (value << 8) | u64::from(*byte));
    }
    numbers
}

/// The two halves of a key of SipHash.
#[derive(Clone, Copy)]
pub(crate) struct SipKey(u64, u64);

/// SipHash-2-4 (Aumasson and Bernstein 2012) of a message of whole numbers, each 8 bytes little-endian.
pub(crate) fn sip(key: SipKey, message: &[u64]) -> u64 {
    let mut state = [
        key.0 ^ 0x736f_6d65_7073_6575,
        key.1 ^ 0x646f_7261_6e64_6f6d,
        key.0 ^ 0x6c79_6765_6e65_7261,
        key.1 ^ 0x7465_6462_7974_6573,
    ];
    let length = (message.len() as u64) << 59;
    for block in message.iter().copied().chain([length]) {
        state[3] ^= block;
        sip_round(&mut state);
        sip_round(&mut state);
        state[0] ^= block;
    }
    state[2] ^= 0xff;
    for _ in 0..4 {
        sip_round(&mut state);
    }
    state[0] ^ state[1] ^ state[2] ^ state[3]
}

#[inline]
fn sip_round(state: &mut [u64; 4]) {
    let [mut a, mut b, mut c, mut d] = *state;
    a = a.wrapping_add(b);
    c = c.wrapping_add(d);
    b = b.rotate_left(13) ^ a;
    d = d.rotate_left(16) ^ c;
    a = a.rotate_left(32);
    c = c.wrapping_add(b);
    a = a.wrapping_add(d);
    b = b.rotate_left(17) ^ c;
    d = d.rotate_left(21) ^ a;
    c = c.rotate_left(32);
    *state = [a, b, c, d];
}

/// 2^61 - 1, the prime that [`Rolling`] counts in.
const PRIME: u64 = (1 << 61) - 1;

/// A polynomial hash at a secret point, modulo 2^61 - 1 (Karp and Rabin 1987).
///
/// Two different texts of at most `n` characters have the same hash for at most `n` of the 2^61 points. It is linear,
/// so it is never stored: what leaves memory is its [`sip`], and a pseudorandom function of a universal hash is a
/// pseudorandom function up to those collisions.
#[derive(Clone, Copy)]
pub(crate) struct Rolling {
    point: u64,
}

impl Rolling {
    pub(crate) fn new(key: &[u8; 32]) -> Rolling {
        let [number, ..] = words(key);
        // Small points would let short texts be told apart by hand.
        let smallest = 1 << 32;
        Rolling { point: number % (PRIME - smallest) + smallest }
    }

    /// The hash of a text with one more element; elements are counted from one, so that lengths matter.
    #[inline]
    pub(crate) fn push(self, hash: u64, element: u64) -> u64 {
        add(multiply(hash, self.point), element % PRIME + 1)
    }

    /// The hash of what lies between two prefixes whose lengths differ by the exponent of `power`.
    #[inline]
    pub(crate) fn between(start: u64, end: u64, power: u64) -> u64 {
        add(end, PRIME - multiply(start, power) % PRIME)
    }

    /// The powers of the point from 0 to `longest`.
    pub(crate) fn powers(self, longest: usize) -> Vec<u64> {
        std::iter::successors(Some(1), |power| Some(multiply(*power, self.point))).take(longest + 1).collect()
    }
}

#[inline]
fn add(left: u64, right: u64) -> u64 {
    let sum = left + right;
    let folded = (sum & PRIME) + (sum >> 61);
    if folded >= PRIME { folded - PRIME } else { folded }
}

#[inline]
fn multiply(left: u64, right: u64) -> u64 {
    let product = u128::from(left) * u128::from(right);
    // Both parts are below 2^62, so nothing is lost.
    add((product as u64) & PRIME, (product >> 61) as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sip_gives_the_reference_vector() {
        // Key 00..0f and message 00..07, from the vectors of the reference implementation.
        let key = SipKey(0x0706_0504_0302_0100, 0x0f0e_0d0c_0b0a_0908);
        assert_eq!(sip(key, &[0x0706_0504_0302_0100]), 0x93f5_f579_9a93_2462);
        assert_eq!(sip(key, &[]), 0x726f_db47_dd0e_0e31);
    }

    #[test]
    fn products_are_those_of_wide_arithmetic() {
        for (left, right) in [(0, 5), (PRIME - 1, PRIME - 1), (1 << 60, 12345), (987_654_321, PRIME - 7)] {
            let expected = (u128::from(left) * u128::from(right) % u128::from(PRIME)) as u64;
            assert_eq!(multiply(left, right), expected);
        }
    }

    #[test]
    fn a_part_has_the_hash_that_it_has_alone() {
        let rolling = Rolling::new(&[7; 32]);
        let hash = |text: &str| text.chars().fold(0, |hash, c| rolling.push(hash, u64::from(u32::from(c))));
        let powers = rolling.powers(10);
        assert_eq!(Rolling::between(hash("Mr "), hash("Mr Smith"), powers[5]), hash("Smith"));
        assert_ne!(hash("\0"), hash("\0\0"));
    }

    #[test]
    fn only_32_different_bytes_are_a_key() {
        assert_eq!(Key::new(b"short").unwrap_err(), KeyError::Length(5));
        assert_eq!(Key::new(&[0; 32]).unwrap_err(), KeyError::Constant);
        assert_eq!(format!("{:?}", Key::new(b"0123456789abcdef0123456789abcdef").unwrap()), "Key(..)");
    }
}

//! Bech32 (BIP 173) and Bech32m (BIP 350): a BCH code over base 32 that also covers a readable prefix.

use super::super::format::Invalid;
use super::super::text::{Characters, place};

const ALPHABET: &str = "qpzry9x8gf2tvdw0s3jn54khce6mua7l";
const GENERATORS: [u32; 5] = [0x3b6a_57b2, 0x2650_8e6d, 0x1ea1_19fa, 0x3d42_33dd, 0x2a14_62b3];
const CHECK_LENGTH: usize = 6;

/// The two constants that a right sum leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Bech32 {
    /// BIP 173.
    Plain,
    /// BIP 350.
    Modified,
}

/// Which of the two codes a lower-case text with this prefix is of, and its data without the check symbols.
pub(in super::super) fn bech32<'a>(text: &'a [u8], prefix: &str) -> Result<(Bech32, &'a [u8]), Invalid> {
    let rest = text.strip_prefix(prefix.as_bytes()).ok_or(Invalid::Component)?;
    let symbols = rest.strip_prefix(b"1").ok_or(Invalid::Format)?;
    let length = symbols.len().checked_sub(CHECK_LENGTH).ok_or(Invalid::Length)?;
    let mut sum = 1;
    for byte in prefix.bytes() {
        sum = step(sum, u32::from(byte) >> 5);
    }
    sum = step(sum, 0);
    for byte in prefix.bytes() {
        sum = step(sum, u32::from(byte) & 31);
    }
    for symbol in symbols {
        sum = step(sum, place(ALPHABET, *symbol).ok_or(Invalid::Format)?);
    }
    match sum {
        1 => Ok((Bech32::Plain, symbols.part(..length))),
        0x2bc8_30a3 => Ok((Bech32::Modified, symbols.part(..length))),
        _ => Err(Invalid::Checksum),
    }
}

fn step(sum: u32, symbol: u32) -> u32 {
    let top = sum >> 25;
    let shifted = ((sum & 0x01ff_ffff) << 5) ^ symbol;
    let chosen = GENERATORS.iter().enumerate().filter(|(bit, _)| top >> bit & 1 == 1);
    chosen.fold(shifted, |sum, (_, generator)| sum ^ generator)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn verifies_addresses() {
        let (code, data) = bech32(b"bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4", "bc").unwrap();
        assert_eq!((code, data.len()), (Bech32::Plain, 33));
        let modified = b"bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0";
        assert_eq!(bech32(modified, "bc").unwrap().0, Bech32::Modified);
        assert_eq!(
            bech32(b"bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t5", "bc").err(),
            Some(Invalid::Checksum)
        );
        assert_eq!(bech32(b"bc1qqq", "bc").err(), Some(Invalid::Length));
        assert_eq!(bech32(b"tb1", "bc").err(), Some(Invalid::Component));
    }
}

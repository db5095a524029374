//! Base58Check: a big number in base 58 whose last four bytes begin the double SHA-256 of the others.

use sha2::{Digest, Sha256};

use super::super::format::Invalid;
use super::super::text::{Characters, place};

/// The alphabet of Bitcoin, which most wallets share: no `0`, `O`, `I` or `l`.
const BITCOIN: &str = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";

/// The alphabet of the XRP Ledger.
pub(in super::super) const RIPPLE: &str = "rpshnaf39wBUDNEGHJKLM4PQRST7VWXYZ2bcdeCg65jkm8oFqi1tuvAxyz";

/// A version byte, a hash of 20 bytes and four bytes of checksum.
const LENGTH: usize = 25;

/// The version byte of an address of 25 bytes, once its checksum has been verified. `alphabet` is Bitcoin's when
/// none is given.
pub(in super::super) fn base58check(text: &[u8], alphabet: Option<&str>) -> Result<u8, Invalid> {
    let bytes = decode(text, alphabet.unwrap_or(BITCOIN))?;
    let (payload, check) = bytes.split_at_checked(LENGTH - 4).ok_or(Invalid::Length)?;
    let hash = Sha256::digest(Sha256::digest(payload));
    if hash.as_slice().starts_with(check) { Ok(payload.at(0)) } else { Err(Invalid::Checksum) }
}

fn decode(text: &[u8], alphabet: &str) -> Result<[u8; LENGTH], Invalid> {
    let mut bytes = [0_u8; LENGTH];
    for character in text {
        let mut carry = place(alphabet, *character).ok_or(Invalid::Format)?;
        for byte in bytes.iter_mut().rev() {
            carry += u32::from(*byte) * 58;
            *byte = carry as u8;
            carry >>= 8;
        }
        if carry != 0 {
            return Err(Invalid::Length);
        }
    }
    // Each zero byte at the start is written as one first letter of the alphabet.
    let zero = alphabet.as_bytes().at(0);
    let written = text.iter().take_while(|character| **character == zero).count();
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    if written == zeros { Ok(bytes) } else { Err(Invalid::Length) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn verifies_addresses() {
        assert_eq!(base58check(b"1111111111111111111114oLvT2", None), Ok(0));
        assert_eq!(base58check(b"1111111111111111111114oLvT3", None), Err(Invalid::Checksum));
        assert_eq!(base58check(b"111111111111111111114oLvT2", None), Err(Invalid::Length));
        assert_eq!(base58check(b"0", None), Err(Invalid::Format));
        assert_eq!(base58check(&[b'z'; 60], None), Err(Invalid::Length));
        assert_eq!(base58check(b"", None), Err(Invalid::Length));
    }
}

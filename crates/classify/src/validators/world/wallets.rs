//! Addresses of cryptocurrencies.

use crate::validators::checksum::{Bech32, RIPPLE, base58check, bech32, crc16_xmodem, keccak256};
use crate::validators::format::{Check, Format, Invalid, Kind, checksum, component, length, shape};
use crate::validators::text::{Characters, Compact, place};

pub(super) const FORMATS: &[Format] = &[
    Format::new("bitcoin", Kind::Wallet, bitcoin, "Bitcoin address", "BIP 13, 141, 173 and 350").checked(),
    Format::new("crypto.dash", Kind::Wallet, dash, "Dash address", "Dash chain parameters").checked(),
    Format::new("crypto.dogecoin", Kind::Wallet, dogecoin, "Dogecoin address", "Dogecoin chain parameters")
        .checked(),
    Format::new(
        "crypto.ethereum",
        Kind::Wallet,
        ethereum,
        "Ethereum address",
        "EIP-55, when capitals and small letters occur",
    )
    .checked(),
    Format::new("crypto.litecoin", Kind::Wallet, litecoin, "Litecoin address", "Litecoin chain parameters")
        .checked(),
    Format::new("crypto.ripple", Kind::Wallet, ripple, "XRP Ledger address", "XRP Ledger, base58 encodings")
        .checked(),
    Format::new("crypto.stellar", Kind::Wallet, stellar, "Stellar address", "SEP-23").checked(),
    Format::new("crypto.tron", Kind::Wallet, tron, "Tron address", "TRON protocol, accounts").checked(),
];

fn trimmed(text: &str) -> Result<Compact, Invalid> {
    Compact::cased(text, " ")
}

/// An address whose version byte is one of these.
fn versioned(n: &[u8], versions: &[u8]) -> Check {
    length((25..=36).contains(&n.len()))?;
    let version = base58check(n, None)?;
    component(versions.contains(&version))
}

/// A witness program behind this prefix: version 0 in Bech32, later ones in Bech32m.
fn witness(n: &[u8], prefix: &str) -> Check {
    let is_one_case = !n.iter().any(u8::is_ascii_lowercase) || !n.iter().any(u8::is_ascii_uppercase);
    shape(is_one_case)?;
    let mut lower = Compact::of(b"")?;
    for character in n {
        lower.push(character.to_ascii_lowercase())?;
    }
    length(lower.len() <= 90)?;
    let (code, data) = bech32(&lower, prefix)?;
    let version = place("qpzry9x8gf2tvdw0s3jn54khce6mua7l", data.at(0)).ok_or(Invalid::Format)?;
    // Each symbol has five bits, of which the last bytes may need a few more.
    let bytes = (data.len() - 1) * 5 / 8;
    component(version <= 16)?;
    length((2..=40).contains(&bytes) && (version > 0 || matches!(bytes, 20 | 32)))?;
    checksum((version == 0) == (code == Bech32::Plain))
}

fn bitcoin(text: &str) -> Check {
    let n = trimmed(text)?;
    if n.part(..3).eq_ignore_ascii_case(b"bc1") { witness(&n, "bc") } else { versioned(&n, &[0, 5]) }
}

fn litecoin(text: &str) -> Check {
    let n = trimmed(text)?;
    if n.part(..4).eq_ignore_ascii_case(b"ltc1") { witness(&n, "ltc") } else { versioned(&n, &[48, 50]) }
}

fn dogecoin(text: &str) -> Check {
    versioned(&trimmed(text)?, &[22, 30])
}

fn dash(text: &str) -> Check {
    versioned(&trimmed(text)?, &[16, 76])
}

fn tron(text: &str) -> Check {
    versioned(&trimmed(text)?, &[65])
}

fn ripple(text: &str) -> Check {
    let n = trimmed(text)?;
    length((25..=36).contains(&n.len()))?;
    component(base58check(&n, Some(RIPPLE))? == 0)
}

fn ethereum(text: &str) -> Check {
    let n = trimmed(text)?;
    let digits = n.strip_prefix(b"0x").ok_or(Invalid::Format)?;
    length(digits.len() == 40)?;
    shape(digits.iter().all(u8::is_ascii_hexdigit))?;
    // In one case there is no checksum.
    if !digits.iter().any(u8::is_ascii_lowercase) || !digits.iter().any(u8::is_ascii_uppercase) {
        return Ok(());
    }
    let mut lower = Compact::of(b"")?;
    for character in digits {
        lower.push(character.to_ascii_lowercase())?;
    }
    let hash = keccak256(&lower);
    let is_capital =
        |index: usize| hash.at(index / 2) >> (if index.is_multiple_of(2) { 4 } else { 0 }) & 8 != 0;
    checksum(
        digits
            .iter()
            .enumerate()
            .all(|(index, one)| !one.is_ascii_alphabetic() || one.is_ascii_uppercase() == is_capital(index)),
    )
}

fn stellar(text: &str) -> Check {
    let n = trimmed(text)?;
    length(n.len() == 56)?;
    component(n.at(0) == b'G')?;
    let mut bytes = Compact::of(b"")?;
    let (mut bits, mut count) = (0_u32, 0);
    for character in n.iter() {
        bits = bits << 5 | place("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", *character).ok_or(Invalid::Format)?;
        count += 5;
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count) as u8)?;
            bits &= (1 << count) - 1;
        }
    }
    let sum = crc16_xmodem(bytes.part(..33));
    checksum(bytes.part(33..) == sum.to_le_bytes())
}

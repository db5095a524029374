//! Base32 (RFC 4648), in capitals or in small letters.

use super::bytes::Bytes;
use super::scan::{Found, Scan, kind};
use super::{Codec, Loss, whole};
use crate::view::View;

pub(super) static BASE32: Codec = Codec {
    name: "base32",
    about: "Base32 with padding",
    carries: "any text",
    loss: Loss::None,
    encode: |text| Some(encode(text)),
    decode,
    returns: whole,
};

const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

fn encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len() / 5 * 8 + 8);
    for group in text.as_bytes().chunks(5) {
        let joined = group.iter().fold(0_u64, |joined, &byte| joined << 8 | u64::from(byte))
            << (8 * (5 - group.len()));
        let letters = (group.len() * 8).div_ceil(5);
        for index in 0..8 {
            let five = usize::try_from(joined >> (35 - 5 * index) & 31).unwrap_or(0);
            let letter = ALPHABET.get(five).copied().map_or('=', char::from);
            out.push(if index < letters { letter } else { '=' });
        }
    }
    out
}

fn value(byte: u8) -> Option<u64> {
    match byte {
        b'A'..=b'Z' => Some(u64::from(byte - b'A')),
        b'a'..=b'z' => Some(u64::from(byte - b'a')),
        b'2'..=b'7' => Some(u64::from(byte - b'2') + 26),
        _ => None,
    }
}

fn decode(text: &str) -> Option<View<'static>> {
    read(text.trim_end_matches('='), 0)?.into_view(text.len())
}

/// The bytes of `letters`, which start at `base`. A last letter that stands for no byte is left.
fn read(letters: &str, base: usize) -> Option<Bytes> {
    let mut bytes = Bytes::default();
    for (index, group) in letters.as_bytes().chunks(8).enumerate() {
        let mut joined = 0;
        for &byte in group {
            joined = joined << 5 | value(byte)?;
        }
        let [_, _, _, decoded @ ..] = (joined << (5 * (8 - group.len()))).to_be_bytes();
        let start = base + 8 * index;
        bytes.push(decoded.get(..group.len() * 5 / 8)?, start..start + group.len());
    }
    Some(bytes)
}

/// Finds Base32: runs of 13 letters and more in one case.
pub(super) fn find(scan: &Scan<'_>, found: &mut Vec<Found>) {
    scan.each_run(
        13,
        kind::CAPITAL | kind::SMALL,
        |byte| value(byte).is_some(),
        |run| {
            let letters = scan.slice(run.clone());
            if letters.bytes().any(|byte| byte.is_ascii_lowercase())
                && letters.bytes().any(|byte| byte.is_ascii_uppercase())
            {
                return;
            }
            let padding = scan.bytes().iter().skip(run.end).take(6).take_while(|&&byte| byte == b'=').count();
            let span = run.start..run.end + padding;
            let bytes = read(letters, run.start);
            found.extend(bytes.and_then(|bytes| bytes.into_found(&BASE32, span, scan.text.len())));
        },
    );
}

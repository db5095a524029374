//! Hexadecimal digits: in one piece, in pairs with spaces, with `0x`, and as `\x` escapes.

use super::bytes::Bytes;
use super::scan::{Found, Scan, kind};
use super::{Codec, Loss, whole};
use crate::view::View;

const BASE: Codec = Codec {
    name: "hex",
    about: "Hexadecimal digits in one piece",
    carries: "any text",
    loss: Loss::None,
    encode: |text| Some(encode(text, "", "")),
    decode,
    returns: whole,
};
pub(super) static PLAIN: Codec = BASE;
pub(super) static SPACED: Codec = Codec {
    name: "hex-spaced",
    about: "Pairs of hexadecimal digits with spaces between",
    encode: |text| Some(encode(text, "", " ")),
    ..BASE
};
pub(super) static PREFIXED: Codec = Codec {
    name: "hex-0x",
    about: "Bytes as hexadecimal numbers that begin with 0x",
    encode: |text| Some(encode(text, "0x", " ")),
    ..BASE
};
pub(super) static ESCAPED: Codec = Codec {
    name: "hex-escaped",
    about: "Bytes as escapes of C, a backslash and an x before each",
    encode: |text| Some(encode(text, "\\x", "")),
    ..BASE
};

fn encode(text: &str, prefix: &str, separator: &str) -> String {
    let bytes: Vec<String> = text.bytes().map(|byte| format!("{prefix}{byte:02x}")).collect();
    bytes.join(separator)
}

/// The value of two hexadecimal digits.
pub(super) fn pair(digits: &[u8]) -> Option<u8> {
    let [high, low] = *digits else { return None };
    let digit = |byte: u8| char::from(byte).to_digit(16);
    u8::try_from(digit(high)? << 4 | digit(low)?).ok()
}

fn decode(text: &str) -> Option<View<'static>> {
    let mut bytes = Bytes::default();
    let mut place = 0;
    while let Some(rest) = text.get(place..).filter(|rest| !rest.is_empty()) {
        let skipped = ["0x", "0X", "\\x", "\\X", " ", ",", ":", "-", "\n", "\r"]
            .iter()
            .find(|mark| rest.starts_with(**mark));
        if let Some(mark) = skipped {
            place += mark.len();
            continue;
        }
        let byte = pair(rest.as_bytes().get(..2)?)?;
        bytes.push(&[byte], place..place + 2);
        place += 2;
    }
    bytes.into_view(text.len())
}

/// Finds hexadecimal digits in one piece, four bytes at least. Pairs with something between are found with the numbers.
pub(super) fn find(scan: &Scan<'_>, found: &mut Vec<Found>) {
    let belongs = |byte: u8| byte.is_ascii_hexdigit() || byte == b'x';
    scan.each_run(8, kind::DIGIT, belongs, |run| {
        let digits = scan.slice(run.clone());
        let body = digits.trim_start_matches("0x").trim_start_matches('x');
        if body.len() < 8 || !body.len().is_multiple_of(2) {
            return;
        }
        let start = run.end - body.len();
        let mut bytes = Bytes::default();
        for (index, digits) in body.as_bytes().chunks_exact(2).enumerate() {
            match pair(digits) {
                Some(byte) if byte == 0 || byte >= 9 => {
                    bytes.push(&[byte], start + 2 * index..start + 2 * index + 2)
                }
                _ => return,
            }
        }
        found.extend(bytes.into_found(&PLAIN, run, scan.text.len()));
    });
}

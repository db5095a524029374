//! Percent escapes of addresses (RFC 3986).

use super::base16::pair;
use super::escape::{Escapes, Meaning};
use super::scan::{Found, Scan};
use super::{Codec, Loss, whole};

pub(super) static PERCENT: Codec = Codec {
    name: "percent",
    about: "Bytes as a percent sign and two hexadecimal digits, as in addresses",
    carries: "any text",
    loss: Loss::None,
    encode: |text| Some(text.bytes().map(|byte| format!("%{byte:02X}")).collect()),
    decode: |text| ESCAPES.decode(text),
    returns: whole,
};

const ESCAPES: Escapes = Escapes { codec: &PERCENT, mark: b'%', read };

fn read(text: &str) -> Option<(usize, Meaning)> {
    let byte = pair(text.as_bytes().get(1..3)?)?;
    Some((3, Meaning::Byte(byte)))
}

pub(super) fn find(scan: &Scan<'_>, found: &mut Vec<Found>) {
    ESCAPES.find(scan, found);
}

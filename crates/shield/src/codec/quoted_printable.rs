//! Quoted-printable (RFC 2045).

use super::base16::pair;
use super::escape::{Escapes, Meaning};
use super::scan::{Found, Scan};
use super::{Codec, Loss};

pub(super) static QUOTED_PRINTABLE: Codec = Codec {
    name: "quoted-printable",
    about: "Bytes other than letters and digits as an equals sign and two hexadecimal digits, in lines of 76 characters",
    carries: "any text without controls other than white space",
    loss: Loss::None,
    encode: |text| Some(encode(text)),
    decode: |text| ESCAPES.decode(text),
    returns: |text| {
        let other = |byte: u8| byte < 0x20 && !matches!(byte, b'\t' | b'\n' | b'\r');
        (!text.bytes().any(other)).then(|| text.to_owned())
    },
};

const ESCAPES: Escapes = Escapes { codec: &QUOTED_PRINTABLE, mark: b'=', read };

fn encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len() * 2);
    let mut column = 0;
    for byte in text.bytes() {
        let code =
            if byte.is_ascii_alphanumeric() { char::from(byte).to_string() } else { format!("={byte:02X}") };
        if column + code.len() > 75 {
            out.push_str("=\r\n");
            column = 0;
        }
        column += code.len();
        out.push_str(&code);
    }
    out
}

fn read(text: &str) -> Option<(usize, Meaning)> {
    if text.starts_with("=\r\n") {
        return Some((3, Meaning::Nothing));
    }
    if text.starts_with("=\n") {
        return Some((2, Meaning::Nothing));
    }
    let digits = text.as_bytes().get(1..3)?;
    let capital = digits.iter().all(|byte| byte.is_ascii_digit() || byte.is_ascii_uppercase());
    let byte = pair(digits).filter(|_| capital)?;
    let in_text = byte >= 0x20 || matches!(byte, b'\t' | b'\n' | b'\r');
    in_text.then_some((3, Meaning::Byte(byte)))
}

pub(super) fn find(scan: &Scan<'_>, found: &mut Vec<Found>) {
    let before = found.len();
    ESCAPES.find(scan, found);
    // Where this is meant, every equals sign is escaped itself; in addresses and tables it is not.
    let meant = |one: &Found| {
        let part = scan.slice(one.span.clone());
        part.match_indices('=').all(|(place, _)| part.get(place..).and_then(read).is_some())
    };
    let all = found.split_off(before);
    found.extend(all.into_iter().filter(meant));
}

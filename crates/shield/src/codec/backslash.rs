//! Escapes that begin with a backslash: those of JSON, JavaScript, C and Rust, and those of style sheets.

use super::base16::pair;
use super::escape::{Escapes, Meaning};
use super::scan::{Found, Scan, confidence_of_bytes};
use super::{Codec, Loss, whole};

pub(super) static UNICODE: Codec = Codec {
    name: "unicode-escape",
    about: "UTF-16 units as a backslash, a u and four hexadecimal digits, as in JSON and JavaScript",
    carries: "any text",
    loss: Loss::None,
    encode: |text| Some(text.encode_utf16().map(|unit| format!("\\u{unit:04x}")).collect()),
    decode: |text| ESCAPES.decode(text),
    returns: whole,
};
pub(super) static BRACED: Codec = Codec {
    name: "unicode-braced",
    about: "Characters as a backslash, a u and hexadecimal digits in braces, as in Rust and JavaScript",
    carries: "any text",
    loss: Loss::None,
    encode: |text| Some(text.chars().map(|c| format!("\\u{{{:x}}}", u32::from(c))).collect()),
    decode: |text| ESCAPES.decode(text),
    returns: whole,
};
pub(super) static OCTAL: Codec = Codec {
    name: "octal-escape",
    about: "Bytes as a backslash and three octal digits, as in C and shells",
    carries: "any text",
    loss: Loss::None,
    encode: |text| Some(text.bytes().map(|byte| format!("\\{byte:03o}")).collect()),
    decode: |text| ESCAPES.decode(text),
    returns: whole,
};
pub(super) static CSS: Codec = Codec {
    name: "css-escape",
    about: "Characters as a backslash, six hexadecimal digits and a space, as in style sheets",
    carries: "any text",
    loss: Loss::None,
    encode: |text| Some(text.chars().map(|c| format!("\\{:06x} ", u32::from(c))).collect()),
    decode: |text| CSS_ESCAPES.decode(text),
    returns: whole,
};

const ESCAPES: Escapes = Escapes { codec: &UNICODE, mark: b'\\', read };
const CSS_ESCAPES: Escapes = Escapes { codec: &CSS, mark: b'\\', read: read_css };

fn read(text: &str) -> Option<(usize, Meaning)> {
    let bytes = text.as_bytes();
    let simple = |character| Some((2, Meaning::Character(character)));
    match *bytes.get(1)? {
        b'n' => simple('\n'),
        b'r' => simple('\r'),
        b't' => simple('\t'),
        b'"' => simple('"'),
        b'\'' => simple('\''),
        b'\\' => simple('\\'),
        b'/' => simple('/'),
        b'\n' => Some((2, Meaning::Nothing)),
        b'x' | b'X' => Some((4, Meaning::Byte(pair(bytes.get(2..4)?)?))),
        b'u' if bytes.get(2) == Some(&b'{') => braced(text),
        b'u' => unit_pair(text),
        b'U' => Some((10, Meaning::Character(char::from_u32(hexadecimal(text, 2..10)?)?))),
        b'0'..=b'3' => {
            let digits = text.get(1..4)?;
            let byte =
                u8::from_str_radix(digits, 8).ok().filter(|_| digits.bytes().all(|b| b.is_ascii_digit()))?;
            Some((4, Meaning::Byte(byte)))
        }
        _ => None,
    }
}

fn hexadecimal(text: &str, range: std::ops::Range<usize>) -> Option<u32> {
    let digits = text.get(range)?;
    digits
        .bytes()
        .all(|byte| byte.is_ascii_hexdigit())
        .then(|| u32::from_str_radix(digits, 16).ok())
        .flatten()
}

fn braced(text: &str) -> Option<(usize, Meaning)> {
    let close = text.bytes().take(16).position(|byte| byte == b'}')?;
    Some((close + 1, Meaning::Character(char::from_u32(hexadecimal(text, 3..close)?)?)))
}

/// One escape, or two that are a surrogate pair.
fn unit_pair(text: &str) -> Option<(usize, Meaning)> {
    let first = hexadecimal(text, 2..6)?;
    if let Some(character) = char::from_u32(first) {
        return Some((6, Meaning::Character(character)));
    }
    let second = text
        .get(6..8)
        .filter(|mark| mark.eq_ignore_ascii_case("\\u"))
        .and_then(|_| hexadecimal(text, 8..12))?;
    let units = [u16::try_from(first).ok()?, u16::try_from(second).ok()?];
    let character = char::decode_utf16(units).next()?.ok()?;
    Some((12, Meaning::Character(character)))
}

fn read_css(text: &str) -> Option<(usize, Meaning)> {
    let digits = text.bytes().skip(1).take(6).take_while(u8::is_ascii_hexdigit).count();
    let character = char::from_u32(hexadecimal(text, 1..1 + digits)?)?;
    // Names of files and of commands begin like shorter escapes.
    if digits != 6 && !(matches!(digits, 2 | 4) && matches!(character, ' '..='~')) {
        return None;
    }
    let space = text.as_bytes().get(1 + digits).is_some_and(|byte| byte.is_ascii_whitespace());
    Some((1 + digits + usize::from(space), Meaning::Character(character)))
}

pub(super) fn find(scan: &Scan<'_>, found: &mut Vec<Found>) {
    ESCAPES.find(scan, found);
    // Where both could be meant, a style sheet has letters or more digits after the backslash.
    let before = found.len();
    CSS_ESCAPES.find(scan, found);
    let all = found.split_off(before);
    let meant = |one: &Found| confidence_of_bytes(one.view.text()).is_some_and(|confidence| confidence > 0.5);
    found.extend(all.into_iter().filter(meant));
}

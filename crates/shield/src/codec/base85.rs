//! Base85: Ascii85 as in PostScript, and the alphabet of RFC 1924 that Git and Python use.

use super::bytes::Bytes;
use super::scan::{Found, Scan, Word, kind};
use super::{Codec, Loss, whole};
use crate::view::english::score;

pub(super) static ASCII85: Codec = Codec {
    name: "ascii85",
    about: "Ascii85 as in PostScript, between <~ and ~>",
    carries: "any text",
    loss: Loss::None,
    encode: |text| Some(format!("<~{}~>", encode(text, |digit| char::from(b'!' + digit)))),
    decode: |text| {
        let start = if text.starts_with("<~") { 2 } else { 0 };
        let end = text.strip_suffix("~>").map_or(text.len(), str::len);
        read(text.get(start..end)?, start, ascii_value)?.into_view(text.len())
    },
    returns: whole,
};
pub(super) static BASE85: Codec = Codec {
    name: "base85",
    about: "Base85 in the alphabet of RFC 1924",
    carries: "any text",
    loss: Loss::None,
    encode: |text| {
        Some(encode(text, |digit| ALPHABET.get(usize::from(digit)).copied().map_or('0', char::from)))
    },
    decode: |text| read(text, 0, base85_value)?.into_view(text.len()),
    returns: whole,
};

const ALPHABET: &[u8; 85] =
    b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz!#$%&()*+-;<=>?@^_`{|}~";
/// Value of each byte in that alphabet; 85 for those that are not in it.
static VALUES: [u8; 256] = {
    let mut values = [85; 256];
    let mut digit = 0;
    while digit < 85 {
        #[allow(clippy::indexing_slicing, reason = "evaluated when compiled")]
        {
            values[ALPHABET[digit] as usize] = digit as u8;
        }
        digit += 1;
    }
    values
};

fn ascii_value(byte: u8) -> Option<u32> {
    matches!(byte, b'!'..=b'u').then(|| u32::from(byte - b'!'))
}

fn base85_value(byte: u8) -> Option<u32> {
    VALUES.get(usize::from(byte)).filter(|&&value| value < 85).map(|&value| u32::from(value))
}

fn encode(text: &str, digit: impl Fn(u8) -> char) -> String {
    let mut out = String::with_capacity(text.len() / 4 * 5 + 5);
    for group in text.as_bytes().chunks(4) {
        let joined = group.iter().fold(0_u32, |joined, &byte| joined << 8 | u32::from(byte));
        let mut rest = joined << (8 * (4 - group.len()));
        let mut digits = [0_u8; 5];
        for place in digits.iter_mut().rev() {
            *place = u8::try_from(rest % 85).unwrap_or(0);
            rest /= 85;
        }
        out.extend(digits.iter().take(group.len() + 1).map(|&value| digit(value)));
    }
    out
}

/// The bytes of `digits`, which start at `base`.
fn read(digits: &str, base: usize, value: fn(u8) -> Option<u32>) -> Option<Bytes> {
    let mut bytes = Bytes::default();
    let all = digits.as_bytes();
    let mut place = 0;
    while place < all.len() {
        if all.get(place) == Some(&b'z') && value(b'z').is_none() {
            bytes.push(&[0; 4], base + place..base + place + 1);
            place += 1;
            continue;
        }
        let group = all.get(place..all.len().min(place + 5))?;
        let decoded = read_group(group, value)?;
        bytes.push(decoded.get(..group.len() - 1)?, base + place..base + place + group.len());
        place += group.len();
    }
    Some(bytes)
}

/// The four bytes of up to five digits; digits that are missing are the highest.
fn read_group(group: &[u8], value: fn(u8) -> Option<u32>) -> Option<[u8; 4]> {
    let mut joined = 0_u64;
    for place in 0..5 {
        let digit = group.get(place).map_or(Some(84), |&byte| value(byte))?;
        joined = joined * 85 + u64::from(digit);
    }
    u32::try_from(joined).ok().map(u32::to_be_bytes)
}

/// Finds Base85: words of ten and more characters whose first eight bytes are text. A number is none: among ten digits of
/// base 85 that say something there is a letter.
pub(super) fn find(scan: &Scan<'_>, found: &mut Vec<Found>) {
    let long = |word: &&Word| {
        let spelled = word.has(kind::CAPITAL | kind::SMALL) && word.has(kind::CAPITAL | kind::DIGIT);
        word.len() >= 10 && spelled
    };
    for word in scan.words.iter().filter(long) {
        in_word(scan, word, found);
    }
}

fn in_word(scan: &Scan<'_>, place: &Word, found: &mut Vec<Found>) {
    let word = scan.slice(place.range());
    let opened = word.find("<~").filter(|&start| word.get(start..).is_some_and(|rest| rest.contains("~>")));
    let (start, end) = match opened {
        Some(start) => (start + 2, word.rfind("~>").unwrap_or(word.len())),
        None => (0, word.len()),
    };
    for (codec, value) in [(&ASCII85, ascii_value as fn(u8) -> Option<u32>), (&BASE85, base85_value)] {
        // A sentence may go on right after the last digit.
        for trimmed in [end, word.trim_end_matches(['.', ',', ';', ':', ')', '"', '\'']).len()] {
            let digits = word.get(start..trimmed.min(end)).unwrap_or_default();
            if !starts_as_text(digits, value) {
                continue;
            }
            let decoded = read(digits, place.start + start, value);
            let decoded = decoded.and_then(|bytes| bytes.into_found(codec, place.range(), scan.text.len()));
            if let Some(decoded) = decoded.filter(|decoded| opened.is_some() || is_sure(decoded)) {
                return found.push(decoded);
            }
        }
    }
}

/// Nearly every word can be read as digits, and each digit says more than six bits; so it takes more than with others.
fn is_sure(decoded: &Found) -> bool {
    let text = decoded.view.text();
    text.len() >= 24 || score(text).bits() >= 1.0
}

fn starts_as_text(digits: &str, value: fn(u8) -> Option<u32>) -> bool {
    digits.len() >= 8
        && digits.as_bytes().chunks_exact(5).take(2).all(|group| {
            let decoded = read_group(group, value).unwrap_or_default();
            decoded
                .iter()
                .all(|&byte| byte >= 0x80 || (0x20..0x7f).contains(&byte) || (9..=13).contains(&byte))
        })
}

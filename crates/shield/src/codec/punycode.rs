//! Punycode (RFC 3492), as in names of hosts that begin with `xn--`.

use super::scan::{Found, Scan, kind};
use super::{Codec, Loss};
use crate::view::{View, ViewBuilder};

pub(super) static PUNYCODE: Codec = Codec {
    name: "punycode",
    about: "Each word that is not ASCII as xn-- and its Punycode",
    carries: "words with single spaces, none of which begins with xn--, is all ASCII behind it, or passes 255 characters",
    loss: Loss::None,
    encode: |text| text.split(' ').map(encode_word).collect::<Option<Vec<_>>>().map(|words| words.join(" ")),
    decode: |text| Some(decode_words(text)),
    returns: |text| {
        let carried =
            |word: &str| !has_prefix(word) && encode_word(word).is_some_and(|word| word.len() <= LONGEST);
        text.split(' ').all(carried).then(|| text.to_owned())
    },
};

const PREFIX: &str = "xn--";
/// The longest word that is read. Reading takes quadratic time, and the name of a host has at most 63 characters a label.
const LONGEST: usize = 255;

const BASE: u32 = 36;
const SMALLEST: u32 = 1;
const LARGEST: u32 = 26;
const SKEW: u32 = 38;
const DAMP: u32 = 700;

fn has_prefix(word: &str) -> bool {
    word.get(..PREFIX.len()).is_some_and(|start| start.eq_ignore_ascii_case(PREFIX))
}

fn threshold(place: u32, bias: u32) -> u32 {
    place.saturating_sub(bias).clamp(SMALLEST, LARGEST)
}

fn adapted(delta: u32, count: u32, first: bool) -> u32 {
    let mut delta = if first { delta / DAMP } else { delta / 2 };
    delta += delta / count.max(1);
    let mut steps = 0;
    while delta > (BASE - SMALLEST) * LARGEST / 2 {
        delta /= BASE - SMALLEST;
        steps += BASE;
    }
    steps + (BASE - SMALLEST + 1) * delta / (delta + SKEW)
}

fn encode_word(word: &str) -> Option<String> {
    if word.is_ascii() {
        return Some(word.to_owned());
    }
    let characters: Vec<u32> = word.chars().map(u32::from).collect();
    let plain: String = word.chars().filter(char::is_ascii).collect();
    let mut out = format!("{PREFIX}{plain}");
    if !plain.is_empty() {
        out.push('-');
    }
    let basic = u32::try_from(plain.len()).ok()?;
    let (mut next, mut delta, mut bias, mut done) = (128, 0_u32, 72, basic);
    while (done as usize) < characters.len() && out.len() <= LONGEST {
        let smallest = characters.iter().copied().filter(|&c| c >= next).min()?;
        delta = delta.checked_add((smallest - next).checked_mul(done + 1)?)?;
        next = smallest;
        for &character in &characters {
            if character < next {
                delta = delta.checked_add(1)?;
            }
            if character == next {
                push_number(&mut out, delta, bias)?;
                bias = adapted(delta, done + 1, done == basic);
                delta = 0;
                done += 1;
            }
        }
        delta = delta.checked_add(1)?;
        next += 1;
    }
    Some(out)
}

fn push_number(out: &mut String, number: u32, bias: u32) -> Option<()> {
    let mut rest = number;
    let mut place = BASE;
    loop {
        let least = threshold(place, bias);
        if rest < least {
            break;
        }
        out.push(char::from_digit(least + (rest - least) % (BASE - least), BASE).map(digit)?);
        rest = (rest - least) / (BASE - least);
        place += BASE;
    }
    out.push(char::from_digit(rest, BASE).map(digit)?);
    Some(())
}

/// Punycode counts letters before digits, Rust digits before letters.
fn digit(counted: char) -> char {
    match counted.to_digit(BASE) {
        Some(value @ 0..26) => char::from_u32(u32::from('a') + value).unwrap_or('a'),
        Some(value) => char::from_digit(value - 26, 10).unwrap_or('0'),
        None => counted,
    }
}

fn value(byte: u8) -> Option<u32> {
    match byte {
        b'a'..=b'z' => Some(u32::from(byte - b'a')),
        b'A'..=b'Z' => Some(u32::from(byte - b'A')),
        b'0'..=b'9' => Some(u32::from(byte - b'0') + 26),
        _ => None,
    }
}

/// The text of a label, its prefix included; `None` where it is no Punycode.
fn decode_label(label: &str) -> Option<String> {
    let body = label.get(PREFIX.len()..).filter(|_| has_prefix(label) && label.len() <= LONGEST)?;
    let (plain, digits) = body.rsplit_once('-').unwrap_or(("", body));
    let mut out: Vec<char> = plain.chars().collect();
    let mut digits = digits.bytes();
    let (mut character, mut place, mut bias) = (128_u32, 0_u32, 72);
    while digits.len() > 0 {
        let before = place;
        let (mut weight, mut step) = (1_u32, BASE);
        loop {
            let digit = value(digits.next()?)?;
            place = place.checked_add(digit.checked_mul(weight)?)?;
            let least = threshold(step, bias);
            if digit < least {
                break;
            }
            weight = weight.checked_mul(BASE - least)?;
            step += BASE;
        }
        let count = u32::try_from(out.len()).ok()? + 1;
        bias = adapted(place - before, count, before == 0);
        character = character.checked_add(place / count)?;
        place %= count;
        out.insert(place as usize, char::from_u32(character)?);
        place += 1;
    }
    Some(out.into_iter().collect())
}

fn decode_words(text: &str) -> View<'static> {
    let mut builder = ViewBuilder::with_capacity(text.len());
    let mut start = 0;
    for word in text.split_inclusive(' ') {
        let label = word.trim_end_matches(' ');
        match decode_label(label) {
            Some(decoded) => builder.block(&decoded, start..start + label.len()),
            None => builder.exact(label, start),
        }
        builder.exact(word.get(label.len()..).unwrap_or_default(), start + label.len());
        start += word.len();
    }
    builder.finish(text.len())
}

/// Finds labels within words, also those of host names.
pub(super) fn find(scan: &Scan<'_>, found: &mut Vec<Found>) {
    for word in scan.words.iter().filter(|word| word.has(kind::DASH) && word.len() > PREFIX.len() + 1) {
        let other = |c: char| !c.is_ascii_alphanumeric() && c != '-';
        let mut end = word.start;
        for piece in scan.slice(word.range()).split_inclusive(other) {
            let label = piece.trim_end_matches(other);
            let span = end..end + label.len();
            end += piece.len();
            if let Some(decoded) = decode_label(label).filter(|decoded| !decoded.is_empty()) {
                let mut builder = ViewBuilder::default();
                builder.block(&decoded, span.clone());
                found.push(Found {
                    codec: &PUNYCODE,
                    view: builder.finish(scan.text.len()),
                    span,
                    confidence: 0.9,
                });
            }
        }
    }
}

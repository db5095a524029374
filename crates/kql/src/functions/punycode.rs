//! Punycode: texts of any script in ASCII. Source: RFC 3492.
//!
//! The two pairs of functions are named the other way round: `punycode_from_string` encodes, while
//! `punycode_domain_from_string` takes the encoded domain and decodes it.

use super::{ScalarFunction, function, text_at};
use crate::value::Value;

const BASE: u32 = 36;
const LOWEST: u32 = 1;
const HIGHEST: u32 = 26;
const SKEW: u32 = 38;
const DAMP: u32 = 700;
const FIRST_BIAS: u32 = 72;
const FIRST_CODE: u32 = 128;

/// Longest text, in bytes: the work grows with the square of its length.
const LONGEST: usize = 4_096;

/// Domain names begin encoded labels with this.
const MARK: &str = "xn--";

/// The bias after a delta, so that usual deltas take few digits.
fn adapted(delta: u32, count: u32, is_first: bool) -> u32 {
    let mut delta = if is_first { delta / DAMP } else { delta / 2 };
    delta += delta / count;
    let mut steps = 0;
    while delta > (BASE - LOWEST) * HIGHEST / 2 {
        delta /= BASE - LOWEST;
        steps += BASE;
    }
    steps + (BASE - LOWEST + 1) * delta / (delta + SKEW)
}

/// Below this a digit is the last one of its number.
fn threshold(position: u32, bias: u32) -> u32 {
    position.saturating_sub(bias).clamp(LOWEST, HIGHEST)
}

fn digit(value: u32) -> Option<char> {
    match value {
        0..26 => char::from_u32(u32::from('a') + value),
        26..BASE => char::from_u32(u32::from('0') + value - 26),
        _ => None,
    }
}

fn digit_value(digit: char) -> Option<u32> {
    match digit {
        'a'..='z' => Some(u32::from(digit) - u32::from('a')),
        'A'..='Z' => Some(u32::from(digit) - u32::from('A')),
        '0'..='9' => Some(u32::from(digit) - u32::from('0') + 26),
        _ => None,
    }
}

/// A number of variable length, its low digit first.
fn push_number(encoded: &mut String, number: u32, bias: u32) -> Option<()> {
    let (mut rest, mut position) = (number, BASE);
    loop {
        let threshold = threshold(position, bias);
        if rest < threshold {
            encoded.push(digit(rest)?);
            return Some(());
        }
        encoded.push(digit(threshold + (rest - threshold) % (BASE - threshold))?);
        rest = (rest - threshold) / (BASE - threshold);
        position += BASE;
    }
}

/// The text in ASCII; `None` for one that is too long.
fn encode(text: &str) -> Option<String> {
    if text.len() > LONGEST {
        return None;
    }
    let mut encoded: String = text.chars().filter(char::is_ascii).collect();
    let plain = u32::try_from(encoded.len()).ok()?;
    if plain > 0 {
        encoded.push('-');
    }
    let mut others: Vec<u32> =
        text.chars().filter(|character| !character.is_ascii()).map(u32::from).collect();
    others.sort_unstable();
    others.dedup();
    let (mut code, mut delta, mut bias, mut handled) = (FIRST_CODE, 0_u32, FIRST_BIAS, plain);
    for next in others {
        delta = delta.checked_add((next - code).checked_mul(handled + 1)?)?;
        code = next;
        for character in text.chars().map(u32::from) {
            if character < code {
                delta = delta.checked_add(1)?;
            } else if character == code {
                push_number(&mut encoded, delta, bias)?;
                bias = adapted(delta, handled + 1, handled == plain);
                delta = 0;
                handled += 1;
            }
        }
        delta = delta.checked_add(1)?;
        code += 1;
    }
    Some(encoded)
}

/// The text that an encoded one stands for; `None` for what is none.
fn decode(encoded: &str) -> Option<String> {
    if encoded.len() > LONGEST || !encoded.is_ascii() {
        return None;
    }
    let (plain, digits) = encoded.rsplit_once('-').unwrap_or(("", encoded));
    let mut text: Vec<char> = plain.chars().collect();
    let (mut code, mut place, mut bias) = (FIRST_CODE, 0_u32, FIRST_BIAS);
    let mut digits = digits.chars().peekable();
    while digits.peek().is_some() {
        let (before, mut weight, mut position) = (place, 1_u32, BASE);
        loop {
            let digit = digit_value(digits.next()?)?;
            place = place.checked_add(digit.checked_mul(weight)?)?;
            let threshold = threshold(position, bias);
            if digit < threshold {
                break;
            }
            weight = weight.checked_mul(BASE - threshold)?;
            position += BASE;
        }
        let count = u32::try_from(text.len()).ok()? + 1;
        bias = adapted(place - before, count, before == 0);
        code = code.checked_add(place / count)?;
        place %= count;
        text.insert(usize::try_from(place).ok()?, char::from_u32(code)?);
        place += 1;
    }
    Some(text.into_iter().collect())
}

/// The labels between dots; other scripts have dots of their own.
fn labels(domain: &str) -> impl Iterator<Item = &str> {
    domain.split(['.', '\u{3002}', '\u{ff0e}', '\u{ff61}'])
}

fn domain_of(arguments: &[Value], each: impl Fn(&str) -> Option<String>) -> Value {
    let domain = text_at(arguments, 0);
    let labels: Option<Vec<String>> = labels(&domain).map(each).collect();
    Value::string(labels.unwrap_or_default().join("."))
}

fn encode_domain(arguments: &[Value]) -> Value {
    domain_of(arguments, |label| {
        if label.is_ascii() { Some(label.to_owned()) } else { Some(format!("{MARK}{}", encode(label)?)) }
    })
}

fn decode_domain(arguments: &[Value]) -> Value {
    domain_of(arguments, |label| match label.get(..MARK.len()).zip(label.get(MARK.len()..)) {
        Some((mark, encoded)) if mark.eq_ignore_ascii_case(MARK) => decode(encoded),
        _ => Some(label.to_owned()),
    })
}

fn plain(arguments: &[Value], convert: fn(&str) -> Option<String>) -> Value {
    Value::string(convert(&text_at(arguments, 0)).unwrap_or_default())
}

pub(super) const FUNCTIONS: &[ScalarFunction] = &[
    function("punycode_from_string", 1, 1, |a| plain(a, encode)),
    function("punycode_to_string", 1, 1, |a| plain(a, decode)),
    function("punycode_domain_from_string", 1, 1, decode_domain),
    function("punycode_domain_to_string", 1, 1, encode_domain),
];

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_samples_of_the_standard_agree() {
        let samples = [
            (
                "\u{4ED6}\u{4EEC}\u{4E3A}\u{4EC0}\u{4E48}\u{4E0D}\u{8BF4}\u{4E2D}\u{6587}",
                "ihqwcrb4cv8a8dqg056pqjye",
            ),
            ("Pro\u{10D}prost\u{11B}nemluv\u{ED}\u{10D}esky", "Proprostnemluvesky-uyb24dma41a"),
            ("3\u{5E74}B\u{7D44}\u{91D1}\u{516B}\u{5148}\u{751F}", "3B-ww4c5e180e575a65lsy2b"),
            ("-> $1.00 <-", "-> $1.00 <--"),
        ];
        for (text, encoded) in samples {
            assert_eq!(encode(text).as_deref(), Some(encoded));
            assert_eq!(decode(encoded).as_deref(), Some(text));
        }
        assert_eq!(decode("ab-\u{e9}"), None);
        assert_eq!(decode("99999999999"), None);
    }

    proptest! {
        #[test]
        fn texts_come_back(text in any::<String>()) {
            prop_assert_eq!(decode(&encode(&text).unwrap()), Some(text));
        }

        #[test]
        fn anything_may_be_decoded(text in "[a-z0-9-]{0,40}") {
            let _ = decode(&text);
        }
    }
}

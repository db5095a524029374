//! Bytes as numbers: binary, octal, decimal, and pairs of hexadecimal digits, with something between them.

use std::ops::Range;

use super::base16;
use super::bytes::Bytes;
use super::scan::{Found, Scan, Word, kind, runs};
use super::{Codec, Loss, whole};
use crate::view::View;

const BASE: Codec = Codec {
    name: "binary",
    about: "Bytes as eight binary digits, with spaces between",
    carries: "any text",
    loss: Loss::None,
    encode: |text| Some(joined(text.bytes().map(|byte| format!("{byte:08b}")), " ")),
    decode: |text| decode(text, binary),
    returns: whole,
};
pub(super) static BINARY: Codec = BASE;
pub(super) static BINARY_JOINED: Codec = Codec {
    name: "binary-joined",
    about: "Bytes as eight binary digits in one piece",
    encode: |text| Some(joined(text.bytes().map(|byte| format!("{byte:08b}")), "")),
    decode: |text| joined_binary(text, 0)?.into_view(text.len()),
    ..BASE
};
pub(super) static OCTAL: Codec = Codec {
    name: "octal",
    about: "Bytes as three octal digits, with spaces between",
    encode: |text| Some(joined(text.bytes().map(|byte| format!("{byte:03o}")), " ")),
    decode: |text| decode(text, octal),
    ..BASE
};
pub(super) static DECIMAL: Codec = Codec {
    name: "decimal",
    about: "Bytes as decimal numbers, with spaces between",
    encode: |text| Some(joined(text.bytes().map(|byte| byte.to_string()), " ")),
    decode: |text| decode(text, decimal),
    ..BASE
};

fn joined(numbers: impl Iterator<Item = String>, separator: &str) -> String {
    numbers.collect::<Vec<_>>().join(separator)
}

type Read = fn(&str) -> Option<u8>;

fn binary(number: &str) -> Option<u8> {
    let digits = number.strip_prefix("0b").unwrap_or(number);
    (matches!(digits.len(), 7 | 8) && digits.bytes().all(|byte| matches!(byte, b'0' | b'1')))
        .then(|| u8::from_str_radix(digits, 2).ok())
        .flatten()
}

fn octal(number: &str) -> Option<u8> {
    let digits = number.strip_prefix("0o").unwrap_or(number);
    (digits.len() == 3 && digits.bytes().all(|byte| byte.is_ascii_digit()))
        .then(|| u8::from_str_radix(digits, 8).ok())
        .flatten()
}

fn decimal(number: &str) -> Option<u8> {
    (number.len() <= 3 && number.bytes().all(|byte| byte.is_ascii_digit()))
        .then(|| number.parse().ok())
        .flatten()
}

fn hexadecimal(number: &str) -> Option<u8> {
    let digits = number.strip_prefix("0x").or_else(|| number.strip_prefix("0X")).unwrap_or(number);
    base16::pair(digits.as_bytes())
}

fn is_digit(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
}

fn decode(text: &str, read: Read) -> Option<View<'static>> {
    let mut bytes = Bytes::default();
    for run in runs(text.as_bytes(), is_digit) {
        bytes.push(&[read(text.get(run.clone())?)?], run);
    }
    bytes.into_view(text.len())
}

fn joined_binary(digits: &str, base: usize) -> Option<Bytes> {
    let mut bytes = Bytes::default();
    for (index, group) in digits.as_bytes().chunks(8).enumerate() {
        let byte = binary(std::str::from_utf8(group).ok()?).filter(|_| group.len() == 8)?;
        bytes.push(&[byte], base + 8 * index..base + 8 * index + 8);
    }
    Some(bytes)
}

/// Whether a text has such bytes; counts and other numbers beside a text are often smaller.
fn is_of_text(value: u8) -> bool {
    value >= 0x20 || matches!(value, b'\t' | b'\n' | b'\r')
}

/// The most bytes between one number and the next.
const GAP: usize = 3;
/// The fewest numbers that are looked at.
const FEWEST: usize = 4;

/// Numbers of one kind, one after the other.
struct Chain {
    codec: &'static Codec,
    read: Read,
    values: Vec<(u8, Range<usize>)>,
}

impl Chain {
    fn take(
        &mut self,
        number: &str,
        place: &Range<usize>,
        touches: bool,
        scan: &Scan<'_>,
        found: &mut Vec<Found>,
    ) {
        let value = (self.read)(number).filter(|&value| is_of_text(value));
        if value.is_none() || !touches {
            self.end(scan, found);
        }
        self.values.extend(value.map(|value| (value, place.clone())));
    }

    fn end(&mut self, scan: &Scan<'_>, found: &mut Vec<Found>) {
        if let [first, .., last] = self.values.as_slice()
            && self.values.len() >= FEWEST
        {
            let span = first.1.start..last.1.end;
            let mut bytes = Bytes::default();
            self.values.iter().for_each(|(value, place)| bytes.push(&[*value], place.clone()));
            found.extend(bytes.into_found(self.codec, span, scan.text.len()));
        }
        self.values.clear();
    }
}

/// Finds four numbers and more with at most three separators between them, and long binary numbers.
pub(super) fn find(scan: &Scan<'_>, found: &mut Vec<Found>) {
    let kinds: [(&Codec, Read); 4] =
        [(&BINARY, binary), (&OCTAL, octal), (&DECIMAL, decimal), (&base16::SPACED, hexadecimal)];
    let mut chains = kinds.map(|(codec, read)| Chain { codec, read, values: Vec::new() });
    let mut end = 0;
    // Other words are too long to stand between two numbers.
    let words = scan.words.iter().filter(|word| word.has(kind::DIGIT) || word.len() <= 2);
    let bytes = |word: &Word| scan.bytes().get(word.range()).unwrap_or_default();
    let numbers = words
        .flat_map(|word| runs(bytes(word), is_digit).map(|run| word.start + run.start..word.start + run.end));
    for run in numbers {
        let number = scan.slice(run.clone());
        let gap = scan.bytes().get(end..run.start).unwrap_or_default();
        let touches = gap.len() <= GAP
            && gap.iter().all(|byte| {
                matches!(
                    byte,
                    b' ' | b',' | b';' | b':' | b'-' | b'_' | b'|' | b'/' | b'.' | b'\n' | b'\r' | b'\t'
                )
            });
        end = run.end;
        for chain in &mut chains {
            chain.take(number, &run, touches, scan, found);
        }
        if number.len() >= 24 && number.len().is_multiple_of(8) {
            let bytes = joined_binary(number, run.start);
            found.extend(bytes.and_then(|bytes| bytes.into_found(&BINARY_JOINED, run, scan.text.len())));
        }
    }
    for chain in &mut chains {
        chain.end(scan, found);
    }
}

//! Characters that show nothing and carry bytes or bits: variation selectors, invisible operators, zero-width spaces.

use super::bytes::Bytes;
use super::scan::{Found, Scan};
use super::{Codec, Loss, whole};

pub(super) static SELECTORS: Codec = Codec {
    name: "variation-selectors",
    about: "Bytes as variation selectors behind an emoji",
    carries: "any text",
    loss: Loss::None,
    encode: |text| Some(std::iter::once('\u{1f600}').chain(text.bytes().map(selector)).collect()),
    decode: |text| decode(text.strip_prefix('\u{1f600}')?, 4, selector_value, 8)?.into_view(text.len()),
    returns: whole,
};
pub(super) static SNEAKY_BITS: Codec = Codec {
    name: "sneaky-bits",
    about: "Bits as invisible times (0) and invisible plus (1)",
    carries: "any text",
    loss: Loss::None,
    encode: |text| Some(bits(text, '\u{2062}', '\u{2064}')),
    decode: |text| decode(text, 0, sneaky_value, 1)?.into_view(text.len()),
    returns: whole,
};
pub(super) static ZERO_WIDTH: Codec = Codec {
    name: "zero-width-binary",
    about: "Bits as zero-width space (0) and zero-width non-joiner (1)",
    carries: "any text",
    loss: Loss::None,
    encode: |text| Some(bits(text, '\u{200b}', '\u{200c}')),
    decode: |text| decode(text, 0, |c| bit(c, '\u{200b}', '\u{200c}'), 1)?.into_view(text.len()),
    returns: whole,
};

fn selector(byte: u8) -> char {
    let base = if byte < 16 { 0xfe00 } else { 0xe0100 - 16 };
    char::from_u32(base + u32::from(byte)).unwrap_or('\u{fe00}')
}

fn selector_value(character: char) -> Option<u8> {
    let value = match character {
        '\u{fe00}'..='\u{fe0f}' => u32::from(character) - 0xfe00,
        '\u{e0100}'..='\u{e01ef}' => u32::from(character) - 0xe0100 + 16,
        _ => return None,
    };
    u8::try_from(value).ok()
}

fn sneaky_value(character: char) -> Option<u8> {
    bit(character, '\u{2062}', '\u{2064}')
}

fn bit(character: char, zero: char, one: char) -> Option<u8> {
    match character {
        _ if character == zero => Some(0),
        _ if character == one => Some(1),
        _ => None,
    }
}

fn bits(text: &str, zero: char, one: char) -> String {
    let of_byte = |byte: u8| (0..8).rev().map(move |place| if byte >> place & 1 == 1 { one } else { zero });
    text.bytes().flat_map(of_byte).collect()
}

/// All of `text`, which starts at `base`, where each character has a value of `width` bits.
fn decode(text: &str, base: usize, value: impl Fn(char) -> Option<u8>, width: usize) -> Option<Bytes> {
    text.chars()
        .all(|character| value(character).is_some())
        .then(|| gather(text, base, value, width))
        .flatten()
}

/// The bytes of all characters that have a value; what is left of a last byte is dropped.
fn gather(text: &str, base: usize, value: impl Fn(char) -> Option<u8>, width: usize) -> Option<Bytes> {
    let mut bytes = Bytes::default();
    let (mut joined, mut held, mut start) = (0_u8, 0, 0);
    for (place, character) in text.char_indices() {
        let Some(value) = value(character) else { continue };
        if held == 0 {
            start = place;
        }
        joined = if width == 8 { value } else { joined << width | value };
        held += width;
        if held >= 8 {
            bytes.push(&[joined], base + start..base + place + character.len_utf8());
            (joined, held) = (0, 0);
        }
    }
    Some(bytes)
}

/// Finds what all variation selectors of a text spell together. The two that choose between text and emoji stand for
/// bytes that no text has, and are passed over.
pub(super) fn find_selectors(scan: &Scan<'_>, found: &mut Vec<Found>) {
    let meant = |character| selector_value(character).filter(|byte| !matches!(byte, 14 | 15));
    found_in(scan, &SELECTORS, meant, 8, found);
}

/// Finds bits in invisible operators and in zero-width characters, whichever two of them stand for 0 and 1.
pub(super) fn find_bits(scan: &Scan<'_>, found: &mut Vec<Found>) {
    found_in(scan, &SNEAKY_BITS, sneaky_value, 1, found);
    let (space, non_joiner, joiner) = ('\u{200b}', '\u{200c}', '\u{200d}');
    for (zero, one) in
        [(space, non_joiner), (non_joiner, space), (non_joiner, joiner), (space, joiner), (joiner, space)]
    {
        if found_in(scan, &ZERO_WIDTH, |character| bit(character, zero, one), 1, found) {
            return;
        }
    }
}

fn found_in(
    scan: &Scan<'_>,
    codec: &'static Codec,
    value: impl Fn(char) -> Option<u8>,
    width: usize,
    found: &mut Vec<Found>,
) -> bool {
    let view = gather(scan.text, 0, value, width).filter(|bytes| bytes.len() >= 3);
    let Some(view) = view.and_then(|bytes| bytes.into_lenient_view(scan.text.len())) else { return false };
    let hidden = Found::hidden_view(codec, view);
    let any = hidden.is_some();
    found.extend(hidden);
    any
}

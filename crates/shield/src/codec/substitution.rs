//! Ciphers that put a letter for each letter: Caesar with any shift, rot13, Atbash, rot47, and Vigenere with a key.

use super::{Codec, Loss, whole};
use crate::view::{View, ViewBuilder};

const fn caesar<const SHIFT: u8>(name: &'static str) -> Codec {
    Codec {
        name,
        about: "Each letter as the one so many places later in the alphabet",
        carries: "any text; what is no letter of ASCII stays",
        loss: Loss::None,
        encode: |text| Some(shifted(text, SHIFT)),
        decode: |text| one_to_one(text, shift_by::<SHIFT>),
        returns: whole,
    }
}

/// Shifts of 1 to 25; that of 13 is called rot13.
pub(super) static CAESAR: [Codec; 25] = [
    caesar::<1>("caesar-1"),
    caesar::<2>("caesar-2"),
    caesar::<3>("caesar-3"),
    caesar::<4>("caesar-4"),
    caesar::<5>("caesar-5"),
    caesar::<6>("caesar-6"),
    caesar::<7>("caesar-7"),
    caesar::<8>("caesar-8"),
    caesar::<9>("caesar-9"),
    caesar::<10>("caesar-10"),
    caesar::<11>("caesar-11"),
    caesar::<12>("caesar-12"),
    caesar::<13>("rot13"),
    caesar::<14>("caesar-14"),
    caesar::<15>("caesar-15"),
    caesar::<16>("caesar-16"),
    caesar::<17>("caesar-17"),
    caesar::<18>("caesar-18"),
    caesar::<19>("caesar-19"),
    caesar::<20>("caesar-20"),
    caesar::<21>("caesar-21"),
    caesar::<22>("caesar-22"),
    caesar::<23>("caesar-23"),
    caesar::<24>("caesar-24"),
    caesar::<25>("caesar-25"),
];

pub(super) static ATBASH: Codec = Codec {
    name: "atbash",
    about: "Each letter as the one at the same place from the end of the alphabet",
    carries: "any text; what is no letter of ASCII stays",
    loss: Loss::None,
    encode: |text| Some(text.chars().map(|c| mapped(c, atbash)).collect()),
    decode: |text| one_to_one(text, atbash),
    returns: whole,
};

pub(super) static ROT47: Codec = Codec {
    name: "rot47",
    about: "Each printable character of ASCII as the one 47 places later, in a circle",
    carries: "any text; what is not printable ASCII stays",
    loss: Loss::None,
    encode: |text| Some(text.chars().map(|c| mapped(c, rot47)).collect()),
    decode: |text| one_to_one(text, rot47),
    returns: whole,
};

/// `byte` moved `places` down the alphabet, if it is a letter.
pub(super) fn unshifted(byte: u8, places: u8) -> u8 {
    let base = if byte.is_ascii_uppercase() { b'A' } else { b'a' };
    if byte.is_ascii_alphabetic() { base + (byte - base + 26 - places % 26) % 26 } else { byte }
}

fn shift_by<const SHIFT: u8>(byte: u8) -> u8 {
    unshifted(byte, SHIFT)
}

fn shifted(text: &str, places: u8) -> String {
    text.chars().map(|c| mapped(c, |byte| unshifted(byte, 26 - places % 26))).collect()
}

/// The letter at the same place from the other end.
pub(super) fn atbash(byte: u8) -> u8 {
    match byte {
        b'a'..=b'z' => b'a' + (b'z' - byte),
        b'A'..=b'Z' => b'A' + (b'Z' - byte),
        _ => byte,
    }
}

/// The printable character 47 places on.
pub(super) fn rot47(byte: u8) -> u8 {
    if byte.is_ascii_graphic() { 33 + (byte - 33 + 47) % 94 } else { byte }
}

fn mapped(character: char, map: impl Fn(u8) -> u8) -> char {
    u8::try_from(character).ok().filter(u8::is_ascii).map_or(character, |byte| char::from(map(byte)))
}

/// `text` with each ASCII character put through `map`.
pub(super) fn one_to_one(text: &str, map: impl Fn(u8) -> u8) -> Option<View<'static>> {
    let mut builder = ViewBuilder::default();
    builder.exact(&text.chars().map(|c| mapped(c, &map)).collect::<String>(), 0);
    Some(builder.finish(text.len()))
}

/// `text` enciphered after Vigenere: each letter moves on by the place in the alphabet of the next letter of `key`.
/// Without a letter in `key` the text stays. [`vigenere_decode`] undoes it for who knows the key; it is never looked
/// for in a text, since with a key to choose freely any text can be made of any other.
pub fn vigenere_encode(text: &str, key: &str) -> String {
    vigenere(text, key, |shift| 26 - shift)
}

/// Undoes [`vigenere_encode`].
pub fn vigenere_decode(text: &str, key: &str) -> String {
    vigenere(text, key, |shift| shift)
}

fn vigenere(text: &str, key: &str, places: impl Fn(u8) -> u8) -> String {
    let shifts: Vec<u8> =
        key.bytes().filter(u8::is_ascii_alphabetic).map(|byte| byte.to_ascii_lowercase() - b'a').collect();
    let mut shifts = shifts.into_iter().cycle();
    text.chars()
        .map(|character| match character.is_ascii_alphabetic() {
            true => shifts
                .next()
                .map_or(character, |shift| mapped(character, |byte| unshifted(byte, places(shift)))),
            false => character,
        })
        .collect()
}

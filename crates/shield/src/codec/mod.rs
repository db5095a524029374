//! Every encoding that hides a text from a guardrail, both ways.
//!
//! [`ALL`] is the table of them. [`Codec::encode`] writes a text in it, [`Codec::decode`] reads one that is nothing else;
//! [`crate::view::decode`] finds encoded stretches within a longer text.
//!
//! *Invariant (round trip):* whatever [`Codec::returns`] says of a text is what decoding its encoded form gives.
//!
//! ```
//! use castellan_shield::codec;
//!
//! let morse = codec::named("base32").unwrap();
//! assert_eq!(morse.decode(&morse.encode("Obey me").unwrap()).unwrap(), "Obey me");
//! ```

use crate::view::View;

mod ansi;
mod backslash;
mod base16;
mod base32;
mod base64;
mod base85;
mod bidi;
mod braille;
mod bytes;
mod entity;
mod escape;
mod flipped;
mod hidden;
mod html;
mod join;
mod leet;
mod markdown;
mod marks;
mod numbers;
mod percent;
mod pig_latin;
mod punycode;
mod quoted_printable;
mod reverse;
mod scan;
mod signs;
mod spaced;
mod stretch;
mod styled;
mod substitution;
mod tags;
mod unmarked;
mod uuencode;
mod words;
mod wordwise;

pub(crate) use reverse::turned_order;
use scan::kind;
pub(crate) use scan::{Found, Scan};
pub use substitution::{vigenere_decode, vigenere_encode};

/// What an encoded text has lost once it is decoded again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loss {
    /// Nothing.
    None,
    /// Whether letters were capitals.
    Case,
    /// More than that; [`Codec::carries`] says what.
    Form,
}

/// An encoding.
#[derive(Debug)]
pub struct Codec {
    /// Its name: small letters, digits and hyphens.
    pub name: &'static str,
    /// What it is, in a sentence.
    pub about: &'static str,
    /// Which texts it can carry.
    pub carries: &'static str,
    /// What is lost on the way.
    pub loss: Loss,
    encode: fn(&str) -> Option<String>,
    decode: fn(&str) -> Option<View<'static>>,
    returns: fn(&str) -> Option<String>,
}

impl Codec {
    /// `text` in this encoding; `None` where it cannot carry it.
    pub fn encode(&self, text: &str) -> Option<String> {
        (self.returns)(text)?;
        (self.encode)(text)
    }

    /// What `encoded` says, all of which must be in this encoding; `None` where it is not.
    pub fn decode(&self, encoded: &str) -> Option<String> {
        (self.decode)(encoded).map(|view| view.text().to_owned())
    }

    /// As [`Codec::decode`], with the map back to `encoded`.
    pub fn view(&self, encoded: &str) -> Option<View<'static>> {
        (self.decode)(encoded)
    }

    /// What comes back when `text` is encoded and decoded; `None` where it cannot be encoded.
    pub fn returns(&self, text: &str) -> Option<String> {
        (self.returns)(text)
    }
}

/// The codec called `name`.
pub fn named(name: &str) -> Option<&'static Codec> {
    ALL.iter().copied().find(|codec| codec.name == name)
}

/// All codecs.
pub static ALL: &[&Codec] = &[
    &base64::PADDED,
    &base64::ADDRESS,
    &base64::BARE,
    &base64::WRAPPED,
    &base32::BASE32,
    &base16::PLAIN,
    &base16::SPACED,
    &base16::PREFIXED,
    &base16::ESCAPED,
    &base85::ASCII85,
    &base85::BASE85,
    &numbers::BINARY,
    &numbers::BINARY_JOINED,
    &numbers::OCTAL,
    &numbers::DECIMAL,
    &percent::PERCENT,
    &entity::DECIMAL,
    &entity::HEXADECIMAL,
    &entity::NAMED,
    &backslash::UNICODE,
    &backslash::BRACED,
    &backslash::OCTAL,
    &backslash::CSS,
    &quoted_printable::QUOTED_PRINTABLE,
    &uuencode::UU,
    &punycode::PUNYCODE,
    &words::MORSE,
    &words::NATO,
    &braille::BRAILLE,
    &pig_latin::PIG_LATIN,
    &leet::LEET,
    &substitution::ATBASH,
    &substitution::ROT47,
    &substitution::CAESAR[0],
    &substitution::CAESAR[1],
    &substitution::CAESAR[2],
    &substitution::CAESAR[3],
    &substitution::CAESAR[4],
    &substitution::CAESAR[5],
    &substitution::CAESAR[6],
    &substitution::CAESAR[7],
    &substitution::CAESAR[8],
    &substitution::CAESAR[9],
    &substitution::CAESAR[10],
    &substitution::CAESAR[11],
    &substitution::CAESAR[12],
    &substitution::CAESAR[13],
    &substitution::CAESAR[14],
    &substitution::CAESAR[15],
    &substitution::CAESAR[16],
    &substitution::CAESAR[17],
    &substitution::CAESAR[18],
    &substitution::CAESAR[19],
    &substitution::CAESAR[20],
    &substitution::CAESAR[21],
    &substitution::CAESAR[22],
    &substitution::CAESAR[23],
    &substitution::CAESAR[24],
    &reverse::REVERSED,
    &reverse::WORDS,
    &reverse::ORDER,
    &flipped::FLIPPED,
    &spaced::SPACED,
    &spaced::DOTTED,
    &spaced::DASHED,
    &spaced::EMOJI,
    &tags::TAGS,
    &hidden::SELECTORS,
    &hidden::SNEAKY_BITS,
    &hidden::ZERO_WIDTH,
    &bidi::BIDI,
    &marks::ZALGO,
    &marks::DIACRITICS,
    &marks::TATWEEL,
    &marks::ZERO_WIDTH,
    &marks::SOFT_HYPHENS,
    &styled::FULL_WIDTH,
    &styled::BOLD,
    &styled::SCRIPT,
    &styled::FRAKTUR,
    &styled::SANS,
    &styled::MONOSPACE,
    &styled::CIRCLED,
    &styled::PARENTHESISED,
    &styled::SQUARED,
    &styled::NEGATIVE_SQUARED,
    &styled::REGIONAL,
    &styled::SUPERSCRIPT,
    &styled::SMALL_CAPITALS,
    &styled::CONFUSABLES,
    &ansi::COLOURS,
    &ansi::CONCEALED,
    &markdown::COMMENT,
    &markdown::REFERENCE,
    &markdown::TITLE,
    &markdown::IMAGE,
    &html::COMMENT,
    &html::HIDDEN,
    &html::TINY,
    &html::WHITE,
    &html::ATTRIBUTE,
    &html::SCRIPT,
    &html::STYLE,
    &join::JOINED,
];

type Finder = fn(&Scan<'_>, &mut Vec<Found>);

/// Finds what is lost once a text is normalised.
pub(crate) fn find_in_raw(text: &str, found: &mut Vec<Found>) {
    let escape = text.as_bytes().contains(&0x1b);
    let signs = if text.is_ascii() { 0 } else { signs::of(text) };
    if !escape && signs == 0 {
        return;
    }
    let scan = Scan::new(text);
    if escape {
        ansi::find(&scan, found);
    }
    let marked: [(u32, Finder); 7] = [
        (signs::TAG, tags::find),
        (signs::SELECTOR, hidden::find_selectors),
        (signs::BIT, hidden::find_bits),
        (signs::OVERRIDE, bidi::find),
        (signs::BRAILLE, braille::find),
        (signs::FLIPPED, flipped::find),
        (signs::STYLED, styled::find),
    ];
    for (_, find) in marked.iter().filter(|(sign, _)| signs & sign != 0) {
        find(&scan, found);
    }
}

/// Finds what is spelled in plain characters. Each finder goes over the text once, and only where its marks occur.
pub(crate) fn find_in_plain(scan: &Scan<'_>, found: &mut Vec<Found>) {
    let all: [Finder; 9] = [
        base64::find,
        base32::find,
        base85::find,
        wordwise::find,
        words::find_nato,
        pig_latin::find,
        spaced::find,
        leet::find,
        unmarked::find,
    ];
    let marked: [(u32, Finder); 12] = [
        (kind::DIGIT, base16::find),
        (kind::DIGIT, numbers::find),
        (kind::DIGIT, uuencode::find),
        (kind::PERCENT, percent::find),
        (kind::AMPERSAND, entity::find),
        (kind::BACKSLASH, backslash::find),
        (kind::EQUALS, quoted_printable::find),
        (kind::DASH, punycode::find),
        (kind::DASH | kind::DOT, words::find_morse),
        (kind::QUOTE, join::find),
        (kind::BRACKET, markdown::find),
        (kind::LESS, html::find),
    ];
    all.iter().for_each(|find| find(scan, found));
    for (_, find) in marked.iter().filter(|(marks, _)| scan.has(*marks)) {
        find(scan, found);
    }
}

fn whole(text: &str) -> Option<String> {
    Some(text.to_owned())
}

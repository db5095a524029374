//! Texts of which each word, or each few letters, were encoded for themselves: too short to be told alone, but not in a
//! row.

use super::base16::pair;
use super::base64;
use super::bytes::Bytes;
use super::scan::{Found, Scan, Word, confidence_of_bytes, kind};
use super::{Codec, base16};
use crate::view::{View, ViewBuilder};

/// The longest word that is looked at; longer ones are found alone.
const LONGEST: usize = 64;
/// The fewest words in a row.
const FEWEST: usize = 3;

type Read = fn(&str, usize) -> Option<Bytes>;

/// Finds rows of words each of which is text in Base64 or in hexadecimal digits.
pub(super) fn find(scan: &Scan<'_>, found: &mut Vec<Found>) {
    let codecs: [(&'static Codec, Read); 2] = [(&base64::PADDED, read_base64), (&base16::PLAIN, read_hex)];
    for (codec, read) in codecs {
        let decoded = |word: &Word| decode(scan, word, read);
        let is_text = |word: &Word| {
            let likely = word.has(kind::CAPITAL | kind::DIGIT) && (4..=LONGEST).contains(&word.len());
            likely && decoded(word).is_some()
        };
        for (row, span) in scan.rows(FEWEST, is_text) {
            let words: Vec<View<'static>> = row.iter().filter_map(decoded).collect();
            // Words of one length are pieces of a text that was cut after it was encoded.
            let cut = row.iter().rev().skip(1).all(|word| Some(word.len()) == row.first().map(Word::len));
            let view = joined(&words, cut, scan.text.len());
            let confidence = confidence_of_bytes(view.text()).filter(|confidence| *confidence >= 0.7);
            found.extend(confidence.map(|confidence| Found { codec, view, span, confidence }));
        }
    }
}

fn decode(scan: &Scan<'_>, word: &Word, read: Read) -> Option<View<'static>> {
    let letters = scan.slice(word.range()).trim_end_matches(['.', ',', ';', '=']);
    let view = read(letters, word.start)?.into_view(scan.text.len())?;
    let plain = |c: char| matches!(c, ' '..='~' | '\n' | '\r' | '\t');
    (view.text().len() > 1 && view.text().chars().all(plain)).then_some(view)
}

fn read_base64(letters: &str, base: usize) -> Option<Bytes> {
    (letters.len() % 4 != 1 && letters.bytes().all(base64::is_letter))
        .then(|| base64::read(letters, base))
        .flatten()
}

fn read_hex(digits: &str, base: usize) -> Option<Bytes> {
    let mut bytes = Bytes::default();
    for (index, digits) in digits.as_bytes().chunks(2).enumerate() {
        let place = base + 2 * index;
        bytes.push(&[pair(digits)?], place..place + 2);
    }
    Some(bytes)
}

fn joined(words: &[View<'static>], cut: bool, length: usize) -> View<'static> {
    let mut builder = ViewBuilder::default();
    let mut end = None;
    for word in words {
        let start = word.origin(0..word.text().len());
        if let Some(end) = end.filter(|_| !cut) {
            builder.block(" ", end..start.start.max(end));
        }
        end = Some(start.end);
        for (place, character) in word.text().char_indices() {
            builder.character(character, word.origin(place..place + character.len_utf8()));
        }
    }
    builder.finish(length)
}

//! Articles, substances, containers, ships, vehicles.

use crate::validators::checksum::complement;
use crate::validators::format::{Check, Format, Kind, checksum, component, length, shape};
use crate::validators::text::{Characters, Compact, digits, digits_after, letter};

pub(super) const FORMATS: &[Format] = &[
    Format::new(
        "casrn",
        Kind::Article,
        casrn,
        "CAS registry number of a substance",
        "CAS, check digit verification",
    )
    .checked(),
    Format::new(
        "ean",
        Kind::Article,
        ean,
        "Global trade item number (EAN, GTIN, UPC)",
        "GS1 general specifications",
    )
    .checked(),
    Format::new("imo", Kind::Article, imo, "IMO number of a ship", "IMO resolution A.1117(30)").checked(),
    Format::new("iso6346", Kind::Article, iso6346, "Container number", "ISO 6346").checked(),
    Format::new(
        "vin",
        Kind::Article,
        vin,
        "Vehicle identification number (VIN)",
        "ISO 3779; 49 CFR 565 for the check digit",
    )
    .checked(),
];

fn casrn(text: &str) -> Check {
    let n = digits(text, "-", 5..=10)?;
    let written = text.trim();
    let dashes = written.match_indices('-').map(|(place, _)| place);
    shape(written.len() == n.len() || dashes.eq([n.len() - 3, n.len()]))?;
    shape(n.at(0) != b'0')?;
    let products = n.body().iter().rev().zip(1..);
    let sum: u32 = products.map(|(digit, weight)| u32::from(digit - b'0') * weight).sum();
    checksum(sum % 10 == n.last_digit())
}

/// Whether the last digit is GS1's check digit: weights 3 and 1 from the right.
pub(crate) fn ean13(n: &[u8]) -> bool {
    let sum = crate::validators::checksum::cyclic(n.body(), &[3, 1]);
    complement(sum, 10) == n.last_digit()
}

fn ean(text: &str) -> Check {
    let n = digits(text, " -", 8..=14)?;
    length(matches!(n.len(), 8 | 12..=14))?;
    checksum(ean13(&n))
}

fn imo(text: &str) -> Check {
    let n = digits_after(text, " ", &["IMO"], 7..=7)?;
    checksum(n.weighted(&[7, 6, 5, 4, 3, 2]) % 10 == n.digit(6))
}

fn iso6346(text: &str) -> Check {
    let n = Compact::new(text, " -")?;
    length(n.len() == 11)?;
    // Owner, kind of equipment (container, detachable, trailer, refrigerated rail), number.
    shape(n.part(..3).is_letters() && b"UJZR".contains(&n.at(3)) && n.part(4..).is_digits())?;
    let value = |character: u8| {
        let place = crate::validators::text::value(character).unwrap_or_default();
        // Letters skip the multiples of 11.
        place + if place > 10 { 1 + (place - 11) / 10 } else { 0 }
    };
    let sum: u32 = n.body().iter().enumerate().map(|(index, character)| value(*character) << index).sum();
    checksum(sum % 11 % 10 == n.digit(10))
}

fn vin(text: &str) -> Check {
    let n = Compact::new(text, " -")?;
    length(n.len() == 17)?;
    shape(n.is_alphanumeric() && !n.iter().any(|one| b"IOQ".contains(one)) && n.part(13..).is_digits())?;
    // The model year is never one of these.
    component(!matches!(n.at(9), b'U' | b'Z' | b'0'))?;
    let value = |character: u8| match character {
        b'A'..=b'I' => u32::from(character - b'A') + 1,
        b'J'..=b'R' => u32::from(character - b'J') + 1,
        b'S'..=b'Z' => u32::from(character - b'S') + 2,
        digit => u32::from(digit.saturating_sub(b'0')),
    };
    let weights = [8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2];
    let sum: u32 = n.iter().zip(weights).map(|(one, weight)| value(*one) * weight).sum();
    checksum(letter("0123456789X", sum % 11) == n.at(8))
}

//! Financial instruments.

use crate::validators::checksum::{complement, hybrid};
use crate::validators::countries::is_country;
use crate::validators::format::{Check, Format, Invalid, Kind, checksum, component, length, shape};
use crate::validators::text::{Characters, Compact, listed, place};

pub(super) const FORMATS: &[Format] = &[
    Format::new("cusip", Kind::Security, cusip, "CUSIP number", "ANSI X9.6").checked(),
    Format::new(
        "figi",
        Kind::Security,
        figi,
        "Financial instrument global identifier (FIGI)",
        "OMG FIGI 1.0; ANSI X9.145",
    )
    .checked(),
    Format::new(
        "isin",
        Kind::Security,
        isin,
        "International securities identification number (ISIN)",
        "ISO 6166",
    )
    .checked(),
    Format::new("upi", Kind::Security, upi, "Unique product identifier of a derivative (UPI)", "ISO 4914")
        .checked(),
];

fn digit_sum(number: u32) -> u32 {
    number / 10 + number % 10
}

/// The sum of the digits of the values, each second one doubled.
fn doubled(n: &[u8], alphabet: &str) -> Option<u32> {
    let mut sum = 0;
    for (index, character) in n.iter().enumerate() {
        let value = place(alphabet, *character)?;
        sum += digit_sum(if index % 2 == 1 { value * 2 } else { value });
    }
    Some(sum)
}

const CUSIP: &str = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ*@#";
const LETTERS: &str = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";

fn cusip(text: &str) -> Check {
    let n = Compact::new(text, " ")?;
    length(n.len() == 9)?;
    shape(n.end().is_ascii_digit())?;
    let sum = doubled(n.body(), CUSIP).ok_or(Invalid::Format)?;
    checksum(complement(sum, 10) == n.last_digit())
}

/// No vowels.
const CONSONANTS: &str = "0123456789BCDFGHJKLMNPQRSTVWXYZ";

fn figi(text: &str) -> Check {
    let n = Compact::new(text, " ")?;
    length(n.len() == 12)?;
    shape(n.iter().all(|character| place(CONSONANTS, *character).is_some()))?;
    shape(n.part(..2).is_letters() && n.end().is_ascii_digit())?;
    // These would make ISIN of some countries.
    component(n.at(2) == b'G' && !listed("BS BM GG GB GH KY VG", n.part(..2)))?;
    let sum = doubled(n.body(), LETTERS).ok_or(Invalid::Format)?;
    checksum(complement(sum, 10) == n.last_digit())
}

/// Prefixes of the standard that are no country's of today: international ones, derivatives, and former countries.
const PREFIXES: &str = "AN CS DD EU EZ QM QS QT QY QZ SU XA XB XC XD XF XK XS XT XX YU ZR";

fn isin(text: &str) -> Check {
    let n = Compact::new(text, " -")?;
    length(n.len() == 12)?;
    shape(n.is_alphanumeric() && n.end().is_ascii_digit())?;
    component(is_country(n.part(..2)) || listed(PREFIXES, n.part(..2)))?;
    // Luhn's formula over the digits of the values.
    let mut sum = 0;
    let mut is_doubled = true;
    for character in n.body().iter().rev() {
        let value = place(LETTERS, *character).ok_or(Invalid::Format)?;
        let two = [value % 10, value / 10];
        for digit in two.iter().take(if value < 10 { 1 } else { 2 }) {
            sum += digit_sum(if is_doubled { digit * 2 } else { *digit });
            is_doubled = !is_doubled;
        }
    }
    checksum(complement(sum, 10) == n.last_digit())
}

fn upi(text: &str) -> Check {
    let n = Compact::new(text, " -")?;
    length(n.len() == 12)?;
    shape(n.iter().all(|character| place(UPI, *character).is_some()))?;
    component(n.starts_with(b"QZ"))?;
    checksum(hybrid(&n, UPI))
}

/// Neither vowels nor Y.
const UPI: &str = "0123456789BCDFGHJKLMNPQRSTVWXZ";

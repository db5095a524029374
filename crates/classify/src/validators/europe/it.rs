//! Italy and San Marino.

use crate::validators::checksum::luhn;
use crate::validators::date::{date_of_unknown_century, two};
use crate::validators::format::{Check, Format, Invalid, Kind, checksum, component, length, shape};
use crate::validators::text::{Characters, Compact, digits_after, place};

pub(super) const FORMATS: &[Format] = &[
    Format::new(
        "it.aic",
        Kind::Article,
        aic,
        "Italian drug authorisation code (AIC)",
        "AIFA; Ministry of Health",
    )
    .checked(),
    Format::new(
        "it.codicefiscale",
        Kind::Person,
        codicefiscale,
        "Italian tax code (codice fiscale)",
        "DM 345/1976",
    )
    .checked()
    .dated(),
    Format::new("it.iva", Kind::Vat, iva, "Italian VAT number (partita IVA)", "Agenzia delle Entrate; VIES")
        .checked(),
    Format::new("sm.coe", Kind::Tax, coe, "San Marino tax number (COE)", "Segreteria di Stato"),
];

/// Base 32 of the bar codes on packages: no vowels.
const PACKAGE: &str = "0123456789BCDFGHJKLMNPQRSTUVWXYZ";

fn aic(text: &str) -> Check {
    let compact = Compact::new(text, "")?;
    let n = compact.strip_prefix(b"A").filter(|rest| rest.len() == 9).unwrap_or(&compact);
    if n.len() == 9 {
        return is_aic(n);
    }
    length(n.len() == 6)?;
    let mut number = 0_u64;
    for character in n {
        number = number * 32 + u64::from(place(PACKAGE, *character).ok_or(Invalid::Format)?);
    }
    let mut decimal = [b'0'; 10];
    for digit in decimal.iter_mut().rev() {
        *digit += (number % 10) as u8;
        number /= 10;
    }
    component(decimal.at(0) == b'0')?;
    is_aic(decimal.part(1..))
}

fn is_aic(n: &[u8]) -> Check {
    shape(n.is_digits())?;
    component(n.at(0) == b'0')?;
    let sum: u32 = (0..8)
        .map(|index| {
            let product = n.digit(index) * if index % 2 == 0 { 1 } else { 2 };
            product / 10 + product % 10
        })
        .sum();
    checksum(sum % 10 == n.digit(8))
}

pub(super) fn iva(text: &str) -> Check {
    let n = digits_after(text, " -:", &["IT"], 11..=11)?;
    is_iva(&n)
}

fn is_iva(n: &[u8]) -> Check {
    // The province of the office; 120, 121, 888 and 999 are offices for non-residents and San Marino.
    let office = n.part(7..10).number();
    component(n.part(..7).number() > 0)?;
    component((1..=101).contains(&office) || matches!(office, 120 | 121 | 888 | 999))?;
    checksum(luhn(n))
}

fn codicefiscale(text: &str) -> Check {
    let n = Compact::new(text, " -:")?;
    if n.len() == 11 {
        // Entities, and some persons for a time, have a number like that of the VAT.
        shape(n.is_digits())?;
        return is_iva(&n);
    }
    length(n.len() == 16)?;
    let (surname, name) = (n.part(..3), n.part(3..6));
    shape(surname.is_letters() && name.is_letters() && n.part(15..).is_letters())?;
    shape(n.part(8..9).is_letters() && n.part(11..12).is_letters())?;
    birth(&n)?;
    checksum(check_letter(n.part(..15)) == n.at(15))
}

/// Letters stand for digits where two persons would have the same code.
fn plain_digit(character: u8) -> Option<u8> {
    if character.is_ascii_digit() {
        return Some(character);
    }
    place("LMNPQRSTUV", character).map(|digit| b'0' + digit as u8)
}

fn birth(n: &[u8]) -> Check {
    let mut plain = Compact::of(b"")?;
    for index in [6, 7, 9, 10, 12, 13, 14] {
        plain.push(plain_digit(n.at(index)).ok_or(Invalid::Format)?)?;
    }
    let month = place("ABCDEHLMPRST", n.at(8)).ok_or(Invalid::Format)? + 1;
    // Women have 40 added to the day.
    let day = two(&plain, 2)?;
    component((1..=31).contains(&day) || (41..=71).contains(&day))?;
    date_of_unknown_century(two(&plain, 0)?, month, day % 40)
}

fn check_letter(n: &[u8]) -> u8 {
    const ODD: [u32; 26] =
        [1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23];
    let sum: u32 = n
        .iter()
        .enumerate()
        .map(|(index, character)| {
            let base = if character.is_ascii_digit() { b'0' } else { b'A' };
            let value = character.saturating_sub(base);
            if index % 2 == 0 {
                ODD.get(usize::from(value)).copied().unwrap_or_default()
            } else {
                u32::from(value)
            }
        })
        .sum();
    b'A' + (sum % 26) as u8
}

fn coe(text: &str) -> Check {
    let n = digits_after(text, " .", &["SM"], 1..=5)?;
    component(n.number() > 0)
}

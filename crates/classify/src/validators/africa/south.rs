//! Kenya, Mauritius, Mozambique, South Africa.

use crate::validators::checksum::{complement, luhn};
use crate::validators::date::{date_of_unknown_century, triple};
use crate::validators::format::{Check, Format, Kind, checksum, component, length, shape};
use crate::validators::text::{Characters, Compact, digits, letter};

pub(super) const FORMATS: &[Format] = &[
    Format::new("ke.pin", Kind::Tax, ke_pin, "Kenyan tax number (PIN)", "KRA"),
    Format::new(
        "mu.nid",
        Kind::Person,
        mu_nid,
        "Mauritian national number",
        "Mauritius National Identity Card",
    )
    .checked()
    .dated(),
    Format::new("mz.nuit", Kind::Tax, mz_nuit, "Mozambican tax number (NUIT)", "Autoridade Tributaria")
        .checked(),
    Format::new(
        "za.idnr",
        Kind::Person,
        za_idnr,
        "South African identity number",
        "Department of Home Affairs",
    )
    .checked()
    .dated(),
    Format::new("za.tin", Kind::Tax, za_tin, "South African tax number (TIN)", "SARS").checked(),
];

fn ke_pin(text: &str) -> Check {
    let n = Compact::new(text, " -")?;
    length(n.len() == 11)?;
    // Persons, and others.
    shape(matches!(n.at(0), b'A' | b'P') && n.part(1..10).is_digits() && n.part(10..).is_letters())
}

fn mu_nid(text: &str) -> Check {
    let n = Compact::new(text, " -")?;
    length(n.len() == 14)?;
    shape(n.part(..1).is_letters() && n.part(1..13).is_digits() && n.end().is_ascii_alphanumeric())?;
    let (day, month, year) = triple(&n, 1)?;
    date_of_unknown_century(year, month, day)?;
    let sum = n.weighted(&[14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2]);
    checksum(letter("0123456789ABCDEFG", complement(sum, 17)) == n.end())
}

fn mz_nuit(text: &str) -> Check {
    let n = digits(text, " -.", 9..=9)?;
    let rest = n.weighted(&[8, 9, 4, 5, 6, 7, 8, 9]) % 11;
    checksum(letter("01234567891", rest) == n.at(8))
}

fn za_idnr(text: &str) -> Check {
    let n = digits(text, " ", 13..=13)?;
    let (year, month, day) = triple(&n, 0)?;
    date_of_unknown_century(year, month, day)?;
    // Citizens, permanent residents, refugees.
    component((b'0'..=b'2').contains(&n.at(10)))?;
    checksum(luhn(&n))
}

fn za_tin(text: &str) -> Check {
    let n = digits(text, " -/", 10..=10)?;
    component(b"01239".contains(&n.at(0)))?;
    checksum(luhn(&n))
}

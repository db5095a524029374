//! Denmark, Estonia, the Faroe Islands, Greece, Croatia, Hungary.

use crate::validators::checksum::{luhn, mod_11_10, personal_11, twofold_11};
use crate::validators::date::{birthday, date, date_of_unknown_century, triple};
use crate::validators::format::{Check, Format, Kind, checksum, component, shape};
use crate::validators::text::{Characters, Compact, digits, digits_after};

pub(super) const FORMATS: &[Format] = &[
    Format::new(
        "dk.cpr",
        Kind::Person,
        cpr,
        "Danish personal number (CPR)",
        "CPR office; modulus 11 ended in 2007",
    )
    .dated(),
    Format::new("dk.cvr", Kind::Vat, cvr, "Danish company and VAT number (CVR)", "VIES").checked(),
    Format::new("ee.ik", Kind::Person, ik, "Estonian personal code", "EVS 585").checked().dated(),
    Format::new(
        "ee.registrikood",
        Kind::Company,
        registrikood,
        "Estonian register code",
        "Business Register",
    )
    .checked(),
    Format::new("ee.kmkr", Kind::Vat, kmkr, "Estonian VAT number (KMKR)", "VIES").checked(),
    Format::new("fo.vn", Kind::Tax, vn, "Faroese tax number (V-number)", "TAKS"),
    Format::new("gr.amka", Kind::Person, amka, "Greek social security number (AMKA)", "IDIKA")
        .checked()
        .dated(),
    Format::new("gr.vat", Kind::Vat, gr_vat, "Greek VAT number (AFM)", "VIES").checked(),
    Format::new(
        "hr.oib",
        Kind::Person,
        oib,
        "Croatian personal and company number (OIB)",
        "Tax Administration",
    )
    .checked(),
    Format::new("hu.anum", Kind::Vat, anum, "Hungarian VAT number", "VIES").checked(),
    Format::new("hu.taj", Kind::Health, taj, "Hungarian social security number (TAJ)", "Act XX of 1996")
        .checked(),
    Format::new("hu.adoazonosito", Kind::Tax, hu_tin, "Hungarian tax number of a person", "Act XX of 1996")
        .checked()
        .dated(),
    Format::new("hu.personal", Kind::Person, hu_personal, "Hungarian personal number", "Act XX of 1996")
        .checked()
        .dated(),
];

fn cpr(text: &str) -> Check {
    let n = digits(text, " -", 10..=10)?;
    let (day, month, year) = triple(&n, 0)?;
    // The seventh digit tells the century.
    let century = match (n.at(6), year) {
        (b'0'..=b'3', _) | (b'4' | b'9', 37..) => 1900,
        (b'4' | b'9', _) | (_, ..=57) => 2000,
        _ => 1800,
    };
    birthday(century + year, month, day)
}

pub(super) fn cvr(text: &str) -> Check {
    let n = digits_after(text, " -.,/:", &["DK"], 8..=8)?;
    shape(n.at(0) != b'0')?;
    checksum(n.weighted(&[2, 7, 6, 5, 4, 3, 2, 1]) % 11 == 0)
}

fn ik(text: &str) -> Check {
    let n = digits(text, " ", 11..=11)?;
    let (year, month, day) = triple(&n, 1)?;
    let century = n.digit(0);
    component((1..=8).contains(&century))?;
    date(1700 + century.div_ceil(2) * 100 + year, month, day)?;
    checksum(personal_11(&n) == n.digit(10))
}

fn registrikood(text: &str) -> Check {
    let n = digits(text, " ", 8..=8)?;
    component(b"1789".contains(&n.at(0)))?;
    checksum(twofold_11(&n, &[1, 2, 3, 4, 5, 6, 7], &[3, 4, 5, 6, 7, 8, 9]) == n.digit(7))
}

pub(super) fn kmkr(text: &str) -> Check {
    let n = digits_after(text, " ", &["EE"], 9..=9)?;
    checksum(n.weighted(&[3, 7, 1, 3, 7, 1, 3, 7, 1]) % 10 == 0)
}

fn vn(text: &str) -> Check {
    digits_after(text, " -.", &["FO"], 6..=6).map(|_| ())
}

fn amka(text: &str) -> Check {
    let n = digits(text, " ", 11..=11)?;
    let (day, month, year) = triple(&n, 0)?;
    date_of_unknown_century(year, month, day)?;
    checksum(luhn(&n))
}

pub(super) fn gr_vat(text: &str) -> Check {
    let n = digits_after(text, " -./:", &["EL", "GR"], 8..=9)?;
    let n = Compact::padded(&n, 9)?;
    checksum(n.weighted(&[256, 128, 64, 32, 16, 8, 4, 2]) % 11 % 10 == n.digit(8))
}

pub(super) fn oib(text: &str) -> Check {
    let n = digits_after(text, " -", &["HR"], 11..=11)?;
    checksum(mod_11_10(&n))
}

pub(super) fn anum(text: &str) -> Check {
    let n = digits_after(text, " -", &["HU"], 8..=8)?;
    checksum(n.weighted(&[9, 7, 3, 1, 9, 7, 3, 1]) % 10 == 0)
}

fn taj(text: &str) -> Check {
    let n = digits(text, " -", 9..=9)?;
    component(n.number() > 0)?;
    checksum(n.weighted(&[3, 7, 3, 7, 3, 7, 3, 7]) % 10 == n.digit(8))
}

fn hu_tin(text: &str) -> Check {
    let n = digits(text, " -", 10..=10)?;
    component(n.at(0) == b'8')?;
    // Five digits count the days from 1 January 1867.
    let days = n.part(1..6).number();
    let last_day = u64::from(crate::validators::LAST_YEAR - 1867 + 1) * 366;
    component(days <= last_day)?;
    checksum(n.weighted(&[1, 2, 3, 4, 5, 6, 7, 8, 9]) % 11 == n.digit(9))
}

fn hu_personal(text: &str) -> Check {
    let n = digits(text, " -", 11..=11)?;
    let (year, month, day) = triple(&n, 1)?;
    let century = match n.at(0) {
        b'1' | b'2' | b'5' | b'6' => 1900,
        // Those born from 1867 on, and since 2000.
        b'3' | b'4' | b'7' | b'8' if year >= 67 => 1800,
        b'3' | b'4' | b'7' | b'8' => 2000,
        _ => return component(false),
    };
    date(century + year, month, day)?;
    // Those born since 1997 have their digits weighted from the other end.
    let ascending = n.weighted(&[1, 2, 3, 4, 5, 6, 7, 8, 9, 10]) % 11;
    let descending = n.weighted(&[10, 9, 8, 7, 6, 5, 4, 3, 2, 1]) % 11;
    let expected = if century + year >= 1997 { descending } else { ascending };
    checksum(expected == n.digit(10))
}

//! Finland.

use crate::validators::checksum::luhn;
use crate::validators::date::{date, triple};
use crate::validators::format::{Check, Format, Kind, checksum, component, length, shape};
use crate::validators::text::{Characters, Compact, digits, digits_after, letter};

pub(super) const FORMATS: &[Format] = &[
    Format::new("fi.alv", Kind::Vat, alv, "Finnish VAT number", "VIES").checked(),
    Format::new("fi.associationid", Kind::Company, association, "Finnish association number", "PRH"),
    Format::new(
        "fi.hetu",
        Kind::Person,
        hetu,
        "Finnish personal identity code (HETU)",
        "DVV; decree 128/2010, 2023",
    )
    .checked()
    .dated(),
    Format::new("fi.veronumero", Kind::Tax, veronumero, "Finnish tax number of a worker", "Vero").checked(),
    Format::new("fi.ytunnus", Kind::Company, ytunnus, "Finnish business identity code", "PRH").checked(),
];

fn is_business(n: &[u8]) -> Check {
    checksum(n.weighted(&[7, 9, 10, 5, 8, 4, 2, 1]).is_multiple_of(11))
}

pub(super) fn alv(text: &str) -> Check {
    is_business(&digits_after(text, " -", &["FI"], 8..=8)?)
}

fn ytunnus(text: &str) -> Check {
    let n = digits(text, " -", 7..=8)?;
    is_business(&Compact::padded(&n, 8)?)
}

fn association(text: &str) -> Check {
    digits(text, " -._+", 1..=6).map(|_| ())
}

fn hetu(text: &str) -> Check {
    let n = Compact::new(text, "")?;
    length(n.len() == 11)?;
    shape(n.part(..6).is_digits() && n.part(7..10).is_digits())?;
    let (day, month, year) = triple(&n, 0)?;
    let century = match n.at(6) {
        b'+' => 1800,
        b'-' | b'U'..=b'Y' => 1900,
        b'A'..=b'F' => 2000,
        _ => return shape(false),
    };
    date(century + year, month, day)?;
    // 900 and more are temporary numbers, given out by hospitals and companies.
    component((2..900).contains(&n.part(7..10).number()))?;
    let number = n.part(..6).number() * 1000 + n.part(7..10).number();
    checksum(letter("0123456789ABCDEFHJKLMNPRSTUVWXY", (number % 31) as u32) == n.at(10))
}

fn veronumero(text: &str) -> Check {
    let n = digits(text, " ", 12..=12)?;
    checksum(luhn(&n))
}

//! Austria.

use crate::validators::checksum::luhn_digit;
use crate::validators::format::{Check, Format, Kind, checksum, component, length, shape};
use crate::validators::text::{Characters, Compact, digits};

pub(super) const FORMATS: &[Format] = &[
    Format::new("at.businessid", Kind::Company, businessid, "Austrian company register number", "Firmenbuch"),
    Format::new("at.tin", Kind::Tax, tin, "Austrian tax number", "OECD TIN sheet Austria").checked(),
    Format::new("at.uid", Kind::Vat, uid, "Austrian VAT number (UID)", "BMF, construction rules of the UID")
        .checked(),
    Format::new("at.vnr", Kind::Person, vnr, "Austrian social insurance number", "Dachverband der SV")
        .checked(),
];

fn businessid(text: &str) -> Check {
    let compact = Compact::new(text, " -./")?;
    let n = compact.without(&["FN"]);
    length((2..=7).contains(&n.len()))?;
    shape(n.body().is_digits() && n.end().is_ascii_uppercase())
}

fn tin(text: &str) -> Check {
    let n = digits(text, " -./,", 9..=9)?;
    checksum(luhn_digit(n.body()) == n.last_digit())
}

pub(super) fn uid(text: &str) -> Check {
    let compact = Compact::new(text, " -./")?;
    let n = compact.without(&["AT"]);
    let number = n.strip_prefix(b"U").unwrap_or_default();
    shape(number.is_digits())?;
    length(number.len() == 8)?;
    // Luhn's sum of the first seven digits, of which the first is not doubled, and 4.
    let sum: u32 = (0..7)
        .map(|index| {
            let product = number.digit(index) * if index % 2 == 0 { 1 } else { 2 };
            product / 10 + product % 10
        })
        .sum();
    checksum((96 - sum) % 10 == number.last_digit())
}

fn vnr(text: &str) -> Check {
    let n = digits(text, " ", 10..=10)?;
    component(n.at(0) != b'0')?;
    let rest = n.weighted(&[3, 7, 9, 0, 5, 8, 4, 2, 1, 6]) % 11;
    checksum(rest == n.digit(3))
}

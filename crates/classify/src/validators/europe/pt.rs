//! Portugal.

use crate::validators::format::{Check, Format, Kind, checksum, length, shape};
use crate::validators::text::{Characters, Compact, digits_after, value};

pub(super) const FORMATS: &[Format] = &[
    Format::new(
        "pt.cc",
        Kind::Document,
        cc,
        "Portuguese citizen card number",
        "AMA, validation of the document number",
    )
    .checked(),
    Format::new("pt.nif", Kind::Vat, nif, "Portuguese tax and VAT number (NIF)", "VIES").checked(),
];

fn cc(text: &str) -> Check {
    let n = Compact::new(text, " ")?;
    length(n.len() == 12)?;
    shape(n.part(..9).is_digits() && n.part(9..11).is_alphanumeric() && n.part(11..).is_digits())?;
    let mut sum = 0;
    for (index, character) in n.iter().rev().enumerate() {
        let value = value(*character).unwrap_or_default();
        // Doubled values lose 9 once, whatever they are.
        let doubled = if value * 2 > 9 { value * 2 - 9 } else { value * 2 };
        sum += if index % 2 == 1 { doubled } else { value };
    }
    checksum(sum % 10 == 0)
}

pub(super) fn nif(text: &str) -> Check {
    let n = digits_after(text, " -.", &["PT"], 9..=9)?;
    shape(n.at(0) != b'0')?;
    let rest = n.weighted(&[9, 8, 7, 6, 5, 4, 3, 2]) % 11;
    checksum(if rest < 2 { 0 } else { 11 - rest } == n.digit(8))
}

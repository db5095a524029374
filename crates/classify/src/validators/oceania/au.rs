//! Australia.

use crate::validators::checksum::complement;
use crate::validators::format::{Check, Format, Kind, checksum, component};
use crate::validators::text::{Characters, digits};

pub(super) const FORMATS: &[Format] = &[
    Format::new("au.abn", Kind::Company, abn, "Australian business number (ABN)", "ABR, format of the ABN")
        .checked(),
    Format::new("au.acn", Kind::Company, acn, "Australian company number (ACN)", "ASIC, ACN check digit")
        .checked(),
    Format::new("au.medicare", Kind::Health, medicare, "Australian Medicare number", "Services Australia")
        .checked(),
    Format::new("au.tfn", Kind::Tax, tfn, "Australian tax file number (TFN)", "ATO").checked(),
];

fn abn(text: &str) -> Check {
    let n = digits(text, " -", 11..=11)?;
    // One is taken from the first digit, whose weight is 10.
    let sum = n.weighted(&[10, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19]) + 79;
    component(n.at(0) != b'0')?;
    checksum(sum % 89 == 0)
}

fn acn(text: &str) -> Check {
    let n = digits(text, " -", 9..=9)?;
    checksum(complement(n.weighted(&[8, 7, 6, 5, 4, 3, 2, 1]), 10) == n.digit(8))
}

fn medicare(text: &str) -> Check {
    // The tenth digit is the issue of the card, the eleventh the person on it.
    let n = digits(text, " -/", 10..=11)?;
    component((b'2'..=b'6').contains(&n.at(0)))?;
    checksum(n.weighted(&[1, 3, 7, 9, 1, 3, 7, 9]) % 10 == n.digit(8))
}

fn tfn(text: &str) -> Check {
    let n = digits(text, " -", 8..=9)?;
    component(n.number() > 0)?;
    let sum = if n.len() == 9 {
        n.weighted(&[1, 4, 3, 7, 5, 8, 6, 9, 10])
    } else {
        n.weighted(&[10, 7, 8, 4, 6, 3, 5, 1])
    };
    checksum(sum % 11 == 0)
}

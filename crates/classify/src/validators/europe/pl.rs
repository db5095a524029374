//! Poland.

use crate::validators::date::{date, triple};
use crate::validators::format::{Check, Format, Kind, checksum, length, shape};
use crate::validators::text::{Characters, Compact, digits, digits_after};

pub(super) const FORMATS: &[Format] = &[
    Format::new("pl.nip", Kind::Vat, nip, "Polish VAT number (NIP)", "VIES").checked(),
    Format::new(
        "pl.pesel",
        Kind::Person,
        pesel,
        "Polish personal number (PESEL)",
        "Act on population records",
    )
    .checked()
    .dated(),
    Format::new("pl.regon", Kind::Company, regon, "Polish business register number (REGON)", "GUS").checked(),
    Format::new("pl.dowod", Kind::Document, dowod, "Polish identity card number", "MSWiA; ICAO 9303")
        .checked(),
    Format::new("pl.paszport", Kind::Document, paszport, "Polish passport number", "MSWiA; ICAO 9303")
        .checked(),
];

pub(super) fn nip(text: &str) -> Check {
    let n = digits_after(text, " -", &["PL"], 10..=10)?;
    checksum(n.weighted(&[6, 5, 7, 2, 3, 4, 5, 6, 7]) % 11 == n.digit(9))
}

fn pesel(text: &str) -> Check {
    let n = digits(text, " -", 11..=11)?;
    let (year, month, day) = triple(&n, 0)?;
    // The month tells the century: 80 is added for the 19th, 20 for the 21st and so on.
    let century = match month / 20 {
        4 => 1800,
        other => 1900 + other * 100,
    };
    date(century + year, month % 20, day)?;
    checksum(n.weighted(&[1, 3, 7, 9, 1, 3, 7, 9, 1, 3, 1]) % 10 == 0)
}

fn regon(text: &str) -> Check {
    let n = digits(text, " -", 9..=14)?;
    length(matches!(n.len(), 9 | 14))?;
    checksum(n.weighted(&[8, 9, 2, 3, 4, 5, 6, 7]) % 11 % 10 == n.digit(8))?;
    let local = n.weighted(&[2, 4, 8, 5, 0, 9, 7, 3, 6, 1, 2, 4, 8]) % 11 % 10;
    checksum(n.len() == 9 || local == n.digit(13))
}

fn dowod(text: &str) -> Check {
    let n = Compact::new(text, " ")?;
    length(n.len() == 9)?;
    shape(n.part(..3).is_letters() && n.part(3..).is_digits())?;
    checksum(n.weighted(&[7, 3, 1, 0, 7, 3, 1, 7, 3]) % 10 == n.digit(3))
}

fn paszport(text: &str) -> Check {
    let n = Compact::new(text, " ")?;
    length(n.len() == 9)?;
    shape(n.part(..2).is_letters() && n.part(2..).is_digits())?;
    checksum(n.weighted(&[7, 3, 0, 1, 7, 3, 1, 7, 3]) % 10 == n.digit(2))
}

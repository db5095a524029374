//! Norway.

use crate::validators::checksum::{complement, luhn};
use crate::validators::date::{birthday, triple};
use crate::validators::format::{Check, Format, Kind, checksum, component, length, shape};
use crate::validators::text::{Characters, Compact, digits};

pub(super) const FORMATS: &[Format] = &[
    Format::new("no.fodselsnummer", Kind::Person, fodselsnummer, "Norwegian birth number", "Skatteetaten")
        .checked()
        .dated(),
    Format::new("no.kontonr", Kind::Bank, account, "Norwegian bank account number", "Bits").checked(),
    Format::new("no.mva", Kind::Vat, mva, "Norwegian VAT number (MVA)", "Skatteetaten").checked(),
    Format::new("no.orgnr", Kind::Company, orgnr, "Norwegian organisation number", "Bronnoysund registers")
        .checked(),
];

fn fodselsnummer(text: &str) -> Check {
    let n = digits(text, " -", 11..=11)?;
    checksum(complement(n.weighted(&[3, 7, 6, 1, 8, 9, 4, 5, 2]), 11) == n.digit(9))?;
    checksum(complement(n.weighted(&[5, 4, 3, 2, 7, 6, 5, 4, 3, 2]), 11) == n.digit(10))?;
    let (day, month, year) = triple(&n, 0)?;
    // D numbers add 40 to the day; help numbers add 40 to the month, and test persons 80.
    let day = if day > 40 { day - 40 } else { day };
    let month = match month {
        81.. => month - 80,
        41.. => month - 40,
        _ => month,
    };
    let century = match (n.part(6..9).number(), year) {
        (..500, _) => 1900,
        (500..750, 54..) => 1800,
        (500.., ..40) => 2000,
        (900.., 40..) => 1900,
        _ => return component(false),
    };
    birthday(century + year, month, day)
}

fn account(text: &str) -> Check {
    kontonr(&digits(text, " .-", 11..=11)?)
}

/// The check digit of the eleven digits of an account.
fn kontonr(n: &[u8]) -> Check {
    // Old postal giro accounts have seven digits and another check digit.
    if n.starts_with(b"0000") {
        return checksum(luhn(n.part(4..)));
    }
    checksum(complement(n.weighted(&[5, 4, 3, 2, 7, 6, 5, 4, 3, 2]), 11) == n.digit(10))
}

fn is_orgnr(n: &[u8]) -> Check {
    checksum(complement(n.weighted(&[3, 2, 7, 6, 5, 4, 3, 2]), 11) == n.digit(8))
}

fn orgnr(text: &str) -> Check {
    is_orgnr(&digits(text, " ", 9..=9)?)
}

fn mva(text: &str) -> Check {
    let compact = Compact::new(text, " ")?;
    let n = compact.without(&["NO"]);
    let number = n.strip_suffix(b"MVA").unwrap_or_default();
    shape(number.is_digits())?;
    length(number.len() == 9)?;
    is_orgnr(number)
}

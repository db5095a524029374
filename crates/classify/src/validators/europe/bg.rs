//! Bulgaria.

use crate::validators::checksum::{complement, twofold_11};
use crate::validators::date::{date, triple};
use crate::validators::format::{Check, Format, Kind, checksum};
use crate::validators::text::{Characters, digits, digits_after};

pub(super) const FORMATS: &[Format] = &[
    Format::new(
        "bg.egn",
        Kind::Person,
        egn,
        "Bulgarian personal number (EGN)",
        "GRAO, law on civil registration",
    )
    .checked()
    .dated(),
    Format::new("bg.pnf", Kind::Person, pnf, "Bulgarian number of a foreigner (PNF, LNCh)", "NRA").checked(),
    Format::new("bg.vat", Kind::Vat, vat, "Bulgarian VAT number", "VIES; Bulstat register").checked(),
];

fn egn(text: &str) -> Check {
    let n = digits(text, " -.", 10..=10)?;
    is_egn(&n)
}

fn is_egn(n: &[u8]) -> Check {
    let (year, month, day) = triple(n, 0)?;
    match month {
        41.. => date(2000 + year, month - 40, day)?,
        21.. => date(1800 + year, month - 20, day)?,
        _ => date(1900 + year, month, day)?,
    }
    checksum(n.weighted(&[2, 4, 8, 5, 10, 9, 7, 3, 6]) % 11 % 10 == n.digit(9))
}

fn pnf(text: &str) -> Check {
    let n = digits(text, " -.", 10..=10)?;
    is_pnf(&n)
}

fn is_pnf(n: &[u8]) -> Check {
    checksum(n.weighted(&[21, 19, 17, 13, 11, 9, 7, 3, 1]) % 10 == n.digit(9))
}

pub(super) fn vat(text: &str) -> Check {
    let n = digits_after(text, " -.", &["BG"], 9..=10)?;
    if n.len() == 9 {
        return checksum(bulstat_digit(&n) == n.digit(8));
    }
    let other = complement(n.weighted(&[4, 3, 2, 7, 6, 5, 4, 3, 2]), 11);
    is_egn(&n).or_else(|_| is_pnf(&n)).or_else(|_| checksum(other == n.digit(9)))
}

fn bulstat_digit(n: &[u8]) -> u32 {
    twofold_11(n, &[1, 2, 3, 4, 5, 6, 7, 8], &[3, 4, 5, 6, 7, 8, 9, 10])
}

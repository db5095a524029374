//! Western and Central Asia: the Emirates, Iran, Kazakhstan, Kuwait, Oman, Saudi Arabia.

use crate::validators::checksum::{luhn, mod_11_2};
use crate::validators::date::{date, date_of_unknown_century, triple};
use crate::validators::format::{Check, Format, Kind, checksum, component, length, shape};
use crate::validators::text::{Characters, Compact, digits};

pub(super) const FORMATS: &[Format] = &[
    Format::new("ae.eid", Kind::Person, eid, "Emirates identity number", "ICP").checked(),
    Format::new("ir.nid", Kind::Person, nid, "Iranian national code", "Sabte Ahval").checked(),
    Format::new("kw.civil", Kind::Person, civil, "Kuwaiti civil number", "PACI").checked().dated(),
    Format::new("kz.bin", Kind::Company, bin, "Kazakh business number (BIN)", "Decree 853/2003").checked(),
    Format::new("kz.iin", Kind::Person, iin, "Kazakh individual number (IIN)", "Decree 853/2003")
        .checked()
        .dated(),
    Format::new("om.vat", Kind::Vat, om_vat, "Omani VAT number", "Tax Authority").checked(),
    Format::new("sa.nid", Kind::Person, sa_nid, "Saudi national and residence number", "Absher").checked(),
];

fn eid(text: &str) -> Check {
    let n = digits(text, " -", 15..=15)?;
    // The country's ISO 3166-1 number and the year of birth.
    component(
        n.starts_with(b"784")
            && (1900..=u64::from(crate::validators::LAST_YEAR)).contains(&n.part(3..7).number()),
    )?;
    checksum(luhn(&n))
}

fn nid(text: &str) -> Check {
    let n = digits(text, " -", 10..=10)?;
    component(!n.is_repetition())?;
    let rest = n.weighted(&[10, 9, 8, 7, 6, 5, 4, 3, 2]) % 11;
    checksum(if rest < 2 { rest } else { 11 - rest } == n.digit(9))
}

fn civil(text: &str) -> Check {
    let n = digits(text, " -", 12..=12)?;
    let (year, month, day) = triple(&n, 1)?;
    component(matches!(n.at(0), b'1' | b'2' | b'3'))?;
    date(1700 + n.digit(0) * 100 + year, month, day)?;
    let check = 11 - n.weighted(&[2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2]) % 11;
    checksum(check == n.digit(11))
}

/// The check digit of both Kazakh numbers: a sum by 11, and when that leaves 10 another; 10 is not given out.
fn kazakh(n: &[u8]) -> Check {
    let first = n.weighted(&[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]) % 11;
    let second = n.weighted(&[3, 4, 5, 6, 7, 8, 9, 10, 11, 1, 2]) % 11;
    checksum(if first < 10 { first } else { second } == n.digit(11))
}

fn iin(text: &str) -> Check {
    let n = digits(text, " ", 12..=12)?;
    let (year, month, day) = triple(&n, 0)?;
    match n.at(6) {
        // The 19th century to the 21st, and 0 for foreigners.
        b'1'..=b'6' => date(1700 + n.digit(6).div_ceil(2) * 100 + year, month, day)?,
        b'0' => date_of_unknown_century(year, month, day)?,
        _ => return component(false),
    }
    kazakh(&n)
}

fn bin(text: &str) -> Check {
    let n = digits(text, " ", 12..=12)?;
    // Month of the registration, kind of entity, and whether it is the head or a branch.
    component((1..=12).contains(&n.part(2..4).number()))?;
    component((b'4'..=b'6').contains(&n.at(4)) && n.at(5) <= b'4')?;
    kazakh(&n)
}

fn om_vat(text: &str) -> Check {
    let compact = Compact::new(text, " ")?;
    let n = compact.strip_prefix(b"OM").unwrap_or_default();
    shape(n.body().is_digits())?;
    length(n.len() == 10)?;
    // Eleven or twelve in front does not count.
    checksum(mod_11_2(n.part(2..)))
}

fn sa_nid(text: &str) -> Check {
    let n = digits(text, " -", 10..=10)?;
    // Citizens, and residents.
    component(matches!(n.at(0), b'1' | b'2'))?;
    checksum(luhn(&n))
}

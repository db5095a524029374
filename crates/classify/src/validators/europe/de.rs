//! Germany.

use crate::validators::checksum::{mod_11_10, mod_97_10};
use crate::validators::format::{Check, Format, Invalid, Kind, checksum, component, length, shape};
use crate::validators::text::{Characters, Compact, digits, digits_after};

pub(super) const FORMATS: &[Format] = &[
    Format::new("de.idnr", Kind::Tax, idnr, "German tax identification number", "BZSt; AO section 139b")
        .checked(),
    Format::new(
        "de.stnr",
        Kind::Tax,
        stnr,
        "German tax number (Steuernummer)",
        "ELSTER; check digits differ by office",
    ),
    Format::new("de.vat", Kind::Vat, vat, "German VAT number", "BZSt").checked(),
    Format::new("de.wkn", Kind::Security, wkn, "German securities number (WKN)", "WM Datenservice"),
    Format::new(
        "de.leitweg",
        Kind::Reference,
        leitweg,
        "German e-invoice route (Leitweg-ID)",
        "KoSIT, Leitweg-ID 2.0",
    )
    .checked(),
    Format::new(
        "de.personalausweis",
        Kind::Document,
        identity_card,
        "German identity card number",
        "PAuswV; ICAO 9303",
    )
    .checked(),
    Format::new("de.reisepass", Kind::Document, passport, "German passport number", "PassV; ICAO 9303")
        .checked(),
    Format::new(
        "de.fuehrerschein",
        Kind::Document,
        driving_licence,
        "German driving licence number",
        "FeV annex 8",
    )
    .checked(),
    Format::new("de.svnr", Kind::Person, pension, "German pension insurance number", "VKVV section 2")
        .checked()
        .dated(),
    Format::new(
        "de.kvnr",
        Kind::Health,
        health,
        "German health insurance number (KVNR)",
        "SGB V section 290",
    )
    .checked(),
];

fn idnr(text: &str) -> Check {
    let n = digits(text, " -./,", 11..=11)?;
    shape(n.at(0) != b'0')?;
    shape(repeats_once(n.part(..10)))?;
    checksum(mod_11_10(&n))
}

/// Of the first ten digits exactly one occurs twice, or three times but not in a row.
fn repeats_once(n: &[u8]) -> bool {
    let mut counts = [0_u32; 10];
    for character in n {
        if let Some(count) = counts.get_mut(usize::from(character - b'0')) {
            *count += 1;
        }
    }
    let repeated = counts.iter().filter(|count| **count > 1).count();
    let most = counts.iter().max().copied().unwrap_or_default();
    repeated == 1 && most <= 3 && !n.windows(3).any(|three| three.is_repetition())
}

/// The forms of the states: `F` is the tax office, `B` the district, `U` the number and `P` the check digit; other
/// characters stand for themselves. Three lines: ten digits, eleven digits, and thirteen as ELSTER writes them.
const TAX_NUMBERS: &str = "\
FFBBBUUUUP \
FFFBBBUUUUP 0FFBBBUUUUP FFFBBBBUUUP 2FFBBBUUUUP 1FFBBBUUUUP \
28FF0BBBUUUUP 9FFF0BBBUUUUP 11FF0BBBUUUUP 30FF0BBBUUUUP 24FF0BBBUUUUP 22FF0BBBUUUUP 26FF0BBBUUUUP 40FF0BBBUUUUP \
23FF0BBBUUUUP 5FFF0BBBBUUUP 27FF0BBBUUUUP 10FF0BBBUUUUP 32FF0BBBUUUUP 31FF0BBBUUUUP 21FF0BBBUUUUP 41FF0BBBUUUUP";

fn stnr(text: &str) -> Check {
    let n = digits(text, " -./,", 1..=20)?;
    length(matches!(n.len(), 10 | 11 | 13))?;
    shape(TAX_NUMBERS.split_ascii_whitespace().any(|form| follows(&n, form)))
}

fn follows(n: &[u8], form: &str) -> bool {
    n.len() == form.len()
        && n.iter().zip(form.bytes()).all(|(digit, place)| !place.is_ascii_digit() || *digit == place)
}

pub(super) fn vat(text: &str) -> Check {
    let n = digits_after(text, " -./,", &["DE"], 9..=9)?;
    shape(n.at(0) != b'0')?;
    checksum(mod_11_10(&n))
}

fn wkn(text: &str) -> Check {
    let n = Compact::new(text, " ")?;
    length(n.len() == 6)?;
    shape(n.is_alphanumeric() && !n.contains(&b'I') && !n.contains(&b'O'))
}

fn leitweg(text: &str) -> Check {
    let n = Compact::new(text, " ")?;
    let mut parts = n.split(|character| *character == b'-');
    let coarse = parts.next().unwrap_or_default();
    let check = n.part(n.len().saturating_sub(2)..);
    let fine = parts.next().unwrap_or_default();
    let is_short = parts.next().is_none();
    length(n.len() <= 46 && coarse.len() <= 12 && fine.len() <= 30)?;
    shape(coarse.len() >= 2 && coarse.is_digits() && check.is_digits())?;
    shape(n.iter().all(|character| *character == b'-' || character.is_ascii_alphanumeric()))?;
    let dashes = n.iter().filter(|character| **character == b'-').count();
    shape(n.at(n.len().saturating_sub(3)) == b'-' && dashes == if is_short { 1 } else { 2 })?;
    // The states of the official municipality key, and the federation.
    let state = coarse.part(..2).number();
    component((1..=16).contains(&state) || state == 99)?;
    let plain = Compact::new(text, " -")?;
    checksum(mod_97_10(&plain))
}

/// The weights 7, 3, 1 of machine-readable documents.
fn document_digit(n: &[u8]) -> u32 {
    n.weighted(&[7, 3, 1, 7, 3, 1, 7, 3, 1]) % 10
}

/// Letters that can not be taken for vowels or digits.
const SERIAL: &[u8] = b"0123456789CFGHJKLMNPRTVWXYZ";

fn serial(text: &str, authorities: &[u8]) -> Check {
    let compact = Compact::new(text, " ")?;
    let n = compact.strip_suffix(b"D").unwrap_or(&compact);
    length((9..=10).contains(&n.len()))?;
    shape(n.part(..9).iter().all(|character| SERIAL.contains(character)))?;
    component(authorities.contains(&n.at(0)))?;
    // Without its tenth character there is nothing to verify.
    let check = n.get(9).ok_or(Invalid::Length)?;
    shape(check.is_ascii_digit())?;
    checksum(document_digit(n) == n.digit(9))
}

fn identity_card(text: &str) -> Check {
    let old = Compact::new(text, " ")?;
    let n = old.strip_suffix(b"D").unwrap_or(&old);
    if n.is_digits() && n.len() == 10 {
        return checksum(document_digit(n) == n.digit(9));
    }
    serial(text, b"LMNPRTVWXY")
}

fn passport(text: &str) -> Check {
    serial(text, b"CFGHJK")
}

fn driving_licence(text: &str) -> Check {
    let n = Compact::new(text, " ")?;
    length(n.len() == 11)?;
    shape(n.is_alphanumeric() && n.part(1..3).is_digits())?;
    let rest = n.weighted(&[9, 8, 7, 6, 5, 4, 3, 2, 1]) % 11;
    let check = if rest == 10 { b'X' } else { b'0' + rest as u8 };
    checksum(n.at(9) == check)
}

fn pension(text: &str) -> Check {
    let n = Compact::new(text, " ")?;
    length(n.len() == 12)?;
    shape(n.part(..8).is_digits() && n.part(8..9).is_letters() && n.part(9..).is_digits())?;
    let (day, month, year) = crate::validators::date::triple(&n, 2)?;
    // 50 is added to the day when the numbers of a day have run out.
    let day = if day > 50 { day - 50 } else { day };
    crate::validators::date::date_of_unknown_century(year, month, day)?;
    let letter = n.digit(8) - 9;
    let mut sum = digit_sum(n.digit(0) * 2) + digit_sum(n.digit(1));
    for (index, weight) in [2, 5, 7, 1, 2, 1].into_iter().enumerate() {
        sum += digit_sum(n.digit(index + 2) * weight);
    }
    sum += digit_sum(letter / 10 * 2) + digit_sum(letter % 10);
    sum += digit_sum(n.digit(9) * 2) + digit_sum(n.digit(10));
    checksum(sum % 10 == n.digit(11))
}

fn digit_sum(number: u32) -> u32 {
    number / 10 + number % 10
}

fn health(text: &str) -> Check {
    let n = Compact::new(text, " ")?;
    length(n.len() == 10)?;
    shape(n.part(..1).is_letters() && n.part(1..).is_digits())?;
    let letter = n.digit(0) - 9;
    let mut sum = digit_sum(letter / 10) + digit_sum(letter % 10 * 2);
    for index in 1..9 {
        sum += digit_sum(n.digit(index) * if index % 2 == 0 { 2 } else { 1 });
    }
    checksum(sum % 10 == n.digit(9))
}

//! Romania.

use crate::validators::date::{date, is_day, triple};
use crate::validators::format::{Check, Format, Invalid, Kind, checksum, component, length, shape};
use crate::validators::text::{Characters, Compact, digits_after};

pub(super) const FORMATS: &[Format] = &[
    Format::new("ro.cf", Kind::Vat, cf, "Romanian VAT number (CF)", "VIES: CUI or CNP").checked(),
    Format::new("ro.cnp", Kind::Person, cnp, "Romanian personal number (CNP)", "Law 105/1996")
        .checked()
        .dated(),
    Format::new("ro.cui", Kind::Company, cui, "Romanian company number (CUI)", "ANAF").checked(),
    Format::new("ro.onrc", Kind::Company, onrc, "Romanian trade register number (ONRC)", "ONRC; order 2024")
        .dated(),
];

fn cnp(text: &str) -> Check {
    let n = digits_after(text, " -", &[], 13..=13)?;
    is_cnp(&n)
}

fn is_cnp(n: &[u8]) -> Check {
    let (year, month, day) = triple(n, 1)?;
    let century = match n.at(0) {
        b'1' | b'2' => 1900,
        b'3' | b'4' => 1800,
        b'5' | b'6' => 2000,
        b'7'..=b'9' => 1900,
        _ => return component(false),
    };
    // Residents and foreigners have digits of their own, which do not tell the century.
    let is_possible = n.at(0) >= b'7' && is_day(2000 + year, month, day);
    date(century + year, month, day).or_else(|error| if is_possible { Ok(()) } else { Err(error) })?;
    // Counties, the sectors of Bucharest, and the diplomatic missions.
    let county = n.part(7..9).number();
    component((1..=48).contains(&county) || (51..=52).contains(&county) || matches!(county, 70 | 80..=83))?;
    let rest = n.weighted(&[2, 7, 9, 1, 4, 6, 3, 5, 8, 2, 7, 9]) % 11;
    checksum(if rest == 10 { 1 } else { rest } == n.digit(12))
}

fn cui(text: &str) -> Check {
    let n = digits_after(text, " -", &["RO"], 2..=10)?;
    is_cui(&n)
}

fn is_cui(n: &[u8]) -> Check {
    shape(n.at(0) != b'0')?;
    let padded = Compact::padded(n, 10)?;
    let sum = padded.weighted(&[7, 5, 3, 2, 1, 7, 5, 3, 2]) * 10;
    checksum(sum % 11 % 10 == padded.digit(9))
}

pub(super) fn cf(text: &str) -> Check {
    let n = digits_after(text, " -", &["RO"], 2..=13)?;
    length(n.len() == 13 || n.len() <= 10)?;
    if n.len() == 13 { is_cnp(&n) } else { is_cui(&n) }
}

/// Counties of the trade register; 51 and 52 came later.
fn county(number: u64) -> bool {
    (1..=40).contains(&number) || matches!(number, 51 | 52)
}

fn onrc(text: &str) -> Check {
    let n = Compact::new(text, "")?;
    shape(matches!(n.at(0), b'J' | b'F' | b'C'))?;
    let rest = n.part(1..);
    if rest.len() == 13 && rest.is_digits() { joined(&n) } else { parted(rest) }
}

/// The form until 2024: county, number and year, with a date in place of the year in old entries.
fn parted(rest: &[u8]) -> Check {
    let is_separator = |character: &u8| b" /-".contains(character);
    let mut fields = rest.split(is_separator).filter(|field| !field.is_empty());
    let (Some(place), Some(number), Some(year)) = (fields.next(), fields.next(), fields.next()) else {
        return Err(Invalid::Format);
    };
    shape(fields.next().is_none() && place.is_digits() && number.is_digits())?;
    length(place.len() <= 2 && number.len() <= 5)?;
    component(county(place.number()))?;
    let year = if year.at(2) == b'.' && year.at(5) == b'.' { dotted(year)? } else { year };
    shape(year.is_digits())?;
    length(year.len() == 4)?;
    component((1990..=2024).contains(&year.number()))
}

/// The year of a date with dots.
fn dotted(written: &[u8]) -> Result<&[u8], Invalid> {
    let (day, month, year) = (written.part(..2), written.part(3..5), written.part(6..));
    shape(day.is_digits() && month.is_digits() && year.is_digits())?;
    date(year.number() as u32, month.number() as u32, day.number() as u32)?;
    Ok(year)
}

/// The form since 2024: year, number, county and check digit. New entries have no county.
fn joined(n: &[u8]) -> Check {
    let (year, place) = (n.part(1..5).number(), n.part(11..13).number());
    component((1990..=u64::from(crate::validators::LAST_YEAR)).contains(&year))?;
    component(match year {
        ..2024 => county(place),
        2024 => county(place) || place == 0,
        _ => place == 0,
    })?;
    checksum(check_digit(n) == n.digit(13))
}

/// The digit sum, to which the letter adds the last digit of its ASCII code.
fn check_digit(n: &[u8]) -> u32 {
    (u32::from(n.at(0)) + n.part(1..13).digit_sum()) % 10
}

//! China, Hong Kong and Taiwan.

use crate::validators::checksum::{complement, mod_11_2};
use crate::validators::date::{date, four, two};
use crate::validators::format::{Check, Format, Invalid, Kind, checksum, component, length, shape};
use crate::validators::text::{Characters, Compact, digits, listed, place};

pub(super) const FORMATS: &[Format] = &[
    Format::new(
        "cn.ric",
        Kind::Person,
        ric,
        "Chinese resident identity number",
        "GB 11643; province of GB/T 2260",
    )
    .checked()
    .dated(),
    Format::new("cn.uscc", Kind::Company, uscc, "Chinese unified social credit identifier", "GB 32100")
        .checked(),
    Format::new(
        "hk.hkid",
        Kind::Person,
        hkid,
        "Hong Kong identity card number (HKID)",
        "Immigration Department",
    )
    .checked(),
    Format::new(
        "tw.id",
        Kind::Person,
        tw_id,
        "Taiwanese national and residence number",
        "Ministry of the Interior",
    )
    .checked(),
    Format::new("tw.ubn", Kind::Company, ubn, "Taiwanese business number (UBN)", "Ministry of Finance, 2023")
        .checked(),
];

/// Provinces and what ranks with them; 91 is for foreigners with permanent residence of the older kind.
const PROVINCES: &str = "11 12 13 14 15 21 22 23 31 32 33 34 35 36 37 41 42 43 44 45 46 50 51 52 53 54 61 62 63 64 65 71 \
81 82 83 91";

fn ric(text: &str) -> Check {
    let n = Compact::new(text, " -")?;
    length(n.len() == 18)?;
    shape(n.part(..17).is_digits() && (n.at(17).is_ascii_digit() || n.at(17) == b'X'))?;
    component(listed(PROVINCES, n.part(..2)) && n.part(2..6).number() > 0)?;
    let year = four(&n, 6)?;
    component(year >= 1850)?;
    date(year, two(&n, 10)?, two(&n, 12)?)?;
    checksum(mod_11_2(&n))
}

/// No letters that look like digits.
const CREDIT: &str = "0123456789ABCDEFGHJKLMNPQRTUWXY";

fn uscc(text: &str) -> Check {
    let n = Compact::new(text, " -")?;
    length(n.len() == 18)?;
    // Register, kind and place of registration.
    shape(n.part(1..8).is_digits())?;
    let mut sum = 0;
    let mut weight = 1;
    for character in n.body() {
        sum += place(CREDIT, *character).ok_or(Invalid::Format)? * weight;
        weight = weight * 3 % 31;
    }
    let check = place(CREDIT, n.end()).ok_or(Invalid::Format)?;
    checksum(complement(sum, 31) == check)
}

fn hkid(text: &str) -> Check {
    let n = Compact::new(text, " ()-")?;
    length(matches!(n.len(), 8 | 9))?;
    let letters = n.len() - 7;
    shape(n.part(..letters).is_letters() && n.part(letters..letters + 6).is_digits())?;
    shape(n.end().is_ascii_digit() || n.end() == b'A')?;
    // A missing first letter counts as a blank, which is worth 36.
    let blank = if letters == 1 { 36 * 9 } else { 0 };
    let weights: &[u32] = if letters == 1 { &[8, 7, 6, 5, 4, 3, 2, 1] } else { &[9, 8, 7, 6, 5, 4, 3, 2, 1] };
    checksum((blank + n.weighted(weights)) % 11 == 0)
}

fn tw_id(text: &str) -> Check {
    let n = Compact::new(text, " ")?;
    length(n.len() == 10)?;
    shape(n.part(..1).is_letters() && n.part(2..).is_digits())?;
    // Men and women; foreigners since 2021, and before that as letters.
    shape(matches!(n.at(1), b'1' | b'2' | b'8' | b'9' | b'A'..=b'D'))?;
    const COUNTIES: &str = "ABCDEFGHJKLMNPQRSTUVXYWZIO";
    let code = |character: u8| place(COUNTIES, character).map(|index| index + 10).unwrap_or_default();
    let county = code(n.at(0));
    let second = if n.at(1).is_ascii_digit() { n.digit(1) } else { code(n.at(1)) % 10 };
    let sum = county / 10 + county % 10 * 9 + second * 8 + n.part(2..).weighted(&[7, 6, 5, 4, 3, 2, 1, 1]);
    checksum(sum % 10 == 0)
}

fn ubn(text: &str) -> Check {
    let n = digits(text, " -", 8..=8)?;
    component(n.number() > 0)?;
    let products = n.iter().zip([1, 2, 1, 2, 1, 2, 4, 1]);
    let sum: u32 = products.map(|(character, weight)| digit_sum(u32::from(character - b'0') * weight)).sum();
    // Seven times four is 28, whose digit sum of 10 may count as 1 as well.
    checksum(sum.is_multiple_of(5) || (sum % 5 == 4 && n.at(6) == b'7'))
}

fn digit_sum(number: u32) -> u32 {
    number / 10 + number % 10
}

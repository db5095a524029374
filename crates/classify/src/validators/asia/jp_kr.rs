//! Japan and South Korea.

use crate::validators::date::{birthday, triple};
use crate::validators::format::{Check, Format, Kind, checksum, component};
use crate::validators::text::{Characters, digits};

pub(super) const FORMATS: &[Format] = &[
    Format::new("jp.cn", Kind::Company, cn, "Japanese corporate number", "National Tax Agency").checked(),
    Format::new(
        "jp.in_",
        Kind::Person,
        individual,
        "Japanese individual number (My Number)",
        "MIC ordinance 85/2014",
    )
    .checked(),
    Format::new(
        "kr.brn",
        Kind::Company,
        brn,
        "South Korean business number (BRN)",
        "National Tax Service; its check digit is not verified, as numbers in public use break it",
    ),
    Format::new(
        "kr.rrn",
        Kind::Person,
        rrn,
        "South Korean resident number (RRN)",
        "Ministry of the Interior; numbers given out since October 2020 have no check digit and are refused",
    )
    .checked()
    .dated(),
];

fn cn(text: &str) -> Check {
    let n = digits(text, "- ", 13..=13)?;
    let sum = n.part(1..).weighted(&[2, 1, 2, 1, 2, 1, 2, 1, 2, 1, 2, 1]);
    checksum(9 - sum % 9 == n.digit(0))
}

fn individual(text: &str) -> Check {
    let n = digits(text, "- ", 12..=12)?;
    let rest = n.weighted(&[6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2]) % 11;
    checksum(if rest < 2 { 0 } else { 11 - rest } == n.digit(11))
}

fn brn(text: &str) -> Check {
    let n = digits(text, " -", 10..=10)?;
    // Tax office, kind of business, serial number.
    component(n.part(..3).number() >= 101 && n.part(3..5).number() > 0 && n.part(5..9).number() > 0)
}

fn rrn(text: &str) -> Check {
    let n = digits(text, "- ", 13..=13)?;
    let (year, month, day) = triple(&n, 0)?;
    let century = match n.at(6) {
        b'1' | b'2' | b'5' | b'6' => 1900,
        b'3' | b'4' | b'7' | b'8' => 2000,
        _ => 1800,
    };
    birthday(century + year, month, day)?;
    // Codes of places go up to 96.
    component(n.part(7..9).number() <= 96)?;
    let rest = n.weighted(&[2, 3, 4, 5, 6, 7, 8, 9, 2, 3, 4, 5]) % 11;
    checksum((11 - rest) % 10 == n.digit(12))
}

//! The personal number of Yugoslavia (JMBG), which its successors keep under their own names.

use crate::validators::checksum::complement;
use crate::validators::date::{date, two};
use crate::validators::format::{Check, Format, Kind, checksum, component};
use crate::validators::text::{Characters, digits};

pub(super) const FORMATS: &[Format] = &[
    Format::new(
        "ba.jmbg",
        Kind::Person,
        ba,
        "Bosnian personal number (JMBG)",
        "Act on JMBG; regions 10 to 19",
    )
    .checked()
    .dated(),
    Format::new(
        "hr.jmbg",
        Kind::Person,
        hr,
        "Croatian personal number (JMBG)",
        "Act on JMBG; regions 30 to 39",
    )
    .checked()
    .dated(),
    Format::new(
        "me.jmbg",
        Kind::Person,
        me,
        "Montenegrin personal number (JMBG)",
        "Act on JMBG; regions 20 to 29",
    )
    .checked()
    .dated(),
    Format::new(
        "mk.embg",
        Kind::Person,
        mk,
        "Macedonian personal number (EMBG)",
        "Act on EMBG; regions 40 to 49",
    )
    .checked()
    .dated(),
    Format::new(
        "rs.jmbg",
        Kind::Person,
        rs,
        "Serbian personal number (JMBG)",
        "Act on JMBG; regions 70 to 99",
    )
    .checked()
    .dated(),
    Format::new("si.emso", Kind::Person, si, "Slovenian personal number (EMSO)", "ZCRP; region 50")
        .checked()
        .dated(),
];

/// The region of registration, once date and check digit are verified.
fn region(text: &str) -> Result<u32, crate::validators::Invalid> {
    let n = digits(text, " -", 13..=13)?;
    let year = n.part(4..7).number() as u32;
    // The year without its thousands.
    let century = if year < 800 { 2000 } else { 1000 };
    date(century + year, two(&n, 2)?, two(&n, 0)?)?;
    let sum = n.weighted(&[7, 6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2]);
    checksum(complement(sum, 11) == n.digit(12))?;
    two(&n, 7)
}

/// Foreigners with temporary residence have regions below 10, everywhere.
fn of(text: &str, regions: std::ops::RangeInclusive<u32>) -> Check {
    let region = region(text)?;
    component(regions.contains(&region) || region < 10)
}

fn ba(text: &str) -> Check {
    of(text, 10..=19)
}

fn hr(text: &str) -> Check {
    of(text, 30..=39)
}

fn me(text: &str) -> Check {
    of(text, 20..=29)
}

fn mk(text: &str) -> Check {
    of(text, 40..=49)
}

fn rs(text: &str) -> Check {
    of(text, 70..=99)
}

/// Slovenia numbers those born in other republics by these too.
fn si(text: &str) -> Check {
    of(text, 10..=99)
}

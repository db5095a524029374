//! Books, music, recordings and those who make them.

use super::ean13;
use crate::validators::checksum::{mod_11_2, mod_37_36};
use crate::validators::countries::is_country;
use crate::validators::format::{Check, Format, Invalid, Kind, checksum, component, length, shape};
use crate::validators::text::{Characters, Compact, listed};

pub(super) const FORMATS: &[Format] = &[
    Format::new("grid", Kind::Work, grid, "Global release identifier (GRid)", "IFPI, GRid standard")
        .checked(),
    Format::new("isan", Kind::Work, isan, "International standard audiovisual number (ISAN)", "ISO 15706")
        .checked(),
    Format::new(
        "isbn",
        Kind::Work,
        isbn,
        "International standard book number (ISBN)",
        "ISO 2108; its ranges are not verified",
    )
    .checked(),
    Format::new("isil", Kind::Company, isil, "Identifier of a library (ISIL)", "ISO 15511"),
    Format::new("ismn", Kind::Work, ismn, "International standard music number (ISMN)", "ISO 10957")
        .checked(),
    Format::new(
        "isni",
        Kind::Person,
        isni,
        "International standard name identifier (ISNI, ORCID)",
        "ISO 27729",
    )
    .checked(),
    Format::new("isrc", Kind::Work, isrc, "International standard recording code (ISRC)", "ISO 3901"),
    Format::new("issn", Kind::Work, issn, "International standard serial number (ISSN)", "ISO 3297")
        .checked(),
];

fn grid(text: &str) -> Check {
    let compact = Compact::new(text, " -")?;
    let n = compact.without(&["GRID:"]);
    length(n.len() == 18)?;
    component(n.starts_with(b"A1"))?;
    shape(n.is_alphanumeric())?;
    checksum(mod_37_36(n))
}

fn isan(text: &str) -> Check {
    let n = Compact::new(text, " -")?;
    let n = n.without(&["ISAN"]);
    let is_hexadecimal = |part: &[u8]| part.iter().all(u8::is_ascii_hexdigit);
    // Root and episode, and a version; each half may have its check character.
    let (first, version, checks) = match n.len() {
        16 => (n.part(..16), n.part(16..), false),
        17 => (n.part(..16), n.part(17..), true),
        24 => (n.part(..16), n.part(16..), false),
        26 => (n.part(..16), n.part(17..25), true),
        _ => return Err(Invalid::Length),
    };
    shape(is_hexadecimal(first) && is_hexadecimal(version))?;
    if !checks {
        return Ok(());
    }
    checksum(mod_37_36(n.part(..17)))?;
    if version.is_empty() {
        return Ok(());
    }
    let mut whole = Compact::of(first)?;
    for character in n.part(17..) {
        whole.push(*character)?;
    }
    checksum(mod_37_36(&whole))
}

/// The check character of ten characters by 11, X standing for ten.
fn by_eleven(n: &[u8], weights: &[u32]) -> bool {
    let last = if n.end() == b'X' { 10 } else { n.last_digit() };
    (n.body().weighted(weights) + last).is_multiple_of(11)
}

fn isbn(text: &str) -> Check {
    let compact = Compact::new(text, " -")?;
    let n = compact.without(&["ISBN:", "ISBN"]);
    if n.len() == 13 {
        shape(n.is_digits())?;
        checksum(ean13(n))?;
        return component(n.starts_with(b"978") || n.starts_with(b"979"));
    }
    // Nine characters are an SBN of before 1970.
    length(matches!(n.len(), 9 | 10))?;
    let n = Compact::padded(n, 10)?;
    shape(n.body().is_digits() && (n.end().is_ascii_digit() || n.end() == b'X'))?;
    checksum(by_eleven(&n, &[10, 9, 8, 7, 6, 5, 4, 3, 2]))
}

fn issn(text: &str) -> Check {
    let n = Compact::new(text, " -")?;
    length(n.len() == 8)?;
    shape(n.body().is_digits() && (n.end().is_ascii_digit() || n.end() == b'X'))?;
    checksum(by_eleven(&n, &[8, 7, 6, 5, 4, 3, 2]))
}

/// Prefixes of the standard that are no country's.
const AGENCIES: &str = "EUR GTB M O OCLC OIC T ZDB";

fn isil(text: &str) -> Check {
    let n = Compact::new(text, "")?;
    length(n.len() <= 15)?;
    shape(n.iter().all(|one| one.is_ascii_alphanumeric() || b":/-".contains(one)))?;
    let dash = n.iter().position(|one| *one == b'-').ok_or(Invalid::Format)?;
    shape((1..=4).contains(&dash) && (1..=11).contains(&(n.len() - dash - 1)))?;
    component(is_country(n.part(..dash)) || listed(AGENCIES, n.part(..dash)))
}

fn ismn(text: &str) -> Check {
    let compact = Compact::new(text, " -.")?;
    let n = compact.without(&["ISMN"]);
    // An M in front is worth the 9790 that took its place.
    if n.len() == 10 {
        shape(n.at(0) == b'M' && n.part(1..).is_digits())?;
        let mut long = Compact::of(b"9790")?;
        for character in n.part(1..) {
            long.push(*character)?;
        }
        return checksum(ean13(&long));
    }
    length(n.len() == 13)?;
    component(n.starts_with(b"9790"))?;
    shape(n.is_digits())?;
    checksum(ean13(n))
}

fn isni(text: &str) -> Check {
    let n = Compact::new(text, " -")?;
    length(n.len() == 16)?;
    shape(n.body().is_digits() && (n.end().is_ascii_digit() || n.end() == b'X'))?;
    checksum(mod_11_2(&n))
}

/// Prefixes that are given out where the codes of a country have run out, and to members of the IFPI.
const REGISTRANTS: &str = "BC BK BP BX CB CP DG FX GX KS QM QN QT QZ UK TC YU ZZ";

fn isrc(text: &str) -> Check {
    let n = Compact::new(text, " -")?;
    length(n.len() == 12)?;
    shape(n.part(..2).is_letters() && n.part(2..5).is_alphanumeric() && n.part(5..).is_digits())?;
    component(is_country(n.part(..2)) || listed(REGISTRANTS, n.part(..2)))
}

//! The check digit algorithms themselves, for numbers that have no other rule.

use crate::validators::checksum as algorithm;
use crate::validators::format::{Check, Format, Kind, checksum, shape};
use crate::validators::text::{Characters, Compact, digits};

const LONGEST: usize = crate::validators::LONGEST;

pub(super) const FORMATS: &[Format] = &[
    Format::new("luhn", Kind::Algorithm, luhn, "Luhn's formula", "ISO/IEC 7812-1 annex B").checked(),
    Format::new("verhoeff", Kind::Algorithm, verhoeff, "Verhoeff's algorithm", "J. Verhoeff 1969").checked(),
    Format::new("damm", Kind::Algorithm, damm, "Damm's algorithm", "H. M. Damm 2004").checked(),
    Format::new("iso7064.mod_11_2", Kind::Algorithm, mod_11_2, "MOD 11-2", "ISO/IEC 7064").checked(),
    Format::new("iso7064.mod_11_10", Kind::Algorithm, mod_11_10, "MOD 11,10", "ISO/IEC 7064").checked(),
    Format::new("iso7064.mod_37_2", Kind::Algorithm, mod_37_2, "MOD 37-2", "ISO/IEC 7064").checked(),
    Format::new("iso7064.mod_37_36", Kind::Algorithm, mod_37_36, "MOD 37,36", "ISO/IEC 7064").checked(),
    Format::new("iso7064.mod_97_10", Kind::Algorithm, mod_97_10, "MOD 97-10", "ISO/IEC 7064").checked(),
];

fn of_digits(text: &str, rule: fn(&[u8]) -> bool) -> Check {
    checksum(rule(&digits(text, "", 1..=LONGEST)?))
}

fn of_characters(text: &str, rule: fn(&[u8]) -> bool) -> Check {
    let n = Compact::new(text, "")?;
    shape(n.strip_suffix(b"*").unwrap_or(&n).is_alphanumeric())?;
    checksum(rule(&n))
}

fn luhn(text: &str) -> Check {
    of_digits(text, algorithm::luhn)
}

fn verhoeff(text: &str) -> Check {
    of_digits(text, algorithm::verhoeff)
}

fn damm(text: &str) -> Check {
    of_digits(text, algorithm::damm)
}

fn mod_11_2(text: &str) -> Check {
    of_characters(text, algorithm::mod_11_2)
}

fn mod_11_10(text: &str) -> Check {
    of_digits(text, algorithm::mod_11_10)
}

fn mod_37_2(text: &str) -> Check {
    of_characters(text, algorithm::mod_37_2)
}

fn mod_37_36(text: &str) -> Check {
    of_characters(text, algorithm::mod_37_36)
}

fn mod_97_10(text: &str) -> Check {
    of_characters(text, algorithm::mod_97_10)
}

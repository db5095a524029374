//! The United Kingdom.

use crate::validators::checksum::complement;
use crate::validators::date::{is_day, triple};
use crate::validators::format::{Check, Format, Kind, checksum, component, length, shape};
use crate::validators::text::{Characters, Compact, digits, in_ranges, letter, listed};

pub(super) const FORMATS: &[Format] = &[
    Format::new("gb.nhs", Kind::Health, nhs, "National Health Service number", "NHS data dictionary")
        .checked(),
    Format::new("gb.chi", Kind::Health, chi, "Scottish community health index number", "NHS Scotland, CHI")
        .checked()
        .dated(),
    Format::new("gb.nino", Kind::Person, nino, "National insurance number", "HMRC, NIM39110"),
    Format::new(
        "gb.driver",
        Kind::Document,
        driver,
        "British driving licence number",
        "DVLA; its check is not public",
    )
    .dated(),
    Format::new("gb.sedol", Kind::Security, sedol, "SEDOL code", "London Stock Exchange, SEDOL masterfile")
        .checked(),
    Format::new("gb.upn", Kind::Person, upn, "Unique pupil number", "DfE, UPN guide").checked(),
    Format::new("gb.utr", Kind::Tax, utr, "Unique taxpayer reference", "HMRC").checked(),
    Format::new("gb.vat", Kind::Vat, vat, "British VAT number", "HMRC; VIES").checked(),
];

fn nhs(text: &str) -> Check {
    is_health(&digits(text, " -", 10..=10)?)
}

fn is_health(n: &[u8]) -> Check {
    checksum(
        complement(n.weighted(&[10, 9, 8, 7, 6, 5, 4, 3, 2]), 11) == n.digit(9) && n.at(9).is_ascii_digit(),
    )
}

fn chi(text: &str) -> Check {
    let n = digits(text, " -", 10..=10)?;
    let (day, month, year) = triple(&n, 0)?;
    component(is_day(1900 + year, month, day) || is_day(2000 + year, month, day))?;
    is_health(&n)
}

fn nino(text: &str) -> Check {
    let n = Compact::new(text, " -")?;
    length(n.len() == 9)?;
    shape(n.part(..2).is_letters() && n.part(2..8).is_digits() && n.part(8..).is_letters())?;
    component(!b"DFIQUV".contains(&n.at(0)) && !b"DFIOQUV".contains(&n.at(1)))?;
    component(!listed("BG GB KN NK NT TN ZZ", n.part(..2)) && (b'A'..=b'D').contains(&n.at(8)))
}

fn driver(text: &str) -> Check {
    let n = Compact::new(text, " ")?;
    length(matches!(n.len(), 16 | 18))?;
    // A short surname is filled up with nines.
    let nines = n.part(..5).iter().rev().take_while(|character| **character == b'9').count();
    shape(nines < 5 && n.part(..5 - nines).is_letters())?;
    shape(n.part(5..11).is_digits() && n.part(13..14).is_alphanumeric())?;
    shape(n.at(11).is_ascii_uppercase() && (n.at(12).is_ascii_uppercase() || n.at(12) == b'9'))?;
    shape(n.part(14..16).is_letters() && (n.len() == 16 || n.part(16..).is_digits()))?;
    let month = n.part(6..8).number() as u32;
    let month = if month > 50 { month - 50 } else { month };
    let (day, year) = (n.part(8..10).number() as u32, n.digit(5) * 10 + n.digit(10));
    component(is_day(1900 + year, month, day) || is_day(2000 + year, month, day))
}

fn sedol(text: &str) -> Check {
    let n = Compact::new(text, " ")?;
    length(n.len() == 7)?;
    shape(n.is_alphanumeric() && !n.iter().any(|character| b"AEIOU".contains(character)))?;
    // Codes from before 2004 have digits alone.
    shape(!n.at(0).is_ascii_digit() || n.is_digits())?;
    shape(n.at(6).is_ascii_digit())?;
    checksum(complement(n.weighted(&[1, 3, 1, 7, 3, 9]), 10) == n.digit(6))
}

/// Numbers of local authorities for education, in England and Wales; 001 to 005 stand for pupils from elsewhere.
const AUTHORITIES: &str = "201-213 301-320 330-344 350-359 370-373 380-384 390-394 420 660-681 701-708 800-803 \
805-808 810-813 815-816 820-823 825-826 830-831 835-841 845-846 850-852 855-857 860-861 865-896 900-903 906-909 911-913 \
915-926 928-929 931 933 935-938 940-943";

fn upn(text: &str) -> Check {
    let n = Compact::new(text, " ")?;
    length(n.len() == 13)?;
    shape(n.part(..1).is_letters() && n.part(1..12).is_digits())?;
    const LETTERS: &str = "ABCDEFGHJKLMNPQRTUVWXYZ";
    // The last character of a temporary number is a letter.
    shape(n.at(12).is_ascii_digit() || LETTERS.as_bytes().contains(&n.at(12)))?;
    let authority = n.part(1..4).number();
    component(in_ranges(AUTHORITIES, authority))?;
    let temporary = LETTERS.bytes().position(|letter| letter == n.at(12)).unwrap_or_default() as u32;
    let last = if n.at(12).is_ascii_digit() { n.digit(12) } else { temporary };
    let sum = n.part(1..12).weighted(&[2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]) + last * 13;
    checksum(letter(LETTERS, sum % 23) == n.at(0))
}

fn utr(text: &str) -> Check {
    let compact = Compact::new(text, " ")?;
    let n = compact.strip_suffix(b"K").unwrap_or(&compact);
    let n = n.without(&["K"]);
    shape(n.is_digits())?;
    length(n.len() == 10)?;
    let rest = n.part(1..).weighted(&[6, 7, 8, 9, 10, 5, 4, 3, 2]) % 11;
    checksum(letter("21987654321", rest) == n.at(0))
}

pub(super) fn vat(text: &str) -> Check {
    let compact = Compact::new(text, " -.")?;
    let n = compact.without(&["GB", "XI"]);
    if n.len() == 5 {
        return authority(n);
    }
    if n.len() == 11 && matches!(n.part(..6), b"GD8888" | b"HA8888") {
        return numbered_authority(n);
    }
    shape(n.is_digits())?;
    length(matches!(n.len(), 9 | 12))?;
    let number = n.part(..9);
    let sum = number.weighted(&[8, 7, 6, 5, 4, 3, 2, 10, 1]) % 97;
    // The second way began in 2009, for numbers from 100 on.
    checksum(if number.part(..3).number() >= 100 { matches!(sum, 0 | 42 | 55) } else { sum == 0 })
}

/// Government departments and health authorities.
fn authority(n: &[u8]) -> Check {
    let number = n.part(2..);
    shape(number.is_digits())?;
    component(match n.part(..2) {
        b"GD" => number.number() < 500,
        b"HA" => number.number() >= 500,
        _ => false,
    })
}

fn numbered_authority(n: &[u8]) -> Check {
    let number = n.part(6..9);
    shape(n.part(6..).is_digits())?;
    component((n.at(0) == b'G') == (number.number() < 500))?;
    checksum(number.number() % 97 == n.part(9..).number())
}

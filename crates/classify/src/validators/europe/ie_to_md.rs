//! Cyprus, Ireland, Iceland, Liechtenstein, Lithuania, Luxembourg, Latvia, Moldova, Malta.

use crate::validators::checksum::{luhn, personal_11, twofold_11, verhoeff};
use crate::validators::date::{date, triple};
use crate::validators::format::{Check, Format, Kind, checksum, component, length, shape};
use crate::validators::text::{Characters, Compact, digits, digits_after, letter};

pub(super) const FORMATS: &[Format] = &[
    Format::new("cy.vat", Kind::Vat, cy_vat, "Cypriot VAT number", "VIES").checked(),
    Format::new("ie.pps", Kind::Person, pps, "Irish personal public service number (PPS)", "DEASP").checked(),
    Format::new("ie.vat", Kind::Vat, ie_vat, "Irish VAT number", "VIES").checked(),
    Format::new(
        "is_.kennitala",
        Kind::Person,
        kennitala,
        "Icelandic identity number (kennitala)",
        "Registers Iceland",
    )
    .checked()
    .dated(),
    Format::new("is_.vsk", Kind::Vat, vsk, "Icelandic VAT number (VSK)", "Skatturinn"),
    Format::new(
        "li.peid",
        Kind::Person,
        peid,
        "Liechtenstein personal number (PEID)",
        "OECD TIN sheet Liechtenstein",
    ),
    Format::new("lt.asmens", Kind::Person, asmens, "Lithuanian personal code", "Population Register law")
        .checked()
        .dated(),
    Format::new("lt.pvm", Kind::Vat, pvm, "Lithuanian VAT number (PVM)", "VIES").checked(),
    Format::new("lu.tva", Kind::Vat, lu_tva, "Luxembourg VAT number", "VIES").checked(),
    Format::new(
        "lu.matricule",
        Kind::Person,
        matricule,
        "Luxembourg national number of a person",
        "CTIE; RNPP law 2013",
    )
    .checked()
    .dated(),
    Format::new("lv.pk", Kind::Person, lv_pk, "Latvian personal code", "PMLP").checked().dated(),
    Format::new("lv.pvn", Kind::Vat, pvn, "Latvian VAT number (PVN)", "VIES").checked(),
    Format::new(
        "md.idno",
        Kind::Company,
        idno,
        "Moldovan company number (IDNO)",
        "Government decision 861/2003",
    )
    .checked(),
    Format::new(
        "md.idnp",
        Kind::Person,
        idnp,
        "Moldovan personal number (IDNP)",
        "Government decision 333/2002",
    )
    .checked(),
    Format::new("mt.vat", Kind::Vat, mt_vat, "Maltese VAT number", "VIES").checked(),
];

pub(super) fn cy_vat(text: &str) -> Check {
    let compact = Compact::new(text, " -")?;
    let n = compact.without(&["CY"]);
    length(n.len() == 9)?;
    shape(n.part(..8).is_digits() && n.part(8..).is_letters())?;
    component(!n.starts_with(b"12"))?;
    const ODD: [u32; 10] = [1, 0, 5, 7, 9, 13, 15, 17, 19, 21];
    let sum: u32 = (0..8)
        .map(|index| {
            let digit = n.digit(index);
            if index % 2 == 0 { ODD.get(digit as usize).copied().unwrap_or_default() } else { digit }
        })
        .sum();
    checksum(n.digit(8) - 10 == sum % 26)
}

/// The letter of seven digits and a second letter.
fn irish(digits: &[u8], second: u8) -> u8 {
    let added = if (b'A'..=b'I').contains(&second) { u32::from(second - b'A') + 1 } else { 0 };
    letter("WABCDEFGHIJKLMNOPQRSTUV", (digits.weighted(&[8, 7, 6, 5, 4, 3, 2]) + added * 9) % 23)
}

fn pps(text: &str) -> Check {
    let n = Compact::new(text, " -")?;
    length(matches!(n.len(), 8 | 9))?;
    shape(n.part(..7).is_digits() && (b'A'..=b'W').contains(&n.at(7)))?;
    shape(n.len() == 8 || matches!(n.at(8), b'A'..=b'I' | b'T' | b'W' | b'X'))?;
    checksum(irish(n.part(..7), n.at(8)) == n.at(7))
}

pub(super) fn ie_vat(text: &str) -> Check {
    let compact = Compact::new(text, " -")?;
    let n = compact.without(&["IE"]);
    length(matches!(n.len(), 8 | 9))?;
    if n.part(..7).is_digits() {
        shape(n.part(7..).is_letters())?;
        return checksum(irish(n.part(..7), n.at(8)) == n.at(7));
    }
    // Until 2013 the second character could be a letter or a sign, and the first digit belonged to the end.
    shape(n.len() == 8 && n.part(2..7).is_digits() && n.part(..1).is_digits() && n.part(7..).is_letters())?;
    shape(n.at(1).is_ascii_uppercase() || matches!(n.at(1), b'+' | b'*'))?;
    let mut moved = Compact::padded(n.part(2..7), 6)?;
    moved.push(n.at(0))?;
    checksum(irish(&moved, 0) == n.at(7))
}

fn kennitala(text: &str) -> Check {
    let n = digits(text, " -", 10..=10)?;
    let (day, month, year) = triple(&n, 0)?;
    let century = match n.at(9) {
        b'8' => 1800,
        b'9' => 1900,
        b'0' => 2000,
        _ => return component(false),
    };
    // Organisations have 40 added to the day.
    date(century + year, month, if day > 40 { day - 40 } else { day })?;
    checksum(n.weighted(&[3, 2, 7, 6, 5, 4, 3, 2, 1]) % 11 == 0)
}

fn vsk(text: &str) -> Check {
    digits_after(text, " ", &["IS"], 5..=6).map(|_| ())
}

fn peid(text: &str) -> Check {
    let n = digits(text, " .", 4..=12)?;
    component(n.number() > 0)
}

fn asmens(text: &str) -> Check {
    let n = digits(text, " ", 11..=11)?;
    let century = n.digit(0);
    component((1..=6).contains(&century) || century == 9)?;
    // A leading 9 is for those whose date of birth is not in the code.
    if century != 9 {
        let (year, month, day) = triple(&n, 1)?;
        date(1700 + century.div_ceil(2) * 100 + year, month, day)?;
    }
    checksum(personal_11(&n) == n.digit(10))
}

pub(super) fn pvm(text: &str) -> Check {
    let n = digits_after(text, " -", &["LT"], 9..=12)?;
    length(matches!(n.len(), 9 | 12))?;
    component(n.at(n.len() - 2) == b'1')?;
    const WEIGHTS: [u32; 14] = [1, 2, 3, 4, 5, 6, 7, 8, 9, 1, 2, 3, 4, 5];
    let second = WEIGHTS.get(2..).unwrap_or_default();
    checksum(twofold_11(n.body(), &WEIGHTS, second) == n.last_digit())
}

pub(super) fn lu_tva(text: &str) -> Check {
    let n = digits_after(text, " -.:", &["LU"], 8..=8)?;
    checksum(n.part(..6).number() % 89 == n.part(6..).number())
}

fn matricule(text: &str) -> Check {
    let n = digits(text, " -", 13..=13)?;
    date(n.part(..4).number() as u32, n.part(4..6).number() as u32, n.part(6..8).number() as u32)?;
    // One digit by Luhn and one by Verhoeff, each over the first eleven.
    let mut last = Compact::of(n.part(..11))?;
    last.push(n.at(12))?;
    checksum(luhn(n.part(..12)) && verhoeff(&last))
}

fn is_latvian_person(n: &[u8]) -> Check {
    // Since 2017 codes begin with 32 to 39 and do not tell the date.
    if !matches!(n.part(..2).number(), 32..=39) {
        let (day, month, year) = triple(n, 0)?;
        component(n.at(6) <= b'2')?;
        date(1800 + n.digit(6) * 100 + year, month, day)?;
    }
    let sum = 1 + n.weighted(&[10, 5, 8, 4, 2, 1, 6, 3, 7, 9]);
    checksum(sum % 11 % 10 == n.digit(10))
}

fn lv_pk(text: &str) -> Check {
    is_latvian_person(&digits(text, " -", 11..=11)?)
}

pub(super) fn pvn(text: &str) -> Check {
    let n = digits_after(text, " -", &["LV"], 11..=11)?;
    if n.at(0) > b'3' {
        return checksum(n.weighted(&[9, 1, 4, 8, 3, 10, 2, 5, 7, 6, 1]) % 11 == 3);
    }
    is_latvian_person(&n)
}

fn moldovan(text: &str, prefixes: &[u8]) -> Check {
    let n = digits(text, " ", 13..=13)?;
    component(prefixes.contains(&n.at(0)))?;
    checksum(n.weighted(&[7, 3, 1, 7, 3, 1, 7, 3, 1, 7, 3, 1]) % 10 == n.digit(12))
}

fn idno(text: &str) -> Check {
    moldovan(text, b"1")
}

fn idnp(text: &str) -> Check {
    moldovan(text, b"029")
}

pub(super) fn mt_vat(text: &str) -> Check {
    let n = digits_after(text, " -", &["MT"], 8..=8)?;
    shape(n.at(0) != b'0')?;
    checksum(n.weighted(&[3, 4, 6, 7, 8, 9, 10, 1]) % 37 == 0)
}

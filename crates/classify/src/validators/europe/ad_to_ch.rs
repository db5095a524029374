//! Andorra, Albania, Azerbaijan, Belarus, Switzerland.

use crate::validators::checksum::complement;
use crate::validators::format::{Check, Format, Invalid, Kind, checksum, component, length, shape};
use crate::validators::text::{Characters, Compact, digits, digits_after, listed, place};
use crate::validators::world::ean13;

pub(super) const FORMATS: &[Format] = &[
    Format::new("ad.nrt", Kind::Tax, ad_nrt, "Andorran tax register number (NRT)", "OECD TIN sheet Andorra"),
    Format::new("al.nipt", Kind::Vat, al_nipt, "Albanian VAT number (NIPT)", "OECD TIN sheet Albania"),
    Format::new("az.voen", Kind::Tax, az_voen, "Azerbaijani tax number (VOEN)", "State Tax Service")
        .checked(),
    Format::new(
        "by.unp",
        Kind::Tax,
        by_unp,
        "Belarusian taxpayer number (UNP)",
        "Ministry of Taxes and Duties",
    )
    .checked(),
    Format::new("ch.ssn", Kind::Person, ch_ssn, "Swiss social security number (AHV)", "ZAS, navs13")
        .checked(),
    Format::new("ch.uid", Kind::Company, ch_uid, "Swiss enterprise number (UID)", "eCH-0097").checked(),
    Format::new("ch.vat", Kind::Vat, ch_vat, "Swiss VAT number", "eCH-0097").checked(),
    Format::new(
        "ch.esr",
        Kind::Reference,
        ch_esr,
        "Swiss payment reference (ESR, QR-R)",
        "SIX, QR-bill guidelines",
    )
    .checked(),
];

fn ad_nrt(text: &str) -> Check {
    let n = Compact::new(text, " -.")?;
    length(n.len() == 8)?;
    shape(n.part(..1).is_letters() && n.part(1..7).is_digits() && n.part(7..).is_letters())?;
    let number = n.part(1..7).number();
    component(match n.at(0) {
        b'F' => number <= 699_999,
        b'A' | b'L' => (700_000..800_000).contains(&number),
        kind => b"CDEGOPU".contains(&kind),
    })
}

fn al_nipt(text: &str) -> Check {
    let compact = Compact::new(text, " -.")?;
    let n = compact.without(&["(AL)", "AL"]);
    length(n.len() == 10)?;
    // The first letter is the decade of the registration.
    shape((b'A'..=b'M').contains(&n.at(0)) && n.part(1..9).is_digits() && n.part(9..).is_letters())
}

fn az_voen(text: &str) -> Check {
    let n = digits(text, " ", 9..=10)?;
    let n = Compact::padded(&n, 10)?;
    // 1 is a legal person, 2 a natural one.
    component(matches!(n.at(9), b'1' | b'2'))?;
    checksum(n.weighted(&[4, 1, 8, 6, 2, 7, 5, 3]) % 11 == n.digit(8))
}

/// Latin letters for the Cyrillic ones that look the same.
fn latin(character: char) -> char {
    match character {
        '\u{410}' | '\u{430}' => 'A',
        '\u{412}' | '\u{432}' => 'B',
        '\u{415}' | '\u{435}' => 'E',
        '\u{41A}' | '\u{43A}' => 'K',
        '\u{41C}' | '\u{43C}' => 'M',
        '\u{41D}' | '\u{43D}' => 'H',
        '\u{41E}' | '\u{43E}' => 'O',
        '\u{420}' | '\u{440}' => 'P',
        '\u{421}' | '\u{441}' => 'C',
        '\u{422}' | '\u{442}' => 'T',
        _ => character,
    }
}

fn by_unp(text: &str) -> Check {
    let mut n = Compact::of(b"")?;
    let number = text.trim().trim_start_matches(['\u{423}', '\u{41D}', '\u{41F}', 'U', 'N', 'P']);
    for character in number.chars().filter(|character| *character != ' ') {
        let letter = latin(character).to_ascii_uppercase();
        n.push(u8::try_from(letter).map_err(|_| Invalid::Format)?)?;
    }
    length(n.len() == 9)?;
    shape(n.part(2..).is_digits())?;
    shape(n.part(..2).is_digits() || (n.part(..2).is_letters()))?;
    component(b"1234567ABCEHKM".contains(&n.at(0)))?;
    // Of a person's two letters, the second counts by its place among those that are used.
    let second = if n.at(1).is_ascii_digit() { Some(n.digit(1)) } else { place("ABCEHKMOPT", n.at(1)) };
    let second = second.ok_or(Invalid::Component)?;
    let sum = n.weighted(&[29, 0, 19, 17, 13, 7, 5, 3]) + second * 23;
    checksum(sum % 11 == n.digit(8))
}

fn ch_ssn(text: &str) -> Check {
    let n = digits(text, " .-", 13..=13)?;
    checksum(ean13(&n))?;
    component(n.starts_with(b"756"))
}

fn ch_uid(text: &str) -> Check {
    let n = Compact::new(text, " -.")?;
    length(n.len() == 12)?;
    uid(&n)
}

fn uid(n: &[u8]) -> Check {
    let number = n.part(3..12);
    component(n.starts_with(b"CHE"))?;
    shape(number.is_digits())?;
    checksum(complement(number.weighted(&[5, 4, 3, 2, 7, 6, 5, 4]), 11) == number.digit(8))
}

fn ch_vat(text: &str) -> Check {
    let n = Compact::new(text, " -.")?;
    length((15..=16).contains(&n.len()))?;
    uid(&n)?;
    component(listed("MWST TVA IVA TPV", n.part(12..)))
}

fn ch_esr(text: &str) -> Check {
    let n = digits_after(text, " ", &[], 1..=27)?;
    const CARRIES: [u32; 10] = [0, 9, 4, 6, 8, 2, 7, 1, 3, 5];
    let mut carry = 0;
    for index in 0..n.len() - 1 {
        carry = CARRIES.get(((n.digit(index) + carry) % 10) as usize).copied().unwrap_or_default();
    }
    checksum((10 - carry) % 10 == n.last_digit())
}

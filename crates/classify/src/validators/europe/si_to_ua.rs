//! Montenegro, North Macedonia, Serbia, Slovenia, Turkey.

use crate::validators::checksum::{complement, mod_11_10};
use crate::validators::format::{Check, Format, Kind, checksum, component, length, shape};
use crate::validators::text::{Characters, Compact, digits, digits_after};

pub(super) const FORMATS: &[Format] = &[
    Format::new("me.pib", Kind::Tax, me_pib, "Montenegrin tax number (PIB)", "Tax Administration").checked(),
    Format::new("mk.edb", Kind::Tax, edb, "Macedonian tax number (EDB)", "Public Revenue Office").checked(),
    Format::new("rs.pib", Kind::Tax, rs_pib, "Serbian tax number (PIB)", "Tax Administration").checked(),
    Format::new("si.ddv", Kind::Vat, ddv, "Slovenian VAT number (DDV)", "VIES").checked(),
    Format::new("si.maticna", Kind::Company, maticna, "Slovenian register number", "AJPES").checked(),
    Format::new("tr.tckimlik", Kind::Person, tckimlik, "Turkish identity number", "NVI").checked(),
    Format::new("tr.vkn", Kind::Tax, vkn, "Turkish tax number (VKN)", "GIB").checked(),
];

fn me_pib(text: &str) -> Check {
    let n = digits(text, " ", 8..=8)?;
    checksum(complement(n.weighted(&[8, 7, 6, 5, 4, 3, 2]), 11) % 10 == n.digit(7))
}

fn edb(text: &str) -> Check {
    // The country's letters may be Latin or Cyrillic.
    let number =
        text.trim().trim_start_matches(['M', 'K', 'm', 'k', '\u{41C}', '\u{41A}', '\u{43C}', '\u{43A}']);
    let n = digits(number, " -", 13..=13)?;
    checksum(complement(n.weighted(&[7, 6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2]), 11) % 10 == n.digit(12))
}

fn rs_pib(text: &str) -> Check {
    let n = digits(text, " -.", 9..=9)?;
    checksum(mod_11_10(&n))
}

pub(super) fn ddv(text: &str) -> Check {
    let n = digits_after(text, " -", &["SI"], 8..=8)?;
    shape(n.at(0) != b'0')?;
    let check = 11 - n.weighted(&[8, 7, 6, 5, 4, 3, 2]) % 11;
    // A sum that leaves nothing is not used.
    checksum(check != 11 && check % 10 == n.digit(7))
}

fn maticna(text: &str) -> Check {
    let n = Compact::new(text, " .")?;
    length(matches!(n.len(), 7 | 10))?;
    shape(n.part(..7).is_digits())?;
    // The unit of a company: its first character may be a letter.
    let unit = n.part(7..);
    shape(unit.is_empty() || (unit.part(..1).is_alphanumeric() && unit.part(1..).is_digits()))?;
    let rest = n.weighted(&[7, 6, 5, 4, 3, 2]) % 11;
    component(rest != 0)?;
    checksum((11 - rest) % 10 == n.digit(6))
}

fn tckimlik(text: &str) -> Check {
    let n = digits(text, " ", 11..=11)?;
    component(n.at(0) != b'0')?;
    // Tenth: seven times the odd places less the even ones. Eleventh: the sum of the ten.
    let odd = n.weighted(&[1, 0, 1, 0, 1, 0, 1, 0, 1]);
    let even = n.weighted(&[0, 1, 0, 1, 0, 1, 0, 1, 0]);
    checksum((odd * 7 + even * 9) % 10 == n.digit(9))?;
    checksum(n.part(..10).digit_sum() % 10 == n.digit(10))
}

fn vkn(text: &str) -> Check {
    let n = digits(text, " ", 10..=10)?;
    let mut sum = 0;
    for index in 0..9 {
        let moved = (n.digit(index) + 9 - index as u32) % 10;
        let powered = moved * (1 << (9 - index)) % 9;
        sum += if moved != 0 && powered == 0 { 9 } else { powered };
    }
    checksum((10 - sum % 10) % 10 == n.digit(9))
}

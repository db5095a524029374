//! Singapore and Thailand.

use crate::validators::format::{Check, Format, Invalid, Kind, checksum, component, length, shape};
use crate::validators::text::{Characters, Compact, digits, letter, listed, place};

pub(super) const FORMATS: &[Format] = &[
    Format::new("sg.nric", Kind::Person, nric, "Singaporean identity number (NRIC, FIN)", "ICA").checked(),
    Format::new("sg.uen", Kind::Company, uen, "Singaporean entity number (UEN)", "ACRA").checked(),
    Format::new("th.moa", Kind::Company, moa, "Thai juristic person number (MOA)", "DBD").checked(),
    Format::new("th.pin", Kind::Person, pin, "Thai identity number (PIN)", "DOPA").checked(),
    Format::new("th.tin", Kind::Tax, tin, "Thai taxpayer number (TIN)", "Revenue Department: MOA or PIN")
        .checked(),
];

fn nric(text: &str) -> Check {
    let n = Compact::new(text, " -")?;
    length(n.len() == 9)?;
    shape(n.part(1..8).is_digits() && n.part(8..).is_letters())?;
    let sum = n.part(1..8).weighted(&[2, 7, 6, 5, 4, 3, 2]);
    let check = match n.at(0) {
        b'S' => letter("JZIHGFEDCBA", sum % 11),
        b'T' => letter("JZIHGFEDCBA", (sum + 4) % 11),
        b'F' => letter("XWUTRQPNMLK", sum % 11),
        b'G' => letter("XWUTRQPNMLK", (sum + 4) % 11),
        b'M' => letter("XWUTRQPNJLK", (sum + 3) % 11),
        _ => return component(false),
    };
    checksum(check == n.at(8))
}

fn uen(text: &str) -> Check {
    let n = Compact::new(text, " ")?;
    match n.len() {
        9 => business(&n),
        10 if n.at(0).is_ascii_digit() => company(&n),
        10 => other(&n),
        _ => Err(Invalid::Length),
    }
}

fn business(n: &[u8]) -> Check {
    shape(n.part(..8).is_digits() && n.part(8..).is_letters())?;
    let rest = n.weighted(&[10, 4, 9, 3, 8, 2, 7, 1]) % 11;
    checksum(letter("XMKECAWLJDB", rest) == n.at(8))
}

fn company(n: &[u8]) -> Check {
    shape(n.part(..9).is_digits())?;
    component(n.part(..4).number() <= u64::from(crate::validators::LAST_YEAR))?;
    let rest = n.weighted(&[10, 8, 6, 4, 9, 7, 5, 3, 1]) % 11;
    checksum(letter("ZKCMDNERGWH", rest) == n.at(9))
}

/// Kinds of entities that are neither businesses nor local companies.
const KINDS: &str = "CC CD CH CL CM CP CS CX DP FB FC FM FN GA GB GS HS LL LP MB MC MD MH MM MQ NB NR PA PB PF RF RP SM SS TC \
TU VH XL";

fn other(n: &[u8]) -> Check {
    component(matches!(n.at(0), b'R' | b'S' | b'T'))?;
    shape(n.part(1..3).is_digits() && n.part(5..9).is_digits() && n.at(9).is_ascii_alphanumeric())?;
    let century = if n.at(0) == b'T' { 2000 } else { 1900 };
    component(century + n.part(1..3).number() <= u64::from(crate::validators::LAST_YEAR))?;
    component(listed(KINDS, n.part(3..5)))?;
    const LETTERS: &str = "ABCDEFGHJKLMNPQRSTUVWX0123456789";
    let products = n.iter().zip([4, 3, 5, 3, 10, 2, 2, 5, 7]);
    let sum: u32 = products.map(|(one, weight)| place(LETTERS, *one).unwrap_or_default() * weight).sum();
    checksum(letter(LETTERS, (sum + 6) % 11) == n.at(9))
}

fn thai(text: &str) -> Result<Compact, Invalid> {
    let n = digits(text, " -", 13..=13)?;
    let rest = n.weighted(&[13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2]) % 11;
    let check = (11 - rest) % 10;
    checksum(check == n.digit(12))?;
    Ok(n)
}

fn moa(text: &str) -> Check {
    component(thai(text)?.at(0) == b'0')
}

fn pin(text: &str) -> Check {
    component((b'1'..=b'8').contains(&thai(text)?.at(0)))
}

fn tin(text: &str) -> Check {
    component(thai(text)?.at(0) != b'9')
}

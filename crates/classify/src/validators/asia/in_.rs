//! India and Pakistan.

use crate::validators::checksum::{luhn, luhn_of, verhoeff};
use crate::validators::format::{Check, Format, Kind, checksum, component, length, shape};
use crate::validators::text::{Characters, Compact, digits};

pub(super) const FORMATS: &[Format] = &[
    Format::new("in_.aadhaar", Kind::Person, aadhaar, "Indian identity number (Aadhaar)", "UIDAI").checked(),
    Format::new("in_.epic", Kind::Person, epic, "Indian voter number (EPIC)", "ECI").checked(),
    Format::new("in_.gstin", Kind::Vat, gstin, "Indian goods and services tax number (GSTIN)", "GSTN")
        .checked(),
    Format::new("in_.pan", Kind::Tax, pan, "Indian permanent account number (PAN)", "Income Tax Department"),
    Format::new("in_.vid", Kind::Person, vid, "Indian virtual identity (VID)", "UIDAI").checked(),
    Format::new("pk.cnic", Kind::Person, cnic, "Pakistani identity card number (CNIC)", "NADRA"),
];

/// A number of UIDAI: no 0 or 1 first, not the same backwards, Verhoeff.
fn uidai(text: &str, size: usize) -> Check {
    let n = digits(text, " -", size..=size)?;
    shape(!matches!(n.at(0), b'0' | b'1'))?;
    shape(!n.iter().eq(n.iter().rev()))?;
    checksum(verhoeff(&n))
}

fn aadhaar(text: &str) -> Check {
    uidai(text, 12)
}

fn vid(text: &str) -> Check {
    uidai(text, 16)
}

fn epic(text: &str) -> Check {
    let n = Compact::new(text, " ")?;
    length(n.len() == 10)?;
    shape(n.part(..3).is_letters() && n.part(3..).is_digits())?;
    checksum(luhn(n.part(3..)))
}

fn is_pan(n: &[u8]) -> Check {
    length(n.len() == 10)?;
    shape(n.part(..5).is_letters() && n.part(5..9).is_digits() && n.part(9..).is_letters())?;
    // The kind of holder.
    component(b"ABCFGHJKLPT".contains(&n.at(3)) && n.part(5..9).number() > 0)
}

fn pan(text: &str) -> Check {
    is_pan(&Compact::new(text, " -")?)
}

fn gstin(text: &str) -> Check {
    let n = Compact::new(text, " -")?;
    length(n.len() == 15)?;
    shape(n.part(..2).is_digits() && n.is_alphanumeric() && n.at(12) != b'0')?;
    // States and territories, other territory, the centre.
    component(matches!(n.part(..2).number(), 1..=38 | 97 | 99))?;
    is_pan(n.part(2..12))?;
    component(n.at(13) == b'Z')?;
    checksum(luhn_of(&n, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"))
}

fn cnic(text: &str) -> Check {
    let n = digits(text, " -", 13..=13)?;
    // The province, and the sex.
    component((b'1'..=b'7').contains(&n.at(0)) && n.at(12) != b'0')
}

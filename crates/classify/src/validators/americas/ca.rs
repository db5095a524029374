//! Canada.

use crate::validators::checksum::{complement, luhn};
use crate::validators::format::{Check, Format, Kind, checksum, component, length, shape};
use crate::validators::text::{Characters, Compact, digits, listed};

pub(super) const FORMATS: &[Format] = &[
    Format::new(
        "ca.bc_phn",
        Kind::Health,
        bc_phn,
        "British Columbia personal health number",
        "BC Ministry of Health",
    )
    .checked(),
    Format::new("ca.bn", Kind::Company, bn, "Canadian business number", "CRA, RC2").checked(),
    Format::new("ca.sin", Kind::Person, sin, "Canadian social insurance number", "Service Canada").checked(),
    Format::new(
        "ca.on_hcn",
        Kind::Health,
        on_hcn,
        "Ontario health card number",
        "OHIP, health card validation",
    )
    .checked(),
];

fn bc_phn(text: &str) -> Check {
    let n = digits(text, " -", 10..=10)?;
    component(n.at(0) == b'9')?;
    checksum(complement(n.part(1..).weighted(&[2, 4, 8, 5, 10, 9, 7, 3]), 11) == n.digit(9))
}

fn bn(text: &str) -> Check {
    let n = Compact::new(text, " -")?;
    length(matches!(n.len(), 9 | 15))?;
    shape(n.part(..9).is_digits())?;
    checksum(luhn(n.part(..9)))?;
    if n.len() == 15 {
        // The kind of program account, and which one of that kind.
        component(listed("RC RD RE RG RM RN RP RR RT RZ", n.part(9..11)))?;
        shape(n.part(11..).is_digits())?;
    }
    Ok(())
}

fn sin(text: &str) -> Check {
    let n = digits(text, " -", 9..=9)?;
    component(!matches!(n.at(0), b'0' | b'8'))?;
    checksum(luhn(&n))
}

fn on_hcn(text: &str) -> Check {
    let compact = Compact::new(text, " -")?;
    // The version code stands behind the number.
    let (n, version) = (compact.part(..10), compact.part(10..));
    length(compact.len() >= 10 && version.len() <= 2)?;
    shape(n.is_digits() && (version.is_empty() || version.is_letters()))?;
    component(n.at(0) != b'0')?;
    checksum(luhn(n))
}

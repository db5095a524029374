//! The Netherlands.

use crate::validators::checksum::mod_97_10;
use crate::validators::format::{Check, Format, Kind, checksum, component, length, shape};
use crate::validators::text::{Characters, Compact, digits, listed};

pub(super) const FORMATS: &[Format] = &[
    Format::new("nl.brin", Kind::Company, brin, "Dutch school number (BRIN)", "DUO"),
    Format::new("nl.bsn", Kind::Person, bsn, "Dutch citizen service number (BSN)", "RvIG").checked(),
    Format::new("nl.btw", Kind::Vat, btw, "Dutch VAT number (btw-id)", "Belastingdienst; VIES").checked(),
    Format::new(
        "nl.identiteitskaartnummer",
        Kind::Document,
        identity_card,
        "Dutch passport and identity card number",
        "RvIG",
    ),
    Format::new("nl.onderwijsnummer", Kind::Person, onderwijsnummer, "Dutch pupil number", "DUO").checked(),
    Format::new("nl.postcode", Kind::Place, postcode, "Dutch postal code", "PostNL"),
];

fn brin(text: &str) -> Check {
    let n = Compact::new(text, " -.")?;
    length(matches!(n.len(), 4 | 6))?;
    shape(n.part(..2).is_digits() && n.part(2..4).is_letters() && (n.len() == 4 || n.part(4..).is_digits()))
}

/// Nine digits whose weighted sum, with the last subtracted, leaves this rest by 11.
fn elevens(n: &[u8], rest: u32) -> Check {
    // Subtracting the last digit is adding it ten times.
    checksum(n.weighted(&[9, 8, 7, 6, 5, 4, 3, 2, 10]) % 11 == rest)
}

fn is_bsn(n: &[u8]) -> Check {
    component(n.number() > 0)?;
    elevens(n, 0)
}

fn bsn(text: &str) -> Check {
    let n = digits(text, " -.", 8..=9)?;
    is_bsn(&Compact::padded(&n, 9)?)
}

fn onderwijsnummer(text: &str) -> Check {
    let n = digits(text, " -.", 8..=9)?;
    let n = Compact::padded(&n, 9)?;
    shape(n.starts_with(b"10"))?;
    elevens(&n, 5)
}

pub(super) fn btw(text: &str) -> Check {
    let compact = Compact::new(text, " -.")?;
    let rest = compact.without(&["NL"]);
    length((10..=12).contains(&rest.len()))?;
    // The number may lack its leading zeros.
    let end = rest.len() - 3;
    let number = Compact::padded(rest.part(..end), 9)?;
    shape(number.is_digits() && rest.at(end) == b'B' && rest.part(end + 1..).is_digits())?;
    component(number.number() > 0 && rest.part(end + 1..).number() > 0)?;
    // Since 2020 sole traders have numbers that are not made from their BSN.
    let mut whole = Compact::of(b"NL")?;
    for character in number.iter().chain(rest.part(end..)) {
        whole.push(*character)?;
    }
    checksum(is_bsn(&number).is_ok() || mod_97_10(&whole))
}

fn identity_card(text: &str) -> Check {
    let n = Compact::new(text, "")?;
    length(n.len() == 9)?;
    shape(n.part(..2).is_letters() && n.is_alphanumeric() && n.at(8).is_ascii_digit())?;
    // O is never used, so that it is not taken for a zero.
    component(!n.contains(&b'O'))
}

fn postcode(text: &str) -> Check {
    let compact = Compact::new(text, " -")?;
    let n = compact.without(&["NL"]);
    length(n.len() == 6)?;
    shape(n.part(..4).is_digits() && n.part(4..).is_letters() && n.at(0) != b'0')?;
    component(!listed("SA SD SS", n.part(4..)))
}

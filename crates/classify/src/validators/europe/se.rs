//! Sweden.

use crate::validators::checksum::luhn;
use crate::validators::date::{date, is_day, triple};
use crate::validators::format::{Check, Format, Kind, checksum, component, length, shape};
use crate::validators::text::{Characters, Compact, digits, digits_after};

pub(super) const FORMATS: &[Format] = &[
    Format::new("se.orgnr", Kind::Company, orgnr, "Swedish organisation number", "Skatteverket SKV 709")
        .checked(),
    Format::new(
        "se.personnummer",
        Kind::Person,
        personnummer,
        "Swedish personal number",
        "Skatteverket SKV 704",
    )
    .checked()
    .dated(),
    Format::new("se.postnummer", Kind::Place, postnummer, "Swedish postal code", "PostNord"),
    Format::new("se.vat", Kind::Vat, vat, "Swedish VAT number", "VIES").checked(),
    Format::new("se.samordningsnummer", Kind::Person, coordination, "Swedish coordination number", "SKV 707")
        .checked()
        .dated(),
];

fn orgnr(text: &str) -> Check {
    let n = digits(text, " -.", 10..=10)?;
    checksum(luhn(&n))
}

/// The last ten digits, and whether the day counts from 60.
fn person(text: &str) -> Result<(Compact, bool), crate::validators::Invalid> {
    let written = Compact::new(text, " :")?;
    // A plus stands in place of the dash from the year in which somebody becomes a hundred.
    let plain = Compact::new(text, " :-+")?;
    shape(plain.is_digits())?;
    length(matches!(plain.len(), 10 | 12))?;
    let sign = written.part(plain.len() - 4..plain.len() - 3);
    shape(written.len() == plain.len() || (written.len() == plain.len() + 1 && matches!(sign, b"-" | b"+")))?;
    let n = Compact::of(plain.part(plain.len() - 10..))?;
    let (year, month, day) = triple(&n, 0)?;
    let is_coordination = day > 60;
    let day = if is_coordination { day - 60 } else { day };
    if plain.len() == 12 {
        date(plain.part(..4).number() as u32, month, day)?;
    } else {
        component([1800, 1900, 2000].iter().any(|century| is_day(century + year, month, day)))?;
    }
    checksum(luhn(&n))?;
    Ok((n, is_coordination))
}

fn personnummer(text: &str) -> Check {
    person(text).map(|_| ())
}

fn coordination(text: &str) -> Check {
    let (_, is_coordination) = person(text)?;
    component(is_coordination)
}

fn postnummer(text: &str) -> Check {
    let n = digits_after(text, " -", &["SE"], 5..=5)?;
    shape(n.at(0) != b'0')
}

pub(super) fn vat(text: &str) -> Check {
    let n = digits_after(text, " -.", &["SE"], 12..=12)?;
    component((1..=94).contains(&n.part(10..).number()))?;
    checksum(luhn(n.part(..10)))
}

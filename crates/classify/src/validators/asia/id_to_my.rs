//! Indonesia, Israel, Malaysia, Vietnam.

use crate::validators::checksum::luhn;
use crate::validators::date::{date_of_unknown_century, triple};
use crate::validators::format::{Check, Format, Kind, checksum, component, length};
use crate::validators::text::{Characters, digits};

pub(super) const FORMATS: &[Format] = &[
    Format::new(
        "id.nik",
        Kind::Person,
        nik,
        "Indonesian identity number (NIK)",
        "Ministry of Home Affairs; the province is verified",
    )
    .dated(),
    Format::new("id.npwp", Kind::Tax, npwp, "Indonesian tax number (NPWP)", "DJP, PMK 112/2022").checked(),
    Format::new("il.hp", Kind::Company, hp, "Israeli company number", "Corporations Authority").checked(),
    Format::new("il.idnr", Kind::Person, idnr, "Israeli identity number", "Population Authority").checked(),
    Format::new(
        "my.nric",
        Kind::Person,
        nric,
        "Malaysian identity card number (NRIC)",
        "JPN, place of birth codes",
    )
    .dated(),
    Format::new("vn.mst", Kind::Tax, mst, "Vietnamese tax number (MST)", "Circular 95/2016/TT-BTC").checked(),
];

fn nik(text: &str) -> Check {
    is_nik(&digits(text, " -.", 16..=16)?)
}

fn is_nik(n: &[u8]) -> Check {
    let province = n.part(..2).number();
    component(matches!(province, 11..=19 | 21 | 31..=36 | 51..=53 | 61..=65 | 71..=76 | 81..=82 | 91..=97))?;
    let (day, month, year) = triple(n, 6)?;
    // Women have 40 added to the day.
    date_of_unknown_century(year, month, if day > 40 { day - 40 } else { day })
}

fn npwp(text: &str) -> Check {
    let n = digits(text, " -.", 15..=16)?;
    if n.len() == 15 {
        return checksum(luhn(n.part(..9)));
    }
    // Since 2024 the number of a person is the NIK; others have a zero before the old number.
    if n.at(0) == b'0' { checksum(luhn(n.part(1..10))) } else { is_nik(&n) }
}

fn hp(text: &str) -> Check {
    let n = digits(text, " -", 9..=9)?;
    component(n.at(0) == b'5')?;
    checksum(luhn(&n))
}

fn idnr(text: &str) -> Check {
    let n = digits(text, " -", 1..=9)?;
    component(n.number() > 0)?;
    checksum(luhn(&n))
}

fn nric(text: &str) -> Check {
    let n = digits(text, " -*", 12..=12)?;
    let (year, month, day) = triple(&n, 0)?;
    date_of_unknown_century(year, month, day)?;
    // Codes of states and countries that are not given out.
    let birthplace = n.part(6..8).number();
    component(!matches!(birthplace, 0 | 17..=20 | 69 | 70 | 73 | 80 | 81 | 94..=97))
}

fn mst(text: &str) -> Check {
    let n = digits(text, " -.", 10..=13)?;
    length(matches!(n.len(), 10 | 13))?;
    component(n.part(2..9).number() > 0)?;
    component(n.len() == 10 || n.part(10..).number() > 0)?;
    let rest = n.weighted(&[31, 29, 23, 19, 17, 13, 7, 5, 3]) % 11;
    checksum(rest + n.digit(9) == 10)
}

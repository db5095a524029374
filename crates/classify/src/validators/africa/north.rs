//! Algeria, Egypt, Ghana, Guinea, Morocco, Senegal, Tunisia.

use crate::validators::checksum::luhn;
use crate::validators::date::{date, triple};
use crate::validators::format::{Check, Format, Invalid, Kind, checksum, component, length, shape};
use crate::validators::text::{Characters, Compact, digits, letter};

pub(super) const FORMATS: &[Format] = &[
    Format::new("dz.nif", Kind::Tax, dz_nif, "Algerian tax number (NIF)", "DGI"),
    Format::new("eg.tn", Kind::Tax, eg_tn, "Egyptian tax number", "Egyptian Tax Authority"),
    Format::new(
        "eg.nid",
        Kind::Person,
        eg_nid,
        "Egyptian national number",
        "Civil registry; its check is not public",
    )
    .dated(),
    Format::new("gh.tin", Kind::Tax, gh_tin, "Ghanaian taxpayer number (TIN)", "GRA").checked(),
    Format::new("gn.nifp", Kind::Tax, gn_nifp, "Guinean tax number (NIFp)", "DNI").checked(),
    Format::new("ma.ice", Kind::Company, ma_ice, "Moroccan company number (ICE)", "OMPIC").checked(),
    Format::new(
        "sn.ninea",
        Kind::Company,
        sn_ninea,
        "Senegalese company number (NINEA)",
        "ANSD, decree 2012-886",
    )
    .checked(),
    Format::new("tn.mf", Kind::Tax, tn_mf, "Tunisian tax number (matricule fiscal)", "Ministry of Finance"),
];

fn dz_nif(text: &str) -> Check {
    let n = digits(text, " ", 15..=20)?;
    length(matches!(n.len(), 15 | 20))
}

/// The digit that an Arabic-Indic or Persian one stands for.
fn latin_digit(character: char) -> char {
    let code = u32::from(character);
    let digit = match code {
        0x660..=0x669 => code - 0x660,
        0x6F0..=0x6F9 => code - 0x6F0,
        _ => return character,
    };
    char::from_digit(digit, 10).unwrap_or(character)
}

/// The text with Latin digits, in a buffer of its own.
fn western<'a>(text: &str, buffer: &'a mut [u8; 160]) -> Result<&'a str, Invalid> {
    let mut used = 0;
    for character in text.chars().map(latin_digit) {
        let room = buffer.get_mut(used..).unwrap_or_default();
        length(room.len() >= character.len_utf8())?;
        used += character.encode_utf8(room).len();
    }
    std::str::from_utf8(buffer.part(..used)).map_err(|_| Invalid::Format)
}

fn eg_tn(text: &str) -> Check {
    let mut buffer = [0; 160];
    digits(western(text, &mut buffer)?, " -/", 9..=9).map(|_| ())
}

fn eg_nid(text: &str) -> Check {
    let mut buffer = [0; 160];
    let n = digits(western(text, &mut buffer)?, " -", 14..=14)?;
    let (year, month, day) = triple(&n, 1)?;
    component(matches!(n.at(0), b'2' | b'3'))?;
    date(1700 + n.digit(0) * 100 + year, month, day)?;
    // The governorate of birth, or 88 for abroad.
    component(matches!(n.part(7..9).number(), 1..=4 | 11..=19 | 21..=29 | 31..=35 | 88))
}

fn gh_tin(text: &str) -> Check {
    let n = Compact::new(text, " ")?;
    length(n.len() == 11)?;
    // Persons, companies, government, missions and others; the digits may be letters.
    shape(b"PCGQV".contains(&n.at(0)) && n.part(1..3) == b"00" && n.part(3..10).is_digits())?;
    let rest = n.part(1..).weighted(&[1, 2, 3, 4, 5, 6, 7, 8, 9]) % 11;
    checksum(letter("0123456789X", rest) == n.at(10))
}

fn gn_nifp(text: &str) -> Check {
    let n = digits(text, " -", 9..=9)?;
    checksum(luhn(&n))
}

fn ma_ice(text: &str) -> Check {
    let n = digits(text, " ", 15..=15)?;
    checksum(n.number() % 97 == 0)
}

fn sn_ninea(text: &str) -> Check {
    let n = Compact::new(text, " -/,")?;
    let size = if n.len() > 9 { n.len() - 3 } else { n.len() };
    length(matches!(size, 7 | 9))?;
    let (number, suffix) = (n.part(..size), n.part(size..));
    shape(number.is_digits())?;
    if !suffix.is_empty() {
        // The tax code (COFI): regime, tax office, kind of taxpayer.
        shape(suffix.part(2..).is_digits())?;
        component(b"012".contains(&suffix.at(0)) && b"ABCDEFGHJKLMNPQRSTUVWZ".contains(&suffix.at(1)))?;
    }
    checksum(number.weighted(&[1, 2, 1, 2, 1, 2, 1, 2, 1]) % 10 == 0)
}

fn tn_mf(text: &str) -> Check {
    let n = Compact::new(text, " /-.")?;
    let count = n.iter().take_while(|character| character.is_ascii_digit()).count();
    let rest = n.part(count..);
    length((1..=7).contains(&count) && matches!(rest.len(), 1 | 6))?;
    // I, O and U are not used for the key.
    shape(rest.part(..1).is_letters() && !b"IOU".contains(&rest.at(0)))?;
    if rest.len() == 1 {
        return Ok(());
    }
    // VAT regime, kind of taxpayer, establishment; only an E is a secondary one.
    shape(b"ABDNP".contains(&rest.at(1)) && b"CEMNP".contains(&rest.at(2)) && rest.part(3..).is_digits())?;
    shape((rest.at(2) == b'E') != (rest.part(3..) == b"000"))
}

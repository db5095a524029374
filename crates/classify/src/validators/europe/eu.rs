//! The European Union: numbers that it gives out, and the VAT numbers of its members.

use super::{at, be, bg, cz, de, dk_to_hu, es, fi, fr, gb, ie_to_md, it, nl, pl, pt, ro, se, si_to_ua};
use crate::validators::format::{Check, Format, Invalid, Kind, checksum, component, length, shape};
use crate::validators::text::{Characters, Compact, digits, listed, place};

pub(super) const FORMATS: &[Format] = &[
    Format::new("eu.banknote", Kind::Article, banknote, "Euro banknote serial number", "ECB").checked(),
    Format::new("eu.ecnumber", Kind::Article, ecnumber, "EC number of a substance", "ECHA").checked(),
    Format::new("eu.eic", Kind::Place, eic, "Energy identification code (EIC)", "ENTSO-E, EIC manual")
        .checked(),
    Format::new("eu.excise", Kind::Tax, excise, "EU excise number (SEED)", "Regulation (EU) 389/2012"),
    Format::new(
        "eu.oss",
        Kind::Vat,
        oss,
        "EU one-stop-shop VAT number",
        "Directive 2017/2455; its check digit is not public",
    ),
    Format::new("eu.vat", Kind::Vat, vat, "EU VAT number", "VIES: the rule of each member state").checked(),
];

/// The members' codes in VAT numbers: Greece is `EL`, and Northern Ireland counts.
const MEMBERS: &str = "AT BE BG CY CZ DE DK EE EL ES FI FR HR HU IE IT LT LU LV MT NL PL PT RO SE SI SK XI";

/// The VAT rule of a country of the Union, by the letters of its VAT numbers.
pub(crate) fn vat_of(country: &[u8]) -> Option<fn(&str) -> Check> {
    Some(match country {
        b"AT" => at::uid,
        b"BE" => be::vat,
        b"BG" => bg::vat,
        b"CY" => ie_to_md::cy_vat,
        b"CZ" => cz::dic,
        b"DE" => de::vat,
        b"DK" => dk_to_hu::cvr,
        b"EE" => dk_to_hu::kmkr,
        b"EL" | b"GR" => dk_to_hu::gr_vat,
        b"ES" => es::nif,
        b"FI" => fi::alv,
        b"FR" => fr::tva,
        b"HR" => dk_to_hu::oib,
        b"HU" => dk_to_hu::anum,
        b"IE" => ie_to_md::ie_vat,
        b"IT" => it::iva,
        b"LT" => ie_to_md::pvm,
        b"LU" => ie_to_md::lu_tva,
        b"LV" => ie_to_md::pvn,
        b"MT" => ie_to_md::mt_vat,
        b"NL" => nl::btw,
        b"PL" => pl::nip,
        b"PT" => pt::nif,
        b"RO" => ro::cf,
        b"SE" => se::vat,
        b"SI" => si_to_ua::ddv,
        b"SK" => cz::sk_dph,
        b"XI" => gb::vat,
        _ => return None,
    })
}

/// Separators that any member's VAT number may be written with.
const SEPARATORS: &str = " -./,:()";

fn vat(text: &str) -> Check {
    let n = Compact::new(text, SEPARATORS)?;
    let country = n.part(..2);
    component(listed(MEMBERS, country))?;
    // The rules of the members drop the letters themselves; after that there must be no second pair.
    shape(!n.part(2..).starts_with(country))?;
    let rule = vat_of(country).ok_or(Invalid::Component)?;
    rule(std::str::from_utf8(&n).map_err(|_| Invalid::Format)?)
}

fn oss(text: &str) -> Check {
    let compact = Compact::new(text, " -")?;
    let (n, is_import) = match compact.strip_prefix(b"IM") {
        Some(rest) => (rest, true),
        None => (compact.strip_prefix(b"EU").ok_or(Invalid::Component)?, false),
    };
    shape(n.is_digits())?;
    length(n.len() == if is_import { 10 } else { 9 })?;
    // The country's ISO 3166-1 number: the member states, and those of the registration outside of them.
    const COUNTRIES: &str = "040 056 100 191 196 203 208 233 246 250 276 300 348 372 380 428 440 442 470 528 616 620 \
                             642 703 705 724 752 900";
    component(listed(COUNTRIES, n.part(..3)))
}

fn banknote(text: &str) -> Check {
    let n = Compact::new(text, " -")?;
    length(n.len() == 12)?;
    let letters = if n.at(1).is_ascii_digit() { 1 } else { 2 };
    shape(n.part(..letters).is_letters() && n.part(letters..).is_digits())?;
    let codes: u32 = n.part(..letters).iter().map(|character| u32::from(*character)).sum();
    checksum((codes + n.part(letters..).digit_sum()).is_multiple_of(9))
}

fn ecnumber(text: &str) -> Check {
    let n = digits(text, "-", 7..=7)?;
    let written = text.trim();
    let places = written.match_indices('-').map(|(place, _)| place);
    shape(written.len() == 7 || places.eq([3, 7]))?;
    component(n.at(0) >= b'2')?;
    // Numbers with the rest 10 were left out at first and later given out with a 1.
    let rest = n.weighted(&[1, 2, 3, 4, 5, 6]) % 11;
    checksum(if rest == 10 { 1 } else { rest } == n.digit(6))
}

const EIC: &str = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ-";

fn eic(text: &str) -> Check {
    let n = Compact::new(text, " ")?;
    length(n.len() == 16)?;
    shape(n.part(..2).is_digits() && n.iter().all(|character| place(EIC, *character).is_some()))?;
    // A dash never checks, so that it may be left out at the end.
    shape(n.at(15) != b'-')?;
    let products = n.body().iter().zip((2..=16).rev());
    let sum: u32 = products.map(|(one, weight)| place(EIC, *one).unwrap_or(0) * weight).sum();
    let check = 36 - (sum + 36) % 37;
    checksum(place(EIC, n.at(15)) == Some(check))
}

fn excise(text: &str) -> Check {
    let n = Compact::new(text, " -")?;
    length(n.len() == 13)?;
    shape(n.is_alphanumeric())?;
    component(listed(MEMBERS, n.part(..2)) || n.starts_with(b"GR"))?;
    if n.starts_with(b"FR") { fr::accise_shape(&n) } else { Ok(()) }
}

//! South America: Chile, Colombia, Ecuador, Peru, Paraguay, Uruguay, Venezuela.

use crate::validators::checksum::{complement, cyclic, luhn};
use crate::validators::format::{Check, Format, Kind, checksum, component, length, shape};
use crate::validators::text::{Characters, Compact, digits, digits_after, letter, listed};

pub(super) const FORMATS: &[Format] = &[
    Format::new("cl.rut", Kind::Tax, rut, "Chilean tax and identity number (RUT)", "SII").checked(),
    Format::new("co.nit", Kind::Tax, nit, "Colombian tax number (NIT)", "DIAN, administrative order 4/1989")
        .checked(),
    Format::new("ec.ci", Kind::Person, ci, "Ecuadorian identity number (CI)", "Registro Civil").checked(),
    Format::new("ec.ruc", Kind::Tax, ec_ruc, "Ecuadorian tax number (RUC)", "SRI").checked(),
    Format::new("pe.cui", Kind::Person, cui, "Peruvian identity number (CUI, DNI)", "RENIEC").checked(),
    Format::new("pe.ruc", Kind::Tax, pe_ruc, "Peruvian tax number (RUC)", "SUNAT").checked(),
    Format::new("py.ruc", Kind::Tax, py_ruc, "Paraguayan tax number (RUC)", "SET").checked(),
    Format::new("uy.rut", Kind::Tax, uy_rut, "Uruguayan tax number (RUT)", "DGI").checked(),
    Format::new("uy.ci", Kind::Person, uy_ci, "Uruguayan identity number (CI)", "DNIC").checked(),
    Format::new("ve.rif", Kind::Tax, rif, "Venezuelan tax number (RIF)", "SENIAT").checked(),
];

fn rut(text: &str) -> Check {
    let compact = Compact::new(text, " -.")?;
    let n = compact.without(&["CL"]);
    length((7..=9).contains(&n.len()))?;
    shape(n.body().is_digits() && (n.end().is_ascii_digit() || n.end() == b'K'))?;
    let check = complement(cyclic(n.body(), &[2, 3, 4, 5, 6, 7]), 11);
    checksum(letter("0123456789K", check) == n.end())
}

fn nit(text: &str) -> Check {
    let n = digits(text, " -.,", 8..=16)?;
    let rest = cyclic(n.body(), &[3, 7, 13, 17, 19, 23, 29, 37, 41, 43, 47, 53, 59, 67, 71]) % 11;
    checksum(letter("01987654321", rest) == n.end())
}

/// The 24 provinces, and those registered abroad.
fn province(n: &[u8]) -> Check {
    component(matches!(n.part(..2).number(), 1..=24 | 30 | 50))
}

fn is_ci(n: &[u8]) -> Check {
    province(n)?;
    component(n.at(2) <= b'6')?;
    checksum(luhn(n.part(..10)))
}

fn ci(text: &str) -> Check {
    is_ci(&digits(text, " -", 10..=10)?)
}

fn ec_ruc(text: &str) -> Check {
    let n = digits(text, " -", 13..=13)?;
    province(&n)?;
    let person = || {
        component(n.part(10..).number() > 0)?;
        is_ci(&n)
    };
    match n.at(2) {
        b'0'..=b'5' => person(),
        b'6' => public(&n).or_else(|error| person().map_err(|_| error)),
        b'9' => {
            component(n.part(10..).number() > 0)?;
            let is_company = complement(n.weighted(&[4, 3, 2, 7, 6, 5, 4, 3, 2]), 11) == n.digit(9);
            // Companies registered of late have the check digit of public bodies.
            if is_company { Ok(()) } else { public(&n) }
        }
        _ => component(false),
    }
}

/// Public bodies.
fn public(n: &[u8]) -> Check {
    component(n.part(9..).number() > 0)?;
    checksum(complement(n.weighted(&[3, 2, 7, 6, 5, 4, 3, 2]), 11) == n.digit(8))
}

fn cui(text: &str) -> Check {
    let n = Compact::new(text, " -")?;
    length(matches!(n.len(), 8 | 9))?;
    shape(n.part(..8).is_digits())?;
    if n.len() == 8 {
        return Ok(());
    }
    // The check character may be written as a digit or as a letter.
    let rest = n.weighted(&[3, 2, 7, 6, 5, 4, 3, 2]) % 11;
    shape(n.end().is_ascii_alphanumeric())?;
    checksum(letter("65432110987", rest) == n.end() || letter("KJIHGFEDCBA", rest) == n.end())
}

fn pe_ruc(text: &str) -> Check {
    let n = digits(text, " -", 11..=11)?;
    component(listed("10 15 16 17 20", n.part(..2)))?;
    let check = 11 - n.weighted(&[5, 4, 3, 2, 7, 6, 5, 4, 3, 2]) % 11;
    checksum(check % 10 == n.digit(10))
}

fn py_ruc(text: &str) -> Check {
    let n = digits(text, " -", 5..=9)?;
    let rest = cyclic(n.body(), &[2, 3, 4, 5, 6, 7, 8, 9, 10, 11]) % 11;
    checksum((11 - rest) % 11 % 10 == n.last_digit())
}

fn uy_rut(text: &str) -> Check {
    let n = digits_after(text, " -", &["UY"], 12..=12)?;
    component((1..=22).contains(&n.part(..2).number()) && n.part(2..8).number() > 0)?;
    component(n.part(8..11) == b"001")?;
    checksum(complement(n.weighted(&[4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2]), 11) == n.digit(11))
}

fn uy_ci(text: &str) -> Check {
    let n = digits(text, " -.", 7..=8)?;
    let n = Compact::padded(&n, 8)?;
    component(n.number() > 0)?;
    checksum(complement(n.weighted(&[2, 9, 8, 7, 6, 3, 4]), 10) == n.digit(7))
}

fn rif(text: &str) -> Check {
    let n = Compact::new(text, " -.")?;
    length(n.len() == 10)?;
    shape(n.part(1..).is_digits())?;
    // Venezuelans, foreigners, companies and communes, passports, the government.
    let kind = match n.at(0) {
        b'V' => 4,
        b'E' => 8,
        b'J' | b'C' => 12,
        b'P' => 16,
        b'G' => 20,
        _ => return component(false),
    };
    let rest = (kind + n.part(1..).weighted(&[3, 2, 7, 6, 5, 4, 3, 2])) % 11;
    checksum(if rest < 2 { 0 } else { 11 - rest } == n.digit(9))
}

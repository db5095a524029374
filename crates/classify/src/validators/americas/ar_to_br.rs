//! Argentina, Brazil.

use crate::validators::checksum::complement;
use crate::validators::format::{Check, Format, Kind, checksum, component, length, shape};
use crate::validators::text::{Characters, Compact, digits, listed};

pub(super) const FORMATS: &[Format] = &[
    Format::new("ar.cbu", Kind::Bank, cbu, "Argentine bank account key (CBU)", "BCRA, communication A 2622")
        .checked(),
    Format::new("ar.cuit", Kind::Tax, cuit, "Argentine tax number (CUIT, CUIL)", "ARCA; ANSES").checked(),
    Format::new("ar.dni", Kind::Person, dni, "Argentine identity number (DNI)", "RENAPER"),
    Format::new("br.cnpj", Kind::Company, cnpj, "Brazilian company number (CNPJ)", "RFB, IN 2229/2024")
        .checked(),
    Format::new("br.cpf", Kind::Person, cpf, "Brazilian taxpayer number (CPF)", "RFB").checked(),
    Format::new("br.cnh", Kind::Document, cnh, "Brazilian driving licence number (CNH)", "SENATRAN")
        .checked(),
    Format::new("br.titulo", Kind::Person, voter, "Brazilian voter number", "TSE, resolution 20132/1998")
        .checked(),
    Format::new("br.pis", Kind::Person, pis, "Brazilian social number (PIS, PASEP, NIT)", "Caixa").checked(),
    Format::new("br.cns", Kind::Health, cns, "Brazilian health card number (CNS)", "DATASUS").checked(),
];

fn cbu(text: &str) -> Check {
    let n = digits(text, " -", 22..=22)?;
    let bank = complement(n.weighted(&[7, 1, 3, 9, 7, 1, 3]), 10);
    let account = complement(n.part(8..).weighted(&[3, 9, 7, 1, 3, 9, 7, 1, 3, 9, 7, 1, 3]), 10);
    checksum(bank == n.digit(7) && account == n.digit(21))
}

fn cuit(text: &str) -> Check {
    let n = digits(text, " -", 11..=11)?;
    component(listed("20 23 24 25 26 27 30 33 34 50 51 55", n.part(..2)))?;
    let check = complement(n.weighted(&[5, 4, 3, 2, 7, 6, 5, 4, 3, 2]), 11);
    // Where 10 comes out the number is given out with 9.
    checksum(check.min(9) == n.digit(10))
}

fn dni(text: &str) -> Check {
    digits(text, " .", 7..=8).map(|_| ())
}

fn cnpj(text: &str) -> Check {
    let n = Compact::new(text, " -./")?;
    length(n.len() == 14)?;
    shape(n.is_alphanumeric() && n.part(12..).is_digits() && !n.is_repetition())?;
    // From 2026 on letters occur; they count by their ASCII code less that of the zero.
    let sum = |weights: &[u32]| -> u32 {
        let products = n.iter().zip(weights);
        products.map(|(character, weight)| u32::from(character.saturating_sub(b'0')) * weight).sum()
    };
    let digit = |sum: u32| complement(sum, 11) % 10;
    let first = digit(sum(&[5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2]));
    let second = digit(sum(&[6, 5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2]));
    checksum(first == n.digit(12) && second == n.digit(13))
}

fn cpf(text: &str) -> Check {
    let n = digits(text, " -.", 11..=11)?;
    shape(!n.is_repetition())?;
    let first = complement(n.weighted(&[10, 9, 8, 7, 6, 5, 4, 3, 2]), 11) % 10;
    let second = complement(n.weighted(&[11, 10, 9, 8, 7, 6, 5, 4, 3, 2]), 11) % 10;
    checksum(first == n.digit(9) && second == n.digit(10))
}

fn cnh(text: &str) -> Check {
    let n = digits(text, " ", 11..=11)?;
    shape(!n.is_repetition())?;
    let first = n.weighted(&[9, 8, 7, 6, 5, 4, 3, 2, 1]) % 11;
    let second = n.weighted(&[1, 2, 3, 4, 5, 6, 7, 8, 9]) % 11;
    // When the first comes out as 10 it is written as 0, and two are taken from the second.
    let is_over = first == 10;
    let second = if is_over { (second + 9) % 11 } else { second };
    let (first, second) = (if is_over { 0 } else { first }, if second == 10 { 0 } else { second });
    checksum(first == n.digit(9) && second == n.digit(10))
}

fn voter(text: &str) -> Check {
    let n = digits(text, " ", 12..=12)?;
    let state = n.part(8..10).number();
    component((1..=28).contains(&state))?;
    // Sao Paulo and Minas Gerais write 1 where the sum leaves nothing.
    let fix = |rest: u32| match rest {
        10 => 0,
        0 if state <= 2 => 1,
        other => other,
    };
    let first = fix(n.weighted(&[2, 3, 4, 5, 6, 7, 8, 9]) % 11);
    let second = fix((n.part(8..10).weighted(&[7, 8]) + first * 9) % 11);
    checksum(first == n.digit(10) && second == n.digit(11))
}

fn pis(text: &str) -> Check {
    let n = digits(text, " -.", 11..=11)?;
    shape(!n.is_repetition())?;
    checksum(complement(n.weighted(&[3, 2, 9, 8, 7, 6, 5, 4, 3, 2]), 11) % 10 == n.digit(10))
}

fn cns(text: &str) -> Check {
    let n = digits(text, " ", 15..=15)?;
    component(b"12789".contains(&n.at(0)))?;
    checksum(n.weighted(&[15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1]) % 11 == 0)
}

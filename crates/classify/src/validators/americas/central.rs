//! Central America and the Caribbean: Costa Rica, Cuba, the Dominican Republic, Guatemala, El Salvador.

use crate::validators::checksum::{complement, cyclic};
use crate::validators::date::{date, triple};
use crate::validators::format::{Check, Format, Invalid, Kind, checksum, component, length, shape};
use crate::validators::text::{Characters, Compact, digits, letter, listed};

pub(super) const FORMATS: &[Format] = &[
    Format::new(
        "cr.cpf",
        Kind::Person,
        cpf,
        "Costa Rican identity number (CPF)",
        "TSE; OECD TIN sheet Costa Rica",
    ),
    Format::new(
        "cr.cpj",
        Kind::Company,
        cpj,
        "Costa Rican company number (CPJ)",
        "Registro Nacional, decree 32565",
    ),
    Format::new(
        "cr.cr",
        Kind::Person,
        cr,
        "Costa Rican residence number (DIMEX)",
        "DGME; OECD TIN sheet Costa Rica",
    ),
    Format::new(
        "cu.ni",
        Kind::Person,
        cuban,
        "Cuban identity number (NI)",
        "Law 51/1971, carne de identidad",
    )
    .dated(),
    Format::new(
        "do.ncf",
        Kind::Reference,
        ncf,
        "Dominican invoice number (NCF)",
        "DGII, norms 06-2018 and 05-2019",
    ),
    Format::new("do.rnc", Kind::Tax, rnc, "Dominican taxpayer number (RNC)", "DGII").checked(),
    Format::new("gt.nit", Kind::Tax, gt_nit, "Guatemalan tax number (NIT)", "SAT").checked(),
    Format::new("sv.nit", Kind::Tax, sv_nit, "Salvadoran tax number (NIT)", "Ministerio de Hacienda")
        .checked(),
];

fn cpf(text: &str) -> Check {
    let n = Compact::new(text, " ")?;
    // Written with dashes, the groups may lack their zeros: 1-613-584 is 01-0613-0584.
    let mut groups = n.split(|character| *character == b'-');
    let joined = match (groups.next(), groups.next(), groups.next(), groups.next()) {
        (Some(first), Some(second), Some(third), None) => {
            length(first.len() <= 2 && second.len() <= 4 && third.len() <= 4)?;
            let parts = [Compact::padded(first, 2)?, Compact::padded(second, 4)?, Compact::padded(third, 4)?];
            let mut whole = Compact::of(b"")?;
            for character in parts.iter().flat_map(|part| part.iter()) {
                whole.push(*character)?;
            }
            whole
        }
        _ => {
            let plain = Compact::new(text, " -")?;
            length(matches!(plain.len(), 9 | 10))?;
            Compact::padded(&plain, 10)?
        }
    };
    shape(joined.is_digits())?;
    component(joined.at(0) == b'0')
}

fn cpj(text: &str) -> Check {
    let n = digits(text, " -", 10..=10)?;
    let kind = n.part(1..4);
    component(match n.at(0) {
        // The state, private persons, autonomous institutions, and corporations of their own.
        b'2' => listed("100 200 300 400", kind),
        b'3' => listed(
            "002 003 004 005 006 007 008 009 010 011 012 013 014 101 102 103 104 105 106 107 108 109 110",
            kind,
        ),
        b'4' => kind == b"000",
        b'5' => kind == b"001",
        _ => false,
    })
}

fn cr(text: &str) -> Check {
    let n = digits(text, " -", 11..=12)?;
    component(n.at(0) == b'1')
}

fn cuban(text: &str) -> Check {
    let n = digits(text, " ", 11..=11)?;
    let (year, month, day) = triple(&n, 0)?;
    // The seventh digit tells the century.
    let century = match n.at(6) {
        b'9' => 1800,
        b'0'..=b'5' => 1900,
        _ => 2000,
    };
    date(century + year, month, day)
}

/// Kinds of paper invoices and of electronic ones.
const PAPER: &str = "01 02 03 04 11 12 13 14 15 16 17";
const ELECTRONIC: &str = "31 32 33 34 41 43 44 45 46 47";

fn ncf(text: &str) -> Check {
    let n = Compact::new(text, " ")?;
    shape(n.part(1..).is_digits())?;
    match n.len() {
        13 => {
            shape(n.at(0) == b'E')?;
            component(listed(ELECTRONIC, n.part(1..3)))
        }
        11 => {
            shape(n.at(0) == b'B')?;
            component(listed(PAPER, n.part(1..3)))
        }
        // Until 2018: a letter, where it was made out, its kind and number.
        19 => {
            shape(matches!(n.at(0), b'A' | b'P'))?;
            component(listed(PAPER, n.part(9..11)))
        }
        _ => Err(Invalid::Length),
    }
}

fn rnc(text: &str) -> Check {
    let n = digits(text, " -", 9..=9)?;
    let rest = n.weighted(&[7, 9, 8, 6, 5, 4, 3, 2]) % 11;
    // There is no 0: what would be 10 is 1, and what would be 0 is 2.
    checksum(
        n.digit(8)
            == match rest {
                0 => 2,
                1 => 1,
                other => 11 - other,
            },
    )
}

fn gt_nit(text: &str) -> Check {
    let compact = Compact::new(text, " -")?;
    length((2..=12).contains(&compact.len()))?;
    let zeros = compact.iter().take_while(|character| **character == b'0').count();
    let n = compact.part(zeros..);
    shape(n.body().is_digits() && (n.end().is_ascii_digit() || n.end() == b'K'))?;
    let check = complement(cyclic(n.body(), &[2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]), 11);
    checksum(letter("0123456789K", check) == n.end())
}

fn sv_nit(text: &str) -> Check {
    let compact = Compact::new(text, " -")?;
    let n = compact.without(&["SV"]);
    length(n.len() == 14)?;
    shape(n.is_digits())?;
    // The department of birth, or 9 for foreigners.
    component(matches!(n.at(0), b'0' | b'1' | b'9'))?;
    // Numbers from 101 on have another order of weights.
    let check = if n.part(10..13).number() <= 100 {
        n.weighted(&[14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2]) % 11 % 10
    } else {
        complement(n.weighted(&[2, 7, 6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2]), 11) % 10
    };
    checksum(check == n.digit(13))
}

//! Russia and Ukraine.

use crate::validators::checksum::twofold_11;
use crate::validators::format::{Check, Format, Kind, checksum, component, length};
use crate::validators::text::{Characters, digits};

pub(super) const FORMATS: &[Format] = &[
    Format::new("ru.inn", Kind::Tax, inn, "Russian taxpayer number (INN)", "FNS order MMV-7-6/435").checked(),
    Format::new("ru.ogrn", Kind::Company, ogrn, "Russian register number (OGRN)", "FNS, EGRUL").checked(),
    Format::new("ru.snils", Kind::Person, snils, "Russian insurance number (SNILS)", "Social Fund").checked(),
    Format::new("ua.edrpou", Kind::Company, edrpou, "Ukrainian company number (EDRPOU)", "State register")
        .checked(),
    Format::new("ua.rntrc", Kind::Tax, rntrc, "Ukrainian taxpayer number (RNTRC)", "State Tax Service")
        .checked(),
];

fn inn(text: &str) -> Check {
    let n = digits(text, " ", 10..=12)?;
    length(matches!(n.len(), 10 | 12))?;
    if n.len() == 10 {
        return checksum(n.weighted(&[2, 4, 10, 3, 5, 9, 4, 6, 8]) % 11 % 10 == n.digit(9));
    }
    checksum(n.weighted(&[7, 2, 4, 10, 3, 5, 9, 4, 6, 8]) % 11 % 10 == n.digit(10))?;
    checksum(n.weighted(&[3, 7, 2, 4, 10, 3, 5, 9, 4, 6, 8]) % 11 % 10 == n.digit(11))
}

fn ogrn(text: &str) -> Check {
    let n = digits(text, " ", 13..=15)?;
    length(matches!(n.len(), 13 | 15))?;
    component(n.at(0) != b'0' && n.at(0) != b'9')?;
    let modulus = n.len() as u64 - 2;
    checksum(n.body().number() % modulus % 10 == u64::from(n.last_digit()))
}

fn snils(text: &str) -> Check {
    let n = digits(text, " -", 11..=11)?;
    // Numbers up to this one were given out without check digits; they can not be told.
    component(n.part(..9).number() > 1_001_998)?;
    let sum = n.weighted(&[9, 8, 7, 6, 5, 4, 3, 2, 1]);
    checksum(u64::from(sum % 101 % 100) == n.part(9..).number())
}

fn edrpou(text: &str) -> Check {
    let n = digits(text, " ", 8..=8)?;
    let is_middle = (30_000_000..=60_000_000).contains(&n.number());
    let (first, second) = if is_middle {
        ([7, 1, 2, 3, 4, 5, 6], [9, 3, 4, 5, 6, 7, 8])
    } else {
        ([1, 2, 3, 4, 5, 6, 7], [3, 4, 5, 6, 7, 8, 9])
    };
    checksum(twofold_11(&n, &first, &second) == n.digit(7))
}

fn rntrc(text: &str) -> Check {
    let n = digits(text, " ", 10..=10)?;
    // Ten of the weights count from -1; modulo 11 that is 10.
    checksum(n.weighted(&[10, 5, 7, 9, 4, 6, 10, 5, 7]) % 11 % 10 == n.digit(9))
}

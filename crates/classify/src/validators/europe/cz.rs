//! The Czech Republic and Slovakia, which share the birth number and the company number.

use crate::validators::date::{date, triple};
use crate::validators::format::{Check, Format, Invalid, Kind, checksum, component, length, shape};
use crate::validators::text::{Characters, Compact, digits, digits_after, listed};

pub(super) const FORMATS: &[Format] = &[
    Format::new(
        "cz.bankaccount",
        Kind::Bank,
        bankaccount,
        "Czech bank account number",
        "CNB decree 169/2011",
    )
    .checked(),
    Format::new("cz.dic", Kind::Vat, dic, "Czech VAT number (DIC)", "VIES; Ministry of Finance").checked(),
    Format::new("cz.ico", Kind::Company, ico, "Czech company number (ICO)", "Act 111/2009").checked(),
    Format::new("cz.rc", Kind::Person, rc, "Czech birth number (rodne cislo)", "Act 133/2000")
        .checked()
        .dated(),
    Format::new("sk.dph", Kind::Vat, sk_dph, "Slovak VAT number (IC DPH)", "VIES").checked(),
    Format::new("sk.ico", Kind::Company, ico, "Slovak company number (ICO)", "Statistical Office").checked(),
    Format::new("sk.rc", Kind::Person, rc, "Slovak birth number (rodne cislo)", "Act 301/1995")
        .checked()
        .dated(),
];

/// Codes of banks and credit unions in the payment system, now or formerly (CNB).
const BANKS: &str = "0100 0300 0400 0600 0710 0730 0800 2010 2020 2030 2040 2050 2060 2070 2100 2200 2210 2220 2240 \
2250 2260 2275 2310 2400 2600 2700 3020 3030 3040 3050 3060 3500 4000 4300 5000 5400 5500 5800 6000 6100 6200 6210 \
6300 6363 6700 6800 7910 7940 7950 7960 7970 7980 7990 8030 8040 8060 8090 8150 8190 8198 8199 8200 8211 8215 8220 \
8221 8230 8240 8241 8242 8250 8255 8260 8265 8270 8272 8280 8283 8291 8292 8293 8294 8296 8299 8500";

fn bankaccount(text: &str) -> Check {
    let n = Compact::new(text, " ")?;
    let mut halves = n.split(|character| *character == b'/');
    let (Some(account), Some(bank), None) = (halves.next(), halves.next(), halves.next()) else {
        return Err(Invalid::Format);
    };
    let (prefix, root) = match account.iter().position(|character| *character == b'-') {
        Some(dash) => (account.part(..dash), account.part(dash + 1..)),
        None => (b"0".as_slice(), account),
    };
    shape(prefix.is_digits() && root.is_digits() && bank.is_digits())?;
    shape(prefix.len() <= 6 && (2..=10).contains(&root.len()) && bank.len() == 4)?;
    component(listed(BANKS, bank))?;
    let prefix = Compact::padded(prefix, 6)?;
    let root = Compact::padded(root, 10)?;
    checksum(prefix.weighted(&[10, 5, 8, 4, 2, 1]) % 11 == 0)?;
    checksum(root.weighted(&[6, 3, 7, 9, 10, 5, 8, 4, 2, 1]) % 11 == 0)
}

fn ico(text: &str) -> Check {
    let n = digits(text, " ", 8..=8)?;
    is_ico(&n)
}

fn is_ico(n: &[u8]) -> Check {
    let rest = n.weighted(&[8, 7, 6, 5, 4, 3, 2]) % 11;
    checksum((11 - rest) % 10 == n.digit(7))
}

pub(super) fn dic(text: &str) -> Check {
    let n = digits_after(text, " /", &["CZ"], 8..=10)?;
    match n.len() {
        8 => {
            component(n.at(0) != b'9')?;
            is_ico(&n)
        }
        // Persons without a birth number.
        9 if n.at(0) == b'6' => {
            let rest = n.part(1..).weighted(&[8, 7, 6, 5, 4, 3, 2]) % 11;
            let distance = if rest == 0 { 11 } else { 11 - rest };
            checksum((19 - distance) % 10 == n.digit(8))
        }
        _ => is_rc(&n),
    }
}

fn rc(text: &str) -> Check {
    let n = digits(text, " /", 9..=10)?;
    is_rc(&n)
}

fn is_rc(n: &[u8]) -> Check {
    let (two, month, day) = triple(n, 0)?;
    // Women have 50 added to the month; from 2004 on, 20 more may be when the numbers of a day have run out.
    let month = if month > 50 { month - 50 } else { month };
    let is_overflow = month > 20;
    let month = if is_overflow { month - 20 } else { month };
    let year = if n.len() == 9 {
        // Nine digits were given out until 1953.
        length(two <= 53 || two >= 80)?;
        if two >= 80 { 1800 + two } else { 1900 + two }
    } else if two < 54 {
        2000 + two
    } else {
        1900 + two
    };
    component(!is_overflow || year >= 2004)?;
    date(year, month, day)?;
    if n.len() == 9 {
        return Ok(());
    }
    let rest = n.part(..9).remainder(11);
    // Since 1985 numbers with the rest 10 should not be given out; before, and in some cases after, they had a 0.
    checksum(rest % 10 == u64::from(n.digit(9)))
}

pub(super) fn sk_dph(text: &str) -> Check {
    let n = digits_after(text, " -", &["SK"], 10..=10)?;
    if is_rc(&n).is_ok() {
        return Ok(());
    }
    shape(n.at(0) != b'0' && b"234789".contains(&n.at(2)))?;
    checksum(n.number() % 11 == 0)
}

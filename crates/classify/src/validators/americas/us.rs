//! The United States.

use crate::validators::checksum::luhn;
use crate::validators::format::{Check, Format, Kind, checksum, component, length, shape};
use crate::validators::text::{Characters, Compact, digits, listed};

pub(super) const FORMATS: &[Format] = &[
    Format::new(
        "us.atin",
        Kind::Tax,
        atin,
        "US adoption taxpayer number (ATIN)",
        "IRS; its ranges are not verified",
    ),
    Format::new(
        "us.ein",
        Kind::Company,
        ein,
        "US employer identification number (EIN)",
        "IRS, valid EIN prefixes",
    ),
    Format::new("us.itin", Kind::Tax, itin, "US individual taxpayer number (ITIN)", "IRS, IRM 3.21.263"),
    Format::new("us.ptin", Kind::Tax, ptin, "US tax preparer number (PTIN)", "IRS"),
    Format::new("us.rtn", Kind::Bank, rtn, "US bank routing number (ABA)", "American Bankers Association")
        .checked(),
    Format::new(
        "us.ssn",
        Kind::Person,
        ssn,
        "US social security number (SSN)",
        "SSA, RM 10201.030; randomised 2011",
    ),
    Format::new("us.tin", Kind::Tax, tin, "US taxpayer number (TIN)", "IRS: SSN, ITIN, EIN, PTIN or ATIN"),
    Format::new("us.npi", Kind::Health, npi, "US national provider identifier (NPI)", "CMS, NPI check digit")
        .checked(),
    Format::new("us.dea", Kind::Health, dea, "US controlled substances registration (DEA)", "21 CFR 1301")
        .checked(),
    Format::new("us.mbi", Kind::Health, mbi, "US Medicare beneficiary identifier (MBI)", "CMS, MBI format"),
];

/// Nine digits, plain or in groups of three, two and four.
fn grouped(text: &str) -> Result<Compact, crate::validators::Invalid> {
    let n = digits(text, "-", 9..=9)?;
    let dashes = text.trim().bytes().filter(|byte| *byte == b'-').count();
    let written = text.trim().as_bytes();
    shape(
        dashes == 0 || (dashes == 2 && written.at(3) == b'-' && written.at(6) == b'-') || !text.is_ascii(),
    )?;
    Ok(n)
}

fn atin(text: &str) -> Check {
    grouped(text).map(|_| ())
}

fn itin(text: &str) -> Check {
    let n = grouped(text)?;
    let group = n.part(3..5).number();
    component(n.at(0) == b'9')?;
    // 89 and 93 are other numbers of the IRS.
    component((50..=65).contains(&group) || (70..=99).contains(&group) && group != 89 && group != 93)
}

fn ssn(text: &str) -> Check {
    let n = grouped(text)?;
    component(n.at(0) != b'9' && !listed("000 666", n.part(..3)))?;
    component(n.part(3..5) != b"00" && n.part(5..) != b"0000")?;
    // Two numbers that were printed in advertisements.
    component(!listed("078051120 219099999 457555462", &n))
}

/// Prefixes of the campuses and of the internet.
const EIN: &str = "01 02 03 04 05 06 10 11 12 13 14 15 16 20 21 22 23 24 25 26 27 30 31 32 33 34 35 36 37 38 39 40 41 42 \
43 44 45 46 47 48 50 51 52 53 54 55 56 57 58 59 60 61 62 63 64 65 66 67 68 71 72 73 74 75 76 77 80 81 82 83 84 85 86 87 \
88 90 91 92 93 94 95 98 99";

fn ein(text: &str) -> Check {
    let written = Compact::new(text, " ")?;
    let n = digits(text, " -", 9..=9)?;
    shape(written.len() == 9 || (written.len() == 10 && written.at(2) == b'-'))?;
    component(listed(EIN, n.part(..2)))
}

fn ptin(text: &str) -> Check {
    let n = Compact::new(text, "-")?;
    length(n.len() == 9)?;
    shape(n.at(0) == b'P' && n.part(1..).is_digits())
}

fn tin(text: &str) -> Check {
    ssn(text).or_else(|_| itin(text)).or_else(|_| ein(text)).or_else(|_| ptin(text)).or_else(|_| atin(text))
}

fn rtn(text: &str) -> Check {
    let n = digits(text, " -", 9..=9)?;
    // Federal Reserve districts, thrifts, electronic transactions, traveller's cheques.
    component(matches!(n.part(..2).number(), 0..=12 | 21..=32 | 61..=72 | 80))?;
    component(n.number() > 0)?;
    checksum(n.weighted(&[3, 7, 1, 3, 7, 1, 3, 7, 1]) % 10 == 0)
}

fn npi(text: &str) -> Check {
    let n = digits(text, " -", 10..=10)?;
    component(matches!(n.at(0), b'1' | b'2'))?;
    // Luhn over the number with the prefix of health cards of the United States.
    let mut card = Compact::of(b"80840")?;
    for character in n.iter() {
        card.push(*character)?;
    }
    checksum(luhn(&card))
}

fn dea(text: &str) -> Check {
    let n = Compact::new(text, " -")?;
    length(n.len() == 9)?;
    shape(n.part(..1).is_letters() && n.part(2..).is_digits())?;
    shape(n.at(1).is_ascii_uppercase() || n.at(1) == b'9')?;
    component(b"ABCDEFGHJKLMPRSTUX".contains(&n.at(0)))?;
    let sum = n.part(2..).weighted(&[1, 2, 1, 2, 1, 2]);
    checksum(sum % 10 == n.digit(8))
}

fn mbi(text: &str) -> Check {
    let n = Compact::new(text, "-")?;
    length(n.len() == 11)?;
    // C is 1 to 9, A a letter, N a digit, and B a letter or a digit; letters that look like digits are left out.
    let is_letter = |one: u8| one.is_ascii_uppercase() && !b"BILOSZ".contains(&one);
    shape(n.iter().zip(b"CABNABNAANN").all(|(one, kind)| match kind {
        b'C' => (b'1'..=b'9').contains(one),
        b'A' => is_letter(*one),
        b'N' => one.is_ascii_digit(),
        _ => one.is_ascii_digit() || is_letter(*one),
    }))
}

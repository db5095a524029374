//! Belgium.

use crate::validators::date::{date, triple};
use crate::validators::format::{Check, Format, Invalid, Kind, checksum, component, length, shape};
use crate::validators::text::{Characters, Compact, digits, in_ranges};

pub(super) const FORMATS: &[Format] = &[
    Format::new("be.bis", Kind::Person, bis, "Belgian BIS number", "KSZ, BIS register").checked().dated(),
    Format::new("be.eid", Kind::Document, eid, "Belgian identity card number", "BOSA, eID content").checked(),
    Format::new(
        "be.iban",
        Kind::Bank,
        iban,
        "Belgian IBAN",
        "SWIFT IBAN registry; National Bank, bank codes of 2023",
    )
    .checked(),
    Format::new(
        "be.nn",
        Kind::Person,
        nn,
        "Belgian national register number",
        "Royal decree of 3 April 1984",
    )
    .checked()
    .dated(),
    Format::new("be.ogm_vcs", Kind::Reference, ogm_vcs, "Belgian structured communication", "Febelfin")
        .checked(),
    Format::new("be.ssn", Kind::Person, ssn, "Belgian social security number", "KSZ: national or BIS number")
        .checked()
        .dated(),
    Format::new("be.vat", Kind::Vat, vat, "Belgian enterprise and VAT number", "KBO").checked(),
];

/// The check digits of those born from 2000 on count a 2 before the number. Answers the century.
fn century(n: &[u8]) -> Result<u32, Invalid> {
    let (number, check) = (n.part(..9).number(), n.part(9..).number());
    if 97 - number % 97 == check {
        Ok(1900)
    } else if 97 - (2_000_000_000 + number) % 97 == check {
        Ok(2000)
    } else {
        Err(Invalid::Checksum)
    }
}

/// A date of which the month, or the month and the day, may be unknown and zero.
fn birth(century: u32, (year, month, day): (u32, u32, u32)) -> Check {
    if month == 0 || day == 0 {
        component(month <= 12 && day <= 31)
    } else {
        date(century + year, month, day)
    }
}

fn nn(text: &str) -> Check {
    let n = digits(text, " -.", 11..=11)?;
    let century = century(&n)?;
    birth(century, triple(&n, 0)?)
}

fn bis(text: &str) -> Check {
    let n = digits(text, " -.", 11..=11)?;
    let century = century(&n)?;
    let (year, month, day) = triple(&n, 0)?;
    // 20 is added to the month, or 40 when the sex is known.
    component((20..=32).contains(&month) || (40..=52).contains(&month))?;
    birth(century, (year, month % 20, day))
}

fn ssn(text: &str) -> Check {
    nn(text).or_else(|_| bis(text))
}

fn eid(text: &str) -> Check {
    let n = digits(text, " -", 12..=12)?;
    let rest = n.part(..10).number() % 97;
    checksum(n.part(10..).number() == if rest == 0 { 97 } else { rest })
}

fn ogm_vcs(text: &str) -> Check {
    let n = digits(text, " +/*", 12..=12)?;
    let rest = n.part(..10).number() % 97;
    checksum(n.part(10..).number() == if rest == 0 { 97 } else { rest })
}

pub(super) fn vat(text: &str) -> Check {
    let compact = Compact::new(text, " -./()")?;
    let n = compact.without(&["BE"]);
    shape(n.is_digits() && n.number() > 0)?;
    length((9..=10).contains(&n.len()))?;
    let n = Compact::padded(n, 10)?;
    component(matches!(n.at(0), b'0' | b'1'))?;
    checksum(97 - n.part(..8).number() % 97 == n.part(8..).number())
}

/// Codes of banks that are given out.
const BANKS: &str = "000-111 113-114 119-127 129-134 137 140-150 171 175-176 185 189-214 220-501 504 507-510 512-515 521-525 \
538 541 546 548-560 562-579 581 583 585-588 590-601 605 607 610-613 624-625 630-631 634-636 638 640 642-654 657-658 663-664 \
666-680 682-689 693-694 696 699-709 719 722 725-817 823-826 828 830-840 845 850-853 859-860 862-863 865-866 868 871 873 \
876-881 883-884 887-888 890-899 905-908 910-911 913-917 920 922-924 926 928-931 934 936 939-943 945 948-961 963-964 967-969 \
971 973-984 989-999";

fn iban(text: &str) -> Check {
    let n = Compact::new(text, " -.")?;
    component(n.starts_with(b"BE"))?;
    crate::validators::world::iban(text)?;
    component(in_ranges(BANKS, n.part(4..7).number()))
}

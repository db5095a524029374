//! New Zealand.

use crate::validators::checksum::complement;
use crate::validators::format::{Check, Format, Invalid, Kind, checksum, component, length, shape};
use crate::validators::text::{Characters, Compact, digits_after, letter, place};

pub(super) const FORMATS: &[Format] = &[
    Format::new(
        "nz.bankaccount",
        Kind::Bank,
        account,
        "New Zealand bank account number",
        "IRD, RWT and NRWT specification",
    )
    .checked(),
    Format::new("nz.ird", Kind::Tax, ird, "New Zealand tax number (IRD)", "IRD, RWT and NRWT specification")
        .checked(),
    Format::new("nz.nhi", Kind::Health, nhi, "New Zealand health index number (NHI)", "HISO 10046").checked(),
];

/// How the number of a bank is verified.
#[derive(Clone, Copy, PartialEq)]
enum Rule {
    /// With the branch, or without it for high account numbers.
    Common,
    D,
    E,
    F,
    G,
    /// Nothing is verified.
    X,
}

/// Bank, first and last branch, rule.
const BRANCHES: &[(u64, u64, u64, Rule)] = &[
    (1, 1, 999, Rule::Common),
    (1, 1100, 1199, Rule::Common),
    (1, 1800, 1899, Rule::Common),
    (2, 1, 999, Rule::Common),
    (2, 1200, 1299, Rule::Common),
    (3, 1, 999, Rule::Common),
    (3, 1300, 1399, Rule::Common),
    (3, 1500, 1599, Rule::Common),
    (3, 1700, 1799, Rule::Common),
    (3, 1900, 1999, Rule::Common),
    (3, 7350, 7399, Rule::Common),
    (4, 2020, 2024, Rule::Common),
    (6, 1, 999, Rule::Common),
    (6, 1400, 1499, Rule::Common),
    (8, 6500, 6599, Rule::D),
    (9, 0, 0, Rule::E),
    (10, 5165, 5169, Rule::Common),
    (11, 5000, 6499, Rule::Common),
    (11, 6600, 8999, Rule::Common),
    (12, 3000, 3299, Rule::Common),
    (12, 3400, 3499, Rule::Common),
    (12, 3600, 3699, Rule::Common),
    (13, 4900, 4999, Rule::Common),
    (14, 4700, 4799, Rule::Common),
    (15, 3900, 3999, Rule::Common),
    (16, 4400, 4499, Rule::Common),
    (17, 3300, 3399, Rule::Common),
    (18, 3500, 3599, Rule::Common),
    (19, 4600, 4649, Rule::Common),
    (20, 4100, 4199, Rule::Common),
    (21, 4800, 4899, Rule::Common),
    (22, 4000, 4049, Rule::Common),
    (23, 3700, 3799, Rule::Common),
    (24, 4300, 4349, Rule::Common),
    (25, 2500, 2599, Rule::F),
    (26, 2600, 2699, Rule::G),
    (27, 3800, 3849, Rule::Common),
    (28, 2100, 2149, Rule::G),
    (29, 2150, 2299, Rule::G),
    (30, 2900, 2949, Rule::Common),
    (31, 2800, 2849, Rule::X),
    (33, 6700, 6799, Rule::F),
    (35, 2400, 2499, Rule::Common),
    (38, 9000, 9499, Rule::Common),
    (88, 8800, 8805, Rule::Common),
];

/// Bank (2), branch (4), account (8) and suffix (4), each with its zeros.
fn parts(text: &str) -> Result<Compact, Invalid> {
    let written = Compact::new(text, " ")?;
    let mut whole = Compact::of(b"")?;
    let dashes = written.iter().filter(|character| **character == b'-').count();
    let plain = Compact::new(text, " -")?;
    if dashes == 3 {
        for (group, size) in written.split(|character| *character == b'-').zip([2, 4, 8, 4]) {
            shape(group.is_digits())?;
            length(group.len() <= size)?;
            for character in Compact::padded(group, size)?.iter() {
                whole.push(*character)?;
            }
        }
        return Ok(whole);
    }
    // Without dashes between all groups, only the suffix may vary.
    length(matches!(plain.len(), 15 | 16))?;
    let groups = [(plain.part(..6), 6), (plain.part(6..13), 8), (plain.part(13..), 4)];
    for (group, size) in groups {
        for character in Compact::padded(group, size)?.iter() {
            whole.push(*character)?;
        }
    }
    Ok(whole)
}

fn account(text: &str) -> Check {
    let n = parts(text)?;
    shape(n.is_digits())?;
    let (bank, branch, number) = (n.part(..2).number(), n.part(2..6).number(), n.part(6..14));
    let row = BRANCHES.iter().find(|row| row.0 == bank && (row.1..=row.2).contains(&branch));
    let (_, _, _, rule) = row.ok_or(Invalid::Component)?;
    let suffix = n.part(14..);
    checksum(match rule {
        Rule::Common => {
            let with_branch =
                if number.number() < 990_000 { n.part(2..6).weighted(&[6, 3, 7, 9]) } else { 0 };
            (with_branch + number.weighted(&[0, 0, 10, 5, 8, 4, 2, 1])) % 11 == 0
        }
        Rule::D => number.weighted(&[0, 7, 6, 5, 4, 3, 2, 1]) % 11 == 0,
        Rule::E => {
            (folded(number, &[0, 0, 0, 0, 5, 4, 3, 2]) + folded(suffix, &[0, 0, 0, 1])).is_multiple_of(11)
        }
        Rule::F => number.weighted(&[0, 1, 7, 3, 1, 7, 3, 1]) % 10 == 0,
        Rule::G => {
            (folded(number, &[0, 1, 3, 7, 1, 3, 7, 1]) + folded(suffix, &[0, 3, 7, 1])).is_multiple_of(10)
        }
        Rule::X => true,
    })
}

/// The sum of the products, each brought down to one digit by adding its digits twice.
fn folded(digits: &[u8], weights: &[u32]) -> u32 {
    let once = |number: u32| number / 10 + number % 10;
    digits
        .iter()
        .zip(weights)
        .map(|(digit, weight)| once(once(u32::from(digit.saturating_sub(b'0')) * weight)))
        .sum()
}

fn ird(text: &str) -> Check {
    let n = digits_after(text, " -", &["NZ"], 8..=9)?;
    component((10_000_000..150_000_000).contains(&n.number()))?;
    let n = Compact::padded(&n, 9)?;
    let first = complement(n.weighted(&[3, 2, 7, 6, 5, 4, 3, 2]), 11);
    let second = complement(n.weighted(&[7, 4, 3, 2, 5, 2, 7, 6]), 11);
    checksum(if first < 10 { first } else { second } == n.digit(8))
}

/// Letters without those that look like digits.
const HEALTH: &str = "ABCDEFGHJKLMNPQRSTUVWXYZ";

fn nhi(text: &str) -> Check {
    let n = Compact::new(text, " ")?;
    length(n.len() == 7)?;
    let letters = n.part(..3);
    shape(letters.iter().all(|one| place(HEALTH, *one).is_some()) && n.part(3..5).is_digits())?;
    let value = |index: usize| place(HEALTH, n.at(index)).map_or(n.digit(index), |place| place + 1);
    let sum: u32 = (0..6).map(|index| value(index) * (7 - index as u32)).sum();
    if n.part(5..).is_digits() {
        // Three letters and four digits; a sum that leaves nothing is not given out.
        let rest = sum % 11;
        return checksum(rest != 0 && (11 - rest) % 10 == n.digit(6));
    }
    shape(place(HEALTH, n.at(5)).is_some() && place(HEALTH, n.at(6)).is_some())?;
    // Letters and digits in turn; the check letter counts from 1.
    checksum(letter(HEALTH, 22 - sum % 23) == n.at(6))
}

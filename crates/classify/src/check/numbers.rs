//! Sums over digits, and days.

use crate::rule::{DateFormat, Modulus, Position};

/// Most digits that are looked at.
const MOST: usize = 64;

/// The first digits of a text, kept in place: numbers are checked far too often to ask for memory each time.
pub(super) struct Digits {
    kept: [u8; MOST],
    count: usize,
}

impl Digits {
    pub(super) fn of(text: &[u8]) -> Digits {
        let mut digits = Digits { kept: [0; MOST], count: 0 };
        let found = text.iter().filter(|byte| byte.is_ascii_digit());
        for (kept, byte) in digits.kept.iter_mut().zip(found) {
            *kept = byte - b'0';
            digits.count += 1;
        }
        digits
    }

    /// Each as a number.
    pub(super) fn all(&self) -> &[u8] {
        self.kept.get(..self.count).unwrap_or_default()
    }
}

/// The weighted sum of all digits but the check digit.
pub(super) fn modulus(text: &[u8], rule: &Modulus) -> bool {
    let known = Digits::of(text);
    let digits = known.all();
    let place = match rule.position {
        Position::Last => digits.len().checked_sub(1),
        Position::FromStart(place) => Some(usize::from(place)),
    };
    let Some((place, check)) = place.and_then(|place| Some((place, *digits.get(place)?))) else {
        return false;
    };
    let others =
        digits.iter().enumerate().filter(|(other, _)| *other != place).map(|(_, digit)| i64::from(*digit));
    let sum: i64 =
        others.zip(rule.weights.iter().cycle()).map(|(digit, weight)| digit * i64::from(*weight)).sum();
    let modulus = i64::from(rule.modulus);
    let remainder = sum.rem_euclid(modulus);
    let expected = if rule.complement { (modulus - remainder) % modulus } else { remainder };
    expected == i64::from(check)
}

/// Whether the digits from `offset` on are a day of the calendar. Without a century, 29 February is always one.
pub(super) fn date(text: &[u8], format: DateFormat, offset: u8) -> bool {
    let known = Digits::of(text);
    let digits = known.all().get(usize::from(offset)..).unwrap_or_default();
    let number = |range: std::ops::Range<usize>| {
        digits.get(range).map(|digits| digits.iter().fold(0, |number, digit| number * 10 + u32::from(*digit)))
    };
    let (year, month, day) = match format {
        DateFormat::Yyyymmdd => (0..4, 4..6, 6..8),
        DateFormat::Ddmmyyyy => (4..8, 2..4, 0..2),
        DateFormat::Mmddyyyy => (4..8, 0..2, 2..4),
        DateFormat::Yymmdd => (0..2, 2..4, 4..6),
        DateFormat::Ddmmyy => (4..6, 2..4, 0..2),
        DateFormat::Mmddyy => (4..6, 0..2, 2..4),
    };
    let century = year.len() == 4;
    let (Some(year), Some(month), Some(day)) = (number(year), number(month), number(day)) else {
        return false;
    };
    if century && !(1800..=2200).contains(&year) {
        return false;
    }
    let leap = !century || (year % 4 == 0 && (year % 100 != 0 || year % 400 == 0));
    let last = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        _ => 0,
    };
    (1..=last).contains(&day)
}

#[cfg(test)]
mod tests {
    use super::{date, modulus};
    use crate::rule::{DateFormat, Modulus, Position};

    #[test]
    fn sums() {
        let rule = |complement, weights: &[i32]| Modulus {
            weights: weights.to_vec(),
            modulus: 11,
            position: Position::Last,
            complement,
        };
        // 1*3 + 2*2 = 7.
        assert!(modulus(b"12-7", &rule(false, &[3, 2])) && !modulus(b"12-6", &rule(false, &[3, 2])));
        assert!(modulus(b"124", &rule(true, &[3, 2])) && !modulus(b"", &rule(true, &[3, 2])));
    }

    #[test]
    fn days() {
        assert!(
            date(b"2024-02-29", DateFormat::Yyyymmdd, 0) && !date(b"2023-02-29", DateFormat::Yyyymmdd, 0)
        );
        assert!(
            date(b"31.12.1999", DateFormat::Ddmmyyyy, 0) && !date(b"31.11.1999", DateFormat::Ddmmyyyy, 0)
        );
        assert!(date(b"1 850512", DateFormat::Yymmdd, 1) && !date(b"851301", DateFormat::Yymmdd, 0));
        assert!(!date(b"8505", DateFormat::Yymmdd, 0) && !date(b"1700-01-01", DateFormat::Yyyymmdd, 0));
    }
}

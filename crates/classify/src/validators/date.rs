//! Dates inside identifiers.

use super::format::{Check, Invalid, component};
use super::text::Characters;

/// The last year that a date inside an identifier may be of. There is no clock here; the constant moves with releases.
pub const LAST_YEAR: u32 = 2030;

/// A day of the Gregorian calendar.
pub(super) fn date(year: u32, month: u32, day: u32) -> Check {
    component(is_day(year, month, day))
}

/// A day of birth that is not beyond [`LAST_YEAR`], where the number tells the century in so many ways that chance
/// would often fall upon the future.
pub(super) fn birthday(year: u32, month: u32, day: u32) -> Check {
    component(year <= LAST_YEAR && is_day(year, month, day))
}

/// Whether the calendar has this day.
pub(super) fn is_day(year: u32, month: u32, day: u32) -> bool {
    let days = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if is_leap(year) => 29,
        2 => 28,
        _ => return false,
    };
    (1..=days).contains(&day)
}

fn is_leap(year: u32) -> bool {
    year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
}

/// A day whose century is not known: of the 20th or the 21st.
pub(super) fn date_of_unknown_century(year: u32, month: u32, day: u32) -> Check {
    date(1900 + year, month, day).or_else(|_| date(2000 + year, month, day))
}

/// The three numbers of two digits that begin at a place.
pub(super) fn triple(characters: &[u8], start: usize) -> Result<(u32, u32, u32), Invalid> {
    Ok((two(characters, start)?, two(characters, start + 2)?, two(characters, start + 4)?))
}

/// The number of two digits that begins at a place.
pub(super) fn two(characters: &[u8], start: usize) -> Result<u32, Invalid> {
    digits_at(characters, start, 2)
}

/// The number of four digits that begins at a place.
pub(super) fn four(characters: &[u8], start: usize) -> Result<u32, Invalid> {
    digits_at(characters, start, 4)
}

fn digits_at(characters: &[u8], start: usize, count: usize) -> Result<u32, Invalid> {
    let part = characters.part(start..start + count);
    if part.is_digits() { Ok(part.number() as u32) } else { Err(Invalid::Format) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_the_calendar() {
        assert!(is_day(2000, 2, 29));
        assert!(!is_day(1900, 2, 29));
        assert!(!is_day(2001, 4, 31));
        assert!(!is_day(2001, 13, 1));
        assert!(!is_day(2001, 1, 0));
        assert_eq!(birthday(LAST_YEAR + 1, 1, 1), Err(Invalid::Component));
        assert_eq!(date(LAST_YEAR + 1, 1, 1), Ok(()));
    }

    #[test]
    fn reads_parts() {
        assert_eq!(triple(b"x311299", 1), Ok((31, 12, 99)));
        assert_eq!(triple(b"3112", 0), Err(Invalid::Format));
        assert_eq!(four(b"1999", 0), Ok(1999));
    }
}

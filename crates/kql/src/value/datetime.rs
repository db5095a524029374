//! `datetime` in text.

use super::calendar::{civil, ticks_of_date};
use super::timespan::fraction_ticks;
use super::{MAX_DATETIME_TICKS, TICKS_PER_DAY, TICKS_PER_SECOND};

/// ISO 8601 with seven digits, as Kusto prints it.
///
/// ```
/// use castellan_kql::value::{format_datetime, parse_datetime};
/// let ticks = parse_datetime("2024-01-02 03:04:05.5").unwrap();
/// assert_eq!(format_datetime(ticks), "2024-01-02T03:04:05.5000000Z");
/// ```
pub fn format_datetime(ticks: i64) -> String {
    let at = civil(ticks);
    format!(
        "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:07}Z",
        at.year, at.month, at.day, at.hour, at.minute, at.second, at.fraction
    )
}

/// Reads what `todatetime()` and datetime literals take: ISO 8601 in its usual shortenings, RFC 822, RFC 850, the
/// sortable form and the American order `MM-DD-YYYY` / `MM/DD/YYYY`, each with or without a time, an offset or a zone.
/// Ticks since 0001-01-01 UTC; `None` for anything else and outside the years 1 to 9999.
///
/// ```
/// use castellan_kql::value::{format_datetime, parse_datetime};
/// for text in ["Sat, 8 Nov 2014 15:05:02 GMT", "2014-11-08T16:05:02+01:00", "11/08/2014 3:05:02 PM", "2014-11-08 15:05:02"] {
///     assert_eq!(format_datetime(parse_datetime(text).unwrap()), "2014-11-08T15:05:02.0000000Z", "{text}");
/// }
/// ```
pub fn parse_datetime(text: &str) -> Option<i64> {
    let mut words = Words { rest: text.trim() };
    words.skip_weekday();
    let date = words.date()?;
    words.skip_separator();
    let time = words.time()?;
    let offset = words.offset()?;
    if !words.rest.is_empty() {
        return None;
    }
    let ticks = date.checked_add(time)?.checked_sub(offset)?;
    (0..=MAX_DATETIME_TICKS).contains(&ticks).then_some(ticks)
}

struct Words<'a> {
    rest: &'a str,
}

const MONTHS: [&str; 12] =
    ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const WEEKDAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

impl Words<'_> {
    fn peek(&self) -> Option<u8> {
        self.rest.bytes().next()
    }

    fn eat(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        if found {
            self.rest = self.rest.get(1..).unwrap_or_default();
        }
        found
    }

    fn skip_blank(&mut self) {
        self.rest = self.rest.trim_start();
    }

    /// A run of letters in lower case; nothing is taken when there is none.
    fn word(&mut self) -> String {
        let end = self.rest.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        self.rest = rest;
        word.to_ascii_lowercase()
    }

    /// A run of at most `most` digits and its length.
    fn digits(&mut self, most: usize) -> Option<(i64, usize)> {
        let end = self.rest.bytes().take(most).take_while(u8::is_ascii_digit).count();
        let number = self.rest.get(..end)?.parse().ok()?;
        self.rest = self.rest.get(end..)?;
        Some((number, end))
    }

    fn skip_weekday(&mut self) {
        let before = self.rest;
        let word = self.word();
        if word.len() >= 3 && WEEKDAYS.iter().any(|day| word.starts_with(day)) {
            self.eat(b',');
            self.skip_blank();
        } else {
            self.rest = before;
        }
    }

    /// Midnight of the date.
    fn date(&mut self) -> Option<i64> {
        if self.peek()?.is_ascii_alphabetic() {
            // `November 8 2014`
            let month = self.month_name()?;
            self.skip_blank();
            let (day, _) = self.digits(2)?;
            self.eat(b',');
            self.skip_blank();
            let (year, length) = self.digits(4)?;
            return ticks_of_date(full_year(year, length), month, day);
        }
        let (first, length) = self.digits(8)?;
        if length == 8 {
            return ticks_of_date(first / 10_000, first / 100 % 100, first % 100);
        }
        let Some(separator) = self.separator() else {
            return (length == 4).then(|| ticks_of_date(first, 1, 1)).flatten();
        };
        if self.peek()?.is_ascii_alphabetic() {
            // `8 Nov 2014`, `08-Nov-14`
            let month = self.month_name()?;
            if self.separator() != Some(separator) {
                return None;
            }
            let (year, length) = self.digits(4)?;
            return ticks_of_date(full_year(year, length), month, first);
        }
        if separator == b' ' {
            return None;
        }
        let (second, _) = self.digits(2)?;
        if length == 4 {
            // The day can be left out: `2014-11`.
            let before = self.rest;
            if self.separator() != Some(separator) {
                self.rest = before;
                return ticks_of_date(first, second, 1);
            }
            return ticks_of_date(first, second, self.digits(2)?.0);
        }
        if self.separator() != Some(separator) {
            return None;
        }
        let (year, length) = self.digits(4)?;
        ticks_of_date(full_year(year, length), first, second)
    }

    /// `-`, `/`, `.` or a comma between the parts of a date, also with blanks around it; or a blank alone.
    fn separator(&mut self) -> Option<u8> {
        let before = self.rest;
        self.skip_blank();
        match self.peek() {
            Some(byte @ (b'-' | b'/' | b'.' | b',')) => {
                self.rest = self.rest.get(1..)?;
                self.skip_blank();
                Some(byte)
            }
            _ if self.rest.len() < before.len() => Some(b' '),
            _ => None,
        }
    }

    fn month_name(&mut self) -> Option<i64> {
        let word = self.word();
        let position = MONTHS.iter().position(|month| word.len() >= 3 && word.starts_with(month))?;
        i64::try_from(position + 1).ok()
    }

    fn skip_separator(&mut self) {
        if !self.eat(b'T') && !self.eat(b't') {
            self.eat(b',');
            self.skip_blank();
        }
    }

    /// Ticks since midnight; 0 when there is no time.
    fn time(&mut self) -> Option<i64> {
        if !self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            return Some(0);
        }
        let (mut hour, _) = self.digits(2)?;
        let (mut minute, mut second, mut fraction) = (0, 0, 0);
        if self.eat(b':') {
            minute = self.digits(2)?.0;
            if self.eat(b':') {
                second = self.digits(2)?.0;
                if self.eat(b'.') || self.eat(b',') {
                    let end = self.rest.bytes().take_while(u8::is_ascii_digit).count();
                    fraction = fraction_ticks(self.rest.get(..end).filter(|digits| !digits.is_empty())?)?;
                    self.rest = self.rest.get(end..)?;
                }
            }
        }
        let before = self.rest;
        self.skip_blank();
        match self.word().as_str() {
            "am" if (1..=12).contains(&hour) => hour %= 12,
            "pm" if (1..=12).contains(&hour) => hour = hour % 12 + 12,
            _ => self.rest = before,
        }
        if minute > 59 || second > 59 || hour > 24 {
            return None;
        }
        let ticks = (hour * 3600 + minute * 60 + second) * TICKS_PER_SECOND + fraction;
        (ticks <= TICKS_PER_DAY).then_some(ticks)
    }

    /// How far the text's clock is ahead of UTC, in ticks.
    fn offset(&mut self) -> Option<i64> {
        self.skip_blank();
        let sign = match self.peek() {
            None => return Some(0),
            Some(b'+') => 1,
            Some(b'-') => -1,
            Some(_) => {
                return match self.word().as_str() {
                    "z" | "utc" | "gmt" | "ut" => Some(0),
                    "est" => Some(-5 * 3600 * TICKS_PER_SECOND),
                    "edt" => Some(-4 * 3600 * TICKS_PER_SECOND),
                    "cst" => Some(-6 * 3600 * TICKS_PER_SECOND),
                    "cdt" => Some(-5 * 3600 * TICKS_PER_SECOND),
                    "mst" => Some(-7 * 3600 * TICKS_PER_SECOND),
                    "mdt" => Some(-6 * 3600 * TICKS_PER_SECOND),
                    "pst" => Some(-8 * 3600 * TICKS_PER_SECOND),
                    "pdt" => Some(-7 * 3600 * TICKS_PER_SECOND),
                    _ => None,
                };
            }
        };
        self.rest = self.rest.get(1..)?;
        let (hours, _) = self.digits(2)?;
        self.eat(b':');
        let minutes = if self.rest.is_empty() { 0 } else { self.digits(2)?.0 };
        (hours <= 14 && minutes <= 59).then_some(sign * (hours * 60 + minutes) * 60 * TICKS_PER_SECOND)
    }
}

/// Two digits mean 1950 to 2049.
fn full_year(year: i64, length: usize) -> i64 {
    match (length, year) {
        (..=2, 0..=49) => 2000 + year,
        (..=2, _) => 1900 + year,
        _ => year,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings() {
        for (text, expected) in [
            ("2015-12-31", "2015-12-31T00:00:00.0000000Z"),
            ("2014-05", "2014-05-01T00:00:00.0000000Z"),
            ("2014-05-25T08:20:03.123456Z", "2014-05-25T08:20:03.1234560Z"),
            ("2014-05-25 08:20", "2014-05-25T08:20:00.0000000Z"),
            ("Saturday, 08-Nov-14 15:05:02 UTC", "2014-11-08T15:05:02.0000000Z"),
            ("08-Nov-14 15:05", "2014-11-08T15:05:00.0000000Z"),
            ("Sun, 8 Nov 2014 15:05:02 -0800", "2014-11-08T23:05:02.0000000Z"),
            ("12-31-2015", "2015-12-31T00:00:00.0000000Z"),
            ("20140525", "2014-05-25T00:00:00.0000000Z"),
            ("2025, 6, 14", "2025-06-14T00:00:00.0000000Z"),
            ("2017 - 08 - 01", "2017-08-01T00:00:00.0000000Z"),
            ("9999-12-31T23:59:59.9999999Z", "9999-12-31T23:59:59.9999999Z"),
        ] {
            assert_eq!(parse_datetime(text).map(format_datetime).as_deref(), Some(expected), "{text}");
        }
        for text in ["", "abc", "2015-13-01", "2015-02-30", "12:30", "2015-01-01x", "2015-01-01T25:00"] {
            assert_eq!(parse_datetime(text), None, "{text}");
        }
    }
}

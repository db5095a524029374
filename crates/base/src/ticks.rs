//! Time in 100-nanosecond ticks, the resolution of Kusto's `datetime`.

use std::fmt;
use std::str::FromStr;

use serde::{Serialize, Serializer};

/// A point in time: ticks of 100 ns since 0001-01-01T00:00:00Z, in the proleptic Gregorian calendar. Covers the years
/// 1 to 9999.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Ticks(i64);

/// Ticks from year 1 to 1970-01-01.
const UNIX_EPOCH: i64 = 621_355_968_000_000_000;

impl Ticks {
    /// Ticks in a second.
    pub const PER_SECOND: i64 = 10_000_000;
    /// Ticks in a day.
    pub const PER_DAY: i64 = 86_400 * Ticks::PER_SECOND;
    /// 0001-01-01T00:00:00Z.
    pub const MIN: Ticks = Ticks(0);
    /// 9999-12-31T23:59:59.9999999Z.
    pub const MAX: Ticks = Ticks(3_155_378_975_999_999_999);

    /// A point in time; `None` outside the years 1 to 9999.
    pub fn new(ticks: i64) -> Option<Ticks> {
        (Ticks::MIN.0..=Ticks::MAX.0).contains(&ticks).then_some(Ticks(ticks))
    }

    /// The number of ticks.
    pub fn get(self) -> i64 {
        self.0
    }

    /// From nanoseconds since 1970.
    pub fn from_unix_nanos(nanos: i128) -> Option<Ticks> {
        let ticks = nanos.div_euclid(100) + i128::from(UNIX_EPOCH);
        Ticks::new(i64::try_from(ticks).ok()?)
    }

    /// Nanoseconds since 1970.
    pub fn unix_nanos(self) -> i128 {
        i128::from(self.0 - UNIX_EPOCH) * 100
    }

    /// Later (or earlier) by a number of ticks; `None` outside the years 1 to 9999.
    pub fn checked_add(self, ticks: i64) -> Option<Ticks> {
        Ticks::new(self.0.checked_add(ticks)?)
    }

    /// From a `jiff` timestamp, for calendar arithmetic at the edges.
    pub fn from_timestamp(timestamp: jiff::Timestamp) -> Option<Ticks> {
        Ticks::from_unix_nanos(timestamp.as_nanosecond())
    }

    /// To a `jiff` timestamp; `None` in the first hours of year 1 and the last of 9999, which `jiff` does not reach.
    pub fn to_timestamp(self) -> Option<jiff::Timestamp> {
        jiff::Timestamp::from_nanosecond(self.unix_nanos()).ok()
    }
}

/// A text that is no time.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("`{0}` is not a date or time; write 2026-11-21 or 2026-11-21T10:00:00Z")]
pub struct ParseTicksError(String);

impl FromStr for Ticks {
    type Err = ParseTicksError;

    /// RFC 3339, or a date alone (midnight UTC), or a date and time without an offset (taken as UTC).
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let error = || ParseTicksError(text.to_owned());
        let text = text.trim();
        if let Ok(timestamp) = text.parse::<jiff::Timestamp>() {
            return Ticks::from_timestamp(timestamp).ok_or_else(error);
        }
        let civil: jiff::civil::DateTime = text.parse().map_err(|_| error())?;
        let zoned = civil.to_zoned(jiff::tz::TimeZone::UTC).map_err(|_| error())?;
        Ticks::from_timestamp(zoned.timestamp()).ok_or_else(error)
    }
}

impl fmt::Display for Ticks {
    /// RFC 3339 in UTC with seven decimals, as Azure writes it: `2024-01-02T03:04:05.1234567Z`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.div_euclid(Ticks::PER_SECOND);
        let (days, second) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
        let (year, month, day) = civil_from_days(days);
        let (hour, minute, second_of_minute) = (second / 3600, second / 60 % 60, second % 60);
        let fraction = self.0.rem_euclid(Ticks::PER_SECOND);
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second_of_minute:02}.{fraction:07}Z")
    }
}

/// Year, month and day of a day number counted from 0001-01-01 in the proleptic Gregorian calendar, after Howard
/// Hinnant's `civil_from_days`. 1970-01-01 is day 719,162.
///
/// ```
/// assert_eq!(castellan_base::civil_from_days(719_162 + 19_782), (2024, 2, 29));
/// ```
pub fn civil_from_days(days: i64) -> (i64, i64, i64) {
    // Day 0 becomes 0000-03-01, so that leap days end the year.
    let shifted = days + 306;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

impl Serialize for Ticks {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn ends_of_the_calendar() {
        assert_eq!(Ticks::MIN.to_string(), "0001-01-01T00:00:00.0000000Z");
        assert_eq!(Ticks::MAX.to_string(), "9999-12-31T23:59:59.9999999Z");
        assert_eq!("1970-01-01".parse::<Ticks>().unwrap().get(), UNIX_EPOCH);
        assert!("yesterday".parse::<Ticks>().is_err());
    }

    proptest! {
        #[test]
        fn text_round_trips(ticks in 864_000_000_000_i64..3_155_370_000_000_000_000) {
            let ticks = Ticks::new(ticks).unwrap();
            prop_assert_eq!(ticks.to_string().parse::<Ticks>().unwrap(), ticks);
        }
    }
}

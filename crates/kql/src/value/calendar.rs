//! The proleptic Gregorian calendar on ticks. Algorithms on days: Howard Hinnant, "chrono-Compatible Low-Level Date
//! Algorithms" (the arithmetic; the code is ours).

use super::{TICKS_PER_DAY, TICKS_PER_SECOND};

/// Days from 0000-03-01 to 0001-01-01.
const DAYS_TO_YEAR_ONE: i64 = 306;

/// A datetime taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Civil {
    /// 1 to 9999.
    pub year: i64,
    /// 1 to 12.
    pub month: i64,
    /// 1 to 31.
    pub day: i64,
    /// 0 to 23.
    pub hour: i64,
    /// 0 to 59.
    pub minute: i64,
    /// 0 to 59.
    pub second: i64,
    /// Ticks within the second, 0 to 9,999,999.
    pub fraction: i64,
    /// Days since Sunday, 0 to 6.
    pub weekday: i64,
    /// 1 to 366.
    pub day_of_year: i64,
}

/// Takes ticks since 0001-01-01 apart.
///
/// ```
/// # use castellan_kql::value::{civil, ticks_of_date};
/// let parts = civil(ticks_of_date(2024, 2, 29).unwrap());
/// assert_eq!((parts.year, parts.month, parts.day, parts.weekday, parts.day_of_year), (2024, 2, 29, 4, 60));
/// ```
pub fn civil(ticks: i64) -> Civil {
    let days = ticks.div_euclid(TICKS_PER_DAY);
    let in_day = ticks.rem_euclid(TICKS_PER_DAY);
    let seconds = in_day / TICKS_PER_SECOND;
    let shifted = days + DAYS_TO_YEAR_ONE;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_from_march = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_from_march + 2) / 153;
    let day = day_from_march - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    let start_of_year = days_before_date(year, 1, 1);
    Civil {
        year,
        month,
        day,
        hour: seconds / 3600,
        minute: seconds / 60 % 60,
        second: seconds % 60,
        fraction: in_day % TICKS_PER_SECOND,
        // 0001-01-01 was a Monday.
        weekday: (days + 1).rem_euclid(7),
        day_of_year: days - start_of_year + 1,
    }
}

fn days_before_date(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let month_from_march = (month + 9) % 12;
    let day_from_march = (153 * month_from_march + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_from_march
        - DAYS_TO_YEAR_ONE
}

/// The days of a month; 0 for a month that does not exist.
pub fn days_in_month(year: i64, month: i64) -> i64 {
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 => 28 + i64::from(is_leap),
        _ => 0,
    }
}

/// Midnight of a date in ticks; `None` for a date that does not exist or lies outside the years 1 to 9999.
pub fn ticks_of_date(year: i64, month: i64, day: i64) -> Option<i64> {
    let is_date = (1..=9999).contains(&year) && (1..=days_in_month(year, month)).contains(&day);
    is_date.then(|| days_before_date(year, month, day) * TICKS_PER_DAY)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_day_of_ten_thousand_years_comes_back() {
        let (mut days, mut year, mut month, mut day) = (0, 1, 1, 1);
        while year <= 9999 {
            let ticks = ticks_of_date(year, month, day).unwrap();
            assert_eq!(ticks, days * TICKS_PER_DAY);
            let parts = civil(ticks + TICKS_PER_DAY - 1);
            assert_eq!((parts.year, parts.month, parts.day), (year, month, day));
            assert_eq!((parts.hour, parts.minute, parts.second, parts.fraction), (23, 59, 59, 9_999_999));
            days += 1;
            day += 1;
            if day > days_in_month(year, month) {
                (day, month) = (1, month + 1);
            }
            if month > 12 {
                (month, year) = (1, year + 1);
            }
        }
        assert_eq!(ticks_of_date(2023, 2, 29), None);
        assert_eq!(civil(super::super::UNIX_EPOCH_TICKS).year, 1970);
        assert_eq!(civil(super::super::UNIX_EPOCH_TICKS).weekday, 4);
    }
}

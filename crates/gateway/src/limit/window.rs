//! Windows of time, aligned to UTC.

use std::time::Duration;

use castellan_base::{Ticks, civil_from_days};
use serde::Deserialize;

/// A span of time in which is counted.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Hash)]
#[serde(rename_all = "lowercase")]
pub enum Window {
    /// From second 0 to second 59.
    Minute,
    /// From minute 0 to minute 59.
    Hour,
    /// From midnight to midnight, UTC.
    Day,
    /// A month of the calendar.
    Month,
}

impl Window {
    /// The number of the window that holds a time; later windows have higher numbers.
    pub(super) fn number(self, now: Ticks) -> i64 {
        let seconds = now.get().div_euclid(Ticks::PER_SECOND);
        match self {
            Window::Minute => seconds.div_euclid(60),
            Window::Hour => seconds.div_euclid(3_600),
            Window::Day => seconds.div_euclid(86_400),
            Window::Month => {
                let (year, month, _) = civil_from_days(seconds.div_euclid(86_400));
                year * 12 + month - 1
            }
        }
    }

    /// The time until the next window begins, rounded up to a second, at least one.
    #[must_use]
    pub fn rest(self, now: Ticks) -> Duration {
        let seconds = now.get().div_euclid(Ticks::PER_SECOND);
        let second_of_day = seconds.rem_euclid(86_400);
        let rest = match self {
            Window::Minute => 60 - second_of_day % 60,
            Window::Hour => 3_600 - second_of_day % 3_600,
            Window::Day => 86_400 - second_of_day,
            Window::Month => {
                let day = seconds.div_euclid(86_400);
                let number = self.number(now);
                let later = |days: i64| {
                    let (year, month, _) = civil_from_days(day + days);
                    year * 12 + month - 1 > number
                };
                let days = (1..=31).find(|days| later(*days)).unwrap_or(31);
                days * 86_400 - second_of_day
            }
        };
        Duration::from_secs(u64::try_from(rest).unwrap_or(1).max(1))
    }

    /// Its length in seconds; that of a month is 30 days, which only the filling of buckets uses.
    pub(super) fn seconds(self) -> f64 {
        match self {
            Window::Minute => 60.0,
            Window::Hour => 3_600.0,
            Window::Day => 86_400.0,
            Window::Month => 30.0 * 86_400.0,
        }
    }

    /// Its name, as in configuration.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Window::Minute => "minute",
            Window::Hour => "hour",
            Window::Day => "day",
            Window::Month => "month",
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(window: Window, now: &str, expected: u64) {
        assert_eq!(window.rest(now.parse().unwrap()).as_secs(), expected, "{window:?} {now}");
    }

    #[test]
    fn rests() {
        check(Window::Minute, "2026-11-22T14:00:01Z", 59);
        check(Window::Hour, "2026-11-22T14:00:00Z", 3_600);
        check(Window::Day, "2026-11-22T23:59:59.9Z", 1);
        check(Window::Month, "2028-02-28T12:00:00Z", 43_200 + 86_400);
        check(Window::Month, "2026-12-31T23:00:00Z", 3_600);
    }

    proptest! {
        #[test]
        fn the_rest_leads_to_the_next(ticks in 600_000_000_000_000_000_i64..700_000_000_000_000_000) {
            let now = Ticks::new(ticks / Ticks::PER_SECOND * Ticks::PER_SECOND).unwrap();
            for window in [Window::Minute, Window::Hour, Window::Day, Window::Month] {
                let rest = i64::try_from(window.rest(now).as_secs()).unwrap() * Ticks::PER_SECOND;
                let next = now.checked_add(rest).unwrap();
                prop_assert_eq!(window.number(next), window.number(now) + 1);
                prop_assert_eq!(window.number(next.checked_add(-1).unwrap()), window.number(now));
            }
        }
    }
}

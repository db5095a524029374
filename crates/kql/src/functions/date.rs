//! Times and durations.

use super::{ScalarFunction, at, function, long_at, or_null, text_at};
use crate::value::{
    Civil, ScalarType, TICKS_PER_DAY, TICKS_PER_SECOND, UNIX_EPOCH_TICKS, Value, civil, days_in_month,
    ticks_of_date,
};

const TICKS_PER_HOUR: i64 = 3600 * TICKS_PER_SECOND;
const TICKS_PER_MINUTE: i64 = 60 * TICKS_PER_SECOND;

/// The units of `startof...`.
#[derive(Clone, Copy)]
enum Period {
    Day,
    Week,
    Month,
    Year,
}

/// Where the period that holds a time begins, `offset` periods later. Weeks begin on Sunday.
fn start_of(ticks: i64, period: Period, offset: i64) -> Option<i64> {
    let at = civil(ticks);
    let midnight = ticks - ticks.rem_euclid(TICKS_PER_DAY);
    match period {
        Period::Day => midnight.checked_add(offset.checked_mul(TICKS_PER_DAY)?),
        Period::Week => {
            let sunday = midnight - at.weekday * TICKS_PER_DAY;
            sunday.checked_add(offset.checked_mul(7 * TICKS_PER_DAY)?)
        }
        Period::Month => {
            let month = (at.year * 12 + at.month - 1).checked_add(offset)?;
            ticks_of_date(month.div_euclid(12), month.rem_euclid(12) + 1, 1)
        }
        Period::Year => ticks_of_date(at.year.checked_add(offset)?, 1, 1),
    }
}

fn start(arguments: &[Value], period: Period) -> Value {
    let offset = long_at(arguments, 1).unwrap_or(0);
    or_null(at(arguments, 0).to_datetime().and_then(|ticks| start_of(ticks, period, offset)), Value::datetime)
}

/// The last tick of the period.
fn end(arguments: &[Value], period: Period) -> Value {
    let offset = long_at(arguments, 1).unwrap_or(0);
    let next =
        at(arguments, 0).to_datetime().and_then(|ticks| start_of(ticks, period, offset.checked_add(1)?));
    or_null(next, |ticks| Value::datetime(ticks - 1))
}

/// A number out of the parts of a time.
fn part(arguments: &[Value], read: fn(Civil) -> i64) -> Value {
    or_null(at(arguments, 0).to_datetime(), |ticks| int(read(civil(ticks))))
}

fn int(number: i64) -> Value {
    i32::try_from(number).map_or(Value::Null, Value::Int)
}

/// The week of the year by ISO 8601: weeks begin on Monday, the first one has the first Thursday.
fn week_of_year(at: Civil) -> i64 {
    let monday_based = (at.weekday + 6) % 7;
    let week = (at.day_of_year - 1 - monday_based + 10) / 7;
    let weeks_in = |year: i64| {
        let last = |year: i64| (year + year / 4 - year / 100 + year / 400) % 7;
        52 + i64::from(last(year) == 4 || last(year - 1) == 3)
    };
    if week < 1 {
        weeks_in(at.year - 1)
    } else if week > weeks_in(at.year) {
        1
    } else {
        week
    }
}

fn datetime_part(arguments: &[Value]) -> Value {
    let Some(ticks) = at(arguments, 1).to_datetime() else { return Value::Null };
    let parts = civil(ticks);
    let number = match text_at(arguments, 0).to_ascii_lowercase().as_str() {
        "year" => parts.year,
        "quarter" => (parts.month - 1) / 3 + 1,
        "month" => parts.month,
        "week_of_year" | "weekofyear" => week_of_year(parts),
        "day" => parts.day,
        "dayofyear" => parts.day_of_year,
        "hour" => parts.hour,
        "minute" => parts.minute,
        "second" => parts.second,
        "millisecond" => parts.fraction / 10_000,
        "microsecond" => parts.fraction / 10,
        "nanosecond" => parts.fraction * 100,
        _ => return Value::Null,
    };
    Value::Long(number)
}

/// Ticks in a unit of fixed length.
fn fixed_unit(name: &str) -> Option<i64> {
    Some(match name {
        "week" => 7 * TICKS_PER_DAY,
        "day" => TICKS_PER_DAY,
        "hour" => TICKS_PER_HOUR,
        "minute" => TICKS_PER_MINUTE,
        "second" => TICKS_PER_SECOND,
        "millisecond" => TICKS_PER_SECOND / 1000,
        "microsecond" => TICKS_PER_SECOND / 1_000_000,
        _ => return None,
    })
}

/// The months of the units that have no fixed length.
fn months(name: &str) -> Option<i64> {
    match name {
        "year" => Some(12),
        "quarter" => Some(3),
        "month" => Some(1),
        _ => None,
    }
}

/// Months later, on the same day or the last of a shorter month.
fn add_months(ticks: i64, count: i64) -> Option<i64> {
    let at = civil(ticks);
    let month = (at.year * 12 + at.month - 1).checked_add(count)?;
    let (year, month) = (month.div_euclid(12), month.rem_euclid(12) + 1);
    let midnight = ticks_of_date(year, month, at.day.min(days_in_month(year, month)))?;
    Some(midnight + ticks.rem_euclid(TICKS_PER_DAY))
}

fn datetime_add(arguments: &[Value]) -> Value {
    let unit = text_at(arguments, 0).to_ascii_lowercase();
    let (Some(count), Some(ticks)) = (long_at(arguments, 1), at(arguments, 2).to_datetime()) else {
        return Value::Null;
    };
    let moved = match months(&unit) {
        Some(months) => count.checked_mul(months).and_then(|count| add_months(ticks, count)),
        None => match unit.as_str() {
            "nanosecond" => ticks.checked_add(count / 100),
            _ => fixed_unit(&unit).and_then(|length| ticks.checked_add(length.checked_mul(count)?)),
        },
    };
    or_null(moved, Value::datetime)
}

/// How many borders between units lie between two times.
fn datetime_diff(arguments: &[Value]) -> Value {
    let unit = text_at(arguments, 0).to_ascii_lowercase();
    let (Some(left), Some(right)) = (at(arguments, 1).to_datetime(), at(arguments, 2).to_datetime()) else {
        return Value::Null;
    };
    let (a, b) = (civil(left), civil(right));
    let months_of = |at: Civil| at.year * 12 + at.month - 1;
    let number = match unit.as_str() {
        "year" => a.year - b.year,
        "quarter" => months_of(a).div_euclid(3) - months_of(b).div_euclid(3),
        "month" => months_of(a) - months_of(b),
        "week" => {
            let sunday = |ticks: i64, at: Civil| ticks.div_euclid(TICKS_PER_DAY) - at.weekday;
            (sunday(left, a) - sunday(right, b)) / 7
        }
        "nanosecond" => (left - right).saturating_mul(100),
        other => match fixed_unit(other) {
            Some(length) => left.div_euclid(length) - right.div_euclid(length),
            None => return Value::Null,
        },
    };
    Value::Long(number)
}

/// Formats by the letters of .NET that the documentation of `format_datetime` lists; other characters stand for
/// themselves.
fn formatted(format: &str, at: Civil, days: i64) -> String {
    let mut text = String::new();
    let mut rest = format.chars().peekable();
    while let Some(letter) = rest.next() {
        let mut count = 1;
        while rest.peek() == Some(&letter) && letter.is_ascii_alphabetic() {
            rest.next();
            count += 1;
        }
        let hour12 = if at.hour % 12 == 0 { 12 } else { at.hour % 12 };
        let padded = |number: i64| format!("{number:0>count$}");
        match letter {
            'y' if count <= 2 => text.push_str(&format!("{:0>count$}", at.year % 100)),
            'y' => text.push_str(&format!("{:0>count$}", at.year)),
            'M' => text.push_str(&padded(at.month)),
            'd' => text.push_str(&padded(days)),
            'h' => text.push_str(&padded(hour12)),
            'H' => text.push_str(&padded(at.hour)),
            'm' => text.push_str(&padded(at.minute)),
            's' => text.push_str(&padded(at.second)),
            'f' | 'F' => {
                let digits: String = format!("{:07}", at.fraction).chars().take(count).collect();
                let shown = if letter == 'F' { digits.trim_end_matches('0') } else { &digits };
                text.push_str(shown);
            }
            't' => text.push_str(if at.hour < 12 { "AM" } else { "PM" }),
            other => text.extend(std::iter::repeat_n(other, count)),
        }
    }
    text
}

fn format_datetime(arguments: &[Value]) -> Value {
    let format = text_at(arguments, 1);
    match at(arguments, 0).to_datetime() {
        Some(ticks) => Value::string(formatted(&format, civil(ticks), civil(ticks).day)),
        None => Value::string(""),
    }
}

fn format_timespan(arguments: &[Value]) -> Value {
    let format = text_at(arguments, 1);
    match at(arguments, 0).to_timespan() {
        Some(ticks) => {
            let magnitude = i64::try_from(ticks.unsigned_abs()).unwrap_or(i64::MAX);
            let sign = if ticks < 0 { "-" } else { "" };
            let at = Civil { hour: magnitude / TICKS_PER_HOUR % 24, ..civil(magnitude % TICKS_PER_DAY) };
            // Hours of a duration run to 23 whatever the letter's case.
            let format = format.replace('h', "H");
            Value::string(format!("{sign}{}", formatted(&format, at, magnitude / TICKS_PER_DAY)))
        }
        None => Value::string(""),
    }
}

fn make_datetime(arguments: &[Value]) -> Value {
    let number = |position: usize, default: i64| match arguments.get(position) {
        Some(value) => value.to_i64(),
        None => Some(default),
    };
    let date = || ticks_of_date(number(0, 1)?, number(1, 1)?, number(2, 1)?);
    let seconds = arguments.get(5).map_or(Some(0.0), Value::to_f64);
    let clock = || {
        let (hour, minute) = (number(3, 0)?, number(4, 0)?);
        let seconds = seconds.filter(|seconds| (0.0..60.0).contains(seconds))?;
        let is_clock = (0..24).contains(&hour) && (0..60).contains(&minute);
        let ticks = crate::value::whole((seconds * TICKS_PER_SECOND as f64).round())?;
        is_clock.then(|| hour * TICKS_PER_HOUR + minute * TICKS_PER_MINUTE + ticks)
    };
    if arguments.len() == 1 {
        return at(arguments, 0).convert(crate::ScalarType::DateTime);
    }
    or_null(date().zip(clock()), |(date, clock)| Value::datetime(date + clock))
}

/// `make_timespan(value)`, `(hours, minutes)`, `(hours, minutes, seconds)`, `(days, hours, minutes, seconds)`
fn make_timespan(arguments: &[Value]) -> Value {
    if let [value] = arguments {
        return value.convert(ScalarType::TimeSpan);
    }
    let (days, clock) = if arguments.len() == 4 { arguments.split_at(1) } else { arguments.split_at(0) };
    let days = days.first().map_or(Some(0), Value::to_i64);
    let (hours, minutes) = (long_at(clock, 0), long_at(clock, 1));
    let seconds = clock.get(2).map_or(Some(0.0), Value::to_f64);
    match (days, hours, minutes, seconds) {
        (Some(days), Some(hours), Some(minutes), Some(seconds))
            if (0..24).contains(&hours) && (0..60).contains(&minutes) && (0.0..60.0).contains(&seconds) =>
        {
            let ticks = crate::value::whole((seconds * TICKS_PER_SECOND as f64).round()).unwrap_or(0);
            let whole = days.checked_mul(TICKS_PER_DAY);
            or_null(whole, |days| {
                Value::TimeSpan(
                    days.saturating_add(hours * TICKS_PER_HOUR + minutes * TICKS_PER_MINUTE + ticks),
                )
            })
        }
        _ => Value::Null,
    }
}

/// A time so many units after 1970.
fn from_unix(arguments: &[Value], ticks: i64) -> Value {
    let offset = match at(arguments, 0).unwrapped() {
        Value::Real(number) => crate::value::whole((number * ticks as f64).round()),
        // A unit of 0 stands for nanoseconds.
        other if ticks == 0 => other.to_i64().map(|number| number.div_euclid(100)),
        other => other.to_i64().and_then(|number| number.checked_mul(ticks)),
    };
    or_null(offset.and_then(|offset| offset.checked_add(UNIX_EPOCH_TICKS)), Value::datetime)
}

pub(super) const FUNCTIONS: &[ScalarFunction] = &[
    function("startofday", 1, 2, |a| start(a, Period::Day)),
    function("startofweek", 1, 2, |a| start(a, Period::Week)),
    function("startofmonth", 1, 2, |a| start(a, Period::Month)),
    function("startofyear", 1, 2, |a| start(a, Period::Year)),
    function("endofday", 1, 2, |a| end(a, Period::Day)),
    function("endofweek", 1, 2, |a| end(a, Period::Week)),
    function("endofmonth", 1, 2, |a| end(a, Period::Month)),
    function("endofyear", 1, 2, |a| end(a, Period::Year)),
    function("dayofmonth", 1, 1, |a| part(a, |at| at.day)),
    function("dayofyear", 1, 1, |a| part(a, |at| at.day_of_year)),
    function("dayofweek", 1, 1, |a| {
        or_null(at(a, 0).to_datetime(), |ticks| Value::TimeSpan(civil(ticks).weekday * TICKS_PER_DAY))
    }),
    function("getmonth", 1, 1, |a| part(a, |at| at.month)),
    function("getyear", 1, 1, |a| part(a, |at| at.year)),
    function("monthofyear", 1, 1, |a| part(a, |at| at.month)),
    function("hourofday", 1, 1, |a| part(a, |at| at.hour)),
    function("week_of_year", 1, 1, |a| {
        or_null(at(a, 0).to_datetime(), |ticks| Value::Long(week_of_year(civil(ticks))))
    }),
    function("weekofyear", 1, 1, |a| {
        or_null(at(a, 0).to_datetime(), |ticks| Value::Long(week_of_year(civil(ticks))))
    }),
    function("datetime_part", 2, 2, datetime_part),
    function("datetime_add", 3, 3, datetime_add),
    function("datetime_diff", 3, 3, datetime_diff),
    function("format_datetime", 2, 2, format_datetime),
    function("format_timespan", 2, 2, format_timespan),
    function("make_datetime", 1, 6, make_datetime),
    function("make_timespan", 1, 4, make_timespan),
    function("unixtime_seconds_todatetime", 1, 1, |a| from_unix(a, TICKS_PER_SECOND)),
    function("unixtime_milliseconds_todatetime", 1, 1, |a| from_unix(a, TICKS_PER_SECOND / 1000)),
    function("unixtime_microseconds_todatetime", 1, 1, |a| from_unix(a, TICKS_PER_SECOND / 1_000_000)),
    function("unixtime_nanoseconds_todatetime", 1, 1, |a| from_unix(a, 0)),
];

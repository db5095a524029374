//! `timespan` in text.

use super::{TICKS_PER_DAY, TICKS_PER_SECOND};

/// `[-][d.]hh:mm:ss[.fffffff]`, as Kusto prints it.
///
/// ```
/// use castellan_kql::value::format_timespan;
/// assert_eq!(format_timespan(937_840_500_000), "1.02:03:04.0500000");
/// assert_eq!(format_timespan(-36_000_000_000), "-01:00:00");
/// ```
pub fn format_timespan(ticks: i64) -> String {
    let sign = if ticks < 0 { "-" } else { "" };
    let ticks = ticks.unsigned_abs();
    let (day, second) = (TICKS_PER_DAY.unsigned_abs(), TICKS_PER_SECOND.unsigned_abs());
    let (days, in_day) = (ticks / day, ticks % day);
    let (seconds, fraction) = (in_day / second, in_day % second);
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    let days = if days == 0 { String::new() } else { format!("{days}.") };
    let fraction = if fraction == 0 { String::new() } else { format!(".{fraction:07}") };
    format!("{sign}{days}{hours:02}:{minutes:02}:{seconds:02}{fraction}")
}

/// The units that a number can carry, and their ticks. Source: Kusto documentation, "The timespan data type".
const UNITS: [(&str, i64); 33] = [
    ("d", TICKS_PER_DAY),
    ("day", TICKS_PER_DAY),
    ("days", TICKS_PER_DAY),
    ("h", 3600 * TICKS_PER_SECOND),
    ("hr", 3600 * TICKS_PER_SECOND),
    ("hrs", 3600 * TICKS_PER_SECOND),
    ("hour", 3600 * TICKS_PER_SECOND),
    ("hours", 3600 * TICKS_PER_SECOND),
    ("m", 60 * TICKS_PER_SECOND),
    ("min", 60 * TICKS_PER_SECOND),
    ("minute", 60 * TICKS_PER_SECOND),
    ("minutes", 60 * TICKS_PER_SECOND),
    ("s", TICKS_PER_SECOND),
    ("sec", TICKS_PER_SECOND),
    ("secs", TICKS_PER_SECOND),
    ("second", TICKS_PER_SECOND),
    ("seconds", TICKS_PER_SECOND),
    ("ms", 10_000),
    ("milli", 10_000),
    ("millis", 10_000),
    ("millisec", 10_000),
    ("millisecs", 10_000),
    ("millisecond", 10_000),
    ("milliseconds", 10_000),
    ("micro", 10),
    ("micros", 10),
    ("microsec", 10),
    ("microsecs", 10),
    ("microsecond", 10),
    ("microseconds", 10),
    ("nanosecond", 0),
    ("tick", 1),
    ("ticks", 1),
];

/// The ticks of a unit: `d`, `hours`, `ms`, ...
pub(crate) fn timespan_unit(name: &str) -> Option<i64> {
    UNITS.iter().find(|(unit, _)| *unit == name).map(|(_, ticks)| *ticks).filter(|ticks| *ticks > 0)
}

/// Reads the spellings of a timespan: `1.02:03:04.5`, `02:03`, `3` (days), `1.5h`, `90s`, each with a sign before it.
/// `None` for anything else and for what does not fit into 64 bits of ticks.
///
/// ```
/// use castellan_kql::value::{TICKS_PER_DAY, parse_timespan};
/// assert_eq!(parse_timespan("1.5d"), Some(TICKS_PER_DAY * 3 / 2));
/// assert_eq!(parse_timespan("-0.12:00:00"), Some(-TICKS_PER_DAY / 2));
/// assert_eq!(parse_timespan("3"), Some(3 * TICKS_PER_DAY));
/// ```
pub fn parse_timespan(text: &str) -> Option<i64> {
    let text = text.trim();
    let (sign, text) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest.trim_start()),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    if text.contains(':') { clock(text)?.checked_mul(sign) } else { amount(text)?.checked_mul(sign) }
}

/// `1.5h`, `3` (days), `10microseconds`.
fn amount(text: &str) -> Option<i64> {
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, name) = (text.get(..end)?, text.get(end..)?.trim());
    let ticks = if name.is_empty() { TICKS_PER_DAY } else { timespan_unit(name)? };
    scale(number, ticks)
}

/// A decimal number times ticks, exact where it fits.
pub(crate) fn scale(number: &str, ticks: i64) -> Option<i64> {
    if let Ok(whole) = number.parse::<i64>() {
        return whole.checked_mul(ticks);
    }
    let (whole, fraction) = number.split_once('.')?;
    let whole: i128 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
    let digits = fraction.get(..fraction.len().min(18))?;
    let scale = 10_i128.pow(u32::try_from(digits.len()).ok()?);
    let fraction: i128 = if digits.is_empty() { 0 } else { digits.parse().ok()? };
    let exact = whole.checked_mul(i128::from(ticks))? + fraction * i128::from(ticks) / scale;
    i64::try_from(exact).ok()
}

/// `[d.]hh:mm[:ss[.fffffff]]`
fn clock(text: &str) -> Option<i64> {
    let mut parts: Vec<&str> = text.split(':').collect();
    let mut days = 0;
    if let Some((before, hours)) = parts.first().and_then(|first| first.split_once('.')) {
        days = digits(before)?;
        *parts.first_mut()? = hours;
    } else if parts.len() == 4 {
        days = digits(parts.remove(0))?;
    }
    let (hours, minutes) = (digits(parts.first()?)?, digits(parts.get(1)?)?);
    let seconds = parts.get(2).copied().unwrap_or("0");
    let (seconds, fraction) = seconds.split_once('.').unwrap_or((seconds, ""));
    let seconds = digits(seconds)?;
    if parts.len() > 3 || hours > 23 && days > 0 || minutes > 59 || seconds > 59 {
        return None;
    }
    let fraction = fraction_ticks(fraction)?;
    let seconds = days.checked_mul(86_400)?.checked_add(hours.checked_mul(3600)? + minutes * 60 + seconds)?;
    seconds.checked_mul(TICKS_PER_SECOND)?.checked_add(fraction)
}

/// The digits after the point of seconds, as ticks; more than seven are cut.
pub(crate) fn fraction_ticks(fraction: &str) -> Option<i64> {
    if !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let mut ticks = 0;
    for position in 0..7 {
        let digit = fraction.as_bytes().get(position).map_or(0, |byte| i64::from(byte - b'0'));
        ticks = ticks * 10 + digit;
    }
    Some(ticks)
}

fn digits(text: &str) -> Option<i64> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    text.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings() {
        for (text, ticks) in [
            ("2d", Some(2 * TICKS_PER_DAY)),
            ("1.5h", Some(54_000_000_000)),
            ("30m", Some(18_000_000_000)),
            ("0.1s", Some(1_000_000)),
            ("100ms", Some(1_000_000)),
            ("10microsecond", Some(100)),
            ("1tick", Some(1)),
            ("0.12:34:56.7", Some(452_967_000_000)),
            ("12:34", Some(452_400_000_000)),
            ("1.00:00:00", Some(TICKS_PER_DAY)),
            ("24:00:00", Some(TICKS_PER_DAY)),
            ("1w", None),
            ("", None),
            ("1:60", None),
            ("99999999999999d", None),
        ] {
            assert_eq!(parse_timespan(text), ticks, "{text}");
        }
    }
}

//! Durations as rules write them: `5m`, `1h`, `14d`, and ISO 8601 as in Resource Manager: `PT5H`, `P1DT12H`.

use castellan_base::Ticks;

/// Ticks of 100 ns in a minute.
pub const MINUTE: i64 = 60 * Ticks::PER_SECOND;

/// The longest duration that is read: a hundred years of 365 days.
const MAX: i64 = 36_500 * Ticks::PER_DAY;

/// A duration in ticks of 100 ns; `None` where a text is none, or none that fits a century.
///
/// ```
/// use castellan_detect::rule::duration::{MINUTE, parse};
/// assert_eq!(parse("90m"), Some(90 * MINUTE));
/// assert_eq!(parse("PT1H30M"), Some(90 * MINUTE));
/// assert_eq!(parse("P1D"), parse("24h"));
/// assert_eq!(parse("soon"), None);
/// ```
pub fn parse(text: &str) -> Option<i64> {
    let text = text.trim();
    let ticks = match text.strip_prefix(['P', 'p']) {
        Some(rest) => iso(rest)?,
        None => short(text)?,
    };
    (0..=MAX).contains(&ticks).then_some(ticks)
}

/// A duration as ISO 8601 writes it, in days, hours, minutes and seconds.
///
/// ```
/// use castellan_detect::rule::duration::{format, parse};
/// assert_eq!(format(parse("36h").unwrap()), "P1DT12H");
/// assert_eq!(format(0), "PT0S");
/// ```
pub fn format(ticks: i64) -> String {
    let seconds = ticks.max(0) / Ticks::PER_SECOND;
    let (days, rest) = (seconds / 86_400, seconds % 86_400);
    let part = |count: i64, unit: char| if count > 0 { format!("{count}{unit}") } else { String::new() };
    let time = [part(rest / 3_600, 'H'), part(rest / 60 % 60, 'M'), part(rest % 60, 'S')].concat();
    match (days, time.is_empty()) {
        (0, true) => "PT0S".to_owned(),
        (_, true) => format!("P{days}D"),
        _ => format!("P{}T{time}", part(days, 'D')),
    }
}

/// `5m`, `1h`, `1d12h`
fn short(text: &str) -> Option<i64> {
    pieces(text, |unit| {
        Some(match unit.to_ascii_lowercase() {
            'w' => 7 * Ticks::PER_DAY,
            'd' => Ticks::PER_DAY,
            'h' => 60 * MINUTE,
            'm' => MINUTE,
            's' => Ticks::PER_SECOND,
            _ => return None,
        })
    })
}

/// What stands behind the `P`. Months and years have no one length.
fn iso(text: &str) -> Option<i64> {
    let (date, time) = match text.split_once(['T', 't']) {
        Some((_, "")) => return None,
        Some((date, time)) => (date, time),
        None => (text, ""),
    };
    let days = |unit: char| match unit.to_ascii_uppercase() {
        'W' => Some(7 * Ticks::PER_DAY),
        'D' => Some(Ticks::PER_DAY),
        _ => None,
    };
    let parts = |unit: char| match unit.to_ascii_uppercase() {
        'H' => Some(60 * MINUTE),
        'M' => Some(MINUTE),
        'S' => Some(Ticks::PER_SECOND),
        _ => None,
    };
    match (date, time) {
        ("", "") => None,
        ("", time) => pieces(time, parts),
        (date, "") => pieces(date, days),
        (date, time) => pieces(date, days)?.checked_add(pieces(time, parts)?),
    }
}

/// Numbers with units behind them.
fn pieces(text: &str, unit: impl Fn(char) -> Option<i64>) -> Option<i64> {
    let (mut sum, mut rest) = (0_i64, text);
    while !rest.is_empty() {
        let at = rest.find(|character: char| !character.is_ascii_digit())?;
        let (number, behind) = rest.split_at_checked(at)?;
        let mut characters = behind.chars();
        let length = unit(characters.next()?)?;
        sum = sum.checked_add(number.parse::<i64>().ok()?.checked_mul(length)?)?;
        rest = characters.as_str();
    }
    (!text.is_empty()).then_some(sum)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn texts_that_are_no_durations() {
        for text in
            ["", "P", "PT", "5", "m", "5x", "1.5h", "P1M", "P1Y", "-5m", "PT1D", "99999999999d", "5m 1h"]
        {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(seconds in 0..MAX / Ticks::PER_SECOND) {
            let ticks = seconds * Ticks::PER_SECOND;
            prop_assert_eq!(parse(&format(ticks)), Some(ticks));
        }

        #[test]
        fn any_text_is_answered(text in "\\PC{0,20}") {
            let _ = parse(&text);
        }
    }
}

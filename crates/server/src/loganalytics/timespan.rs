//! Times in ISO 8601: `P1D`, `start/end`, `start/P1D`, `P1D/end`.

use castellan_kql::value::{TICKS_PER_DAY, TICKS_PER_SECOND, parse_datetime};

/// From when, included, and until when, in ticks since year 1.
type Times = (Option<i64>, Option<i64>);

/// Reads a timespan. A duration alone reaches back from `now` and has no end: rows that come while it is asked belong to
/// it.
///
/// Errors: what is wrong with it.
pub(super) fn read(text: &str, now: i64) -> Result<Times, String> {
    let wrong = || {
        format!(
            "`{text}` is no timespan of ISO 8601; write `P1D`, `PT1H`, `START/END`, `START/P1D` or `P1D/END`"
        )
    };
    let text = text.trim();
    let Some((first, second)) = text.split_once('/') else {
        let span = duration(text).ok_or_else(wrong)?;
        return Ok((Some(now.checked_sub(span).ok_or_else(wrong)?), None));
    };
    let times = match (duration(first), duration(second)) {
        (None, None) => (parse_datetime(first), parse_datetime(second)),
        (None, Some(span)) => {
            let from = parse_datetime(first);
            (from, from.and_then(|from| from.checked_add(span)))
        }
        (Some(span), None) => {
            let until = parse_datetime(second);
            (until.and_then(|until| until.checked_sub(span)), until)
        }
        (Some(_), Some(_)) => (None, None),
    };
    match times {
        (Some(from), Some(until)) if from <= until => Ok((Some(from), Some(until))),
        (Some(_), Some(_)) => Err(format!("`{text}` ends before it begins; put the earlier time first")),
        _ => Err(wrong()),
    }
}

/// A duration in ticks. Years have 365 days and months 30, as .NET reads them.
fn duration(text: &str) -> Option<i64> {
    let rest = text.strip_prefix(['P', 'p'])?;
    let (days, times) = rest.split_once(['T', 't']).unwrap_or((rest, ""));
    if rest.ends_with(['T', 't']) || rest.is_empty() {
        return None;
    }
    const DATE: [(char, i64); 4] = [
        ('Y', 365 * TICKS_PER_DAY),
        ('M', 30 * TICKS_PER_DAY),
        ('W', 7 * TICKS_PER_DAY),
        ('D', TICKS_PER_DAY),
    ];
    const TIME: [(char, i64); 3] =
        [('H', 3_600 * TICKS_PER_SECOND), ('M', 60 * TICKS_PER_SECOND), ('S', TICKS_PER_SECOND)];
    parts(days, &DATE)?.checked_add(parts(times, &TIME)?)
}

/// Numbers with units, which come in their order.
fn parts(mut text: &str, mut units: &[(char, i64)]) -> Option<i64> {
    let mut sum = 0_i64;
    while !text.is_empty() {
        let at = text.find(|char: char| char.is_ascii_alphabetic())?;
        let (number, unit) = text.split_at(at);
        let place =
            units.iter().position(|(known, _)| unit.starts_with([*known, known.to_ascii_lowercase()]))?;
        let (_, ticks) = units.get(place)?;
        sum = sum.checked_add(amount(number, *ticks)?)?;
        units = units.get(place + 1..)?;
        text = unit.get(1..)?;
    }
    Some(sum)
}

/// A number with a fraction, times ticks.
fn amount(number: &str, ticks: i64) -> Option<i64> {
    let (whole, fraction) = number.split_once(['.', ',']).unwrap_or((number, "0"));
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !is_number(whole) || !is_number(fraction) {
        return None;
    }
    let whole = whole.parse::<i64>().ok()?.checked_mul(ticks)?;
    let kept: String = fraction.chars().take(7).collect();
    let scale = 10_i64.checked_pow(u32::try_from(kept.len()).ok()?)?;
    let part = i128::from(kept.parse::<i64>().ok()?) * i128::from(ticks) / i128::from(scale);
    whole.checked_add(i64::try_from(part).ok()?)
}

#[cfg(test)]
mod tests {
    use castellan_kql::value::{TICKS_PER_DAY, TICKS_PER_SECOND, format_datetime, parse_datetime};
    use proptest::prelude::*;

    use super::{duration, read};

    #[test]
    fn durations() {
        for (text, seconds) in [
            ("PT1H", 3_600),
            ("P1D", 86_400),
            ("P1DT12H", 129_600),
            ("P2W", 14 * 86_400),
            ("PT86400.0S", 86_400),
            ("PT90M", 5_400),
            ("P1Y2M3DT4H5M6S", (365 + 60 + 3) * 86_400 + 4 * 3_600 + 5 * 60 + 6),
            ("pt1h", 3_600),
        ] {
            assert_eq!(duration(text), Some(seconds * TICKS_PER_SECOND), "{text}");
        }
        assert_eq!(duration("PT0.5S"), Some(TICKS_PER_SECOND / 2));
        for text in [
            "",
            "P",
            "PT",
            "1D",
            "P1",
            "PD",
            "P1H",
            "PT1D",
            "P1D2W",
            "P-1D",
            "P1DT",
            "P99999999999999Y",
            "P\u{e9}D",
        ] {
            assert_eq!(duration(text), None, "{text}");
        }
    }

    #[test]
    fn intervals() {
        let at = |text: &str| parse_datetime(text);
        let now = at("2026-02-01").unwrap_or_default();
        assert_eq!(read("P1D", now), Ok((Some(now - TICKS_PER_DAY), None)));
        let both = Ok((at("2026-01-01"), at("2026-01-02")));
        for text in [
            "2026-01-01/2026-01-02",
            "2026-01-01T00:00:00Z/P1D",
            "P1D/2026-01-02T00:00:00+00:00",
            "2026-01-01/PT86400.0S",
        ] {
            assert_eq!(read(text, now), both, "{text}");
        }
        for text in ["", "P1D/P1D", "2026-01-01", "2026-01-02/2026-01-01", "a/b", "/", "P1D/"] {
            assert!(read(text, now).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "[PT0-9YMWDHS./:Z-]{0,40}", now in any::<i64>()) {
            let _ = read(&text, now);
        }

        #[test]
        fn times_that_are_written_are_read(from in 0_i64..3_000_000_000_000_000_000, more in 0_i64..100_000_000_000_000) {
            let text = format!("{}/{}", format_datetime(from), format_datetime(from + more));
            prop_assert_eq!(read(&text, 0), Ok((Some(from), Some(from + more))));
        }
    }
}

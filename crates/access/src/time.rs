//! Times in files, as text, and in seconds since 1970 as tokens have them.

use castellan_base::Ticks;
use serde::{Deserialize, Deserializer, Serializer, de};

/// Seconds since 1970, rounded down.
pub(crate) fn unix_seconds(time: Ticks) -> i64 {
    i64::try_from(time.unix_nanos().div_euclid(1_000_000_000)).unwrap_or(i64::MAX)
}

/// A time so many seconds after 1970; the ends of the calendar for what lies outside of it.
pub(crate) fn from_unix_seconds(seconds: i64) -> Ticks {
    let nanos = i128::from(seconds) * 1_000_000_000;
    Ticks::from_unix_nanos(nanos).unwrap_or(if seconds < 0 { Ticks::MIN } else { Ticks::MAX })
}

/// A time later by seconds, or the calendar's end.
pub(crate) fn later(time: Ticks, seconds: i64) -> Ticks {
    seconds.checked_mul(Ticks::PER_SECOND).and_then(|ticks| time.checked_add(ticks)).unwrap_or(Ticks::MAX)
}

pub(crate) fn serialize<S: Serializer>(time: &Ticks, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(time)
}

pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Ticks, D::Error> {
    String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
}

/// Times that may be absent.
pub(crate) mod optional {
    use castellan_base::Ticks;
    use serde::{Deserialize, Deserializer, Serializer, de};

    pub(crate) fn serialize<S: Serializer>(time: &Option<Ticks>, serializer: S) -> Result<S::Ok, S::Error> {
        match time {
            Some(time) => serializer.collect_str(time),
            None => serializer.serialize_none(),
        }
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Ticks>, D::Error> {
        let text = Option::<String>::deserialize(deserializer)?;
        text.map(|text| text.parse().map_err(de::Error::custom)).transpose()
    }
}

//! Times of day in named zones. The zones are those of the IANA database that is compiled in: nothing is read from disk.

use std::sync::OnceLock;

use jiff::Timestamp;
use jiff::tz::{AmbiguousOffset, Offset, TimeZone, TimeZoneDatabase};

use super::{ScalarFunction, at, function, string_array, text_at};
use crate::value::{TICKS_PER_SECOND, UNIX_EPOCH_TICKS, Value};

fn database() -> &'static TimeZoneDatabase {
    static DATABASE: OnceLock<TimeZoneDatabase> = OnceLock::new();
    DATABASE.get_or_init(TimeZoneDatabase::bundled)
}

/// Seconds since 1970, as a time in UTC.
fn seconds(ticks: i64) -> Option<Timestamp> {
    Timestamp::from_second((ticks - UNIX_EPOCH_TICKS).div_euclid(TICKS_PER_SECOND)).ok()
}

fn zone(arguments: &[Value]) -> Option<(i64, TimeZone)> {
    Some((at(arguments, 0).to_datetime()?, database().get(&text_at(arguments, 1)).ok()?))
}

fn moved(ticks: i64, offset: Offset, sign: i64) -> Value {
    Value::datetime(ticks + sign * i64::from(offset.seconds()) * TICKS_PER_SECOND)
}

fn utc_to_local(arguments: &[Value]) -> Option<Value> {
    let (ticks, zone) = zone(arguments)?;
    Some(moved(ticks, zone.to_offset(seconds(ticks)?), 1))
}

/// A time that the clock shows twice is taken for the second, in standard time; one that it leaves out has no UTC.
fn local_to_utc(arguments: &[Value]) -> Option<Value> {
    let (ticks, zone) = zone(arguments)?;
    let local = Offset::UTC.to_datetime(seconds(ticks)?);
    match zone.to_ambiguous_timestamp(local).offset() {
        AmbiguousOffset::Unambiguous { offset } | AmbiguousOffset::Fold { after: offset, .. } => {
            Some(moved(ticks, offset, -1))
        }
        AmbiguousOffset::Gap { .. } => None,
    }
}

pub(super) const FUNCTIONS: &[ScalarFunction] = &[
    function("datetime_local_to_utc", 2, 2, |a| local_to_utc(a).unwrap_or_default()),
    function("datetime_utc_to_local", 2, 2, |a| utc_to_local(a).unwrap_or_default()),
    function("datetime_list_timezones", 0, 0, |_| {
        string_array(database().available().map(|name| name.as_str().to_owned()))
    }),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::parse_datetime;

    fn call(name: &str, time: &str, zone: &str) -> Value {
        let arguments = [Value::DateTime(parse_datetime(time).unwrap()), Value::string(zone)];
        crate::functions::find(name).unwrap().call(&arguments).unwrap()
    }

    #[test]
    fn changes_of_the_clock_are_known() {
        let cases = [
            ("2024-03-31T01:30:00Z", "2024-03-31T00:30:00.0000000Z"),
            // Left out, and shown twice.
            ("2024-03-31T02:30:00Z", ""),
            ("2024-10-27T02:30:00Z", "2024-10-27T01:30:00.0000000Z"),
            ("2024-07-01T12:00:00.1234567Z", "2024-07-01T10:00:00.1234567Z"),
        ];
        for (local, utc) in cases {
            assert_eq!(call("datetime_local_to_utc", local, "Europe/Berlin").to_text(), utc, "{local}");
        }
        assert!(call("datetime_local_to_utc", "2024-07-01", "Europe/Nowhere").is_null());
        assert!(call("datetime_utc_to_local", "9999-12-31T23:00:00Z", "Europe/Berlin").is_null());
        assert!(!call("datetime_utc_to_local", "0001-01-01T01:00:00Z", "Europe/Berlin").is_null());
    }
}

//! Dates and times, in UTC.

use castellan_base::{Ticks, Value};

use super::{Call, Function, FunctionError, date_format, rows};

pub(super) static FUNCTIONS: &[Function] = rows! { "date":
    "addDays" 2 2 Shallow add_days, "addDays(time, days)", "The time so many days later, in round-trip form.";
    "dateTimeAdd" 2 3 Shallow date_time_add, "dateTimeAdd(time, duration, format?)", "The time an ISO 8601 duration later.";
    "dateTimeFromEpoch" 1 1 Shallow from_epoch, "dateTimeFromEpoch(seconds)", "The time so many seconds after 1970.";
    "dateTimeToEpoch" 1 1 Shallow to_epoch, "dateTimeToEpoch(time)", "Seconds since 1970.";
    "newGuid" 0 0 Shallow new_guid, "newGuid()", "Unresolved: every deployment gets another one.";
    "uniqueString" 1 any Shallow unique_string, "uniqueString(a, ...)", "Unresolved: only a deployment computes this hash.";
    "utcNow" 0 1 Shallow utc_now, "utcNow(format?)", "The time of the evaluation.";
};

fn time(call: &Call<'_>, index: usize) -> Result<Ticks, FunctionError> {
    let text = call.text(index)?;
    // Resource Manager also writes a space instead of `T`.
    text.parse().map_err(|_| FunctionError::new(format!("`{text}` is no time; write 2026-11-21T10:00:00Z")))
}

fn unresolved(call: &Call<'_>, expression: String, hint: &str) -> Value {
    let _ = call;
    let unresolved = castellan_base::Unresolved::new(castellan_base::UnresolvedReason::Runtime, expression);
    Value::unresolved(unresolved.with_hint(hint))
}

fn new_guid(call: &Call<'_>) -> Result<Value, FunctionError> {
    Ok(unresolved(call, "newGuid()".to_owned(), "every deployment gets another one"))
}

/// The hash is not documented, so it is not guessed; equal arguments give equal symbols, which is what ids need.
fn unique_string(call: &Call<'_>) -> Result<Value, FunctionError> {
    let args: Result<Vec<String>, FunctionError> =
        (0..call.args.len()).map(|index| call.text(index).map(|text| format!("'{text}'"))).collect();
    Ok(unresolved(
        call,
        format!("uniqueString({})", args?.join(", ")),
        "only a deployment computes this hash",
    ))
}

fn utc_now(call: &Call<'_>) -> Result<Value, FunctionError> {
    let Some(now) = call.now else {
        return Ok(unresolved(call, "utcNow()".to_owned(), "the time of the deployment is not known"));
    };
    let format = if call.args.is_empty() { "yyyyMMddTHHmmssZ" } else { call.text(0)? };
    date_format::write(now, format).map(Value::string)
}

fn add_days(call: &Call<'_>) -> Result<Value, FunctionError> {
    let days = call.int(1)?;
    let later = days.checked_mul(Ticks::PER_DAY).and_then(|ticks| time(call, 0).ok()?.checked_add(ticks));
    time(call, 0)?;
    let later = later.ok_or_else(|| FunctionError::new("the time lies outside the years 1 to 9999"))?;
    Ok(Value::string(later.to_string()))
}

fn date_time_add(call: &Call<'_>) -> Result<Value, FunctionError> {
    let base = time(call, 0)?;
    let duration = call.text(1)?;
    let span: jiff::Span = duration.parse().map_err(|_| {
        FunctionError::new(format!("`{duration}` is no ISO 8601 duration; write P1D or -PT2H"))
    })?;
    let moved = base
        .to_timestamp()
        .map(|timestamp| timestamp.to_zoned(jiff::tz::TimeZone::UTC))
        .and_then(|zoned| zoned.checked_add(span).ok())
        .and_then(|zoned| Ticks::from_timestamp(zoned.timestamp()));
    let moved = moved.ok_or_else(|| FunctionError::new("the time lies outside the years 1 to 9999"))?;
    // Without a format the result looks like the base.
    let like_base = if call.text(0)?.contains('T') { "yyyy-MM-ddTHH:mm:ssZ" } else { "yyyy-MM-dd HH:mm:ssZ" };
    let format = if call.args.len() > 2 { call.text(2)? } else { like_base };
    date_format::write(moved, format).map(Value::string)
}

fn from_epoch(call: &Call<'_>) -> Result<Value, FunctionError> {
    let time = Ticks::from_unix_nanos(i128::from(call.int(0)?) * 1_000_000_000);
    let time = time.ok_or_else(|| FunctionError::new("the time lies outside the years 1 to 9999"))?;
    date_format::write(time, "yyyy-MM-ddTHH:mm:ssZ").map(Value::string)
}

fn to_epoch(call: &Call<'_>) -> Result<Value, FunctionError> {
    let seconds = time(call, 0)?.unix_nanos().div_euclid(1_000_000_000);
    i64::try_from(seconds).map(Value::Int).map_err(|_| FunctionError::new("the time is too far away"))
}

//! Places on a timeline, and the windows that it is cut into.

use super::super::Call;
use crate::functions;
use crate::interpret::{Result, failure};
use crate::value::{ScalarType, Value};

/// How many windows of the calendar are gone back at most: every week of ten thousand years.
const MOST_BACK: usize = 530_000;

/// A place on a timeline: ticks of a time, or a whole number.
pub(in super::super) struct Position;

impl Position {
    /// The place that a value stands for; none for null.
    ///
    /// Errors: a value that is no time and no whole number.
    pub(in super::super) fn of(value: &Value) -> Result<Option<i64>> {
        match value.unwrapped() {
            Value::Null => Ok(None),
            Value::DateTime(at) | Value::TimeSpan(at) | Value::Long(at) => Ok(Some(at)),
            Value::Int(at) => Ok(Some(i64::from(at))),
            other => {
                let message = format!("`{}` is no time and no whole number", other.to_text());
                Err(failure("timeline", message))
            }
        }
    }

    /// A place as a value of the timeline's type.
    pub(in super::super) fn value(at: i64, scalar_type: ScalarType) -> Value {
        match scalar_type {
            ScalarType::DateTime => Value::datetime(at),
            ScalarType::TimeSpan => Value::TimeSpan(at),
            other => Value::Long(at).convert(other),
        }
    }
}

/// Windows that follow each other.
pub(in super::super) enum Windows {
    /// Windows of one size, of which one begins at the origin.
    Even {
        /// Where one begins.
        origin: i64,
        /// How long they are, at least 1.
        size: i64,
    },
    /// Weeks, months or years: the function that gives the beginning, and ticks that lead from there into the next.
    Calendar(&'static str, i64),
}

impl Windows {
    /// The windows that an argument asks for: a size, or `week`, `month`, `year`.
    ///
    /// Errors: anything else, and a size of nothing.
    pub(in super::super) fn of(call: &Call<'_, '_>, name: &str, origin: i64) -> Result<Windows> {
        const DAY: i64 = crate::value::TICKS_PER_DAY;
        let value = call.constant(name)?.unwrap_or_default();
        match value.as_str() {
            Some("week") => return Ok(Windows::Calendar("startofweek", 7 * DAY)),
            Some("month") => return Ok(Windows::Calendar("startofmonth", 32 * DAY)),
            Some("year") => return Ok(Windows::Calendar("startofyear", 366 * DAY)),
            Some(other) => {
                let message = format!("`{other}` is no window: write a size, `week`, `month` or `year`");
                return Err(failure("window", message));
            }
            None => {}
        }
        match Position::of(&value)? {
            Some(size) if size > 0 => Ok(Windows::Even { origin, size }),
            _ => Err(failure("window", format!("`{name}` has to be more than nothing"))),
        }
    }

    /// Where the window of a place begins.
    pub(in super::super) fn start(&self, at: i64) -> i64 {
        match self {
            Windows::Even { origin, size } => at.saturating_sub(at.saturating_sub(*origin).rem_euclid(*size)),
            Windows::Calendar(function, _) => {
                let start = functions::find(function).and_then(|start| start.call(&[Value::datetime(at)]));
                match start {
                    Some(Value::DateTime(start)) => start,
                    _ => at,
                }
            }
        }
    }

    /// Where the window after one begins; the same place at the end of all time.
    pub(in super::super) fn after(&self, start: i64) -> i64 {
        match self {
            Windows::Even { size, .. } => start.saturating_add(*size),
            Windows::Calendar(_, reach) => self.start(start.saturating_add(*reach)),
        }
    }

    /// Where the window begins that comes so many before one.
    pub(in super::super) fn back(&self, start: i64, count: usize) -> i64 {
        match self {
            Windows::Even { size, .. } => {
                let count = i64::try_from(count).unwrap_or(i64::MAX);
                start.saturating_sub(size.saturating_mul(count))
            }
            Windows::Calendar(..) => {
                let before = |start: i64| self.start(start.saturating_sub(1));
                let mut at = start;
                for _ in 0..count.min(MOST_BACK) {
                    let next = before(at);
                    if next >= at {
                        break;
                    }
                    at = next;
                }
                at
            }
        }
    }
}

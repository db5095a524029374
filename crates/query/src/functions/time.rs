//! Times and durations, which lie in arrays as ticks, and whole numbers.

use std::sync::Arc;

use castellan_kql::ScalarType;
use castellan_kql::value::{MAX_DATETIME_TICKS, TICKS_PER_DAY, UNIX_EPOCH_TICKS};
use datafusion::arrow::array::{ArrayRef, Int64Array};
use datafusion::arrow::compute::binary;
use datafusion::common::Result;
use datafusion::logical_expr::ColumnarValue;

use super::kernel::{Kernel, longs};

/// `bin()`, `startofday()` and `startofweek()`: the multiple of a size at or below a value, counted from an origin.
#[derive(Debug)]
pub struct Bin {
    name: String,
    scalar_type: ScalarType,
    size: i64,
    origin: i64,
}

impl Bin {
    /// `bin(value, size)` of a datetime, a timespan or a long; `None` for sizes that have no bins.
    pub fn new(scalar_type: ScalarType, size: i64) -> Option<Bin> {
        let origin = match scalar_type {
            ScalarType::DateTime => UNIX_EPOCH_TICKS,
            ScalarType::TimeSpan | ScalarType::Long => 0,
            _ => return None,
        };
        Bin::from(scalar_type, size, origin)
    }

    /// `startofweek(value)`: the Sunday. The year 1 began on a Monday.
    pub fn week() -> Option<Bin> {
        Bin::from(ScalarType::DateTime, 7 * TICKS_PER_DAY, -TICKS_PER_DAY)
    }

    fn from(scalar_type: ScalarType, size: i64, origin: i64) -> Option<Bin> {
        let name = format!("bin({scalar_type}, {size}, {origin})");
        (size > 0).then_some(Bin { name, scalar_type, size, origin })
    }

    fn below(&self, number: i64) -> i64 {
        let multiple = number.wrapping_sub(self.origin).div_euclid(self.size);
        // A long wraps where a time stays at the end of its range, as in the plain engine.
        match self.scalar_type {
            ScalarType::Long => multiple.wrapping_mul(self.size),
            _ => multiple.saturating_mul(self.size).saturating_add(self.origin),
        }
    }
}

impl Kernel for Bin {
    fn name(&self) -> &str {
        &self.name
    }

    fn scalar_type(&self) -> ScalarType {
        self.scalar_type
    }

    fn run(&self, arguments: &[ColumnarValue], rows: usize) -> Result<ArrayRef> {
        let numbers = longs(arguments, 0, rows)?;
        let bins: Int64Array = match self.scalar_type {
            ScalarType::DateTime => numbers.unary_opt(|ticks| in_range(self.below(ticks))),
            _ => numbers.unary(|number| self.below(number)),
        };
        Ok(Arc::new(bins))
    }
}

fn in_range(ticks: i64) -> Option<i64> {
    (0..=MAX_DATETIME_TICKS).contains(&ticks).then_some(ticks)
}

/// A datetime and a timespan that is added or taken away; null beyond the years 1 to 9999.
#[derive(Debug)]
pub struct Shift {
    is_back: bool,
}

impl Shift {
    /// `time + span`, or `time - span`.
    pub fn new(is_back: bool) -> Shift {
        Shift { is_back }
    }

    fn shifted(&self, time: i64, span: i64) -> Option<i64> {
        let moved = if self.is_back { time.checked_sub(span) } else { time.checked_add(span) };
        moved.and_then(in_range)
    }
}

impl Kernel for Shift {
    fn name(&self) -> &str {
        if self.is_back { "time_minus_span" } else { "time_plus_span" }
    }

    fn scalar_type(&self) -> ScalarType {
        ScalarType::DateTime
    }

    fn run(&self, arguments: &[ColumnarValue], rows: usize) -> Result<ArrayRef> {
        let (times, spans) = (longs(arguments, 0, rows)?, longs(arguments, 1, rows)?);
        let each = times.iter().zip(&spans).map(|(time, span)| self.shifted(time?, span?));
        Ok(Arc::new(each.collect::<Int64Array>()))
    }
}

/// `hourofday(time)`.
#[derive(Debug)]
pub struct HourOfDay;

impl Kernel for HourOfDay {
    fn name(&self) -> &str {
        "hourofday"
    }

    fn scalar_type(&self) -> ScalarType {
        ScalarType::Int
    }

    fn run(&self, arguments: &[ColumnarValue], rows: usize) -> Result<ArrayRef> {
        let times = longs(arguments, 0, rows)?;
        let hours: datafusion::arrow::array::Int32Array =
            times.unary(|ticks| (ticks.rem_euclid(TICKS_PER_DAY) / (TICKS_PER_DAY / 24)) as i32);
        Ok(Arc::new(hours))
    }
}

/// The difference of two times, as a timespan.
#[derive(Debug)]
pub struct Difference;

impl Kernel for Difference {
    fn name(&self) -> &str {
        "time_minus_time"
    }

    fn scalar_type(&self) -> ScalarType {
        ScalarType::TimeSpan
    }

    fn run(&self, arguments: &[ColumnarValue], rows: usize) -> Result<ArrayRef> {
        let (left, right) = (longs(arguments, 0, rows)?, longs(arguments, 1, rows)?);
        let spans: Int64Array = binary(&left, &right, i64::wrapping_sub)?;
        Ok(Arc::new(spans))
    }
}

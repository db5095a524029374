//! Times of Arrow as ticks, and ticks as times of Arrow.

use std::ops::RangeInclusive;
use std::sync::Arc;

use castellan_kql::ScalarType;
use castellan_kql::value::{MAX_DATETIME_TICKS, TICKS_PER_DAY, UNIX_EPOCH_TICKS};
use datafusion::arrow::array::{ArrayRef, AsArray, Int64Array};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{DataType, Int64Type, TimeUnit};
use datafusion::common::{Result, ScalarValue, exec_err, plan_err};
use datafusion::logical_expr::{
    ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};

/// How a unit of time counts in ticks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Ratio {
    Times(i64),
    /// Nanoseconds: what is less than a tick is cut off.
    Through(i64),
}

impl Ratio {
    pub(super) fn of(unit: TimeUnit) -> Ratio {
        match unit {
            TimeUnit::Second => Ratio::Times(10_000_000),
            TimeUnit::Millisecond => Ratio::Times(10_000),
            TimeUnit::Microsecond => Ratio::Times(10),
            TimeUnit::Nanosecond => Ratio::Through(100),
        }
    }

    pub(super) fn ticks(self, number: i64) -> Option<i64> {
        match self {
            Ratio::Times(factor) => number.checked_mul(factor),
            Ratio::Through(divisor) => Some(number.div_euclid(divisor)),
        }
    }

    /// The numbers that give ticks from the one up to the other.
    fn numbers(self, from: i128, to: i128) -> (i128, i128) {
        match self {
            Ratio::Times(factor) => {
                let factor = i128::from(factor);
                (-(-from).div_euclid(factor), to.div_euclid(factor))
            }
            Ratio::Through(divisor) => {
                let divisor = i128::from(divisor);
                (from * divisor, (to + 1) * divisor - 1)
            }
        }
    }
}

/// Times of an Arrow type as ticks; a date is null outside of the years 1 to 9999.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Ticks {
    source: DataType,
    ratio: Ratio,
    scalar_type: ScalarType,
    signature: Signature,
}

impl Ticks {
    /// The type of a column of times, and its ticks.
    ///
    /// Errors: a type that is none of times.
    pub(super) fn of(source: &DataType, value: Expr) -> Result<(ScalarType, Expr)> {
        let (scalar_type, ratio) = match source {
            DataType::Timestamp(unit, _) => (ScalarType::DateTime, Ratio::of(*unit)),
            DataType::Date32 => (ScalarType::DateTime, Ratio::Times(TICKS_PER_DAY)),
            DataType::Date64 => (ScalarType::DateTime, Ratio::of(TimeUnit::Millisecond)),
            DataType::Duration(unit) | DataType::Time32(unit) | DataType::Time64(unit) => {
                (ScalarType::TimeSpan, Ratio::of(*unit))
            }
            other => return plan_err!("{other} is no type of times"),
        };
        let signature = Signature::any(1, Volatility::Immutable);
        let ticks = Ticks { source: source.clone(), ratio, scalar_type, signature };
        Ok((scalar_type, ScalarUDF::new_from_impl(ticks).call(vec![value])))
    }

    /// The ticks at the number 0.
    fn start(&self) -> i64 {
        if self.scalar_type == ScalarType::DateTime { UNIX_EPOCH_TICKS } else { 0 }
    }

    /// The ticks that are not null.
    fn range(&self) -> RangeInclusive<i64> {
        match self.scalar_type {
            ScalarType::DateTime => 0..=MAX_DATETIME_TICKS,
            _ => i64::MIN..=i64::MAX,
        }
    }

    fn ticks(&self, number: i64) -> Option<i64> {
        let ticks = self.ratio.ticks(number)?.checked_add(self.start())?;
        self.range().contains(&ticks).then_some(ticks)
    }

    /// The least and the greatest number whose ticks are not null and lie in a range; `None` when there is none.
    pub(super) fn numbers(&self, ticks: &RangeInclusive<i64>) -> Option<RangeInclusive<i64>> {
        let whole = self.range();
        let start = i128::from(self.start());
        let from = i128::from(*ticks.start().max(whole.start())) - start;
        let to = i128::from(*ticks.end().min(whole.end())) - start;
        let (first, last) = self.ratio.numbers(from, to);
        let bounds = match self.source {
            DataType::Date32 | DataType::Time32(_) => i128::from(i32::MIN)..=i128::from(i32::MAX),
            _ => i128::from(i64::MIN)..=i128::from(i64::MAX),
        };
        let (first, last) = (first.max(*bounds.start()), last.min(*bounds.end()));
        (first <= last).then_some(i64::try_from(first).ok()?..=i64::try_from(last).ok()?)
    }

    /// A number as a constant of the Arrow type.
    pub(super) fn constant(&self, number: i64) -> Option<ScalarValue> {
        let short = i32::try_from(number).ok();
        Some(match &self.source {
            DataType::Timestamp(TimeUnit::Second, zone) => {
                ScalarValue::TimestampSecond(Some(number), zone.clone())
            }
            DataType::Timestamp(TimeUnit::Millisecond, zone) => {
                ScalarValue::TimestampMillisecond(Some(number), zone.clone())
            }
            DataType::Timestamp(TimeUnit::Microsecond, zone) => {
                ScalarValue::TimestampMicrosecond(Some(number), zone.clone())
            }
            DataType::Timestamp(TimeUnit::Nanosecond, zone) => {
                ScalarValue::TimestampNanosecond(Some(number), zone.clone())
            }
            DataType::Date32 => ScalarValue::Date32(Some(short?)),
            DataType::Date64 => ScalarValue::Date64(Some(number)),
            DataType::Duration(TimeUnit::Second) => ScalarValue::DurationSecond(Some(number)),
            DataType::Duration(TimeUnit::Millisecond) => ScalarValue::DurationMillisecond(Some(number)),
            DataType::Duration(TimeUnit::Microsecond) => ScalarValue::DurationMicrosecond(Some(number)),
            DataType::Duration(TimeUnit::Nanosecond) => ScalarValue::DurationNanosecond(Some(number)),
            DataType::Time32(TimeUnit::Second) => ScalarValue::Time32Second(Some(short?)),
            DataType::Time32(_) => ScalarValue::Time32Millisecond(Some(short?)),
            DataType::Time64(TimeUnit::Microsecond) => ScalarValue::Time64Microsecond(Some(number)),
            DataType::Time64(_) => ScalarValue::Time64Nanosecond(Some(number)),
            _ => return None,
        })
    }
}

impl ScalarUDFImpl for Ticks {
    fn name(&self) -> &str {
        if self.scalar_type == ScalarType::DateTime { "datetime_of" } else { "timespan_of" }
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arguments: &[DataType]) -> Result<DataType> {
        Ok(DataType::Int64)
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        match arguments.args.as_slice() {
            [ColumnarValue::Array(array)] => Ok(ColumnarValue::Array(self.array(array)?)),
            [ColumnarValue::Scalar(scalar)] => {
                let array = self.array(&scalar.to_array()?)?;
                Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&array, 0)?))
            }
            _ => exec_err!("`{}` takes one argument", self.name()),
        }
    }
}

impl Ticks {
    fn array(&self, array: &ArrayRef) -> Result<ArrayRef> {
        let array = match array.data_type() {
            // Arrow has no way from 32 bits of time to 64 bits of number at once.
            DataType::Date32 | DataType::Time32(_) => {
                cast(&cast(array, &DataType::Int32)?, &DataType::Int64)?
            }
            _ => cast(array, &DataType::Int64)?,
        };
        let numbers = array.as_primitive::<Int64Type>();
        Ok(Arc::new(self.all(numbers).unwrap_or_else(|| numbers.unary_opt(|number| self.ticks(number)))))
    }

    /// The ticks of numbers that all have some, as nearly always: without a look at each.
    fn all(&self, numbers: &Int64Array) -> Option<Int64Array> {
        let valid = self.numbers(&(i64::MIN..=i64::MAX))?;
        let is_valid = |number: &i64| *number >= *valid.start() && *number <= *valid.end();
        if !numbers.values().iter().fold(true, |all, number| all & is_valid(number)) {
            return None;
        }
        let start = self.start();
        Some(match self.ratio {
            Ratio::Times(factor) => numbers.unary(|number| number.wrapping_mul(factor).wrapping_add(start)),
            Ratio::Through(divisor) => numbers.unary(|number| number.div_euclid(divisor).wrapping_add(start)),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(source: &DataType) -> Ticks {
        let (scalar_type, ratio) = match source {
            DataType::Timestamp(unit, _) => (ScalarType::DateTime, Ratio::of(*unit)),
            DataType::Date32 => (ScalarType::DateTime, Ratio::Times(TICKS_PER_DAY)),
            DataType::Duration(unit) => (ScalarType::TimeSpan, Ratio::of(*unit)),
            _ => unreachable!(),
        };
        let signature = Signature::any(1, Volatility::Immutable);
        Ticks { source: source.clone(), ratio, scalar_type, signature }
    }

    #[test]
    fn the_numbers_of_a_range_are_those_whose_ticks_lie_in_it() {
        let units = [TimeUnit::Second, TimeUnit::Millisecond, TimeUnit::Microsecond, TimeUnit::Nanosecond];
        let mut sources: Vec<DataType> = units.iter().map(|unit| DataType::Timestamp(*unit, None)).collect();
        sources.extend(units.iter().map(|unit| DataType::Duration(*unit)));
        sources.push(DataType::Date32);
        let points = [i64::MIN, -1, 0, 1, UNIX_EPOCH_TICKS - 1, UNIX_EPOCH_TICKS, UNIX_EPOCH_TICKS + 7];
        let points: Vec<i64> =
            points.into_iter().chain([MAX_DATETIME_TICKS, MAX_DATETIME_TICKS + 1, i64::MAX]).collect();
        for source in &sources {
            let ticks = of(source);
            for from in &points {
                for to in points.iter().filter(|to| *to >= from) {
                    let range = *from..=*to;
                    let is_in = |number: i64| ticks.ticks(number).is_some_and(|ticks| range.contains(&ticks));
                    let Some(numbers) = ticks.numbers(&range) else { continue };
                    let (first, last) = (*numbers.start(), *numbers.end());
                    assert!(is_in(first) && is_in(last), "{source} {range:?} {numbers:?}");
                    assert!(
                        first.checked_sub(1).is_none_or(|before| !is_in(before))
                            || *source == DataType::Date32
                    );
                    assert!(
                        last.checked_add(1).is_none_or(|after| !is_in(after)) || *source == DataType::Date32
                    );
                }
            }
            let some = Int64Array::from(vec![Some(0), None, Some(17), Some(i64::MAX)]);
            let expected: Vec<Option<i64>> =
                some.iter().map(|number| number.and_then(|number| ticks.ticks(number))).collect();
            let all = ticks.all(&some).unwrap_or_else(|| some.unary_opt(|number| ticks.ticks(number)));
            assert_eq!(all.iter().collect::<Vec<_>>(), expected, "{source}");
        }
    }
}

//! Sums, means and spreads.

use bigdecimal::{BigDecimal, Zero};

use super::Accumulator;
use crate::value::{ScalarType, Value};

/// `sum(x)`: 0 of nothing.
#[derive(Debug)]
pub(super) enum Sum {
    Whole(i64),
    Real(f64),
    Decimal(BigDecimal),
    Span(i64),
}

impl Sum {
    pub(super) fn new(scalar_type: ScalarType) -> Sum {
        match scalar_type {
            ScalarType::Real | ScalarType::Dynamic => Sum::Real(0.0),
            ScalarType::Decimal => Sum::Decimal(BigDecimal::zero()),
            ScalarType::TimeSpan => Sum::Span(0),
            _ => Sum::Whole(0),
        }
    }
}

impl Accumulator for Sum {
    fn update(&mut self, arguments: &[Value]) {
        let Some(value) = arguments.first() else { return };
        match self {
            Sum::Whole(total) => *total = total.wrapping_add(value.to_i64().unwrap_or(0)),
            Sum::Real(total) => *total += value.to_f64().unwrap_or(0.0),
            Sum::Decimal(total) => {
                if let Some(number) = value.to_decimal() {
                    *total += number;
                }
            }
            Sum::Span(total) => {
                if let Value::TimeSpan(ticks) = value {
                    *total = total.wrapping_add(*ticks);
                }
            }
        }
    }

    fn finish(&self) -> Vec<Value> {
        vec![match self {
            Sum::Whole(total) => Value::Long(*total),
            Sum::Real(total) => Value::Real(*total),
            Sum::Decimal(total) => Value::decimal(total.clone()),
            Sum::Span(total) => Value::TimeSpan(*total),
        }]
    }
}

/// `avg(x)`: NaN of nothing, null where the result is a time.
#[derive(Debug)]
pub(super) struct Average {
    scalar_type: ScalarType,
    count: u64,
    total: f64,
    /// Exact, for times and decimals.
    ticks: i128,
    decimal: BigDecimal,
}

impl Average {
    pub(super) fn new(scalar_type: ScalarType) -> Average {
        Average { scalar_type, count: 0, total: 0.0, ticks: 0, decimal: BigDecimal::zero() }
    }
}

impl Accumulator for Average {
    fn update(&mut self, arguments: &[Value]) {
        let Some(value) = arguments.first().map(Value::unwrapped).filter(|value| !value.is_null()) else {
            return;
        };
        match value {
            Value::DateTime(ticks) | Value::TimeSpan(ticks) => self.ticks += i128::from(ticks),
            Value::Decimal(number) => self.decimal += number,
            other => match other.to_f64() {
                Some(number) => self.total += number,
                None => return,
            },
        }
        self.count += 1;
    }

    fn finish(&self) -> Vec<Value> {
        let ticks = || i64::try_from(self.ticks / i128::from(self.count.max(1))).unwrap_or(i64::MAX);
        vec![match self.scalar_type {
            ScalarType::DateTime if self.count > 0 => Value::datetime(ticks()),
            ScalarType::TimeSpan if self.count > 0 => Value::TimeSpan(ticks()),
            ScalarType::Decimal if self.count > 0 => {
                Value::decimal(&self.decimal / BigDecimal::from(self.count))
            }
            ScalarType::DateTime | ScalarType::TimeSpan | ScalarType::Decimal => Value::Null,
            _ if self.count == 0 => Value::Real(f64::NAN),
            _ => Value::Real(self.total / self.count as f64),
        }]
    }
}

/// Variance and standard deviation by Welford's method.
#[derive(Debug)]
pub(super) struct Spread {
    of_population: bool,
    is_deviation: bool,
    count: u64,
    mean: f64,
    squares: f64,
}

impl Spread {
    pub(super) fn new(of_population: bool, is_deviation: bool) -> Spread {
        Spread { of_population, is_deviation, count: 0, mean: 0.0, squares: 0.0 }
    }
}

impl Accumulator for Spread {
    fn update(&mut self, arguments: &[Value]) {
        let Some(number) = arguments.first().and_then(numeric) else { return };
        self.count += 1;
        let before = number - self.mean;
        self.mean += before / self.count as f64;
        self.squares += before * (number - self.mean);
    }

    fn finish(&self) -> Vec<Value> {
        let divisor = if self.of_population { self.count } else { self.count.saturating_sub(1) };
        let variance = if divisor == 0 { 0.0 } else { self.squares / divisor as f64 };
        vec![Value::Real(if self.is_deviation { variance.sqrt() } else { variance })]
    }
}

/// A number, or the ticks of a timespan.
fn numeric(value: &Value) -> Option<f64> {
    match value {
        Value::TimeSpan(ticks) => Some(*ticks as f64),
        other => other.to_f64(),
    }
}

/// Covariance, by the running means.
#[derive(Debug)]
pub(super) struct Covariance {
    of_population: bool,
    count: u64,
    mean_x: f64,
    mean_y: f64,
    products: f64,
}

impl Covariance {
    pub(super) fn new(of_population: bool) -> Covariance {
        Covariance { of_population, count: 0, mean_x: 0.0, mean_y: 0.0, products: 0.0 }
    }
}

impl Accumulator for Covariance {
    fn update(&mut self, arguments: &[Value]) {
        let [x, y] = arguments else { return };
        let Some((x, y)) = numeric(x).zip(numeric(y)) else { return };
        self.count += 1;
        let before = x - self.mean_x;
        self.mean_x += before / self.count as f64;
        self.mean_y += (y - self.mean_y) / self.count as f64;
        self.products += before * (y - self.mean_y);
    }

    fn finish(&self) -> Vec<Value> {
        let divisor = if self.of_population { self.count } else { self.count.saturating_sub(1) };
        vec![Value::Real(if divisor == 0 { 0.0 } else { self.products / divisor as f64 })]
    }
}

/// Bits of whole numbers put together.
#[derive(Debug)]
pub(super) struct Bits {
    combine: fn(i64, i64) -> i64,
    total: Option<i64>,
}

impl Bits {
    pub(super) fn new(combine: fn(i64, i64) -> i64) -> Bits {
        Bits { combine, total: None }
    }
}

impl Accumulator for Bits {
    fn update(&mut self, arguments: &[Value]) {
        let Some(number) = arguments.first().and_then(Value::to_i64) else { return };
        self.total = Some(self.total.map_or(number, |total| (self.combine)(total, number)));
    }

    fn finish(&self) -> Vec<Value> {
        vec![self.total.map_or(Value::Null, Value::Long)]
    }
}

//! Numbers.

use bigdecimal::{RoundingMode, Signed, ToPrimitive};

use super::{ScalarFunction, at, boolean, function, long_at, or_null, real_at};
use crate::value::{UNIX_EPOCH_TICKS, Value};

/// A function of one real.
fn real(arguments: &[Value], compute: fn(f64) -> f64) -> Value {
    or_null(real_at(arguments, 0), |number| Value::Real(compute(number)))
}

fn abs(arguments: &[Value]) -> Value {
    match at(arguments, 0).unwrapped() {
        Value::Int(number) => Value::Long(i64::from(number).abs()),
        Value::Long(number) => Value::Long(number.wrapping_abs()),
        Value::Real(number) => Value::Real(number.abs()),
        Value::Decimal(number) => Value::Decimal(number.abs()),
        Value::TimeSpan(ticks) => Value::TimeSpan(ticks.wrapping_abs()),
        _ => Value::Null,
    }
}

fn ceiling(arguments: &[Value]) -> Value {
    match at(arguments, 0).unwrapped() {
        number @ (Value::Int(_) | Value::Long(_)) => number,
        Value::Real(number) => Value::Real(number.ceil()),
        Value::Decimal(number) => Value::decimal(number.with_scale_round(0, RoundingMode::Ceiling)),
        _ => Value::Null,
    }
}

/// `bin(value, size)`: the multiple of `size` at or below the value, for times counted from 1970.
pub(crate) fn bin(value: &Value, size: &Value) -> Value {
    match (value.unwrapped(), size.unwrapped()) {
        (Value::DateTime(ticks), Value::TimeSpan(size)) if size > 0 => {
            Value::datetime(below(ticks - UNIX_EPOCH_TICKS, size).saturating_add(UNIX_EPOCH_TICKS))
        }
        (Value::TimeSpan(ticks), Value::TimeSpan(size)) if size > 0 => Value::TimeSpan(below(ticks, size)),
        (Value::TimeSpan(ticks), other) => match other.to_i64() {
            Some(size) if size > 0 => Value::TimeSpan(below(ticks, size)),
            _ => Value::Null,
        },
        (Value::Int(number), Value::Int(size)) if size > 0 => {
            Value::Int(number.div_euclid(size).wrapping_mul(size))
        }
        (Value::Int(_) | Value::Long(_), Value::Int(_) | Value::Long(_)) => {
            match (value.to_i64(), size.to_i64()) {
                (Some(number), Some(size)) if size > 0 => {
                    Value::Long(number.div_euclid(size).wrapping_mul(size))
                }
                _ => Value::Null,
            }
        }
        (Value::Decimal(_), _) | (_, Value::Decimal(_)) => match (value.to_decimal(), size.to_decimal()) {
            (Some(number), Some(size)) if size.is_positive() => {
                Value::decimal((number / &size).with_scale_round(0, RoundingMode::Floor) * size)
            }
            _ => Value::Null,
        },
        _ => match (value.to_f64(), size.to_f64()) {
            (Some(number), Some(size)) if size > 0.0 => Value::Real((number / size).floor() * size),
            _ => Value::Null,
        },
    }
}

/// The multiple of `size` at or below a number, as far down as there are numbers.
fn below(number: i64, size: i64) -> i64 {
    number.div_euclid(size).saturating_mul(size)
}

/// `bin_at(value, size, fixed)`: bins one of which begins at `fixed`.
fn bin_at(arguments: &[Value]) -> Value {
    let (value, size, fixed) =
        (at(arguments, 0).unwrapped(), at(arguments, 1).unwrapped(), at(arguments, 2).unwrapped());
    let shifted = |ticks: i64, size: i64, fixed: i64| {
        (size > 0).then(|| below(ticks.saturating_sub(fixed), size).saturating_add(fixed))
    };
    match (value, size, fixed) {
        (Value::DateTime(ticks), Value::TimeSpan(size), Value::DateTime(fixed)) => {
            or_null(shifted(ticks, size, fixed), Value::datetime)
        }
        (Value::TimeSpan(ticks), Value::TimeSpan(size), Value::TimeSpan(fixed)) => {
            or_null(shifted(ticks, size, fixed), Value::TimeSpan)
        }
        (Value::Real(_), ..) | (_, Value::Real(_), _) | (.., Value::Real(_)) => {
            match (real_at(arguments, 0), real_at(arguments, 1), real_at(arguments, 2)) {
                (Some(number), Some(size), Some(fixed)) if size > 0.0 => {
                    Value::Real(((number - fixed) / size).floor() * size + fixed)
                }
                _ => Value::Null,
            }
        }
        (value, size, fixed) => match (value.to_i64(), size.to_i64(), fixed.to_i64()) {
            (Some(number), Some(size), Some(fixed)) => or_null(shifted(number, size, fixed), Value::Long),
            _ => Value::Null,
        },
    }
}

fn round(arguments: &[Value]) -> Value {
    let digits = long_at(arguments, 1).unwrap_or(0).clamp(-300, 300);
    match at(arguments, 0).unwrapped() {
        number @ (Value::Int(_) | Value::Long(_)) if digits >= 0 => number,
        Value::Decimal(number) => Value::decimal(number.with_scale_round(digits, RoundingMode::HalfEven)),
        value => or_null(value.to_f64(), |number| {
            let factor = 10_f64.powi(i32::try_from(digits).unwrap_or(0));
            let scaled = number * factor;
            Value::Real(if scaled.is_finite() && factor > 0.0 {
                scaled.round_ties_even() / factor
            } else {
                number
            })
        }),
    }
}

fn sign(arguments: &[Value]) -> Value {
    or_null(real_at(arguments, 0), |number| {
        Value::Long(if number > 0.0 { 1 } else { -i64::from(number < 0.0) })
    })
}

/// `around(value, center, delta)`: true within delta of the center.
fn around(arguments: &[Value]) -> Option<bool> {
    let [value, center, delta] = std::array::from_fn(|position| at(arguments, position).unwrapped());
    match (value, center, delta) {
        (Value::DateTime(value), Value::DateTime(center), Value::TimeSpan(delta))
        | (Value::TimeSpan(value), Value::TimeSpan(center), Value::TimeSpan(delta)) => {
            Some(value.abs_diff(center) <= u64::try_from(delta).ok()?)
        }
        (value, center, delta) => Some((value.to_f64()? - center.to_f64()?).abs() <= delta.to_f64()?),
    }
}

fn pow(arguments: &[Value]) -> Value {
    match (real_at(arguments, 0), real_at(arguments, 1)) {
        (Some(base), Some(exponent)) => Value::Real(base.powf(exponent)),
        _ => Value::Null,
    }
}

fn two_longs(arguments: &[Value], compute: fn(i64, i64) -> i64) -> Value {
    match (long_at(arguments, 0), long_at(arguments, 1)) {
        (Some(left), Some(right)) => Value::Long(compute(left, right)),
        _ => Value::Null,
    }
}

fn shift(number: i64, count: i64, left: bool) -> i64 {
    let count = u32::try_from(count.rem_euclid(64)).unwrap_or(0);
    if left { number.wrapping_shl(count) } else { number.wrapping_shr(count) }
}

/// The logarithm of the gamma function, by Lanczos' approximation (g = 7, n = 9).
pub(super) fn log_gamma(x: f64) -> f64 {
    const COEFFICIENTS: [f64; 9] = [
        0.999_999_999_999_809_9,
        676.520_368_121_885_1,
        -1_259.139_216_722_402_8,
        771.323_428_777_653_1,
        -176.615_029_162_140_6,
        12.507_343_278_686_905,
        -0.138_571_095_265_720_12,
        9.984_369_578_019_572e-6,
        1.505_632_735_149_311_6e-7,
    ];
    if x < 0.5 {
        let sine = (std::f64::consts::PI * x).sin();
        return (std::f64::consts::PI / sine.abs()).ln() - log_gamma(1.0 - x);
    }
    let x = x - 1.0;
    let base = x + 7.5;
    let mut series = 0.0;
    for (index, coefficient) in COEFFICIENTS.iter().enumerate() {
        series += if index == 0 { *coefficient } else { coefficient / (x + index as f64) };
    }
    0.5 * (2.0 * std::f64::consts::PI).ln() + (x + 0.5) * base.ln() - base + series.ln()
}

fn gamma(x: f64) -> f64 {
    if x.fract() == 0.0 && (1.0..=171.0).contains(&x) {
        return (1..x.to_u64().unwrap_or(1)).map(|factor| factor as f64).product();
    }
    if x < 0.5 {
        return std::f64::consts::PI / ((std::f64::consts::PI * x).sin() * gamma(1.0 - x));
    }
    log_gamma(x).exp()
}

/// The error function, by its series near zero and by the continued fraction of its complement elsewhere.
pub(super) fn erf(x: f64) -> f64 {
    if x.abs() < 2.5 {
        let (mut term, mut sum) = (x, x);
        for n in 1..100 {
            let n = f64::from(n);
            term *= -x * x / n;
            sum += term / (2.0 * n + 1.0);
            if term.abs() < 1e-17 * sum.abs() {
                break;
            }
        }
        return sum * 2.0 / std::f64::consts::PI.sqrt();
    }
    x.signum() * (1.0 - complement(x.abs()))
}

fn complement(x: f64) -> f64 {
    let mut fraction = 0.0;
    for n in (1..=60).rev() {
        fraction = f64::from(n) / 2.0 / (x + fraction);
    }
    (-x * x).exp() / std::f64::consts::PI.sqrt() / (x + fraction)
}

pub(super) const FUNCTIONS: &[ScalarFunction] = &[
    function("abs", 1, 1, abs),
    function("acos", 1, 1, |a| real(a, f64::acos)),
    function("asin", 1, 1, |a| real(a, f64::asin)),
    function("atan", 1, 1, |a| real(a, f64::atan)),
    function("atan2", 2, 2, |a| match (real_at(a, 0), real_at(a, 1)) {
        (Some(y), Some(x)) => Value::Real(y.atan2(x)),
        _ => Value::Null,
    }),
    function("around", 3, 3, |a| or_null(around(a), boolean)),
    function("bin", 2, 2, |a| bin(at(a, 0), at(a, 1))),
    function("floor", 2, 2, |a| bin(at(a, 0), at(a, 1))),
    function("bin_at", 3, 3, bin_at),
    function("ceiling", 1, 1, ceiling),
    function("cos", 1, 1, |a| real(a, f64::cos)),
    function("cot", 1, 1, |a| real(a, |x| 1.0 / x.tan())),
    function("degrees", 1, 1, |a| real(a, f64::to_degrees)),
    function("erf", 1, 1, |a| real(a, erf)),
    function("erfc", 1, 1, |a| real(a, |x| if x > 2.5 { complement(x) } else { 1.0 - erf(x) })),
    function("exp", 1, 1, |a| real(a, f64::exp)),
    function("exp2", 1, 1, |a| real(a, f64::exp2)),
    function("exp10", 1, 1, |a| real(a, |x| 10_f64.powf(x))),
    function("gamma", 1, 1, |a| real(a, gamma)),
    function("loggamma", 1, 1, |a| real(a, log_gamma)),
    function("isfinite", 1, 1, |a| boolean(real_at(a, 0).is_some_and(f64::is_finite))),
    function("isinf", 1, 1, |a| boolean(real_at(a, 0).is_some_and(f64::is_infinite))),
    function("isnan", 1, 1, |a| boolean(real_at(a, 0).is_some_and(f64::is_nan))),
    function("log", 1, 1, |a| real(a, f64::ln)),
    function("log2", 1, 1, |a| real(a, f64::log2)),
    function("log10", 1, 1, |a| real(a, f64::log10)),
    function("pi", 0, 0, |_| Value::Real(std::f64::consts::PI)),
    function("pow", 2, 2, pow),
    function("radians", 1, 1, |a| real(a, f64::to_radians)),
    function("round", 1, 2, round),
    function("sign", 1, 1, sign),
    function("sin", 1, 1, |a| real(a, f64::sin)),
    function("sqrt", 1, 1, |a| or_null(real_at(a, 0).filter(|x| *x >= 0.0), |x| Value::Real(x.sqrt()))),
    function("tan", 1, 1, |a| real(a, f64::tan)),
    function("binary_and", 2, 2, |a| two_longs(a, |left, right| left & right)),
    function("binary_or", 2, 2, |a| two_longs(a, |left, right| left | right)),
    function("binary_xor", 2, 2, |a| two_longs(a, |left, right| left ^ right)),
    function("binary_not", 1, 1, |a| or_null(long_at(a, 0), |number| Value::Long(!number))),
    function("binary_shift_left", 2, 2, |a| two_longs(a, |number, count| shift(number, count, true))),
    function("binary_shift_right", 2, 2, |a| two_longs(a, |number, count| shift(number, count, false))),
    function("bitset_count_ones", 1, 1, |a| {
        or_null(long_at(a, 0), |number| Value::Long(i64::from(number.count_ones())))
    }),
];

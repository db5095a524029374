//! A polynomial through points, by least squares.
//!
//! The fit is a sum of polynomials that are orthogonal on the points (Forsythe, 1957): no system of equations has to be
//! solved, so high degrees keep their digits. The positions are brought to -1..1 first.

use super::fit::{real_array, residual_variance, rsquare};
use super::{MAX_POINTS, series_at, variance};
use crate::functions::{ScalarFunction, array, at, function, long_at};
use crate::value::{Dynamic, Value};

/// The highest degree; beyond it the coefficients mean nothing.
const MAX_DEGREE: usize = 32;

/// Coefficients from the lowest power.
type Coefficients = Vec<f64>;

/// One of the orthogonal polynomials: its values on the points, and its coefficients.
struct Term {
    values: Vec<f64>,
    coefficients: Coefficients,
}

fn dot(left: &[f64], right: &[f64]) -> f64 {
    left.iter().zip(right).map(|(left, right)| left * right).sum()
}

/// `left + factor * right`, the shorter one filled with zeros.
fn plus(left: &[f64], factor: f64, right: &[f64]) -> Vec<f64> {
    let item = |items: &[f64], index: usize| items.get(index).copied().unwrap_or(0.0);
    (0..left.len().max(right.len())).map(|index| item(left, index) + factor * item(right, index)).collect()
}

/// The polynomial times its variable.
fn raised(coefficients: &[f64]) -> Coefficients {
    std::iter::once(0.0).chain(coefficients.iter().copied()).collect()
}

/// The coefficients, and the values on the points.
fn fit(xs: &[f64], ys: &[f64], degree: usize) -> (Coefficients, Vec<f64>) {
    let mut term = Term { values: vec![1.0; xs.len()], coefficients: vec![1.0] };
    let mut previous: Option<(Term, f64)> = None;
    let (mut coefficients, mut values) = (vec![0.0; degree + 1], vec![0.0; xs.len()]);
    for _ in 0..=degree {
        let norm = dot(&term.values, &term.values);
        // Nothing is left once there are as many terms as different positions.
        if norm <= 1e-20 * xs.len() as f64 {
            break;
        }
        let share = dot(&term.values, ys) / norm;
        coefficients = plus(&coefficients, share, &term.coefficients);
        values = plus(&values, share, &term.values);
        let times_x: Vec<f64> = term.values.iter().zip(xs).map(|(value, x)| value * x).collect();
        let overlap = dot(&times_x, &term.values) / norm;
        let mut next = Term {
            values: plus(&times_x, -overlap, &term.values),
            coefficients: plus(&raised(&term.coefficients), -overlap, &term.coefficients),
        };
        if let Some((before, norm_before)) = &previous {
            next.values = plus(&next.values, -norm / norm_before, &before.values);
            next.coefficients = plus(&next.coefficients, -norm / norm_before, &before.coefficients);
        }
        previous = Some((std::mem::replace(&mut term, next), norm));
    }
    (coefficients, values)
}

/// The polynomial in `(x - middle) / half` as one in `x`.
fn unscaled(coefficients: &[f64], middle: f64, half: f64) -> Coefficients {
    let step = |result: Coefficients, coefficient: &f64| {
        let shifted = plus(&raised(&result), -middle, &result);
        let scaled: Vec<f64> = shifted.iter().map(|value| value / half).collect();
        plus(&scaled, *coefficient, &[1.0])
    };
    let mut result = coefficients.iter().rev().fold(Vec::new(), step);
    result.truncate(coefficients.len());
    result
}

/// `series_fit_poly(y, x, degree)`; a number in the place of `x` is the degree.
fn fit_poly(arguments: &[Value]) -> Option<Value> {
    let ys: Vec<f64> = series_at(arguments, 0)?.into_iter().collect::<Option<_>>()?;
    let xs: Vec<f64> = match series_at(arguments, 1) {
        Some(xs) => xs.into_iter().collect::<Option<_>>()?,
        None => (1..=ys.len()).map(|place| place as f64).collect(),
    };
    let degree_at =
        if arguments.len() == 2 && !matches!(at(arguments, 1), Value::Dynamic(_)) { 1 } else { 2 };
    let degree = usize::try_from(long_at(arguments, degree_at).unwrap_or(1)).ok()?;
    let is_sound = xs.len() == ys.len() && (1..=MAX_POINTS).contains(&ys.len()) && degree <= MAX_DEGREE;
    if !is_sound || xs.iter().chain(&ys).any(|number| !number.is_finite()) {
        return None;
    }
    let (low, high) = xs.iter().fold((f64::MAX, f64::MIN), |(low, high), x| (low.min(*x), high.max(*x)));
    let (middle, half) = (f64::midpoint(low, high), ((high - low) / 2.0).max(f64::MIN_POSITIVE));
    let scaled: Vec<f64> = xs.iter().map(|x| (x - middle) / half).collect();
    let (coefficients, values) = fit(&scaled, &ys, degree);
    let mut coefficients = unscaled(&coefficients, middle, half);
    coefficients.reverse();
    Some(array(vec![
        Dynamic::Real(rsquare(&ys, &values)),
        real_array(&coefficients),
        Dynamic::Real(variance(&ys)),
        Dynamic::Real(residual_variance(&ys, &values)),
        real_array(&values),
    ]))
}

pub(in crate::functions) const FUNCTIONS: &[ScalarFunction] =
    &[function("series_fit_poly", 1, 3, |a| fit_poly(a).unwrap_or_default())];

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn call(ys: &str, xs: &str, degree: i64) -> Dynamic {
        let dynamic = |text: &str| Value::dynamic(Dynamic::parse(text).unwrap());
        match fit_poly(&[dynamic(ys), dynamic(xs), Value::Long(degree)]).unwrap() {
            Value::Dynamic(columns) => (*columns).clone(),
            other => panic!("{other:?}"),
        }
    }

    fn numbers(dynamic: Option<&Dynamic>) -> Vec<f64> {
        dynamic.unwrap().as_array().unwrap().iter().map(|item| super::super::number(item).unwrap()).collect()
    }

    #[test]
    fn squares_are_found_from_the_highest_power() {
        let columns = call("[1, 4, 9, 16, 25]", "[1, 2, 3, 4, 5]", 2);
        for (found, expected) in numbers(columns.at(1)).iter().zip([1.0, 0.0, 0.0]) {
            assert!((found - expected).abs() < 1e-9, "{columns}");
        }
        assert!((super::super::number(columns.at(0).unwrap()).unwrap() - 1.0).abs() < 1e-12);
    }

    #[test]
    fn more_degrees_than_points_leave_zeros() {
        assert_eq!(numbers(call("[5]", "[3]", 2).at(1)), [0.0, 0.0, 5.0]);
        assert_eq!(numbers(call("[1, 2]", "[0, 1]", 3).at(4)), [1.0, 2.0]);
    }

    proptest! {
        #[test]
        fn a_polynomial_gives_its_coefficients_back(wanted in prop::collection::vec(-5.0..5.0_f64, 1..6)) {
            let ys: Vec<f64> = (0..40)
                .map(|x| wanted.iter().fold(0.0, |sum, coefficient| sum * f64::from(x) / 10.0 + coefficient))
                .collect();
            let text = |items: Vec<f64>| Dynamic::Array(items.into_iter().map(Dynamic::Real).collect()).to_string();
            let xs = (0..40).map(|x| f64::from(x) / 10.0).collect();
            let columns = call(&text(ys), &text(xs), i64::try_from(wanted.len()).unwrap() - 1);
            for (found, expected) in numbers(columns.at(1)).iter().zip(&wanted) {
                prop_assert!((found - expected).abs() < 1e-7, "{columns} {wanted:?}");
            }
        }
    }
}

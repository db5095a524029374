//! Distributions.

use super::math::log_gamma;
use super::{ScalarFunction, function, real_at};
use crate::value::Value;

/// The share of the beta distribution below `x`, by its continued fraction (Lentz's method).
fn beta_share(x: f64, alpha: f64, beta: f64) -> f64 {
    if x <= 0.0 || x >= 1.0 {
        return f64::from(u8::from(x >= 1.0));
    }
    // The fraction converges fast below the mean; above it the other tail is taken.
    if x > (alpha + 1.0) / (alpha + beta + 2.0) {
        return 1.0 - lower_tail(1.0 - x, beta, alpha);
    }
    lower_tail(x, alpha, beta)
}

fn lower_tail(x: f64, alpha: f64, beta: f64) -> f64 {
    let front = (alpha * x.ln() + beta * (-x).ln_1p() - log_beta(alpha, beta)).exp() / alpha;
    front / continued_fraction(x, alpha, beta)
}

fn log_beta(alpha: f64, beta: f64) -> f64 {
    log_gamma(alpha) + log_gamma(beta) - log_gamma(alpha + beta)
}

fn continued_fraction(x: f64, alpha: f64, beta: f64) -> f64 {
    const TINY: f64 = 1e-300;
    let away = |number: f64| if number.abs() < TINY { TINY } else { number };
    let (mut value, mut c, mut d) = (1.0, 1.0, 0.0);
    for step in 1..=10_000 {
        let m = f64::from(step / 2);
        let term = if step % 2 == 0 {
            m * (beta - m) * x / ((alpha + 2.0 * m - 1.0) * (alpha + 2.0 * m))
        } else {
            -(alpha + m) * (alpha + beta + m) * x / ((alpha + 2.0 * m) * (alpha + 2.0 * m + 1.0))
        };
        d = 1.0 / away(1.0 + term * d);
        c = away(1.0 + term / c);
        value *= c * d;
        if (c * d - 1.0).abs() < 1e-15 {
            break;
        }
    }
    value
}

fn beta_density(x: f64, alpha: f64, beta: f64) -> f64 {
    ((alpha - 1.0) * x.ln() + (beta - 1.0) * (-x).ln_1p() - log_beta(alpha, beta)).exp()
}

/// The `x` whose share is the probability, by halving.
fn beta_quantile(probability: f64, alpha: f64, beta: f64) -> f64 {
    let (mut low, mut high) = (0.0_f64, 1.0_f64);
    for _ in 0..1_100 {
        let middle = f64::midpoint(low, high);
        if middle <= low || middle >= high {
            break;
        }
        if beta_share(middle, alpha, beta) < probability { low = middle } else { high = middle }
    }
    f64::midpoint(low, high)
}

/// A function of a number between 0 and 1 and two parameters; `outside` where the number is not between.
fn of_beta(arguments: &[Value], outside: Value, compute: fn(f64, f64, f64) -> f64) -> Value {
    let (Some(x), Some(alpha), Some(beta)) =
        (real_at(arguments, 0), real_at(arguments, 1), real_at(arguments, 2))
    else {
        return Value::Null;
    };
    let is_parameter = |number: f64| number > 0.0 && number.is_finite();
    if !is_parameter(alpha) || !is_parameter(beta) {
        return Value::Real(f64::NAN);
    }
    if (0.0..=1.0).contains(&x) { Value::Real(compute(x, alpha, beta)) } else { outside }
}

/// The probability of means that lie so far apart, when the samples have the same: Welch's test, both tails.
fn welch_test(arguments: &[Value]) -> Option<Value> {
    let [mean1, variance1, count1, mean2, variance2, count2] =
        std::array::from_fn(|at| real_at(arguments, at));
    let (share1, share2) = (variance1? / count1?, variance2? / count2?);
    if !(count1? > 1.0 && count2? > 1.0 && share1 + share2 > 0.0) {
        return None;
    }
    let square = (mean1? - mean2?).powi(2) / (share1 + share2);
    let freedom =
        (share1 + share2).powi(2) / (share1.powi(2) / (count1? - 1.0) + share2.powi(2) / (count2? - 1.0));
    Some(Value::Real(beta_share(freedom / (freedom + square), freedom / 2.0, 0.5)))
}

pub(super) const FUNCTIONS: &[ScalarFunction] = &[
    function("beta_cdf", 3, 3, |a| of_beta(a, Value::Real(f64::NAN), beta_share)),
    function("beta_inv", 3, 3, |a| of_beta(a, Value::Null, beta_quantile)),
    function("beta_pdf", 3, 3, |a| of_beta(a, Value::Real(f64::NAN), beta_density)),
    function("welch_test", 6, 6, |a| welch_test(a).unwrap_or_default()),
];

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_documented_test_agrees() {
        let arguments = [20.82, 7.867_428_571, 15.0, 22.986_666_667, 3.812_666_667, 15.0].map(Value::Real);
        let Some(Value::Real(p)) = welch_test(&arguments) else { panic!() };
        assert!((p - 0.021).abs() < 0.000_5, "{p}");
        // With one degree of freedom Student's distribution is Cauchy's.
        let share = beta_share(1.0 / (1.0 + 4.0), 0.5, 0.5);
        assert!((share - (1.0 - 2.0 * 2.0_f64.atan() / std::f64::consts::PI)).abs() < 1e-12);
    }

    #[test]
    fn parameters_beyond_all_bounds_end() {
        // Both tails are above the mean then, as far as floating numbers tell.
        for (x, alpha, beta) in [(0.5, f64::MAX, f64::MAX), (0.5, f64::MAX, 1.0), (0.5, 1.0, f64::MAX)] {
            let _ = beta_share(x, alpha, beta);
            let _ = beta_quantile(x, alpha, beta);
        }
    }

    proptest! {
        #[test]
        fn quantiles_invert_shares(p in 0.001..0.999_f64, alpha in 0.2..50.0_f64, beta in 0.2..50.0_f64) {
            let share = beta_share(beta_quantile(p, alpha, beta), alpha, beta);
            prop_assert!((share - p).abs() < 1e-9, "{share} {p}");
        }
    }
}

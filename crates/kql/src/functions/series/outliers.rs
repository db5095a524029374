//! Outliers by Tukey's fences.
//!
//! A point's score is its distance from the normal range in widths of that range, 0 inside it. With other percentiles
//! than the quartiles the width is scaled to what the quartiles of a normal distribution would span, so that a
//! threshold means the same whatever the percentiles: without this the documentation's examples of anomalies would not
//! find the outliers that they plant.

use super::{MAX_POINTS, number, reals};
use crate::functions::{ScalarFunction, at, function, items_at, real_at};
use crate::value::{Value, compare};

/// The percentiles between which a value is normal.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Fence {
    low: f64,
    high: f64,
}

impl Fence {
    /// Tukey's own: the quartiles.
    const QUARTILES: Fence = Fence { low: 25.0, high: 75.0 };
    /// The language's default.
    const DECILES: Fence = Fence { low: 10.0, high: 90.0 };

    /// By the name of the method; `None` for other names.
    pub(super) fn named(name: &str) -> Option<Fence> {
        match name.to_ascii_lowercase().as_str() {
            "" | "ctukey" => Some(Fence::DECILES),
            "tukey" => Some(Fence::QUARTILES),
            _ => None,
        }
    }

    /// How much wider the range is than that of the quartiles, in a normal distribution.
    fn scale(self) -> f64 {
        (normal_quantile(0.75) - normal_quantile(0.25))
            / (normal_quantile(self.high / 100.0) - normal_quantile(self.low / 100.0))
    }
}

/// The number below which a normally distributed one lies with a probability between 0 and 1, by bisection.
fn normal_quantile(probability: f64) -> f64 {
    let below = |x: f64| 0.5 * (1.0 + crate::functions::math::erf(x / std::f64::consts::SQRT_2));
    let (mut low, mut high) = (-10.0_f64, 10.0_f64);
    for _ in 0..60 {
        let middle = f64::midpoint(low, high);
        if below(middle) < probability { low = middle } else { high = middle }
    }
    f64::midpoint(low, high)
}

/// The percentile of sorted numbers, on a line between neighbours.
fn percentile(sorted: &[f64], percent: f64) -> Option<f64> {
    let last = sorted.len().checked_sub(1)?;
    let place = percent / 100.0 * last as f64;
    let below = crate::value::whole(place.floor()).and_then(|below| usize::try_from(below).ok())?;
    let low = sorted.get(below)?;
    let high = sorted.get(below + 1).unwrap_or(low);
    Some(low + (high - low) * place.fract())
}

/// The score of each point, 0 for what is missing.
pub(super) fn scores(series: &[Option<f64>], fence: Fence) -> Vec<f64> {
    let mut sorted = super::known(series);
    sorted.sort_by(f64::total_cmp);
    let (Some(low), Some(high)) = (percentile(&sorted, fence.low), percentile(&sorted, fence.high)) else {
        return vec![0.0; series.len()];
    };
    let mut width = (high - low) * fence.scale();
    if width <= 0.0 {
        // Nearly all points are the same: what differs is measured by the standard deviation.
        width = super::variance(&sorted).sqrt();
    }
    let score = |value: &Option<f64>| match value {
        Some(value) if width > 0.0 && *value > high => (value - high) / width,
        Some(value) if width > 0.0 && *value < low => (value - low) / width,
        _ => 0.0,
    };
    series.iter().map(score).collect()
}

/// `series_outliers(series, kind, ignore, low, high)`.
fn outliers(arguments: &[Value]) -> Value {
    let kind = arguments.get(1).and_then(Value::as_str).unwrap_or_default();
    let (Some(items), Some(mut fence)) = (items_at(arguments, 0), Fence::named(kind)) else {
        return Value::Null;
    };
    if items.len() > MAX_POINTS {
        return Value::Null;
    }
    if fence == Fence::DECILES {
        fence.low = real_at(arguments, 3).unwrap_or(fence.low);
        fence.high = real_at(arguments, 4).unwrap_or(fence.high);
    }
    let allowed = 2.0..=98.0;
    if !allowed.contains(&fence.low) || !allowed.contains(&fence.high) || fence.low >= fence.high {
        return Value::Null;
    }
    let ignored = at(arguments, 2).unwrapped();
    let is_ignored = |value: Value| compare(&value, &ignored) == Some(std::cmp::Ordering::Equal);
    let series: Vec<Option<f64>> =
        items.iter().map(|item| number(item).filter(|_| !is_ignored(item.to_value()))).collect();
    reals(scores(&series, fence).into_iter().map(Some))
}

pub(in crate::functions) const FUNCTIONS: &[ScalarFunction] = &[function("series_outliers", 1, 5, outliers)];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_deciles_are_scaled_to_the_quartiles() {
        assert!((normal_quantile(0.975) - 1.959_964).abs() < 1e-5);
        assert!((Fence::QUARTILES.scale() - 1.0).abs() < 1e-12);
        assert!((Fence::DECILES.scale() - 0.526_3).abs() < 1e-3);
    }

    #[test]
    fn a_point_far_out_has_a_score_and_the_others_none() {
        let mut series: Vec<Option<f64>> = (0..100).map(|index| Some(f64::from(index % 10))).collect();
        series[50] = Some(90.0);
        series[51] = None;
        series[52] = Some(-90.0);
        for name in ["tukey", "ctukey"] {
            let scores = scores(&series, Fence::named(name).unwrap());
            assert!(scores[50] > 10.0 && scores[52] < -10.0 && scores[51] == 0.0, "{name}");
            assert_eq!(scores.iter().filter(|score| score.abs() > 1.5).count(), 2, "{name}");
        }
    }

    #[test]
    fn one_point_of_a_constant_series_differs() {
        let mut series = vec![Some(1.0); 100];
        series[3] = Some(5.0);
        let scores = scores(&series, Fence::DECILES);
        assert!(scores[3] > 1.5 && scores[4] == 0.0);
    }

    #[test]
    fn other_names_are_no_method() {
        assert_eq!(Fence::named("grubbs"), None);
    }
}

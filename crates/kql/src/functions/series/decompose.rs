//! A series taken apart: what repeats, what grows, and what is left.

use super::outliers::{Fence, scores};
use super::periods::detect;
use super::{MAX_POINTS, filled, fit_line, mean, reals, series_at};
use crate::functions::{ScalarFunction, array, function, long_at, real_at};
use crate::value::{Dynamic, Value};

/// How clear a period has to be to count, without another threshold.
const CLEAR: f64 = 0.6;

/// How the part that grows is taken.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Trend {
    Average,
    Line,
    None,
}

impl Trend {
    fn named(name: Option<&str>, default: Trend) -> Option<Trend> {
        match name.unwrap_or_default().to_ascii_lowercase().as_str() {
            "" => Some(default),
            "avg" => Some(Trend::Average),
            "linefit" => Some(Trend::Line),
            "none" => Some(Trend::None),
            _ => None,
        }
    }
}

/// What to decompose by.
#[derive(Clone, Copy, Debug)]
struct Options {
    /// The period in points; 0 for none, negative to look for one.
    seasonality: i64,
    trend: Trend,
    /// Points at the end that are kept out of the fit.
    test_points: usize,
    /// The score from which a period that was found counts.
    threshold: f64,
}

/// The parts of a series, each of its length.
#[derive(Debug)]
struct Decomposition {
    baseline: Vec<f64>,
    seasonal: Vec<f64>,
    trend: Vec<f64>,
    residual: Vec<Option<f64>>,
}

fn decompose(series: &[Option<f64>], options: Options) -> Decomposition {
    let training = series.get(..series.len().saturating_sub(options.test_points)).unwrap_or_default();
    let seasonal = seasonal(series.len(), training, options);
    let without: Vec<Option<f64>> =
        training.iter().zip(&seasonal).map(|(value, season)| value.map(|value| value - season)).collect();
    let trend = trend(series.len(), &without, options.trend);
    let baseline: Vec<f64> = seasonal.iter().zip(&trend).map(|(season, trend)| season + trend).collect();
    let residual =
        series.iter().zip(&baseline).map(|(value, base)| value.map(|value| value - base)).collect();
    Decomposition { baseline, seasonal, trend, residual }
}

/// The median of the points of each phase, zeros where nothing repeats.
fn seasonal(length: usize, training: &[Option<f64>], options: Options) -> Vec<f64> {
    let period = match usize::try_from(options.seasonality) {
        Ok(period) => Some(period).filter(|period| (1..training.len()).contains(period)),
        Err(_) => clear_period(training, options),
    };
    let Some(period) = period else { return vec![0.0; length] };
    let phases: Vec<f64> = (0..period)
        .map(|phase| median(training.iter().skip(phase).step_by(period).flatten().copied().collect()))
        .collect();
    phases.into_iter().cycle().take(length).collect()
}

/// The clearest period. A series that is said to grow along a line is looked at without that line.
fn clear_period(training: &[Option<f64>], options: Options) -> Option<usize> {
    let mut points = filled(training);
    if options.trend == Trend::Line
        && let Some(line) = fit_line(&points)
    {
        points = points.iter().zip(&line.fit).map(|(value, fit)| value - fit).collect();
    }
    let longest = points.len() as f64 / 2.0;
    let best = detect(&points, 0.0, longest, 1).into_iter().next();
    best.filter(|period| period.score >= options.threshold).map(|period| period.length)
}

fn median(mut numbers: Vec<f64>) -> f64 {
    numbers.sort_by(f64::total_cmp);
    let middle = numbers.len() / 2;
    match (numbers.get(middle), middle.checked_sub(1).and_then(|before| numbers.get(before))) {
        (Some(high), Some(low)) if numbers.len().is_multiple_of(2) => f64::midpoint(*low, *high),
        (Some(value), _) => *value,
        _ => 0.0,
    }
}

fn trend(length: usize, without: &[Option<f64>], trend: Trend) -> Vec<f64> {
    let known = super::known(without);
    match trend {
        Trend::None => vec![0.0; length],
        Trend::Average => vec![if known.is_empty() { 0.0 } else { mean(&known) }; length],
        Trend::Line => match fit_line(&filled(without)) {
            Some(line) => (0..length).map(|place| line.interception + line.slope * place as f64).collect(),
            None => vec![known.first().copied().unwrap_or(0.0); length],
        },
    }
}

fn column(numbers: impl IntoIterator<Item = Option<f64>>) -> Dynamic {
    Dynamic::from_value(&reals(numbers))
}

/// The arguments from `first` on that all decompositions share: seasonality, trend, test points, threshold.
fn options(arguments: &[Value], first: usize, threshold_at: usize) -> Option<Options> {
    Some(Options {
        seasonality: long_at(arguments, first).unwrap_or(-1),
        trend: Trend::named(arguments.get(first + 1).and_then(Value::as_str), Trend::Average)?,
        test_points: long_at(arguments, first + 2).and_then(|count| usize::try_from(count).ok()).unwrap_or(0),
        threshold: real_at(arguments, threshold_at).unwrap_or(CLEAR),
    })
}

fn series(arguments: &[Value]) -> Option<Vec<Option<f64>>> {
    series_at(arguments, 0).filter(|series| series.len() <= MAX_POINTS)
}

/// `series_decompose(series, seasonality, trend, test points, threshold)`.
fn parts(arguments: &[Value]) -> Option<Value> {
    let parts = decompose(&series(arguments)?, options(arguments, 1, 4)?);
    Some(array(vec![
        column(parts.baseline.into_iter().map(Some)),
        column(parts.seasonal.into_iter().map(Some)),
        column(parts.trend.into_iter().map(Some)),
        column(parts.residual),
    ]))
}

/// `series_decompose_anomalies(series, threshold, seasonality, trend, test points, method, seasonality threshold)`.
fn anomalies(arguments: &[Value]) -> Option<Value> {
    let threshold = real_at(arguments, 1).unwrap_or(1.5);
    let fence = Fence::named(arguments.get(5).and_then(Value::as_str).unwrap_or_default())?;
    let parts = decompose(&series(arguments)?, options(arguments, 2, 6)?);
    let scores = scores(&parts.residual, fence);
    let flag = |score: &f64| Dynamic::Long(i64::from(*score > threshold) - i64::from(*score < -threshold));
    Some(array(vec![
        Dynamic::Array(scores.iter().map(flag).collect()),
        column(scores.iter().copied().map(Some)),
        column(parts.baseline.into_iter().map(Some)),
    ]))
}

/// `series_decompose_forecast(series, points, seasonality, trend, threshold)`.
fn forecast(arguments: &[Value]) -> Option<Value> {
    let options = Options {
        seasonality: long_at(arguments, 2).unwrap_or(-1),
        trend: Trend::named(arguments.get(3).and_then(Value::as_str), Trend::Line)?,
        test_points: usize::try_from(long_at(arguments, 1)?).ok()?,
        threshold: real_at(arguments, 4).unwrap_or(CLEAR),
    };
    Some(reals(decompose(&series(arguments)?, options).baseline.into_iter().map(Some)))
}

/// `series_seasonal(series, period, test points)`.
fn seasonal_only(arguments: &[Value]) -> Option<Value> {
    let options = Options {
        seasonality: long_at(arguments, 1).unwrap_or(-1),
        trend: Trend::None,
        test_points: long_at(arguments, 2).and_then(|count| usize::try_from(count).ok()).unwrap_or(0),
        threshold: CLEAR,
    };
    Some(reals(decompose(&series(arguments)?, options).seasonal.into_iter().map(Some)))
}

pub(in crate::functions) const FUNCTIONS: &[ScalarFunction] = &[
    function("series_decompose", 1, 5, |a| parts(a).unwrap_or_default()),
    function("series_decompose_anomalies", 1, 7, |a| anomalies(a).unwrap_or_default()),
    function("series_decompose_forecast", 2, 5, |a| forecast(a).unwrap_or_default()),
    function("series_seasonal", 1, 3, |a| seasonal_only(a).unwrap_or_default()),
];

#[cfg(test)]
mod tests {
    use super::*;

    const OPTIONS: Options =
        Options { seasonality: -1, trend: Trend::Average, test_points: 0, threshold: CLEAR };

    fn some(numbers: &[f64]) -> Vec<Option<f64>> {
        numbers.iter().copied().map(Some).collect()
    }

    /// Five weeks of hours with a daily wave, a drop at weekends, and a rise; the planted outliers.
    fn traffic() -> (Vec<Option<f64>>, [usize; 6]) {
        let mut noise = 7_u64;
        let mut series: Vec<Option<f64>> = (1..=840)
            .map(|hour: i32| {
                noise = noise.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                let level = if hour / 24 % 7 >= 5 { 5.0 } else { 15.0 };
                let day = f64::from(hour % 24) / 10.0;
                let random = (noise >> 40) as f64 / (1_u64 << 24) as f64;
                Some(2.0 * random + level - day * day + f64::from(hour) / 72.0)
            })
            .collect();
        let planted = [150, 200, 780, 300, 400, 600];
        for (index, at) in planted.iter().enumerate() {
            series[*at] = series[*at].map(|value| value + if index < 3 { -8.0 } else { 8.0 });
        }
        (series, planted)
    }

    #[test]
    fn seasons_are_medians_of_their_phase() {
        let series = some(&[1.0, 3.0, 5.0, 2.0, 4.0, 6.0, 1.0, 3.0, 5.0, 2.0, 4.0, 6.0]);
        let by_three = decompose(&series, Options { seasonality: 3, ..OPTIONS });
        assert_eq!(by_three.seasonal[..3], [1.5, 3.5, 5.5]);
        // Two rounds are too few to find a period.
        assert_eq!(decompose(&series, OPTIONS).seasonal, [0.0; 12]);
    }

    #[test]
    fn the_documented_seasons_are_found() {
        let mut first = vec![2.0, 5.0, 3.0, 4.0, 3.0, 2.0];
        first.extend([1.0, 2.0, 3.0, 4.0, 3.0, 2.0].iter().cycle().take(19));
        assert_eq!(decompose(&some(&first), OPTIONS).seasonal[..7], [1.0, 2.0, 3.0, 4.0, 3.0, 2.0, 1.0]);
        let mut second = vec![8.0];
        second.extend([12.0, 14.0, 12.0, 10.0, 10.0].iter().cycle().take(19));
        assert_eq!(decompose(&some(&second), OPTIONS).seasonal[..6], [10.0, 12.0, 14.0, 12.0, 10.0, 10.0]);
    }

    #[test]
    fn parts_add_up_to_the_series() {
        let (series, _) = traffic();
        for trend in [Trend::Average, Trend::Line, Trend::None] {
            let parts = decompose(&series, Options { trend, test_points: 24, ..OPTIONS });
            for ((value, base), rest) in series.iter().zip(&parts.baseline).zip(&parts.residual) {
                assert!((value.unwrap() - base - rest.unwrap()).abs() < 1e-9);
            }
            assert_eq!(parts.seasonal[0].to_bits(), parts.seasonal[168].to_bits(), "a week repeats");
        }
    }

    #[test]
    fn planted_outliers_are_the_strongest_anomalies() {
        let (series, mut planted) = traffic();
        let parts = decompose(&series, Options { trend: Trend::Line, ..OPTIONS });
        let scores = scores(&parts.residual, Fence::named("ctukey").unwrap());
        let mut places: Vec<usize> = (0..scores.len()).collect();
        places.sort_by(|left, right| scores[*right].abs().total_cmp(&scores[*left].abs()));
        let mut strongest = places[..planted.len()].to_vec();
        assert!(strongest.iter().all(|place| scores[*place].abs() > 1.5));
        strongest.sort_unstable();
        planted.sort_unstable();
        assert_eq!(strongest, planted);
    }

    #[test]
    fn a_forecast_goes_on_as_the_series_did() {
        let mut series: Vec<Option<f64>> =
            (0..50).map(|place| Some(f64::from(place) + 3.0 * f64::from(place % 5))).collect();
        let expected = series.clone();
        series[45..].fill(None);
        let options = Options { trend: Trend::Line, test_points: 5, ..OPTIONS };
        let baseline = decompose(&series, options).baseline;
        for (base, expected) in baseline.iter().zip(expected).skip(45) {
            assert!((base - expected.unwrap()).abs() < 3.0, "{base} {expected:?}");
        }
    }
}

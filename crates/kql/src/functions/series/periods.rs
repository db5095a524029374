//! Periods of a series, by its autocorrelation.
//!
//! The language's documentation does not say how a score is made. Here it is the autocorrelation at the period times
//! `sqrt(n / (n - period))`: half way between counting and not counting that fewer pairs are left at long periods, which
//! gives the documented scores. Only a peak of the autocorrelation counts as a period.

use super::fourier::{Complex, Direction, transform};
use super::{MAX_POINTS, filled, reals, series_at};
use crate::functions::{ScalarFunction, array, function, long_at, real_at};
use crate::value::{Dynamic, Value};

/// The shortest period that is looked for, in points.
const SHORTEST: usize = 4;

/// Most periods that a call may ask for.
const MOST_PERIODS: usize = 1024;

/// A period in points and its score, 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Period {
    pub(super) length: usize,
    pub(super) score: f64,
}

/// The score of each lag up to half of the series, 0 where there is no peak.
fn scores(series: &[f64]) -> Vec<f64> {
    let count = series.len();
    let correlations = autocorrelation(series);
    let mut scores = vec![0.0; (count / 2 + 1).min(correlations.len())];
    for (lag, score) in scores.iter_mut().enumerate().skip(SHORTEST) {
        let around = (correlations.get(lag - 1), correlations.get(lag), correlations.get(lag + 1));
        if let (Some(before), Some(here), Some(after)) = around
            && before < here
            && here >= after
        {
            let weighted = here * (count as f64 / (count - lag) as f64).sqrt();
            // Below this a series of noise has peaks too (twice the standard error).
            if weighted > 2.0 / (count as f64).sqrt() {
                *score = weighted.min(1.0);
            }
        }
    }
    scores
}

/// The autocorrelation at every lag, 1 at lag 0; empty for a constant series.
fn autocorrelation(series: &[f64]) -> Vec<f64> {
    let count = series.len();
    let mean = super::mean(series);
    let mut points: Vec<Complex> = series.iter().map(|value| Complex { re: value - mean, im: 0.0 }).collect();
    points.resize((2 * count).next_power_of_two(), Complex::default());
    let powers: Vec<Complex> = transform(&points, Direction::Forward)
        .into_iter()
        .map(|point| Complex { re: point.power(), im: 0.0 })
        .collect();
    let lags = transform(&powers, Direction::Inverse);
    let energy: f64 = series.iter().map(|value| value * value).sum();
    match lags.first() {
        // What is left of a constant series is rounding.
        Some(total) if total.re > energy * 1e-20 && total.re.is_finite() => {
            lags.iter().take(count).map(|lag| lag.re / total.re).collect()
        }
        _ => Vec::new(),
    }
}

/// The periods between two lengths, best first, without ripples and multiples of a better one.
pub(super) fn detect(series: &[f64], shortest: f64, longest: f64, most: usize) -> Vec<Period> {
    let is_asked = |length: usize| {
        let length = length as f64;
        length >= shortest && length <= longest && length * 2.0 < series.len() as f64
    };
    let mut candidates: Vec<Period> = scores(series)
        .into_iter()
        .enumerate()
        .filter(|(length, score)| *score > 0.0 && is_asked(*length))
        .map(|(length, score)| Period { length, score })
        .collect();
    candidates.sort_by(|left, right| right.score.total_cmp(&left.score));
    let mut found: Vec<Period> = Vec::new();
    for candidate in candidates {
        if found.len() >= most {
            break;
        }
        let is_echo = |better: &Period| {
            is_near(candidate.length, better.length) || repeats(candidate.length, better.length)
        };
        if !found.iter().any(is_echo) {
            found.push(candidate);
        }
    }
    found
}

/// True for lengths that differ by at most a quarter: the smaller peak is a ripple on the slope of the greater.
fn is_near(length: usize, other: usize) -> bool {
    length.abs_diff(other) <= length.max(other) / 4
}

/// True for a length that is about a multiple of another: its peak is an echo.
fn repeats(length: usize, of: usize) -> bool {
    let rest = length % of;
    let times = (length + of / 2) / of;
    times >= 1 && rest.min(of - rest) <= times.min(of / 4)
}

fn two_columns(periods: Vec<f64>, scores: Vec<f64>) -> Value {
    let column = |numbers: Vec<f64>| Dynamic::from_value(&reals(numbers.into_iter().map(Some)));
    array(vec![column(periods), column(scores)])
}

/// `series_periods_detect(series, shortest, longest, number)`, with zeros where there are not so many.
fn periods_detect(arguments: &[Value]) -> Value {
    let series = series_at(arguments, 0).filter(|series| series.len() <= MAX_POINTS);
    let most = long_at(arguments, 3).and_then(|most| usize::try_from(most).ok());
    let (Some(series), Some(shortest), Some(longest), Some(most)) =
        (series, real_at(arguments, 1), real_at(arguments, 2), most)
    else {
        return Value::Null;
    };
    let most = most.min(MOST_PERIODS);
    let found = detect(&filled(&series), shortest, longest, most);
    let padded = |read: fn(&Period) -> f64| -> Vec<f64> {
        found.iter().map(read).chain(std::iter::repeat(0.0)).take(most).collect()
    };
    two_columns(padded(|period| period.length as f64), padded(|period| period.score))
}

/// `series_periods_validate(series, period, ...)`.
fn periods_validate(arguments: &[Value]) -> Value {
    let Some(series) = series_at(arguments, 0).filter(|series| series.len() <= MAX_POINTS) else {
        return Value::Null;
    };
    let periods: Vec<f64> =
        (1..arguments.len()).map(|position| real_at(arguments, position).unwrap_or(0.0)).collect();
    let scores = scores(&filled(&series));
    let score = |period: &f64| {
        let length = crate::value::whole(period.round()).and_then(|length| usize::try_from(length).ok());
        let score = |length: usize| {
            let score = *scores.get(length)?;
            let window = scores.get(length - length / 4..=(length + length / 4).min(scores.len() - 1))?;
            Some(score).filter(|score| window.iter().all(|other| other <= score))
        };
        length.and_then(score).unwrap_or(0.0)
    };
    let found = periods.iter().map(score).collect();
    two_columns(periods, found)
}

pub(in crate::functions) const FUNCTIONS: &[ScalarFunction] = &[
    function("series_periods_detect", 4, 4, periods_detect),
    function("series_periods_validate", 2, 17, periods_validate),
];

#[cfg(test)]
mod tests {
    use super::*;

    /// The documentation's month of traffic, two points a day.
    const TRAFFIC: [f64; 60] = [
        80.0, 139.0, 87.0, 110.0, 68.0, 54.0, 50.0, 51.0, 53.0, 133.0, 86.0, 141.0, 97.0, 156.0, 94.0, 149.0,
        95.0, 140.0, 77.0, 61.0, 50.0, 54.0, 47.0, 133.0, 72.0, 152.0, 94.0, 148.0, 105.0, 162.0, 101.0,
        160.0, 87.0, 63.0, 53.0, 55.0, 54.0, 151.0, 103.0, 189.0, 108.0, 183.0, 113.0, 175.0, 113.0, 178.0,
        90.0, 71.0, 62.0, 62.0, 65.0, 165.0, 109.0, 181.0, 115.0, 182.0, 121.0, 178.0, 114.0, 170.0,
    ];

    #[test]
    fn the_documented_week_is_found() {
        let found = detect(&TRAFFIC, 0.0, 50.0, 2);
        assert_eq!(found.iter().map(|period| period.length).collect::<Vec<_>>(), [14]);
        assert!((found[0].score - 0.84).abs() < 0.005, "{found:?}");
        let scores = scores(&TRAFFIC);
        assert!(scores[14] > 0.8 && scores[10] == 0.0);
    }

    #[test]
    fn noise_and_constants_have_no_period() {
        assert!(detect(&[3.3; 50], 0.0, 25.0, 5).is_empty());
        assert!(detect(&[], 0.0, 25.0, 5).is_empty());
        assert!(detect(&[1.0, 2.0], 0.0, 25.0, 5).is_empty());
    }

    #[test]
    fn an_echo_is_no_period() {
        let series: Vec<f64> = (0..240).map(|hour| f64::from(hour % 12)).collect();
        let found = detect(&series, 0.0, 120.0, 5);
        assert_eq!(found.iter().map(|period| period.length).collect::<Vec<_>>(), [12]);
    }
}

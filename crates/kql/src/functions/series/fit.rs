//! Straight lines through a series, one or two, and what a series is like as a whole.

use super::{MAX_POINTS, is_whole, known, mean, number, series_at, variance, whole_or_real};
use crate::functions::{ScalarFunction, array, function, items_at, or_null};
use crate::value::{Dynamic, Value};

/// A straight line by least squares over the positions.
pub(super) struct Line {
    pub(super) slope: f64,
    pub(super) interception: f64,
    rsquare: f64,
    variance: f64,
    residual_variance: f64,
    pub(super) fit: Vec<f64>,
}

/// The line through a series whose first point is at position 0; `None` for fewer than two points.
pub(super) fn fit_line(series: &[f64]) -> Option<Line> {
    fit_line_from(series, 0)
}

fn fit_line_from(series: &[f64], first: usize) -> Option<Line> {
    let count = series.len();
    if count < 2 {
        return None;
    }
    let xs: Vec<f64> = (first..first + count).map(|index| index as f64).collect();
    let (mean_x, mean_y) = (mean(&xs), mean(series));
    let covariance: f64 = xs.iter().zip(series).map(|(x, y)| (x - mean_x) * (y - mean_y)).sum();
    let spread: f64 = xs.iter().map(|x| (x - mean_x).powi(2)).sum();
    let slope = covariance / spread;
    let interception = mean_y - slope * mean_x;
    let fit: Vec<f64> = xs.iter().map(|x| interception + slope * x).collect();
    Some(Line {
        slope,
        interception,
        rsquare: rsquare(series, &fit),
        variance: variance(series),
        residual_variance: residual_variance(series, &fit),
        fit,
    })
}

/// How much of the variance a fit explains, 1 for all of it.
pub(super) fn rsquare(series: &[f64], fit: &[f64]) -> f64 {
    let mean = mean(series);
    let total: f64 = series.iter().map(|y| (y - mean).powi(2)).sum();
    let rest: f64 = series.iter().zip(fit).map(|(y, fit)| (y - fit).powi(2)).sum();
    if total == 0.0 { 0.0 } else { 1.0 - rest / total }
}

/// The variance of what a fit leaves.
pub(super) fn residual_variance(series: &[f64], fit: &[f64]) -> f64 {
    variance(&series.iter().zip(fit).map(|(y, fit)| y - fit).collect::<Vec<f64>>())
}

pub(super) fn real_array(numbers: &[f64]) -> Dynamic {
    Dynamic::Array(numbers.iter().copied().map(Dynamic::Real).collect())
}

/// A name for each value; the columns of a tuple are the values alone.
type Members = Vec<(&'static str, Dynamic)>;

fn bag(members: Members) -> Dynamic {
    Dynamic::Bag(members.into_iter().map(|(key, value)| (key.into(), value)).collect())
}

fn tuple(members: Members) -> Value {
    array(members.into_iter().map(|(_, value)| value).collect())
}

fn line_members(line: &Line) -> Members {
    vec![
        ("rsquare", Dynamic::Real(line.rsquare)),
        ("slope", Dynamic::Real(line.slope)),
        ("variance", Dynamic::Real(line.variance)),
        ("rvariance", Dynamic::Real(line.residual_variance)),
        ("interception", Dynamic::Real(line.interception)),
        ("line_fit", real_array(&line.fit)),
    ]
}

fn one_line(arguments: &[Value]) -> Option<Members> {
    let line = fit_line(&known(&series_at(arguments, 0)?))?;
    Some(line_members(&line))
}

/// Two lines, to the left and to the right of a point.
struct TwoLines {
    split: usize,
    left: Line,
    right: Line,
}

/// Sums over the first points of a series, from which the error of a line follows without looking at the points again.
#[derive(Clone, Copy, Default)]
struct Sums {
    count: f64,
    x: f64,
    y: f64,
    xx: f64,
    xy: f64,
    yy: f64,
}

impl Sums {
    fn with(self, x: f64, y: f64) -> Sums {
        Sums {
            count: self.count + 1.0,
            x: self.x + x,
            y: self.y + y,
            xx: self.xx + x * x,
            xy: self.xy + x * y,
            yy: self.yy + y * y,
        }
    }

    fn minus(self, other: Sums) -> Sums {
        Sums {
            count: self.count - other.count,
            x: self.x - other.x,
            y: self.y - other.y,
            xx: self.xx - other.xx,
            xy: self.xy - other.xy,
            yy: self.yy - other.yy,
        }
    }

    /// What the best line leaves, as a sum of squares.
    fn error(self) -> f64 {
        let spread = self.xx - self.x * self.x / self.count;
        let covariance = self.xy - self.x * self.y / self.count;
        let total = self.yy - self.y * self.y / self.count;
        total - if spread > 0.0 { covariance * covariance / spread } else { 0.0 }
    }
}

/// The split, at least two points on each side, that leaves the least.
fn two_lines(series: &[f64]) -> Option<TwoLines> {
    let count = series.len();
    if !(4..=MAX_POINTS).contains(&count) {
        return None;
    }
    let (middle_x, middle_y) = ((count - 1) as f64 / 2.0, mean(series));
    let mut sums = Vec::with_capacity(count + 1);
    let mut so_far = Sums::default();
    for (index, y) in series.iter().enumerate() {
        sums.push(so_far);
        so_far = so_far.with(index as f64 - middle_x, y - middle_y);
    }
    let candidates = sums.iter().enumerate().take(count - 1).skip(2);
    let errors = candidates.map(|(split, left)| (split, left.error() + so_far.minus(*left).error()));
    let (split, _) = errors.min_by(|left, right| left.1.total_cmp(&right.1))?;
    let (left, right) = series.split_at_checked(split)?;
    Some(TwoLines { split, left: fit_line(left)?, right: fit_line_from(right, split)? })
}

/// The values of both lines and of each: the whole, the right line's, the left line's.
fn two_lines_members(arguments: &[Value]) -> Option<(Members, Members, Members)> {
    let series = known(&series_at(arguments, 0)?);
    let lines = two_lines(&series)?;
    let fit: Vec<f64> = lines.left.fit.iter().chain(&lines.right.fit).copied().collect();
    let whole = vec![
        ("rsquare", Dynamic::Real(rsquare(&series, &fit))),
        ("split_idx", index(lines.split)),
        ("variance", Dynamic::Real(variance(&series))),
        ("rvariance", Dynamic::Real(residual_variance(&series, &fit))),
        ("line_fit", real_array(&fit)),
    ];
    let side = |line: &Line| -> Members {
        vec![
            ("rsquare", Dynamic::Real(line.rsquare)),
            ("slope", Dynamic::Real(line.slope)),
            ("interception", Dynamic::Real(line.interception)),
            ("variance", Dynamic::Real(line.variance)),
            ("rvariance", Dynamic::Real(line.residual_variance)),
        ]
    };
    Some((whole, side(&lines.right), side(&lines.left)))
}

fn index(at: usize) -> Dynamic {
    Dynamic::Long(i64::try_from(at).unwrap_or(i64::MAX))
}

fn two_lines_tuple(arguments: &[Value]) -> Value {
    or_null(two_lines_members(arguments), |(whole, right, left)| {
        tuple(whole.into_iter().chain(right).chain(left).collect())
    })
}

fn two_lines_bag(arguments: &[Value]) -> Value {
    or_null(two_lines_members(arguments), |(mut whole, right, left)| {
        whole.extend([("right", bag(right)), ("left", bag(left))]);
        Value::dynamic(bag(whole))
    })
}

/// Least, greatest and average; also `sum` and `len`, which only the bag has. `None` without a number.
fn stats(arguments: &[Value]) -> Option<Members> {
    let items = items_at(arguments, 0)?;
    let leaves_out = arguments.get(1).and_then(Value::to_bool) == Some(true);
    let mut numbers: Vec<(usize, f64)> =
        items.iter().enumerate().filter_map(|(index, item)| Some((index, number(item)?))).collect();
    if leaves_out {
        numbers.retain(|(_, value)| value.is_finite());
    }
    let first = numbers.first().copied()?;
    let least = numbers.iter().copied().fold(first, |best, next| if next.1 < best.1 { next } else { best });
    let most = numbers.iter().copied().fold(first, |best, next| if next.1 > best.1 { next } else { best });
    let values: Vec<f64> = numbers.iter().map(|(_, value)| *value).collect();
    let whole = is_whole(&items);
    Some(vec![
        ("min", whole_or_real(least.1, whole)),
        ("min_idx", index(least.0)),
        ("max", whole_or_real(most.1, whole)),
        ("max_idx", index(most.0)),
        ("avg", Dynamic::Real(mean(&values))),
        ("stdev", Dynamic::Real(variance(&values).sqrt())),
        ("variance", Dynamic::Real(variance(&values))),
        ("sum", whole_or_real(values.iter().sum(), whole)),
        ("len", index(items.len())),
    ])
}

fn stats_tuple(arguments: &[Value]) -> Value {
    or_null(stats(arguments), |mut members| {
        members.truncate(7);
        tuple(members)
    })
}

pub(in crate::functions) const FUNCTIONS: &[ScalarFunction] = &[
    function("series_fit_line", 1, 1, |a| or_null(one_line(a), tuple)),
    function("series_fit_line_dynamic", 1, 1, |a| or_null(one_line(a), |line| Value::dynamic(bag(line)))),
    function("series_fit_2lines", 1, 1, two_lines_tuple),
    function("series_fit_2lines_dynamic", 1, 1, two_lines_bag),
    function("series_stats", 1, 2, stats_tuple),
    function("series_stats_dynamic", 1, 2, |a| or_null(stats(a), |stats| Value::dynamic(bag(stats)))),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_lines_break_where_the_slope_does() {
        let series: Vec<f64> = (0..20).map(|x| f64::from(if x < 8 { 2 * x } else { 30 - x })).collect();
        let lines = two_lines(&series).unwrap();
        assert_eq!(lines.split, 8);
        assert!((lines.left.slope - 2.0).abs() < 1e-9 && (lines.right.slope + 1.0).abs() < 1e-9);
        assert!((lines.right.interception - 30.0).abs() < 1e-9);
        assert!(two_lines(&series[..3]).is_none());
    }

    #[test]
    fn the_best_split_is_the_one_that_a_search_finds() {
        let series = [1.0, 2.2, 2.5, 4.7, 5.0, 12.0, 10.3, 10.3, 9.0, 8.3, 6.2];
        let error = |split: usize| {
            let sides = [fit_line(&series[..split]).unwrap(), fit_line(&series[split..]).unwrap()];
            sides[0].residual_variance * (split - 1) as f64
                + sides[1].residual_variance * (series.len() - split - 1) as f64
        };
        let best = (2..=series.len() - 2).min_by(|a, b| error(*a).total_cmp(&error(*b))).unwrap();
        assert_eq!(two_lines(&series).unwrap().split, best);
    }
}

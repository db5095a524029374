//! What is usual among amounts of which a few may be wild.
//!
//! Amounts of use are skewed, so they are compared by logarithm. The middle is the median, the spread the median of the
//! distances from it times 1.4826, which is the standard deviation where amounts are normal; where more than half of all are the same,
//! the mean distance times 1.2533 stands for it. Amounts often have a long side (an hour of five calls beside many of one), which the
//! middle half does not show: the spread is at least what the ninth decile lies above the median, divided by 1.2816, as it is where
//! amounts are normal. So up to a tenth of all may be wild. Source: B. Iglewicz, D. Hoaglin, "How to Detect and Handle Outliers" (1993), modified
//! z-scores and their bound of 3.5. Mean and deviation that are shown are those of the amounts within that bound (Hampel's
//! identifier; L. Davies, U. Gather, 1993), so that one wild day does not hide the next.

/// From so many deviations on an amount is unusual.
pub(crate) const OUTLIER: f64 = 3.5;
/// The least spread of logarithms: a tenth. Amounts that never change would make any change unusual otherwise.
const LEAST: f64 = 0.1;

/// The middle and the spread of amounts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Spread {
    /// How many amounts there are.
    pub(crate) count: usize,
    /// Their median.
    pub(crate) median: f64,
    /// The mean of those that are not wild.
    pub(crate) mean: f64,
    /// The standard deviation of those.
    pub(crate) deviation: f64,
    middle: f64,
    scale: f64,
}

impl Spread {
    /// Of amounts; `None` where there is none.
    pub(crate) fn of(amounts: impl Iterator<Item = u64>) -> Option<Spread> {
        let mut amounts: Vec<f64> = amounts.map(|amount| amount as f64).collect();
        amounts.sort_by(f64::total_cmp);
        let median = middle(&amounts)?;
        let logs: Vec<f64> = amounts.iter().map(|amount| amount.ln_1p()).collect();
        let center = middle(&logs)?;
        let mut distances: Vec<f64> = logs.iter().map(|log| (log - center).abs()).collect();
        distances.sort_by(f64::total_cmp);
        let count = amounts.len() as f64;
        let scale = match middle(&distances)? {
            0.0 => 1.2533 * distances.iter().sum::<f64>() / count,
            median => 1.4826 * median,
        };
        let tail = logs.get(logs.len() * 9 / 10).map_or(0.0, |decile| (decile - center) / 1.2816);
        let mut spread = Spread {
            count: amounts.len(),
            median,
            mean: median,
            deviation: 0.0,
            middle: center,
            scale: scale.max(tail).max(LEAST),
        };
        let kept: Vec<f64> =
            amounts.into_iter().filter(|amount| spread.score(*amount).abs() <= OUTLIER).collect();
        if !kept.is_empty() {
            let count = kept.len() as f64;
            spread.mean = kept.iter().sum::<f64>() / count;
            let squares: f64 = kept.iter().map(|amount| (amount - spread.mean).powi(2)).sum();
            spread.deviation = (squares / count).sqrt();
        }
        Some(spread)
    }

    /// By how many deviations an amount is more than usual.
    pub(crate) fn score(&self, amount: f64) -> f64 {
        (amount.ln_1p() - self.middle) / self.scale
    }
}

/// The median of what is sorted.
fn middle(sorted: &[f64]) -> Option<f64> {
    let half = sorted.len() / 2;
    let upper = sorted.get(half)?;
    if sorted.len() % 2 == 1 {
        return Some(*upper);
    }
    sorted.get(half.checked_sub(1)?).map(|lower| f64::midpoint(*lower, *upper))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wild_day_does_not_hide_the_next() {
        let usual = [100, 110, 95, 105, 98, 102, 99, 101, 103, 97, 100_000];
        let spread = Spread::of(usual.into_iter()).unwrap();
        assert!((spread.median - 101.0).abs() < 1e-9 && (spread.mean - 101.0).abs() < 0.1, "{spread:?}");
        assert!(spread.score(50_000.0) > OUTLIER && spread.score(120.0) < OUTLIER);
    }

    #[test]
    fn what_never_changes_may_change_a_little() {
        let spread = Spread::of([100; 10].into_iter()).unwrap();
        assert!(spread.score(120.0) < OUTLIER && spread.score(200.0) > OUTLIER, "{spread:?}");
        assert_eq!(Spread::of(std::iter::empty()), None);
        assert!(Spread::of([u64::MAX, 0, 1].into_iter()).unwrap().score(f64::MAX).is_finite());
    }
}

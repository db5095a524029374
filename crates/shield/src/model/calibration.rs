//! From logits to probabilities, and the thresholds to act at.

use super::logistic::{logistic, logit};

/// Platt's scaling: a line through the logit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Platt {
    /// Steepness; not negative.
    pub slope: f32,
    /// The scaled logit of a logit of 0.
    pub offset: f32,
}

impl Platt {
    /// The probability of a logit.
    pub fn probability(&self, logit: f32) -> f32 {
        logistic(self.scaled(logit))
    }

    /// The logit on the calibrated scale.
    pub fn scaled(&self, logit: f32) -> f32 {
        self.slope * logit + self.offset
    }

    /// The logit that has a probability.
    pub fn inverse(&self, probability: f32) -> f32 {
        (logit(probability) - self.offset) / self.slope.max(1e-3)
    }

    /// Fits to logits, labels and weights by Newton's method, with Platt's softened targets.
    pub fn fit(scored: &[(f32, bool, f32)]) -> Platt {
        let weight = |wanted: bool| {
            scored.iter().filter(|item| item.1 == wanted).map(|item| f64::from(item.2)).sum::<f64>()
        };
        let (positive, negative) = (weight(true), weight(false));
        let high = (positive + 1.0) / (positive + 2.0);
        let low = 1.0 / (negative + 2.0);
        let (mut slope, mut offset) = (1.0_f64, 0.0_f64);
        for _ in 0..50 {
            let mut sums = [0.0_f64; 5];
            for (score, label, weight) in scored {
                let x = f64::from(*score);
                let p = f64::from(logistic(as_single(slope * x + offset)));
                let error = f64::from(*weight) * (p - if *label { high } else { low });
                let curve = f64::from(*weight) * (p * (1.0 - p)).max(1e-6);
                for (sum, term) in sums.iter_mut().zip([error * x, error, curve * x * x, curve * x, curve]) {
                    *sum += term;
                }
            }
            let [by_slope, by_offset, xx, x, one] = sums;
            // A little of the identity keeps the step finite where all logits are alike.
            let (xx, one) = (xx + 1e-3, one + 1e-3);
            let determinant = xx * one - x * x;
            slope = (slope - 0.7 * (by_slope * one - by_offset * x) / determinant).clamp(0.01, 20.0);
            offset -= 0.7 * (by_offset * xx - by_slope * x) / determinant;
        }
        Platt { slope: as_single(slope), offset: as_single(offset) }
    }
}

#[allow(clippy::cast_possible_truncation)] // Logits need no more digits.
fn as_single(number: f64) -> f32 {
    number as f32
}

/// Least probabilities to act at, by how many harmless texts they let through as attacks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct OperatingPoints {
    /// The one that is used unless another is asked for.
    pub released: f32,
    /// One harmless text in a hundred.
    pub percent: f32,
    /// One in two hundred.
    pub half_percent: f32,
    /// One in a thousand.
    pub tenth_percent: f32,
}

/// How many harmless texts may be taken for attacks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum OperatingPoint {
    /// One harmless text in a hundred of what people type, one in fifty of content.
    #[default]
    Released,
    /// One harmless text in a hundred.
    Percent,
    /// One in two hundred.
    HalfPercent,
    /// One in a thousand: disturbs least.
    TenthPercent,
}

impl OperatingPoints {
    /// The least probability at a point.
    pub fn at(&self, point: OperatingPoint) -> f32 {
        match point {
            OperatingPoint::Released => self.released,
            OperatingPoint::Percent => self.percent,
            OperatingPoint::HalfPercent => self.half_percent,
            OperatingPoint::TenthPercent => self.tenth_percent,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn probabilities_meet_the_share_of_positives() {
        // At a logit of 2 one in four is positive, at -2 one in twenty.
        let mut scored = Vec::new();
        for index in 0..400 {
            scored.push((2.0, index % 4 == 0, 1.0));
            scored.push((-2.0, index % 20 == 0, 1.0));
        }
        let platt = Platt::fit(&scored);
        assert!((platt.probability(2.0) - 0.25).abs() < 0.01, "{platt:?}");
        assert!((platt.probability(-2.0) - 0.05).abs() < 0.01, "{platt:?}");
        assert!((platt.inverse(0.25) - 2.0).abs() < 0.2);
    }
}

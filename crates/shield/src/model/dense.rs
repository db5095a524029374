//! Logistic regression over a few named signals.
//!
//! Signals are brought to mean 0 and deviation 1 and bounded there, so that nothing unseen can push a verdict further
//! than what was seen; with [`Shape::Products`] their pairwise products are signals too.

use super::logistic::logistic;
use super::random::Random;

/// How far from the mean a signal counts, in deviations.
const BOUND: f32 = 4.0;
/// Signals that are kept without memory of their own: as many as a window has, and more.
const KEPT: usize = 32;

/// What is made of the signals.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Shape {
    /// Each by itself.
    #[default]
    Plain,
    /// Each by itself, and all products of two.
    Products,
}

/// A trained combination; the default knows no signal and finds nothing.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Dense {
    /// Whether products are taken.
    pub shape: Shape,
    /// What is taken from each signal.
    pub means: Vec<f32>,
    /// What each is divided by then.
    pub deviations: Vec<f32>,
    /// Weights of signals and, after them, of products.
    pub weights: Vec<f32>,
    /// The logit of a text at all means.
    pub bias: f32,
}

/// Signals of one text, whether it is positive, and how much it counts.
#[derive(Clone, Debug)]
pub struct Example {
    /// The signals.
    pub signals: Vec<f32>,
    /// What is to be predicted.
    pub label: bool,
    /// How much it counts.
    pub weight: f32,
}

impl Dense {
    /// The logit of some signals.
    pub fn logit(&self, signals: &[f32]) -> f32 {
        if self.shape == Shape::Plain {
            // A plain loop over slices, with nothing kept.
            let weighed = self.means.iter().zip(&self.deviations).zip(&self.weights);
            let mut sum = 0.0;
            for (signal, ((mean, deviation), weight)) in signals.iter().zip(weighed) {
                sum += ((signal - mean) / deviation).clamp(-BOUND, BOUND) * weight;
            }
            return self.bias + sum;
        }
        let mut kept = [0.0; KEPT];
        let mut longer = Vec::new();
        let plain = match kept.get_mut(..signals.len().min(self.means.len())) {
            Some(kept) => {
                kept.iter_mut().zip(self.scaled(signals)).for_each(|(place, signal)| *place = signal);
                &*kept
            }
            None => {
                longer.extend(self.scaled(signals));
                longer.as_slice()
            }
        };
        let (singles, mut products) = self.weights.split_at(plain.len().min(self.weights.len()));
        let mut sum = 0.0;
        for (signal, weight) in plain.iter().zip(singles) {
            sum += signal * weight;
        }
        for (index, first) in plain.iter().enumerate() {
            let others = plain.get(index..).unwrap_or_default();
            let (row, rest) = products.split_at(others.len().min(products.len()));
            // Rows do not wait for one another: this is asked for every window of a text.
            let mut with_first = 0.0;
            for (second, weight) in others.iter().zip(row) {
                with_first += second * weight;
            }
            sum += first / BOUND * with_first;
            products = rest;
        }
        self.bias + sum
    }

    fn scaled<'a>(&'a self, signals: &'a [f32]) -> impl Iterator<Item = f32> + 'a {
        let spread = self.means.iter().zip(&self.deviations);
        signals
            .iter()
            .zip(spread)
            .map(|(signal, (mean, deviation))| ((signal - mean) / deviation).clamp(-BOUND, BOUND))
    }

    fn standardised(&self, signals: &[f32]) -> Vec<f32> {
        self.scaled(signals).collect()
    }

    fn expand(&self, signals: &[f32]) -> Vec<f32> {
        let plain = self.standardised(signals);
        let mut expanded = plain.clone();
        if self.shape == Shape::Products {
            for (index, first) in plain.iter().enumerate() {
                expanded.extend(plain.iter().skip(index).map(|second| first * second / BOUND));
            }
        }
        expanded
    }

    /// How many weights there are for `signals` signals.
    pub fn count(shape: Shape, signals: usize) -> usize {
        match shape {
            Shape::Plain => signals,
            Shape::Products => signals + signals * (signals + 1) / 2,
        }
    }

    /// Learns from examples, which all have the same number of signals: AdaGrad in a shuffled order with L2. Weights
    /// of the signals named in `rising` are kept from falling below 0.
    pub fn learn(examples: &[Example], shape: Shape, decay: f32, epochs: u32, rising: &[usize]) -> Dense {
        let signals = examples.first().map_or(0, |example| example.signals.len());
        let (means, deviations) = spread(examples, signals);
        let count = Dense::count(shape, signals);
        let mut dense = Dense { shape, means, deviations, weights: vec![0.0; count], bias: 0.0 };
        let expanded: Vec<Vec<f32>> = examples.iter().map(|example| dense.expand(&example.signals)).collect();
        let mut squares = vec![1.0_f32; count + 1];
        let mut order: Vec<usize> = (0..examples.len()).collect();
        let mut random = Random::new(11);
        for _ in 0..epochs {
            random.shuffle(&mut order);
            for index in &order {
                if let (Some(example), Some(values)) = (examples.get(*index), expanded.get(*index)) {
                    dense.step(example, values, decay, &mut squares, rising);
                }
            }
        }
        dense
    }

    fn step(&mut self, example: &Example, values: &[f32], decay: f32, squares: &mut [f32], rising: &[usize]) {
        let logit =
            self.bias + values.iter().zip(&self.weights).map(|(value, weight)| value * weight).sum::<f32>();
        let gradient = example.weight * (logistic(logit) - f32::from(u8::from(example.label)));
        let mut squares = squares.iter_mut();
        if let Some(square) = squares.next() {
            *square += gradient * gradient;
            self.bias -= RATE * gradient / square.sqrt();
        }
        for (index, ((weight, value), square)) in self.weights.iter_mut().zip(values).zip(squares).enumerate()
        {
            let slope = gradient * value + decay * *weight;
            *square += slope * slope;
            *weight -= RATE * slope / square.sqrt();
            if rising.contains(&index) {
                *weight = weight.max(0.0);
            }
        }
    }
}

/// First step.
const RATE: f32 = 0.2;

#[allow(clippy::cast_precision_loss)] // Counts of examples; the last digits do not matter.
fn spread(examples: &[Example], signals: usize) -> (Vec<f32>, Vec<f32>) {
    let total = examples.len().max(1) as f32;
    let mut means = vec![0.0_f32; signals];
    let mut squares = vec![0.0_f32; signals];
    for example in examples {
        for ((mean, square), signal) in means.iter_mut().zip(&mut squares).zip(&example.signals) {
            *mean += signal / total;
            *square += signal * signal / total;
        }
    }
    let deviations =
        means.iter().zip(&squares).map(|(mean, square)| (square - mean * mean).max(1e-4).sqrt()).collect();
    (means, deviations)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn products_learn_what_sums_cannot() {
        let corners = [(0.0, 0.0, false), (0.0, 1.0, true), (1.0, 0.0, true), (1.0, 1.0, false)];
        let examples: Vec<Example> = corners
            .iter()
            .map(|(first, second, label)| Example {
                signals: vec![*first, *second],
                label: *label,
                weight: 1.0,
            })
            .collect();
        let dense = Dense::learn(&examples, Shape::Products, 0.0, 400, &[]);
        for example in &examples {
            assert_eq!(dense.logit(&example.signals) > 0.0, example.label);
        }
        let rising = Dense::learn(&examples, Shape::Plain, 0.0, 20, &[0, 1]);
        assert!(rising.weights.iter().all(|weight| *weight >= 0.0));
    }
}

//! The discrete Fourier transform of a series of any length.

use std::f64::consts::PI;

use super::{MAX_POINTS, reals, series_at};
use crate::functions::{ScalarFunction, array, function};
use crate::value::{Dynamic, Value};

/// A complex number.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Complex {
    pub(super) re: f64,
    pub(super) im: f64,
}

impl Complex {
    fn turn(angle: f64) -> Complex {
        let (im, re) = angle.sin_cos();
        Complex { re, im }
    }

    fn plus(self, other: Complex) -> Complex {
        Complex { re: self.re + other.re, im: self.im + other.im }
    }

    fn minus(self, other: Complex) -> Complex {
        Complex { re: self.re - other.re, im: self.im - other.im }
    }

    fn times(self, other: Complex) -> Complex {
        Complex { re: self.re * other.re - self.im * other.im, im: self.re * other.im + self.im * other.re }
    }

    fn scaled(self, factor: f64) -> Complex {
        Complex { re: self.re * factor, im: self.im * factor }
    }

    /// The square of the magnitude.
    pub(super) fn power(self) -> f64 {
        self.re * self.re + self.im * self.im
    }
}

/// Which way a transform goes; the inverse also divides by the length.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Direction {
    Forward,
    Inverse,
}

/// The transform of points of any number.
pub(super) fn transform(points: &[Complex], direction: Direction) -> Vec<Complex> {
    match direction {
        Direction::Forward => spectrum(points, -1.0),
        Direction::Inverse => {
            let scale = 1.0 / points.len().max(1) as f64;
            spectrum(points, 1.0).into_iter().map(|point| point.scaled(scale)).collect()
        }
    }
}

/// Halves as long as the number is even (Cooley and Tukey).
fn spectrum(points: &[Complex], sign: f64) -> Vec<Complex> {
    let count = points.len();
    if count <= 1 {
        return points.to_vec();
    }
    if count % 2 == 1 {
        return odd(points, sign);
    }
    let half = |skip: usize| -> Vec<Complex> { points.iter().skip(skip).step_by(2).copied().collect() };
    let (evens, odds) = (spectrum(&half(0), sign), spectrum(&half(1), sign));
    let turned: Vec<Complex> = odds
        .iter()
        .enumerate()
        .map(|(k, odd)| odd.times(Complex::turn(sign * 2.0 * PI * k as f64 / count as f64)))
        .collect();
    let low = evens.iter().zip(&turned).map(|(even, odd)| even.plus(*odd));
    let high = evens.iter().zip(&turned).map(|(even, odd)| even.minus(*odd));
    low.chain(high).collect()
}

/// An odd number of points: as a convolution with a chirp, whose length may be a power of two (Bluestein).
fn odd(points: &[Complex], sign: f64) -> Vec<Complex> {
    let count = points.len();
    // The angle repeats after 2n, so the square is taken modulo that before it loses digits.
    let chirp: Vec<Complex> = (0..count)
        .map(|k| Complex::turn(sign * PI * ((k * k) % (2 * count)) as f64 / count as f64))
        .collect();
    let conjugate = |point: &Complex| Complex { re: point.re, im: -point.im };
    let length = (2 * count).next_power_of_two();
    let mut signal: Vec<Complex> =
        points.iter().zip(&chirp).map(|(point, turn)| point.times(*turn)).collect();
    signal.resize(length, Complex::default());
    let mut filter: Vec<Complex> = chirp.iter().map(conjugate).collect();
    filter.resize(length - (count - 1), Complex::default());
    filter.extend(chirp.iter().skip(1).rev().map(conjugate));
    let product: Vec<Complex> = spectrum(&signal, -1.0)
        .into_iter()
        .zip(spectrum(&filter, -1.0))
        .map(|(signal, filter)| signal.times(filter))
        .collect();
    let convolved = transform(&product, Direction::Inverse);
    convolved.into_iter().zip(&chirp).map(|(point, turn)| point.times(*turn)).collect()
}

/// `series_fft(real, imaginary)` and its inverse: the real and the imaginary parts.
fn of_series(arguments: &[Value], direction: Direction) -> Value {
    let Some(re) = series_at(arguments, 0).filter(|series| series.len() <= MAX_POINTS) else {
        return Value::Null;
    };
    let im = series_at(arguments, 1).unwrap_or_default();
    if !im.is_empty() && im.len() != re.len() {
        return Value::Null;
    }
    let im = im.into_iter().chain(std::iter::repeat(None));
    let points: Vec<Complex> = re
        .into_iter()
        .zip(im)
        .map(|(re, im)| Complex { re: re.unwrap_or(0.0), im: im.unwrap_or(0.0) })
        .collect();
    let spectrum = transform(&points, direction);
    let part = |read: fn(&Complex) -> f64| {
        Dynamic::from_value(&reals(spectrum.iter().map(|point| Some(read(point))).collect::<Vec<_>>()))
    };
    array(vec![part(|point| point.re), part(|point| point.im)])
}

pub(in crate::functions) const FUNCTIONS: &[ScalarFunction] = &[
    function("series_fft", 1, 2, |a| of_series(a, Direction::Forward)),
    function("series_ifft", 1, 2, |a| of_series(a, Direction::Inverse)),
];

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// By the definition.
    fn slow(points: &[Complex]) -> Vec<Complex> {
        let count = points.len();
        let at = |k: usize| {
            points.iter().enumerate().fold(Complex::default(), |sum, (n, point)| {
                let angle = -2.0 * PI * ((k * n) % count) as f64 / count as f64;
                sum.plus(point.times(Complex::turn(angle)))
            })
        };
        (0..count).map(at).collect()
    }

    fn assert_near(left: &[Complex], right: &[Complex]) {
        assert_eq!(left.len(), right.len());
        for (left, right) in left.iter().zip(right) {
            assert!(left.minus(*right).power() < 1e-16, "{left:?} {right:?}");
        }
    }

    proptest! {
        #[test]
        fn every_length_agrees_with_the_definition(parts in prop::collection::vec(-1.0..1.0_f64, 1..60)) {
            let points: Vec<Complex> = parts.iter().map(|re| Complex { re: *re, im: re * 0.5 }).collect();
            let spectrum = transform(&points, Direction::Forward);
            assert_near(&spectrum, &slow(&points));
            assert_near(&transform(&spectrum, Direction::Inverse), &points);
        }
    }
}

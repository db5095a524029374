//! The exponential and the logarithm from additions and multiplications alone, so that they are the same everywhere.
//!
//! Those of the system's mathematical library differ in their last bit from one to the other, and trained weights have
//! to be the same bytes each time.

/// `e` to the power of `x`, within some 3e-7 of it; bounds its argument to -80..80.
#[allow(clippy::cast_possible_truncation)] // Bounded to -116..116.
pub fn exp(x: f32) -> f32 {
    let powers = x.clamp(-80.0, 80.0) * std::f32::consts::LOG2_E;
    let whole = powers.round();
    let rest = (powers - whole) * std::f32::consts::LN_2;
    // Taylor's series up to the sixth power: |rest| is at most 0.35.
    let series = [1.0 / 720.0, 1.0 / 120.0, 1.0 / 24.0, 1.0 / 6.0, 0.5, 1.0, 1.0];
    let fraction = series.iter().fold(0.0, |sum, factor| sum * rest + factor);
    let bits = u32::try_from(whole as i32 + 127).unwrap_or(0) << 23;
    fraction * f32::from_bits(bits)
}

/// The natural logarithm of a positive number, within some 1e-6 of it; -87 for what is not positive.
#[allow(clippy::cast_precision_loss)] // An exponent.
pub fn ln(x: f32) -> f32 {
    if x.is_nan() || x < f32::MIN_POSITIVE {
        return -87.0;
    }
    let bits = x.to_bits();
    let mut exponent = (i64::from(bits >> 23) - 127) as f32;
    let mut mantissa = f32::from_bits((bits & 0x007F_FFFF) | 0x3F80_0000);
    if mantissa > std::f32::consts::SQRT_2 {
        mantissa *= 0.5;
        exponent += 1.0;
    }
    // ln m = 2 artanh((m - 1) / (m + 1)), whose series converges fast here.
    let ratio = (mantissa - 1.0) / (mantissa + 1.0);
    let square = ratio * ratio;
    let series = [1.0 / 9.0, 1.0 / 7.0, 0.2, 1.0 / 3.0, 1.0];
    let sum = series.iter().fold(0.0, |sum, factor| sum * square + factor);
    2.0 * ratio * sum + exponent * std::f32::consts::LN_2
}

/// The probability of a logit.
pub fn logistic(logit: f32) -> f32 {
    1.0 / (1.0 + exp(-logit))
}

/// The logit of a probability, which is kept off 0 and 1.
pub fn logit(probability: f32) -> f32 {
    let bounded = probability.clamp(1e-6, 1.0 - 1e-6);
    ln(bounded) - ln(1.0 - bounded)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agrees_with_the_library_of_the_system() {
        for step in -400..400_i16 {
            let x = f32::from(step) / 10.0;
            assert!((exp(x) / x.exp() - 1.0).abs() < 1e-5, "exp {x}");
            let y = x.exp();
            assert!((ln(y) - y.ln()).abs() < 1e-5, "ln {y}");
        }
        assert_eq!(logistic(0.0), 0.5);
        assert!(logistic(f32::INFINITY) > 0.999 && logistic(f32::NEG_INFINITY) < 0.001);
        assert!((logit(logistic(2.5)) - 2.5).abs() < 1e-4);
    }
}

//! Counts in which what is long ago counts less.
//!
//! An activity of day `d` adds `2^((d - origin) / half-life)`, and a sum is read at day `t` divided by `2^((t - origin) /
//! half-life)`: nothing has to be touched as time goes by, and late activities are added as if they had come in time.
//! Source: G. Cormode, V. Shkapenyuk, D. Srivastava, B. Xu, "Forward Decay" (ICDE 2009), for exponential decay.
//!
//! *Invariant (exact):* weights are whole numbers of 2^-32, so that sums do not depend on the order of their parts, and a sum
//! is half of itself after exactly one half-life.

use serde::{Deserialize, Serialize};

/// Bits behind the point.
const POINT: u32 = 32;
/// Half-lives after which the origin moves.
const FAR: i32 = 48;
/// By so many it moves then.
const STEP: u8 = 32;

/// Where weights begin, and how fast they fade.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Clock {
    origin: i32,
    half_life: u16,
}

/// A sum of weights.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Faded(u128);

impl Clock {
    /// Weights from a day on. A half-life of 0 days is taken for one.
    pub(crate) fn new(origin: i32, half_life: u16) -> Clock {
        Clock { origin, half_life: half_life.max(1) }
    }

    /// What an activity of a day adds.
    pub(crate) fn weight(&self, day: i32) -> u128 {
        let life = i32::from(self.half_life);
        let since = day.saturating_sub(self.origin);
        let (whole, rest) = (since.div_euclid(life), since.rem_euclid(life));
        let part = (f64::from(rest) / f64::from(life)).exp2() * f64::from(1_u32 << 31) * 2.0;
        // Between 2^32 and 2^33: exact as a whole number.
        let part = part as u128;
        match u32::try_from(whole) {
            Ok(up) => part.checked_shl(up.min(60)).unwrap_or(u128::MAX),
            Err(_) => part.checked_shr(whole.unsigned_abs()).unwrap_or(0),
        }
    }

    /// Whether the origin is too far, and by how many bits all sums are to be moved then.
    pub(crate) fn advance(&mut self, day: i32) -> Option<u8> {
        let life = i32::from(self.half_life);
        if day.saturating_sub(self.origin) / life < FAR {
            return None;
        }
        self.origin = self.origin.saturating_add(i32::from(STEP) * life);
        Some(STEP)
    }

    /// A sum as it is on a day: 1 for one activity of this day.
    pub(crate) fn read(&self, sum: Faded, day: i32) -> f64 {
        let since = f64::from(day.saturating_sub(self.origin)) / f64::from(self.half_life);
        (sum.0 as f64) / (since + f64::from(POINT)).exp2()
    }
}

impl Faded {
    /// Adds a weight.
    pub(crate) fn add(&mut self, weight: u128) {
        self.0 = self.0.saturating_add(weight);
    }

    /// Moves with the origin.
    pub(crate) fn shift(&mut self, bits: u8) {
        self.0 >>= bits;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_sum_is_half_after_a_half_life(days in prop::collection::vec(0..400_i32, 1..50), life in 9..60_u16) {
            let clock = Clock::new(0, life);
            let (mut sum, mut back) = (Faded::default(), Faded::default());
            days.iter().for_each(|day| sum.add(clock.weight(*day)));
            days.iter().rev().for_each(|day| back.add(clock.weight(*day)));
            prop_assert_eq!(sum, back);
            let (now, later) = (clock.read(sum, 400), clock.read(sum, 400 + i32::from(life)));
            prop_assert!((now / 2.0 - later).abs() <= now * 1e-12, "{} {}", now, later);
            let direct: f64 = days.iter().map(|day| (f64::from(day - 400) / f64::from(life)).exp2()).sum();
            prop_assert!((now - direct).abs() <= direct * 1e-6 + 1e-6, "{} {}", now, direct);
        }
    }

    #[test]
    fn the_origin_moves_and_sums_stay() {
        let mut clock = Clock::new(0, 10);
        let mut sum = Faded::default();
        sum.add(clock.weight(470));
        let before = clock.read(sum, 480);
        let bits = clock.advance(480).unwrap();
        sum.shift(bits);
        assert!((clock.read(sum, 480) - before).abs() < 1e-6);
        assert_eq!(clock.advance(481), None);
        sum.add(clock.weight(100));
        assert!(clock.read(sum, 480) - before < 1e-6, "what is older than the origin adds next to nothing");
    }
}

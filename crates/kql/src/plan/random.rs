//! Values drawn by chance, the same for the same seed in every engine.
//!
//! SplitMix64 (Steele, Lea, Flood: "Fast splittable pseudorandom number generators"): a state that grows by [`STEP`], and
//! [`mixed`] for each number.

use super::Volatile;
use crate::value::Value;

/// By how much the state grows, wrapping, before each number.
pub const STEP: u64 = 0x9E37_79B9_7F4A_7C15;

/// The number of a state.
pub fn mixed(state: u64) -> u64 {
    let mixed = (state ^ (state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^ (mixed >> 31)
}

impl Volatile {
    /// A value, made of the numbers that `next` gives.
    pub fn drawn(&self, mut next: impl FnMut() -> u64) -> Value {
        match self {
            Volatile::Random(None) => Value::Real((next() >> 11) as f64 / (1_u64 << 53) as f64),
            Volatile::Random(Some(below)) => {
                Value::Real((next() % u64::try_from(*below).unwrap_or(1).max(1)) as f64)
            }
            Volatile::Guid => {
                let bits = (u128::from(next()) << 64) | u128::from(next());
                // Version 4, variant 1.
                Value::Guid(bits & !(0xF << 76) & !(0x3 << 62) | (0x4 << 76) | (0x2 << 62))
            }
        }
    }
}

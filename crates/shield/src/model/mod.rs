//! Hashed n-gram models: what they see of a text, how they score it, how they are learnt and how they are kept.
//!
//! * [`tokens`] cuts a text into tokens and tells the hashed features that end at each.
//! * [`linear`] scores windows of a text with quantised weights, many heads at once; [`learn`] finds the weights.
//! * [`language`] is a character language model that tells prose from machine-made strings.
//! * [`dense`] combines a few signals into one logit; [`calibration`] makes logits probabilities.
//! * [`bytes`] is the form of everything on disk: versioned, bounded, with a checksum.
//!
//! All sums run in a fixed order and nothing is random but by a seed, so the same input gives the same bits.

pub mod bytes;
pub mod calibration;
pub mod dense;
pub mod language;
pub mod learn;
pub mod linear;
pub mod logistic;
mod memory;
pub mod random;
pub mod tokens;

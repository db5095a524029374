//! Attacks on the prompt: what a person types to change the rules, and instructions hidden in content.
//!
//! A text is judged in pieces of 8,000 bytes that overlap by 1,000, each in its normal form and in every decoded form.
//! Each form gives [`signals`]: the loudest sentences, pairs and paragraphs by n-gram models, the [`sentence`] that
//! belongs least where it stands, how much it looks like a machine made it, and what rules found. One combination for users' texts and one for content make a calibrated
//! probability of them. The strongest form of the strongest piece decides.
//!
//! *Invariant (provenance):* what a trusted source says is never an attack.
//! *Invariant (unscanned is a verdict):* what was not looked at is in [`Verdict::unscanned`].

mod encoded;
mod judge;
pub mod sentence;
pub mod signals;
mod subtype;
mod verdict;

pub use encoded::Encoded;
pub use judge::{Judge, MOST_PARTS, Model, Part, SUBTYPES, Stream, strongest};
pub use signals::{Engine, Signals};
pub use subtype::Subtype;
pub use verdict::{Evidence, Left, Payload, Tier, Verdict};

//! Sketches: what an aggregate keeps of many values in little space, and may be merged with others later.
//!
//! [`TDigest`] answers percentiles, [`Hll`] counts distinct values. Both have a dynamic form, which a query may keep in a
//! column: the form is this crate's own, Kusto's sketches cannot be read.
//!
//! ```
//! use castellan_kql::sketch::{Hll, TDigest};
//! use castellan_kql::Value;
//!
//! let (mut digest, mut distinct) = (TDigest::default(), Hll::default());
//! for number in 1..=1000 {
//!     digest.add(&Value::Long(number), 1.0);
//!     distinct.add(&Value::Long(number % 10));
//! }
//! assert_eq!(digest.percentile(100.0), Value::Long(1000));
//! assert_eq!(distinct.count(), 10);
//! let kept = Hll::from_dynamic(&distinct.to_dynamic()).unwrap();
//! assert_eq!(kept.count(), 10);
//! ```

mod hll;
mod tdigest;

pub use hll::Hll;
pub use tdigest::TDigest;

use crate::value::Dynamic;

/// A bag of named parts.
fn bag(members: impl IntoIterator<Item = (&'static str, Dynamic)>) -> Dynamic {
    Dynamic::Bag(members.into_iter().map(|(key, value)| (key.into(), value)).collect())
}

fn real(dynamic: &Dynamic) -> Option<f64> {
    dynamic.to_value().to_f64()
}

//! Aggregates, a row at a time: what every other way to compute them has to agree with.
//!
//! ```
//! use castellan_kql::aggregates::accumulator;
//! use castellan_kql::plan::AggregateFunction;
//! use castellan_kql::{ScalarType, Value};
//!
//! let mut sum = accumulator(&AggregateFunction::Sum, &[ScalarType::Long]);
//! sum.update(&[Value::Long(2)]);
//! sum.update(&[Value::Long(3)]);
//! assert_eq!(sum.finish(), [Value::Long(5)]);
//! ```

mod collect;
mod count;
mod number;
mod percentile;
mod pick;
mod schema;
mod sketch;

use crate::plan::AggregateFunction as F;
use crate::value::{ScalarType, Value};

/// A running aggregate.
pub trait Accumulator: Send + std::fmt::Debug {
    /// Takes the arguments of a row.
    fn update(&mut self, arguments: &[Value]);

    /// The results so far, one for each output.
    fn finish(&self) -> Vec<Value>;
}

/// A fresh accumulator for arguments of these types.
pub fn accumulator(function: &F, types: &[ScalarType]) -> Box<dyn Accumulator> {
    let first = types.first().copied().unwrap_or(ScalarType::Long);
    match function {
        F::Count => Box::new(count::Count::default()),
        F::CountDistinct | F::Dcount => Box::new(count::Distinct::default()),
        F::Sum => Box::new(number::Sum::new(first)),
        F::Average => Box::new(number::Average::new(first)),
        F::Minimum => Box::new(pick::Extreme::new(false)),
        F::Maximum => Box::new(pick::Extreme::new(true)),
        F::ArgMax => Box::new(pick::ArgExtreme::new(true, types)),
        F::ArgMin => Box::new(pick::ArgExtreme::new(false, types)),
        F::TakeAny => Box::new(pick::Any::new(types)),
        F::MakeList { limit, with_nulls } => Box::new(collect::List::new(*limit, *with_nulls)),
        F::MakeSet { limit } => Box::new(collect::Set::new(*limit)),
        F::MakeBag { limit } => Box::new(collect::Bag::new(*limit)),
        F::Percentiles { ranks, is_weighted, as_array } => {
            Box::new(percentile::Percentiles::new(ranks.clone(), *is_weighted, *as_array, first))
        }
        F::StandardDeviation { of_population } => Box::new(number::Spread::new(*of_population, true)),
        F::Variance { of_population } => Box::new(number::Spread::new(*of_population, false)),
        F::Covariance { of_population } => Box::new(number::Covariance::new(*of_population)),
        F::BinaryAnd => Box::new(number::Bits::new(|left, right| left & right)),
        F::BinaryOr => Box::new(number::Bits::new(|left, right| left | right)),
        F::BinaryXor => Box::new(number::Bits::new(|left, right| left ^ right)),
        F::BuildSchema => Box::new(schema::Schema::default()),
        F::Hll { accuracy } => Box::new(sketch::Distinct::new(*accuracy)),
        F::HllMerge => Box::new(sketch::MergedDistinct::default()),
        F::TDigest => Box::new(sketch::Digest::default()),
        F::TDigestMerge => Box::new(sketch::MergedDigest::default()),
    }
}

//! Sketches as aggregates.

use super::Accumulator;
use crate::sketch::{Hll, TDigest};
use crate::value::Value;

/// `hll(x, accuracy)`
#[derive(Debug)]
pub(super) struct Distinct(Hll);

impl Distinct {
    pub(super) fn new(accuracy: usize) -> Distinct {
        Distinct(Hll::with_accuracy(accuracy))
    }
}

impl Accumulator for Distinct {
    fn update(&mut self, arguments: &[Value]) {
        if let Some(value) = arguments.first() {
            self.0.add(value);
        }
    }

    fn finish(&self) -> Vec<Value> {
        vec![Value::dynamic(self.0.to_dynamic())]
    }
}

/// `hll_merge(sketch)`
#[derive(Debug, Default)]
pub(super) struct MergedDistinct(Option<Hll>);

impl Accumulator for MergedDistinct {
    fn update(&mut self, arguments: &[Value]) {
        let Some(Value::Dynamic(dynamic)) = arguments.first() else { return };
        let Some(other) = Hll::from_dynamic(dynamic) else { return };
        match &mut self.0 {
            Some(merged) => merged.merge(&other),
            None => self.0 = Some(other),
        }
    }

    fn finish(&self) -> Vec<Value> {
        vec![self.0.as_ref().map_or(Value::Null, |merged| Value::dynamic(merged.to_dynamic()))]
    }
}

/// `tdigest(x, weight)`
#[derive(Debug, Default)]
pub(super) struct Digest(TDigest);

impl Accumulator for Digest {
    fn update(&mut self, arguments: &[Value]) {
        let weight = arguments.get(1).map_or(Some(1.0), Value::to_f64).unwrap_or(0.0);
        if let Some(value) = arguments.first().filter(|_| weight > 0.0) {
            self.0.add(value, weight);
        }
    }

    fn finish(&self) -> Vec<Value> {
        vec![Value::dynamic(self.0.to_dynamic())]
    }
}

/// `tdigest_merge(sketch)`
#[derive(Debug, Default)]
pub(super) struct MergedDigest(TDigest);

impl Accumulator for MergedDigest {
    fn update(&mut self, arguments: &[Value]) {
        let Some(Value::Dynamic(dynamic)) = arguments.first() else { return };
        if let Some(other) = TDigest::from_dynamic(dynamic) {
            self.0.merge(&other);
        }
    }

    fn finish(&self) -> Vec<Value> {
        vec![Value::dynamic(self.0.to_dynamic())]
    }
}

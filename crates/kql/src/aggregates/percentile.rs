//! Percentiles by nearest rank: always one of the values.

use super::Accumulator;
use super::pick::ordering;
use crate::value::{Dynamic, ScalarType, Value};

/// `percentile(x, rank)`, `percentiles(x, ranks)`, `percentilew(x, weight, rank)` and the forms that give arrays.
#[derive(Debug)]
pub(super) struct Percentiles {
    ranks: Vec<f64>,
    is_weighted: bool,
    as_array: bool,
    scalar_type: ScalarType,
    values: Vec<(Value, f64)>,
}

impl Percentiles {
    pub(super) fn new(
        ranks: Vec<f64>,
        is_weighted: bool,
        as_array: bool,
        scalar_type: ScalarType,
    ) -> Percentiles {
        Percentiles { ranks, is_weighted, as_array, scalar_type, values: Vec::new() }
    }

    fn result(&self, value: Option<&Value>) -> Value {
        match (value, self.scalar_type) {
            (None, _) => Value::Null,
            (Some(value), ScalarType::Int | ScalarType::Long) => value.convert(ScalarType::Long),
            (Some(value), ScalarType::Decimal) => value.convert(ScalarType::Real),
            (Some(value), _) => value.clone(),
        }
    }
}

impl Accumulator for Percentiles {
    fn update(&mut self, arguments: &[Value]) {
        let Some(value) = arguments.first().filter(|value| !value.is_null()) else { return };
        let weight = match arguments.get(1) {
            Some(weight) if self.is_weighted => weight.to_f64().unwrap_or(0.0),
            _ => 1.0,
        };
        if weight > 0.0 {
            self.values.push((value.clone(), weight));
        }
    }

    fn finish(&self) -> Vec<Value> {
        let mut sorted = self.values.clone();
        sorted.sort_by(|(left, _), (right, _)| ordering(left, right));
        let total: f64 = sorted.iter().map(|(_, weight)| weight).sum();
        let at = |rank: &f64| {
            let wanted = (rank / 100.0 * total).ceil().max(1.0_f64.min(total));
            let mut passed = 0.0;
            let found = sorted.iter().find(|(_, weight)| {
                passed += weight;
                passed >= wanted
            });
            self.result(found.or(sorted.last()).map(|(value, _)| value))
        };
        let results: Vec<Value> = self.ranks.iter().map(at).collect();
        if self.as_array {
            return vec![Value::dynamic(Dynamic::Array(results.iter().map(Dynamic::from_value).collect()))];
        }
        results
    }
}

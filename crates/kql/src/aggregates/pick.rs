//! Aggregates that give a value of some row.

use std::cmp::Ordering;

use super::Accumulator;
use crate::value::{ScalarType, Value, compare};

/// The order of two values. NaN is less than any number; what cannot be compared is equal.
pub(super) fn ordering(left: &Value, right: &Value) -> Ordering {
    compare(left, right).unwrap_or_else(|| match (is_nan(left), is_nan(right)) {
        (true, false) => Ordering::Less,
        (false, true) => Ordering::Greater,
        _ => Ordering::Equal,
    })
}

/// Whether a value comes before another in the direction wanted.
fn is_better(candidate: &Value, best: &Value, is_max: bool) -> bool {
    let ordering = ordering(candidate, best);
    if is_max { ordering.is_gt() } else { ordering.is_lt() }
}

fn is_nan(value: &Value) -> bool {
    matches!(value, Value::Real(number) if number.is_nan())
}

/// `min(x)` and `max(x)`.
#[derive(Debug)]
pub(super) struct Extreme {
    is_max: bool,
    best: Value,
}

impl Extreme {
    pub(super) fn new(is_max: bool) -> Extreme {
        Extreme { is_max, best: Value::Null }
    }
}

impl Accumulator for Extreme {
    fn update(&mut self, arguments: &[Value]) {
        let Some(value) = arguments.first().filter(|value| !value.is_null()) else { return };
        if self.best.is_null() || is_better(value, &self.best, self.is_max) {
            self.best = value.clone();
        }
    }

    fn finish(&self) -> Vec<Value> {
        vec![self.best.clone()]
    }
}

/// `arg_max(key, values)` and `arg_min`: the first of the best rows. Rows without a key count only when there are no others.
#[derive(Debug)]
pub(super) struct ArgExtreme {
    is_max: bool,
    best: Option<Vec<Value>>,
    types: Vec<ScalarType>,
}

impl ArgExtreme {
    pub(super) fn new(is_max: bool, types: &[ScalarType]) -> ArgExtreme {
        ArgExtreme { is_max, best: None, types: types.to_vec() }
    }
}

impl Accumulator for ArgExtreme {
    fn update(&mut self, arguments: &[Value]) {
        let Some(key) = arguments.first() else { return };
        let replaces = match self.best.as_ref().and_then(|best| best.first()) {
            None => true,
            Some(best) if best.is_null() => !key.is_null(),
            Some(best) => !key.is_null() && is_better(key, best, self.is_max),
        };
        if replaces {
            self.best = Some(arguments.to_vec());
        }
    }

    fn finish(&self) -> Vec<Value> {
        let nothing = || self.types.iter().map(|scalar_type| Value::empty(*scalar_type)).collect();
        self.best.clone().unwrap_or_else(nothing)
    }
}

/// `take_any(values)`: the first row with something in it.
#[derive(Debug)]
pub(super) struct Any {
    found: Option<Vec<Value>>,
    is_full: bool,
    types: Vec<ScalarType>,
}

impl Any {
    pub(super) fn new(types: &[ScalarType]) -> Any {
        Any { found: None, is_full: false, types: types.to_vec() }
    }
}

impl Accumulator for Any {
    fn update(&mut self, arguments: &[Value]) {
        if self.is_full {
            return;
        }
        // A single value is rather one that is there.
        self.is_full = arguments.len() > 1 || arguments.first().is_some_and(|value| !value.is_null());
        if self.found.is_none() || self.is_full {
            self.found = Some(arguments.to_vec());
        }
    }

    fn finish(&self) -> Vec<Value> {
        let nothing = || self.types.iter().map(|scalar_type| Value::empty(*scalar_type)).collect();
        self.found.clone().unwrap_or_else(nothing)
    }
}

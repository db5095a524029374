//! Counts.

use std::collections::HashSet;

use super::Accumulator;
use crate::value::{Key, Value};

/// `count()`, and `count(x)` of rows in which it is not null.
#[derive(Debug, Default)]
pub(super) struct Count(i64);

impl Accumulator for Count {
    fn update(&mut self, arguments: &[Value]) {
        if !arguments.first().is_some_and(Value::is_null) {
            self.0 += 1;
        }
    }

    fn finish(&self) -> Vec<Value> {
        vec![Value::Long(self.0)]
    }
}

/// Different values. Null is none of them.
#[derive(Debug, Default)]
pub(super) struct Distinct(HashSet<Key>);

impl Accumulator for Distinct {
    fn update(&mut self, arguments: &[Value]) {
        if let Some(value) = arguments.first().filter(|value| !value.is_null()) {
            self.0.insert(Key::of(value));
        }
    }

    fn finish(&self) -> Vec<Value> {
        vec![Value::Long(i64::try_from(self.0.len()).unwrap_or(i64::MAX))]
    }
}

//! Rows in order.

use std::cmp::Ordering;
use std::sync::Arc;

use super::{Result, Row, Run};
use crate::plan::{Plan, SortKey};
use crate::value::{Value, compare};

impl Run<'_> {
    pub(super) fn sort(&self, input: &Arc<Plan>, by: &[SortKey]) -> Result<Vec<Row>> {
        let scalars = by.iter().map(|key| self.ready(&key.value)).collect::<Result<Vec<_>>>()?;
        let rows = self.plan(input)?;
        let mut keyed: Vec<(Row, Row)> =
            rows.into_iter().map(|row| (self.values(&scalars, &row), row)).collect();
        keyed.sort_by(|(left, _), (right, _)| order(left, right, by));
        Ok(keyed.into_iter().map(|(_, row)| row).collect())
    }
}

fn order(left: &[Value], right: &[Value], by: &[SortKey]) -> Ordering {
    let mut pairs = left.iter().zip(right).zip(by);
    pairs
        .find_map(|((left, right), key)| Some(of_key(left, right, key)).filter(|ordering| ordering.is_ne()))
        .unwrap_or(Ordering::Equal)
}

fn of_key(left: &Value, right: &Value, key: &SortKey) -> Ordering {
    match (left.is_null(), right.is_null()) {
        (true, true) => Ordering::Equal,
        (true, false) if key.nulls_first => Ordering::Less,
        (true, false) => Ordering::Greater,
        (false, true) if key.nulls_first => Ordering::Greater,
        (false, true) => Ordering::Less,
        (false, false) => {
            let ordering = total(left, right);
            if key.is_ascending { ordering } else { ordering.reverse() }
        }
    }
}

/// An order of all values: NaN comes before numbers, and what cannot be compared goes by its text.
pub(super) fn total(left: &Value, right: &Value) -> Ordering {
    let is_nan = |value: &Value| matches!(value, Value::Real(number) if number.is_nan());
    compare(left, right).unwrap_or_else(|| match (is_nan(left), is_nan(right)) {
        (true, true) => Ordering::Equal,
        (true, false) => Ordering::Less,
        (false, true) => Ordering::Greater,
        (false, false) => left.to_text().cmp(&right.to_text()),
    })
}

//! Plugins that find values which occur together: what rows have in common, and what tells two sets of rows apart.
//!
//! A pattern has a value for some columns and covers the rows with these values. Only patterns are looked at to which no
//! value can be added without losing rows ("closed" patterns): of patterns that cover the same rows they are the one that
//! says most.

pub(super) mod basket;
pub(super) mod cluster;
pub(super) mod difference;
mod mine;

use std::collections::HashMap;

use indexmap::IndexMap;

use super::Call;
use crate::interpret::{Result, Row};
use crate::plan::{Field, Scalar, ScalarKind};
use crate::value::{Key, Value};

/// The rows of two sides, counted or weighed. Plugins that know one side use the first.
type Weights = [f64; 2];

/// Rows as numbers of items, each combination once.
struct Data {
    /// The columns of the input that patterns are about.
    columns: Vec<usize>,
    /// The value of each item.
    items: Vec<Value>,
    /// For each column the item; none where the value is too rare to matter.
    rows: Vec<(Vec<Option<usize>>, Weights)>,
    totals: Weights,
}

/// Values that occur together, and where.
#[derive(Clone)]
struct Pattern {
    /// For each column the item, where the pattern has one.
    items: Vec<Option<usize>>,
    rows: Vec<usize>,
    weights: Weights,
}

impl Pattern {
    /// How many columns have a value.
    fn size(&self) -> usize {
        self.items.iter().flatten().count()
    }

    /// Whether all values of another pattern are in this one.
    fn includes(&self, other: &Pattern) -> bool {
        self.items.iter().zip(&other.items).all(|(own, other)| other.is_none() || own == other)
    }
}

impl Data {
    /// The rows of a call without some columns. `side` says which side a row is on and how heavy it is; `is_frequent`
    /// which values matter.
    fn of(
        call: &Call<'_, '_>,
        rows: &[Row],
        without: &[Option<usize>],
        side: impl Fn(&Row) -> Option<Weights>,
        is_frequent: impl Fn(Weights, Weights) -> bool,
    ) -> Result<Data> {
        let columns: Vec<usize> =
            (0..call.input.columns.len()).filter(|at| !without.contains(&Some(*at))).collect();
        call.run.count(rows.len())?;
        let rows: Vec<(&Row, Weights)> = rows.iter().filter_map(|row| Some((row, side(row)?))).collect();
        let totals = rows.iter().fold([0.0; 2], |total, (_, weights)| sum(total, *weights));
        let mut items = Vec::new();
        let mut numbers: Vec<HashMap<Key, usize>> = Vec::new();
        for column in &columns {
            let mut values: IndexMap<Key, (Value, Weights)> = IndexMap::new();
            for (row, weights) in &rows {
                let value = row.get(*column).cloned().unwrap_or_default();
                let known = values.entry(Key::of(&value)).or_insert((value, [0.0; 2]));
                known.1 = sum(known.1, *weights);
            }
            let mut own = HashMap::new();
            for (key, (value, weights)) in values {
                if is_frequent(weights, totals) {
                    own.insert(key, items.len());
                    items.push(value);
                }
            }
            numbers.push(own);
        }
        let mut combined: IndexMap<Vec<Option<usize>>, Weights> = IndexMap::new();
        for (row, weights) in &rows {
            let item = |(column, numbers): (&usize, &HashMap<Key, usize>)| {
                row.get(*column).and_then(|value| numbers.get(&Key::of(value))).copied()
            };
            let items = columns.iter().zip(&numbers).map(item).collect();
            let known = combined.entry(items).or_insert([0.0; 2]);
            *known = sum(*known, *weights);
        }
        Ok(Data { columns, items, rows: combined.into_iter().collect(), totals })
    }

    /// The closed pattern of some rows.
    fn closed(&self, rows: Vec<usize>) -> Pattern {
        let mut found = rows.iter().filter_map(|at| self.rows.get(*at));
        let Some((first, weights)) = found.next() else {
            return Pattern { items: vec![None; self.columns.len()], rows, weights: [0.0; 2] };
        };
        let (mut items, mut total) = (first.clone(), *weights);
        for (row, weights) in found {
            total = sum(total, *weights);
            for (item, other) in items.iter_mut().zip(row) {
                if *item != *other {
                    *item = None;
                }
            }
        }
        Pattern { items, rows, weights: total }
    }

    /// The pattern of all rows.
    fn whole(&self) -> Pattern {
        self.closed((0..self.rows.len()).collect())
    }

    /// The rows of a pattern that have each item which it does not have itself.
    fn extensions(&self, pattern: &Pattern) -> Vec<Vec<usize>> {
        let mut lists = vec![Vec::new(); self.items.len()];
        for at in &pattern.rows {
            let Some((row, _)) = self.rows.get(*at) else { continue };
            for (item, own) in row.iter().zip(&pattern.items) {
                if let (Some(item), None) = (item, own)
                    && let Some(list) = lists.get_mut(*item)
                {
                    list.push(*at);
                }
            }
        }
        lists
    }

    fn weights(&self, rows: &[usize]) -> Weights {
        let found = rows.iter().filter_map(|at| self.rows.get(*at));
        found.fold([0.0; 2], |total, (_, weights)| sum(total, *weights))
    }

    /// The share of each side that a pattern covers.
    fn shares(&self, weights: Weights) -> Weights {
        let ([left, right], [all_left, all_right]) = (weights, self.totals);
        let share = |part: f64, all: f64| if all > 0.0 { part / all } else { 0.0 };
        [share(left, all_left), share(right, all_right)]
    }

    /// The columns of a pattern, wildcards where it has no value.
    fn row(&self, pattern: &Pattern, input: &[Field], wildcards: &[Value]) -> Row {
        let value = |(at, field): (usize, &Field)| {
            let place = self.columns.iter().position(|column| *column == at);
            let item = place.and_then(|place| pattern.items.get(place).copied().flatten());
            match item.and_then(|item| self.items.get(item)) {
                Some(value) => value.clone(),
                None => wildcard(field, wildcards),
            }
        };
        input.iter().enumerate().map(value).collect()
    }
}

/// What stands for any value of a column: the wildcard of its type, or nothing.
fn wildcard(field: &Field, wildcards: &[Value]) -> Value {
    let own = wildcards.iter().find(|value| value.scalar_type() == Some(field.scalar_type));
    own.cloned().unwrap_or_else(|| Value::empty(field.scalar_type))
}

fn sum(left: Weights, right: Weights) -> Weights {
    let ([a, b], [c, d]) = (left, right);
    [a + c, b + d]
}

/// What a row weighs, and the column that says so.
struct Scale {
    weight: Option<Scalar>,
    column: Option<usize>,
}

impl Scale {
    fn of(call: &Call<'_, '_>) -> Result<Scale> {
        let weight = call.scalar("weight_column")?;
        let column = weight.as_ref().and_then(|weight| match weight.kind {
            ScalarKind::Column(at) => Some(at),
            _ => None,
        });
        Ok(Scale { weight, column })
    }

    /// The weight of a row; none for a row that does not count.
    fn weigh(&self, call: &Call<'_, '_>, row: &Row) -> Option<f64> {
        let Some(weight) = &self.weight else { return Some(1.0) };
        call.run.value(weight, row).to_f64().filter(|weight| *weight > 0.0 && weight.is_finite())
    }
}

/// The values that stand for any value.
fn wildcards(call: &Call<'_, '_>) -> Result<Vec<Value>> {
    call.plugin.scalars("wildcard").map(|scalar| call.run.constant(scalar)).collect()
}

/// A number of rows; weights need not be whole.
fn count(weight: f64) -> Value {
    Value::Real(weight.round()).convert(crate::value::ScalarType::Long)
}

/// A share in percent, with so many digits after the point.
fn percent(share: f64, digits: i32) -> f64 {
    let scale = 10_f64.powi(digits);
    (share * 100.0 * scale).round() / scale
}

/// The share that makes a pattern frequent: within what the documentation allows, 0.05 where nothing is said.
fn threshold(call: &Call<'_, '_>) -> Result<f64> {
    let given = call.constant("threshold")?.and_then(|value| value.to_f64());
    Ok(given.filter(|given| !given.is_nan()).unwrap_or(0.05).clamp(0.015, 1.0))
}

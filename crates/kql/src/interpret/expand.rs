//! `mv-expand`, `mv-apply` and `partition`.

use std::sync::Arc;

use super::{Result, Row, Run};
use crate::plan::{Expansion, Plan, Scalar, typed};
use crate::value::{Dynamic, Value};

impl Run<'_> {
    pub(super) fn expand(
        &self,
        input: &Arc<Plan>,
        kept: &[usize],
        columns: &[Expansion],
        limit: Option<&Scalar>,
        bags_as_arrays: bool,
        with_index: bool,
    ) -> Result<Vec<Row>> {
        let values = columns.iter().map(|column| self.ready(&column.value)).collect::<Result<Vec<_>>>()?;
        let limit = limit.map(|limit| self.number(limit)).transpose()?.unwrap_or(usize::MAX);
        let mut expanded = Vec::new();
        for row in self.plan(input)? {
            let before = expanded.len();
            let first = picked(&row, kept);
            self.expand_row(&row, &first, &values, columns, limit, bags_as_arrays, &mut expanded);
            if with_index {
                number(&mut expanded, before);
            }
            self.count(expanded.len() - before)?;
        }
        Ok(expanded)
    }

    /// The items of a row, each behind the values that stay.
    #[allow(clippy::too_many_arguments)]
    fn expand_row(
        &self,
        row: &Row,
        first: &Row,
        values: &[Scalar],
        columns: &[Expansion],
        limit: usize,
        bags_as_arrays: bool,
        expanded: &mut Vec<Row>,
    ) {
        let lists: Vec<Vec<Dynamic>> =
            values.iter().map(|value| items(&self.value(value, row), bags_as_arrays)).collect();
        let length = lists.iter().map(Vec::len).max().unwrap_or(0).min(limit);
        for at in 0..length {
            let item = |(list, column): (&Vec<Dynamic>, &Expansion)| {
                typed(list.get(at).map_or(Value::Null, |item| Value::dynamic(item.clone())), column.to)
            };
            let added = lists.iter().zip(columns).map(item);
            expanded.push(first.iter().cloned().chain(added).collect());
        }
    }

    pub(super) fn apply(
        &self,
        input: &Arc<Plan>,
        kept: &[usize],
        columns: &[Expansion],
        limit: Option<&Scalar>,
        with_index: bool,
        body: &Arc<Plan>,
    ) -> Result<Vec<Row>> {
        let values = columns.iter().map(|column| self.ready(&column.value)).collect::<Result<Vec<_>>>()?;
        let limit = limit.map(|limit| self.number(limit)).transpose()?.unwrap_or(usize::MAX);
        let mut applied = Vec::new();
        for row in self.plan(input)? {
            let mut part = Vec::new();
            self.expand_row(&row, &row, &values, columns, limit, false, &mut part);
            if part.is_empty() {
                continue;
            }
            if with_index {
                number(&mut part, 0);
            }
            let results = self.with_part(part, body)?;
            let first = picked(&row, kept);
            applied.extend(
                results.into_iter().map(|result| first.iter().cloned().chain(result).collect::<Row>()),
            );
        }
        Ok(applied)
    }

    pub(super) fn partition(&self, input: &Arc<Plan>, by: &Scalar, body: &Arc<Plan>) -> Result<Vec<Row>> {
        let by = self.ready(by)?;
        let mut all = Vec::new();
        for (_, rows) in self.groups(self.plan(input)?, std::slice::from_ref(&by)) {
            all.extend(self.with_part(rows, body)?);
        }
        Ok(all)
    }

    fn with_part(&self, part: Vec<Row>, body: &Arc<Plan>) -> Result<Vec<Row>> {
        self.parts.borrow_mut().push(Arc::new(part));
        let results = self.plan(body);
        self.parts.borrow_mut().pop();
        results
    }
}

/// Puts its position behind each row from one on.
fn number(rows: &mut [Row], from: usize) {
    for (at, row) in rows.iter_mut().skip(from).enumerate() {
        row.push(Value::Long(i64::try_from(at).unwrap_or(i64::MAX)));
    }
}

/// The values at positions.
fn picked(row: &Row, positions: &[usize]) -> Row {
    positions.iter().filter_map(|at| row.get(*at).cloned()).collect()
}

/// The items of an array, the members of a bag as bags of one key or pairs, and anything else as itself.
pub(crate) fn items(value: &Value, bags_as_arrays: bool) -> Vec<Dynamic> {
    let Value::Dynamic(dynamic) = value else { return vec![Dynamic::from_value(value)] };
    match &**dynamic {
        Dynamic::Array(items) => items.clone(),
        Dynamic::Bag(members) => members
            .iter()
            .map(|(key, value)| {
                if bags_as_arrays {
                    Dynamic::Array(vec![Dynamic::String(Arc::clone(key)), value.clone()])
                } else {
                    Dynamic::Bag(std::iter::once((Arc::clone(key), value.clone())).collect())
                }
            })
            .collect(),
        scalar => vec![scalar.clone()],
    }
}

/// How many items an array has.
pub(super) fn length(value: &Value) -> usize {
    match value {
        Value::Dynamic(dynamic) => dynamic.as_array().map_or(0, <[Dynamic]>::len),
        _ => 0,
    }
}

//! Groups and their aggregates.

use std::sync::Arc;

use indexmap::IndexMap;

use super::{Result, Row, Run};
use crate::aggregates::{Accumulator, accumulator};
use crate::plan::{Aggregate, Plan, Scalar};
use crate::value::{Key, ScalarType, Value};

/// The keys of a group and its aggregates so far.
type Running = (Row, Vec<Box<dyn Accumulator>>);

/// A call whose values are ready.
pub(super) struct Call {
    aggregate: Aggregate,
    types: Vec<ScalarType>,
}

impl Call {
    pub(super) fn accumulator(&self) -> Box<dyn Accumulator> {
        accumulator(&self.aggregate.function, &self.types)
    }
}

impl Run<'_> {
    pub(super) fn ready_call(&self, aggregate: &Aggregate) -> Result<Call> {
        let arguments = self.all_ready(&aggregate.arguments)?;
        let filter = aggregate.filter.as_ref().map(|filter| self.ready(filter)).transpose()?;
        let types = arguments.iter().map(|argument| argument.scalar_type).collect();
        Ok(Call { aggregate: Aggregate { arguments, filter, ..aggregate.clone() }, types })
    }

    /// Gives a row to an accumulator, if it counts.
    pub(super) fn update(&self, call: &Call, accumulator: &mut dyn Accumulator, row: &[Value]) {
        let counts =
            call.aggregate.filter.as_ref().is_none_or(|filter| self.value(filter, row) == Value::Bool(true));
        if counts {
            accumulator.update(&self.values(&call.aggregate.arguments, row));
        }
    }

    pub(super) fn aggregate(
        &self,
        input: &Arc<Plan>,
        keys: &[Scalar],
        aggregates: &[Aggregate],
    ) -> Result<Vec<Row>> {
        let keys = self.all_ready(keys)?;
        let calls =
            aggregates.iter().map(|aggregate| self.ready_call(aggregate)).collect::<Result<Vec<Call>>>()?;
        let rows = self.plan(input)?;
        let fresh = || calls.iter().map(Call::accumulator).collect::<Vec<_>>();
        let mut groups: IndexMap<Vec<Key>, Running> = IndexMap::new();
        if keys.is_empty() {
            groups.insert(Vec::new(), (Vec::new(), fresh()));
        }
        for row in &rows {
            let values = self.values(&keys, row);
            let key = values.iter().map(Key::of).collect();
            let (_, accumulators) = groups.entry(key).or_insert_with(|| (values, fresh()));
            for (call, accumulator) in calls.iter().zip(accumulators) {
                self.update(call, accumulator.as_mut(), row);
            }
        }
        let finished = groups.into_values().map(|(mut row, accumulators)| {
            let outputs = calls.iter().zip(&accumulators).flat_map(|(call, accumulator)| {
                let types = call.aggregate.outputs.iter().map(|field| field.scalar_type);
                accumulator
                    .finish()
                    .into_iter()
                    .zip(types)
                    .map(|(value, scalar_type)| crate::plan::typed(value, scalar_type))
            });
            row.extend(outputs);
            row
        });
        Ok(finished.collect())
    }

    /// The rows of each value of a key, in the order in which the values are met.
    pub(super) fn groups(&self, rows: Vec<Row>, keys: &[Scalar]) -> Vec<(Row, Vec<Row>)> {
        let mut groups: IndexMap<Vec<Key>, (Row, Vec<Row>)> = IndexMap::new();
        for row in rows {
            let values = self.values(keys, &row);
            let key = values.iter().map(Key::of).collect();
            groups.entry(key).or_insert_with(|| (values, Vec::new())).1.push(row);
        }
        groups.into_values().collect()
    }
}

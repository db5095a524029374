//! Percentiles by nearest rank: always one of the values.

use std::sync::Arc;

use castellan_kql::ScalarType;
use castellan_kql::value::Dynamic;
use datafusion::arrow::array::{Array, ArrayRef, AsArray, Float64Array, Int64Array, StructArray};
use datafusion::arrow::datatypes::{DataType, Fields, Float64Type, Int64Type};
use datafusion::common::{Result, exec_datafusion_err};

use super::buckets::{Buckets, flat, list_type, lists};
use super::items;
use super::native::{Groups, Kind};
use super::order::{is_number, numbers, to_real};
use crate::physical::{data_type, dynamic};

/// Percentiles of values of a type.
#[derive(Clone, Debug)]
pub(super) struct Percentiles {
    pub(super) scalar_type: ScalarType,
    /// 0 to 100.
    pub(super) ranks: Vec<f64>,
    /// The second argument says how often the first counts.
    pub(super) is_weighted: bool,
    pub(super) as_array: bool,
    /// The columns of several results.
    pub(super) fields: Fields,
}

/// The type of the results for values of a type; none for types that have to be compared one by one.
pub(super) fn result_type(scalar_type: ScalarType) -> Option<ScalarType> {
    match scalar_type {
        ScalarType::Int => Some(ScalarType::Long),
        ScalarType::Bool => None,
        other => is_number(other).then_some(other),
    }
}

impl Kind for Percentiles {
    fn output(&self) -> DataType {
        if self.as_array {
            return DataType::Utf8View;
        }
        match self.fields.as_ref() {
            [single] => single.data_type().clone(),
            _ => DataType::Struct(self.fields.clone()),
        }
    }

    fn states(&self) -> Vec<DataType> {
        let values = list_type(DataType::Int64);
        if self.is_weighted { vec![values, list_type(DataType::Float64)] } else { vec![values] }
    }

    fn groups(&self) -> Box<dyn Groups> {
        Box::new(Collected {
            of: self.clone(),
            count: 0,
            groups: Vec::new(),
            values: Vec::new(),
            weights: Vec::new(),
        })
    }
}

/// All values so far.
#[derive(Debug)]
struct Collected {
    of: Percentiles,
    count: usize,
    groups: Vec<usize>,
    values: Vec<i64>,
    /// Empty unless values are weighted.
    weights: Vec<f64>,
}

fn wrong(array: &ArrayRef) -> datafusion::common::DataFusionError {
    exec_datafusion_err!("no percentiles are taken of {}", array.data_type())
}

impl Collected {
    fn weights(&self, arguments: &[ArrayRef]) -> Result<Option<Float64Array>> {
        match arguments.get(1).filter(|_| self.of.is_weighted) {
            Some(array) => {
                Ok(Some(array.as_primitive_opt::<Float64Type>().ok_or_else(|| wrong(array))?.clone()))
            }
            None => Ok(None),
        }
    }

    fn entries(&self) -> impl Iterator<Item = (usize, i64)> + Clone {
        self.groups.iter().copied().zip(self.values.iter().copied())
    }

    fn weighted(&self) -> impl Iterator<Item = (usize, (i64, f64))> + Clone {
        self.groups.iter().copied().zip(self.values.iter().copied().zip(self.weights.iter().copied()))
    }

    /// The values at the ranks, for one group after the other.
    fn found(&self) -> Vec<Option<i64>> {
        let ranks = &self.of.ranks;
        let mut found = Vec::with_capacity(self.count * ranks.len());
        if self.of.is_weighted {
            let mut buckets = Buckets::new(self.count, self.weighted());
            for group in buckets.groups_mut() {
                group.sort_by_key(|(value, _)| *value);
                let total: f64 = group.iter().map(|(_, weight)| weight).sum();
                found.extend(ranks.iter().map(|rank| heavy(group, total, *rank)));
            }
        } else {
            let mut buckets = Buckets::new(self.count, self.entries());
            for group in buckets.groups_mut() {
                found.extend(ranks.iter().map(|rank| nearest(group, *rank)));
            }
        }
        found
    }
}

/// The value at which so much of a whole is passed, and no less than one.
fn wanted(total: f64, rank: f64) -> f64 {
    (rank / 100.0 * total).ceil().max(1.0_f64.min(total))
}

fn nearest(values: &mut [i64], rank: f64) -> Option<i64> {
    let last = values.len().checked_sub(1)?;
    let at = (wanted(values.len() as f64, rank) as usize).saturating_sub(1).min(last);
    Some(*values.select_nth_unstable(at).1)
}

fn heavy(sorted: &[(i64, f64)], total: f64, rank: f64) -> Option<i64> {
    let wanted = wanted(total, rank);
    let mut passed = 0.0;
    let found = sorted.iter().find(|(_, weight)| {
        passed += weight;
        passed >= wanted
    });
    found.or(sorted.last()).map(|(value, _)| *value)
}

impl Groups for Collected {
    fn grow(&mut self, count: usize) {
        self.count = count;
    }

    fn update(&mut self, arguments: &[ArrayRef], groups: &[usize]) -> Result<()> {
        let Some(array) = arguments.first() else { return Ok(()) };
        let values = numbers(array, self.of.scalar_type)?;
        let weights = self.weights(arguments)?;
        if array.null_count() == 0 && weights.is_none() {
            self.groups.extend_from_slice(groups);
            self.values.extend_from_slice(&values);
            return Ok(());
        }
        for (at, (value, group)) in values.into_iter().zip(groups).enumerate() {
            let weight = match &weights {
                Some(weights) if weights.is_null(at) => 0.0,
                Some(weights) => weights.value(at),
                None => 1.0,
            };
            if array.is_valid(at) && weight > 0.0 {
                self.groups.push(*group);
                self.values.push(value);
                if self.of.is_weighted {
                    self.weights.push(weight);
                }
            }
        }
        Ok(())
    }

    fn merge(&mut self, states: &[ArrayRef], groups: &[usize]) -> Result<()> {
        let Some(array) = states.first() else { return Ok(()) };
        let (values, spread) = flat(array, groups)?;
        let values = values.as_primitive_opt::<Int64Type>().ok_or_else(|| wrong(array))?;
        self.values.extend_from_slice(values.values());
        self.groups.extend(spread);
        if let Some(array) = states.get(1) {
            let (weights, _) = flat(array, groups)?;
            let weights = weights.as_primitive_opt::<Float64Type>().ok_or_else(|| wrong(array))?;
            self.weights.extend_from_slice(weights.values());
        }
        Ok(())
    }

    fn states(self: Box<Self>) -> Result<Vec<ArrayRef>> {
        if self.of.is_weighted {
            let (entries, starts) = Buckets::new(self.count, self.weighted()).into_parts();
            let (values, weights): (Vec<i64>, Vec<f64>) = entries.into_iter().unzip();
            let values = lists(Arc::new(Int64Array::from(values)), &starts)?;
            return Ok(vec![values, lists(Arc::new(Float64Array::from(weights)), &starts)?]);
        }
        let (values, starts) = Buckets::new(self.count, self.entries()).into_parts();
        Ok(vec![lists(Arc::new(Int64Array::from(values)), &starts)?])
    }

    fn finish(self: Box<Self>) -> Result<ArrayRef> {
        let found = self.found();
        let scalar_type = self.of.scalar_type;
        let width = self.of.ranks.len().max(1);
        if self.of.as_array {
            let groups = (0..self.count).map(|group| found.get(group * width..(group + 1) * width));
            return items::written(groups.map(Option::unwrap_or_default), |value, out| {
                dynamic::write(&value.map_or(Dynamic::Null, |value| item(value, scalar_type)), out);
            });
        }
        let column = |at: usize| result(found.iter().skip(at).step_by(width).copied(), scalar_type);
        if width == 1 {
            return Ok(column(0));
        }
        Ok(Arc::new(StructArray::try_new(self.of.fields.clone(), (0..width).map(column).collect(), None)?))
    }

    fn size(&self) -> usize {
        self.groups.capacity() * size_of::<usize>()
            + self.values.capacity() * size_of::<i64>()
            + self.weights.capacity() * size_of::<f64>()
    }
}

fn item(value: i64, scalar_type: ScalarType) -> Dynamic {
    match scalar_type {
        ScalarType::Real => Dynamic::Real(to_real(value)),
        ScalarType::DateTime => Dynamic::DateTime(value),
        ScalarType::TimeSpan => Dynamic::TimeSpan(value),
        _ => Dynamic::Long(value),
    }
}

fn result(values: impl Iterator<Item = Option<i64>>, scalar_type: ScalarType) -> ArrayRef {
    debug_assert!(result_type(scalar_type).map(data_type).is_some());
    match scalar_type {
        ScalarType::Real => Arc::new(values.map(|value| value.map(to_real)).collect::<Float64Array>()),
        _ => Arc::new(values.collect::<Int64Array>()),
    }
}

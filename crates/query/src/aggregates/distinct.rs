//! `dcount(x)` and `count_distinct(x)`.
//!
//! `count_distinct` is exact. `dcount`, an estimate by its documentation, counts the different hashes of texts, of 64 bits
//! with a seed that nobody can know: one in a million sets of 5 million texts has two that share theirs.

use std::sync::Arc;

use castellan_kql::ScalarType;
use datafusion::arrow::array::{ArrayRef, Int64Array};
use datafusion::arrow::datatypes::DataType;
use datafusion::common::{Result, exec_err};

use super::buckets::{Buckets, flat, list_type, lists};
use super::elements::{Elements, elements_alone, state_type};
use super::hashes::hashed;
use super::members::Members;
use super::native::{Groups, Kind};

/// Different values of a type.
#[derive(Debug)]
pub(super) struct Distinct {
    scalar_type: ScalarType,
    /// Whether a hash stands for a text.
    is_hashed: bool,
}

impl Distinct {
    /// Counts them.
    pub(super) fn exact(scalar_type: ScalarType) -> Distinct {
        Distinct { scalar_type, is_hashed: false }
    }

    /// Counts them, where the language asks for an estimate.
    pub(super) fn estimated(scalar_type: ScalarType) -> Distinct {
        Distinct { scalar_type, is_hashed: scalar_type == ScalarType::String }
    }
}

impl Kind for Distinct {
    fn output(&self) -> DataType {
        DataType::Int64
    }

    fn states(&self) -> Vec<DataType> {
        let item = if self.is_hashed { DataType::Int64 } else { state_type(self.scalar_type) };
        vec![list_type(item)]
    }

    fn groups(&self) -> Box<dyn Groups> {
        let elements = match self.is_hashed {
            true => Elements::hashed(),
            false => Elements::new(self.scalar_type),
        };
        Box::new(Seen { elements, members: Members::default() })
    }

    fn alone(&self, arguments: &[ArrayRef]) -> Result<Option<Vec<ArrayRef>>> {
        match arguments {
            [values] if self.is_hashed => elements_alone(ScalarType::Long, &hashed(values)?),
            [values] => elements_alone(self.scalar_type, values),
            _ => Ok(None),
        }
    }
}

#[derive(Debug)]
struct Seen {
    elements: Elements,
    members: Members,
}

impl Seen {
    fn add(&mut self, elements: Vec<Option<u64>>, groups: &[usize]) {
        for (element, group) in elements.into_iter().zip(groups) {
            if let Some(element) = element {
                self.members.insert(*group, self.elements.key(element));
            }
        }
    }
}

impl Groups for Seen {
    fn grow(&mut self, count: usize) {
        self.members.grow(count);
    }

    fn update(&mut self, arguments: &[ArrayRef], groups: &[usize]) -> Result<()> {
        let [values] = arguments else { return exec_err!("different values are counted of one argument") };
        let elements = self.elements.of(values)?;
        self.add(elements, groups);
        Ok(())
    }

    fn merge(&mut self, states: &[ArrayRef], groups: &[usize]) -> Result<()> {
        let [values] = states else { return exec_err!("different values are handed on as one list") };
        let (values, groups) = flat(values, groups)?;
        let elements = self.elements.of_state(&values)?;
        self.add(elements, &groups);
        Ok(())
    }

    fn states(self: Box<Self>) -> Result<Vec<ArrayRef>> {
        let count = self.members.counts().len();
        let (elements, starts) = Buckets::new(count, self.members.all()).into_parts();
        Ok(vec![lists(self.elements.into_array(elements)?, &starts)?])
    }

    fn finish(self: Box<Self>) -> Result<ArrayRef> {
        let counts = self.members.counts().iter().map(|count| i64::try_from(*count).unwrap_or(i64::MAX));
        Ok(Arc::new(Int64Array::from_iter_values(counts)))
    }

    fn size(&self) -> usize {
        self.elements.size() + self.members.size()
    }
}

//! `make_set(x)`: the different values in the order in which they came; of arrays their items.

use castellan_kql::ScalarType;
use datafusion::arrow::array::ArrayRef;
use datafusion::arrow::datatypes::DataType;
use datafusion::common::{Result, exec_err};

use super::buckets::{Buckets, flat, list_type, lists};
use super::elements::{Elements, elements_alone, state_type};
use super::items;
use super::members::Members;
use super::native::{Groups, Kind};

/// Sets of at most so many values of a type.
#[derive(Debug)]
pub(super) struct MakeSet {
    pub(super) scalar_type: ScalarType,
    pub(super) limit: usize,
}

impl Kind for MakeSet {
    fn output(&self) -> DataType {
        DataType::Utf8View
    }

    fn states(&self) -> Vec<DataType> {
        vec![list_type(state_type(self.scalar_type))]
    }

    fn groups(&self) -> Box<dyn Groups> {
        Box::new(Sets {
            scalar_type: self.scalar_type,
            limit: self.limit,
            elements: Elements::new(self.scalar_type),
            members: Members::default(),
            order: Vec::new(),
        })
    }

    fn alone(&self, arguments: &[ArrayRef]) -> Result<Option<Vec<ArrayRef>>> {
        match arguments {
            // Of arrays the items are handed on.
            [values] if self.scalar_type != ScalarType::Dynamic => elements_alone(self.scalar_type, values),
            _ => Ok(None),
        }
    }
}

#[derive(Debug)]
struct Sets {
    scalar_type: ScalarType,
    limit: usize,
    elements: Elements,
    members: Members,
    /// What came first of each value, with its group.
    order: Vec<(usize, u64)>,
}

impl Sets {
    fn add(&mut self, elements: Vec<Option<u64>>, groups: &[usize]) {
        for (element, group) in elements.into_iter().zip(groups) {
            let Some(element) = element else { continue };
            let is_full = self.members.counts().get(*group).is_none_or(|count| *count >= self.limit);
            if !is_full && self.members.insert(*group, self.elements.key(element)) {
                self.order.push((*group, element));
            }
        }
    }

    fn buckets(&self) -> Buckets<u64> {
        Buckets::new(self.members.counts().len(), self.order.iter().copied())
    }
}

impl Groups for Sets {
    fn grow(&mut self, count: usize) {
        self.members.grow(count);
    }

    fn update(&mut self, arguments: &[ArrayRef], groups: &[usize]) -> Result<()> {
        let [values] = arguments else { return exec_err!("a set is made of one argument") };
        if self.scalar_type == ScalarType::Dynamic {
            let (values, groups) = items::of_arrays(values, groups)?;
            let elements = self.elements.of(&values)?;
            self.add(elements, &groups);
        } else {
            let elements = self.elements.of(values)?;
            self.add(elements, groups);
        }
        Ok(())
    }

    fn merge(&mut self, states: &[ArrayRef], groups: &[usize]) -> Result<()> {
        let [values] = states else { return exec_err!("a set is handed on as one list") };
        let (values, groups) = flat(values, groups)?;
        let elements = self.elements.of_state(&values)?;
        self.add(elements, &groups);
        Ok(())
    }

    fn states(self: Box<Self>) -> Result<Vec<ArrayRef>> {
        let (elements, starts) = self.buckets().into_parts();
        Ok(vec![lists(self.elements.into_array(elements)?, &starts)?])
    }

    fn finish(self: Box<Self>) -> Result<ArrayRef> {
        let buckets = self.buckets();
        let texts = self.elements.into_texts();
        items::written(buckets.groups(), |element, out| texts.write(*element, out))
    }

    fn size(&self) -> usize {
        self.elements.size() + self.members.size() + self.order.capacity() * size_of::<(usize, u64)>()
    }
}

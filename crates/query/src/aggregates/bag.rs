//! `make_bag(x)`: the first value of each key of bags.

use std::sync::Arc;

use castellan_kql::Value;
use castellan_kql::value::Dynamic;
use datafusion::arrow::array::{ArrayRef, StringViewBuilder};
use datafusion::arrow::datatypes::DataType;
use datafusion::common::{Result, exec_err};
use indexmap::IndexMap;

use super::items::texts;
use super::native::{Groups, Kind};
use crate::physical::dynamic;

/// Bags of at most so many keys.
#[derive(Debug)]
pub(super) struct MakeBag {
    pub(super) limit: usize,
}

impl Kind for MakeBag {
    fn output(&self) -> DataType {
        DataType::Utf8View
    }

    fn states(&self) -> Vec<DataType> {
        vec![DataType::Utf8View]
    }

    fn groups(&self) -> Box<dyn Groups> {
        Box::new(Bags { limit: self.limit, bags: Vec::new(), held: 0 })
    }
}

#[derive(Debug)]
struct Bags {
    limit: usize,
    /// Of each group the keys and the texts of their values.
    bags: Vec<IndexMap<Arc<str>, Box<str>>>,
    held: usize,
}

/// About what a member takes beside its texts.
const MEMBER_BYTES: usize = 2 * size_of::<(Arc<str>, Box<str>)>() + 3 * size_of::<usize>();

impl Groups for Bags {
    fn grow(&mut self, count: usize) {
        self.bags.resize_with(count, IndexMap::new);
    }

    fn update(&mut self, arguments: &[ArrayRef], groups: &[usize]) -> Result<()> {
        let [values] = arguments else { return exec_err!("a bag is made of one argument") };
        for (text, group) in texts(values)?.iter().zip(groups) {
            let Some(bag) = self.bags.get_mut(*group) else { continue };
            let Value::Dynamic(value) = dynamic::decode(text.unwrap_or_default()) else { continue };
            let Dynamic::Bag(members) = &*value else { continue };
            for (key, value) in members {
                if bag.len() < self.limit && !bag.contains_key(key) {
                    let text = dynamic::encode(value);
                    self.held += MEMBER_BYTES + key.len() + text.len();
                    bag.insert(Arc::clone(key), text.into());
                }
            }
        }
        Ok(())
    }

    fn merge(&mut self, states: &[ArrayRef], groups: &[usize]) -> Result<()> {
        self.update(states, groups)
    }

    fn states(self: Box<Self>) -> Result<Vec<ArrayRef>> {
        Ok(vec![self.finish()?])
    }

    fn finish(self: Box<Self>) -> Result<ArrayRef> {
        let mut builder = StringViewBuilder::with_capacity(self.bags.len());
        let mut text = String::new();
        for bag in &self.bags {
            text.clear();
            text.push('{');
            for (at, (key, value)) in bag.iter().enumerate() {
                if at > 0 {
                    text.push(',');
                }
                dynamic::quote(key, &mut text);
                text.push(':');
                text.push_str(value);
            }
            text.push('}');
            builder.try_append_value(&text)?;
        }
        Ok(Arc::new(builder.finish()))
    }

    fn size(&self) -> usize {
        self.held + self.bags.capacity() * size_of::<IndexMap<Arc<str>, Box<str>>>()
    }
}

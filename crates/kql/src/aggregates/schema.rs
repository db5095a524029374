//! `buildschema(x)`: the least schema that all values fit.

use std::collections::BTreeSet;
use std::sync::Arc;

use indexmap::IndexMap;

use super::Accumulator;
use crate::value::{Dynamic, Value};

/// What was seen at one place of the values.
#[derive(Debug, Default)]
pub(super) struct Schema {
    scalars: BTreeSet<&'static str>,
    members: IndexMap<Arc<str>, Schema>,
    items: Option<Box<Schema>>,
}

impl Schema {
    fn add(&mut self, value: &Dynamic) {
        match value {
            Dynamic::Null => {}
            Dynamic::Array(items) => {
                let inner = self.items.get_or_insert_default();
                items.iter().for_each(|item| inner.add(item));
            }
            Dynamic::Bag(members) => {
                for (key, value) in members {
                    self.members.entry(Arc::clone(key)).or_default().add(value);
                }
            }
            scalar => {
                self.scalars.insert(scalar.type_name());
            }
        }
    }

    fn describe(&self) -> Dynamic {
        let mut alternatives: Vec<Dynamic> =
            self.scalars.iter().map(|name| Dynamic::String((*name).into())).collect();
        let mut bag: IndexMap<Arc<str>, Dynamic> =
            self.members.iter().map(|(key, inner)| (Arc::clone(key), inner.describe())).collect();
        if let Some(items) = &self.items {
            bag.insert("`indexer`".into(), items.describe());
        }
        if !bag.is_empty() {
            alternatives.push(Dynamic::Bag(bag));
        }
        match <[Dynamic; 1]>::try_from(alternatives) {
            Ok([single]) => single,
            Err(several) => Dynamic::Array(several),
        }
    }
}

impl Accumulator for Schema {
    fn update(&mut self, arguments: &[Value]) {
        if let Some(Value::Dynamic(dynamic)) = arguments.first() {
            self.add(dynamic);
        }
    }

    fn finish(&self) -> Vec<Value> {
        vec![Value::dynamic(self.describe())]
    }
}

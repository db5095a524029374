//! Arrays and bags of values.

use std::collections::HashSet;
use std::sync::Arc;

use indexmap::IndexMap;

use super::Accumulator;
use crate::value::{Dynamic, Key, Value};

/// `make_list(x)`: of arrays their items, as the documentation's `geo_point_in_polygon` page relies on.
#[derive(Debug)]
pub(super) struct List {
    limit: usize,
    with_nulls: bool,
    items: Vec<Dynamic>,
}

impl List {
    pub(super) fn new(limit: usize, with_nulls: bool) -> List {
        List { limit, with_nulls, items: Vec::new() }
    }
}

impl Accumulator for List {
    fn update(&mut self, arguments: &[Value]) {
        let Some(value) = arguments.first() else { return };
        let free = self.limit.saturating_sub(self.items.len());
        match value {
            Value::Null if !self.with_nulls => {}
            Value::Dynamic(dynamic) => match &**dynamic {
                Dynamic::Array(items) => self.items.extend(items.iter().take(free).cloned()),
                other => self.items.extend(std::iter::once(other.clone()).take(free)),
            },
            other => self.items.extend(std::iter::once(Dynamic::from_value(other)).take(free)),
        }
    }

    fn finish(&self) -> Vec<Value> {
        vec![Value::dynamic(Dynamic::Array(self.items.clone()))]
    }
}

/// `make_set(x)`: of arrays their items.
#[derive(Debug)]
pub(super) struct Set {
    limit: usize,
    seen: HashSet<Key>,
    items: Vec<Dynamic>,
}

impl Set {
    pub(super) fn new(limit: usize) -> Set {
        Set { limit, seen: HashSet::new(), items: Vec::new() }
    }

    fn add(&mut self, item: Dynamic) {
        if self.items.len() < self.limit
            && item != Dynamic::Null
            && self.seen.insert(Key::of(&item.to_value()))
        {
            self.items.push(item);
        }
    }
}

impl Accumulator for Set {
    fn update(&mut self, arguments: &[Value]) {
        match arguments.first() {
            Some(Value::Dynamic(dynamic)) => match &**dynamic {
                Dynamic::Array(items) => items.iter().for_each(|item| self.add(item.clone())),
                other => self.add(other.clone()),
            },
            Some(value) => self.add(Dynamic::from_value(value)),
            None => {}
        }
    }

    fn finish(&self) -> Vec<Value> {
        vec![Value::dynamic(Dynamic::Array(self.items.clone()))]
    }
}

/// `make_bag(x)`: the first value of each key.
#[derive(Debug)]
pub(super) struct Bag {
    limit: usize,
    members: IndexMap<Arc<str>, Dynamic>,
}

impl Bag {
    pub(super) fn new(limit: usize) -> Bag {
        Bag { limit, members: IndexMap::new() }
    }
}

impl Accumulator for Bag {
    fn update(&mut self, arguments: &[Value]) {
        let Some(Value::Dynamic(dynamic)) = arguments.first() else { return };
        let Dynamic::Bag(members) = &**dynamic else { return };
        for (key, value) in members {
            if self.members.len() < self.limit && !self.members.contains_key(key) {
                self.members.insert(Arc::clone(key), value.clone());
            }
        }
    }

    fn finish(&self) -> Vec<Value> {
        vec![Value::dynamic(Dynamic::Bag(self.members.clone()))]
    }
}

//! Property bags.

use std::sync::Arc;

use indexmap::IndexMap;

use super::{MANY, ScalarFunction, array, at, boolean, function, items_at, or_null, text_at};
use crate::value::{Dynamic, Value};

type Members = IndexMap<Arc<str>, Dynamic>;

fn members_at(arguments: &[Value], position: usize) -> Option<Members> {
    match at(arguments, position) {
        Value::Dynamic(dynamic) => match &**dynamic {
            Dynamic::Bag(members) => Some(members.clone()),
            _ => None,
        },
        _ => None,
    }
}

fn bag(members: Members) -> Value {
    Value::dynamic(Dynamic::Bag(members))
}

/// `bag_pack(key, value, ...)`
fn pack(arguments: &[Value]) -> Value {
    let pairs = arguments.chunks(2).filter_map(|pair| match pair {
        [key, value] => Some((Arc::from(key.to_text()), Dynamic::from_value(value))),
        _ => None,
    });
    bag(pairs.collect())
}

/// The first of two equal keys wins.
fn merge(arguments: &[Value]) -> Value {
    let mut merged = Members::new();
    for index in 0..arguments.len() {
        for (key, value) in members_at(arguments, index).unwrap_or_default() {
            merged.entry(key).or_insert(value);
        }
    }
    bag(merged)
}

fn remove_keys(arguments: &[Value]) -> Value {
    let (Some(mut members), Some(keys)) = (members_at(arguments, 0), items_at(arguments, 1)) else {
        return Value::Null;
    };
    for key in keys {
        let key = key.to_value().to_text();
        match key.strip_prefix("$.").map(|path| path.split('.').collect::<Vec<_>>()) {
            Some(path) => remove_path(&mut members, &path),
            None => {
                members.shift_remove(key.as_str());
            }
        }
    }
    bag(members)
}

fn remove_path(members: &mut Members, path: &[&str]) {
    match path {
        [] => {}
        [last] => {
            members.shift_remove(*last);
        }
        [first, rest @ ..] => {
            if let Some(Dynamic::Bag(inner)) = members.get_mut(*first) {
                remove_path(inner, rest);
            }
        }
    }
}

fn set_key(arguments: &[Value]) -> Value {
    let Some(mut members) = members_at(arguments, 0) else { return Value::Null };
    members.insert(text_at(arguments, 1).into(), Dynamic::from_value(at(arguments, 2)));
    bag(members)
}

fn has_key(arguments: &[Value]) -> Value {
    let Some(members) = members_at(arguments, 0) else { return Value::Null };
    let key = text_at(arguments, 1);
    let Some(path) = key.strip_prefix("$.") else { return boolean(members.contains_key(key.as_str())) };
    let mut here = &Dynamic::Bag(members);
    for name in path.split('.') {
        match here.get(name) {
            Some(next) => here = next,
            None => return boolean(false),
        }
    }
    boolean(true)
}

/// Keys and values change places; only scalars can be keys.
fn zip(arguments: &[Value]) -> Value {
    let Some(keys) = items_at(arguments, 0) else { return Value::Null };
    let values = items_at(arguments, 1).unwrap_or_default();
    let pairs = keys.iter().enumerate().filter_map(|(index, key)| match key {
        Dynamic::String(key) => Some((Arc::clone(key), values.get(index).cloned().unwrap_or(Dynamic::Null))),
        _ => None,
    });
    bag(pairs.collect())
}

/// Every path in a tree: `["['a']", "['a'][0]"]`.
fn paths(dynamic: &Dynamic, prefix: &str, found: &mut Vec<Dynamic>) {
    match dynamic {
        Dynamic::Bag(members) => {
            for (key, value) in members {
                let path = format!("{prefix}['{key}']");
                found.push(Dynamic::String(path.as_str().into()));
                paths(value, &path, found);
            }
        }
        Dynamic::Array(items) => {
            let path = format!("{prefix}[0]");
            if let Some(first) = items.first() {
                found.push(Dynamic::String(path.as_str().into()));
                paths(first, &path, found);
            }
        }
        _ => {}
    }
}

/// A bag without members that are null or empty: `pack_all(true)`.
fn without_empty(arguments: &[Value]) -> Value {
    let is_empty = |item: &Dynamic| match item {
        Dynamic::Null => true,
        Dynamic::String(text) => text.is_empty(),
        Dynamic::Array(items) => items.is_empty(),
        Dynamic::Bag(members) => members.is_empty(),
        _ => false,
    };
    let Value::Dynamic(dynamic) = at(arguments, 0) else { return Value::Null };
    let Dynamic::Bag(members) = &**dynamic else { return Value::Null };
    let kept = members.iter().filter(|(_, value)| !is_empty(value));
    Value::dynamic(Dynamic::Bag(kept.map(|(key, value)| (key.clone(), value.clone())).collect()))
}

pub(super) const FUNCTIONS: &[ScalarFunction] = &[
    // A `$` keeps it out of reach of queries.
    function("$bag_without_empty", 1, 1, without_empty),
    function("bag_pack", 2, MANY, pack),
    function("pack", 2, MANY, pack),
    function("pack_dictionary", 2, MANY, pack),
    function("bag_keys", 1, 1, |a| {
        or_null(members_at(a, 0), |members| array(members.into_keys().map(Dynamic::String).collect()))
    }),
    function("bag_merge", 2, MANY, merge),
    function("bag_remove_keys", 2, 2, remove_keys),
    function("bag_set_key", 3, 3, set_key),
    function("bag_has_key", 2, 2, has_key),
    function("bag_zip", 2, 2, zip),
    function("treepath", 1, 1, |a| match at(a, 0) {
        Value::Dynamic(dynamic) => {
            let mut found = Vec::new();
            paths(dynamic, "", &mut found);
            array(found)
        }
        _ => Value::Null,
    }),
];

//! Arguments as a flat record, which authorisation policies can speak about.

use std::collections::BTreeMap;

use crate::json::{Kind, Value};

/// Most entries of a record.
const MOST: usize = 256;
/// Most texts under one path.
const MOST_TEXTS: usize = 256;
/// Longest text, in bytes.
const LONGEST: usize = 8 * 1024;

/// What stands at a path.
#[derive(Clone, Debug, PartialEq)]
pub enum Fact {
    /// A text.
    Text(String),
    /// A whole number.
    Long(i64),
    /// Any other number, as it was written.
    Decimal(String),
    /// True or false.
    Bool(bool),
    /// The texts and numbers of an array, as texts, in order.
    Texts(Vec<String>),
}

/// Arguments, laid flat: `filter.owner` is a member of a member, `to[]` what an array holds, `to[].address` a member of
/// its items. Nulls are left out.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Record {
    /// What stands where.
    pub facts: BTreeMap<String, Fact>,
    /// Whether something was left out for lack of room. A policy that allows by what is absent must not be asked then.
    pub truncated: bool,
    /// Paths that mean two things, since a member's name has a dot or bracket in it. Not for policies to trust.
    pub ambiguous: bool,
}

/// Lays arguments flat.
#[must_use]
pub fn record(arguments: &Value) -> Record {
    let mut record = Record::default();
    walk(arguments, &mut String::new(), false, &mut record);
    record
}

fn walk(value: &Value, path: &mut String, in_array: bool, record: &mut Record) {
    let fact = match &value.kind {
        Kind::Null => return,
        Kind::Object(members) => {
            for member in members {
                record.ambiguous |= member.key.contains(['.', '[', ']']) || member.key.is_empty();
                let length = path.len();
                if length > 0 {
                    path.push('.');
                }
                path.push_str(&member.key);
                walk(&member.value, path, in_array, record);
                path.truncate(length);
            }
            return;
        }
        Kind::Array(items) => {
            let length = path.len();
            path.push_str("[]");
            if items.is_empty() {
                put(record, path, Fact::Texts(Vec::new()), true);
            }
            items.iter().for_each(|item| walk(item, path, true, record));
            path.truncate(length);
            return;
        }
        Kind::Bool(flag) => Fact::Bool(*flag),
        Kind::String(text) => Fact::Text(text.to_string()),
        Kind::Number(text) => value.as_i64().map_or_else(|| Fact::Decimal(text.to_string()), Fact::Long),
    };
    put(record, path, fact, in_array);
}

fn put(record: &mut Record, path: &str, fact: Fact, in_array: bool) {
    let is_long = matches!(&fact, Fact::Text(text) | Fact::Decimal(text) if text.len() > LONGEST);
    let is_new = !record.facts.contains_key(path);
    if is_long || path.len() > LONGEST || (is_new && record.facts.len() >= MOST) {
        record.truncated = true;
        return;
    }
    if !in_array {
        record.ambiguous |= record.facts.insert(path.to_owned(), fact).is_some();
        return;
    }
    let more = match fact {
        Fact::Text(text) | Fact::Decimal(text) => vec![text],
        Fact::Long(number) => vec![number.to_string()],
        Fact::Bool(flag) => vec![flag.to_string()],
        Fact::Texts(texts) => texts,
    };
    match record.facts.entry(path.to_owned()).or_insert_with(|| Fact::Texts(Vec::new())) {
        Fact::Texts(texts) if texts.len() + more.len() <= MOST_TEXTS => texts.extend(more),
        Fact::Texts(_) => record.truncated = true,
        _ => record.ambiguous = true,
    }
}

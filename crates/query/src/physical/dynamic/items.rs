//! The items of arrays and the members of bags, as places in a text.

use std::borrow::Cow;

use castellan_kql::value::json::{Quoted, Scanner};
use indexmap::IndexMap;

use super::scanner;

/// A stretch of a text, in bytes. An array of Arrow has no longer texts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Where it begins.
    pub start: u32,
    /// Where the rest begins.
    pub end: u32,
}

impl Place {
    /// `None` beyond 4 GiB.
    pub fn new(start: usize, end: usize) -> Option<Place> {
        Some(Place { start: u32::try_from(start).ok()?, end: u32::try_from(end).ok()? })
    }

    /// The stretch of a text.
    pub fn of(self, text: &str) -> &str {
        text.get(self.start as usize..self.end as usize).unwrap_or_default()
    }
}

/// What `mv-expand` makes a row of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Item {
    /// A null.
    Null,
    /// A value.
    Value(Place),
    /// A member of a bag. The key is as it stands between its quotes, escapes included.
    Member {
        /// The key.
        key: Place,
        /// The value, which may be `null`.
        value: Place,
    },
}

/// Appends the items of a value: those of an array, the members of a bag, and anything else by itself.
pub fn items(text: &str, found: &mut Vec<Item>) {
    if text.is_empty() {
        found.push(Item::Null);
        return;
    }
    let before = found.len();
    let mut names = Vec::new();
    let mut scanner = scanner(text);
    scanner.blank();
    let read = match scanner.peek() {
        Some(b'[') => scanner.array(0, |scanner, depth| {
            found.push(item(text, passed(scanner, depth)?));
            Some(())
        }),
        Some(b'{') => scanner.bag(0, |scanner, name, depth| {
            let key = Place::new(name.start, name.start + name.raw.len())?;
            found.push(Item::Member { key, value: passed(scanner, depth)? });
            names.push(name);
            Some(())
        }),
        _ => None,
    };
    if read.is_some() && scanner.is_at_end() {
        without_doubles(&names, found, before);
        return;
    }
    // No array and no bag, or none that is whole: the text itself.
    found.truncate(before);
    found.push(Place::new(0, text.len()).map_or(Item::Null, |whole| item(text, whole)));
}

/// The place of the value that a scanner passes over.
fn passed(scanner: &mut Scanner<'_>, depth: usize) -> Option<Place> {
    let start = scanner.place();
    scanner.slice(depth)?;
    Place::new(start, scanner.place())
}

fn item(text: &str, place: Place) -> Item {
    if super::is_null(place.of(text)) { Item::Null } else { Item::Value(place) }
}

/// The last of two members with the same name counts, at the place of the first. An array has no names.
fn without_doubles(names: &[Quoted<'_>], found: &mut Vec<Item>, before: usize) {
    if names.len() < 2 {
        return;
    }
    let mut members: IndexMap<Cow<'_, str>, Item> = IndexMap::with_capacity(names.len());
    members.extend(names.iter().map(|name| name.text()).zip(found.drain(before..)));
    found.extend(members.into_values());
}

#[cfg(test)]
mod tests {
    use castellan_kql::Value;
    use castellan_kql::value::Dynamic;

    use super::super::decode;
    use super::*;

    /// The items as values: those of the texts, or of the value that the whole text is.
    fn values(text: &str) -> Vec<Value> {
        let mut found = Vec::new();
        items(text, &mut found);
        let value = |item: &Item| match item {
            Item::Null => Value::Null,
            Item::Value(place) => decode(place.of(text)),
            Item::Member { key, value } => decode(&format!("{{\"{}\":{}}}", key.of(text), value.of(text))),
        };
        found.iter().map(value).collect()
    }

    fn plain(text: &str) -> Vec<Value> {
        match decode(text) {
            Value::Dynamic(dynamic) => match &*dynamic {
                Dynamic::Array(items) => items.iter().cloned().map(Value::dynamic).collect(),
                Dynamic::Bag(members) => members
                    .iter()
                    .map(|(key, value)| Value::dynamic(Dynamic::bag([(key.clone(), value.clone())])))
                    .collect(),
                other => vec![Value::dynamic(other.clone())],
            },
            _ => vec![Value::Null],
        }
    }

    #[test]
    fn items_are_those_of_the_value() {
        let deep = |levels: usize| format!("[{}1{}]", "[".repeat(levels), "]".repeat(levels));
        let texts = [
            "",
            "null",
            " null ",
            "[]",
            " [ ] ",
            "{}",
            "5",
            "\"a\"",
            "abc",
            "@d5",
            "[1, 2,3 ]",
            "[null, {\"a\": [1, {}]}, \"x\\\"y\", @inf]",
            "{\"a\":1}",
            "{\"a\" : 1, \"b\":null , \"a\": [2]}",
            "{\"a\":1,\"\\u0061\":2}",
            "[1,]",
            "[1] x",
            "[abc]",
            "[\"\\q\"]",
            "[{\"a\"}]",
            "[{\"a\":}]",
            "{\"a\":[}",
            "[[1,2],[]]",
            "[-,1]",
            "[1}",
            "{\"a\":1]",
            "[\"a",
            "[1 2]",
            "{1:2}",
            "[\"\u{e9}\\",
            "\u{e9}",
        ];
        for text in texts.into_iter().map(str::to_owned).chain([126, 127, 128, 129].map(deep)) {
            assert_eq!(values(&text), plain(&text), "{text}");
        }
    }
}

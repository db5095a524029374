//! The items of arrays and the members of bags, as places in a text.

use std::borrow::Cow;

use castellan_kql::value::json::Scanner;
use indexmap::IndexMap;

use super::{is_null, scanner};

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

    /// Where a part of a text is in it.
    fn within(text: &str, part: &str) -> Option<Place> {
        let start = part.as_ptr().addr().checked_sub(text.as_ptr().addr())?;
        Place::new(start, start + part.len())
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
    let before = found.len();
    let mut scanner = scanner(text);
    scanner.blank();
    let read = match scanner.peek() {
        Some(b'[') => of_array(text, &mut scanner, found),
        Some(b'{') => of_bag(text, &mut scanner, found),
        _ => None,
    };
    if read.is_some() && scanner.is_at_end() {
        return;
    }
    // No array and no bag, or none that is whole: the text itself.
    found.truncate(before);
    found.push(if is_null(text) {
        Item::Null
    } else {
        Place::new(0, text.len()).map_or(Item::Null, Item::Value)
    });
}

fn of_array(text: &str, scanner: &mut Scanner<'_>, found: &mut Vec<Item>) -> Option<()> {
    scanner.array(0, |scanner, depth| {
        let item = scanner.slice(depth)?;
        found.push(if item == "null" { Item::Null } else { Item::Value(Place::within(text, item)?) });
        Some(())
    })
}

/// The last of two members with the same key counts, at the place of the first.
fn of_bag<'t>(text: &'t str, scanner: &mut Scanner<'t>, found: &mut Vec<Item>) -> Option<()> {
    let mut members: IndexMap<Cow<'t, str>, Item> = IndexMap::new();
    scanner.bag(0, |scanner, name, depth| {
        let key = Place::within(text, name.raw)?;
        let value = Place::within(text, scanner.slice(depth)?)?;
        members.insert(name.text(), Item::Member { key, value });
        Some(())
    })?;
    found.extend(members.into_values());
    Some(())
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

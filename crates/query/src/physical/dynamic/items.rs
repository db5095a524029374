//! The items of arrays and the members of bags, as places in a text.

use std::borrow::Cow;

use indexmap::IndexMap;

use super::{MAX_DEPTH, Parser, scalar, unescape};

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
    let mut parser = Parser { text, at: 0 };
    parser.blank();
    let read = match parser.peek() {
        Some(b'[') => parser.items(found),
        Some(b'{') => parser.members(found).map(|()| without_doubles(text, found, before)),
        _ => None,
    };
    parser.blank();
    if read.is_some() && parser.at == text.len() {
        return;
    }
    // No array and no bag, or none that is whole: the text itself.
    found.truncate(before);
    found.push(Parser { text, at: 0 }.single().unwrap_or(Item::Null));
}

impl Parser<'_> {
    fn single(&self) -> Option<Item> {
        self.item(0, self.text.len())
    }

    fn item(&self, start: usize, end: usize) -> Option<Item> {
        if self.text.get(start..end)?.trim_ascii() == "null" {
            return Some(Item::Null);
        }
        Place::new(start, end).map(Item::Value)
    }

    fn items(&mut self, found: &mut Vec<Item>) -> Option<()> {
        self.at += 1;
        self.blank();
        if self.peek() == Some(b']') {
            self.at += 1;
            return Some(());
        }
        loop {
            self.blank();
            let start = self.at;
            self.check(1)?;
            found.push(self.item(start, self.at)?);
            self.blank();
            match self.next()? {
                b',' => {}
                b']' => return Some(()),
                _ => return None,
            }
        }
    }

    fn members(&mut self, found: &mut Vec<Item>) -> Option<()> {
        self.at += 1;
        self.blank();
        if self.peek() == Some(b'}') {
            self.at += 1;
            return Some(());
        }
        loop {
            self.blank();
            let start = self.at + 1;
            self.check_string()?;
            let key = Place::new(start, self.at - 1)?;
            self.blank();
            self.take(b':')?;
            self.blank();
            let start = self.at;
            self.check(1)?;
            found.push(Item::Member { key, value: Place::new(start, self.at)? });
            self.blank();
            match self.next()? {
                b',' => {}
                b'}' => return Some(()),
                _ => return None,
            }
        }
    }

    /// Passes over a value that can be read: what [`Parser::value`] does, without the value.
    fn check(&mut self, depth: usize) -> Option<()> {
        if depth > MAX_DEPTH {
            return None;
        }
        self.blank();
        match self.peek()? {
            b'"' => self.check_string(),
            open @ (b'[' | b'{') => {
                let close = if open == b'[' { b']' } else { b'}' };
                self.at += 1;
                self.blank();
                if self.peek() == Some(close) {
                    self.at += 1;
                    return Some(());
                }
                loop {
                    if open == b'{' {
                        self.blank();
                        self.check_string()?;
                        self.blank();
                        self.take(b':')?;
                    }
                    self.check(depth + 1)?;
                    self.blank();
                    match self.next()? {
                        b',' => {}
                        last if last == close => return Some(()),
                        _ => return None,
                    }
                }
            }
            _ => scalar(self.word()?).map(|_| ()),
        }
    }

    fn check_string(&mut self) -> Option<()> {
        let (raw, has_escapes) = self.raw_string()?;
        if has_escapes { unescape(raw).map(|_| ()) } else { Some(()) }
    }
}

/// The last of two members with the same key counts, at the place of the first.
fn without_doubles(text: &str, found: &mut Vec<Item>, before: usize) {
    if found.len() < before + 2 {
        return;
    }
    let mut members: IndexMap<Cow<'_, str>, Item> = IndexMap::with_capacity(found.len() - before);
    for item in found.drain(before..) {
        let Item::Member { key, .. } = item else { continue };
        let raw = key.of(text);
        let name = if raw.contains('\\') {
            Cow::Owned(unescape(raw).unwrap_or_default())
        } else {
            Cow::Borrowed(raw)
        };
        members.insert(name, item);
    }
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

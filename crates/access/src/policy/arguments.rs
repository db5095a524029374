//! Arguments of a tool call, which have any shape, as tags of entities, which have one.

use std::collections::BTreeMap;

use cedar_policy::{Entity, RestrictedExpression};
use serde_json::Value;

use super::party::{Types, text, uid};

/// The most scalars.
const MOST: usize = 4096;
/// The deepest nesting.
const DEEPEST: usize = 32;
/// The longest path, in bytes.
const LONGEST_PATH: usize = 1024;

/// Arguments that policies cannot be shown whole. The call is then denied: a policy that forbids could miss them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the arguments have more than {MOST} values, more than {DEEPEST} levels, or a path of more than {LONGEST_PATH} bytes"
)]
pub struct ArgumentsError;

#[derive(Default)]
struct Tags {
    texts: BTreeMap<String, String>,
    numbers: BTreeMap<String, i64>,
    lists: BTreeMap<String, Vec<String>>,
    count: usize,
}

impl Tags {
    fn take(&mut self, path: &str, value: &Value, depth: usize) -> Result<(), ArgumentsError> {
        self.count += 1;
        if self.count > MOST || depth > DEEPEST || path.len() > LONGEST_PATH {
            return Err(ArgumentsError);
        }
        match value {
            Value::Null => self.put(path, "null"),
            Value::Bool(flag) => self.put(path, if *flag { "true" } else { "false" }),
            Value::String(value) => self.put(path, value),
            Value::Number(number) => {
                self.numbers.extend(number.as_i64().map(|number| (path.to_owned(), number)));
                self.put(path, &number.to_string());
            }
            Value::Array(items) => {
                let words: Option<Vec<String>> =
                    items.iter().map(|item| item.as_str().map(str::to_owned)).collect();
                self.lists.extend(words.map(|words| (path.to_owned(), words)));
                for (at, item) in items.iter().enumerate() {
                    self.take(&format!("{path}[{at}]"), item, depth + 1)?;
                }
            }
            Value::Object(members) => {
                for (name, member) in members {
                    let dot = if path.is_empty() { "" } else { "." };
                    self.take(&format!("{path}{dot}{}", escaped(name)), member, depth + 1)?;
                }
            }
        }
        Ok(())
    }

    fn put(&mut self, path: &str, value: &str) {
        self.texts.insert(path.to_owned(), value.to_owned());
    }
}

/// A name in a path. What has a meaning in paths is written with a back slash, so that no two values have one path.
fn escaped(name: &str) -> String {
    let mut path = String::with_capacity(name.len());
    for letter in name.chars() {
        if matches!(letter, '.' | '[' | ']' | '\\') {
            path.push('\\');
        }
        path.push(letter);
    }
    path
}

/// The three entities of arguments: texts, numbers and lists.
pub(super) fn entities(types: &Types, arguments: &Value) -> Result<[Entity; 3], ArgumentsError> {
    let mut tags = Tags::default();
    tags.take("", arguments, 0)?;
    let Tags { texts, numbers, lists, .. } = tags;
    let texts = texts.into_iter().map(|(path, value)| (path, RestrictedExpression::new_string(value)));
    let numbers = numbers.into_iter().map(|(path, value)| (path, RestrictedExpression::new_long(value)));
    let lists = lists
        .into_iter()
        .map(|(path, words)| (path, RestrictedExpression::new_set(words.iter().map(|word| text(word)))));
    let entity = |kind, tags: Vec<(String, RestrictedExpression)>| {
        Entity::new_with_tags(uid(kind, "call"), [], [], tags).map_err(|_| ArgumentsError)
    };
    Ok([
        entity(&types.arguments, texts.collect())?,
        entity(&types.numbers, numbers.collect())?,
        entity(&types.lists, lists.collect())?,
    ])
}

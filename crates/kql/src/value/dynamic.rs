//! `dynamic`: values whose shape only the data knows.

use std::fmt::Write as _;
use std::sync::Arc;

use indexmap::IndexMap;

use super::json::{self, Number, Scanner, quote};
use super::{Value, format_datetime, format_real, format_timespan};

/// A dynamic value. The keys of a bag keep their order; the last of two equal keys wins.
#[derive(Clone, Debug, PartialEq)]
pub enum Dynamic {
    /// `dynamic(null)`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A whole number of 64 bits.
    Long(i64),
    /// Any other number.
    Real(f64),
    /// Text.
    String(Arc<str>),
    /// `dynamic(datetime(...))`, ticks.
    DateTime(i64),
    /// `dynamic(1h)`, ticks.
    TimeSpan(i64),
    /// `dynamic(guid(...))`
    Guid(u128),
    /// `[...]`
    Array(Vec<Dynamic>),
    /// `{...}`
    Bag(IndexMap<Arc<str>, Dynamic>),
}

impl Dynamic {
    /// Reads JSON; `None` for what is not JSON (deeper than 128 levels included).
    ///
    /// ```
    /// use castellan_kql::value::Dynamic;
    /// let bag = Dynamic::parse(r#"{"a": [1, 2.5, "x"]}"#).unwrap();
    /// assert_eq!(bag.get("a").unwrap().at(-1), Some(&Dynamic::String("x".into())));
    /// assert_eq!(bag.to_string(), r#"{"a":[1,2.5,"x"]}"#);
    /// ```
    pub fn parse(text: &str) -> Option<Dynamic> {
        let mut scanner = Scanner::new(text);
        scanner.blank();
        Dynamic::read(&mut scanner, |_| None).filter(|_| scanner.is_at_end())
    }

    /// The value where a scanner stands. `mark` gives the value of a word that begins with `@`, by what is behind that.
    pub fn read(scanner: &mut Scanner<'_>, mark: fn(&str) -> Option<Dynamic>) -> Option<Dynamic> {
        Dynamic::read_at(scanner, mark, 0)
    }

    fn read_at(
        scanner: &mut Scanner<'_>,
        mark: fn(&str) -> Option<Dynamic>,
        depth: usize,
    ) -> Option<Dynamic> {
        match scanner.peek()? {
            b'"' => Some(Dynamic::String(scanner.string()?.text().into())),
            b'[' => {
                let mut items = Vec::new();
                scanner.array(depth, |scanner, depth| {
                    items.push(Dynamic::read_at(scanner, mark, depth)?);
                    Some(())
                })?;
                Some(Dynamic::Array(items))
            }
            b'{' => {
                let mut members: Vec<(Arc<str>, Dynamic)> = Vec::new();
                scanner.bag(depth, |scanner, name, depth| {
                    members.push((name.text().into(), Dynamic::read_at(scanner, mark, depth)?));
                    Some(())
                })?;
                Some(Dynamic::bag(members))
            }
            _ => Dynamic::of_word(scanner.word(), mark),
        }
    }

    /// A value without brackets and quotes.
    fn of_word(word: &str, mark: fn(&str) -> Option<Dynamic>) -> Option<Dynamic> {
        match word {
            "null" => Some(Dynamic::Null),
            "true" => Some(Dynamic::Bool(true)),
            "false" => Some(Dynamic::Bool(false)),
            _ => match word.strip_prefix('@') {
                Some(marked) => mark(marked),
                None => json::number(word).map(|number| match number {
                    Number::Whole(whole) => Dynamic::Long(whole),
                    Number::Real(real) => Dynamic::Real(real),
                }),
            },
        }
    }

    /// From JSON. Whole numbers beyond 64 bits become reals.
    pub fn from_json(json: &serde_json::Value) -> Dynamic {
        match json {
            serde_json::Value::Null => Dynamic::Null,
            serde_json::Value::Bool(flag) => Dynamic::Bool(*flag),
            serde_json::Value::Number(number) => match number.as_i64() {
                Some(whole) => Dynamic::Long(whole),
                None => Dynamic::Real(number.as_f64().unwrap_or(f64::NAN)),
            },
            serde_json::Value::String(text) => Dynamic::String(text.as_str().into()),
            serde_json::Value::Array(items) => Dynamic::Array(items.iter().map(Dynamic::from_json).collect()),
            serde_json::Value::Object(members) => Dynamic::Bag(
                members.iter().map(|(key, value)| (key.as_str().into(), Dynamic::from_json(value))).collect(),
            ),
        }
    }

    /// A bag; the last of two equal keys wins, at the place of the first.
    pub fn bag(members: impl IntoIterator<Item = (Arc<str>, Dynamic)>) -> Dynamic {
        Dynamic::Bag(members.into_iter().collect())
    }

    /// A scalar as a dynamic value. Strings stay strings; a decimal becomes a real.
    pub fn from_value(value: &Value) -> Dynamic {
        match value {
            Value::Null => Dynamic::Null,
            Value::Bool(flag) => Dynamic::Bool(*flag),
            Value::Int(number) => Dynamic::Long(i64::from(*number)),
            Value::Long(number) => Dynamic::Long(*number),
            Value::Real(number) => Dynamic::Real(*number),
            Value::Decimal(_) => Dynamic::Real(value.to_f64().unwrap_or(f64::NAN)),
            Value::String(text) => Dynamic::String(Arc::clone(text)),
            Value::DateTime(ticks) => Dynamic::DateTime(*ticks),
            Value::TimeSpan(ticks) => Dynamic::TimeSpan(*ticks),
            Value::Guid(guid) => Dynamic::Guid(*guid),
            Value::Dynamic(dynamic) => (**dynamic).clone(),
        }
    }

    /// The scalar inside; arrays and bags stay dynamic.
    pub fn to_value(&self) -> Value {
        match self {
            Dynamic::Null => Value::Null,
            Dynamic::Bool(flag) => Value::Bool(*flag),
            Dynamic::Long(number) => Value::Long(*number),
            Dynamic::Real(number) => Value::Real(*number),
            Dynamic::String(text) => Value::String(Arc::clone(text)),
            Dynamic::DateTime(ticks) => Value::DateTime(*ticks),
            Dynamic::TimeSpan(ticks) => Value::TimeSpan(*ticks),
            Dynamic::Guid(guid) => Value::Guid(*guid),
            Dynamic::Array(_) | Dynamic::Bag(_) => Value::Dynamic(Arc::new(self.clone())),
        }
    }

    /// The member of a bag; `None` for anything else.
    pub fn get(&self, key: &str) -> Option<&Dynamic> {
        match self {
            Dynamic::Bag(members) => members.get(key),
            _ => None,
        }
    }

    /// The item of an array; a negative position counts from the end.
    pub fn at(&self, position: i64) -> Option<&Dynamic> {
        let Dynamic::Array(items) = self else { return None };
        let length = i64::try_from(items.len()).ok()?;
        let position = if position < 0 { position.checked_add(length)? } else { position };
        items.get(usize::try_from(position).ok()?)
    }

    /// The items of an array.
    pub fn as_array(&self) -> Option<&[Dynamic]> {
        match self {
            Dynamic::Array(items) => Some(items),
            _ => None,
        }
    }

    /// Takes a value for each item, at all levels, out of a budget; false when it is not enough, or the levels are more.
    pub(crate) fn spend(&self, left: &mut usize, levels: usize) -> bool {
        let Some(rest) = left.checked_sub(1) else { return false };
        *left = rest;
        match (self, levels.checked_sub(1)) {
            (Dynamic::Array(items), Some(levels)) => items.iter().all(|item| item.spend(left, levels)),
            (Dynamic::Bag(members), Some(levels)) => members.values().all(|item| item.spend(left, levels)),
            (Dynamic::Array(_) | Dynamic::Bag(_), None) => false,
            _ => true,
        }
    }

    /// `gettype()`'s name.
    pub fn type_name(&self) -> &'static str {
        match self {
            Dynamic::Null => "null",
            Dynamic::Bool(_) => "bool",
            Dynamic::Long(_) => "long",
            Dynamic::Real(_) => "double",
            Dynamic::String(_) => "string",
            Dynamic::DateTime(_) => "datetime",
            Dynamic::TimeSpan(_) => "timespan",
            Dynamic::Guid(_) => "guid",
            Dynamic::Array(_) => "array",
            Dynamic::Bag(_) => "dictionary",
        }
    }

    fn write(&self, out: &mut String) {
        match self {
            Dynamic::Null => out.push_str("null"),
            Dynamic::Bool(flag) => out.push_str(if *flag { "true" } else { "false" }),
            Dynamic::Long(number) => {
                let _ = write!(out, "{number}");
            }
            Dynamic::Real(number) if number.is_finite() => out.push_str(&format_real(*number)),
            Dynamic::Real(number) => quote(&format_real(*number), out),
            Dynamic::String(text) => quote(text, out),
            Dynamic::DateTime(ticks) => quote(&format_datetime(*ticks), out),
            Dynamic::TimeSpan(ticks) => quote(&format_timespan(*ticks), out),
            Dynamic::Guid(guid) => quote(&super::text::format_guid(*guid), out),
            Dynamic::Array(items) => {
                out.push('[');
                for (index, item) in items.iter().enumerate() {
                    if index > 0 {
                        out.push(',');
                    }
                    item.write(out);
                }
                out.push(']');
            }
            Dynamic::Bag(members) => {
                out.push('{');
                for (index, (key, value)) in members.iter().enumerate() {
                    if index > 0 {
                        out.push(',');
                    }
                    quote(key, out);
                    out.push(':');
                    value.write(out);
                }
                out.push('}');
            }
        }
    }
}

/// Compact JSON.
impl std::fmt::Display for Dynamic {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut out = String::new();
        self.write(&mut out);
        f.write_str(&out)
    }
}

//! JSON as strict as a proxy needs it: every value knows the bytes that it stands in.
//!
//! A proxy and the server behind it must not read the same bytes differently. So what readers disagree about is refused:
//! duplicate members (after escapes are resolved), a byte order mark, comments, trailing commas, lone surrogates, bytes
//! that are no UTF-8, numbers beyond what a double holds. Numbers keep their text.

mod parse;
mod write;

pub(crate) use parse::escape;
pub use parse::{ErrorKind, ParseError, parse};
pub use write::{quote, write};

/// Bounds of one document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Most bytes.
    pub bytes: usize,
    /// Deepest nesting of arrays and objects.
    pub depth: usize,
    /// Most values, members' values included.
    pub values: usize,
}

impl Default for Limits {
    /// 4 MiB, 64 deep, 200,000 values.
    fn default() -> Limits {
        Limits { bytes: 4 << 20, depth: 64, values: 200_000 }
    }
}

/// Bytes of a document, from `start` up to but without `end`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span {
    /// The first byte.
    pub start: usize,
    /// The byte after the last one.
    pub end: usize,
}

/// A value and where it stands. The span of a string includes its quotes.
#[derive(Clone, Debug, PartialEq)]
pub struct Value {
    /// Where the value stands.
    pub span: Span,
    /// What it is.
    pub kind: Kind,
}

/// What a value is.
#[derive(Clone, Debug, PartialEq)]
pub enum Kind {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number, as it was written.
    Number(Box<str>),
    /// A string, its escapes resolved.
    String(Box<str>),
    /// An array.
    Array(Vec<Value>),
    /// An object, its members in the order in which they stand. No two have one name.
    Object(Vec<Member>),
}

/// A member of an object.
#[derive(Clone, Debug, PartialEq)]
pub struct Member {
    /// Where its name stands, with the quotes.
    pub key_span: Span,
    /// Its name, escapes resolved.
    pub key: Box<str>,
    /// Its value.
    pub value: Value,
}

impl Value {
    /// A value that stands nowhere, to be written.
    #[must_use]
    pub fn new(kind: Kind) -> Value {
        Value { span: Span::default(), kind }
    }

    /// A string that stands nowhere.
    #[must_use]
    pub fn string(text: &str) -> Value {
        Value::new(Kind::String(text.into()))
    }

    /// An object that stands nowhere.
    #[must_use]
    pub fn object(members: Vec<(&str, Value)>) -> Value {
        let member =
            |(key, value): (&str, Value)| Member { key_span: Span::default(), key: key.into(), value };
        Value::new(Kind::Object(members.into_iter().map(member).collect()))
    }

    /// A whole number that stands nowhere.
    #[must_use]
    pub fn integer(number: i64) -> Value {
        Value::new(Kind::Number(number.to_string().into()))
    }

    /// The member of this name.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.members().iter().find(|member| &*member.key == key).map(|member| &member.value)
    }

    /// The value at a path of member names.
    #[must_use]
    pub fn at(&self, path: &[&str]) -> Option<&Value> {
        path.iter().try_fold(self, |value, key| value.get(key))
    }

    /// The members of an object; none of anything else.
    #[must_use]
    pub fn members(&self) -> &[Member] {
        match &self.kind {
            Kind::Object(members) => members,
            _ => &[],
        }
    }

    /// The items of an array; none of anything else.
    #[must_use]
    pub fn items(&self) -> &[Value] {
        match &self.kind {
            Kind::Array(items) => items,
            _ => &[],
        }
    }

    /// The text of a string.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        match &self.kind {
            Kind::String(text) => Some(text),
            _ => None,
        }
    }

    /// The value of a boolean.
    #[must_use]
    pub fn as_bool(&self) -> Option<bool> {
        match self.kind {
            Kind::Bool(value) => Some(value),
            _ => None,
        }
    }

    /// The value of a number that is written as a whole number and fits.
    #[must_use]
    pub fn as_i64(&self) -> Option<i64> {
        match &self.kind {
            Kind::Number(text) => text.parse().ok(),
            _ => None,
        }
    }

    /// The value of a number as a double.
    #[must_use]
    pub fn as_f64(&self) -> Option<f64> {
        match &self.kind {
            Kind::Number(text) => text.parse().ok(),
            _ => None,
        }
    }

    /// Whether this is an object.
    #[must_use]
    pub fn is_object(&self) -> bool {
        matches!(self.kind, Kind::Object(_))
    }

    /// What kind of value this is, as JSON Schema names it.
    #[must_use]
    pub fn type_name(&self) -> &'static str {
        match self.kind {
            Kind::Null => "null",
            Kind::Bool(_) => "boolean",
            Kind::Number(_) => "number",
            Kind::String(_) => "string",
            Kind::Array(_) => "array",
            Kind::Object(_) => "object",
        }
    }

    /// Whether two values are the same wherever they stand; the order of members and the spelling of numbers do not matter.
    #[must_use]
    pub fn same(&self, other: &Value) -> bool {
        match (&self.kind, &other.kind) {
            (Kind::Null, Kind::Null) => true,
            (Kind::Bool(one), Kind::Bool(two)) => one == two,
            (Kind::String(one), Kind::String(two)) => one == two,
            (Kind::Number(one), Kind::Number(two)) => {
                one == two || crate::jcs::number(one) == crate::jcs::number(two)
            }
            (Kind::Array(one), Kind::Array(two)) => {
                one.len() == two.len() && one.iter().zip(two).all(|(one, two)| one.same(two))
            }
            (Kind::Object(one), Kind::Object(two)) => {
                one.len() == two.len()
                    && one
                        .iter()
                        .all(|member| other.get(&member.key).is_some_and(|value| member.value.same(value)))
            }
            _ => false,
        }
    }
}

/// A step of a JSON pointer (RFC 6901) added to a path.
pub fn push_step(path: &mut String, step: &str) {
    path.push('/');
    for character in step.chars() {
        match character {
            '~' => path.push_str("~0"),
            '/' => path.push_str("~1"),
            other => path.push(other),
        }
    }
}

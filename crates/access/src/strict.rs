//! JSON as tokens must have it: one object, no name twice, bounded depth and size.
//!
//! RFC 8725, 2.6 and RFC 7519, 4: a reader that takes the last of two equal names, before one that takes the first, lets
//! two parties see two different tokens. So a name that comes twice is an error, at any depth.

use std::cell::Cell;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

/// Why a text is not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StrictError {
    /// It is no JSON, or something follows it.
    NotJson,
    /// It is JSON, but no object.
    NotAnObject,
    /// An object has a name twice.
    Duplicate,
    /// It nests too deep.
    TooDeep,
    /// It has too many values.
    TooMany,
}

/// Reads one object with nothing after it.
pub(crate) fn object(bytes: &[u8], depth: u32, values: u32) -> Result<Map<String, Value>, StrictError> {
    let state = State { left: Cell::new(values), failed: Cell::new(None) };
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let read = Seed { state: &state, depth }.deserialize(&mut reader);
    let value = read.map_err(|_| state.failed.get().unwrap_or(StrictError::NotJson))?;
    reader.end().map_err(|_| StrictError::NotJson)?;
    match value {
        Value::Object(object) => Ok(object),
        _ => Err(StrictError::NotAnObject),
    }
}

struct State {
    left: Cell<u32>,
    failed: Cell<Option<StrictError>>,
}

impl State {
    fn fail<E: Error>(&self, error: StrictError) -> E {
        self.failed.set(Some(error));
        E::custom("refused")
    }
}

#[derive(Clone, Copy)]
struct Seed<'a> {
    state: &'a State,
    depth: u32,
}

impl<'de> DeserializeSeed<'de> for Seed<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        match self.state.left.get().checked_sub(1) {
            Some(left) => self.state.left.set(left),
            None => return Err(self.state.fail(StrictError::TooMany)),
        }
        deserializer.deserialize_any(self)
    }
}

impl Seed<'_> {
    fn inner<E: Error>(self) -> Result<Self, E> {
        match self.depth.checked_sub(1) {
            Some(depth) => Ok(Seed { depth, ..self }),
            None => Err(self.state.fail(StrictError::TooDeep)),
        }
    }
}

impl<'de> Visitor<'de> for Seed<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let inner = self.inner()?;
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(inner)? {
            list.push(item);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let inner = self.inner()?;
        let mut object = Map::new();
        while let Some(name) = members.next_key::<String>()? {
            if object.contains_key(&name) {
                return Err(self.state.fail(StrictError::Duplicate));
            }
            object.insert(name, members.next_value_seed(inner)?);
        }
        Ok(Value::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(text: &str, expected: Result<usize, StrictError>) {
        assert_eq!(object(text.as_bytes(), 3, 10).map(|object| object.len()), expected, "{text}");
    }

    #[test]
    fn what_is_read_and_what_is_not() {
        check(r#"{"a":1,"b":[{}]}"#, Ok(2));
        check(r#"{"a":1,"a":1}"#, Err(StrictError::Duplicate));
        check(r#"{"a":1,"\u0061":2}"#, Err(StrictError::Duplicate));
        check(r#"{"a":{"b":1,"b":2}}"#, Err(StrictError::Duplicate));
        check(r#"{"a":[[[]]]}"#, Err(StrictError::TooDeep));
        check("[1,2,3,4,5,6,7,8,9,10]", Err(StrictError::TooMany));
        check("[]", Err(StrictError::NotAnObject));
        check("{} {}", Err(StrictError::NotJson));
        check("{", Err(StrictError::NotJson));
        check("{} ", Ok(0));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = object(&bytes, 4, 20);
        }
    }
}

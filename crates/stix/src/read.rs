//! Objects out of JSON, one after the other.
//!
//! A bundle, an envelope of TAXII, a list of objects and a single object are read alike. Only one object is in memory at a
//! time. Objects of STIX 2.0 are read too: what differs is told where an indicator is made of them.

use std::fmt;
use std::io::Read;

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

use crate::object::Object;

/// The most reasons that are told one by one.
pub const MAX_TOLD: usize = 100;

/// What became of a text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// How many objects were given.
    pub objects: u64,
    /// How many were left out.
    pub left_out: u64,
    /// Which and why, the first [`MAX_TOLD`] of them.
    pub told: Vec<String>,
    /// Members that stand beside the objects, such as `more` and `next` of an envelope; texts, numbers and flags alone.
    pub members: Map<String, Value>,
}

impl Outcome {
    /// Counts something that was left out.
    pub fn leaves(&mut self, what: impl FnOnce() -> String) {
        self.left_out += 1;
        if self.told.len() < MAX_TOLD {
            self.told.push(what());
        }
    }
}

/// A text that cannot be read further. What was given before it counts.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// It is no JSON, breaks off, or is nested too deeply.
    #[error("it is no JSON of STIX objects: {0}; what stands before that place was read")]
    Json(#[from] serde_json::Error),
    /// It is longer than it may be.
    #[error("it has more than {0} bytes; split it, or allow more")]
    TooLong(u64),
    /// JSON that holds no objects of STIX.
    #[error("it holds no objects of STIX: neither `objects` nor `type` and `id`")]
    NoObjects,
}

/// Reads objects from a text.
///
/// Errors: [`ReadError`].
pub fn bundle(text: &[u8], each: &mut dyn FnMut(Object)) -> Result<Outcome, ReadError> {
    from(text, u64::MAX, each)
}

/// Reads objects from a source of at most `limit` bytes.
///
/// Errors: [`ReadError`].
pub fn from(source: impl Read, limit: u64, each: &mut dyn FnMut(Object)) -> Result<Outcome, ReadError> {
    let mut outcome = Outcome::default();
    let mut bounded = Bounded { source, left: limit, is_over: false };
    let result = {
        let mut json = serde_json::Deserializer::from_reader(&mut bounded);
        let top = Top { outcome: &mut outcome, each };
        top.deserialize(&mut json).and_then(|found| json.end().map(|()| found))
    };
    if bounded.is_over {
        return Err(ReadError::TooLong(limit));
    }
    if result? { Ok(outcome) } else { Err(ReadError::NoObjects) }
}

/// A source that ends at a limit, and says so.
struct Bounded<R> {
    source: R,
    left: u64,
    is_over: bool,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let most = usize::try_from(self.left).unwrap_or(usize::MAX).min(buffer.len());
        if most == 0 && !buffer.is_empty() {
            let mut one = [0_u8];
            self.is_over = self.source.read(&mut one)? > 0;
            return Ok(0);
        }
        let read = self.source.read(buffer.get_mut(..most).unwrap_or_default())?;
        self.left = self.left.saturating_sub(u64::try_from(read).unwrap_or(u64::MAX));
        Ok(read)
    }
}

/// Gives a value as an object, or counts it.
fn give(value: Value, outcome: &mut Outcome, each: &mut dyn FnMut(Object)) {
    let name = value.get("id").and_then(Value::as_str).unwrap_or("without an id").to_owned();
    match Object::of(value) {
        Ok(object) => {
            outcome.objects += 1;
            each(object);
        }
        Err(why) => {
            let at = outcome.objects + outcome.left_out + 1;
            let name: String = name.chars().take(100).collect();
            outcome.leaves(|| format!("object {at} ({name}): {why}"));
        }
    }
}

/// What stands at the top; whether it holds objects.
struct Top<'a> {
    outcome: &'a mut Outcome,
    each: &'a mut dyn FnMut(Object),
}

impl<'de> DeserializeSeed<'de> for Top<'_> {
    type Value = bool;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<bool, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Top<'_> {
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a bundle, a list of objects or an object")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, items: A) -> Result<bool, A::Error> {
        objects(items, self.outcome, self.each)?;
        Ok(true)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<bool, A::Error> {
        let mut members = Map::new();
        let mut has_objects = false;
        while let Some(name) = map.next_key::<String>()? {
            if name == "objects" {
                let list = Objects { outcome: &mut *self.outcome, each: &mut *self.each };
                map.next_value_seed(list)?;
                has_objects = true;
            } else {
                members.insert(name, map.next_value()?);
            }
        }
        let is_object = !has_objects && members.contains_key("id") && members.contains_key("type");
        let is_bundle = members.get("type").and_then(Value::as_str) == Some("bundle");
        if is_object && !is_bundle {
            give(Value::Object(members), self.outcome, self.each);
            return Ok(true);
        }
        // An envelope without objects says that there is nothing more.
        let is_envelope = is_bundle || members.is_empty() || members.contains_key("more");
        let plain = |value: &Value| !value.is_array() && !value.is_object();
        members.retain(|_, value| plain(value));
        self.outcome.members = members;
        Ok(has_objects || is_envelope)
    }
}

/// The list of objects.
struct Objects<'a> {
    outcome: &'a mut Outcome,
    each: &'a mut dyn FnMut(Object),
}

impl<'de> DeserializeSeed<'de> for Objects<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Objects<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of objects")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, items: A) -> Result<(), A::Error> {
        objects(items, self.outcome, self.each)
    }

    /// STIX 1 and others have an object here.
    fn visit_map<A: MapAccess<'de>>(self, _: A) -> Result<(), A::Error> {
        Err(A::Error::custom("`objects` is no list"))
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }
}

fn objects<'de, A: SeqAccess<'de>>(
    mut items: A,
    outcome: &mut Outcome,
    each: &mut dyn FnMut(Object),
) -> Result<(), A::Error> {
    while let Some(value) = items.next_element::<Value>()? {
        give(value, outcome, each);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, objects: u64, left_out: u64) -> Outcome {
        let mut found = 0;
        let outcome = bundle(text.as_bytes(), &mut |_| found += 1).unwrap();
        assert_eq!((outcome.objects, outcome.left_out), (objects, left_out), "{text}: {:?}", outcome.told);
        assert_eq!(found, objects);
        outcome
    }

    #[test]
    fn all_forms_are_read() {
        let one = r#"{"type":"malware","id":"malware--1","x_own":{"a":[1]}}"#;
        check(&format!(r#"{{"type":"bundle","id":"bundle--1","objects":[{one},{one}]}}"#), 2, 0);
        check(&format!("[{one}]"), 1, 0);
        check(one, 1, 0);
        check("{}", 0, 0);
        check(r#"{"type":"bundle","id":"bundle--1"}"#, 0, 0);
        let envelope = check(&format!(r#"{{"more":true,"next":"7","objects":[{one}]}}"#), 1, 0);
        assert_eq!(envelope.members["next"], "7");
    }

    #[test]
    fn what_is_left_out_is_told() {
        let outcome = check(
            r#"[{"type":"a"},{"id":"a--1"},7,{"type":"a","id":"b--1"},{"type":"a","id":"a--1"}]"#,
            1,
            4,
        );
        assert!(outcome.told[0].contains("object 1"), "{:?}", outcome.told);
        assert!(outcome.told[3].contains("b--1"), "{:?}", outcome.told);
    }

    #[test]
    fn what_is_no_stix_is_refused() {
        assert!(matches!(bundle(b"{\"a\":1}", &mut |_| ()), Err(ReadError::NoObjects)));
        assert!(matches!(bundle(b"[", &mut |_| ()), Err(ReadError::Json(_))));
        assert!(matches!(bundle(b"{\"objects\":{}}", &mut |_| ()), Err(ReadError::Json(_))));
        let deep = format!("[{}", "[".repeat(10_000));
        assert!(matches!(bundle(deep.as_bytes(), &mut |_| ()), Err(ReadError::Json(_))));
        assert!(matches!(from(&b"[{},{}]"[..], 4, &mut |_| ()), Err(ReadError::TooLong(4))));
        assert!(from(&b"[{}]"[..], 4, &mut |_| ()).is_ok());
    }
}

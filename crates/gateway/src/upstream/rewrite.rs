//! The model's name in a JSON body, replaced without touching any other byte.

use std::ops::Range;

use bytes::{Bytes, BytesMut};

use super::error::UpstreamError;

/// The body with `model` as its model. Every top-level `model` is replaced, however its name is escaped, since servers
/// differ in which of two they read. One is added where there is none.
pub(super) fn with_model(body: &Bytes, model: &str) -> Result<Bytes, UpstreamError> {
    let found = Scanner { body, at: 0 }.scan().ok_or(UpstreamError::Body("it is no JSON object"))?;
    let quoted = serde_json::to_string(model).unwrap_or_default();
    if !found.values.is_empty()
        && found.values.iter().all(|value| body.get(value.clone()) == Some(quoted.as_bytes()))
    {
        return Ok(body.clone());
    }
    let mut whole = BytesMut::with_capacity(body.len() + quoted.len() + 16);
    let mut from = 0;
    let mut copy = |whole: &mut BytesMut, to: usize, next: usize| {
        whole.extend_from_slice(body.get(from..to).unwrap_or_default());
        from = next;
    };
    if found.values.is_empty() {
        copy(&mut whole, found.open, found.open);
        whole.extend_from_slice(b"\"model\":");
        whole.extend_from_slice(quoted.as_bytes());
        whole.extend_from_slice(if found.is_empty { b"" } else { b"," });
    }
    for value in &found.values {
        copy(&mut whole, value.start, value.end);
        whole.extend_from_slice(quoted.as_bytes());
    }
    copy(&mut whole, body.len(), body.len());
    Ok(whole.freeze())
}

struct Found {
    /// After the opening brace.
    open: usize,
    is_empty: bool,
    /// The values of each top-level `model`.
    values: Vec<Range<usize>>,
}

/// Walks over the top level of an object. What is nested is skipped by its brackets and strings, without recursion.
struct Scanner<'a> {
    body: &'a [u8],
    at: usize,
}

impl Scanner<'_> {
    fn scan(mut self) -> Option<Found> {
        self.space();
        self.expect(b'{')?;
        let open = self.at;
        let mut found = Found { open, is_empty: false, values: Vec::new() };
        self.space();
        if self.peek()? == b'}' {
            found.is_empty = true;
            return Some(found);
        }
        loop {
            self.space();
            let key = self.string()?;
            self.space();
            self.expect(b':')?;
            self.space();
            let start = self.at;
            self.value()?;
            if self.is_model(key) {
                found.values.push(start..self.at);
            }
            self.space();
            match self.next()? {
                b',' => {}
                b'}' => return Some(found),
                _ => return None,
            }
        }
    }

    fn is_model(&self, key: Range<usize>) -> bool {
        let Some(quoted) = self.body.get(key) else { return false };
        if !quoted.contains(&b'\\') {
            return quoted == b"\"model\"";
        }
        serde_json::from_slice::<String>(quoted).is_ok_and(|key| key == "model")
    }

    fn peek(&self) -> Option<u8> {
        self.body.get(self.at).copied()
    }

    fn next(&mut self) -> Option<u8> {
        let byte = self.peek()?;
        self.at += 1;
        Some(byte)
    }

    fn expect(&mut self, wanted: u8) -> Option<()> {
        (self.next()? == wanted).then_some(())
    }

    fn space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\r' | b'\n')) {
            self.at += 1;
        }
    }

    /// A string with its quotes.
    fn string(&mut self) -> Option<Range<usize>> {
        let start = self.at;
        self.expect(b'"')?;
        loop {
            let rest = self.body.get(self.at..)?;
            let step = memchr::memchr2(b'"', b'\\', rest)?;
            let is_end = rest.get(step) == Some(&b'"');
            self.at += step + if is_end { 1 } else { 2 };
            if is_end {
                return Some(start..self.at);
            }
        }
    }

    fn value(&mut self) -> Option<()> {
        match self.peek()? {
            b'"' => self.string().map(|_| ()),
            b'{' | b'[' => self.nested(),
            _ => {
                let rest = self.body.get(self.at..)?;
                let is_end = |byte: &u8| matches!(byte, b',' | b'}' | b']' | b' ' | b'\t' | b'\r' | b'\n');
                let length = rest.iter().position(is_end)?;
                self.at += length;
                (length > 0).then_some(())
            }
        }
    }

    fn nested(&mut self) -> Option<()> {
        let mut depth = 0_usize;
        loop {
            match self.peek()? {
                b'"' => {
                    self.string()?;
                    continue;
                }
                b'{' | b'[' => depth += 1,
                b'}' | b']' => depth = depth.checked_sub(1)?,
                _ => {}
            }
            self.at += 1;
            if depth == 0 {
                return Some(());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    fn check(body: &str, expected: Option<&str>) {
        let found = with_model(&Bytes::copy_from_slice(body.as_bytes()), "m").ok();
        assert_eq!(found.as_deref(), expected.map(str::as_bytes), "{body}");
    }

    #[test]
    fn only_the_name_changes() {
        check(
            r#"{ "model" : "gpt" , "x":[{"model":"y"}] }"#,
            Some(r#"{ "model" : "m" , "x":[{"model":"y"}] }"#),
        );
        check(r#"{"m\u006fdel":"gpt"}"#, Some(r#"{"m\u006fdel":"m"}"#));
        check(r#"{"model":"a","model":{"b":1}}"#, Some(r#"{"model":"m","model":"m"}"#));
        check(r#"{"a":"\"}"}"#, Some(r#"{"model":"m","a":"\"}"}"#));
        check("{}", Some(r#"{"model":"m"}"#));
        check(r#"{"model":"m"}"#, Some(r#"{"model":"m"}"#));
        check("[]", None);
        check(r#"{"a":1"#, None);
        check(r#"{"a"}"#, None);
        check("", None);
    }

    fn values() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            ".{0,8}".prop_map(Value::from)
        ];
        leaf.prop_recursive(3, 24, 4, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                proptest::collection::btree_map("[a-z\"\\\\]{0,4}|model", inner, 0..4)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn agrees_with_a_parser(value in values(), pretty in any::<bool>()) {
            let text = if pretty { serde_json::to_string_pretty(&value) } else { serde_json::to_string(&value) }.unwrap();
            let found = with_model(&Bytes::from(text), "m").ok();
            let expected = value.as_object().cloned().map(|mut object| {
                object.insert("model".to_owned(), json!("m"));
                Value::Object(object)
            });
            prop_assert_eq!(found.map(|found| serde_json::from_slice::<Value>(&found).unwrap()), expected);
        }

        #[test]
        fn never_panics(body in proptest::collection::vec(any::<u8>(), 0..64)) {
            let _ = with_model(&Bytes::from(body), "m");
        }
    }
}

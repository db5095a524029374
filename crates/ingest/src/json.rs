//! Writes JSON text straight into a buffer, without a tree of values in between.

use std::io::Write;

use castellan_base::Ticks;

/// An object that is being written. Members with nothing to say are left out: an absent column is empty.
pub(crate) struct Object<'a> {
    out: &'a mut Vec<u8>,
    empty: bool,
}

impl<'a> Object<'a> {
    pub(crate) fn begin(out: &'a mut Vec<u8>) -> Object<'a> {
        out.push(b'{');
        Object { out, empty: true }
    }

    pub(crate) fn end(self) {
        self.out.push(b'}');
    }

    /// Begins a member; its value is to be written into what this returns.
    pub(crate) fn key(&mut self, key: &str) -> &mut Vec<u8> {
        if !self.empty {
            self.out.push(b',');
        }
        self.empty = false;
        string(self.out, key);
        self.out.push(b':');
        self.out
    }

    /// Members that were written before, without braces.
    pub(crate) fn members(&mut self, members: &[u8]) {
        if members.is_empty() {
            return;
        }
        if !self.empty {
            self.out.push(b',');
        }
        self.empty = false;
        self.out.extend_from_slice(members);
    }

    /// A text; an empty one is left out.
    pub(crate) fn text(&mut self, key: &str, text: &str) {
        if !text.is_empty() {
            string(self.key(key), text);
        }
    }

    pub(crate) fn integer(&mut self, key: &str, number: i64) {
        integer(self.key(key), number);
    }

    /// A finite number; any other is left out, which the caller tells.
    pub(crate) fn real(&mut self, key: &str, number: f64) {
        if number.is_finite() {
            real(self.key(key), number);
        }
    }

    pub(crate) fn boolean(&mut self, key: &str, value: bool) {
        self.key(key).extend_from_slice(if value { b"true" } else { b"false" });
    }

    pub(crate) fn time(&mut self, key: &str, time: Ticks) {
        let out = self.key(key);
        // A vector takes whatever is written.
        let _ = write!(out, "\"{time}\"");
    }

    /// A value that is JSON already; nothing is left out.
    pub(crate) fn raw(&mut self, key: &str, json: &[u8]) {
        if !json.is_empty() {
            self.key(key).extend_from_slice(json);
        }
    }
}

pub(crate) fn integer(out: &mut Vec<u8>, number: i64) {
    let _ = write!(out, "{number}");
}

/// A finite number.
pub(crate) fn real(out: &mut Vec<u8>, number: f64) {
    let _ = serde_json::to_writer(out, &number);
}

/// A text with its quotes, escaped after RFC 8259.
pub(crate) fn string(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    let bytes = text.as_bytes();
    let mut plain = 0;
    for (place, &byte) in bytes.iter().enumerate() {
        if byte >= 0x20 && byte != b'"' && byte != b'\\' {
            continue;
        }
        out.extend_from_slice(bytes.get(plain..place).unwrap_or_default());
        plain = place + 1;
        match byte {
            b'"' => out.extend_from_slice(b"\\\""),
            b'\\' => out.extend_from_slice(b"\\\\"),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            control => {
                let _ = write!(out, "\\u{control:04x}");
            }
        }
    }
    out.extend_from_slice(bytes.get(plain..).unwrap_or_default());
    out.push(b'"');
}

/// The longest piece of a text within a number of bytes that ends at a character.
pub(crate) fn cut(text: &str, longest: usize) -> &str {
    if text.len() <= longest {
        return text;
    }
    let mut end = longest;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn strings_come_back(text in any::<String>()) {
            let mut out = Vec::new();
            string(&mut out, &text);
            prop_assert_eq!(serde_json::from_slice::<String>(&out).unwrap(), text);
        }

        #[test]
        fn numbers_come_back(whole in any::<i64>(), number in proptest::num::f64::NORMAL) {
            let mut out = Vec::new();
            let mut object = Object::begin(&mut out);
            object.integer("whole", whole);
            object.real("number", number);
            object.end();
            let value: serde_json::Value = serde_json::from_slice(&out).unwrap();
            prop_assert_eq!(value["whole"].as_i64(), Some(whole));
            let back = value["number"].as_f64().unwrap();
            prop_assert!(((back - number) / number).abs() < 1e-15);
        }

        #[test]
        fn cuts_end_at_a_character(text in any::<String>(), longest in 0_usize..64) {
            let kept = cut(&text, longest);
            prop_assert!(kept.len() <= longest && text.starts_with(kept));
        }
    }
}

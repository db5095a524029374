//! YAML 1.2 with positions, for Kubernetes manifests and for Castellan's own content.
//!
//! Scalars follow the core schema (`true`, `null`, `12`, `1.5`; everything else and everything quoted is a string).
//! Anchors, aliases and merge keys work. Aliases count towards [`Limits::values`] each time they are used, so that a
//! few lines of nested aliases cannot stand for billions of values.
//!
//! ```
//! use castellan_base::{Limits, Sources, yaml};
//!
//! let mut sources = Sources::default();
//! let source = sources.add("pods.yaml", "kind: Pod\n---\nkind: Service\n");
//! let documents = yaml::parse_all(&sources.text(source).unwrap(), source, &Limits::default()).unwrap();
//! assert_eq!(documents[1].get("kind").unwrap().as_str(), Some("Service"));
//! assert_eq!(sources.locate(documents[1].get("kind").unwrap().span).unwrap().to_string(), "pods.yaml:3:7");
//! ```

use std::sync::Arc;

use rustc_hash::FxHashMap;
use saphyr_parser::{Event, Parser as Events, ScalarStyle, Span as Mark, StrInput};

use crate::diagnostic::Diagnostic;
use crate::limits::Limits;
use crate::span::{SourceId, Span};
use crate::value::{Member, Node, Object, Value};

/// Reads every document of a stream. An empty document gives `null`.
pub fn parse_all(text: &str, source: SourceId, limits: &Limits) -> Result<Vec<Node>, Diagnostic> {
    let length = u64::try_from(text.len()).unwrap_or(u64::MAX);
    if length > limits.bytes || length >= u64::from(u32::MAX) {
        let message = format!("the document has {length} bytes; at most {} are read", limits.bytes);
        return Err(Diagnostic::error(Span::new(source, 0, 0), message));
    }
    let mut reader = Reader {
        events: Events::new_from_str(text),
        offsets: ByteOffsets::new(text),
        source,
        limits,
        values: 0,
        anchors: FxHashMap::default(),
    };
    reader.documents()
}

/// Reads a stream that must hold exactly one document.
pub fn parse(text: &str, source: SourceId, limits: &Limits) -> Result<Node, Diagnostic> {
    let mut documents = parse_all(text, source, limits)?;
    match (documents.pop(), documents.is_empty()) {
        (Some(document), true) => Ok(document),
        (None, _) => Ok(Node { value: Value::Null, span: Span::new(source, 0, 0) }),
        (Some(second), false) => {
            Err(Diagnostic::error(second.span, "expected one YAML document, found several"))
        }
    }
}

/// The parser counts characters; spans count bytes.
struct ByteOffsets {
    /// Byte offset of every character; empty for ASCII text, where the two agree.
    offsets: Vec<u32>,
    length: usize,
}

impl ByteOffsets {
    fn new(text: &str) -> ByteOffsets {
        let offsets = if text.is_ascii() {
            Vec::new()
        } else {
            text.char_indices().map(|(offset, _)| u32::try_from(offset).unwrap_or(u32::MAX)).collect()
        };
        ByteOffsets { offsets, length: text.len() }
    }

    fn byte(&self, character: usize) -> usize {
        if self.offsets.is_empty() {
            return character.min(self.length);
        }
        self.offsets
            .get(character)
            .map_or(self.length, |offset| usize::try_from(*offset).unwrap_or(self.length))
    }
}

/// A finished value and how many values it stands for.
type Sized = (Node, u32);

struct Reader<'a> {
    events: Events<'a, StrInput<'a>>,
    offsets: ByteOffsets,
    source: SourceId,
    limits: &'a Limits,
    values: u32,
    anchors: FxHashMap<usize, Sized>,
}

impl<'a> Reader<'a> {
    fn span(&self, mark: Mark) -> Span {
        let (start, end) = (self.offsets.byte(mark.start.index()), self.offsets.byte(mark.end.index()));
        Span::new(self.source, start, end.max(start))
    }

    fn next(&mut self) -> Result<Option<(Event<'a>, Span)>, Diagnostic> {
        match self.events.next_event() {
            None => Ok(None),
            Some(Ok((event, mark))) => Ok(Some((event, self.span(mark)))),
            Some(Err(error)) => {
                let at = self.offsets.byte(error.marker().index());
                Err(Diagnostic::error(Span::new(self.source, at, at), error.info().to_owned()))
            }
        }
    }

    fn documents(&mut self) -> Result<Vec<Node>, Diagnostic> {
        let mut documents = Vec::new();
        while let Some((event, span)) = self.next()? {
            match event {
                Event::StreamStart | Event::DocumentStart(_) | Event::DocumentEnd | Event::Nothing => {}
                Event::StreamEnd => break,
                event => {
                    self.anchors.clear();
                    documents.push(self.value(event, span, 0)?.0);
                }
            }
        }
        Ok(documents)
    }

    fn count(&mut self, values: u32, span: Span) -> Result<(), Diagnostic> {
        self.values = self.values.saturating_add(values);
        if self.values > self.limits.values {
            let message = format!("more than {} values in one file", self.limits.values);
            return Err(Diagnostic::error(span, message));
        }
        Ok(())
    }

    fn value(&mut self, event: Event<'a>, span: Span, depth: u32) -> Result<Sized, Diagnostic> {
        if depth > self.limits.depth {
            return Err(Diagnostic::error(span, format!("nested more than {} deep", self.limits.depth)));
        }
        self.count(1, span)?;
        let (anchor, sized) = match event {
            Event::Scalar(text, style, anchor, _) => (anchor, (scalar(&text, style).at(span), 1)),
            Event::SequenceStart(anchor, _) => (anchor, self.sequence(span, depth)?),
            Event::MappingStart(anchor, _) => (anchor, self.mapping(span, depth)?),
            Event::Alias(anchor) => {
                let Some((node, size)) = self.anchors.get(&anchor).cloned() else {
                    return Err(Diagnostic::error(span, "this alias names no finished anchor"));
                };
                self.count(size, span)?;
                (0, (Node { value: node.value, span }, size))
            }
            _ => return Err(Diagnostic::error(span, "expected a value")),
        };
        if anchor > 0 {
            self.anchors.insert(anchor, sized.clone());
        }
        Ok(sized)
    }

    fn expect_next(&mut self, span: Span) -> Result<(Event<'a>, Span), Diagnostic> {
        self.next()?.ok_or_else(|| Diagnostic::error(span, "the file ends inside this value"))
    }

    fn sequence(&mut self, start: Span, depth: u32) -> Result<Sized, Diagnostic> {
        let mut items = Vec::new();
        let mut size = 1_u32;
        loop {
            let (event, span) = self.expect_next(start)?;
            if matches!(event, Event::SequenceEnd) {
                let whole = Span { end: span.end, ..start };
                return Ok((Value::array(items).at(whole), size));
            }
            let (item, item_size) = self.value(event, span, depth + 1)?;
            size = size.saturating_add(item_size);
            items.push(item);
        }
    }

    fn mapping(&mut self, start: Span, depth: u32) -> Result<Sized, Diagnostic> {
        let mut object = Object::new();
        let mut merged = Vec::new();
        let mut size = 1_u32;
        loop {
            let (event, key_span) = self.expect_next(start)?;
            if matches!(event, Event::MappingEnd) {
                for member in merged {
                    merge(&mut object, member);
                }
                let whole = Span { end: key_span.end, ..start };
                return Ok((Value::object(object).at(whole), size));
            }
            let key = self.key(event, key_span)?;
            let (event, span) = self.expect_next(start)?;
            let (value, value_size) = self.value(event, span, depth + 1)?;
            size = size.saturating_add(value_size);
            if &*key == "<<" {
                merged.push(value);
            } else {
                object.push(Member { key, key_span, value });
            }
        }
    }

    fn key(&mut self, event: Event<'a>, span: Span) -> Result<Arc<str>, Diagnostic> {
        match event {
            Event::Scalar(text, ..) => Ok(text.as_ref().into()),
            Event::Alias(anchor) => match self.anchors.get(&anchor).and_then(|(node, _)| node.as_str()) {
                Some(text) => Ok(text.into()),
                None => Err(Diagnostic::error(span, "a member name has to be a plain value")),
            },
            _ => Err(Diagnostic::error(span, "a member name has to be a plain value")),
        }
    }
}

/// Merge key (`<<`): members of the merged mapping that the mapping itself does not have.
fn merge(object: &mut Object, merged: Node) {
    match &merged.value {
        Value::Object(other) => {
            for member in other.iter() {
                if object.iter().all(|own| own.key != member.key) {
                    object.push(member.clone());
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| merge(object, item.clone())),
        _ => {}
    }
}

/// A scalar by the core schema of YAML 1.2.
fn scalar(text: &str, style: ScalarStyle) -> Value {
    if style != ScalarStyle::Plain {
        return Value::string(text);
    }
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Value::Null,
        "true" | "True" | "TRUE" => return Value::Bool(true),
        "false" | "False" | "FALSE" => return Value::Bool(false),
        _ => {}
    }
    let numeric = text.bytes().all(|byte| byte.is_ascii_digit() || b"+-.eE".contains(&byte))
        && text.bytes().any(|byte| byte.is_ascii_digit());
    if numeric {
        if let Ok(whole) = text.parse::<i64>() {
            return Value::Int(whole);
        }
        if let Ok(number) = text.parse::<f64>() {
            return Value::Float(number);
        }
    }
    Value::string(text)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::span::Sources;

    fn read(text: &str) -> Result<Vec<Node>, String> {
        let mut sources = Sources::default();
        let source = sources.add("t", text);
        parse_all(text, source, &Limits::default()).map_err(|diagnostic| diagnostic.message)
    }

    #[test]
    fn core_schema_anchors_and_merges() {
        let text =
            "base: &b {a: 1, c: 'x'}\nlist: [yes, 1.5, ~, *b]\nmerged:\n  <<: *b\n  a: 2\n\u{e9}: |\n  t\n";
        let expected = serde_json::json!({
            "base": {"a": 1, "c": "x"}, "list": ["yes", 1.5, null, {"a": 1, "c": "x"}],
            "merged": {"a": 2, "c": "x"}, "\u{e9}": "t\n"
        });
        assert_eq!(read(text).unwrap()[0].to_json(), expected);
    }

    #[test]
    fn alias_bombs_are_refused() {
        let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
        for level in 1..12 {
            let alias = format!("*a{}", level - 1);
            text += &format!("a{level}: &a{level} [{}]\n", vec![alias; 10].join(", "));
        }
        assert!(read(&text).unwrap_err().contains("more than"));
        assert!(read(&"[".repeat(5000)).is_err());
    }

    proptest! {
        #[test]
        fn never_panics(text in "[ \\n:a&*\\[\\]{}|<\u{e9}-]{0,60}") {
            let _ = read(&text);
        }
    }
}

//! Lists of objects that were flattened into attributes: `llm.input_messages.0.message.role`.

use std::collections::BTreeMap;

use opentelemetry_proto::tonic::common::v1::AnyValue;

use crate::json;
use crate::otlp::value;
use crate::problem::{ProblemKind, Problems};

/// Deepest nesting of names that is put together again.
const MAX_SEGMENTS: usize = 24;

#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Segment<'a> {
    Place(u32),
    Name(&'a str),
}

#[derive(Default)]
struct Node<'a> {
    leaf: Option<&'a AnyValue>,
    below: BTreeMap<Segment<'a>, Node<'a>>,
}

/// Writes attributes by the rest of their names as one JSON value. Numbers in names become places of arrays, segments
/// that are to be dropped are left out.
pub(super) fn write(
    out: &mut Vec<u8>,
    group: &[(&str, Option<&AnyValue>)],
    drop: &[String],
    problems: &mut Problems,
) {
    let mut root = Node::default();
    for (rest, leaf) in group {
        if rest.split('.').count() > MAX_SEGMENTS {
            problems.tell(ProblemKind::TooDeep);
            continue;
        }
        let mut node = &mut root;
        for segment in rest.split('.').filter(|segment| !drop.iter().any(|name| name == segment)) {
            let segment = segment.parse().map_or(Segment::Name(segment), Segment::Place);
            node = node.below.entry(segment).or_default();
        }
        node.leaf = *leaf;
    }
    root.write(out, problems);
}

impl Node<'_> {
    fn write(&self, out: &mut Vec<u8>, problems: &mut Problems) {
        if self.below.is_empty() {
            value(out, self.leaf, problems);
        } else if self.leaf.is_none() && self.below.keys().all(|segment| matches!(segment, Segment::Place(_)))
        {
            out.push(b'[');
            for (place, node) in self.below.values().enumerate() {
                if place > 0 {
                    out.push(b',');
                }
                node.write(out, problems);
            }
            out.push(b']');
        } else {
            let mut object = json::Object::begin(out);
            if self.leaf.is_some() {
                value(object.key(""), self.leaf, problems);
            }
            for (segment, node) in &self.below {
                match segment {
                    Segment::Place(place) => node.write(object.key(&place.to_string()), problems),
                    Segment::Name(name) => node.write(object.key(name), problems),
                }
            }
            object.end();
        }
    }
}

#[cfg(test)]
mod tests {
    use opentelemetry_proto::tonic::common::v1::any_value::Value;

    use super::*;

    fn check(group: &[(&str, &str)], drop: &[&str], expected: &str) {
        let values: Vec<(&str, AnyValue)> = group
            .iter()
            .map(|(rest, text)| (*rest, AnyValue { value: Some(Value::StringValue((*text).to_owned())) }))
            .collect();
        let group: Vec<_> = values.iter().map(|(rest, value)| (*rest, Some(value))).collect();
        let drop: Vec<String> = drop.iter().map(|name| (*name).to_owned()).collect();
        let mut out = Vec::new();
        write(&mut out, &group, &drop, &mut Problems::default());
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }

    #[test]
    fn lists_come_together() {
        check(
            &[("1.message.role", "user"), ("0.message.role", "system"), ("10.message.role", "assistant")],
            &["message"],
            r#"[{"role":"system"},{"role":"user"},{"role":"assistant"}]"#,
        );
        check(
            &[("0.tool_calls.0.name", "f"), ("0.tool_calls.1.name", "g"), ("0.content", "")],
            &[],
            r#"[{"content":"","tool_calls":[{"name":"f"},{"name":"g"}]}]"#,
        );
    }

    #[test]
    fn what_contradicts_itself_keeps_both() {
        check(&[("0", "a"), ("0.role", "b"), ("x", "c")], &[], r#"{"0":{"":"a","role":"b"},"x":"c"}"#);
    }
}

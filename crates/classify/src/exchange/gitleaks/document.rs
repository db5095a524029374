//! TOML as a tree of nodes that know their places.

use castellan_base::{Diagnostic, Member, Node, Object, SourceId, Span, Value};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// Largest file, in bytes. A value takes some fifty times as much as it has bytes.
const LARGEST: usize = 4 << 20;

/// Reads a document. The `toml` crate bounds its depth.
pub(crate) fn document(text: &str, file: SourceId) -> Result<Node, Diagnostic> {
    if text.len() > LARGEST {
        let message = format!("the file has {} bytes; at most {LARGEST} are read", text.len());
        return Err(Diagnostic::error(Span::new(file, 0, 0), message).with_help("part it into several"));
    }
    match DeTable::parse(text) {
        Ok(table) => {
            let range = table.span();
            Ok(object(table.get_ref(), file).at(Span::new(file, range.start, range.end)))
        }
        Err(error) => {
            let range = error.span().unwrap_or_default();
            let message = format!("the file is no TOML: {}", error.message().replace('\n', "; "));
            Err(Diagnostic::error(Span::new(file, range.start, range.end), message))
        }
    }
}

fn object(table: &DeTable<'_>, file: SourceId) -> Value {
    let mut members: Vec<Member> = table
        .iter()
        .map(|(key, value)| Member {
            key: key.get_ref().as_ref().into(),
            key_span: Span::new(file, key.span().start, key.span().end),
            value: node(value, file),
        })
        .collect();
    // The parser sorts members by name.
    members.sort_by_key(|member| member.key_span.start);
    let mut object = Object::new();
    members.into_iter().for_each(|member| object.push(member));
    Value::object(object)
}

fn node(value: &Spanned<DeValue<'_>>, file: SourceId) -> Node {
    let range = value.span();
    let read = match value.get_ref() {
        DeValue::String(text) => Value::string(text.as_ref()),
        DeValue::Integer(number) => match i64::from_str_radix(number.as_str(), number.radix()) {
            Ok(number) => Value::Int(number),
            Err(_) => Value::string(number.as_str()),
        },
        DeValue::Float(number) => match number.as_str().parse() {
            Ok(number) => Value::Float(number),
            Err(_) => Value::string(number.as_str()),
        },
        DeValue::Boolean(flag) => Value::Bool(*flag),
        DeValue::Datetime(time) => Value::string(time.to_string()),
        DeValue::Array(items) => Value::array(items.iter().map(|item| node(item, file)).collect()),
        DeValue::Table(table) => object(table, file),
    };
    read.at(Span::new(file, range.start, range.end))
}

//! `parse_xml`: an XML text as a bag.
//!
//! An element without attributes and children is its text, or null; any other a bag of its attributes (`@name`), its
//! children (an array where a name repeats) and its text (`#text`). Documents with a type declaration are refused: their
//! entities can make a short text long.

use std::sync::Arc;

use indexmap::IndexMap;
use roxmltree::{Document, Node, ParsingOptions};

use super::{ScalarFunction, function, text_at};
use crate::value::{Dynamic, Value};

/// Longest text, in bytes. Source: Kusto documentation, `parse_xml`.
const LONGEST: usize = 1 << 20;

/// Most elements, attributes aside.
const MOST_NODES: u32 = 1 << 18;

/// Most namespaces in one place.
const MOST_NAMESPACES: usize = 32;

/// How deep elements may stand in each other.
const DEEPEST: usize = 128;

type Members = IndexMap<Arc<str>, Dynamic>;

fn parse_xml(arguments: &[Value]) -> Option<Value> {
    let text = text_at(arguments, 0);
    let text = text.trim();
    if text.len() > LONGEST {
        return None;
    }
    let options = ParsingOptions { nodes_limit: MOST_NODES, ..ParsingOptions::default() };
    let document = Document::parse_with_options(text, options).ok()?;
    let root = document.root_element();
    let mut members = Members::new();
    members.insert(name(root, text), element(root, text, 0)?);
    Some(Value::dynamic(Dynamic::Bag(members)))
}

/// The name as it is written, with its prefix.
fn name(node: Node<'_, '_>, text: &str) -> Arc<str> {
    let tag = text.get(node.range()).unwrap_or_default().trim_start_matches('<');
    let ends = |character: char| character.is_whitespace() || matches!(character, '>' | '/');
    tag.split(ends).next().unwrap_or_default().into()
}

/// The value of an element; `None` when it is too deep.
fn element(node: Node<'_, '_>, text: &str, depth: usize) -> Option<Dynamic> {
    if depth > DEEPEST || node.namespaces().len() > MOST_NAMESPACES {
        return None;
    }
    let mut members = attributes(node, text);
    for child in node.children() {
        if child.is_element() {
            add(&mut members, name(child, text), element(child, text, depth + 1)?);
        } else if let Some(piece) =
            child.text().map(str::trim).filter(|piece| child.is_text() && !piece.is_empty())
        {
            add(&mut members, "#text".into(), Dynamic::String(piece.into()));
        }
    }
    if members.len() == 1 && matches!(members.get("#text"), Some(Dynamic::String(_))) {
        return members.swap_remove("#text");
    }
    Some(if members.is_empty() { Dynamic::Null } else { Dynamic::Bag(members) })
}

/// The attributes, and the namespaces that the element declares.
fn attributes(node: Node<'_, '_>, text: &str) -> Members {
    let mut members = Members::new();
    let outer = node.parent_element();
    // The tree does not say where a namespace was declared; most elements declare none.
    let tag = text.get(node.range()).and_then(|element| element.split('>').next()).unwrap_or_default();
    for namespace in node.namespaces().filter(|_| tag.contains("xmlns")) {
        let is_outer = outer.is_some_and(|outer| outer.namespaces().any(|known| known == namespace));
        if is_outer || namespace.name() == Some("xml") {
            continue;
        }
        let key = namespace.name().map_or("@xmlns".to_owned(), |prefix| format!("@xmlns:{prefix}"));
        members.insert(key.into(), Dynamic::String(namespace.uri().into()));
    }
    for attribute in node.attributes() {
        let name = text.get(attribute.range_qname()).unwrap_or(attribute.name());
        members.insert(format!("@{name}").into(), Dynamic::String(attribute.value().into()));
    }
    members
}

/// Puts a value to the others of its name, if there are some.
fn add(members: &mut Members, name: Arc<str>, value: Dynamic) {
    match members.get_mut(&name) {
        Some(Dynamic::Array(values)) => values.push(value),
        Some(known) => *known = Dynamic::Array(vec![std::mem::replace(known, Dynamic::Null), value]),
        None => {
            members.insert(name, value);
        }
    }
}

pub(super) const FUNCTIONS: &[ScalarFunction] =
    &[function("parse_xml", 1, 1, |a| parse_xml(a).unwrap_or_default())];

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parsed(text: &str) -> String {
        parse_xml(&[Value::string(text)]).unwrap_or_default().to_text()
    }

    #[test]
    fn the_documented_shapes_agree() {
        let cases = [
            ("<e/>", r#"{"e":null}"#),
            ("<e>text</e>", r#"{"e":"text"}"#),
            (r#"<e name="value" />"#, r#"{"e":{"@name":"value"}}"#),
            (r#"<e name="value">text</e>"#, r##"{"e":{"@name":"value","#text":"text"}}"##),
            ("<e> <a>text</a> <b>text</b> </e>", r#"{"e":{"a":"text","b":"text"}}"#),
            ("<e> <a>text</a> <a>text</a> </e>", r#"{"e":{"a":["text","text"]}}"#),
            ("<e> text <a>text</a> </e>", r##"{"e":{"#text":"text","a":"text"}}"##),
        ];
        for (xml, json) in cases {
            assert_eq!(parsed(xml), json);
        }
    }

    #[test]
    fn events_keep_their_names() {
        let event = r#"<?xml version="1.0"?>
            <Event xmlns="urn:e" xmlns:x="urn:x"><x:Data Name="User">a &amp; b</x:Data><Data x:n="1"><![CDATA[<c>]]></Data></Event>"#;
        let json = r##"{"Event":{"@xmlns":"urn:e","@xmlns:x":"urn:x","x:Data":{"@Name":"User","#text":"a & b"},"Data":{"@x:n":"1","#text":"<c>"}}}"##;
        assert_eq!(parsed(event), json);
    }

    #[test]
    fn what_is_not_well_formed_or_too_deep_is_null() {
        assert_eq!(parsed("<a><b></a>"), "");
        assert_eq!(parsed("plain"), "");
        assert_eq!(parsed("<!DOCTYPE a [<!ENTITY e 'x'>]><a>&e;</a>"), "");
        assert_eq!(parsed(&format!("{}{}", "<a>".repeat(200), "</a>".repeat(200))), "");
        assert_eq!(parsed(&"<a>".repeat(300_000)), "");
    }

    proptest! {
        #[test]
        fn anything_may_be_read(text in "[<>/a-c \"'=&;!\\[\\]?-]{0,40}") {
            parsed(&text);
        }
    }
}

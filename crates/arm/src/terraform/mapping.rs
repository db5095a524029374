//! From the attributes of an `azurerm_*` resource to the body of Azure's.

use std::borrow::Cow;

use castellan_base::{Node, Object, Span, Value};

use super::catalogue::{Attribute, Entry, Shape};
use super::document::Instance;
use super::notes::Notes;
use super::transform::{self, Step};

/// Attributes that every type may have and that say nothing about the resource, or that name and place it.
const COMMON: [&str; 6] = ["id", "name", "location", "resource_group_name", "timeouts", "resource_group_id"];

/// The members of the body beside `id`, `name`, `type` and `location`.
pub(super) fn body(entry: &Entry, instance: &Instance, values: &Node, notes: &mut Notes) -> Object {
    let mut body = Object::new();
    let covers = |name: &str| {
        entry.attributes.iter().any(|attribute| attribute.names.iter().any(|known| known == name))
    };
    let set = |name: &str| values.get(name).filter(|value| !covers(name) && is_set(value));
    if let Some(identity) = set("identity").and_then(transform::identity) {
        body.insert("identity", identity);
    }
    for name in ["tags", "zones"] {
        if let Some(value) = set(name) {
            body.insert(name, value.clone());
        }
    }
    let mapped = attributes(&entry.attributes, values, instance.span);
    transform::merge(&mut body, Some(&mapped));
    for (path, value) in &entry.fixed {
        fill(&mut body, path, at(value, instance.span));
    }
    let mut unmapped = Vec::new();
    strangers(&entry.attributes, values, "", &mut unmapped);
    let placing = |name: &String| {
        COMMON.contains(&name.as_str())
            || matches!(name.as_str(), "tags" | "zones" | "identity")
            || entry.placed_by(name)
    };
    unmapped.retain(|name| !placing(name));
    notes.attributes(instance, unmapped);
    body
}

/// What a set of attributes gives: first all that is set, then the provider's defaults where nothing was.
fn attributes(attributes: &[Attribute], values: &Node, span: Span) -> Object {
    let mut object = Object::new();
    let mut unset = Vec::new();
    for attribute in attributes {
        match value_of(attribute, values) {
            // Of a list only the blocks that it applies to are taken.
            Some(_) if !matches!(attribute.shape, Shape::List(_)) && !applies(attribute, values) => {}
            Some(value) => {
                let value = followed(attribute, value, values);
                give(attribute, &value, span, &mut |path, value| put(&mut object, path, value));
            }
            None => unset.push(attribute),
        }
    }
    for attribute in unset {
        if let Some(default) = attribute.default.as_ref().filter(|_| applies(attribute, values)) {
            give(attribute, &at(default, span), span, &mut |path, value| fill(&mut object, path, value));
        }
    }
    object
}

/// The attribute's value under any of its names.
fn value_of<'a>(attribute: &Attribute, values: &'a Node) -> Option<&'a Node> {
    if values.as_unresolved().is_some() {
        return Some(values);
    }
    // The provider writes texts that are not set as empty ones into the state.
    let is_given = |value: &&Node| !value.is_null() && value.as_str() != Some("");
    attribute.names.iter().find_map(|name| values.get(name).filter(is_given)).filter(|value| match attribute
        .shape
    {
        // An absent block is an empty list.
        Shape::Block(_) | Shape::List(_) => value.as_array() != Some(&[]),
        Shape::Value(_) => true,
    })
}

/// The value with the text of another attribute behind it, where the table asks for that.
fn followed<'a>(attribute: &Attribute, value: &'a Node, values: &Node) -> Cow<'a, Node> {
    let Some((other, separator)) = &attribute.and else { return Cow::Borrowed(value) };
    let Some(other) = values.get(other).filter(|other| !other.is_null()) else { return Cow::Borrowed(value) };
    let parts = Value::array(vec![value.clone(), other.clone()]).at(value.span);
    match value.as_unresolved().or(other.as_unresolved()) {
        None => Cow::Owned(Step::Join(separator.clone()).apply(parts)),
        Some(unresolved) => {
            let text = |node: &Node| node.text_or_symbol().unwrap_or_default().to_owned();
            let symbol = format!("{}{separator}{}", text(value), text(other));
            Cow::Owned(Value::unresolved(unresolved.clone().with_symbol(symbol)).at(value.span))
        }
    }
}

fn applies(attribute: &Attribute, values: &Node) -> bool {
    let Some((name, wanted)) = &attribute.when else { return true };
    values.get(name).is_some_and(|value| value.value == wanted.value)
}

fn give(attribute: &Attribute, value: &Node, span: Span, put: &mut dyn FnMut(&str, Node)) {
    let value = match &attribute.shape {
        Shape::Value(steps) => steps.iter().fold(value.clone(), |value, step| step.apply(value)),
        Shape::Block(inner) => {
            let block = match &value.value {
                Value::Array(items) => items.first().unwrap_or(&Node::NULL),
                _ => value,
            };
            Value::object(attributes(inner, block, block.span.or(span))).at(block.span.or(span))
        }
        Shape::List(inner) => match &value.value {
            Value::Array(items) => {
                let blocks = items.iter().filter(|item| applies(attribute, item));
                let blocks: Vec<Node> = blocks
                    .map(|item| Value::object(attributes(inner, item, item.span)).at(item.span))
                    .collect();
                Value::array(blocks).at(value.span)
            }
            _ => value.clone(),
        },
    };
    // A step that finds nothing (no version in a key's id) leaves the property unset.
    for path in attribute.to.iter().filter(|_| !value.is_null()) {
        put(path, value.clone());
    }
    if let (Shape::Block(_), true) = (&attribute.shape, attribute.to.is_empty()) {
        put("", value);
    }
}

/// Sets a path; an empty one stands for the object itself.
fn put(object: &mut Object, path: &str, value: Node) {
    if path.is_empty() {
        transform::merge(object, value.as_object());
    } else {
        transform::set(object, path, value);
    }
}

/// Sets a path where nothing is.
fn fill(object: &mut Object, path: &str, value: Node) {
    let known = Value::object(std::mem::take(object)).at(Span::NONE);
    let is_free = known.at_path(path).is_none();
    if let Value::Object(members) = known.value {
        *object = std::sync::Arc::unwrap_or_clone(members);
    }
    if path.is_empty() || is_free {
        put(object, path, value);
    }
}

/// A value of the tables at the place of the resource that it belongs to.
fn at(node: &Node, span: Span) -> Node {
    Node::from_json_at(&node.to_json(), span)
}

fn is_set(value: &Node) -> bool {
    match &value.value {
        Value::Null => false,
        Value::String(text) => !text.is_empty(),
        Value::Array(items) => !items.is_empty(),
        Value::Object(members) => !members.is_empty(),
        Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::Unresolved(_) => true,
    }
}

/// The attributes that are set and that no table knows. What is unknown before apply is the provider's to compute.
fn strangers(known: &[Attribute], values: &Node, prefix: &str, found: &mut Vec<String>) {
    let members = match &values.value {
        Value::Array(items) => return items.iter().for_each(|item| strangers(known, item, prefix, found)),
        Value::Object(members) => members,
        _ => return,
    };
    for member in members.iter().filter(|member| is_set(&member.value)) {
        let attribute =
            known.iter().find(|attribute| attribute.names.iter().any(|name| **name == *member.key));
        let path = format!("{prefix}{}", member.key);
        match attribute.map(|attribute| &attribute.shape) {
            Some(Shape::Block(inner) | Shape::List(inner)) => {
                strangers(inner, &member.value, &format!("{path}."), found);
            }
            Some(Shape::Value(_)) => {}
            None if member.value.as_unresolved().is_none() && member.value.as_bool() != Some(false) => {
                found.push(path)
            }
            None => {}
        }
    }
}

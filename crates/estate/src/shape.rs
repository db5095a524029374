//! Small helpers to take trees apart and put them together.

use std::sync::Arc;

use castellan_base::{
    Existence, Member, Node, Object, Origin, Resource, ResourceId, Span, Unresolved, UnresolvedReason, Value,
};

/// Builds an object member by member, every part standing at a given place.
pub(crate) struct ObjectBuilder {
    object: Object,
    span: Span,
}

impl ObjectBuilder {
    pub(crate) fn at(span: Span) -> ObjectBuilder {
        ObjectBuilder { object: Object::new(), span }
    }

    pub(crate) fn set(mut self, key: &str, node: Node) -> Self {
        self.object.push(Member { key: key.into(), key_span: Span::NONE, value: node });
        self
    }

    /// Copies a node if there is one; `null` counts as nothing.
    pub(crate) fn copy(self, key: &str, node: Option<&Node>) -> Self {
        match node {
            Some(node) if !node.is_null() => self.set(key, node.clone()),
            _ => self,
        }
    }

    pub(crate) fn text(self, key: &str, text: impl Into<Arc<str>>) -> Self {
        let node = Value::string(text).at(self.span);
        self.set(key, node)
    }

    pub(crate) fn text_if(self, key: &str, text: Option<impl Into<Arc<str>>>) -> Self {
        match text {
            Some(text) => self.text(key, text),
            None => self,
        }
    }

    pub(crate) fn flag(self, key: &str, flag: bool) -> Self {
        let node = Value::Bool(flag).at(self.span);
        self.set(key, node)
    }

    pub(crate) fn number(self, key: &str, number: i64) -> Self {
        let node = Value::Int(number).at(self.span);
        self.set(key, node)
    }

    pub(crate) fn list(self, key: &str, items: Vec<Node>) -> Self {
        let node = Value::array(items).at(self.span);
        self.set(key, node)
    }

    pub(crate) fn build(self) -> Node {
        Value::object(self.object).at(self.span)
    }
}

/// A value that what was read does not hold.
pub(crate) fn not_collected(expression: &str, hint: &str, span: Span) -> Node {
    let unresolved = Unresolved::new(UnresolvedReason::NotCollected, expression).with_hint(hint);
    Value::unresolved(unresolved).at(span)
}

/// The text at a path.
pub(crate) fn text<'n>(node: &'n Node, path: &str) -> Option<&'n str> {
    node.at_path(path).and_then(Node::as_str)
}

/// The text at the first of several paths that has one.
pub(crate) fn first_text<'n>(node: &'n Node, paths: &[&str]) -> Option<&'n str> {
    paths.iter().find_map(|path| text(node, path)).filter(|text| !text.is_empty())
}

/// The items of an array at a path; nothing when there is none.
pub(crate) fn items<'n>(node: &'n Node, path: &str) -> &'n [Node] {
    node.at_path(path).and_then(Node::as_array).unwrap_or_default()
}

/// A text with every character that would split or mark a segment of an id replaced.
pub(crate) fn segment(text: &str) -> String {
    let clean = |character: char| match character {
        '/' | '\\' => ':',
        '{' => '(',
        '}' => ')',
        control if control.is_control() => '_',
        other => other,
    };
    let mut segment: String = text.trim().chars().take(240).map(clean).collect();
    if segment.is_empty() {
        segment.push('-');
    }
    segment
}

/// A resource whose body is `properties` under the usual top-level members.
pub(crate) fn resource(id: ResourceId, resource_type: &str, properties: Node, origin: Origin) -> Resource {
    let span = properties.span;
    let body = ObjectBuilder::at(span)
        .text("id", id.as_str())
        .text("name", id.name())
        .text("type", resource_type)
        .set("properties", properties)
        .build();
    Resource {
        id,
        resource_type: resource_type.into(),
        api_version: None,
        body,
        span,
        origin,
        existence: Existence::Certain,
    }
}

/// A resource derived from another: `<source id>/providers/Castellan.AI/<kind>/<name>`.
pub(crate) fn derived(source: &Resource, kind: &str, name: &str, properties: Node) -> Resource {
    let resource_type = format!("Castellan.AI/{kind}");
    let id = ResourceId::build(source.id.as_str(), &resource_type, &[&segment_or_symbol(name)]);
    let mut derived = resource(id, &resource_type, properties, Origin::Derived);
    derived.span = source.span;
    derived.existence = source.existence.clone();
    derived
}

/// Names of Azure resources may be symbols, whose braces have to stay.
fn segment_or_symbol(name: &str) -> String {
    if name.contains('{') { name.to_owned() } else { segment(name) }
}

/// An object with some members replaced or added; other values become an object of these members alone.
pub(crate) fn with_members(node: &Node, members: Vec<(&str, Node)>) -> Node {
    let mut object = node.as_object().cloned().unwrap_or_default();
    for (key, value) in members {
        object.insert(key, value);
    }
    Value::object(object).at(node.span)
}

/// An object without some members and without those that are `null`.
pub(crate) fn without(node: &Node, names: &[&str]) -> Node {
    let Some(object) = node.as_object() else { return node.clone() };
    let mut kept = Object::new();
    for member in object {
        let named = names.iter().any(|name| member.key.eq_ignore_ascii_case(name));
        if !named && !member.value.is_null() {
            kept.push(member.clone());
        }
    }
    Value::object(kept).at(node.span)
}

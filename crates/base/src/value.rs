//! Positioned JSON values that may be *unresolved*.
//!
//! A [`Node`] is a [`Value`] with the [`Span`] it was read from. Two things set it apart from an ordinary JSON tree:
//!
//! * [`Value::Unresolved`] stands for what cannot be known before deployment. It keeps the expression that would give
//!   the value and the reason it cannot be evaluated; nothing downstream may drop it or guess at it.
//! * Member lookup is case-insensitive, because Azure Resource Manager's property names are.
//!
//! Trees are cheap to clone: containers and strings are shared.

use std::sync::Arc;

use serde::ser::{SerializeMap, SerializeSeq};
use serde::{Serialize, Serializer};

use crate::span::Span;

/// Why a value is not known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum UnresolvedReason {
    /// A parameter has neither a value nor a default.
    MissingParameter,
    /// Only a deployment can tell: `reference()`, `listKeys()`, the current subscription, a new GUID.
    Runtime,
    /// Terraform marks the attribute as known after apply.
    AfterApply,
    /// The export does not carry this part of the resource.
    NotCollected,
    /// The provider mapping does not cover this attribute or type.
    NotMapped,
    /// Terraform or a secure parameter hides the value.
    Sensitive,
    /// The expression is wrong or uses a function that does not exist.
    Invalid,
}

impl UnresolvedReason {
    /// The kebab-case name.
    pub fn as_str(self) -> &'static str {
        match self {
            UnresolvedReason::MissingParameter => "missing-parameter",
            UnresolvedReason::Runtime => "runtime",
            UnresolvedReason::AfterApply => "after-apply",
            UnresolvedReason::NotCollected => "not-collected",
            UnresolvedReason::NotMapped => "not-mapped",
            UnresolvedReason::Sensitive => "sensitive",
            UnresolvedReason::Invalid => "invalid",
        }
    }
}

/// A value that cannot be known now.
#[derive(Clone, Debug, PartialEq)]
pub struct Unresolved {
    /// Why.
    pub reason: UnresolvedReason,
    /// The expression or attribute that would give the value, as the author wrote it.
    pub expression: Arc<str>,
    /// The value as far as it is known, with each unknown part in braces: `kv-{parameters('env')}`. Two unresolved
    /// values with the same symbol will be equal once deployed, so ids can be matched by symbol.
    pub symbol: Arc<str>,
    /// What would settle it: a command or a parameter to pass. May be empty.
    pub hint: Arc<str>,
}

impl Unresolved {
    /// An unresolved value whose symbol is its whole expression in braces.
    pub fn new(reason: UnresolvedReason, expression: impl Into<Arc<str>>) -> Unresolved {
        let expression: Arc<str> = expression.into();
        let symbol = format!("{{{expression}}}").into();
        Unresolved { reason, expression, symbol, hint: "".into() }
    }

    /// The same with a hint at what would settle it.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<Arc<str>>) -> Unresolved {
        self.hint = hint.into();
        self
    }

    /// The same with a symbol that tells more than the expression does.
    #[must_use]
    pub fn with_symbol(mut self, symbol: impl Into<Arc<str>>) -> Unresolved {
        self.symbol = symbol.into();
        self
    }
}

/// A JSON value, or the lack of one.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A whole number that fits 64 bits.
    Int(i64),
    /// Any other number.
    Float(f64),
    /// A string.
    String(Arc<str>),
    /// An array.
    Array(Arc<Vec<Node>>),
    /// An object, members in source order.
    Object(Arc<Object>),
    /// Not knowable now.
    Unresolved(Arc<Unresolved>),
}

/// A value and where it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// The value.
    pub value: Value,
    /// Where it was read from, or where the expression stands that gave it.
    pub span: Span,
}

/// One member of an [`Object`].
#[derive(Clone, Debug, PartialEq)]
pub struct Member {
    /// The name as written.
    pub key: Arc<str>,
    /// Where the name stands.
    pub key_span: Span,
    /// The value.
    pub value: Node,
}

/// An object: members in source order, looked up without regard to ASCII case.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Object {
    members: Vec<Member>,
}

impl Object {
    /// An empty object.
    pub fn new() -> Object {
        Object::default()
    }

    /// The member's value. The first match wins where a hostile file repeats a name.
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.member(key).map(|member| &member.value)
    }

    /// The member.
    pub fn member(&self, key: &str) -> Option<&Member> {
        self.members.iter().find(|member| member.key.eq_ignore_ascii_case(key))
    }

    /// Sets a member, keeping its place and spelling if there is one already.
    pub fn insert(&mut self, key: impl Into<Arc<str>>, value: Node) {
        let key = key.into();
        match self.members.iter_mut().find(|member| member.key.eq_ignore_ascii_case(&key)) {
            Some(member) => member.value = value,
            None => self.members.push(Member { key, key_span: Span::NONE, value }),
        }
    }

    /// Appends a member without looking for an earlier one of the same name.
    pub fn push(&mut self, member: Member) {
        self.members.push(member);
    }

    /// Removes a member and returns its value.
    pub fn remove(&mut self, key: &str) -> Option<Node> {
        let index = self.members.iter().position(|member| member.key.eq_ignore_ascii_case(key))?;
        Some(self.members.remove(index).value)
    }

    /// Members in order.
    pub fn iter(&self) -> std::slice::Iter<'_, Member> {
        self.members.iter()
    }

    /// How many members.
    pub fn len(&self) -> usize {
        self.members.len()
    }

    /// True without members.
    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }
}

impl<'a> IntoIterator for &'a Object {
    type Item = &'a Member;
    type IntoIter = std::slice::Iter<'a, Member>;

    fn into_iter(self) -> Self::IntoIter {
        self.members.iter()
    }
}

impl<K: Into<Arc<str>>> FromIterator<(K, Node)> for Object {
    fn from_iter<I: IntoIterator<Item = (K, Node)>>(pairs: I) -> Self {
        let mut object = Object::new();
        for (key, value) in pairs {
            object.insert(key, value);
        }
        object
    }
}

impl Value {
    /// A string value.
    pub fn string(text: impl Into<Arc<str>>) -> Value {
        Value::String(text.into())
    }

    /// An array value.
    pub fn array(items: Vec<Node>) -> Value {
        Value::Array(Arc::new(items))
    }

    /// An object value.
    pub fn object(object: Object) -> Value {
        Value::Object(Arc::new(object))
    }

    /// An unresolved value.
    pub fn unresolved(unresolved: Unresolved) -> Value {
        Value::Unresolved(Arc::new(unresolved))
    }

    /// The same value at a place.
    pub fn at(self, span: Span) -> Node {
        Node { value: self, span }
    }

    /// The JSON type's name, for messages.
    pub fn type_name(&self) -> &'static str {
        match self {
            Value::Null => "null",
            Value::Bool(_) => "boolean",
            Value::Int(_) | Value::Float(_) => "number",
            Value::String(_) => "string",
            Value::Array(_) => "array",
            Value::Object(_) => "object",
            Value::Unresolved(_) => "unresolved",
        }
    }
}

impl Node {
    /// `null`, standing nowhere.
    pub const NULL: Node = Node { value: Value::Null, span: Span::NONE };

    /// A value that stands in no file.
    pub fn from_value(value: Value) -> Node {
        Node { value, span: Span::NONE }
    }

    /// A string that stands in no file.
    pub fn string(text: impl Into<Arc<str>>) -> Node {
        Node::from_value(Value::string(text))
    }

    /// The text of a string.
    pub fn as_str(&self) -> Option<&str> {
        match &self.value {
            Value::String(text) => Some(text),
            _ => None,
        }
    }

    /// The value of a boolean.
    pub fn as_bool(&self) -> Option<bool> {
        match self.value {
            Value::Bool(flag) => Some(flag),
            _ => None,
        }
    }

    /// The value of a whole number.
    pub fn as_i64(&self) -> Option<i64> {
        match self.value {
            Value::Int(number) => Some(number),
            _ => None,
        }
    }

    /// The value of any number.
    pub fn as_f64(&self) -> Option<f64> {
        match self.value {
            #[allow(clippy::cast_precision_loss)]
            Value::Int(number) => Some(number as f64),
            Value::Float(number) => Some(number),
            _ => None,
        }
    }

    /// The items of an array.
    pub fn as_array(&self) -> Option<&[Node]> {
        match &self.value {
            Value::Array(items) => Some(items),
            _ => None,
        }
    }

    /// The members of an object.
    pub fn as_object(&self) -> Option<&Object> {
        match &self.value {
            Value::Object(object) => Some(object),
            _ => None,
        }
    }

    /// Why the value is unknown, if it is.
    pub fn as_unresolved(&self) -> Option<&Unresolved> {
        match &self.value {
            Value::Unresolved(unresolved) => Some(unresolved),
            _ => None,
        }
    }

    /// A string's text, or an unresolved value's symbol.
    pub fn text_or_symbol(&self) -> Option<&str> {
        match &self.value {
            Value::String(text) => Some(text),
            Value::Unresolved(unresolved) => Some(&unresolved.symbol),
            _ => None,
        }
    }

    /// True for `null`.
    pub fn is_null(&self) -> bool {
        matches!(self.value, Value::Null)
    }

    /// A member of an object; `None` when this is no object or has no such member.
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.as_object()?.get(key)
    }

    /// A dotted path of members: `properties.networkAcls.defaultAction`. Array elements are not addressed. Stops at an
    /// unresolved value on the way and returns it, since everything below it is as unknown.
    pub fn at_path(&self, path: &str) -> Option<&Node> {
        let mut node = self;
        for key in path.split('.') {
            if node.as_unresolved().is_some() {
                return Some(node);
            }
            node = node.get(key)?;
        }
        Some(node)
    }

    /// The tree as `serde_json`'s; an unresolved value becomes `{"$unresolved": expression, "reason": ...}`.
    pub fn to_json(&self) -> serde_json::Value {
        serde_json::to_value(self).unwrap_or(serde_json::Value::Null)
    }

    /// A tree from `serde_json`'s. It stands nowhere.
    pub fn from_json(json: &serde_json::Value) -> Node {
        Node::from_json_at(json, Span::NONE)
    }

    /// A tree from `serde_json`'s in which every value stands at `span`.
    pub fn from_json_at(json: &serde_json::Value, span: Span) -> Node {
        use serde_json::Value as Json;
        let value = match json {
            Json::Null => Value::Null,
            Json::Bool(flag) => Value::Bool(*flag),
            Json::Number(number) => match number.as_i64() {
                Some(whole) => Value::Int(whole),
                None => Value::Float(number.as_f64().unwrap_or(f64::NAN)),
            },
            Json::String(text) => Value::string(text.as_str()),
            Json::Array(items) => {
                Value::array(items.iter().map(|item| Node::from_json_at(item, span)).collect())
            }
            Json::Object(map) => {
                let mut object = Object::new();
                for (key, value) in map {
                    let value = Node::from_json_at(value, span);
                    object.push(Member { key: key.as_str().into(), key_span: span, value });
                }
                Value::object(object)
            }
        };
        Node { value, span }
    }

    /// True when this value or any value in it is unresolved.
    pub fn has_unresolved(&self) -> bool {
        match &self.value {
            Value::Unresolved(_) => true,
            Value::Array(items) => items.iter().any(Node::has_unresolved),
            Value::Object(object) => object.iter().any(|member| member.value.has_unresolved()),
            _ => false,
        }
    }
}

impl Serialize for Node {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.value {
            Value::Null => serializer.serialize_unit(),
            Value::Bool(flag) => serializer.serialize_bool(*flag),
            Value::Int(number) => serializer.serialize_i64(*number),
            Value::Float(number) => serializer.serialize_f64(*number),
            Value::String(text) => serializer.serialize_str(text),
            Value::Array(items) => {
                let mut seq = serializer.serialize_seq(Some(items.len()))?;
                for item in items.iter() {
                    seq.serialize_element(item)?;
                }
                seq.end()
            }
            Value::Object(object) => {
                let mut map = serializer.serialize_map(Some(object.len()))?;
                for member in object.iter() {
                    map.serialize_entry(&*member.key, &member.value)?;
                }
                map.end()
            }
            Value::Unresolved(unresolved) => {
                let mut map = serializer.serialize_map(Some(2))?;
                map.serialize_entry("$unresolved", &*unresolved.expression)?;
                map.serialize_entry("reason", unresolved.reason.as_str())?;
                map.end()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lookup_ignores_case_and_paths_stop_at_the_unknown() {
        let json = serde_json::json!({"Properties": {"networkAcls": {"defaultAction": "Deny"}}});
        let mut node = Node::from_json(&json);
        assert_eq!(node.at_path("properties.NETWORKACLS.defaultaction").and_then(Node::as_str), Some("Deny"));
        let unknown = Value::unresolved(Unresolved::new(UnresolvedReason::Runtime, "reference('x')"));
        node = Node::from_value(Value::object(Object::from_iter([("properties", unknown.at(Span::NONE))])));
        assert!(node.at_path("properties.a.b").is_some_and(|found| found.as_unresolved().is_some()));
        assert_eq!(
            node.to_json(),
            serde_json::json!({"properties": {"$unresolved": "reference('x')", "reason": "runtime"}})
        );
    }
}

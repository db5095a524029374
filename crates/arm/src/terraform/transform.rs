//! How one attribute's value becomes Resource Manager's.

use std::collections::HashSet;

use castellan_base::{
    Limits, Member, Node, Object, Sources, Ticks, Unresolved, UnresolvedReason, Value, json,
};

/// A step between an attribute and the property it stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// `true` becomes `false` and the other way round.
    Not,
    /// Other words for the same: `{true: Enabled, false: Disabled}`. Words that are not named stay, unless `*` is.
    Words(Vec<(String, Word)>),
    /// Each item becomes an object with one member: `[{"id": item}]`.
    Objects(String),
    /// The only item of a list.
    First,
    /// A list of this one value.
    List,
    /// A JSON text is read.
    Json,
    /// Text in place of a number or switch.
    Text,
    /// The text before the last of these separators.
    Before(String),
    /// What follows the last of these separators, a number where it is one.
    After(String),
    /// `PYTHON|{}` around the value.
    Format(String),
    /// Items joined to one text.
    Join(String),
    /// A list becomes an object whose members are the items, each with an empty object.
    Keys,
    /// The parts of a text between these separators; a list stays one.
    Split(String),
    /// The seconds since 1970 of a time.
    Epoch,
    /// This text for whatever is set, secrets included: that it is set is what counts. Nothing for an empty text.
    Present(String),
}

/// A word that stands in for another; a wrapper so that steps can be compared.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Word(pub(super) Node);

impl Eq for Word {}

impl Step {
    /// The value after this step. Unresolved values stay unresolved.
    pub(super) fn apply(&self, node: Node) -> Node {
        if let Some(unresolved) = node.as_unresolved() {
            return self.unknown(unresolved, &node);
        }
        let span = node.span;
        match self {
            Step::Not => match node.as_bool() {
                Some(flag) => Value::Bool(!flag).at(span),
                None => node,
            },
            Step::Words(words) => {
                let word = plain_text(&node);
                let found = words
                    .iter()
                    .find(|(from, _)| word.as_deref().is_some_and(|word| from.eq_ignore_ascii_case(word)));
                match found {
                    Some((_, to)) => to.0.value.clone().at(span),
                    None if words.iter().any(|(from, _)| from == "*") => not_mapped(&node),
                    None => node,
                }
            }
            Step::Before(separator) => match node.as_str().and_then(|text| text.rsplit_once(separator)) {
                Some((before, _)) => Value::string(before).at(span),
                None => node,
            },
            Step::After(separator) => match node.as_str().and_then(|text| text.rsplit_once(separator)) {
                // `0123` is a version and no number.
                Some((_, after)) => {
                    match after.parse::<i64>().ok().filter(|number| number.to_string() == after) {
                        Some(number) => Value::Int(number).at(span),
                        None => Value::string(after).at(span),
                    }
                }
                None => Value::Null.at(span),
            },
            Step::Objects(key) => each(&node, |item| {
                Value::object(Object::from_iter([(key.as_str(), item.clone())])).at(item.span)
            }),
            Step::First => node.as_array().and_then(<[Node]>::first).cloned().unwrap_or(node),
            Step::List => Value::array(vec![node]).at(span),
            Step::Json => node.as_str().and_then(|text| read_json(text, &node)).unwrap_or(node),
            Step::Text => plain_text(&node).map_or(node, |text| Value::string(text).at(span)),
            Step::Format(pattern) => {
                plain_text(&node).map_or(node, |text| Value::string(pattern.replace("{}", &text)).at(span))
            }
            Step::Join(separator) => match node.as_array() {
                Some(items) => {
                    let texts: Vec<&str> = items.iter().filter_map(Node::text_or_symbol).collect();
                    Value::string(texts.join(separator)).at(span)
                }
                None => node,
            },
            Step::Keys => keys(&node),
            Step::Split(separator) => match node.as_str() {
                Some(text) => {
                    let parts = text.split(separator).map(str::trim).filter(|part| !part.is_empty());
                    Value::array(parts.map(|part| Value::string(part).at(span)).collect()).at(span)
                }
                None => node,
            },
            Step::Epoch => match node.as_str() {
                Some(text) => match text.parse::<Ticks>().map(|time| time.unix_nanos() / 1_000_000_000) {
                    Ok(seconds) => i64::try_from(seconds).map_or(Value::Null, Value::Int).at(span),
                    Err(_) => not_mapped(&node),
                },
                None => node,
            },
            Step::Present(text) => match &node.value {
                Value::Null => node,
                Value::String(value) if value.is_empty() => Value::Null.at(span),
                _ => Value::string(text.as_str()).at(span),
            },
        }
    }

    /// A value that was put through a step is not equal to what it was made from, so it needs a symbol of its own.
    fn unknown(&self, unresolved: &Unresolved, node: &Node) -> Node {
        let symbol = match self {
            Step::Present(text) if unresolved.reason == UnresolvedReason::Sensitive => {
                return Value::string(text.as_str()).at(node.span);
            }
            Step::Present(text) => text.clone(),
            Step::Not => format!("{{not {}}}", unresolved.symbol),
            Step::Format(pattern) => pattern.replace("{}", &unresolved.symbol),
            Step::Words(_) | Step::First | Step::Text | Step::Json => unresolved.symbol.to_string(),
            Step::List => return Value::array(vec![node.clone()]).at(node.span),
            Step::Before(_) | Step::After(_) => format!("{{part of {}}}", unresolved.symbol),
            Step::Objects(_) | Step::Join(_) | Step::Keys | Step::Split(_) | Step::Epoch => {
                format!("{{of {}}}", unresolved.symbol)
            }
        };
        Value::unresolved(unresolved.clone().with_symbol(symbol)).at(node.span)
    }
}

/// A word that the tables do not know, and that must not pass for what it stands for.
fn not_mapped(node: &Node) -> Node {
    let word = plain_text(node).unwrap_or_default();
    Value::unresolved(Unresolved::new(UnresolvedReason::NotMapped, word)).at(node.span)
}

fn each(node: &Node, convert: impl Fn(&Node) -> Node) -> Node {
    match node.as_array() {
        Some(items) => Value::array(items.iter().map(convert).collect()).at(node.span),
        None => node.clone(),
    }
}

fn keys(node: &Node) -> Node {
    let Some(items) = node.as_array() else { return node.clone() };
    let mut object = Object::new();
    for item in items {
        if let Some(key) = item.text_or_symbol() {
            object.push(Member {
                key: key.into(),
                key_span: item.span,
                value: Value::object(Object::new()).at(item.span),
            });
        }
    }
    Value::object(object).at(node.span)
}

fn plain_text(node: &Node) -> Option<String> {
    match &node.value {
        Value::String(text) => Some(text.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        Value::Int(number) => Some(number.to_string()),
        Value::Float(number) => Some(number.to_string()),
        _ => None,
    }
}

/// A JSON text inside a string; every value in it stands where the string stands.
pub(super) fn read_json(text: &str, at: &Node) -> Option<Node> {
    let mut sources = Sources::default();
    let source = sources.add("", text);
    let node = json::parse(text, source, &Limits::default()).ok()?;
    Some(moved(&node, at))
}

fn moved(node: &Node, at: &Node) -> Node {
    let value = match &node.value {
        Value::Array(items) => Value::array(items.iter().map(|item| moved(item, at)).collect()),
        Value::Object(members) => {
            let mut object = Object::new();
            for member in members.iter() {
                object.push(Member {
                    key: member.key.clone(),
                    key_span: at.span,
                    value: moved(&member.value, at),
                });
            }
            Value::object(object)
        }
        other => other.clone(),
    };
    value.at(at.span)
}

/// A region's name as Resource Manager returns it: `swedencentral` for `Sweden Central`.
pub(super) fn location(node: &Node) -> Node {
    match node.as_str() {
        Some(text) => Value::string(text.replace(' ', "").to_ascii_lowercase()).at(node.span),
        None => node.clone(),
    }
}

/// The provider's `identity` block as Resource Manager's object; `None` without one.
pub(super) fn identity(block: &Node) -> Option<Node> {
    let item = match &block.value {
        Value::Array(items) => items.first()?,
        _ => block,
    };
    if item.as_unresolved().is_some() {
        return Some(item.clone());
    }
    item.as_object()?;
    let mut identity = Object::new();
    let copied = [("type", "type"), ("principalId", "principal_id"), ("tenantId", "tenant_id")];
    for (to, from) in copied {
        if let Some(value) = item.get(from).filter(|value| !value.is_null() && value.as_str() != Some("")) {
            identity.insert(to, value.clone());
        }
    }
    let ids = item.get("identity_ids").filter(|ids| !ids.is_null() && ids.as_array() != Some(&[]));
    if let Some(ids) = ids {
        identity.insert("userAssignedIdentities", Step::Keys.apply(ids.clone()));
    }
    Some(Value::object(identity).at(item.span))
}

/// Sets a dotted path, making the objects on the way; `rules[].name` is a member of the only item of `rules`. What is
/// already unresolved on the way stays; of two attributes that say the same, the one that is known counts; lists of
/// blocks are joined.
pub(super) fn set(object: &mut Object, path: &str, value: Node) {
    // A member whose name has dots in it stands between quotes.
    let quoted = path.strip_prefix('\'').and_then(|rest| rest.split_once('\''));
    let (first, rest) = match quoted {
        Some((first, rest)) => (first, rest.strip_prefix('.')),
        None => path.split_once('.').map_or((path, None), |(first, rest)| (first, Some(rest))),
    };
    let Some(rest) = rest else {
        let path = first;
        match object.get(path) {
            Some(known) if known.as_unresolved().is_none() && value.as_unresolved().is_some() => {}
            Some(known) if known.as_object().is_some() && value.as_object().is_some() => {
                let mut merged = known.as_object().cloned().unwrap_or_default();
                merge(&mut merged, value.as_object());
                object.insert(path, Value::object(merged).at(known.span));
            }
            Some(known) if is_blocks(known) && is_blocks(&value) => {
                let joined = joined(known, &value);
                object.insert(path, joined);
            }
            _ => object.insert(path, value),
        }
        return;
    };
    let name = first.strip_suffix("[]").unwrap_or(first);
    let known = object.get(name);
    if known.is_some_and(|known| known.as_unresolved().is_some()) {
        return;
    }
    let span = known.map_or(value.span, |known| known.span);
    let item = known.and_then(|known| known.as_array().and_then(<[Node]>::first).or(Some(known)));
    let mut inner = item.and_then(Node::as_object).cloned().unwrap_or_default();
    set(&mut inner, rest, value);
    let inner = Value::object(inner).at(span);
    let value = if name.len() < first.len() { Value::array(vec![inner]) } else { inner.value };
    object.insert(name, value.at(span));
}

fn is_blocks(node: &Node) -> bool {
    node.as_array().is_some_and(|items| items.iter().all(|item| item.as_object().is_some()))
}

/// Two kinds of blocks that are one list to Resource Manager. Under an old and a new name the same block may stand twice.
fn joined(known: &Node, more: &Node) -> Node {
    let mut items = known.as_array().unwrap_or_default().to_vec();
    let texts: HashSet<String> = items.iter().map(|item| item.to_json().to_string()).collect();
    let news = more.as_array().unwrap_or_default().iter();
    items.extend(news.filter(|item| !texts.contains(&item.to_json().to_string())).cloned());
    Value::array(items).at(known.span)
}

/// Puts the members of `over` into `object`, objects member by member.
pub(super) fn merge(object: &mut Object, over: Option<&Object>) {
    for member in over.into_iter().flatten() {
        let value = match (object.get(&member.key).and_then(Node::as_object), member.value.as_object()) {
            (Some(known), Some(inner)) => {
                let mut merged = known.clone();
                merge(&mut merged, Some(inner));
                Value::object(merged).at(member.value.span)
            }
            _ => member.value.clone(),
        };
        object.insert(member.key.clone(), value);
    }
}

/// A body with a change to it: objects member by member, lists of objects one after the other, anything else replaced.
pub(super) fn patched(body: &Node, change: &Node) -> Node {
    match (&body.value, &change.value) {
        (Value::Object(known), Value::Object(changes)) => {
            let mut object = (**known).clone();
            for member in changes.iter() {
                let value = match known.get(&member.key) {
                    Some(value) => patched(value, &member.value),
                    None => member.value.clone(),
                };
                object.insert(member.key.clone(), value);
            }
            Value::object(object).at(body.span)
        }
        (Value::Array(known), Value::Array(added))
            if known.iter().chain(added.iter()).all(|item| item.as_object().is_some()) =>
        {
            Value::array(known.iter().chain(added.iter()).cloned().collect()).at(body.span)
        }
        _ => change.clone(),
    }
}

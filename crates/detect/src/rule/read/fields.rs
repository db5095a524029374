//! Members of an object by their names, with a word about each that is written in another way.

use std::sync::Arc;

use castellan_base::{Diagnostic, Node, Span};

use crate::rule::Placed;

/// An object whose members are known by name. Nothing that it holds is passed over in silence.
pub(super) struct Fields<'a> {
    members: Vec<(&'static str, Span, &'a Node)>,
    /// Where the object stands.
    pub(super) span: Span,
}

impl<'a> Fields<'a> {
    /// The members of an object. One that is not known, or is written in another way, gives a warning.
    pub(super) fn new(
        node: &'a Node,
        what: &str,
        known: &[&'static str],
        told: &mut Vec<Diagnostic>,
    ) -> Option<Fields<'a>> {
        let Some(object) = node.as_object() else {
            let message = format!("{what} has to be an object, not {}", node.value.type_name());
            told.push(Diagnostic::warning(node.span, message).with_help("it is left out"));
            return None;
        };
        let mut members: Vec<(&'static str, Span, &Node)> = Vec::new();
        for member in object {
            // A mark of byte order is no part of the name behind it.
            let key = member.key.trim_start_matches('\u{feff}');
            let Some(name) = meant(key, known, |name| object.get(name).is_some()) else {
                let message = format!("`{}` is no known member of {what}", member.key);
                let help = "it is left out; take it away, or see whether it is misspelt";
                told.push(Diagnostic::warning(member.key_span, message).with_help(help));
                continue;
            };
            if members.iter().any(|(before, ..)| *before == name) {
                let message = format!("`{name}` stands here twice; the first counts");
                told.push(Diagnostic::warning(member.key_span, message).with_help("take one away"));
                continue;
            }
            if key != name {
                let message = format!("`{key}` is taken for `{name}`");
                told.push(Diagnostic::warning(member.key_span, message).with_help(format!("write `{name}`")));
            }
            members.push((name, member.key_span, &member.value));
        }
        Some(Fields { members, span: node.span })
    }

    /// A member, unless it is absent or null.
    pub(super) fn get(&self, name: &str) -> Option<&'a Node> {
        self.at(name).filter(|node| !node.is_null())
    }

    fn at(&self, name: &str) -> Option<&'a Node> {
        self.members.iter().find(|(known, ..)| *known == name).map(|(_, _, node)| *node)
    }

    /// The text of a member. Numbers and truth values are texts here: YAML takes `1.0` for a number.
    pub(super) fn text(&self, name: &str, told: &mut Vec<Diagnostic>) -> Option<Arc<str>> {
        self.placed(name, told).map(|placed| placed.text)
    }

    /// The text of a member with its place.
    pub(super) fn placed(&self, name: &str, told: &mut Vec<Diagnostic>) -> Option<Placed> {
        self.get(name).and_then(|node| as_placed(name, node, told)).filter(|placed| !placed.text.is_empty())
    }

    /// A truth value, which may be written as text.
    pub(super) fn flag(&self, name: &str, told: &mut Vec<Diagnostic>) -> Option<bool> {
        let node = self.get(name)?;
        let flag = node.as_bool().or_else(|| match node.as_str()?.trim().to_ascii_lowercase().as_str() {
            "true" | "yes" => Some(true),
            "false" | "no" => Some(false),
            _ => None,
        });
        if flag.is_none() {
            let message = format!("`{name}` has to be true or false");
            told.push(Diagnostic::warning(node.span, message).with_help("it is left out"));
        }
        flag
    }

    /// The items of a list; one value stands for a list of one.
    pub(super) fn items(&self, name: &str) -> &'a [Node] {
        self.get(name).map_or(&[], |node| node.as_array().unwrap_or(std::slice::from_ref(node)))
    }

    /// The texts of a list, without those that are empty.
    pub(super) fn texts(&self, name: &str, told: &mut Vec<Diagnostic>) -> Vec<Placed> {
        let items = self.items(name).iter().filter(|item| !item.is_null());
        items
            .filter_map(|item| as_placed(name, item, told))
            .filter(|placed| !placed.text.is_empty())
            .collect()
    }
}

/// The known name that a written one stands for. A misspelt one does not stand for a member that is there as well.
fn meant(written: &str, known: &[&'static str], is_there: impl Fn(&str) -> bool) -> Option<&'static str> {
    let is_it = |name: &&&str| name.eq_ignore_ascii_case(written);
    if let Some(name) = known.iter().find(is_it) {
        return Some(name);
    }
    let near = castellan_kql::nearest(written, known.iter().copied())?;
    known.iter().find(|name| **name == near && !is_there(name)).copied()
}

/// A text, or what YAML took for a number.
pub(super) fn as_placed(name: &str, node: &Node, told: &mut Vec<Diagnostic>) -> Option<Placed> {
    let text = match (node.as_str(), node.as_bool(), node.as_i64(), node.as_f64()) {
        (Some(text), ..) => text.trim().to_owned(),
        (_, Some(flag), ..) => flag.to_string(),
        (_, _, Some(number), _) => number.to_string(),
        (_, _, _, Some(number)) => format!("{number:?}"),
        _ => {
            let message = match node.as_unresolved() {
                Some(unresolved) => format!("`{name}` is `{}`, which is not known", unresolved.expression),
                None => format!("`{name}` has to be a text, not {}", node.value.type_name()),
            };
            told.push(Diagnostic::warning(node.span, message).with_help("it is left out"));
            return None;
        }
    };
    Some(Placed { text: text.into(), span: node.span })
}

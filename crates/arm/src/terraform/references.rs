//! Unknown ids get the id of the resource that they refer to as their symbol.

use castellan_base::{Member, Node, Object, Unresolved, UnresolvedReason, Value};

use super::document::{Document, Instance};
use super::ids::{Ids, leaf};

/// The attributes of an instance, symbols of unknown ids included.
pub(super) fn with_symbols(document: &Document, ids: &Ids<'_>, instance: &Instance) -> Node {
    Walk { document, ids, instance }.node(&instance.values)
}

struct Walk<'a> {
    document: &'a Document,
    ids: &'a Ids<'a>,
    instance: &'a Instance,
}

impl Walk<'_> {
    fn node(&self, node: &Node) -> Node {
        if !node.has_unresolved() {
            return node.clone();
        }
        match &node.value {
            Value::Array(items) => {
                Value::array(items.iter().map(|item| self.node(item)).collect()).at(node.span)
            }
            Value::Object(members) => {
                let mut walked = Object::new();
                for member in members.iter() {
                    walked.push(Member { value: self.node(&member.value), ..member.clone() });
                }
                Value::object(walked).at(node.span)
            }
            Value::Unresolved(unresolved) => match self.symbol(unresolved) {
                Some(symbol) => Value::unresolved((**unresolved).clone().with_symbol(symbol)).at(node.span),
                None => node.clone(),
            },
            _ => node.clone(),
        }
    }

    /// Only an id is taken to be the very thing that its expression names; other texts are often put together from
    /// what they refer to.
    fn symbol(&self, unresolved: &Unresolved) -> Option<String> {
        if unresolved.reason != UnresolvedReason::AfterApply {
            return None;
        }
        let path = unresolved.expression.strip_prefix(&*self.instance.address)?.strip_prefix('.')?;
        let name = leaf(path).to_ascii_lowercase();
        if !(name.ends_with("id") || name.ends_with("ids") || name == "scope" || name == "scopes") {
            return None;
        }
        let (index, reference) = self.ids.target(self.instance, path)?;
        if reference.attribute == "id" {
            return Some(self.ids.id_of(index)?.as_str().to_owned());
        }
        let target = self.document.instances.get(index)?;
        reference.attribute.ends_with("id").then(|| format!("{{{}.{}}}", target.address, reference.attribute))
    }
}

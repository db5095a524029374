//! One resource for each id and world.

use std::sync::Arc;

use castellan_base::{Existence, Node, Resource, ResourceId, SourceId, Value};
use rustc_hash::FxHashMap;

use crate::estate::World;
use crate::related::is_symbolic;
use crate::shape;

/// Collects resources and merges repeated descriptions.
///
/// Two descriptions are of one resource when they have the same id and speak of the same world. An id with unknown parts
/// is known only within its file: the same symbol in another template may stand for another value.
#[derive(Debug, Default)]
pub(crate) struct Collector {
    resources: Vec<Resource>,
    positions: FxHashMap<Key, usize>,
}

type Key = (ResourceId, World, Option<SourceId>);

impl Collector {
    pub(crate) fn add(&mut self, resource: Resource) {
        let key = key(&resource);
        match self.positions.get(&key).and_then(|position| self.resources.get_mut(*position)) {
            Some(known) => update(known, resource),
            None => {
                self.positions.insert(key, self.resources.len());
                self.resources.push(resource);
            }
        }
    }

    /// True when the id is taken by a description from another file.
    pub(crate) fn is_taken(&self, id: &ResourceId, world: World, source: SourceId) -> bool {
        let position = self.positions.get(&(id.clone(), world, None));
        let known = position.and_then(|position| self.resources.get(*position));
        known.is_some_and(|resource| resource.span.source != source)
    }

    /// All resources, each with its parents: a parent that nobody described is there as one that is only referred to.
    pub(crate) fn finish(mut self) -> Vec<Resource> {
        let mut position = 0;
        while let Some(resource) = self.resources.get(position) {
            position += 1;
            if World::of(resource.origin) == World::File {
                continue;
            }
            let Some(parent) = inferred_parent(resource) else { continue };
            if !self.positions.contains_key(&key(&parent)) {
                self.add(parent);
            }
        }
        self.resources
    }
}

fn key(resource: &Resource) -> Key {
    let local = is_symbolic(&resource.id).then_some(resource.span.source);
    (resource.id.clone(), World::of(resource.origin), local)
}

/// Takes in a second description of the same resource, as a second deployment would: what it says replaces, what it
/// does not mention stays.
fn update(known: &mut Resource, later: Resource) {
    let known_is_reference = matches!(known.existence, Existence::Referenced);
    let later_is_reference = matches!(later.existence, Existence::Referenced);
    if later_is_reference && !known_is_reference {
        return;
    }
    known.body = if known_is_reference && !later_is_reference {
        known.span = later.span;
        later.body
    } else {
        overlay(&known.body, &later.body, 0)
    };
    known.api_version = later.api_version.or(known.api_version.take());
    if !matches!(known.existence, Existence::Certain) {
        known.existence = later.existence;
    }
}

/// Deep merge: members of objects one by one, anything else replaced. A value that was merely not collected replaces
/// nothing.
fn overlay(base: &Node, over: &Node, depth: u32) -> Node {
    let missing = |node: &Node| {
        node.as_unresolved()
            .is_some_and(|unresolved| unresolved.reason == castellan_base::UnresolvedReason::NotCollected)
    };
    if missing(over) || over.is_null() {
        return base.clone();
    }
    let (Value::Object(below), Value::Object(above)) = (&base.value, &over.value) else {
        return over.clone();
    };
    if depth > 64 {
        return over.clone();
    }
    let mut merged = (**below).clone();
    for member in above.iter() {
        let value = match below.get(&member.key) {
            Some(old) => overlay(old, &member.value, depth + 1),
            None => member.value.clone(),
        };
        merged.insert(Arc::clone(&member.key), value);
    }
    Value::object(merged).at(base.span)
}

/// The parent as far as its child tells.
fn inferred_parent(resource: &Resource) -> Option<Resource> {
    let id = resource.id.parent()?;
    let resource_type = id.resource_type();
    if resource_type.starts_with("Microsoft.Resources/") || !id.as_str().contains("/providers/") {
        return None;
    }
    let hint = format!("az resource show --ids {}", id.as_str());
    let properties = shape::not_collected("properties", &hint, resource.span);
    let mut parent = shape::resource(id, &resource_type, properties, resource.origin);
    parent.existence = Existence::Referenced;
    Some(parent)
}

#[cfg(test)]
mod tests {
    use castellan_base::{Origin, Span};

    use super::*;

    fn described(id: &str, properties: serde_json::Value, origin: Origin) -> Resource {
        let properties = Node::from_json_at(&properties, Span::NONE);
        let id: ResourceId = id.parse().unwrap();
        let resource_type = id.resource_type();
        shape::resource(id, &resource_type, properties, origin)
    }

    #[test]
    fn later_descriptions_update_and_parents_are_inferred() {
        let mut collector = Collector::default();
        let id = "/subscriptions/s/resourceGroups/g/providers/M.X/accounts/a/deployments/d";
        let first = serde_json::json!({"model": {"name": "m", "version": "1"}, "list": [1, 2]});
        collector.add(described(id, first, Origin::ArmTemplate));
        let second = serde_json::json!({"Model": {"version": "2"}, "list": [3]});
        collector.add(described(&id.to_uppercase(), second, Origin::ArmTemplate));
        collector.add(described(id, serde_json::json!({}), Origin::Export));
        let resources = collector.finish();
        assert_eq!(resources.len(), 4, "{resources:#?}");
        let merged = resources[0].at_path("properties").unwrap().to_json();
        assert_eq!(merged, serde_json::json!({"model": {"name": "m", "version": "2"}, "list": [3]}));
        assert!(resources[2..].iter().all(|parent| parent.name() == "a"
            && parent.existence == Existence::Referenced
            && parent.is_type("M.X/accounts")));
    }
}

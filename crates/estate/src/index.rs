//! Lookup tables over resources and relations.

use castellan_base::{Resource, ResourceId};
use rustc_hash::FxHashMap;

use crate::relations::Relation;

/// Positions in [`crate::Estate::resources`] by id, type and parent, and in the relations by either end.
#[derive(Debug, Default)]
pub(crate) struct Index {
    ids: FxHashMap<ResourceId, Vec<usize>>,
    types: FxHashMap<String, Vec<usize>>,
    parents: FxHashMap<ResourceId, Vec<usize>>,
    from: FxHashMap<ResourceId, Vec<usize>>,
    to: FxHashMap<ResourceId, Vec<usize>>,
    indexed: usize,
}

impl Index {
    /// Takes in the resources that came after the last call.
    pub(crate) fn extend(&mut self, resources: &[Resource]) {
        for (position, resource) in resources.iter().enumerate().skip(self.indexed) {
            self.ids.entry(resource.id.clone()).or_default().push(position);
            let resource_type = resource.resource_type.to_ascii_lowercase();
            self.types.entry(resource_type).or_default().push(position);
            if let Some(parent) = resource.id.parent() {
                self.parents.entry(parent).or_default().push(position);
            }
        }
        self.indexed = resources.len();
    }

    /// Takes in all relations.
    pub(crate) fn relate(&mut self, relations: &[Relation]) {
        self.from.clear();
        self.to.clear();
        for (position, relation) in relations.iter().enumerate() {
            self.from.entry(relation.from.clone()).or_default().push(position);
            self.to.entry(relation.to.clone()).or_default().push(position);
        }
    }

    pub(crate) fn by_id(&self, id: &ResourceId) -> &[usize] {
        self.ids.get(id).map_or(&[], Vec::as_slice)
    }

    pub(crate) fn by_type(&self, resource_type: &str) -> &[usize] {
        self.types.get(&resource_type.to_ascii_lowercase()).map_or(&[], Vec::as_slice)
    }

    pub(crate) fn by_parent(&self, parent: &ResourceId) -> &[usize] {
        self.parents.get(parent).map_or(&[], Vec::as_slice)
    }

    pub(crate) fn from(&self, id: &ResourceId) -> &[usize] {
        self.from.get(id).map_or(&[], Vec::as_slice)
    }

    pub(crate) fn to(&self, id: &ResourceId) -> &[usize] {
        self.to.get(id).map_or(&[], Vec::as_slice)
    }
}

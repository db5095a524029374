//! Who and what an incident is about: the entities of its alerts, each once.

use std::collections::{BTreeMap, HashMap};

use castellan_detect::entity::{Entities, Entity, EntityType};
use serde::Serialize;

use super::Alert;

/// An entity of an incident.
#[derive(Clone, Debug, Serialize)]
pub struct Node {
    /// What it is.
    #[serde(serialize_with = "shown", flatten)]
    pub entity: Entity,
    /// Places of the alerts that name it, in the list of alerts.
    pub alerts: Vec<usize>,
}

/// An entity as JSON tells it.
#[derive(Serialize)]
pub(super) struct Shown<'e> {
    kind: &'static str,
    label: String,
    values: BTreeMap<&'e str, &'e str>,
}

impl<'e> Shown<'e> {
    pub(super) fn of(entity: &'e Entity) -> Shown<'e> {
        let values = entity.values.iter().map(|(name, value)| (&**name, &**value)).collect();
        Shown { kind: entity.entity.name(), label: name(entity), values }
    }
}

/// What people call an entity: an agent has a name beside its id.
pub fn name(entity: &Entity) -> String {
    let is_agent = entity.entity == EntityType::AiAgent;
    let own = entity.value("Name").filter(|_| is_agent).map(str::to_owned);
    own.unwrap_or_else(|| entity.label())
}

fn shown<S: serde::Serializer>(entity: &Entity, serializer: S) -> Result<S::Ok, S::Error> {
    Shown::of(entity).serialize(serializer)
}

/// The entities of alerts, each once, in the order in which alerts name them.
pub fn nodes(alerts: &[Alert]) -> Vec<Node> {
    let mut merged = Entities::default();
    for entity in alerts.iter().flat_map(|alert| &alert.entities) {
        merged.add(entity.clone());
    }
    let mut nodes: Vec<Node> =
        merged.list().iter().map(|entity| Node { entity: entity.clone(), alerts: Vec::new() }).collect();
    let mut places: HashMap<String, usize> = HashMap::new();
    for (at, node) in nodes.iter().enumerate() {
        for key in keys(&node.entity) {
            places.entry(key).or_insert(at);
        }
    }
    for (of, alert) in alerts.iter().enumerate() {
        for entity in &alert.entities {
            let place = keys(entity).iter().find_map(|key| places.get(key)).copied();
            if let Some(node) = place.and_then(|place| nodes.get_mut(place))
                && node.alerts.last() != Some(&of)
            {
                node.alerts.push(of);
            }
        }
    }
    nodes
}

fn keys(entity: &Entity) -> Vec<String> {
    let mut keys = entity.strong();
    if keys.is_empty() {
        keys.push(entity.identity());
    }
    keys
}

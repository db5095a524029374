//! Entities as observables.

use castellan_detect::entity::{Entity, EntityType};
use serde_json::{Value, json};

use super::Word;
use crate::case::name;

/// One observable for each entity; what it is is told by its type, and by its name where the schema has no type for it.
pub(super) fn of<'e>(entities: impl IntoIterator<Item = &'e Entity>) -> Vec<Value> {
    let told = |entity: &Entity| {
        let (number, word) = kind(entity.entity);
        json!({ "name": entity.entity.json_name(), "type_id": number, "type": word, "value": name(entity) })
    };
    entities.into_iter().map(told).collect()
}

fn kind(entity: EntityType) -> Word {
    match entity {
        EntityType::Host | EntityType::Dns => (1, "Hostname"),
        EntityType::Ip => (2, "IP Address"),
        EntityType::Account => (4, "User Name"),
        EntityType::Mailbox => (5, "Email Address"),
        EntityType::Url => (6, "URL String"),
        EntityType::File => (7, "File Name"),
        EntityType::FileHash => (8, "Hash"),
        EntityType::AzureResource => (10, "Resource UID"),
        other => (99, other.name()),
    }
}

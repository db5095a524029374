//! What people read first.

use std::collections::BTreeMap;

use super::model::{Firing, Incident};
use crate::entity::{Entity, EntityType};

/// The name of the first alert where one rule speaks, and that of the strongest where several do, with what they are about.
pub(super) fn title(incident: &Incident) -> String {
    let firings = incident.in_order();
    let Some(strongest) = strongest(&firings, incident.rules.len()) else { return String::new() };
    let others = incident.rules.len().saturating_sub(1);
    if others == 0 {
        return strongest.alert.name.clone();
    }
    let findings = if others == 1 { "finding" } else { "findings" };
    let about = subject(&firings).map(|label| format!(" about {label}")).unwrap_or_default();
    format!("{} and {others} related {findings}{about}", strongest.alert.name)
}

/// The description of the alert that names it.
pub(super) fn description(incident: &Incident) -> String {
    let firings = incident.in_order();
    strongest(&firings, incident.rules.len())
        .map(|firing| firing.alert.description.clone())
        .unwrap_or_default()
}

/// The worst; of those that are as bad, what went furthest; of those, the first.
fn strongest<'f>(firings: &[&'f Firing], rules: usize) -> Option<&'f Firing> {
    if rules <= 1 {
        return firings.first().copied();
    }
    let rank = |firing: &Firing| (firing.alert.severity, firing.alert.tactics.last().copied());
    // The last of several that are as high counts, so the first has to come last.
    firings.iter().rev().max_by_key(|firing| rank(firing)).copied()
}

/// The first findings, which say what an incident of very many is about.
const LOOKED_AT: usize = 100;

/// The entity that most of what was found is about, if it is in more than one finding. What acts comes before what is
/// acted on.
fn subject(firings: &[&Firing]) -> Option<String> {
    let mut counts: BTreeMap<String, (usize, u8, &Entity)> = BTreeMap::new();
    for entity in firings.iter().take(LOOKED_AT).flat_map(|firing| &firing.alert.entities) {
        counts.entry(entity.identity()).or_insert((0, place(entity.entity), entity)).0 += 1;
    }
    let most = counts.into_values().filter(|(count, ..)| *count > 1);
    most.max_by_key(|(count, place, _)| (*count, *place)).map(|(_, _, entity)| entity.label())
}

fn place(entity: EntityType) -> u8 {
    match entity {
        EntityType::AiAgent => 5,
        EntityType::Account => 4,
        EntityType::Host => 3,
        EntityType::AzureResource => 2,
        EntityType::Ip => 1,
        _ => 0,
    }
}

//! What makes a violation on one resource worse than on another: exposure, data, identity.
//!
//! Taken from the derived resources. A factor of a resource holds for its children too: a deployment is as exposed as
//! its account.

use std::collections::BTreeMap;

use castellan_base::{Node, Resource, ResourceId};
use castellan_estate::Estate;

use crate::score::ResourceFactors;

/// Types whose resources hold data.
const DATA_STORES: [&str; 7] = [
    "microsoft.storage/",
    "microsoft.documentdb/",
    "microsoft.search/",
    "microsoft.keyvault/",
    "microsoft.sql/",
    "microsoft.dbforpostgresql/",
    "microsoft.machinelearningservices/workspaces",
];

#[derive(Clone, Copy, Default)]
struct Known {
    exposure: Option<f64>,
    data: bool,
    identity: bool,
}

impl Known {
    fn join(self, other: Known) -> Known {
        let exposure = match (self.exposure, other.exposure) {
            (Some(left), Some(right)) => Some(left.max(right)),
            (left, right) => left.or(right),
        };
        Known { exposure, data: self.data || other.data, identity: self.identity || other.identity }
    }
}

/// The factors of each resource.
pub(crate) fn resource_factors(estate: &Estate, ids: &[ResourceId]) -> Vec<ResourceFactors> {
    let mut known: BTreeMap<ResourceId, Known> = BTreeMap::new();
    for resource in &estate.resources {
        let learnt = learn(resource);
        if let Some((source, learnt)) = learnt {
            let entry = known.entry(source).or_default();
            *entry = entry.join(learnt);
        }
    }
    ids.iter().map(|id| factors_of(id, &known)).collect()
}

fn factors_of(id: &ResourceId, known: &BTreeMap<ResourceId, Known>) -> ResourceFactors {
    let mut sum = Known { data: is_data_store(id), ..Known::default() };
    let mut at = Some(id.clone());
    while let Some(current) = at {
        if let Some(found) = known.get(&current) {
            sum = sum.join(*found);
        }
        at = current.parent();
    }
    ResourceFactors {
        exposure: sum.exposure.unwrap_or(1.0),
        data: if sum.data { 1.3 } else { 1.0 },
        identity: if sum.identity { 1.2 } else { 1.0 },
    }
}

fn is_data_store(id: &ResourceId) -> bool {
    let resource_type = id.resource_type().to_ascii_lowercase();
    DATA_STORES.iter().any(|prefix| resource_type.starts_with(prefix))
}

/// What a derived resource says about the one it was derived from.
fn learn(resource: &Resource) -> Option<(ResourceId, Known)> {
    let is_true = |path: &str| resource.at_path(path).and_then(Node::as_bool) == Some(true);
    let exposure = || match resource.at_path("properties.exposure").and_then(Node::as_str)? {
        "internet" => Some(1.5),
        "private" | "none" | "cluster" => Some(0.6),
        _ => Some(1.0),
    };
    let kind = resource.resource_type.strip_prefix("Castellan.AI/")?;
    let learnt = match kind {
        "endpoints" => {
            Known { exposure: exposure(), identity: is_true("properties.keyAccess"), ..Known::default() }
        }
        "workloads" => Known {
            exposure: exposure(),
            identity: is_true("properties.storesSecretInEnv"),
            ..Known::default()
        },
        "agents" => Known { data: is_true("properties.readsPrivateData"), ..Known::default() },
        "connections" => Known { identity: is_true("properties.storesCredential"), ..Known::default() },
        "mcpServers" => Known { identity: is_true("properties.hasStoredSecret"), ..Known::default() },
        _ => return None,
    };
    Some((resource.id.parent()?, learnt))
}

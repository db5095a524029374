//! Derived resources: what a rule would have to join by itself.
//!
//! Each is computed from one source resource and what relates to it, keeps the spans of the values it was made from, and
//! keeps the unresolved unresolved. Its id is `<source id>/providers/Castellan.AI/<kind>/<name>`.

mod agents;
mod connections;
mod endpoints;
mod exposure;
mod filters;
mod mcp;
mod models;
mod tools;
mod workloads;

pub use endpoints::host_names;
pub(crate) use mcp::host as host_of;

use castellan_base::{Existence, Resource};

use crate::estate::Estate;
use crate::options::ScanOptions;

/// Everything that can be derived from what was read.
pub(crate) fn all(estate: &Estate, options: &ScanOptions) -> Vec<Resource> {
    let mut derived = Vec::new();
    let used = endpoints::used_by_ai(estate);
    let facing = endpoints::Frontage::of(estate);
    for resource in &estate.resources {
        // What is only referred to is judged where it is described.
        if matches!(resource.existence, Existence::Referenced) {
            continue;
        }
        models::derive(estate, resource, options, &mut derived);
        agents::derive(estate, resource, &mut derived);
        mcp::derive(resource, &mut derived);
        connections::derive(resource, &mut derived);
        endpoints::derive(estate, resource, &used, &facing, &mut derived);
        workloads::derive(estate, resource, &mut derived);
    }
    agents::resolve_callees(&mut derived);
    derived
}

//! Incidents as a STIX 2.1 bundle (OASIS Standard, 10 June 2021).
//!
//! | here | there |
//! |---|---|
//! | the incident | `incident` with the extension Incident Core (`extension-definition--ef765651-...`), and a `grouping` of everything |
//! | an alert | `observed-data` with the observables of its entities; a `sighting` of each of its techniques |
//! | accounts, addresses, URLs, domains, files, registry keys, processes, software | cyber-observable objects |
//! | hosts, resources, devices | `infrastructure` |
//! | agents, groups | `identity` |
//! | techniques | `attack-pattern` with their pages |
//! | what people said | `note` |
//!
//! *Invariant (ids are stable):* observables have the ids that the standard derives from their properties (section 2.9); all
//! other objects have UUIDs of version 5 from a namespace of this product and what they are made of. The same incident gives
//! the same ids, and a later export of it updates the earlier one.

mod id;
mod objects;
mod observable;
mod sighted;

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::case::Case;
use id::own;

/// Objects by id, each once, in the order in which they came.
#[derive(Default)]
struct Bundle {
    objects: Vec<Value>,
    places: BTreeMap<String, usize>,
}

impl Bundle {
    /// Adds an object, unless one of its id is there. Its id comes back.
    fn add(&mut self, object: Value) -> String {
        let id = object.get("id").and_then(Value::as_str).unwrap_or_default().to_owned();
        if !self.places.contains_key(&id) {
            self.places.insert(id.clone(), self.objects.len());
            self.objects.push(object);
        }
        id
    }

    fn ids(&self) -> Vec<&str> {
        self.objects.iter().filter_map(|object| object.get("id")?.as_str()).collect()
    }
}

/// The bundle of an incident.
pub fn bundle(case: &Case) -> Value {
    let mut bundle = Bundle::default();
    let author = bundle.add(objects::author());
    let base = objects::Base { case, author: &author };
    let incident = bundle.add(objects::incident(&base));
    let techniques = sighted::techniques(&base, &mut bundle);
    for alert in &case.alerts {
        sighted::alert(&base, alert, &techniques, &mut bundle);
    }
    for node in &case.entities {
        if let Some(id) = observable::entity(&base, &node.entity, &mut bundle)
            && objects::is_domain_object(&id)
        {
            bundle.add(objects::related(&base, &incident, &id));
        }
    }
    for technique in techniques.values() {
        bundle.add(objects::related(&base, &incident, technique));
    }
    for comment in &case.comments {
        bundle.add(objects::note(&base, comment, &incident));
    }
    let members = bundle.ids().iter().map(|id| (*id).to_owned()).collect::<Vec<_>>();
    bundle.add(objects::grouping(&base, &members));
    let id = own("bundle", &[&case.id, &case.version.to_string()]);
    json!({ "type": "bundle", "id": id, "objects": bundle.objects })
}

//! Alerts: what was observed, and which techniques were sighted.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::Bundle;
use super::id::own;
use super::objects::{Base, is_domain_object, time};
use super::observable;
use crate::case::Alert;
use crate::export::tactic;

/// The most that the standard lets a count be.
const MOST: u64 = 999_999_999;

/// Adds a pattern of attack for each technique; their ids by technique.
pub(super) fn techniques(base: &Base<'_>, bundle: &mut Bundle) -> BTreeMap<String, String> {
    let all = base.case.alerts.iter().flat_map(|alert| &alert.techniques).chain(&base.case.techniques);
    let mut ids = BTreeMap::new();
    for technique in all {
        ids.entry(technique.clone()).or_insert_with(|| bundle.add(pattern(base, technique)));
    }
    ids
}

/// The same technique is the same object in every bundle.
fn pattern(base: &Base<'_>, technique: &str) -> Value {
    let (source, page) = tactic::page(technique);
    let mut pattern = base.object(
        "attack-pattern",
        &[],
        json!({
            "name": technique,
            "external_references": [{ "source_name": source, "external_id": technique, "url": page }],
        }),
    );
    if let Some(members) = pattern.as_object_mut() {
        members.insert("id".to_owned(), own("attack-pattern", &[technique]).into());
    }
    pattern
}

/// Adds what an alert observed and sighted.
pub(super) fn alert(
    base: &Base<'_>,
    alert: &Alert,
    techniques: &BTreeMap<String, String>,
    bundle: &mut Bundle,
) {
    let entities = alert.entities.iter().filter_map(|entity| observable::entity(base, entity, bundle));
    let mut refs: Vec<String> = entities.filter(|id| !is_domain_object(id)).collect();
    refs.sort();
    refs.dedup();
    let (first, last, count) = (time(alert.start), time(alert.end), alert.results.clamp(1, MOST));
    let observed = (!refs.is_empty()).then(|| {
        let observed = json!({
            "first_observed": first, "last_observed": last, "number_observed": count, "object_refs": refs,
            "external_references": [{ "source_name": "castellan", "external_id": alert.id, "description": alert.name }],
        });
        bundle.add(base.object("observed-data", &[&alert.id], observed))
    });
    for technique in &alert.techniques {
        let Some(pattern) = techniques.get(technique) else { continue };
        let sighting = json!({
            "sighting_of_ref": pattern, "first_seen": first, "last_seen": last, "count": count,
            "description": alert.name, "where_sighted_refs": [base.author],
            "observed_data_refs": observed.iter().collect::<Vec<_>>(),
        });
        bundle.add(base.object("sighting", &[&alert.id, technique], sighting));
    }
}

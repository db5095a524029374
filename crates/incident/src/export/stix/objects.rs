//! Domain objects: the incident, its author, what groups and relates.

use castellan_base::Ticks;
use castellan_detect::rule::Severity;
use serde_json::{Map, Value, json};

use super::id::own;
use crate::case::{Case, Comment};
use crate::export::tactic;

/// Incident Core, the extension of the OASIS committee.
const INCIDENT_CORE: &str = "extension-definition--ef765651-680c-498d-9894-99799f2fa126";
/// When the description of the author was written.
const SINCE: &str = "2026-01-01T00:00:00.000Z";

/// What all objects of a bundle share.
pub(super) struct Base<'c> {
    pub(super) case: &'c Case,
    pub(super) author: &'c str,
}

/// A time with the three decimals that the standard wants at least.
pub(super) fn time(ticks: Ticks) -> String {
    let text = ticks.to_string();
    format!("{}Z", text.get(..23).unwrap_or(&text))
}

impl Base<'_> {
    /// An object with what every object has. What is null is left out.
    pub(super) fn object(&self, kind: &str, parts: &[&str], rest: Value) -> Value {
        let mut parts = parts.to_vec();
        parts.insert(0, &self.case.id);
        let mut object = Map::new();
        object.insert("type".to_owned(), kind.into());
        object.insert("spec_version".to_owned(), "2.1".into());
        object.insert("id".to_owned(), own(kind, &parts).into());
        object.insert("created_by_ref".to_owned(), self.author.into());
        object.insert("created".to_owned(), time(self.case.created).into());
        object.insert("modified".to_owned(), time(self.case.modified.max(self.case.created)).into());
        if let Value::Object(rest) = rest {
            object.extend(rest.into_iter().filter(|(_, value)| !is_nothing(value)));
        }
        Value::Object(object)
    }
}

/// The standard forbids empty lists and objects, and empty texts say nothing.
fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(members) => members.is_empty(),
        _ => false,
    }
}

/// Who says all this.
pub(super) fn author() -> Value {
    json!({
        "type": "identity", "spec_version": "2.1", "id": own("identity", &["castellan"]),
        "created": SINCE, "modified": SINCE, "name": "Castellan", "identity_class": "system",
    })
}

pub(super) fn incident(base: &Base<'_>) -> Value {
    let case = base.case;
    let phases = case.tactics.iter().map(|each| {
        let known = tactic::known(*each);
        json!({ "kill_chain_name": known.chain, "phase_name": known.phase })
    });
    let determination = match case.classification.as_str() {
        "TruePositive" => "successful-attempt",
        "FalsePositive" => "false-positive",
        "BenignPositive" => "low-value",
        _ => "suspected",
    };
    let investigation = match case.status.as_str() {
        "New" => "new",
        "Closed" => "closed",
        _ => "open",
    };
    let criticality = match case.severity {
        Severity::Informational => 10,
        Severity::Low => 30,
        Severity::Medium => 60,
        Severity::High => 90,
    };
    base.object(
        "incident",
        &[],
        json!({
            "name": case.title, "description": case.description, "labels": case.labels,
            "kill_chain_phases": phases.collect::<Vec<_>>(),
            "external_references": [{
                "source_name": "castellan", "external_id": case.number.to_string(),
                "description": format!("incident {} of Castellan", case.number),
            }],
            "extensions": { INCIDENT_CORE: {
                "extension_type": "property-extension",
                "determination": determination, "investigation_status": investigation, "criticality": criticality,
            } },
        }),
    )
}

/// Everything together.
pub(super) fn grouping(base: &Base<'_>, members: &[String]) -> Value {
    let case = base.case;
    base.object(
        "grouping",
        &[],
        json!({
            "name": format!("incident {}: {}", case.number, case.title), "context": "suspicious-activity",
            "object_refs": members,
        }),
    )
}

/// True for objects that a relationship may have as its end here: observables are tied by `observed-data`.
pub(super) fn is_domain_object(id: &str) -> bool {
    ["infrastructure--", "identity--", "malware--"].iter().any(|kind| id.starts_with(kind))
}

pub(super) fn related(base: &Base<'_>, source: &str, target: &str) -> Value {
    let ends = json!({ "relationship_type": "related-to", "source_ref": source, "target_ref": target });
    base.object("relationship", &[source, target], ends)
}

pub(super) fn note(base: &Base<'_>, comment: &Comment, about: &str) -> Value {
    let mut note = base.object(
        "note",
        &[&comment.id],
        json!({ "content": comment.text, "authors": [comment.by], "object_refs": [about] }),
    );
    if let Some(members) = note.as_object_mut() {
        // A comment is as old as it is.
        members.insert("created".to_owned(), time(comment.at).into());
        members.insert("modified".to_owned(), time(comment.at).into());
        members.entry("content").or_insert_with(|| "(empty)".into());
    }
    note
}

//! Alerts and entities of an incident.

use std::collections::BTreeMap;

use castellan_detect::entity::{Entity, EntityType};
use castellan_detect::incident::{Firing, Incident};
use castellan_incident::case::name;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::arm::Work;
use super::shape;

/// The type of entities, of which alerts are one kind.
const ENTITIES: &str = "Microsoft.SecurityInsights/Entities";
/// Alerts that are listed.
const MOST: usize = 10_000;

/// The alerts of an incident: each by itself, what many have in common repeated.
pub(super) fn alerts(work: &Work, incident: &Incident) -> Vec<Value> {
    let all =
        incident.in_order().into_iter().flat_map(|firing| firing.ids.iter().map(move |id| (firing, id)));
    all.take(MOST).map(|(firing, id)| alert(work, firing, id)).collect()
}

fn alert(work: &Work, firing: &Firing, id: &str) -> Value {
    let alert = &firing.alert;
    let time = shape::time;
    json!({
        "id": format!("{}/providers/{ENTITIES}/{id}", work.workspace), "name": id, "type": ENTITIES,
        "kind": "SecurityAlert",
        "properties": {
            "systemAlertId": id, "friendlyName": alert.name, "alertDisplayName": alert.name,
            "description": alert.description, "severity": alert.severity.as_str(), "status": "New",
            "confidenceLevel": "Unknown", "vendorName": "Castellan", "productName": "Azure Sentinel",
            "alertType": format!("castellan_{}", alert.rule), "providerAlertId": id,
            "tactics": alert.tactics.iter().map(|tactic| tactic.as_str()).collect::<Vec<_>>(),
            "startTimeUtc": time(alert.start), "endTimeUtc": time(alert.end),
            "timeGenerated": time(alert.raised), "processingEndTime": time(alert.raised),
            "additionalData": { "AlertCount": firing.count.to_string(), "Results": alert.results.to_string() },
        },
    })
}

/// Who and what an incident is about, and how many there are of each kind.
pub(super) fn entities(work: &Work, incident: &Incident) -> Value {
    let all = incident.entities();
    let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
    let mut told = Vec::new();
    for each in all.list() {
        *counts.entry(kind(each.entity)).or_default() += 1;
        told.push(entity(work, each));
    }
    let counts = counts.iter().map(|(kind, count)| json!({ "entityKind": kind, "count": count }));
    json!({ "entities": told, "metaData": counts.collect::<Vec<_>>() })
}

fn entity(work: &Work, entity: &Entity) -> Value {
    let id = Uuid::new_v5(&Uuid::NAMESPACE_OID, entity.identity().as_bytes()).to_string();
    let mut properties = Map::new();
    properties.insert("friendlyName".to_owned(), name(entity).into());
    for (identifier, value) in &entity.values {
        properties.insert(member(entity.entity, identifier), value.to_string().into());
    }
    json!({
        "id": format!("{}/providers/{ENTITIES}/{id}", work.workspace), "name": id, "type": ENTITIES,
        "kind": kind(entity.entity), "properties": properties,
    })
}

/// The kind of an entity as the API writes it; those that it has not have our own names.
fn kind(entity: EntityType) -> &'static str {
    match entity {
        EntityType::Ip => "Ip",
        EntityType::Url => "Url",
        EntityType::Dns => "DnsResolution",
        EntityType::IoTDevice => "IoTDevice",
        other => other.name(),
    }
}

/// The member of an identifier.
fn member(entity: EntityType, identifier: &str) -> String {
    let own = match (entity, identifier) {
        (EntityType::Account, "Name") => "accountName",
        (EntityType::Account, "UPNSuffix") => "upnSuffix",
        (EntityType::Account | EntityType::Host, "NTDomain") => "ntDomain",
        (EntityType::Account, "PUID") => "puid",
        (EntityType::Host, "AzureID") => "azureID",
        (EntityType::Host, "OMSAgentID") => "omsAgentID",
        (EntityType::Host, "OSFamily") => "osFamily",
        (EntityType::Host, "OSVersion") => "osVersion",
        (EntityType::File, "Name") => "fileName",
        (EntityType::FileHash, "Value") => "hashValue",
        (EntityType::Malware, "Name") => "malwareName",
        (EntityType::CloudApplication, "Name") => "appName",
        (EntityType::SecurityGroup, "SID") => "sid",
        _ => "",
    };
    if !own.is_empty() {
        return own.to_owned();
    }
    let mut letters = identifier.chars();
    let first = letters.next().map(|letter| letter.to_ascii_lowercase());
    first.into_iter().chain(letters).collect()
}

/// What an incident is tied to: its alerts.
pub(super) fn relations(work: &Work, incident: &Incident) -> Vec<Value> {
    let base = shape::id(&work.workspace, incident);
    let relation = |id: &str| {
        json!({
            "id": format!("{base}/relations/{id}"), "name": id,
            "type": "Microsoft.SecurityInsights/incidents/relations",
            "properties": {
                "relatedResourceId": format!("{}/providers/{ENTITIES}/{id}", work.workspace),
                "relatedResourceName": id, "relatedResourceType": ENTITIES, "relatedResourceKind": "SecurityAlert",
            },
        })
    };
    incident.alert_ids().take(MOST).map(relation).collect()
}

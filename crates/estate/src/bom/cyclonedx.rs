//! The bill of materials as CycloneDX 1.7 JSON (ECMA-424).

use castellan_base::{ResourceId, Ticks};
use rustc_hash::FxHashMap;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::{Bom, Link, Part, PartKind};

/// What the document says about itself.
#[derive(Clone, Debug)]
pub struct CycloneDxOptions {
    /// The time of its making.
    pub timestamp: Ticks,
    /// `urn:uuid:...`; computed from the content when absent, so that an unchanged estate has an unchanged number.
    pub serial_number: Option<String>,
    /// The version of the document: 1 for the first of a serial number.
    pub version: u32,
    /// What the bill is about: a product, a subscription, a repository.
    pub subject: Option<String>,
}

impl CycloneDxOptions {
    /// The first version, made at this time, about nothing in particular.
    pub fn at(timestamp: Ticks) -> CycloneDxOptions {
        CycloneDxOptions { timestamp, serial_number: None, version: 1, subject: None }
    }
}

/// Names are made in this namespace: a UUID of our own.
const NAMESPACE: Uuid = Uuid::from_u128(0x6c1f_0f0e_5e0b_5c0a_9a54_3c61_7374_656c);

/// Writes a bill of materials as CycloneDX 1.7. Models are `machine-learning-model` components with a `modelCard`, images
/// are containers, stores are data; agents, tools, deployments and endpoints are services. What CycloneDX has no word
/// for stands in `properties` named `castellan:*`.
pub fn to_cyclonedx(bom: &Bom, options: &CycloneDxOptions) -> Value {
    let ends = Ends::of(bom);
    let components: Vec<Value> =
        bom.parts.iter().filter(|part| !is_service(part.kind)).map(|part| component(&ends, part)).collect();
    let services: Vec<Value> = bom.parts.iter().filter(|part| is_service(part.kind)).map(service).collect();
    let dependencies = dependencies(bom, &ends);
    let serial = options.serial_number.clone().unwrap_or_else(|| {
        let content = json!([components, services, dependencies]).to_string();
        Uuid::new_v5(&NAMESPACE, content.as_bytes()).urn().to_string()
    });
    let mut metadata = json!({
        "timestamp": timestamp(options.timestamp),
        "tools": { "components": [{
            "type": "application",
            "name": "castellan",
            "version": env!("CARGO_PKG_VERSION"),
        }] },
    });
    if let (Some(subject), Some(metadata)) = (&options.subject, metadata.as_object_mut()) {
        let component = json!({ "type": "platform", "name": subject, "bom-ref": "castellan:subject" });
        metadata.insert("component".to_owned(), component);
    }
    json!({
        "$schema": "http://cyclonedx.org/schema/bom-1.7.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.7",
        "serialNumber": serial,
        "version": options.version.max(1),
        "metadata": metadata,
        "components": components,
        "services": services,
        "dependencies": dependencies,
    })
}

/// The bill, looked up by either end of a link.
struct Ends<'b> {
    parts: FxHashMap<&'b ResourceId, &'b Part>,
    outgoing: FxHashMap<&'b ResourceId, Vec<&'b Link>>,
    incoming: FxHashMap<&'b ResourceId, Vec<&'b Link>>,
}

impl<'b> Ends<'b> {
    fn of(bom: &'b Bom) -> Ends<'b> {
        let parts = bom.parts.iter().map(|part| (&part.id, part)).collect();
        let mut ends = Ends { parts, outgoing: FxHashMap::default(), incoming: FxHashMap::default() };
        for link in &bom.links {
            ends.outgoing.entry(&link.from).or_default().push(link);
            ends.incoming.entry(&link.to).or_default().push(link);
        }
        ends
    }
}

/// Seconds are enough, and `date-time` of the schema allows no more than RFC 3339 does.
fn timestamp(ticks: Ticks) -> String {
    let text = ticks.to_string();
    let seconds = text.split('.').next().unwrap_or(&text).trim_end_matches('Z');
    format!("{seconds}Z")
}

fn is_service(kind: PartKind) -> bool {
    matches!(
        kind,
        PartKind::Agent
            | PartKind::Tool
            | PartKind::McpServer
            | PartKind::Deployment
            | PartKind::Endpoint
            | PartKind::Connection
    )
}

fn reference(part: &Part) -> &str {
    part.id.as_str()
}

fn properties(part: &Part) -> Vec<Value> {
    let mut properties = vec![json!({ "name": "castellan:kind", "value": part.kind.as_str() })];
    for (name, value) in &part.details {
        properties.push(json!({ "name": format!("castellan:{name}"), "value": value }));
    }
    if let Some(location) = &part.location {
        properties.push(json!({ "name": "castellan:location", "value": location.to_string() }));
    }
    properties
}

fn head(part: &Part) -> Map<String, Value> {
    let mut object = Map::new();
    object.insert("bom-ref".to_owned(), reference(part).into());
    object.insert("name".to_owned(), part.name.clone().into());
    if let Some(version) = &part.version {
        object.insert("version".to_owned(), version.clone().into());
    }
    if let Some((_, description)) = part.details.iter().find(|(name, _)| name == "description") {
        object.insert("description".to_owned(), description.clone().into());
    }
    object
}

fn component(ends: &Ends<'_>, part: &Part) -> Value {
    let kind = match part.kind {
        PartKind::Model => "machine-learning-model",
        PartKind::Image => "container",
        PartKind::DataStore => "data",
        PartKind::Workload => "application",
        _ => "platform",
    };
    let mut object = Map::new();
    object.insert("type".to_owned(), kind.into());
    object.extend(head(part));
    if let Some(publisher) = &part.publisher {
        object.insert("publisher".to_owned(), publisher.clone().into());
        object.insert("supplier".to_owned(), json!({ "name": publisher }));
    }
    if part.kind == PartKind::Model {
        object.insert("modelCard".to_owned(), model_card(ends, part));
    }
    if part.kind == PartKind::DataStore {
        object.insert("data".to_owned(), json!([{ "type": "dataset", "name": part.name }]));
    }
    object.insert("properties".to_owned(), properties(part).into());
    Value::Object(object)
}

/// A model card with what the estate knows of a model: how it is deployed, how its answers are filtered, until when it
/// is served.
fn model_card(ends: &Ends<'_>, part: &Part) -> Value {
    let mut facts = Vec::new();
    for (name, value) in &part.details {
        facts.push(json!({ "name": format!("castellan:{name}"), "value": value }));
    }
    let mut users = Vec::new();
    for link in ends.incoming.get(&part.id).into_iter().flatten() {
        let Some(deployment) = ends.parts.get(&link.from) else { continue };
        users.push(format!("{} {}", deployment.kind.as_str(), deployment.name));
        let filter = deployment.details.iter().find(|(name, _)| name == "raiPolicy.name");
        if deployment.kind == PartKind::Deployment {
            let filter = filter.map_or("service default", |(_, name)| name.as_str());
            let value = format!("{}: {filter}", deployment.name);
            facts.push(json!({ "name": "castellan:contentFilter", "value": value }));
        }
    }
    users.sort();
    users.dedup();
    let mut card = json!({ "properties": facts });
    if let (false, Some(card)) = (users.is_empty(), card.as_object_mut()) {
        card.insert("considerations".to_owned(), json!({ "useCases": users }));
    }
    card
}

fn service(part: &Part) -> Value {
    let mut object = head(part);
    let detail =
        |name: &str| part.details.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
    if let Some(publisher) = &part.publisher {
        object.insert("provider".to_owned(), json!({ "name": publisher }));
    }
    let addresses: Vec<&str> =
        ["url", "serverUrl", "target"].iter().filter_map(|name| detail(name)).collect();
    let addresses: Vec<&str> = addresses.into_iter().filter(|address| is_address(address)).collect();
    if !addresses.is_empty() {
        object.insert("endpoints".to_owned(), json!(addresses));
    }
    if let Some(exposure) = detail("exposure") {
        object.insert("x-trust-boundary".to_owned(), (exposure == "internet").into());
    }
    object.insert("properties".to_owned(), properties(part).into());
    Value::Object(object)
}

/// The schema wants `endpoints` to be IRI references, which leaves out symbols and host patterns.
fn is_address(text: &str) -> bool {
    text.contains("://") && !text.contains(['{', '}', ' ', '<', '>', '"', '\\', '^', '`', '|'])
}

fn dependencies(bom: &Bom, ends: &Ends<'_>) -> Vec<Value> {
    let of = |part: &Part| {
        let mut targets: Vec<&str> = Vec::new();
        for link in ends.outgoing.get(&part.id).into_iter().flatten() {
            if let Some(target) = ends.parts.get(&link.to) {
                targets.push(reference(target));
            }
        }
        targets.sort_unstable();
        targets.dedup();
        json!({ "ref": reference(part), "dependsOn": targets })
    };
    bom.parts.iter().map(of).collect()
}

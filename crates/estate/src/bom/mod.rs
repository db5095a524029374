//! The AI bill of materials: what AI the estate consists of and how it hangs together.
//!
//! ```
//! use castellan_base::Ticks;
//! use castellan_estate::{EstateBuilder, ScanOptions, bom};
//!
//! let options = ScanOptions::default();
//! let mut builder = EstateBuilder::new(&options);
//! builder.add_text(
//!     "agent.json",
//!     r#"{"object": "assistant", "name": "helper", "model": "gpt-4o", "tools": [{"type": "file_search"}]}"#,
//! );
//! let bill = bom::bill_of_materials(&builder.finish());
//! let kinds: Vec<_> = bill.parts.iter().map(|part| part.kind.as_str()).collect();
//! assert_eq!(kinds, ["agent", "tool", "model"]);
//! let json = bom::to_cyclonedx(&bill, &bom::CycloneDxOptions::at(Ticks::MIN));
//! assert_eq!(json["specVersion"], "1.7");
//! ```

mod cyclonedx;

use castellan_base::{Existence, Location, Node, Resource, ResourceId};
use rustc_hash::FxHashMap;
use serde::Serialize;

use crate::estate::Estate;
use crate::relations::{RelationKind, external_name, tool_id};
use crate::shape::{items, text};

pub use cyclonedx::{CycloneDxOptions, to_cyclonedx};

/// An AI bill of materials.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Bom {
    /// The parts, sorted by kind and id.
    pub parts: Vec<Part>,
    /// How parts relate, sorted; both ends are among the parts.
    pub links: Vec<Link>,
}

/// One part.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Part {
    /// Its id: a resource's, or a stand-in under `/providers/Castellan.External` for what has none.
    pub id: ResourceId,
    /// What it is.
    pub kind: PartKind,
    /// Its name.
    pub name: String,
    /// A model's or an image's version, where one is given.
    pub version: Option<String>,
    /// Who made it: a model's publisher, a service's provider.
    pub publisher: Option<String>,
    /// What else is known, by name: `raiPolicy`, `exposure`, `retirementDate`.
    pub details: Vec<(String, String)>,
    /// Where it is described.
    pub location: Option<Location>,
}

/// What a part is. The order is that of reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum PartKind {
    /// An agent.
    Agent,
    /// A tool of an agent.
    Tool,
    /// A server of tools.
    McpServer,
    /// A model.
    Model,
    /// A deployment of a model.
    Deployment,
    /// A content filter.
    Filter,
    /// A service that AI is reached through or made of.
    Endpoint,
    /// A connection of a project to another service.
    Connection,
    /// Where data is kept.
    DataStore,
    /// What runs as whom.
    Identity,
    /// Model serving on Kubernetes.
    Workload,
    /// A container image.
    Image,
}

impl PartKind {
    /// The kebab-case name.
    pub fn as_str(self) -> &'static str {
        match self {
            PartKind::Agent => "agent",
            PartKind::Tool => "tool",
            PartKind::McpServer => "mcp-server",
            PartKind::Model => "model",
            PartKind::Deployment => "deployment",
            PartKind::Filter => "filter",
            PartKind::Endpoint => "endpoint",
            PartKind::Connection => "connection",
            PartKind::DataStore => "data-store",
            PartKind::Identity => "identity",
            PartKind::Workload => "workload",
            PartKind::Image => "image",
        }
    }
}

/// A relation between two parts.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Link {
    /// Where it starts.
    pub from: ResourceId,
    /// What it means.
    pub kind: RelationKind,
    /// Where it ends.
    pub to: ResourceId,
    /// More about it: a role's name.
    pub detail: String,
}

impl Bom {
    /// The part with this id.
    pub fn part(&self, id: &ResourceId) -> Option<&Part> {
        self.parts.iter().find(|part| part.id == *id)
    }

    /// The parts as rows for a table: kind, name, version, details, relations, place.
    pub fn rows(&self) -> Vec<[String; 6]> {
        let mut outgoing: FxHashMap<&ResourceId, Vec<String>> = FxHashMap::default();
        let names: FxHashMap<&ResourceId, &str> =
            self.parts.iter().map(|part| (&part.id, part.name.as_str())).collect();
        for link in &self.links {
            let target = names.get(&link.to).copied().unwrap_or_default();
            outgoing.entry(&link.from).or_default().push(format!("{} {target}", link.kind.as_str()));
        }
        let row = |part: &Part| {
            let details: Vec<String> =
                part.details.iter().map(|(name, value)| format!("{name}={value}")).collect();
            [
                part.kind.as_str().to_owned(),
                part.name.clone(),
                part.version.clone().unwrap_or_default(),
                details.join(" "),
                outgoing.get(&part.id).map(|links| links.join(", ")).unwrap_or_default(),
                part.location.as_ref().map(ToString::to_string).unwrap_or_default(),
            ]
        };
        self.parts.iter().map(row).collect()
    }
}

/// Which resources are parts as they are, and what of them is worth telling.
const PARTS: &[(&str, PartKind, &[&str])] = &[
    (
        "Castellan.AI/agents",
        PartKind::Agent,
        &[
            "description",
            "model",
            "source",
            "readsPrivateData",
            "readsUntrustedContent",
            "sendsOutside",
            "changesState",
        ],
    ),
    (
        "Castellan.AI/mcpServers",
        PartKind::McpServer,
        &["transport", "url", "package", "pinned", "hasStoredSecret"],
    ),
    (
        "Castellan.AI/modelDeployments",
        PartKind::Deployment,
        &[
            "model.name",
            "model.version",
            "model.publisher",
            "raiPolicy.name",
            "sku.name",
            "versionUpgradeOption",
        ],
    ),
    ("Castellan.AI/endpoints", PartKind::Endpoint, &["service", "exposure", "keyAccess", "fronted"]),
    (
        "Castellan.AI/connections",
        PartKind::Connection,
        &["category", "target", "authType", "storesCredential"],
    ),
    (
        "Castellan.AI/workloads",
        PartKind::Workload,
        &["runtime", "image", "model", "exposure", "namespace", "gpu"],
    ),
];

/// Draws up the bill of materials of an estate.
pub fn bill_of_materials(estate: &Estate) -> Bom {
    let mut draft =
        Draft { estate, parts: FxHashMap::default(), order: Vec::new(), stands_for: FxHashMap::default() };
    for (resource_type, kind, details) in PARTS {
        for resource in estate.of_type(resource_type) {
            draft.resource(resource, *kind, details);
        }
    }
    draft.models();
    for filter in estate.of_type("Microsoft.CognitiveServices/accounts/raiPolicies") {
        draft.plain(filter, PartKind::Filter, &["mode", "basePolicyName"]);
    }
    draft.far_ends();
    draft.finish()
}

struct Draft<'e> {
    estate: &'e Estate,
    parts: FxHashMap<ResourceId, Part>,
    order: Vec<ResourceId>,
    /// A derived part stands for the resource it was derived from: relations of either are relations of the part.
    stands_for: FxHashMap<ResourceId, ResourceId>,
}

impl Draft<'_> {
    fn add(&mut self, part: Part) {
        if !self.parts.contains_key(&part.id) {
            self.order.push(part.id.clone());
            self.parts.insert(part.id.clone(), part);
        }
    }

    fn resource(&mut self, resource: &Resource, kind: PartKind, details: &[&str]) {
        if let Some(source) = resource.id.parent().filter(|_| kind != PartKind::McpServer) {
            self.stands_for.insert(source, resource.id.clone());
        }
        if kind == PartKind::Agent {
            self.tools(resource);
        }
        self.plain(resource, kind, details);
    }

    fn plain(&mut self, resource: &Resource, kind: PartKind, details: &[&str]) {
        let provider =
            text(&resource.body, "properties.service").and_then(|service| service.split('/').next());
        self.add(Part {
            id: resource.id.clone(),
            kind,
            name: resource.name().to_owned(),
            version: None,
            publisher: provider.map(str::to_owned),
            details: details_of(resource, details),
            location: self.estate.sources.locate(resource.span),
        });
    }

    fn tools(&mut self, agent: &Resource) {
        for tool in items(&agent.body, "properties.tools") {
            let kind = text(tool, "kind").unwrap_or("other");
            if kind == "connected_agent" {
                continue;
            }
            let name = text(tool, "name").or_else(|| text(tool, "serverLabel")).unwrap_or(kind);
            let keys = ["kind", "description", "serverUrl", "requireApproval", "authType"];
            let details = keys.iter().filter_map(|key| Some(((*key).to_owned(), shown(tool.get(key)?)?)));
            let location = self.estate.sources.locate(tool.span);
            let (id, name, details) = (tool_id(&agent.id, kind, name), name.to_owned(), details.collect());
            self.add(Part {
                id,
                kind: PartKind::Tool,
                name,
                version: None,
                publisher: None,
                details,
                location,
            });
        }
    }

    /// The models that deployments and workloads serve and that agents name.
    fn models(&mut self) {
        for deployment in self.estate.of_type("Castellan.AI/modelDeployments") {
            let target = self
                .estate
                .relations_from(&deployment.id)
                .find(|link| link.kind == RelationKind::DeploysModel);
            let Some(target) = target else { continue };
            let part = |key: &str| deployment.at_path(&format!("properties.model.{key}")).and_then(shown);
            let details = ["format", "lifecycle", "retirementDate"];
            let details = details.iter().filter_map(|key| Some(((*key).to_owned(), part(key)?))).collect();
            self.add(Part {
                id: target.to.clone(),
                kind: PartKind::Model,
                name: part("name").unwrap_or_else(|| target.to.name().to_owned()),
                version: part("version"),
                publisher: part("publisher"),
                details,
                location: self.estate.sources.locate(target.span),
            });
        }
    }

    /// What the parts lead to: stores, identities, images, models that nobody deploys here.
    fn far_ends(&mut self) {
        for link in self.estate.relations() {
            if !self.is_part(&link.from) && !self.is_part(&link.to) {
                continue;
            }
            let (end, kind) = match link.kind {
                RelationKind::StoresDataIn => (&link.to, PartKind::DataStore),
                RelationKind::EncryptedBy => (&link.to, PartKind::DataStore),
                RelationKind::RunsAs => (&link.to, PartKind::Identity),
                RelationKind::HasRoleOn => (&link.from, PartKind::Identity),
                RelationKind::UsesImage => (&link.to, PartKind::Image),
                RelationKind::DeploysModel | RelationKind::UsesModel => (&link.to, PartKind::Model),
                RelationKind::UsesFilter => (&link.to, PartKind::Filter),
                RelationKind::Calls => (&link.to, PartKind::Agent),
                RelationKind::ConnectsTo | RelationKind::FrontedBy => (&link.to, PartKind::Endpoint),
                RelationKind::Contains
                | RelationKind::HasTool
                | RelationKind::ReachedThrough
                | RelationKind::LogsTo => continue,
            };
            if self.is_part(end) {
                continue;
            }
            let is_external = end.key().starts_with("/providers/castellan.external/");
            let name = if is_external { external_name(end) } else { end.name().to_owned() };
            let (name, version) = match kind {
                PartKind::Image => image_version(&name),
                PartKind::Model => match name.split_once('@') {
                    Some((name, version)) => (name.to_owned(), Some(version.to_owned())),
                    None => (name, None),
                },
                _ => (name, None),
            };
            let resource_type = end.resource_type();
            let details = if is_external { Vec::new() } else { vec![("type".to_owned(), resource_type)] };
            let location = self.estate.sources.locate(link.span);
            self.add(Part { id: end.clone(), kind, name, version, publisher: None, details, location });
        }
    }

    fn part_id<'i>(&'i self, id: &'i ResourceId) -> &'i ResourceId {
        self.stands_for.get(id).unwrap_or(id)
    }

    fn is_part(&self, id: &ResourceId) -> bool {
        self.parts.contains_key(self.part_id(id))
    }

    fn finish(self) -> Bom {
        let mut links = Vec::new();
        for relation in self.estate.relations() {
            let (from, to) = (self.part_id(&relation.from), self.part_id(&relation.to));
            if from != to && self.parts.contains_key(from) && self.parts.contains_key(to) {
                links.push(Link {
                    from: from.clone(),
                    kind: relation.kind,
                    to: to.clone(),
                    detail: relation.detail.to_string(),
                });
            }
        }
        links.sort();
        links.dedup();
        let mut parts: Vec<Part> = self.order.iter().filter_map(|id| self.parts.get(id).cloned()).collect();
        parts.sort_by(|left, right| (left.kind, &left.id).cmp(&(right.kind, &right.id)));
        Bom { parts, links }
    }
}

fn details_of(resource: &Resource, paths: &[&str]) -> Vec<(String, String)> {
    // What was only referred to has nothing of its own to tell.
    if matches!(resource.existence, Existence::Referenced) {
        return Vec::new();
    }
    let detail =
        |path: &&str| Some(((*path).to_owned(), shown(resource.at_path(&format!("properties.{path}"))?)?));
    paths.iter().filter_map(detail).collect()
}

/// A scalar as text; an unresolved one as `unknown: <expression>`.
fn shown(node: &Node) -> Option<String> {
    if let Some(unresolved) = node.as_unresolved() {
        return Some(format!("unknown: {}", unresolved.expression));
    }
    let text = node.as_str().map(str::to_owned);
    text.or_else(|| node.as_bool().map(|flag| flag.to_string()))
        .or_else(|| node.as_i64().map(|number| number.to_string()))
}

/// An image's name and its digest or tag.
fn image_version(image: &str) -> (String, Option<String>) {
    if let Some((name, digest)) = image.split_once('@') {
        return (name.to_owned(), Some(digest.to_owned()));
    }
    match image.rsplit_once(':') {
        // A colon before a slash is a registry's port.
        Some((name, tag)) if !tag.contains('/') => (name.to_owned(), Some(tag.to_owned())),
        _ => (image.to_owned(), None),
    }
}

//! How resources relate.

mod azure;
mod derived;
mod roles;

pub(crate) use derived::tool_id;

use std::sync::Arc;

use castellan_base::{Node, Origin, Resource, ResourceId, Span};
use rustc_hash::FxHashMap;
use serde::Serialize;

use crate::estate::Estate;

/// A typed edge between two resources. The target need not have been read: an account may point to a vault in another
/// subscription, a manifest to an image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Relation {
    /// Where it starts.
    pub from: ResourceId,
    /// Where it ends.
    pub to: ResourceId,
    /// What it means.
    pub kind: RelationKind,
    /// More about it: the role's name for [`RelationKind::HasRoleOn`]. May be empty.
    pub detail: Arc<str>,
    /// Where it is written.
    pub span: Span,
}

/// What a relation means, read from its start to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum RelationKind {
    /// Parent to child resource.
    Contains,
    /// Deployment or workload to the model it serves.
    DeploysModel,
    /// Deployment to the content filter it applies.
    UsesFilter,
    /// Agent to the deployment it thinks with.
    UsesModel,
    /// Agent to a tool.
    HasTool,
    /// Connection, tool or project to the service at the other end.
    ConnectsTo,
    /// Service or agent to where its data lies.
    StoresDataIn,
    /// Resource or workload to the identity it runs as.
    RunsAs,
    /// Identity to a scope on which it has a role.
    HasRoleOn,
    /// Resource to the key vault that holds its key.
    EncryptedBy,
    /// Resource to a private endpoint that leads to it.
    ReachedThrough,
    /// Resource to where its logs go.
    LogsTo,
    /// Resource to the gateway in front of it.
    FrontedBy,
    /// Workload to its container image.
    UsesImage,
    /// Agent to an agent it hands work to.
    Calls,
}

impl RelationKind {
    /// The kebab-case name.
    pub fn as_str(self) -> &'static str {
        match self {
            RelationKind::Contains => "contains",
            RelationKind::DeploysModel => "deploys-model",
            RelationKind::UsesFilter => "uses-filter",
            RelationKind::UsesModel => "uses-model",
            RelationKind::HasTool => "has-tool",
            RelationKind::ConnectsTo => "connects-to",
            RelationKind::StoresDataIn => "stores-data-in",
            RelationKind::RunsAs => "runs-as",
            RelationKind::HasRoleOn => "has-role-on",
            RelationKind::EncryptedBy => "encrypted-by",
            RelationKind::ReachedThrough => "reached-through",
            RelationKind::LogsTo => "logs-to",
            RelationKind::FrontedBy => "fronted-by",
            RelationKind::UsesImage => "uses-image",
            RelationKind::Calls => "calls",
        }
    }
}

/// The relations that start at these resources, found by id, by name on the parent or by host name.
pub(crate) fn of_resources(estate: &Estate, resources: &[Resource]) -> Vec<Relation> {
    let mut edges = Edges { relations: Vec::new(), hosts: hosts(estate), principals: principals(estate) };
    for resource in resources {
        if resource.origin == Origin::Derived {
            derived::edges(estate, resource, &mut edges);
        } else {
            azure::edges(estate, resource, &mut edges);
        }
    }
    edges.relations
}

/// Orders relations and removes repetitions.
pub(crate) fn sort(relations: &mut Vec<Relation>) {
    relations.sort_by(|left, right| {
        (&left.from, left.kind, &left.to, &left.detail).cmp(&(
            &right.from,
            right.kind,
            &right.to,
            &right.detail,
        ))
    });
    relations.dedup_by(|left, right| {
        left.from == right.from
            && left.kind == right.kind
            && left.to == right.to
            && left.detail == right.detail
    });
}

/// Collects edges, with what is needed to find their far ends.
pub(crate) struct Edges {
    relations: Vec<Relation>,
    /// Services by the host names under which they answer.
    hosts: FxHashMap<String, ResourceId>,
    /// Resources by the object id of the identity they run as.
    principals: FxHashMap<String, ResourceId>,
}

impl Edges {
    pub(crate) fn add(&mut self, from: &ResourceId, kind: RelationKind, to: ResourceId, span: Span) {
        self.add_with(from, kind, to, "", span);
    }

    pub(crate) fn add_with(
        &mut self,
        from: &ResourceId,
        kind: RelationKind,
        to: ResourceId,
        detail: &str,
        span: Span,
    ) {
        if *from != to {
            self.relations.push(Relation { from: from.clone(), to, kind, detail: detail.into(), span });
        }
    }

    /// An edge to the resource that a value names by id, if it does.
    pub(crate) fn link_id(&mut self, from: &ResourceId, kind: RelationKind, value: Option<&Node>) {
        let Some(value) = value else { return };
        if let Some(id) = id_in(value) {
            self.add(from, kind, id, value.span);
        }
    }

    /// An edge to the service that a value names by URL or host name, if it was read.
    pub(crate) fn link_host(&mut self, from: &ResourceId, kind: RelationKind, value: Option<&Node>) -> bool {
        let Some(value) = value else { return false };
        let Some(text) = value.text_or_symbol() else { return false };
        match self.host(text) {
            Some(id) => {
                self.add(from, kind, id, value.span);
                true
            }
            None => false,
        }
    }

    /// The service that answers under the host of a URL, or whose endpoint a symbol speaks of.
    pub(crate) fn host(&self, text: &str) -> Option<ResourceId> {
        self.hosts.get(&crate::derive::host_of(text)).cloned().or_else(|| id_within_symbol(text))
    }

    /// The resource that runs as a principal; a stand-in when it was not read.
    pub(crate) fn principal(&self, principal: &str) -> ResourceId {
        let known = self.principals.get(&principal.to_ascii_lowercase()).cloned();
        known.or_else(|| id_within_symbol(principal)).unwrap_or_else(|| external("principals", principal))
    }
}

/// The id in a text or symbol that is one. `reference(resourceId(..)).x` is no id.
pub(crate) fn id_in(value: &Node) -> Option<ResourceId> {
    let text = value.text_or_symbol()?;
    let lower_start = text.get(..text.len().min(15))?.to_ascii_lowercase();
    let is_id = lower_start.starts_with("/subscriptions/") || lower_start.starts_with("/providers/");
    if is_id { text.parse().ok() } else { None }
}

/// The id inside a symbol such as `{reference('/subscriptions/.../accounts/a').principalId}`: a value of that resource
/// leads to that resource.
pub(crate) fn id_within_symbol(symbol: &str) -> Option<ResourceId> {
    if !symbol.starts_with('{') {
        return None;
    }
    let start = symbol.find("'/subscriptions/").or_else(|| symbol.find("'/providers/"))?;
    let rest = symbol.get(start + 1..)?;
    let end = quoted_end(rest)?;
    rest.get(..end)?.parse().ok()
}

/// Where a quoted id ends: the first quote outside the braces of unknown parts.
fn quoted_end(text: &str) -> Option<usize> {
    let mut depth = 0_u32;
    for (offset, byte) in text.bytes().enumerate() {
        match byte {
            b'{' => depth += 1,
            b'}' => depth = depth.saturating_sub(1),
            b'\'' if depth == 0 => return Some(offset),
            _ => {}
        }
    }
    None
}

/// The stand-in for something that has no id of its own: a model, an image, an address, a principal. Slashes in its name
/// are percent-encoded, since they would split the id.
pub(crate) fn external(kind: &str, name: &str) -> ResourceId {
    let name = name.replace('%', "%25").replace('/', "%2F").replace('\\', "%5C");
    ResourceId::build("", &format!("Castellan.External/{kind}"), &[&name])
}

/// The name that [`external`] was given.
pub(crate) fn external_name(id: &ResourceId) -> String {
    id.name().replace("%5C", "\\").replace("%2F", "/").replace("%25", "%")
}

fn hosts(estate: &Estate) -> FxHashMap<String, ResourceId> {
    let mut hosts = FxHashMap::default();
    for resource in &estate.resources {
        for host in crate::derive::host_names(resource) {
            hosts.entry(host).or_insert_with(|| resource.id.clone());
        }
    }
    hosts
}

fn principals(estate: &Estate) -> FxHashMap<String, ResourceId> {
    let mut principals = FxHashMap::default();
    for resource in &estate.resources {
        let own = ["identity.principalId", "properties.principalId"].iter().filter_map(|path| {
            let assignment = resource.is_type("Microsoft.Authorization/roleAssignments");
            resource.at_path(path).and_then(Node::as_str).filter(|_| !assignment)
        });
        for principal in own {
            principals.entry(principal.to_ascii_lowercase()).or_insert_with(|| resource.id.clone());
        }
    }
    principals
}

//! What the AI workloads of an estate are, and what belongs to each.

use std::collections::BTreeSet;

use castellan_base::{Existence, Node, Resource, ResourceId};
use castellan_estate::{Estate, RelationKind, host_names};

/// Most resources that are counted to a workload. An agent that leads to more is not told apart from the estate.
const MEMBERS: usize = 500;

/// What kind of workload it is. The order is that of reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum WorkloadKind {
    /// An agent.
    Agent,
    /// A deployment of a model.
    Deployment,
    /// Model serving on Kubernetes.
    Serving,
    /// A server of tools.
    McpServer,
    /// An AI service in which no workload of another kind was seen.
    Service,
}

impl WorkloadKind {
    pub(super) const WORDS: [(&'static str, WorkloadKind); 5] = [
        ("agent", WorkloadKind::Agent),
        ("deployment", WorkloadKind::Deployment),
        ("serving", WorkloadKind::Serving),
        ("mcp-server", WorkloadKind::McpServer),
        ("service", WorkloadKind::Service),
    ];

    /// The kebab-case name.
    pub fn as_str(self) -> &'static str {
        Self::WORDS.iter().find(|(_, kind)| *kind == self).map_or("", |(word, _)| word)
    }
}

/// A workload and what belongs to it.
#[derive(Clone, Debug)]
pub struct Workload {
    /// The id of the resource that it is.
    pub id: ResourceId,
    /// Its name.
    pub name: String,
    /// What it is.
    pub kind: WorkloadKind,
    /// What belongs to it, the workload first: what contains it, what was derived from these, and what it leads to.
    pub members: Vec<ResourceId>,
    /// Kinds of relations that start at it or at what contains it: `runs-as`.
    pub relations: BTreeSet<&'static str>,
    /// Where it is reached: names of hosts in lower case.
    pub hosts: BTreeSet<String>,
    /// What its model is asked by: names of its deployments.
    pub deployments: BTreeSet<String>,
}

/// Services that are workloads of their own where nothing else is seen in them.
const SERVICES: [&str; 3] = [
    "microsoft.cognitiveservices/accounts",
    "microsoft.machinelearningservices/workspaces",
    "microsoft.search/searchservices",
];

/// The workloads of an estate, by kind and name.
pub fn workloads(estate: &Estate) -> Vec<Workload> {
    let kinds = [
        ("Castellan.AI/agents", WorkloadKind::Agent),
        ("Castellan.AI/modelDeployments", WorkloadKind::Deployment),
        ("Castellan.AI/workloads", WorkloadKind::Serving),
        ("Castellan.AI/mcpServers", WorkloadKind::McpServer),
    ];
    let is_there = |resource: &&Resource| !matches!(resource.existence, Existence::Referenced);
    let mut seen = BTreeSet::new();
    let mut found = Vec::new();
    for (resource_type, kind) in kinds {
        for resource in estate.of_type(resource_type).filter(is_there) {
            if seen.insert(resource.id.clone()) {
                found.push(gather(estate, resource, kind));
            }
        }
    }
    let taken: BTreeSet<ResourceId> = found
        .iter()
        .filter(|one| one.kind != WorkloadKind::McpServer)
        .flat_map(|one| ancestors(&one.id))
        .collect();
    for resource in estate.of_type("Castellan.AI/endpoints").filter(is_there) {
        let Some(service) = resource.id.parent() else { continue };
        let is_service = SERVICES.contains(&service.resource_type().to_ascii_lowercase().as_str());
        if is_service && !taken.contains(&service) && seen.insert(resource.id.clone()) {
            found.push(gather(estate, resource, WorkloadKind::Service));
        }
    }
    found.sort_by(|left, right| (left.kind, &left.name, &left.id).cmp(&(right.kind, &right.name, &right.id)));
    found
}

/// What contains a resource, up to but without its resource group.
fn ancestors(id: &ResourceId) -> Vec<ResourceId> {
    let mut found = Vec::new();
    let mut next = id.parent();
    while let Some(parent) = next {
        let kind = parent.resource_type().to_ascii_lowercase();
        if kind.is_empty() || kind.starts_with("microsoft.resources/") || found.len() > 16 {
            break;
        }
        next = parent.parent();
        found.push(parent);
    }
    found
}

/// What a workload leads to and is made of.
fn is_own(kind: RelationKind) -> bool {
    matches!(
        kind,
        RelationKind::UsesFilter
            | RelationKind::UsesModel
            | RelationKind::HasTool
            | RelationKind::ConnectsTo
            | RelationKind::StoresDataIn
            | RelationKind::RunsAs
            | RelationKind::EncryptedBy
            | RelationKind::ReachedThrough
            | RelationKind::FrontedBy
            | RelationKind::UsesImage
    )
}

struct Gathering<'e> {
    estate: &'e Estate,
    members: Vec<ResourceId>,
    known: BTreeSet<ResourceId>,
}

impl Gathering<'_> {
    /// Adds a resource, what contains it, and what was derived from these.
    fn add(&mut self, id: &ResourceId) {
        for own in std::iter::once(id.clone()).chain(ancestors(id)) {
            if self.members.len() >= MEMBERS || !self.known.insert(own.clone()) {
                continue;
            }
            self.members.push(own.clone());
            let derived = [
                "Castellan.AI/endpoints",
                "Castellan.AI/connections",
                "Microsoft.Insights/diagnosticSettings",
            ];
            for resource_type in derived {
                for resource in self.estate.children(&own, resource_type) {
                    if self.members.len() < MEMBERS && self.known.insert(resource.id.clone()) {
                        self.members.push(resource.id.clone());
                    }
                }
            }
        }
    }

    fn far_ends(&self, of: &[ResourceId]) -> Vec<ResourceId> {
        let relations = of.iter().flat_map(|id| self.estate.relations_from(id));
        relations.filter(|relation| is_own(relation.kind)).map(|relation| relation.to.clone()).collect()
    }
}

fn gather(estate: &Estate, resource: &Resource, kind: WorkloadKind) -> Workload {
    let mut gathering = Gathering { estate, members: Vec::new(), known: BTreeSet::new() };
    gathering.add(&resource.id);
    let own = gathering.members.clone();
    // Two steps: an agent to its tool and the tool to its server; an agent to its deployment and that to its filter.
    for _ in 0..2 {
        let from = gathering.members.clone();
        for end in gathering.far_ends(&from) {
            gathering.add(&end);
        }
    }
    let relations =
        own.iter().flat_map(|id| estate.relations_from(id)).map(|one| one.kind.as_str()).collect();
    let (mut hosts, mut deployments) = (BTreeSet::new(), BTreeSet::new());
    for member in gathering.members.iter().flat_map(|id| estate.get(id)) {
        let is_model = member.is_type("Microsoft.CognitiveServices/accounts")
            || member.is_type("Castellan.AI/mcpServers")
            || member.id == resource.id;
        if is_model {
            hosts.extend(host_names(member).into_iter().map(|host| host.to_ascii_lowercase()));
            let url = member.at_path("properties.url").and_then(Node::as_str);
            hosts.extend(url.and_then(host));
        }
        if member.is_type("Castellan.AI/modelDeployments") {
            deployments.insert(member.name().to_owned());
        }
    }
    Workload {
        id: resource.id.clone(),
        name: name(resource, kind),
        kind,
        members: gathering.members,
        relations,
        hosts,
        deployments,
    }
}

/// What people call a workload: many accounts have a deployment `chat`, so that theirs comes before its own.
fn name(resource: &Resource, kind: WorkloadKind) -> String {
    let source = resource.id.parent().filter(|_| kind == WorkloadKind::Deployment);
    source.map_or_else(|| resource.name().to_owned(), |source| source.full_name())
}

/// The host of an address.
fn host(url: &str) -> Option<String> {
    let rest = url.split_once("://")?.1;
    let authority = rest.split(['/', '?', '#']).next()?;
    let name = authority.rsplit('@').next()?;
    let name = if name.starts_with('[') { name } else { name.split(':').next()? };
    (!name.is_empty()).then(|| name.to_ascii_lowercase())
}

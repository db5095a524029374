//! What was read, indexed.

use std::sync::Arc;

use castellan_base::{Diagnostic, Existence, Node, Origin, Resource, ResourceId, SourceId, Sources};

use rustc_hash::FxHashMap;

use crate::index::Index;
use crate::relations::Relation;

/// Everything that was read: resources in the shape of Resource Manager, what was derived from them, how they relate,
/// and what could not be read.
///
/// Made by [`crate::read`], [`Estate::from_documents`] or [`crate::live::collect`]. One resource stands for each pair
/// of id and [`World`]: an account in a template and the same account in an export are two resources with one id, since
/// they say what shall be and what is. An id with unknown parts stands for a resource within its own file only, because
/// equal symbols in two templates may become different names.
#[derive(Debug, Default)]
pub struct Estate {
    /// The texts that spans point into.
    pub sources: Sources,
    /// All resources: as read, then the derived ones (`Castellan.AI/...`, [`Origin::Derived`]).
    pub resources: Vec<Resource>,
    /// Policy assignments, definitions, initiatives, exemptions and compliance states, as Azure writes them.
    pub governance: Vec<GovernanceDocument>,
    /// What went wrong, with places.
    pub diagnostics: Vec<Diagnostic>,
    /// Every file that was looked at and what it turned out to be.
    pub inputs: Vec<Input>,
    pub(crate) relations: Vec<Relation>,
    pub(crate) index: Index,
    /// Statements about lists by parent and lower-case type.
    pub(crate) listed: FxHashMap<(ResourceId, String), Coverage>,
}

/// A document of Azure Policy, kept as it was read.
#[derive(Clone, Debug)]
pub struct GovernanceDocument {
    /// What it is.
    pub kind: GovernanceKind,
    /// The id it carries, if any (compliance states have none).
    pub id: Option<ResourceId>,
    /// The whole document.
    pub document: Node,
}

/// The documents of Azure Policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum GovernanceKind {
    /// `Microsoft.Authorization/policyDefinitions`.
    Definition,
    /// `Microsoft.Authorization/policySetDefinitions`.
    Initiative,
    /// `Microsoft.Authorization/policyAssignments`.
    Assignment,
    /// `Microsoft.Authorization/policyExemptions`.
    Exemption,
    /// A row of `az policy state list`, or of `policyresources` in Resource Graph.
    ComplianceState,
}

/// One file, or one live collection, and what became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Input {
    /// The path as given, or `azure:SUBSCRIPTION`.
    pub path: Arc<str>,
    /// What it is.
    pub kind: InputKind,
    /// How many resources it gave, before merging.
    pub resources: usize,
    /// How many other documents it gave: governance documents, parameter values.
    pub documents: usize,
    /// Its text in [`Estate::sources`]; absent when it could not be read.
    pub source: Option<SourceId>,
    /// For [`InputKind::Unsupported`] and [`InputKind::Broken`]: why. Otherwise what is worth knowing, often empty.
    pub note: String,
    /// What to do instead. May be empty.
    pub next_step: String,
}

/// What a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum InputKind {
    /// An ARM template, also one compiled from Bicep.
    ArmTemplate,
    /// Parameter values for a template.
    ArmParameters,
    /// `terraform show -json` of a plan.
    TerraformPlan,
    /// `terraform show -json` of a state.
    TerraformState,
    /// An answer of Resource Graph.
    ResourceGraph,
    /// Resources as the REST API or `az ... show` return them.
    Resources,
    /// An inventory without properties, as `az resource list` prints it.
    Inventory,
    /// Role assignments or role definitions.
    Roles,
    /// Documents of Azure Policy.
    Governance,
    /// Kubernetes manifests.
    Kubernetes,
    /// Agent definitions.
    Agents,
    /// A configuration of MCP servers.
    Mcp,
    /// A live subscription.
    Live,
    /// Recognised, but nothing that can be scanned as it is.
    Unsupported,
    /// Should be readable but is not; [`Estate::diagnostics`] says where and why.
    Broken,
}

impl InputKind {
    /// What to call it in a sentence.
    pub fn as_str(self) -> &'static str {
        match self {
            InputKind::ArmTemplate => "ARM template",
            InputKind::ArmParameters => "template parameters",
            InputKind::TerraformPlan => "Terraform plan",
            InputKind::TerraformState => "Terraform state",
            InputKind::ResourceGraph => "Resource Graph export",
            InputKind::Resources => "resource export",
            InputKind::Inventory => "resource inventory",
            InputKind::Roles => "role assignments",
            InputKind::Governance => "policy documents",
            InputKind::Kubernetes => "Kubernetes manifests",
            InputKind::Agents => "agent definitions",
            InputKind::Mcp => "MCP configuration",
            InputKind::Live => "live subscription",
            InputKind::Unsupported => "not an input",
            InputKind::Broken => "unreadable",
        }
    }
}

/// A statement about the children (or extension resources) of a type under one parent: that all of them were listed, so
/// that one which was not read does not exist, or that listing them failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Coverage {
    /// The parent: a resource, a resource group or a subscription.
    pub parent: ResourceId,
    /// The full type of the children: `Microsoft.CognitiveServices/accounts/deployments`,
    /// `Microsoft.Insights/diagnosticSettings`. `*` under a subscription: every top-level type.
    pub resource_type: Arc<str>,
    /// True when what was not found does not exist.
    pub complete: bool,
    /// Why the list is not complete. Empty when it is.
    pub reason: String,
}

/// Which account of reality a resource belongs to. Within one world a fully known id stands for one resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum World {
    /// What is there: exports and live answers.
    Actual,
    /// What templates will deploy.
    Template,
    /// What Terraform plans to have.
    Plan,
    /// What Terraform remembers.
    State,
    /// Manifests, agent definitions and MCP configurations.
    File,
}

impl World {
    /// The world that descriptions of this origin speak of.
    pub fn of(origin: Origin) -> World {
        match origin {
            Origin::Export | Origin::Live => World::Actual,
            Origin::ArmTemplate => World::Template,
            Origin::TerraformPlan => World::Plan,
            Origin::TerraformState => World::State,
            Origin::Kubernetes | Origin::AgentDefinition | Origin::Derived => World::File,
        }
    }
}

/// Where related resources are looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum RelatedScope {
    /// The resource group of the resource, or the one named by the query. Child and extension types are looked for
    /// under the resource itself.
    #[default]
    ResourceGroup,
    /// The whole subscription.
    Subscription,
}

/// A question for resources that belong to another one, as `auditIfNotExists` asks it.
#[derive(Clone, Copy, Debug)]
pub struct RelatedQuery<'a> {
    /// The resource they belong to.
    pub resource: &'a Resource,
    /// Their full type.
    pub resource_type: &'a str,
    /// Their name, with `*` and `?` as wildcards; the last segment or the whole `parent/child` name.
    pub name: Option<&'a str>,
    /// Where they are looked for.
    pub scope: RelatedScope,
    /// A resource group other than the resource's own.
    pub resource_group: Option<&'a str>,
}

/// The answer to a [`RelatedQuery`].
#[derive(Clone, Debug, PartialEq)]
pub enum Related<'a> {
    /// These and no others, as far as can be known. A conditional one may turn out not to exist; see
    /// [`Resource::existence`].
    Known(Vec<&'a Resource>),
    /// What was read does not say.
    NotCollected {
        /// What is missing.
        message: String,
        /// The command that gets it.
        next_step: String,
    },
}

impl Estate {
    /// The resource with this id. Where several worlds know it, what is there comes before what is declared.
    pub fn get(&self, id: &ResourceId) -> Option<&Resource> {
        let known = self.all(id);
        known.min_by_key(|resource| {
            (matches!(resource.existence, Existence::Referenced), World::of(resource.origin))
        })
    }

    /// Every description of the resource with this id, one a world.
    pub fn all(&self, id: &ResourceId) -> impl Iterator<Item = &Resource> {
        self.pick(self.index.by_id(id))
    }

    /// All resources of a type, in any spelling.
    pub fn of_type(&self, resource_type: &str) -> impl Iterator<Item = &Resource> {
        self.pick(self.index.by_type(resource_type))
    }

    /// Resources of a type directly under a parent: child resources and extension resources.
    pub fn children<'s>(
        &'s self,
        parent: &ResourceId,
        resource_type: &'s str,
    ) -> impl Iterator<Item = &'s Resource> {
        self.contained(parent).filter(move |resource| resource.is_type(resource_type))
    }

    /// All resources directly under a parent.
    pub fn contained(&self, parent: &ResourceId) -> impl Iterator<Item = &Resource> {
        self.pick(self.index.by_parent(parent))
    }

    /// The resource that a derived resource was computed from.
    pub fn source_of(&self, derived: &Resource) -> Option<&Resource> {
        let parent = derived.id.parent()?;
        let mut candidates = self.all(&parent);
        let first = candidates.next()?;
        // Two worlds can derive the same id; the spans tell which is meant.
        let same_file = |resource: &&Resource| resource.span.source == derived.span.source;
        Some(if same_file(&first) { first } else { candidates.find(same_file).unwrap_or(first) })
    }

    /// How resources relate to one another.
    pub fn relations(&self) -> &[Relation] {
        &self.relations
    }

    /// The relations that start at a resource.
    pub fn relations_from(&self, id: &ResourceId) -> impl Iterator<Item = &Relation> {
        self.index.from(id).iter().filter_map(|index| self.relations.get(*index))
    }

    /// The relations that end at a resource.
    pub fn relations_to(&self, id: &ResourceId) -> impl Iterator<Item = &Relation> {
        self.index.to(id).iter().filter_map(|index| self.relations.get(*index))
    }

    pub(crate) fn pick<'s>(&'s self, indices: &'s [usize]) -> impl Iterator<Item = &'s Resource> {
        indices.iter().filter_map(|index| self.resources.get(*index))
    }
}

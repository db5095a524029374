//! One resource, however it was read.

use std::sync::Arc;

use serde::Serialize;

use crate::resource_id::ResourceId;
use crate::span::Span;
use crate::value::{Node, Unresolved};

/// Where the description of a resource comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Origin {
    /// An ARM template.
    ArmTemplate,
    /// A Terraform plan.
    TerraformPlan,
    /// Terraform state.
    TerraformState,
    /// A saved answer of Resource Graph, `az` or the REST API.
    Export,
    /// The REST API, asked by this program.
    Live,
    /// A Kubernetes manifest.
    Kubernetes,
    /// Another file that describes an AI workload: an agent definition, an MCP configuration.
    AgentDefinition,
    /// Computed from other resources.
    Derived,
}

impl Origin {
    /// True for a description of what shall be, which says everything about the resources it names: what it does not
    /// mention will not exist. An export says only what it holds.
    pub fn is_declared(self) -> bool {
        matches!(self, Origin::ArmTemplate | Origin::TerraformPlan | Origin::Kubernetes)
    }
}

/// Whether the resource is there.
#[derive(Clone, Debug, PartialEq)]
pub enum Existence {
    /// It is, or will be after deployment.
    Certain,
    /// Its deployment hangs on a condition that cannot be known now.
    Conditional(Arc<Unresolved>),
    /// It is only referred to (`existing` in a template, a data source in Terraform); its properties are not known.
    Referenced,
}

/// A resource in the shape of Azure Resource Manager.
#[derive(Clone, Debug, PartialEq)]
pub struct Resource {
    /// The full id. Unknown parts stand in braces.
    pub id: ResourceId,
    /// The full type, as written: `Microsoft.CognitiveServices/accounts/deployments`.
    pub resource_type: Arc<str>,
    /// The API version that the properties follow, if known.
    pub api_version: Option<Arc<str>>,
    /// The resource as Resource Manager would return it: an object with `id`, `name` (the last segment), `type`,
    /// and as present `location`, `kind`, `sku`, `identity`, `tags`, `zones`, `properties`, ...
    pub body: Node,
    /// Where the resource is declared.
    pub span: Span,
    /// What kind of description it was read from.
    pub origin: Origin,
    /// Whether it is there.
    pub existence: Existence,
}

impl Resource {
    /// The last segment of the name.
    pub fn name(&self) -> &str {
        self.id.name()
    }

    /// True when the resource is of this type, in any spelling.
    pub fn is_type(&self, resource_type: &str) -> bool {
        self.resource_type.eq_ignore_ascii_case(resource_type)
    }

    /// A value in the body by dotted path: `properties.disableLocalAuth`.
    pub fn at_path(&self, path: &str) -> Option<&Node> {
        self.body.at_path(path)
    }
}

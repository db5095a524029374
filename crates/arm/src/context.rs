//! What is known of a deployment, and what comes out of an expansion.

use castellan_base::{Diagnostic, Object, Resource, ResourceId, Ticks};

/// What is known about where and when a declaration will be deployed. Whatever is `None` stays unresolved.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeploymentContext {
    /// The subscription's id (a GUID).
    pub subscription_id: Option<String>,
    /// The resource group's name.
    pub resource_group: Option<String>,
    /// The resource group's location.
    pub location: Option<String>,
    /// The tenant's id (a GUID).
    pub tenant_id: Option<String>,
    /// The management group's name.
    pub management_group: Option<String>,
    /// The deployment's name.
    pub deployment_name: Option<String>,
    /// The time of the deployment, for `utcNow`.
    pub now: Option<Ticks>,
}

/// What an expansion gives.
#[derive(Debug, Default)]
pub struct Expansion {
    /// The resources in the order of declaration. The same id may come twice: templates may deploy a resource and
    /// then update it.
    pub resources: Vec<Resource>,
    /// `dependsOn` as pairs: the first depends on the second.
    pub dependencies: Vec<(ResourceId, ResourceId)>,
    /// The outputs' values.
    pub outputs: Object,
    /// What could not be used or was left out.
    pub diagnostics: Vec<Diagnostic>,
}

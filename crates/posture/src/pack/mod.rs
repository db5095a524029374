//! Azure Policy definitions that the user brings: the public built-ins, or their own.
//!
//! A pack is read from a folder as it is checked out (`policyDefinitions/**` and `policySetDefinitions/**`, or any
//! folder of definition files). When the estate holds policy assignments, they decide what is evaluated, with which
//! parameters, effects and exemptions; otherwise every definition is evaluated with its own defaults, which answers
//! "what would happen if all of this were assigned".
//!
//! Only counts are kept of what is compliant, so that ten thousand resources against thousands of definitions stay
//! small.

mod evaluate;
mod load;
mod tally;

use std::sync::Arc;

use castellan_base::{Location, ResourceId, Severity, UnknownReason};

use crate::assessment::Counts;

pub(crate) use evaluate::context;
pub(crate) use evaluate::{evaluate, governance};
pub use load::{PolicyPack, PolicyPackError, UnusableDefinition};

/// What decides which definitions apply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Basis {
    /// All definitions, with the defaults of their parameters.
    Defaults,
    /// The estate's own assignments.
    Assignments,
}

impl Basis {
    /// The lower-case name.
    pub fn as_str(self) -> &'static str {
        match self {
            Basis::Defaults => "defaults",
            Basis::Assignments => "assignments",
        }
    }

    pub(crate) fn sentence(self) -> &'static str {
        match self {
            Basis::Defaults => "with their defaults, as if all were assigned",
            Basis::Assignments => "as the estate's own assignments say",
        }
    }
}

/// What a pack says of an estate.
#[derive(Debug, Clone)]
pub struct PackResult {
    /// What decided which definitions apply.
    pub basis: Basis,
    /// Definitions that were evaluated.
    pub loaded: usize,
    /// Initiatives in the pack.
    pub initiatives: usize,
    /// Pairs of a resource and a definition that gave a verdict other than not applicable.
    pub verdicts: usize,
    /// Definitions that spoke about at least one resource, in order of their ids.
    pub policies: Vec<PolicyResult>,
    /// Why definitions of the pack cannot be evaluated from resources alone, with how many each; most first.
    pub not_evaluable: Vec<(String, usize)>,
    /// Files that are no usable definition.
    pub unusable: Vec<UnusableDefinition>,
}

/// What one definition says of an estate.
#[derive(Debug, Clone)]
pub struct PolicyResult {
    /// The definition's id.
    pub id: Arc<str>,
    /// Its display name.
    pub display_name: Arc<str>,
    /// Its category in the portal; may be empty.
    pub category: Arc<str>,
    /// Its severity: what its metadata says, else medium. Azure Policy itself knows no severities.
    pub severity: Severity,
    /// The effect in force on the resources that violate it.
    pub effect: Option<Arc<str>>,
    /// How many resources came out how.
    pub counts: Counts,
    /// Violations that are not part of the baseline; all of them without one.
    pub new_violations: usize,
    /// The violations.
    pub violations: Vec<PolicyViolation>,
    /// Why it could not be told, with how many resources each; most first.
    pub unknown_reasons: Vec<(UnknownReason, usize)>,
}

/// A resource that does not comply with a definition.
#[derive(Debug, Clone)]
pub struct PolicyViolation {
    /// The resource.
    pub resource: ResourceId,
    /// Its type.
    pub resource_type: Arc<str>,
    /// Where it is declared.
    pub location: Option<Location>,
    /// True when there is a baseline and this violation is part of it.
    pub in_baseline: bool,
}

/// The stable identity of a violation of a policy, made as that of a finding: 32 hexadecimal digits.
pub fn policy_fingerprint(policy: &str, resource: &ResourceId) -> String {
    let mut hasher = blake3::Hasher::new();
    hasher.update(policy.to_ascii_lowercase().as_bytes());
    hasher.update(b"\0");
    hasher.update(resource.key().as_bytes());
    hasher.finalize().to_hex().chars().take(32).collect()
}

//! Verdicts, evidence and findings: what a check says of a resource.

use std::fmt;
use std::sync::Arc;

use serde::Serialize;

use crate::framework::FrameworkId;
use crate::resource_id::ResourceId;
use crate::severity::Severity;
use crate::span::{Location, Span};
use crate::value::Node;

/// Why a check could not tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum UnknownKind {
    /// The evidence is not part of what was read.
    NotCollected,
    /// A value that decides hangs on something that cannot be known before deployment.
    Unresolved,
    /// The definition cannot be evaluated here: a manual control, a data-plane mode, a condition with an error.
    NotEvaluable,
}

/// Why a check could not tell, and what would settle it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct UnknownReason {
    /// The kind.
    pub kind: UnknownKind,
    /// What is missing, in words.
    pub message: String,
    /// The command or the parameter that settles it. May be empty.
    pub next_step: String,
}

/// What a check says of a resource.
///
/// Invariant (unknown is a verdict): missing evidence never becomes [`Verdict::Compliant`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "verdict", rename_all = "kebab-case")]
pub enum Verdict {
    /// The resource is as it must be.
    Compliant,
    /// It is not.
    NonCompliant,
    /// It is not, or might not be, and somebody with the right to do so has accepted that for now.
    Exempt,
    /// It cannot be told.
    Unknown(UnknownReason),
    /// The check does not speak about this resource.
    NotApplicable,
}

impl Verdict {
    /// The kebab-case name.
    pub fn as_str(&self) -> &'static str {
        match self {
            Verdict::Compliant => "compliant",
            Verdict::NonCompliant => "non-compliant",
            Verdict::Exempt => "exempt",
            Verdict::Unknown(_) => "unknown",
            Verdict::NotApplicable => "not-applicable",
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// One observation behind a verdict: what was looked at, what was found, what was expected.
#[derive(Clone, Debug, PartialEq)]
pub struct Evidence {
    /// What was looked at: a property path, `properties.disableLocalAuth`, or a related resource.
    pub path: Arc<str>,
    /// The alias that led there, if the condition used one.
    pub alias: Option<Arc<str>>,
    /// What was found; `None` when there is nothing at the path.
    pub actual: Option<Node>,
    /// The condition: `equals`, `exists`, `count greater`.
    pub operator: Arc<str>,
    /// What the condition compares with.
    pub expected: Node,
    /// Where the actual value stands, or the nearest enclosing object when it is missing.
    pub span: Span,
}

/// What a check found about a resource.
#[derive(Clone, Debug)]
pub struct Finding {
    /// The check's id.
    pub check: Arc<str>,
    /// What the check asks for, in one line.
    pub title: Arc<str>,
    /// How bad a violation is.
    pub severity: Severity,
    /// The resource.
    pub resource: ResourceId,
    /// Its type.
    pub resource_type: Arc<str>,
    /// What the check says.
    pub verdict: Verdict,
    /// Why.
    pub evidence: Vec<Evidence>,
    /// Where to look first.
    pub location: Option<Location>,
    /// The framework controls that the check speaks to.
    pub frameworks: Vec<FrameworkId>,
}

impl Finding {
    /// A stable identity across runs: check and resource, not lines, so that moving code does not make a finding new.
    /// 32 hexadecimal digits.
    pub fn fingerprint(&self) -> String {
        Finding::fingerprint_of(&self.check, &self.resource)
    }

    /// The identity of what a check says of a resource.
    pub fn fingerprint_of(check: &str, resource: &ResourceId) -> String {
        let mut hasher = blake3::Hasher::new();
        hasher.update(check.as_bytes());
        hasher.update(b"\0");
        hasher.update(resource.key().as_bytes());
        hasher.finalize().to_hex().chars().take(32).collect()
    }
}

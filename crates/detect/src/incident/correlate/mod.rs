//! What belongs together although different rules found it.
//!
//! An alert has keys: traces, agents, accounts, resources, addresses. Each key that it has in common with an open incident
//! is a link. A link weighs what its kind weighs, less the more other incidents have the key, the more such keys the
//! alert names, and the more time lies between. To links come what leads to what, and progress along ATT&CK; repetition
//! adds nothing. The sum is the score, and each link says in words why it is there. *Invariant (the score is its links):*
//! a score is the sum of the weights of its links.
//!
//! What is decided depends on what was there before alone.

mod key;
mod score;
mod settings;

use serde::{Deserialize, Serialize};

pub(super) use key::Index;
pub use key::{Key, KeyKind, NoKey};
pub(super) use score::Candidate;
pub use settings::Correlation;

/// Why an alert is in an incident, or two incidents are one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Link {
    /// What it is.
    pub kind: LinkKind,
    /// What they have in common.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<Key>,
    /// What it weighs.
    pub weight: u32,
    /// The same in words.
    pub says: String,
}

/// A kind of link.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum LinkKind {
    /// The rule says that these alerts come together.
    Rule,
    /// They have something in common.
    Shared,
    /// One leads to the other.
    Cause,
    /// It goes further along ATT&CK.
    Progress,
}

/// The sum of the weights of links.
pub fn sum(links: &[Link]) -> u32 {
    links.iter().map(|link| link.weight).fold(0, u32::saturating_add)
}

//! What happens to grants.

use castellan_base::Ticks;
use serde::{Deserialize, Serialize};

use crate::Pattern;
use crate::policy::Resource;

/// What is granted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Subject {
    /// Models by their aliases.
    Model {
        /// Which.
        model: Pattern,
    },
    /// Tools of an MCP server.
    Tool {
        /// The server.
        server: String,
        /// Which.
        tool: Pattern,
    },
    /// Data with a label.
    Label {
        /// The label.
        label: String,
    },
}

impl Subject {
    /// True when a resource is meant. Labels are no resources.
    pub fn covers(&self, resource: &Resource) -> bool {
        match (self, resource) {
            (Subject::Model { model }, Resource::Model { name, .. }) => model.matches(name),
            (Subject::Tool { server, tool }, Resource::Tool { server: own, name, .. }) => {
                server == own && tool.matches(name)
            }
            _ => false,
        }
    }

    /// The texts in it.
    pub(super) fn texts(&self) -> Vec<&str> {
        match self {
            Subject::Model { model } => vec![model.as_str()],
            Subject::Tool { server, tool } => vec![server, tool.as_str()],
            Subject::Label { label } => vec![label],
        }
    }
}

/// What somebody asks for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ask {
    /// What.
    pub subject: Subject,
    /// Why.
    pub reason: String,
    /// For how many seconds from the last approval on.
    pub seconds: u32,
}

/// Something that happened to a grant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Event {
    /// The grant.
    pub grant: String,
    /// When.
    #[serde(with = "crate::time")]
    pub at: Ticks,
    /// Whose doing: the id of a principal.
    pub by: String,
    /// The same, for people who read the trail.
    pub by_shown: String,
    /// What.
    pub what: EventKind,
}

/// What happens to a grant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case", deny_unknown_fields)]
pub enum EventKind {
    /// Somebody asks. The rules are those of that moment: changing them later changes no grant.
    Asked {
        /// For what.
        ask: Ask,
        /// How many have to approve.
        approvals: u32,
        /// Who may, by their ids; all whom policies let approve when empty.
        approvers: Vec<String>,
        /// Until when it has to be decided.
        #[serde(with = "crate::time")]
        decide_by: Ticks,
    },
    /// Somebody approves.
    Approved {
        /// Why.
        reason: String,
    },
    /// Somebody says no, which ends it.
    Denied {
        /// Why.
        reason: String,
    },
    /// Who asked does not want it any more.
    Withdrawn,
    /// Somebody ends it before its time.
    Revoked {
        /// Why.
        reason: String,
    },
}

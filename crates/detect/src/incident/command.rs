//! What people and automation want of incidents.

use serde::{Deserialize, Serialize};

use super::change::By;
use super::model::{Owner, Status, Verdict};
use crate::rule::Severity;

/// The longest comment, in bytes. Microsoft Sentinel takes 30,000 characters.
pub const MAX_COMMENT: usize = 120_000;
/// The longest title, description of a task, name or word, in bytes.
pub const MAX_WORDS: usize = 8_192;
/// The most comments, tasks, words and proofs of an incident, each.
pub const MAX_LISTED: usize = 1_000;

/// What somebody wants of an incident.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Command {
    /// The incident's number.
    pub incident: u32,
    /// The version that they looked at; nothing where it does not matter what others did meanwhile.
    #[serde(default)]
    pub seen: Option<u64>,
    /// Who.
    pub by: By,
    /// What.
    pub order: Order,
}

/// A kind of command.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "order", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Order {
    /// Write other values. What is not said stays.
    Update(Update),
    /// Let the severity be what the alerts say again.
    ComputeSeverity,
    /// Say something.
    Comment {
        /// What.
        text: String,
    },
    /// Add words. Those that are there stay.
    Tag {
        /// Which.
        names: Vec<String>,
    },
    /// Take words away.
    Untag {
        /// Which.
        names: Vec<String>,
    },
    /// Say who works on it; the default is nobody.
    Assign {
        /// Who.
        owner: Owner,
    },
    /// Say what is to be done.
    AddTask {
        /// What.
        title: String,
        /// How.
        #[serde(default)]
        description: String,
    },
    /// Say that something was done.
    FinishTask {
        /// The number of the task.
        task: u32,
    },
    /// Move it on in its life. Closing needs a verdict, here or before.
    SetStatus {
        /// Where to.
        status: Status,
        /// What it turned out to be.
        #[serde(default)]
        verdict: Option<Verdict>,
    },
    /// Say what it turned out to be.
    Classify {
        /// What.
        verdict: Verdict,
    },
    /// Add a proof.
    AddEvidence {
        /// What people call it.
        name: String,
        /// How it is found and checked: `blake3:5e0a...`.
        digest: String,
        /// What it is.
        kind: String,
    },
    /// Take all alerts of others; they are closed.
    Merge {
        /// The others.
        from: Vec<u32>,
    },
    /// Say that it is not one with another that was proposed.
    DeclineMerge {
        /// The other.
        with: u32,
    },
    /// Make another incident of some alerts.
    Split {
        /// Their ids.
        alerts: Vec<String>,
    },
}

/// Values to write. What is not said stays.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[allow(missing_docs)] // Fields of the incident.
pub struct Update {
    pub title: Option<String>,
    pub description: Option<String>,
    pub severity: Option<Severity>,
}

/// What cannot be done.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs)] // Each member is what its message names.
pub enum IncidentError {
    #[error("there is no incident {0}; see the numbers in `SecurityIncident`")]
    Unknown(u32),
    #[error("incident {0} is archived; its rows of `SecurityIncident` say what it was")]
    Archived(u32),
    #[error("incident {number} was merged into {into}; say it of {into}")]
    Merged { number: u32, into: u32 },
    #[error("incident {0} is closed; open it first")]
    Closed(u32),
    #[error(
        "incident {number} has changed: version {seen} was looked at, and it is at {version}; look again"
    )]
    Stale { number: u32, seen: u64, version: u64 },
    #[error(
        "incident {0} is closed without a classification; say whether it was true, benign, false or undetermined"
    )]
    Unclassified(u32),
    #[error("the reason `{reason}` does not go with `{classification}`; it is one of `{expected}`")]
    Reason { reason: &'static str, classification: &'static str, expected: &'static str },
    #[error("incident {number} has no task {task}; see `Tasks`")]
    Task { number: u32, task: u32 },
    #[error("incident {number} has no alert `{alert}`; see `AlertIds`")]
    Alert { number: u32, alert: String },
    #[error("all alerts of incident {0} would be in the new one; leave at least one where it is")]
    Nothing(u32),
    #[error("incident {0} cannot be merged with itself; name another")]
    Itself(u32),
    #[error("it was not proposed to merge incidents {number} and {with}")]
    Proposal { number: u32, with: u32 },
    #[error("{what} is empty; write something")]
    Empty { what: &'static str },
    #[error("{what} has {bytes} bytes, and may have {most}; shorten it")]
    Long { what: &'static str, bytes: usize, most: usize },
    #[error("incident {number} has {most} {what}, which is as many as it can have")]
    Full { number: u32, what: &'static str, most: usize },
    #[error("there are as many incidents as there are numbers; archive does not free any")]
    Numbers,
}

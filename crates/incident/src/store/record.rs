//! What a journal is made of.

use castellan_detect::incident::Change;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::case::Exhibit;

/// A line of a journal.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// Its number, from 1.
    pub number: u64,
    /// When it was written, in ticks.
    pub at: i64,
    /// What happened.
    #[serde(flatten)]
    pub entry: Entry,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "entry", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Entry {
    /// Incidents changed, all of this together or nothing of it.
    Changed {
        /// How.
        changes: Vec<Change>,
        /// Rows for `SecurityAlert`.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        alerts: Vec<Value>,
        /// What its writer wants to know again.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        note: Option<Note>,
        /// Texts that were kept, and of which incident.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        exhibits: Vec<(u32, Exhibit)>,
        /// The name that a client gave to a comment or a task that this makes.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        said: Option<Said>,
    },
    /// All rows of records up to this one are in the lake.
    Sent {
        /// The record.
        through: u64,
    },
    /// Rows are marked from another number on: the lake knew higher ones than this journal.
    Based {
        /// The number before the first.
        base: i64,
    },
    /// The audit log was written to.
    Audited {
        /// How many entries it has.
        count: u64,
        /// The checksum of the last.
        head: String,
    },
}

impl Entry {
    /// Changes alone.
    pub fn of(changes: Vec<Change>) -> Entry {
        Entry::Changed { changes, alerts: Vec::new(), note: None, exhibits: Vec::new(), said: None }
    }
}

/// Something that the writer of a record wants to know again: whether it was written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    /// Whose it is; the last note of a key is kept.
    pub key: String,
    /// What it says.
    pub value: String,
}

/// A name that a client gave.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Said {
    /// The incident.
    pub incident: u32,
    /// What has the name.
    pub role: Role,
    /// The name.
    pub name: String,
    /// The number of the comment or the task.
    pub number: u32,
}

/// What a name is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Role {
    /// A comment.
    Comment,
    /// A task.
    Task,
}

/// Rows that a record owes the lake.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pending {
    /// The record.
    pub record: u64,
    /// Its rows.
    pub calls: Vec<Call>,
}

/// Rows for a table of the lake.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Call {
    /// The table.
    pub table: String,
    /// What tells the call from others, counted up.
    pub offset: i64,
    /// JSON Lines.
    pub rows: String,
}

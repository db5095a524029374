//! An incident with all that belongs to it, as people read it and as exports write it.
//!
//! A [`Case`] is put together for a moment out of the incident's state, its alerts, its evidence and its audit trail.
//! Nothing is kept in it: whoever has the same parts gets the same case, and so the same bytes of every export.

mod alert;
mod entities;

use castellan_base::Ticks;
use castellan_detect::rule::{Severity, Tactic};
use serde::{Deserialize, Serialize};

pub use alert::Alert;
pub use entities::{Node, name, nodes};

/// An incident with its alerts, entities, tasks, comments, evidence and audit trail.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Case {
    /// Its number, from 1.
    pub number: u32,
    /// Its id, a UUID.
    pub id: String,
    /// Counts its changes.
    pub version: u64,
    /// What people call it.
    pub title: String,
    /// What happened.
    pub description: String,
    /// How bad it is.
    #[serde(serialize_with = "word")]
    pub severity: Severity,
    /// `New`, `Active` or `Closed`.
    pub status: String,
    /// Why it was closed, in the words of `SecurityIncident`; empty where it was not.
    pub classification: String,
    /// The finer reason, as `SuspiciousActivity`.
    pub classification_reason: String,
    /// More about why.
    pub classification_comment: String,
    /// Who works on it.
    pub owner: String,
    /// Words that people gave it.
    pub labels: Vec<String>,
    /// Tactics of its alerts.
    #[serde(serialize_with = "words")]
    pub tactics: Vec<Tactic>,
    /// Techniques of ATT&CK and ATLAS.
    pub techniques: Vec<String>,
    /// The first event of its alerts.
    pub first_activity: Ticks,
    /// The last one.
    pub last_activity: Ticks,
    /// When it was made.
    pub created: Ticks,
    /// When it was changed last.
    pub modified: Ticks,
    /// When it was closed.
    pub closed: Option<Ticks>,
    /// Who changed it last.
    pub modified_by: String,
    /// Why its alerts are in one incident.
    pub links: Vec<Link>,
    /// Its alerts, oldest first.
    pub alerts: Vec<Alert>,
    /// How many alerts have no place in the lists of ids.
    pub alerts_not_listed: u64,
    /// The incident that has its alerts since the two were merged.
    pub merged_into: Option<u32>,
    /// The incident that it was split from.
    pub split_from: Option<u32>,
    /// Numbers of incidents that it may be one with: a person has to say.
    pub proposals: Vec<u32>,
    /// Who and what it is about, each once.
    pub entities: Vec<Node>,
    /// What is to be done.
    pub tasks: Vec<Task>,
    /// What people said.
    pub comments: Vec<Comment>,
    /// Texts that were kept.
    pub evidence: Vec<Exhibit>,
    /// Everything that was done to it.
    pub trail: Vec<Step>,
}

/// Why an alert is in the incident.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Link {
    /// The alert's id.
    pub alert: String,
    /// How much this counts.
    pub weight: u32,
    /// Why, in a sentence.
    pub reason: String,
}

/// Something to be done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Task {
    /// What identifies it in its incident.
    pub id: String,
    /// What is to be done.
    pub title: String,
    /// More about it.
    pub description: String,
    /// Whether it is done.
    pub is_done: bool,
    /// When it was added.
    pub created: Ticks,
    /// Who added it.
    pub by: String,
    /// Who did it, and when.
    pub done_by: Option<String>,
    /// When it was done.
    pub done: Option<Ticks>,
}

/// Something that somebody said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Comment {
    /// What identifies it in its incident.
    pub id: String,
    /// What was said.
    pub text: String,
    /// When.
    pub at: Ticks,
    /// By whom.
    pub by: String,
}

/// A text that was kept: redacted in the open, the original sealed or not kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Exhibit {
    /// What identifies it: the digest of what is kept.
    pub id: String,
    /// What it is: `prompt`, `answer`, `tool-arguments`, ...
    pub kind: String,
    /// Where it comes from, as a table and a column.
    pub source: String,
    /// The incident that it was sealed for, which a merge does not change.
    pub incident: String,
    /// The alert that it belongs to; empty for what people added.
    pub alert: String,
    /// The time of its event, in ticks. The API tells times in words, which are read as well.
    #[serde(deserialize_with = "ticks")]
    pub at: i64,
    /// When it was kept, in ticks.
    #[serde(deserialize_with = "ticks")]
    pub kept: i64,
    /// By whom.
    pub by: String,
    /// The text without secrets and personal data.
    pub redacted: String,
    /// What was taken out, by detector, and how often.
    pub removed: std::collections::BTreeMap<String, u64>,
    /// Bytes of the original.
    pub size: u64,
    /// Bytes of the original that are not in `redacted` because it was cut.
    pub cut: u64,
    /// A commitment to the original that tells nothing about it: BLAKE3, keyed with a salt that is sealed with it.
    pub commitment: String,
    /// The id of the key that the original is sealed to; `None` where it was not kept.
    pub sealed_to: Option<String>,
}

/// Something that was done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Step {
    /// When.
    pub at: Ticks,
    /// By whom.
    pub by: String,
    /// What, in one word.
    pub what: String,
    /// More about it, in a sentence.
    pub told: String,
}

impl Case {
    /// The sum of what links its alerts.
    pub fn score(&self) -> u32 {
        self.links.iter().map(|link| link.weight).fold(0, u32::saturating_add)
    }

    /// How many alerts there are.
    pub fn alert_count(&self) -> u64 {
        self.alerts.iter().map(|alert| alert.count).fold(0, u64::saturating_add)
    }

    /// Puts the entities of the alerts together; to be called once alerts are complete.
    pub fn gather(&mut self) {
        self.alerts.sort_by(|one, other| (one.start, &one.id).cmp(&(other.start, &other.id)));
        self.entities = nodes(&self.alerts);
    }
}

/// A time as ticks, or as ISO 8601.
fn ticks<'de, D: serde::Deserializer<'de>>(from: D) -> Result<i64, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Written {
        Ticks(i64),
        Words(String),
    }
    match Written::deserialize(from)? {
        Written::Ticks(ticks) => Ok(ticks),
        Written::Words(text) => {
            text.parse::<Ticks>().map(Ticks::get).map_err(|_| serde::de::Error::custom("this is no time"))
        }
    }
}

fn word<W: std::fmt::Display, S: serde::Serializer>(value: &W, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(value)
}

fn words<W: std::fmt::Display, S: serde::Serializer>(list: &[W], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(list.iter().map(ToString::to_string))
}

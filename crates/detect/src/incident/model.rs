//! What an incident is.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::change::{By, MergeProposal};
use super::correlate::Link;
use super::record::{AlertRecord, Repeat};
use crate::entity::Entities;
use crate::rule::{Severity, Tactic};

/// Where an incident is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)] // The names are those of the table.
pub enum Status {
    New,
    Active,
    Closed,
}

/// Why an incident was closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)] // The names are those of the table.
pub enum Classification {
    Undetermined,
    TruePositive,
    BenignPositive,
    FalsePositive,
}

/// More about why an incident was closed. Each goes with one classification.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)] // The names are those of the table.
pub enum Reason {
    SuspiciousActivity,
    SuspiciousButExpected,
    IncorrectAlertLogic,
    InaccurateData,
}

impl Status {
    /// The word in the table.
    pub fn as_str(self) -> &'static str {
        match self {
            Status::New => "New",
            Status::Active => "Active",
            Status::Closed => "Closed",
        }
    }
}

impl Classification {
    /// The word in the table.
    pub fn as_str(self) -> &'static str {
        match self {
            Classification::Undetermined => "Undetermined",
            Classification::TruePositive => "TruePositive",
            Classification::BenignPositive => "BenignPositive",
            Classification::FalsePositive => "FalsePositive",
        }
    }
}

impl Reason {
    /// The word in the table.
    pub fn as_str(self) -> &'static str {
        match self {
            Reason::SuspiciousActivity => "SuspiciousActivity",
            Reason::SuspiciousButExpected => "SuspiciousButExpected",
            Reason::IncorrectAlertLogic => "IncorrectAlertLogic",
            Reason::InaccurateData => "InaccurateData",
        }
    }

    /// The classification that it explains.
    pub fn explains(self) -> Classification {
        match self {
            Reason::SuspiciousActivity => Classification::TruePositive,
            Reason::SuspiciousButExpected => Classification::BenignPositive,
            Reason::IncorrectAlertLogic | Reason::InaccurateData => Classification::FalsePositive,
        }
    }
}

/// What an incident turned out to be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Verdict {
    /// What it was.
    pub classification: Classification,
    /// Why it looked as it did; nothing where nobody said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
    /// In words.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub comment: String,
}

/// Who works on an incident. Members that are not known are empty.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Owner {
    /// The name.
    pub assigned_to: String,
    /// The address.
    pub email: String,
    /// The id in the directory.
    pub object_id: String,
    /// The name for signing in.
    pub user_principal_name: String,
}

/// A word on an incident.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Label {
    /// The word.
    pub name: String,
    /// Whether the product gave it and no person.
    pub is_automatic: bool,
}

/// Something that somebody said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Comment {
    /// Its number in the incident, from 1.
    pub number: u32,
    /// The text.
    pub text: String,
    /// Who said it.
    pub by: By,
    /// When, in ticks.
    pub at: i64,
}

/// Something to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Task {
    /// Its number in the incident, from 1.
    pub number: u32,
    /// What is to be done.
    pub title: String,
    /// How.
    pub description: String,
    /// Who wants it done.
    pub by: By,
    /// Since when, in ticks.
    pub at: i64,
    /// Who did it, and when.
    pub done: Option<(By, i64)>,
}

/// A file or record that proves something, kept elsewhere.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Evidence {
    /// What people call it.
    pub name: String,
    /// The digest by which it is found and checked, with its algorithm: `blake3:5e0a...`.
    pub digest: String,
    /// What it is: `prompt`, `file`, `query`, ...
    pub kind: String,
    /// Who added it.
    pub by: By,
    /// When, in ticks.
    pub at: i64,
}

/// Alerts of an incident that say the same: of one rule, under one name, about the same entities.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Firing {
    /// The first of them. Its times, results and severity cover all.
    pub alert: AlertRecord,
    /// How many there are.
    pub count: u64,
    /// Their ids, as far as the incident lists them.
    pub ids: Vec<String>,
    /// How strongly the first was linked to the incident. Nothing for the one that opened it.
    pub score: u32,
    /// Why the first is in the incident.
    pub links: Vec<Link>,
    /// The version of the incident that it came with: what came first has the lowest.
    pub since: u64,
}

impl Firing {
    /// One alert.
    pub(super) fn new(alert: AlertRecord, score: u32, links: Vec<Link>, since: u64) -> Firing {
        Firing { ids: vec![alert.id.clone()], alert, count: 1, score, links, since }
    }

    /// Counts an alert that says the same again.
    pub(super) fn again(&mut self, repeat: &Repeat, lists: bool) {
        self.count = self.count.saturating_add(1);
        if lists {
            self.ids.push(repeat.id.clone());
        }
        let own = &mut self.alert;
        own.keys.extend(repeat.keys.iter().cloned());
        own.start = own.start.min(repeat.start);
        own.end = own.end.max(repeat.end);
        own.from = own.from.min(repeat.from);
        own.raised = own.raised.min(repeat.raised);
        own.results = own.results.saturating_add(repeat.results);
        own.severity = own.severity.max(repeat.severity);
    }
}

/// Alerts that people look at together. Times are ticks of 100 ns since year 1.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Incident {
    /// Its number, from 1.
    pub number: u32,
    /// Its id, the same for the same first alert.
    pub id: String,
    /// How many changes it has seen: who changes it can say which one they looked at.
    pub version: u64,
    /// What people call it: the strongest of its alerts, unless somebody named it.
    pub title: String,
    /// Who named it.
    pub title_by: Option<By>,
    /// What happened.
    pub description: String,
    /// Who described it.
    pub description_by: Option<By>,
    /// How bad it is: what its alerts say, unless somebody said otherwise.
    pub severity: Severity,
    /// Who said how bad it is.
    pub severity_by: Option<By>,
    /// The highest severity of its alerts.
    pub computed_severity: Severity,
    /// Where it is.
    pub status: Status,
    /// What it turned out to be.
    pub verdict: Option<Verdict>,
    /// Who works on it.
    pub owner: Owner,
    /// Words on it.
    pub labels: Vec<Label>,
    /// What people said about it.
    pub comments: Vec<Comment>,
    /// What is to be done.
    pub tasks: Vec<Task>,
    /// What proves it.
    pub evidence: Vec<Evidence>,
    /// Its alerts, by what they say.
    pub firings: BTreeMap<String, Firing>,
    /// How many of its alerts have no place in the lists of ids.
    pub unlisted: u64,
    /// Ids of the rules that raised its alerts.
    pub rules: BTreeSet<Arc<str>>,
    /// Tactics of its alerts.
    pub tactics: BTreeSet<Tactic>,
    /// Techniques of its alerts.
    pub techniques: BTreeSet<Arc<str>>,
    /// The first event of its alerts.
    pub first_activity: i64,
    /// The last one.
    pub last_activity: i64,
    /// When its first alert was raised.
    pub raised: i64,
    /// When it was made.
    pub created: i64,
    /// When it was changed last.
    pub modified: i64,
    /// When it was closed, while it is.
    pub closed: Option<i64>,
    /// What changed it last, in words.
    pub modified_by: String,
    /// Whether a person has worked on it: correlation then proposes and does not merge.
    pub is_touched: bool,
    /// The incident that has its alerts since the two were merged.
    pub merged_into: Option<u32>,
    /// The incident that it was split from.
    pub split_from: Option<u32>,
    /// Incidents that it could be merged with.
    pub proposals: Vec<MergeProposal>,
}

impl Incident {
    /// How many alerts there are.
    pub fn alert_count(&self) -> u64 {
        self.firings.values().map(|firing| firing.count).fold(0, u64::saturating_add)
    }

    /// The ids of the alerts, as far as they are listed; [`Incident::unlisted`] says how many are not.
    pub fn alert_ids(&self) -> impl Iterator<Item = &str> {
        self.firings.values().flat_map(|firing| firing.ids.iter().map(String::as_str))
    }

    /// Who and what it is about: the entities of all alerts, put together where they are the same.
    pub fn entities(&self) -> Entities {
        let mut all = Entities::default();
        self.in_order()
            .iter()
            .flat_map(|firing| &firing.alert.entities)
            .for_each(|entity| all.add(entity.clone()));
        all
    }

    /// What its alerts say, in the order in which they came.
    pub fn in_order(&self) -> Vec<&Firing> {
        let mut firings: Vec<&Firing> = self.firings.values().collect();
        firings.sort_by_key(|firing| (firing.since, &firing.alert.signature));
        firings
    }

    /// Whether an alert could join it.
    pub fn is_open(&self) -> bool {
        self.status != Status::Closed && self.merged_into.is_none()
    }
}

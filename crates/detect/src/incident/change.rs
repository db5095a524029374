//! What happens to incidents. All of it together is what they are, and each one's part is its audit trail.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::correlate::Link;
use super::model::{Label, Owner, Status, Verdict};
use super::record::{AlertRecord, Repeat};
use crate::rule::Severity;

/// Who or what changes an incident.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "kind", content = "name", rename_all = "camelCase")]
pub enum By {
    /// A rule's own configuration.
    Rule(String),
    /// Correlation over rules.
    Correlation,
    /// A person, by the name that they sign in with.
    Person(String),
    /// An automation rule or playbook, by its name.
    Automation(String),
    /// The product itself, as when it archives.
    Product,
}

impl By {
    /// Whether somebody or something decided that was asked to: what it sets stays.
    pub fn is_decided(&self) -> bool {
        matches!(self, By::Person(_) | By::Automation(_))
    }

    /// Whether it is a person.
    pub fn is_person(&self) -> bool {
        matches!(self, By::Person(_))
    }
}

impl fmt::Display for By {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            By::Person(name) | By::Automation(name) => f.write_str(name),
            By::Rule(name) => write!(f, "rule {name}"),
            By::Correlation => f.write_str("correlation"),
            By::Product => f.write_str("Castellan"),
        }
    }
}

/// Something that happened to an incident.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Change {
    /// The incident's number.
    pub incident: u32,
    /// When, in ticks of 100 ns since year 1.
    pub at: i64,
    /// Who did it.
    pub by: By,
    /// What it is.
    pub what: What,
}

impl Change {
    /// The incidents that it changes: two where alerts move from one to another.
    pub fn touches(&self) -> [Option<u32>; 2] {
        let other = match &self.what {
            What::Merged { from, .. } => Some(*from),
            What::Split { to, .. } => Some(*to),
            What::ProposalDeclined { with } => Some(*with),
            _ => None,
        };
        [Some(self.incident), other]
    }

    /// Whether it belongs to the audit trail of an incident.
    pub fn concerns(&self, incident: u32) -> bool {
        self.touches().contains(&Some(incident))
    }
}

/// A kind of change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum What {
    /// An alert made it.
    Opened {
        /// Its id.
        id: String,
        /// The alert.
        alert: Box<AlertRecord>,
        /// What alerts of its rule have to have in common to come together, as a digest.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        group: Option<String>,
    },
    /// An alert came to it.
    Joined {
        /// The alert.
        alert: Box<AlertRecord>,
        /// How strongly it is linked: the sum of the weights of the links.
        score: u32,
        /// Why it belongs there.
        links: Vec<Link>,
        /// As of [`What::Opened`].
        #[serde(default, skip_serializing_if = "Option::is_none")]
        group: Option<String>,
    },
    /// An alert came to it that says what one in it said before.
    Repeated {
        /// What is its own.
        repeat: Repeat,
        /// As of [`What::Opened`].
        #[serde(default, skip_serializing_if = "Option::is_none")]
        group: Option<String>,
    },
    /// It was closed, and an alert that belongs to it opened it again.
    Reopened,
    /// Somebody wrote other values.
    Updated {
        /// Which.
        fields: Vec<FieldChange>,
    },
    /// Somebody said something.
    Commented {
        /// What.
        text: String,
    },
    /// It got words.
    Tagged {
        /// Which.
        labels: Vec<Label>,
    },
    /// It lost words.
    Untagged {
        /// Which.
        names: Vec<String>,
    },
    /// Somebody else works on it, or nobody.
    Assigned {
        /// Who did.
        old: Owner,
        /// Who does.
        new: Owner,
    },
    /// Something is to be done.
    TaskAdded {
        /// What.
        title: String,
        /// How.
        description: String,
    },
    /// Something was done. Who did it is who made the change.
    TaskDone {
        /// The number of the task.
        task: u32,
    },
    /// It is elsewhere in its life.
    StatusChanged {
        /// Where it was.
        old: Status,
        /// Where it is.
        new: Status,
    },
    /// It is known what it was.
    Classified {
        /// What was thought before.
        old: Option<Verdict>,
        /// What it was.
        new: Verdict,
    },
    /// There is a proof.
    EvidenceAdded {
        /// What people call it.
        name: String,
        /// How it is found and checked.
        digest: String,
        /// What it is.
        evidence: String,
    },
    /// It may be one with another. People decide since one of them worked on it, or since the links are not strong enough.
    MergeProposed(MergeProposal),
    /// Somebody said that it is not one with another.
    ProposalDeclined {
        /// The other.
        with: u32,
    },
    /// The alerts of another one are its own now; the other one is closed.
    Merged {
        /// The other.
        from: u32,
        /// How strongly they are linked; nothing where somebody decided.
        score: u32,
        /// Why they are one.
        links: Vec<Link>,
    },
    /// Alerts of it make another incident.
    Split {
        /// The number of the new one.
        to: u32,
        /// The id of the new one.
        id: String,
        /// The alerts that are in the new one.
        alerts: Vec<String>,
    },
    /// It was closed long ago, and is no longer kept at hand.
    Archived,
}

/// A value that somebody wrote in the place of another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "field", rename_all = "camelCase", rename_all_fields = "camelCase")]
#[allow(missing_docs)] // Each is a field of the incident, what was there and what is.
pub enum FieldChange {
    Title {
        old: String,
        new: String,
    },
    Description {
        old: String,
        new: String,
    },
    Severity {
        old: Severity,
        new: Severity,
    },
    /// The severity is again what the alerts say.
    SeverityComputed {
        old: Severity,
        new: Severity,
    },
}

/// Two incidents that may be one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MergeProposal {
    /// The other incident.
    pub with: u32,
    /// How strongly they are linked: the sum of the weights of the links.
    pub score: u32,
    /// Why.
    pub links: Vec<Link>,
}

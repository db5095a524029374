//! Incidents: alerts that people look at together, as rows of `SecurityIncident`.
//!
//! A rule's `incidentConfiguration` says whether its alerts make incidents and which of them come together. Nothing is cut:
//! an incident has as many alerts as belong to it, and its severity is the highest of theirs. Each change gives a row, so
//! that the table keeps the history; the last row of an incident is how it is now. Sources: Microsoft Sentinel
//! documentation, "Create incidents from alerts" and the columns of `SecurityIncident`.
//!
//! ```
//! use castellan_detect::incident::{Incidents, Update};
//!
//! let mut incidents = Incidents::default();
//! assert!(incidents.update(1, &Update::default(), "2026-11-21".parse()?).is_err());
//! # Ok::<(), castellan_base::ParseTicksError>(())
//! ```

mod row;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use castellan_base::Ticks;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::rule::{IncidentConfiguration, Matching, Rule, Severity, Tactic};
use crate::run::Alert;

pub use row::{incident_columns, incident_row};

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

/// Alerts that people look at together. Times are ticks of 100 ns since year 1.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Incident {
    /// Its number, from 1.
    pub number: u32,
    /// Its id, the same for the same first alert.
    pub id: String,
    /// What people call it: the name of its first alert.
    pub title: String,
    /// What happened.
    pub description: String,
    /// The highest severity of its alerts, unless somebody set another.
    pub severity: Severity,
    /// Where it is.
    pub status: Status,
    /// Why it was closed.
    pub classification: Option<Classification>,
    /// More about why.
    pub classification_comment: String,
    /// Who works on it.
    pub owner: String,
    /// Words that people gave it.
    pub labels: Vec<String>,
    /// Ids of its alerts.
    pub alerts: BTreeSet<String>,
    /// Ids of the rules that raised them.
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
    #[serde(default)]
    pub raised: i64,
    /// When it was made.
    pub created: i64,
    /// When it was changed last.
    pub modified: i64,
    /// When it was closed last.
    pub closed: Option<i64>,
    /// Who changed it last.
    pub modified_by: String,
}

/// What somebody changes. What is not said stays.
#[derive(Clone, Debug, Default)]
pub struct Update {
    /// Where it is now.
    pub status: Option<Status>,
    /// How bad it is.
    pub severity: Option<Severity>,
    /// Who works on it.
    pub owner: Option<String>,
    /// Words to add.
    pub labels: Vec<String>,
    /// Why it is closed.
    pub classification: Option<Classification>,
    /// More about why.
    pub comment: Option<String>,
    /// Who says so.
    pub by: String,
}

/// A change that cannot be made.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum IncidentError {
    /// No incident of the number.
    #[error("there is no incident {0}; see the numbers in `SecurityIncident`")]
    Unknown(u32),
    /// Closing without saying why.
    #[error(
        "incident {0} is closed without a classification; say whether it was true, benign, false or undetermined"
    )]
    Unclassified(u32),
}

/// What became of an alert.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Became {
    /// It made an incident.
    Created(u32),
    /// It came to an incident that there was.
    Joined(u32),
    /// It opened a closed one again.
    Reopened(u32),
    /// Its rule makes no incidents.
    Alone,
}

/// All incidents.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Incidents {
    list: BTreeMap<u32, Incident>,
    /// The last incident that alerts of a kind came to.
    latest: BTreeMap<String, u32>,
    /// The incident that each alert is in.
    taken: BTreeMap<String, u32>,
}

impl Incidents {
    /// An incident.
    pub fn get(&self, number: u32) -> Option<&Incident> {
        self.list.get(&number)
    }

    /// The incidents in their order.
    pub fn iter(&self) -> impl Iterator<Item = &Incident> {
        self.list.values()
    }

    /// Takes an alert of a rule. An alert that was taken before changes nothing.
    pub fn add(&mut self, rule: &Rule, alert: &Alert, now: Ticks) -> Became {
        let configuration = &rule.incident;
        if !configuration.create {
            return Became::Alone;
        }
        let own = alert.id.to_string();
        if let Some(number) = self.taken.get(&own) {
            return Became::Joined(*number);
        }
        let key = key(configuration, alert);
        let known = key.as_ref().and_then(|key| self.latest.get(key).copied());
        if let Some(incident) = known.and_then(|number| self.list.get_mut(&number))
            && is_open_for(incident, configuration, alert)
        {
            let (number, was_closed) = (incident.number, incident.status == Status::Closed);
            self.taken.insert(own.clone(), number);
            join(incident, alert, own, now);
            return if was_closed { Became::Reopened(number) } else { Became::Joined(number) };
        }
        let number = self.list.keys().next_back().map_or(1, |last| last.saturating_add(1));
        self.taken.insert(own.clone(), number);
        self.list.insert(number, first(number, alert, own, now));
        if let Some(key) = key {
            self.latest.insert(key, number);
        }
        Became::Created(number)
    }

    /// Changes an incident.
    ///
    /// Errors: there is none of the number, or it would be closed without a reason.
    pub fn update(&mut self, number: u32, update: &Update, now: Ticks) -> Result<&Incident, IncidentError> {
        let incident = self.list.get_mut(&number).ok_or(IncidentError::Unknown(number))?;
        let classification = update.classification.or(incident.classification);
        if update.status == Some(Status::Closed) && classification.is_none() {
            return Err(IncidentError::Unclassified(number));
        }
        if let Some(status) = update.status {
            incident.closed = (status == Status::Closed).then(|| now.get()).or(incident.closed);
            incident.status = status;
        }
        incident.classification = classification;
        incident.severity = update.severity.unwrap_or(incident.severity);
        if let Some(owner) = &update.owner {
            incident.owner.clone_from(owner);
        }
        if let Some(comment) = &update.comment {
            incident.classification_comment.clone_from(comment);
        }
        for label in update.labels.iter().filter(|label| !label.is_empty()) {
            if !incident.labels.contains(label) {
                incident.labels.push(label.clone());
            }
        }
        incident.modified = now.get();
        incident.modified_by.clone_from(&update.by);
        Ok(incident)
    }
}

/// Whether an incident may take an alert of its kind.
fn is_open_for(incident: &Incident, configuration: &IncidentConfiguration, alert: &Alert) -> bool {
    // By when alerts were raised, not by when they are looked at: windows that were missed are made up for later.
    let age = alert.raised.get().abs_diff(incident.raised);
    let is_open = incident.status != Status::Closed || configuration.reopen;
    is_open && i64::try_from(age).is_ok_and(|age| age <= configuration.lookback)
}

/// What alerts that come together have in common; nothing where an alert stays by itself.
fn key(configuration: &IncidentConfiguration, alert: &Alert) -> Option<String> {
    if !configuration.grouped {
        return None;
    }
    let mut parts: Vec<String> = Vec::new();
    match configuration.matching {
        Matching::AnyAlert => return Some(alert.rule.to_string()),
        Matching::AllEntities => {
            parts.extend(alert.entities.list().iter().map(crate::entity::Entity::identity));
        }
        Matching::Selected => selected(configuration, alert, &mut parts),
    }
    if parts.is_empty() {
        return None;
    }
    parts.sort();
    parts.dedup();
    Some(format!("{}\u{1f}{}", alert.rule, parts.join("\u{1f}")))
}

fn selected(configuration: &IncidentConfiguration, alert: &Alert, parts: &mut Vec<String>) {
    for entity in alert.entities.list() {
        let name = entity.entity.name();
        if configuration.by_entities.iter().any(|wanted| wanted.eq_ignore_ascii_case(name)) {
            parts.push(entity.identity());
        }
    }
    for wanted in &configuration.by_alert {
        match wanted.to_ascii_lowercase().as_str() {
            "displayname" => parts.push(format!("name={}", alert.name)),
            "severity" => parts.push(format!("severity={}", alert.severity)),
            _ => {}
        }
    }
    for wanted in &configuration.by_details {
        let values = alert.details.values(wanted);
        if !values.is_empty() {
            parts.push(format!("{wanted}={}", values.join("\u{1e}")));
        }
    }
}

fn first(number: u32, alert: &Alert, own: String, now: Ticks) -> Incident {
    Incident {
        number,
        id: Uuid::new_v5(&Uuid::NAMESPACE_OID, format!("incident\u{1f}{own}").as_bytes()).to_string(),
        title: alert.name.clone(),
        description: alert.description.clone(),
        severity: alert.severity,
        status: Status::New,
        classification: None,
        classification_comment: String::new(),
        owner: String::new(),
        labels: Vec::new(),
        alerts: BTreeSet::from([own]),
        rules: BTreeSet::from([Arc::clone(&alert.rule)]),
        tactics: alert.tactics.iter().copied().collect(),
        techniques: alert.techniques.iter().cloned().collect(),
        first_activity: alert.start.get(),
        last_activity: alert.end.get(),
        raised: alert.raised.get(),
        created: now.get(),
        modified: now.get(),
        closed: None,
        modified_by: "Incident created from alert".to_owned(),
    }
}

fn join(incident: &mut Incident, alert: &Alert, own: String, now: Ticks) {
    incident.alerts.insert(own);
    incident.rules.insert(Arc::clone(&alert.rule));
    incident.tactics.extend(alert.tactics.iter().copied());
    incident.techniques.extend(alert.techniques.iter().cloned());
    incident.severity = incident.severity.max(alert.severity);
    incident.first_activity = incident.first_activity.min(alert.start.get());
    incident.last_activity = incident.last_activity.max(alert.end.get());
    incident.modified = now.get();
    "Alert grouped into incident".clone_into(&mut incident.modified_by);
    if incident.status == Status::Closed {
        incident.status = Status::Active;
    }
}

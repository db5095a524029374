//! From commands to changes. Nothing is changed here.

use std::collections::BTreeSet;

use castellan_base::Ticks;
use uuid::Uuid;

use super::change::{By, Change, FieldChange, What};
use super::command::{Command, IncidentError, MAX_COMMENT, MAX_LISTED, MAX_WORDS, Order, Update};
use super::model::{Incident, Label, Status, Verdict};
use super::state::Incidents;

type Decided = Result<Vec<What>, IncidentError>;

impl Incidents {
    /// The changes that a command makes; none where all is as it wants already.
    ///
    /// Errors: what cannot be done, and why; or others changed the incident since it was looked at.
    pub fn decide(&self, command: &Command, now: Ticks) -> Result<Vec<Change>, IncidentError> {
        let number = command.incident;
        let incident = self.known(number)?;
        if let Some(seen) = command.seen.filter(|seen| *seen != incident.version) {
            return Err(IncidentError::Stale { number, seen, version: incident.version });
        }
        if let Some(into) = incident.merged_into {
            return Err(IncidentError::Merged { number, into });
        }
        let whats = match &command.order {
            Order::Merge { from } => self.merging(incident, from)?,
            Order::Split { alerts } => self.splitting(incident, alerts)?,
            order => decided(incident, command, order)?,
        };
        let change = |what| Change { incident: number, at: now.get(), by: command.by.clone(), what };
        Ok(whats.into_iter().map(change).collect())
    }

    /// Decides a command and applies what it makes.
    ///
    /// Errors: as [`Incidents::decide`]; nothing is changed then.
    pub fn command(&mut self, command: &Command, now: Ticks) -> Result<Vec<Change>, IncidentError> {
        let changes = self.decide(command, now)?;
        for change in &changes {
            // What was decided on this state fits to it.
            let _ = self.apply(change);
        }
        Ok(changes)
    }

    /// What archives incidents that were closed, and not changed since a time. Archived ones are no longer at hand: they
    /// take no alerts and no commands, and [`Incidents::get`] does not find them. Their changes and rows are kept elsewhere.
    pub fn decide_archive(&self, before: Ticks, now: Ticks) -> Vec<Change> {
        let is_old =
            |incident: &&Incident| incident.status == Status::Closed && incident.modified < before.get();
        self.iter().filter(is_old).map(|incident| archived(incident, now)).collect()
    }

    /// What archives incidents so that no more than so many are at hand, for where nobody looks after them: closed ones first,
    /// then those that no person has worked on, each the longest unchanged first. Those that people work on stay.
    pub fn decide_room(&self, most: usize, now: Ticks) -> Vec<Change> {
        let excess = self.list.len().saturating_sub(most);
        if excess == 0 {
            return Vec::new();
        }
        let is_closed = |incident: &Incident| incident.status == Status::Closed;
        let mut list: Vec<&Incident> =
            self.iter().filter(|incident| is_closed(incident) || !incident.is_touched).collect();
        list.sort_by_key(|incident| (!is_closed(incident), incident.modified, incident.number));
        list.into_iter().take(excess).map(|incident| archived(incident, now)).collect()
    }

    fn known(&self, number: u32) -> Result<&Incident, IncidentError> {
        self.get(number).ok_or(if number > 0 && number <= self.last {
            IncidentError::Archived(number)
        } else {
            IncidentError::Unknown(number)
        })
    }

    fn merging(&self, incident: &Incident, from: &[u32]) -> Decided {
        if incident.status == Status::Closed {
            return Err(IncidentError::Closed(incident.number));
        }
        let mut whats = Vec::new();
        for other in from.iter().copied().collect::<BTreeSet<u32>>() {
            if other == incident.number {
                return Err(IncidentError::Itself(other));
            }
            if let Some(into) = self.known(other)?.merged_into {
                return Err(IncidentError::Merged { number: other, into });
            }
            whats.push(What::Merged { from: other, score: 0, links: Vec::new() });
        }
        Ok(whats)
    }

    fn splitting(&self, incident: &Incident, alerts: &[String]) -> Decided {
        let number = incident.number;
        let own: BTreeSet<&str> = incident.alert_ids().collect();
        let wanted: BTreeSet<&str> = alerts.iter().map(String::as_str).collect();
        let Some(first) = wanted.first() else {
            return Err(IncidentError::Empty { what: "the list of alerts" });
        };
        if let Some(alert) = wanted.difference(&own).next() {
            return Err(IncidentError::Alert { number, alert: (*alert).to_owned() });
        }
        if incident.unlisted == 0 && own.len() == wanted.len() {
            return Err(IncidentError::Nothing(number));
        }
        let to = self.last.checked_add(1).ok_or(IncidentError::Numbers)?;
        let alerts = wanted.iter().map(|id| (*id).to_owned()).collect();
        Ok(vec![What::Split { to, id: id_of(&format!("{first}\u{1f}split\u{1f}{to}")), alerts }])
    }
}

fn archived(incident: &Incident, now: Ticks) -> Change {
    Change { incident: incident.number, at: now.get(), by: By::Product, what: What::Archived }
}

/// The id of an incident of a first alert.
pub(super) fn id_of(alert: &str) -> String {
    Uuid::new_v5(&Uuid::NAMESPACE_OID, format!("incident\u{1f}{alert}").as_bytes()).to_string()
}

fn decided(incident: &Incident, command: &Command, order: &Order) -> Decided {
    let number = incident.number;
    match order {
        Order::Update(update) => updated(incident, update),
        Order::ComputeSeverity => {
            let (old, new) = (incident.severity, incident.computed_severity);
            let fields = vec![FieldChange::SeverityComputed { old, new }];
            Ok(if incident.severity_by.is_some() { vec![What::Updated { fields }] } else { Vec::new() })
        }
        Order::Comment { text } => {
            fits("the comment", text, MAX_COMMENT)?;
            has_place(number, "comments", incident.comments.len(), 1)?;
            Ok(vec![What::Commented { text: text.clone() }])
        }
        Order::Tag { names } => tagged(incident, names, !command.by.is_person()),
        Order::Untag { names } => {
            let has = |name: &&String| incident.labels.iter().any(|label| label.name == **name);
            let names: Vec<String> = names.iter().filter(has).cloned().collect();
            Ok(if names.is_empty() { Vec::new() } else { vec![What::Untagged { names }] })
        }
        Order::Assign { owner } => {
            let all = [&owner.assigned_to, &owner.email, &owner.object_id, &owner.user_principal_name];
            for text in all {
                short("the owner", text, MAX_WORDS)?;
            }
            let (old, new) = (incident.owner.clone(), owner.clone());
            Ok(if old == new { Vec::new() } else { vec![What::Assigned { old, new }] })
        }
        Order::AddTask { title, description } => {
            fits("the title of the task", title, MAX_WORDS)?;
            short("the description of the task", description, MAX_WORDS)?;
            has_place(number, "tasks", incident.tasks.len(), 1)?;
            Ok(vec![What::TaskAdded { title: title.clone(), description: description.clone() }])
        }
        Order::FinishTask { task } => {
            let known = incident.tasks.iter().find(|known| known.number == *task);
            let known = known.ok_or(IncidentError::Task { number, task: *task })?;
            Ok(if known.done.is_some() { Vec::new() } else { vec![What::TaskDone { task: *task }] })
        }
        Order::SetStatus { status, verdict } => moved(incident, *status, verdict.as_ref()),
        Order::Classify { verdict } => classified(incident, verdict),
        Order::AddEvidence { name, digest, kind } => {
            fits("the name of the proof", name, MAX_WORDS)?;
            fits("the digest of the proof", digest, MAX_WORDS)?;
            short("the kind of the proof", kind, MAX_WORDS)?;
            has_place(number, "proofs", incident.evidence.len(), 1)?;
            let is_known =
                incident.evidence.iter().any(|known| known.name == *name && known.digest == *digest);
            let (name, digest, evidence) = (name.clone(), digest.clone(), kind.clone());
            let what = What::EvidenceAdded { name, digest, evidence };
            Ok(if is_known { Vec::new() } else { vec![what] })
        }
        Order::DeclineMerge { with } => {
            let is_proposed = incident.proposals.iter().any(|proposal| proposal.with == *with);
            let none = IncidentError::Proposal { number, with: *with };
            if is_proposed { Ok(vec![What::ProposalDeclined { with: *with }]) } else { Err(none) }
        }
        // These concern several incidents, and are decided where all are at hand.
        Order::Merge { .. } | Order::Split { .. } => Ok(Vec::new()),
    }
}

fn updated(incident: &Incident, update: &Update) -> Decided {
    let mut fields = Vec::new();
    if let Some(new) = &update.title {
        fits("the title", new, MAX_WORDS)?;
        if *new != incident.title {
            fields.push(FieldChange::Title { old: incident.title.clone(), new: new.clone() });
        }
    }
    if let Some(new) = &update.description {
        short("the description", new, MAX_COMMENT)?;
        if *new != incident.description {
            fields.push(FieldChange::Description { old: incident.description.clone(), new: new.clone() });
        }
    }
    // A severity that is said stays, even where the alerts say the same now.
    let is_said = |new| new != incident.severity || incident.severity_by.is_none();
    if let Some(new) = update.severity.filter(|new| is_said(*new)) {
        fields.push(FieldChange::Severity { old: incident.severity, new });
    }
    Ok(if fields.is_empty() { Vec::new() } else { vec![What::Updated { fields }] })
}

fn tagged(incident: &Incident, names: &[String], is_automatic: bool) -> Decided {
    let mut labels: Vec<Label> = Vec::new();
    for name in names.iter().map(|name| name.trim()).filter(|name| !name.is_empty()) {
        short("the word", name, MAX_WORDS)?;
        if !incident.labels.iter().chain(&labels).any(|label| label.name == name) {
            labels.push(Label { name: name.to_owned(), is_automatic });
        }
    }
    has_place(incident.number, "words", incident.labels.len(), labels.len())?;
    Ok(if labels.is_empty() { Vec::new() } else { vec![What::Tagged { labels }] })
}

fn moved(incident: &Incident, status: Status, verdict: Option<&Verdict>) -> Decided {
    let mut whats = match verdict {
        Some(verdict) => classified(incident, verdict)?,
        None => Vec::new(),
    };
    if status == Status::Closed && verdict.is_none() && incident.verdict.is_none() {
        return Err(IncidentError::Unclassified(incident.number));
    }
    if status != incident.status {
        whats.push(What::StatusChanged { old: incident.status, new: status });
    }
    Ok(whats)
}

fn classified(incident: &Incident, verdict: &Verdict) -> Decided {
    if let Some(reason) = verdict.reason.filter(|reason| reason.explains() != verdict.classification) {
        let (classification, expected) = (verdict.classification.as_str(), reason.explains().as_str());
        return Err(IncidentError::Reason { reason: reason.as_str(), classification, expected });
    }
    short("the comment", &verdict.comment, MAX_COMMENT)?;
    let old = incident.verdict.clone();
    let is_same = old.as_ref() == Some(verdict);
    Ok(if is_same { Vec::new() } else { vec![What::Classified { old, new: verdict.clone() }] })
}

fn fits(what: &'static str, text: &str, most: usize) -> Result<(), IncidentError> {
    if text.trim().is_empty() { Err(IncidentError::Empty { what }) } else { short(what, text, most) }
}

fn short(what: &'static str, text: &str, most: usize) -> Result<(), IncidentError> {
    if text.len() > most { Err(IncidentError::Long { what, bytes: text.len(), most }) } else { Ok(()) }
}

fn has_place(number: u32, what: &'static str, there: usize, more: usize) -> Result<(), IncidentError> {
    let full = IncidentError::Full { number, what, most: MAX_LISTED };
    if there.saturating_add(more) > MAX_LISTED { Err(full) } else { Ok(()) }
}

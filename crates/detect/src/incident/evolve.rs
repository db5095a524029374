//! What changes make of a single incident.

use std::collections::{BTreeMap, BTreeSet};

use super::change::{Change, FieldChange, What};
use super::model::{Comment, Evidence, Firing, Incident, Status, Task};
use super::record::AlertRecord;
use super::state::{MAX_FIRINGS, MAX_IDS};
use super::title;
use crate::rule::Severity;

/// The most incidents that one is proposed to be merged with: the strongest.
const MAX_PROPOSALS: usize = 20;

impl Incident {
    /// What a change makes of it that concerns no other.
    pub(super) fn change(&mut self, change: &Change) {
        match &change.what {
            What::Joined { alert, score, links, .. } => {
                self.take((**alert).clone(), *score, links.clone());
                self.note(change);
                "Alert grouped into incident".clone_into(&mut self.modified_by);
                return;
            }
            What::Repeated { repeat, .. } => {
                self.repeat(repeat);
                self.note(change);
                "Alert grouped into incident".clone_into(&mut self.modified_by);
                return;
            }
            What::Reopened => self.reopen(),
            What::StatusChanged { new, .. } => self.set_status(*new, change.at),
            What::Classified { new, .. } => self.verdict = Some(new.clone()),
            What::Updated { fields } => fields.iter().for_each(|field| self.set(field, change)),
            What::Assigned { new, .. } => self.owner = new.clone(),
            What::Tagged { labels } => self.labels.extend(labels.iter().cloned()),
            What::Untagged { names } => self.labels.retain(|label| !names.contains(&label.name)),
            What::MergeProposed(proposal) => {
                self.proposals.retain(|known| known.with != proposal.with);
                self.proposals.push(proposal.clone());
                self.proposals.sort_by_key(|known| (std::cmp::Reverse(known.score), known.with));
                self.proposals.truncate(MAX_PROPOSALS);
            }
            what => self.add(what, change),
        }
        self.note(change);
    }

    /// What people add.
    fn add(&mut self, what: &What, change: &Change) {
        let (by, at) = (change.by.clone(), change.at);
        match what {
            What::Commented { text } => {
                let number = next(self.comments.last().map(|comment| comment.number));
                self.comments.push(Comment { number, text: text.clone(), by, at });
            }
            What::TaskAdded { title, description } => {
                let number = next(self.tasks.last().map(|task| task.number));
                let (title, description) = (title.clone(), description.clone());
                self.tasks.push(Task { number, title, description, by, at, done: None });
            }
            What::TaskDone { task } => {
                if let Some(task) = self.tasks.iter_mut().find(|known| known.number == *task) {
                    task.done = Some((by, at));
                }
            }
            What::EvidenceAdded { name, digest, evidence } => {
                let (name, digest, kind) = (name.clone(), digest.clone(), evidence.clone());
                self.evidence.push(Evidence { name, digest, kind, by, at });
            }
            _ => {}
        }
    }

    /// Counts a change and remembers whose it is.
    pub(super) fn note(&mut self, change: &Change) {
        self.version = self.version.saturating_add(1);
        self.modified = change.at;
        self.modified_by = change.by.to_string();
        self.is_touched |= change.by.is_person();
    }

    /// It is looked at again: what it was thought to be no longer holds. The audit trail has it.
    fn reopen(&mut self) {
        self.status = Status::Active;
        (self.closed, self.verdict) = (None, None);
    }

    fn set_status(&mut self, new: Status, at: i64) {
        match (self.status, new) {
            (_, Status::Closed) => self.closed = Some(at),
            (Status::Closed, _) => (self.closed, self.verdict) = (None, None),
            _ => {}
        }
        self.status = new;
    }

    fn set(&mut self, field: &FieldChange, change: &Change) {
        let by = Some(change.by.clone());
        match field {
            FieldChange::Title { new, .. } => (self.title, self.title_by) = (new.clone(), by),
            FieldChange::Description { new, .. } => {
                (self.description, self.description_by) = (new.clone(), by);
            }
            FieldChange::Severity { new, .. } => (self.severity, self.severity_by) = (*new, by),
            FieldChange::SeverityComputed { new, .. } => {
                (self.severity, self.severity_by) = (*new, None);
            }
        }
    }

    /// Works out what follows from its alerts. What somebody said stays.
    pub(super) fn find_again(&mut self) {
        self.computed_severity = Severity::Informational;
        self.rules.clear();
        self.tactics.clear();
        self.techniques.clear();
        if !self.firings.is_empty() {
            (self.first_activity, self.last_activity, self.raised) = (i64::MAX, i64::MIN, i64::MAX);
        }
        let firings = std::mem::take(&mut self.firings);
        firings.values().for_each(|firing| self.include(&firing.alert));
        self.firings = firings;
        if self.severity_by.is_none() {
            self.severity = self.computed_severity;
        }
        self.name_again();
    }

    /// Adds what follows from an alert.
    pub(super) fn include(&mut self, alert: &AlertRecord) {
        self.computed_severity = self.computed_severity.max(alert.severity);
        if self.severity_by.is_none() {
            self.severity = self.computed_severity;
        }
        self.rules.insert(std::sync::Arc::clone(&alert.rule));
        self.tactics.extend(alert.tactics.iter().copied());
        self.techniques.extend(alert.techniques.iter().cloned());
        let is_first = self.firings.is_empty() && self.version == 0;
        self.first_activity = if is_first { alert.start } else { self.first_activity.min(alert.start) };
        self.last_activity = if is_first { alert.end } else { self.last_activity.max(alert.end) };
        self.raised = if is_first { alert.raised } else { self.raised.min(alert.raised) };
    }

    /// Works out title and description anew, unless somebody wrote them.
    pub(super) fn name_again(&mut self) {
        if self.title_by.is_none() {
            self.title = title::title(self);
        }
        if self.description_by.is_none() {
            self.description = title::description(self);
        }
    }

    /// Gives its alerts away, to another incident, and is closed.
    pub(super) fn empty_into(&mut self, into: u32, change: &Change) -> BTreeMap<String, Firing> {
        self.status = Status::Closed;
        self.closed = Some(change.at);
        self.merged_into = Some(into);
        self.proposals.clear();
        std::mem::take(&mut self.firings)
    }

    /// Takes what another had: its alerts, and what people said and did there.
    pub(super) fn absorb(&mut self, gone: &Incident, taken: BTreeMap<String, Firing>) {
        self.unlisted = self.unlisted.saturating_add(gone.unlisted);
        for (signature, mut firing) in taken {
            firing.since = firing.since.saturating_add(self.version);
            if !self.firings.contains_key(&signature) && self.firings.len() >= MAX_FIRINGS {
                firing.alert = firing.alert.bare();
            }
            let key = firing.alert.signature.clone();
            match self.firings.get_mut(&key) {
                Some(own) => own.join(firing),
                None => {
                    self.firings.insert(key, firing);
                }
            }
        }
        self.list_no_more_than_fit();
        for comment in &gone.comments {
            let number = next(self.comments.last().map(|own| own.number));
            self.comments.push(Comment { number, ..comment.clone() });
        }
        for task in &gone.tasks {
            let number = next(self.tasks.last().map(|own| own.number));
            self.tasks.push(Task { number, ..task.clone() });
        }
        for label in &gone.labels {
            if !self.labels.iter().any(|own| own.name == label.name) {
                self.labels.push(label.clone());
            }
        }
        self.evidence.extend(gone.evidence.iter().cloned());
        self.find_again();
    }

    /// Counts ids that there is no place for.
    fn list_no_more_than_fit(&mut self) {
        let mut place = MAX_IDS;
        for firing in self.firings.values_mut() {
            let over = firing.ids.len().saturating_sub(place);
            firing.ids.truncate(place);
            self.unlisted = self.unlisted.saturating_add(u64::try_from(over).unwrap_or(u64::MAX));
            place -= firing.ids.len();
        }
    }

    /// Takes alerts out. Results of alerts that said the same are shared out evenly, since each one's own is not kept.
    pub(super) fn part(&mut self, wanted: &BTreeSet<&str>) -> BTreeMap<String, Firing> {
        let mut parts = BTreeMap::new();
        for (signature, firing) in &mut self.firings {
            let (go, stay): (Vec<String>, Vec<String>) =
                firing.ids.drain(..).partition(|id| wanted.contains(id.as_str()));
            firing.ids = stay;
            let count = u64::try_from(go.len()).unwrap_or(u64::MAX);
            if count == 0 {
                continue;
            }
            let mut part = Firing { count, ids: go, score: 0, links: Vec::new(), ..firing.clone() };
            let share = |results: u64| results.saturating_mul(count) / firing.count.max(1);
            part.alert.results = share(firing.alert.results).max(1);
            if let Some(id) = part.ids.first() {
                part.alert.id.clone_from(id);
            }
            firing.alert.results = firing.alert.results.saturating_sub(part.alert.results).max(1);
            firing.count = firing.count.saturating_sub(count);
            parts.insert(signature.clone(), part);
        }
        self.firings.retain(|_, firing| firing.count > 0);
        for firing in self.firings.values_mut() {
            if let Some(id) = firing.ids.first().filter(|_| !firing.ids.contains(&firing.alert.id)) {
                firing.alert.id.clone_from(id);
            }
        }
        self.find_again();
        parts
    }
}

impl Firing {
    /// Takes alerts that say the same.
    fn join(&mut self, other: Firing) {
        self.count = self.count.saturating_add(other.count);
        self.ids.extend(other.ids);
        self.since = self.since.min(other.since);
        let (own, gone) = (&mut self.alert, other.alert);
        own.start = own.start.min(gone.start);
        own.end = own.end.max(gone.end);
        own.from = own.from.min(gone.from);
        own.raised = own.raised.min(gone.raised);
        own.results = own.results.saturating_add(gone.results);
        own.severity = own.severity.max(gone.severity);
        own.tactics.extend(gone.tactics);
        own.techniques.extend(gone.techniques);
        let place = super::record::MAX_KEYS.saturating_sub(own.keys.len());
        own.keys.extend(gone.keys.into_iter().take(place));
    }
}

/// The number after another.
fn next(last: Option<u32>) -> u32 {
    last.unwrap_or_default().saturating_add(1)
}

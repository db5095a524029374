//! All incidents, and what changes make of them.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::change::{Change, What};
use super::correlate::{Index, Link};
use super::model::{Firing, Incident, Status};
use super::record::{AlertRecord, Repeat};

/// The most kinds of firings of an incident. Alerts of further ones are counted by rule.
pub const MAX_FIRINGS: usize = 2_000;
/// The most ids of alerts that an incident lists. Further alerts are counted; their changes name them.
pub const MAX_IDS: usize = 10_000;

/// The most groups of alerts whose incident is remembered. The oldest are forgotten first: their alerts are correlated.
pub const MAX_GROUPS: usize = 50_000;

/// The incident that alerts of a group came to last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Latest {
    pub(super) incident: u32,
    /// When the first alert of the group that is in it was raised.
    pub(super) since: i64,
}

/// A change that does not fit to what there is: changes are missing, or come in another order.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a change of incident {incident} does not fit: {why}; read the changes again from their beginning, in their order"
)]
pub struct Unfit {
    /// The incident.
    pub incident: u32,
    /// What does not fit.
    pub why: &'static str,
}

/// All incidents that are at hand. It is made by changes alone: the same changes in the same order make the same again,
/// and what it is written down as is a snapshot to begin from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Snapshot", rename_all = "camelCase")]
pub struct Incidents {
    pub(super) list: BTreeMap<u32, Incident>,
    /// The last number that an incident got.
    pub(super) last: u32,
    pub(super) latest: BTreeMap<String, Latest>,
    /// Pairs that somebody said are not one, the lower number first.
    pub(super) apart: BTreeSet<(u32, u32)>,
    /// The incident that each alert is in.
    #[serde(skip)]
    pub(super) taken: BTreeMap<String, u32>,
    #[serde(skip)]
    pub(super) index: Index,
}

/// What of [`Incidents`] is written down; the rest follows from it.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Snapshot {
    list: BTreeMap<u32, Incident>,
    last: u32,
    latest: BTreeMap<String, Latest>,
    apart: BTreeSet<(u32, u32)>,
}

impl From<Snapshot> for Incidents {
    fn from(snapshot: Snapshot) -> Incidents {
        let Snapshot { list, last, latest, apart } = snapshot;
        let mut made = Incidents { list, last, latest, apart, ..Incidents::default() };
        let numbers: Vec<u32> = made.list.keys().copied().collect();
        numbers.into_iter().for_each(|number| made.find_again(number));
        made
    }
}

impl Incidents {
    /// An incident, unless it is archived.
    pub fn get(&self, number: u32) -> Option<&Incident> {
        self.list.get(&number)
    }

    /// The incidents in their order.
    pub fn iter(&self) -> impl Iterator<Item = &Incident> {
        self.list.values()
    }

    /// The last number that an incident got, archived ones included.
    pub fn last_number(&self) -> u32 {
        self.last
    }

    /// The incident that an alert is in.
    pub fn incident_of(&self, alert: &str) -> Option<u32> {
        self.taken.get(alert).copied()
    }

    /// What a change makes of them.
    ///
    /// Errors: it does not fit; nothing is changed then.
    pub fn apply(&mut self, change: &Change) -> Result<(), Unfit> {
        let unfit = |why| Unfit { incident: change.incident, why };
        match &change.what {
            What::Opened { id, alert, group } => {
                if change.incident <= self.last {
                    return Err(unfit("its number was given before"));
                }
                self.open(change, id, alert);
                self.leads(group.as_ref(), change.incident, alert.raised);
            }
            What::Merged { from, .. } => {
                if *from == change.incident || !self.list.contains_key(from) {
                    return Err(unfit("the incident that it was merged with is not there"));
                }
                if !self.list.contains_key(&change.incident) {
                    return Err(unfit("it is not there"));
                }
                self.merge(change, *from);
            }
            What::Split { to, id, alerts } => {
                if *to <= self.last {
                    return Err(unfit("the number of the new incident was given before"));
                }
                if !self.split(change, *to, id, alerts) {
                    return Err(unfit("it is not there, or has not the alerts"));
                }
            }
            What::Archived => {
                if !self.list.contains_key(&change.incident) {
                    return Err(unfit("it is not there"));
                }
                self.archive(change.incident);
            }
            What::ProposalDeclined { with } => {
                if !self.list.contains_key(&change.incident) {
                    return Err(unfit("it is not there"));
                }
                self.keep_apart(change, *with);
            }
            _ => {
                let Some(incident) = self.list.get_mut(&change.incident) else {
                    return Err(unfit("it is not there"));
                };
                if let What::Repeated { repeat, .. } = &change.what
                    && !incident.firings.contains_key(&repeat.signature)
                {
                    return Err(unfit("it has no alert that says what is said again"));
                }
                incident.change(change);
                self.after(change);
            }
        }
        Ok(())
    }

    /// What a change of a single incident means for all.
    fn after(&mut self, change: &Change) {
        let number = change.incident;
        match &change.what {
            What::Joined { alert, group, .. } => {
                self.find_again_alert(number, &alert.id);
                self.index.add(number, alert.keys.iter());
                self.leads(group.as_ref(), number, alert.raised);
            }
            What::Repeated { repeat, group } => {
                self.find_again_alert(number, &repeat.id);
                self.index.add(number, repeat.keys.iter());
                self.leads(group.as_ref(), number, repeat.raised);
            }
            _ => {}
        }
    }

    /// Remembers where alerts of a group go.
    fn leads(&mut self, group: Option<&String>, incident: u32, raised: i64) {
        let Some(group) = group else { return };
        match self.latest.get_mut(group) {
            Some(latest) if latest.incident == incident => {}
            Some(latest) => *latest = Latest { incident, since: raised },
            None => {
                self.latest.insert(group.clone(), Latest { incident, since: raised });
            }
        }
        if self.latest.len() > MAX_GROUPS {
            self.forget_groups();
        }
    }

    /// Forgets the oldest tenth of the groups.
    fn forget_groups(&mut self) {
        let mut ages: Vec<(i64, String)> =
            self.latest.iter().map(|(group, latest)| (latest.since, group.clone())).collect();
        ages.sort_unstable();
        for (_, group) in ages.into_iter().take(MAX_GROUPS / 10) {
            self.latest.remove(&group);
        }
    }

    fn open(&mut self, change: &Change, id: &str, alert: &AlertRecord) {
        let mut incident = Incident::new(change.incident, id, change.at);
        incident.take(alert.clone(), 0, Vec::new());
        incident.version = 1;
        "Incident created from alert".clone_into(&mut incident.modified_by);
        self.last = change.incident;
        self.list.insert(change.incident, incident);
        self.find_again(change.incident);
    }

    fn merge(&mut self, change: &Change, from: u32) {
        let number = change.incident;
        let Some(mut gone) = self.list.remove(&from) else { return };
        let taken = gone.empty_into(number, change);
        self.index.remove(from);
        if let Some(incident) = self.list.get_mut(&number) {
            incident.absorb(&gone, taken);
            incident.proposals.retain(|proposal| proposal.with != from);
            incident.note(change);
        }
        gone.note(change);
        self.list.insert(from, gone);
        for alert in self.taken.values_mut().filter(|incident| **incident == from) {
            *alert = number;
        }
        for latest in self.latest.values_mut().filter(|latest| latest.incident == from) {
            latest.incident = number;
        }
        for other in self.list.values_mut() {
            other.proposals.retain(|proposal| proposal.with != from);
        }
        self.find_again(number);
    }

    fn split(&mut self, change: &Change, to: u32, id: &str, alerts: &[String]) -> bool {
        let Some(incident) = self.list.get_mut(&change.incident) else { return false };
        let wanted: BTreeSet<&str> = alerts.iter().map(String::as_str).collect();
        let parts = incident.part(&wanted);
        if parts.is_empty() {
            return false;
        }
        incident.note(change);
        let mut made = Incident::new(to, id, change.at);
        made.split_from = Some(change.incident);
        made.firings = parts;
        made.find_again();
        made.version = 1;
        made.modified_by = change.by.to_string();
        made.is_touched = change.by.is_person();
        self.last = to;
        self.list.insert(to, made);
        self.apart.insert(pair(change.incident, to));
        self.find_again(change.incident);
        self.find_again(to);
        true
    }

    fn archive(&mut self, number: u32) {
        self.list.remove(&number);
        self.index.remove(number);
        self.taken.retain(|_, incident| *incident != number);
        self.latest.retain(|_, latest| latest.incident != number);
        self.apart.retain(|(one, other)| *one != number && *other != number);
        for other in self.list.values_mut() {
            other.proposals.retain(|proposal| proposal.with != number);
        }
    }

    fn keep_apart(&mut self, change: &Change, with: u32) {
        self.apart.insert(pair(change.incident, with));
        for (number, other) in [(change.incident, with), (with, change.incident)] {
            if let Some(incident) = self.list.get_mut(&number) {
                incident.proposals.retain(|proposal| proposal.with != other);
                incident.note(change);
            }
        }
    }

    /// Remembers that an alert is in an incident, if the incident lists it.
    fn find_again_alert(&mut self, number: u32, alert: &str) {
        let unlisted = self.list.get(&number).is_none_or(|incident| incident.unlisted > 0);
        let listed = !unlisted
            || self.list.get(&number).is_some_and(|incident| incident.alert_ids().any(|id| id == alert));
        if listed {
            self.taken.insert(alert.to_owned(), number);
        }
    }

    /// Works out anew what follows from an incident.
    fn find_again(&mut self, number: u32) {
        let Some(incident) = self.list.get(&number) else { return };
        self.index.remove(number);
        for firing in incident.firings.values() {
            self.index.add(number, firing.alert.keys.iter());
        }
        for id in incident.alert_ids() {
            self.taken.insert(id.to_owned(), number);
        }
    }
}

/// Two numbers, the lower first.
pub(super) fn pair(one: u32, other: u32) -> (u32, u32) {
    (one.min(other), one.max(other))
}

impl Incident {
    /// One without alerts.
    fn new(number: u32, id: &str, at: i64) -> Incident {
        Incident {
            number,
            id: id.to_owned(),
            version: 0,
            title: String::new(),
            title_by: None,
            description: String::new(),
            description_by: None,
            severity: crate::rule::Severity::Informational,
            severity_by: None,
            computed_severity: crate::rule::Severity::Informational,
            status: Status::New,
            verdict: None,
            owner: super::model::Owner::default(),
            labels: Vec::new(),
            comments: Vec::new(),
            tasks: Vec::new(),
            evidence: Vec::new(),
            firings: BTreeMap::new(),
            unlisted: 0,
            rules: BTreeSet::new(),
            tactics: BTreeSet::new(),
            techniques: BTreeSet::new(),
            first_activity: at,
            last_activity: at,
            raised: at,
            created: at,
            modified: at,
            closed: None,
            modified_by: String::new(),
            is_touched: false,
            merged_into: None,
            split_from: None,
            proposals: Vec::new(),
        }
    }

    /// Takes an alert that it has no like of.
    pub(super) fn take(&mut self, alert: AlertRecord, score: u32, links: Vec<Link>) {
        let since = self.version;
        let has_place = self.firings.len() < MAX_FIRINGS || self.firings.contains_key(&alert.signature);
        let alert = if has_place { alert } else { alert.bare() };
        self.include(&alert);
        match self.firings.get(&alert.signature) {
            Some(known) => {
                let repeat = alert.repeat(&known.alert.keys);
                self.repeat(&repeat);
            }
            None => {
                let mut firing = Firing::new(alert, score, links, since);
                if !self.lists() {
                    firing.ids.clear();
                    self.unlisted = self.unlisted.saturating_add(1);
                }
                self.firings.insert(firing.alert.signature.clone(), firing);
            }
        }
        self.name_again();
    }

    /// Takes an alert that it has the like of.
    pub(super) fn repeat(&mut self, repeat: &Repeat) {
        let lists = self.lists();
        let Some(firing) = self.firings.get_mut(&repeat.signature) else { return };
        firing.again(repeat, lists);
        if !lists {
            self.unlisted = self.unlisted.saturating_add(1);
        }
        self.first_activity = self.first_activity.min(repeat.start);
        self.last_activity = self.last_activity.max(repeat.end);
        self.raised = self.raised.min(repeat.raised);
        self.computed_severity = self.computed_severity.max(repeat.severity);
        if self.severity_by.is_none() {
            self.severity = self.computed_severity;
        }
    }

    /// Whether there is place for another id.
    fn lists(&self) -> bool {
        self.firings.values().map(|firing| firing.ids.len()).sum::<usize>() < MAX_IDS
    }
}

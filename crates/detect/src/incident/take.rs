//! From alerts to changes: first what the rule itself says, then what other rules found.

use castellan_base::Ticks;

use super::change::{By, Change, MergeProposal, What};
use super::correlate::{Candidate, Correlation, Link, sum};
use super::decide::id_of;
use super::group::{group, is_open_for};
use super::model::{Incident, Status};
use super::record::AlertRecord;
use super::state::{Incidents, pair};
use crate::rule::Rule;
use crate::run::Alert;

/// What became of an alert.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Became {
    /// It made an incident.
    Created(u32),
    /// It came to an incident that there was.
    Joined(u32),
    /// It opened a closed one again.
    Reopened(u32),
    /// It is in an incident since before.
    Known(u32),
    /// Its rule makes no incidents.
    Alone,
    /// There are as many incidents as there are numbers.
    NoPlace,
}

impl Became {
    /// The incident that the alert is in.
    pub fn incident(self) -> Option<u32> {
        match self {
            Became::Created(number)
            | Became::Joined(number)
            | Became::Reopened(number)
            | Became::Known(number) => Some(number),
            Became::Alone | Became::NoPlace => None,
        }
    }
}

/// Where an alert goes.
struct Place {
    incident: u32,
    links: Vec<Link>,
    by: By,
}

impl Incidents {
    /// What an alert of a rule changes. An alert that was taken before changes nothing.
    pub fn decide_alert(
        &self,
        rule: &Rule,
        alert: &Alert,
        correlation: &Correlation,
        now: Ticks,
    ) -> (Became, Vec<Change>) {
        if !rule.incident.create {
            return (Became::Alone, Vec::new());
        }
        if let Some(number) = self.incident_of(&alert.id.to_string()) {
            return (Became::Known(number), Vec::new());
        }
        let record = AlertRecord::of(rule, alert, correlation);
        let group = group(&rule.incident, alert);
        let mut candidates = correlation.candidates(&record, &self.index, |number| self.get(number));
        let own = self.of_group(rule, alert, group.as_ref(), correlation, &candidates);
        let place = own.or_else(|| {
            let best = candidates.first().filter(|best| best.score >= correlation.join)?;
            Some(Place { incident: best.incident, links: best.links.clone(), by: By::Correlation })
        });
        let at = now.get();
        let Some(place) = place else { return self.opened(record, group, rule, at) };
        candidates.retain(|candidate| candidate.incident != place.incident);
        let Some(incident) = self.get(place.incident) else { return (Became::NoPlace, Vec::new()) };
        let was_closed = incident.status == Status::Closed;
        let mut changes = Vec::new();
        let change = |by: &By, what| Change { incident: incident.number, at, by: by.clone(), what };
        if was_closed {
            changes.push(change(&place.by, What::Reopened));
        }
        changes.push(change(&place.by, joined(incident, record, place.links, group)));
        changes.extend(self.bridged(incident, &candidates, correlation, at));
        let number = incident.number;
        (if was_closed { Became::Reopened(number) } else { Became::Joined(number) }, changes)
    }

    /// Takes an alert: decides and applies.
    pub fn take(
        &mut self,
        rule: &Rule,
        alert: &Alert,
        correlation: &Correlation,
        now: Ticks,
    ) -> (Became, Vec<Change>) {
        let (became, changes) = self.decide_alert(rule, alert, correlation, now);
        for change in &changes {
            // What was decided on this state fits to it.
            let _ = self.apply(change);
        }
        (became, changes)
    }

    /// The incident that the rule's own configuration names.
    fn of_group(
        &self,
        rule: &Rule,
        alert: &Alert,
        group: Option<&String>,
        correlation: &Correlation,
        candidates: &[Candidate],
    ) -> Option<Place> {
        let latest = *self.latest.get(group?)?;
        let incident = self.get(latest.incident)?;
        if !is_open_for(incident, latest, &rule.incident, alert) {
            return None;
        }
        let mut links = vec![correlation.grouped(&rule.name)];
        let shared = candidates.iter().find(|candidate| candidate.incident == incident.number);
        links.extend(shared.into_iter().flat_map(|candidate| candidate.links.iter().cloned()));
        Some(Place { incident: incident.number, links, by: By::Rule(rule.name.to_string()) })
    }

    fn opened(
        &self,
        record: AlertRecord,
        group: Option<String>,
        rule: &Rule,
        at: i64,
    ) -> (Became, Vec<Change>) {
        let Some(number) = self.last.checked_add(1) else { return (Became::NoPlace, Vec::new()) };
        let what = What::Opened { id: id_of(&record.id), alert: Box::new(record), group };
        let by = By::Rule(rule.name.to_string());
        (Became::Created(number), vec![Change { incident: number, at, by, what }])
    }

    /// What an alert means for other incidents that it is linked to: the strongest of them is one with its own, or may be.
    ///
    /// They become one by themselves where the link is strong and no person has worked on either. Otherwise people decide.
    fn bridged(
        &self,
        own: &Incident,
        others: &[Candidate],
        correlation: &Correlation,
        at: i64,
    ) -> Option<Change> {
        let other = others.iter().find(|other| !self.apart.contains(&pair(own.number, other.incident)))?;
        if other.score < correlation.propose {
            return None;
        }
        let found = self.get(other.incident)?;
        // The older one stays: people may know its number.
        let (into, from) = pair(own.number, other.incident);
        let is_free = !own.is_touched && !found.is_touched;
        let links = other.links.clone();
        let (score, by) = (sum(&links), By::Correlation);
        if is_free && other.score >= correlation.merge {
            return Some(Change { incident: into, at, by, what: What::Merged { from, score, links } });
        }
        let known = self
            .get(into)
            .and_then(|incident| incident.proposals.iter().find(|proposal| proposal.with == from));
        if known.is_some_and(|proposal| proposal.score >= score) {
            return None;
        }
        let what = What::MergeProposed(MergeProposal { with: from, score, links });
        Some(Change { incident: into, at, by, what })
    }
}

fn joined(incident: &Incident, record: AlertRecord, links: Vec<Link>, group: Option<String>) -> What {
    match incident.firings.get(&record.signature) {
        Some(known) => What::Repeated { repeat: record.repeat(&known.alert.keys), group },
        None => What::Joined { score: sum(&links), alert: Box::new(record), links, group },
    }
}

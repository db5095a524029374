//! What records make.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use castellan_detect::incident::{Change, Incidents};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::StoreError;
use super::record::{Call, Entry, Pending, Record, Role, Said};
use crate::case::Exhibit;
use crate::rows::{ALERTS, INCIDENTS, calls, incident_json};

/// Calls of one record that have numbers of their own.
const CALLS: i64 = 1 << 12;

/// Everything that follows from the records of all journals.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct State {
    /// The incidents at hand.
    pub incidents: Incidents,
    /// The number of the last record.
    pub last: u64,
    /// How long the audit log is at least, and the checksum of the entry there.
    pub anchor: (u64, String),
    exhibits: BTreeMap<u32, Vec<Exhibit>>,
    notes: BTreeMap<String, String>,
    said: BTreeSet<Said>,
    pending: VecDeque<Pending>,
    /// Where numbers of calls begin.
    base: i64,
    /// The journals that speak of an incident.
    journals: BTreeMap<u32, BTreeSet<u32>>,
}

impl State {
    /// Applies a record that stands in a journal. On an error, some of it may be applied.
    pub(super) fn apply(&mut self, record: &Record, journal: u32) -> Result<(), StoreError> {
        if record.number != self.last.saturating_add(1) {
            return Err(StoreError::Unfit(format!("record {} follows {}", record.number, self.last)));
        }
        self.last = record.number;
        match &record.entry {
            Entry::Changed { changes, alerts, note, exhibits, said } => {
                self.change(changes, journal)?;
                self.owe(record.number, alerts, changes)?;
                if let Some(note) = note {
                    self.notes.insert(note.key.clone(), note.value.clone());
                }
                for (number, exhibit) in exhibits {
                    self.exhibits.entry(*number).or_default().push(exhibit.clone());
                }
                self.said.extend(said.clone());
            }
            Entry::Sent { through } => self.pending.retain(|pending| pending.record > *through),
            Entry::Based { base } => self.base = *base,
            Entry::Audited { count, head } => self.anchor = (*count, head.clone()),
        }
        Ok(())
    }

    fn change(&mut self, changes: &[Change], journal: u32) -> Result<(), StoreError> {
        for change in changes {
            self.incidents.apply(change).map_err(|error| StoreError::Unfit(error.to_string()))?;
            for number in change.touches().into_iter().flatten() {
                self.journals.entry(number).or_default().insert(journal);
            }
        }
        Ok(())
    }

    /// Remembers the rows that a record owes the lake: its alerts, and each incident that it changed as it is then.
    fn owe(&mut self, record: u64, alerts: &[Value], changes: &[Change]) -> Result<(), StoreError> {
        let touched: BTreeSet<u32> = changes.iter().flat_map(Change::touches).flatten().collect();
        let incidents = touched.iter().filter_map(|number| self.incidents.get(*number));
        let incidents: Vec<Value> = incidents.map(incident_json).collect();
        let first = i64::try_from(record).ok().and_then(|record| record.checked_mul(CALLS));
        let mut offset = first.and_then(|first| first.checked_add(self.base)).unwrap_or(i64::MAX);
        let mut owed = Vec::new();
        for (table, rows) in [(ALERTS, alerts), (INCIDENTS, incidents.as_slice())] {
            for rows in calls(rows) {
                owed.push(Call { table: table.to_owned(), offset, rows });
                offset = offset.saturating_add(1);
            }
        }
        if owed.len() >= usize::try_from(CALLS).unwrap_or(usize::MAX) {
            return Err(StoreError::Unfit(format!("it owes {} calls to the lake", owed.len())));
        }
        if !owed.is_empty() {
            self.pending.push_back(Pending { record, calls: owed });
        }
        Ok(())
    }

    /// Rows that may not be in the lake yet, oldest first.
    pub fn pending(&self) -> impl Iterator<Item = &Pending> {
        self.pending.iter()
    }

    /// The base that numbers calls higher than a mark that the lake has; `None` where they are already.
    pub fn base_above(&self, mark: i64) -> Option<i64> {
        let next = i64::try_from(self.last.saturating_add(1)).unwrap_or(i64::MAX);
        // Calls that are owed keep their numbers, which the lake may know.
        let own = self.base.saturating_add(next.saturating_mul(CALLS));
        (mark >= own).then(|| mark.saturating_sub(next.saturating_mul(CALLS)).saturating_add(1))
    }

    /// The last note of a key.
    pub fn note(&self, key: &str) -> Option<&str> {
        self.notes.get(key).map(String::as_str)
    }

    /// Texts that were kept of an incident.
    pub fn exhibits_of(&self, number: u32) -> &[Exhibit] {
        self.exhibits.get(&number).map_or(&[], Vec::as_slice)
    }

    /// All texts that were kept.
    pub fn exhibits(&self) -> impl Iterator<Item = &Exhibit> {
        self.exhibits.values().flatten()
    }

    /// The number of what a client gave a name.
    pub fn number_of(&self, incident: u32, role: Role, name: &str) -> Option<u32> {
        let of = self.said.iter().find(|said| {
            said.incident == incident && said.role == role && said.name.eq_ignore_ascii_case(name)
        });
        of.map(|said| said.number)
    }

    /// The name that a client gave to a comment or a task.
    pub fn name_of(&self, incident: u32, role: Role, number: u32) -> Option<&str> {
        let of = self
            .said
            .iter()
            .find(|said| said.incident == incident && said.role == role && said.number == number);
        of.map(|said| said.name.as_str())
    }

    /// The journals that speak of an incident, in order.
    pub(super) fn journals_of(&self, number: u32) -> Vec<u32> {
        self.journals.get(&number).into_iter().flatten().copied().collect()
    }
}

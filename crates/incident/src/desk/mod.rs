//! The desk: incidents that people and programs work on, kept, with their evidence, and their rows on the way to the lake.
//!
//! One desk has one folder and is shared by all who work on it. What a call returned for is durable; rows follow it into the
//! lake by [`Desk::send`], each once.

mod capture;
mod exhibits;
mod lake;
mod orders;
mod told;

use std::collections::HashSet;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use castellan_base::Ticks;
use castellan_detect::incident::correlate::Correlation;
use castellan_detect::incident::{By, Change, Command, Incident, IncidentError, Order};
use castellan_detect::rule::Rule;
use castellan_detect::run::Alert;
use tokio::sync::Notify;

use crate::Case;
use crate::case::Exhibit;
use crate::evidence::{EvidenceError, PublicKey, Sealer};
use crate::rows::alert_json;
use crate::store::{Act, AuditEntry, Entry, Note, Role, Store, StoreError, Verified};

pub use lake::{LakeError, append, known};
pub use told::owner;

/// The folder of incidents, in the lake's.
pub const FOLDER: &str = "incidents";
/// The most texts that are kept of an incident.
pub const MAX_EXHIBITS: usize = 500;
/// The most incidents that are at hand. Those beyond that nobody works on are archived: their rows say what they were.
const AT_HAND: usize = 50_000;
/// What the last key is noted by.
const KEY: &str = "evidence-key";

/// Something that cannot be done.
#[derive(Debug, thiserror::Error)]
pub enum DeskError {
    /// Of an incident.
    #[error(transparent)]
    Incident(#[from] IncidentError),
    /// The files.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A text.
    #[error(transparent)]
    Evidence(#[from] EvidenceError),
    /// The lake.
    #[error(transparent)]
    Lake(#[from] LakeError),
    /// Opening evidence without saying why.
    #[error("say why the original is needed: it is written to the audit log")]
    NoReason,
    /// Opening evidence without saying who.
    #[error("say who opens it: it is written to the audit log")]
    Nobody,
    /// No evidence of an id.
    #[error("incident {incident} has no evidence `{id}`, or several that begin so; list it to see the ids")]
    NoEvidence {
        /// The incident.
        incident: u32,
        /// What was asked for.
        id: String,
    },
    /// Too many texts.
    #[error("incident {0} has {MAX_EXHIBITS} pieces of evidence, which is as many as it can have")]
    FullOfEvidence(u32),
}

impl DeskError {
    /// Whether a file is not what was written.
    pub fn is_damage(&self) -> bool {
        matches!(self, DeskError::Store(error) if error.is_damage())
    }
}

/// What became of the alerts of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Taken {
    /// Numbers of incidents that changed.
    pub changed: Vec<u32>,
}

/// Incidents, shared.
#[derive(Debug)]
pub struct Desk {
    store: Mutex<Store>,
    sealer: Sealer,
    correlation: Correlation,
    /// Told when there are rows to send.
    owed: Notify,
    /// Held by the one who sends: rows go in their order.
    sending: tokio::sync::Mutex<()>,
    /// Alerts whose texts were looked for since the start.
    looked: Mutex<HashSet<String>>,
}

impl Desk {
    /// Opens the folder of incidents of a lake's folder. Evidence is sealed to a key, where there is one.
    ///
    /// # Errors
    /// The folder is in use, cannot be read or is damaged.
    pub fn open(lake: &Path, key: Option<PublicKey>, now: Ticks) -> Result<Desk, DeskError> {
        Desk::over(Store::open(&lake.join(FOLDER))?, key, now)
    }

    /// Over incidents that were opened.
    ///
    /// # Errors
    /// The disk fails, or the detectors cannot be used.
    pub fn over(mut store: Store, key: Option<PublicKey>, now: Ticks) -> Result<Desk, DeskError> {
        let id = key.as_ref().map(PublicKey::id);
        let known = store.state().note(KEY).map(str::to_owned);
        // A server that was started with another key, or without one, leaves a trace of that.
        if known.as_deref().unwrap_or_default() != id.as_deref().unwrap_or_default() {
            store.note_act(now.get(), Act::KeyChanged { key: id.clone() })?;
            let note = Note { key: KEY.to_owned(), value: id.unwrap_or_default() };
            let entry = Entry::Changed {
                changes: Vec::new(),
                alerts: Vec::new(),
                note: Some(note),
                exhibits: Vec::new(),
                said: None,
            };
            store.write(now.get(), entry)?;
        }
        Ok(Desk::of(store, Sealer::new(key)?))
    }

    fn of(store: Store, sealer: Sealer) -> Desk {
        Desk {
            store: Mutex::new(store),
            sealer,
            correlation: Correlation::built_in().clone(),
            owed: Notify::new(),
            sending: tokio::sync::Mutex::default(),
            looked: Mutex::default(),
        }
    }

    /// The same with weights and thresholds of one's own for what makes alerts of several rules one incident. Incidents that
    /// are there stay as they are.
    #[must_use]
    pub fn with_correlation(mut self, correlation: Correlation) -> Desk {
        self.correlation = correlation;
        self
    }

    /// Opens it for commands that keep no texts, and leaves the key as it is.
    ///
    /// # Errors
    /// As [`Desk::over`].
    pub fn open_unkeyed(lake: &Path) -> Result<Desk, DeskError> {
        let store = Store::open(&lake.join(FOLDER))?;
        Ok(Desk::of(store, Sealer::new(None)?))
    }

    fn store(&self) -> MutexGuard<'_, Store> {
        // A store is changed as a whole or marked as broken: whoever panicked with it left nothing half done.
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What was found when it was opened and should be known.
    pub fn told(&self) -> Vec<String> {
        self.store().told().to_vec()
    }

    /// The key that evidence is sealed to.
    pub fn key(&self) -> Option<&PublicKey> {
        self.sealer.key()
    }

    /// An incident as it is.
    ///
    /// # Errors
    /// There is none of the number, or it is archived.
    pub fn incident(&self, number: u32) -> Result<Incident, DeskError> {
        let store = self.store();
        let incidents = store.incidents();
        let missing = || {
            if number > 0 && number <= incidents.last_number() {
                IncidentError::Archived(number)
            } else {
                IncidentError::Unknown(number)
            }
        };
        Ok(incidents.get(number).cloned().ok_or_else(missing)?)
    }

    /// The number of an incident by its number or its id.
    pub fn find(&self, name: &str) -> Option<u32> {
        let store = self.store();
        let known = store.incidents().iter().find(|incident| incident.id.eq_ignore_ascii_case(name));
        known.map(|incident| incident.number).or_else(|| name.trim_start_matches('#').parse().ok())
    }

    /// Looks at all incidents at hand, in their order.
    pub fn each(&self, look: impl FnMut(&Incident)) {
        self.store().incidents().iter().for_each(look);
    }

    /// Does what a command wants. A name is kept for the comment or the task that it makes.
    ///
    /// # Errors
    /// It cannot be done, or not be kept.
    pub fn order(
        &self,
        command: &Command,
        name: Option<(Role, &str)>,
        now: Ticks,
    ) -> Result<Incident, DeskError> {
        let mut store = self.store();
        let changes = store.incidents().decide(command, now)?;
        if !changes.is_empty() {
            let said = name.and_then(|(role, name)| orders::said(&store, command.incident, role, name));
            let entry =
                Entry::Changed { changes, alerts: Vec::new(), note: None, exhibits: Vec::new(), said };
            store.write(now.get(), entry)?;
        }
        drop(store);
        self.owed.notify_one();
        self.incident(command.incident)
    }

    /// Does several things to an incident, all of them or none.
    ///
    /// # Errors
    /// One of them cannot be done, or they cannot be kept.
    pub fn orders(
        &self,
        number: u32,
        seen: Option<u64>,
        by: &By,
        orders: Vec<Order>,
        now: Ticks,
    ) -> Result<Incident, DeskError> {
        let mut store = self.store();
        let mut incidents = store.incidents().clone();
        // Whoever looked at an older version is told so, also where nothing is left to change.
        let version = incidents.get(number).map(|incident| incident.version);
        if let (Some(seen), Some(version)) = (seen, version)
            && seen != version
        {
            return Err(IncidentError::Stale { number, seen, version }.into());
        }
        let mut changes = Vec::new();
        for order in orders {
            let command = Command { incident: number, seen: None, by: by.clone(), order };
            changes.extend(incidents.command(&command, now)?);
        }
        if !changes.is_empty() {
            store.write(now.get(), Entry::of(changes))?;
        }
        drop(store);
        self.owed.notify_one();
        self.incident(number)
    }

    /// Takes the alerts of a run of a rule, all of them or none, with a note of the caller's.
    ///
    /// # Errors
    /// They cannot be kept.
    pub fn take(
        &self,
        rule: &Rule,
        alerts: &[Alert],
        note: Option<Note>,
        now: Ticks,
    ) -> Result<Taken, DeskError> {
        let rows = alerts.iter().map(|alert| alert_json(rule, alert)).collect();
        self.taken(rule, alerts, rows, note, now)
    }

    /// Gives alerts to incidents that somebody else sends to the lake. Those that an incident has change nothing.
    ///
    /// # Errors
    /// They cannot be kept.
    pub fn join(&self, rule: &Rule, alerts: &[Alert], now: Ticks) -> Result<Taken, DeskError> {
        self.taken(rule, alerts, Vec::new(), None, now)
    }

    fn taken(
        &self,
        rule: &Rule,
        alerts: &[Alert],
        rows: Vec<serde_json::Value>,
        note: Option<Note>,
        now: Ticks,
    ) -> Result<Taken, DeskError> {
        let mut store = self.store();
        let correlation = &self.correlation;
        let changes = match alerts {
            [alert] => store.incidents().decide_alert(rule, alert, correlation, now).1,
            // Alerts of one run may join one another, so they are decided on a copy as it grows.
            _ => {
                let mut incidents = store.incidents().clone();
                alerts.iter().flat_map(|alert| incidents.take(rule, alert, correlation, now).1).collect()
            }
        };
        let mut changed: Vec<u32> = changes.iter().flat_map(Change::touches).flatten().collect();
        changed.sort_unstable();
        changed.dedup();
        let is_nothing = changes.is_empty() && rows.is_empty() && note.is_none();
        if is_nothing {
            return Ok(Taken::default());
        }
        let entry = Entry::Changed { changes, alerts: rows, note, exhibits: Vec::new(), said: None };
        store.write(now.get(), entry)?;
        let room = store.incidents().decide_room(AT_HAND, now);
        if !room.is_empty() {
            store.write(now.get(), Entry::of(room))?;
        }
        drop(store);
        self.owed.notify_one();
        Ok(Taken { changed })
    }

    /// Archives incidents that were closed, and not changed since a time; how many.
    ///
    /// # Errors
    /// That cannot be kept.
    pub fn archive(&self, before: Ticks, now: Ticks) -> Result<usize, DeskError> {
        let mut store = self.store();
        let changes = store.incidents().decide_archive(before, now);
        let count = changes.len();
        if count > 0 {
            store.write(now.get(), Entry::of(changes))?;
        }
        Ok(count)
    }

    /// The last note of a key.
    pub fn note(&self, key: &str) -> Option<String> {
        self.store().state().note(key).map(str::to_owned)
    }

    /// An incident with all that belongs to it.
    ///
    /// # Errors
    /// There is none of the number, or a journal cannot be read.
    pub fn case(&self, number: u32) -> Result<Case, DeskError> {
        let incident = self.incident(number)?;
        let store = self.store();
        let trail = store.trail(number)?;
        Ok(told::case(&incident, store.state(), &trail, store.audit()))
    }

    /// What was done to an incident, and which of its evidence was opened; also of one that is archived.
    ///
    /// # Errors
    /// A journal cannot be read.
    pub fn trail(&self, number: u32) -> Result<Vec<crate::case::Step>, DeskError> {
        let store = self.store();
        let trail = store.trail(number)?;
        if trail.is_empty() {
            return Err(IncidentError::Unknown(number).into());
        }
        Ok(told::steps(number, &trail, store.audit()))
    }

    /// Texts that were kept of an incident.
    pub fn exhibits(&self, number: u32) -> Vec<Exhibit> {
        self.store().state().exhibits_of(number).to_vec()
    }

    /// The name of a comment or a task, and the number of a name.
    pub fn name_of(&self, incident: u32, role: Role, number: u32) -> Option<String> {
        self.store().state().name_of(incident, role, number).map(str::to_owned)
    }

    /// The number of the comment or the task that a client gave a name.
    pub fn number_of(&self, incident: u32, role: Role, name: &str) -> Option<u32> {
        self.store().state().number_of(incident, role, name)
    }

    /// The audit log.
    pub fn audit(&self) -> Vec<AuditEntry> {
        self.store().audit().to_vec()
    }

    /// Checks every checksum of every file.
    ///
    /// # Errors
    /// What is damaged or missing first.
    pub fn verify(&self) -> Result<Verified, DeskError> {
        Ok(self.store().verify()?)
    }
}

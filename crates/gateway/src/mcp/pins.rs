//! Pins kept in a file, which is replaced whole: by the gate when it has seen definitions, and by whoever decides about
//! them, in this process or another one.
//!
//! *Invariant (no decision is lost):* decisions are merged by what they say, not by who wrote the file last. Whoever writes
//! holds a lock, reads what stands there, takes over decisions that are new, and only then writes.

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use castellan_base::{System, Ticks};
use castellan_mcp::pin::{Change, Decision, Kind, Record, Store, render};

/// Largest file, in bytes.
const LARGEST: u64 = 64 << 20;

/// Why pins cannot be kept or decided about.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PinsError {
    /// The file cannot be read or written.
    #[error("the pins in `{0}` cannot be kept: {1}")]
    Storage(String, io::Error),
    /// It is none, or was altered.
    #[error(
        "the pins in `{0}` cannot be used: {1}; restore the file, or remove it to have everything looked at anew"
    )]
    Damaged(String, String),
    /// What is named is not there, or not clear.
    #[error("{0}")]
    Named(String),
    /// The decision cannot be taken.
    #[error(transparent)]
    Decision(#[from] castellan_mcp::pin::DecisionError),
}

/// A definition that waits for a person.
#[derive(Clone, Debug, PartialEq)]
pub struct Waiting {
    /// The server.
    pub server: String,
    /// What is defined.
    pub kind: Kind,
    /// Its name.
    pub name: String,
    /// The hash that a decision has to name.
    pub hash: String,
    /// Since when.
    pub since: Ticks,
    /// What changes, and what may hide in it.
    pub changes: Vec<Change>,
    /// The same for people: one line a change, hidden characters written out.
    pub shown: String,
}

/// A decision about a definition that waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ruled {
    /// The server.
    pub server: String,
    /// What is defined.
    pub kind: Kind,
    /// Its name.
    pub name: String,
    /// The hash that was seen.
    pub hash: String,
    /// Who decides.
    pub by: String,
    /// Why.
    pub reason: String,
}

/// The file.
#[derive(Debug)]
pub struct PinFile {
    path: PathBuf,
}

/// How the file looked: another one looks different, since it is always replaced.
pub(super) type Stamp = Option<(u64, Option<SystemTime>)>;

impl PinFile {
    /// A file, which need not be there yet.
    pub fn new(path: impl Into<PathBuf>) -> PinFile {
        PinFile { path: path.into() }
    }

    /// What it holds.
    ///
    /// # Errors
    /// When it cannot be read, or was altered.
    pub fn read(&self, system: &dyn System) -> Result<Store, PinsError> {
        let bytes = match system.read(&self.path, LARGEST) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Store::new()),
            read => read.map_err(|error| self.storage(error))?,
        };
        let damaged = |why: String| PinsError::Damaged(self.path.display().to_string(), why);
        let stored = serde_json::from_slice(&bytes).map_err(|error| damaged(error.to_string()))?;
        Store::from_json(stored).map_err(|error| damaged(error.to_string()))
    }

    /// Decides about a definition in the file, for a gate that runs elsewhere: it takes the decision over within seconds.
    ///
    /// # Errors
    /// When nothing waits, when it has changed since it was seen, and when the file cannot be kept.
    pub fn decide(
        &self,
        system: &dyn System,
        decision: Decision,
        ruled: &Ruled,
        now: Ticks,
    ) -> Result<(), PinsError> {
        let _only_one = self.lock()?;
        let mut store = self.read(system)?;
        decide(&mut store, decision, ruled, now)?;
        self.replace(&store)
    }

    /// Writes a store after taking decisions over from what stands there.
    pub(super) fn write(
        &self,
        system: &dyn System,
        merge: impl FnOnce(&Store) -> Store,
    ) -> Result<Stamp, PinsError> {
        let _only_one = self.lock()?;
        let there = self.read(system)?;
        self.replace(&merge(&there))?;
        Ok(self.stamp())
    }

    #[allow(clippy::disallowed_methods)] // Only length and time of the file are asked for.
    pub(super) fn stamp(&self) -> Stamp {
        std::fs::metadata(&self.path).ok().map(|data| (data.len(), data.modified().ok()))
    }

    fn lock(&self) -> Result<File, PinsError> {
        let folder = folder(&self.path);
        std::fs::create_dir_all(folder).map_err(|error| self.storage(error))?;
        let lock = OpenOptions::new().create(true).truncate(false).write(true).open(self.beside("lock"));
        let lock = lock.map_err(|error| self.storage(error))?;
        lock.lock().map_err(|error| self.storage(error))?;
        Ok(lock)
    }

    fn replace(&self, store: &Store) -> Result<(), PinsError> {
        let text = serde_json::to_vec_pretty(&store.to_json())
            .map_err(|error| self.storage(io::Error::other(error)))?;
        if text.len() as u64 > LARGEST {
            return Err(self.storage(io::Error::other("there are too many definitions")));
        }
        let temporary = self.beside("new");
        let written = || -> io::Result<()> {
            let mut file = File::create(&temporary)?;
            file.write_all(&text)?;
            file.sync_all()?;
            std::fs::rename(&temporary, &self.path)?;
            File::open(folder(&self.path))?.sync_all()
        };
        written().map_err(|error| self.storage(error))
    }

    fn storage(&self, error: io::Error) -> PinsError {
        PinsError::Storage(self.path.display().to_string(), error)
    }

    fn beside(&self, extension: &str) -> PathBuf {
        let mut name = self.path.as_os_str().to_owned();
        name.push(".");
        name.push(extension);
        PathBuf::from(name)
    }
}

fn folder(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."))
}

/// Everything that waits for a person.
pub fn waiting(store: &Store) -> Vec<Waiting> {
    let all = store.waiting().map(|(server, kind, name, quarantine)| {
        let changes = store.proposal(server, kind, name).unwrap_or_default();
        Waiting {
            server: server.to_owned(),
            kind,
            name: name.to_owned(),
            hash: quarantine.hash.clone(),
            since: Ticks::new(quarantine.since).unwrap_or(Ticks::MIN),
            shown: render(&changes),
            changes,
        }
    });
    all.collect()
}

pub(super) fn decide(
    store: &mut Store,
    decision: Decision,
    ruled: &Ruled,
    now: Ticks,
) -> Result<(), PinsError> {
    let record = Record {
        decision,
        hash: ruled.hash.clone(),
        by: ruled.by.clone(),
        reason: ruled.reason.clone(),
        at: now.get(),
    };
    Ok(store.decide(&ruled.server, ruled.kind, &ruled.name, record)?)
}

/// Takes over decisions that `there` has and `own` has not: of which servers, and what could not be taken over.
pub(super) fn merge(own: &mut Store, there: &Store, servers: &[String]) -> (Vec<String>, Vec<String>) {
    let (mut changed, mut problems) = (Vec::new(), Vec::new());
    for server in servers {
        for (kind, pins) in there.server(server).into_iter().flat_map(|pins| pins.pins.iter()) {
            for (name, pin) in pins {
                for record in &pin.records {
                    let known = own.pin(server, *kind, name);
                    if known.is_some_and(|known| known.records.contains(record)) {
                        continue;
                    }
                    match own.decide(server, *kind, name, record.clone()) {
                        Ok(()) => changed.push(server.clone()),
                        Err(error) => {
                            problems
                                .push(format!("a decision about `{server}/{name}` came too late: {error}"));
                        }
                    }
                }
            }
        }
    }
    changed.dedup();
    (changed, problems)
}

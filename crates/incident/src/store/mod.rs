//! Incidents on disk: a journal of what changed, snapshots to begin from, and whatever was kept beside.
//!
//! ```text
//! incidents/
//!   lock                     held by the one process that writes
//!   journal-00000001.jsonl   records: a checksum that covers the line before, and JSON
//!   snapshot-00000002.json   everything as it was when the second journal began
//!   journal-00000002.jsonl
//!   audit.jsonl              who opened which evidence, and why: a chain of its own
//!   evidence/                sealed originals, by the digest of what is in the file
//! ```
//!
//! *Invariant (acknowledged is durable):* what [`Store::write`] returned for is in the journal and synced. A last line that is
//! not whole is what a crash leaves behind; it was never acknowledged, and is cut off and told. *Invariant (changes make the
//! state):* the state is what all records make of nothing; a snapshot only saves reading them. *Invariant (once):* a record
//! names the rows that it owes the lake by its number alone, so that sending them again adds nothing.
//!
//! Journals are never removed: they are the audit trail of all incidents.

mod audit;
mod chain;
mod error;
mod files;
mod journal;
mod record;
mod state;

use std::path::Path;

use castellan_detect::incident::{Change, Incidents};

use crate::case::Exhibit;
pub use audit::{Act, Audit, Entry as AuditEntry};
pub use error::StoreError;
pub use files::{Files, Folder};
use journal::Journal;
pub use record::{Call, Entry, Note, Pending, Record, Role, Said};
pub use state::State;

/// Bytes of a journal after which the next one begins, with a snapshot.
const FULL: u64 = 8 << 20;

/// Incidents, kept.
pub struct Store {
    files: Box<dyn Files>,
    journal: Journal,
    state: State,
    audit: Audit,
    told: Vec<String>,
    full: u64,
    is_broken: bool,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store").field("journal", &self.journal).finish_non_exhaustive()
    }
}

impl Store {
    /// Opens a folder for writing, and makes it where there is none.
    ///
    /// # Errors
    /// Somebody else has it open, it cannot be read, or what is in it is damaged.
    pub fn open(folder: &Path) -> Result<Store, StoreError> {
        Store::over(Box::new(Folder::open(folder)?))
    }

    /// Over files of the caller's.
    ///
    /// # Errors
    /// As [`Store::open`].
    pub fn over(mut files: Box<dyn Files>) -> Result<Store, StoreError> {
        let mut told = Vec::new();
        let (journal, state) = journal::read(files.as_mut(), &mut told)?;
        let audit = Audit::read(files.as_mut(), &state.anchor, &mut told)?;
        Ok(Store { files, journal, state, audit, told, full: FULL, is_broken: false })
    }

    /// The same with other journals: of about so many bytes.
    #[must_use]
    pub fn with_journals_of(mut self, bytes: u64) -> Store {
        self.full = bytes;
        self
    }

    /// What was found when it was opened and should be known: torn lines, snapshots that could not be used.
    pub fn told(&self) -> &[String] {
        &self.told
    }

    /// All incidents at hand.
    pub fn incidents(&self) -> &Incidents {
        &self.state.incidents
    }

    /// Everything that follows from the records.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// The number of the last record; 0 where there is none.
    pub fn last(&self) -> u64 {
        self.state.last
    }

    /// Writes what happened, durably, and applies it.
    ///
    /// # Errors
    /// It does not fit to what there is, in which case nothing is written; or the disk fails, after which nothing more is
    /// written until the folder is opened again.
    pub fn write(&mut self, at: i64, entry: Entry) -> Result<u64, StoreError> {
        if self.is_broken {
            return Err(StoreError::Broken);
        }
        let record = Record { number: self.state.last.saturating_add(1), at, entry };
        // What does not fit must not be in the journal, where every start would stumble over it. What was applied of it is
        // taken back by reading what there is.
        if let Err(error) = self.state.apply(&record, self.journal.number()) {
            (self.journal, self.state) = journal::read(self.files.as_mut(), &mut self.told)?;
            return Err(error);
        }
        if let Err(error) = self.journal.append(self.files.as_mut(), &record) {
            self.is_broken = true;
            return Err(error);
        }
        if self.journal.size() >= self.full {
            self.begin_next()?;
        }
        Ok(record.number)
    }

    /// Begins the next journal with a snapshot. A record that is written is acknowledged whether this works or not: where it
    /// does not, the journal grows on.
    fn begin_next(&mut self) -> Result<(), StoreError> {
        match self.journal.next(self.files.as_mut(), &self.state) {
            Ok(()) => Ok(()),
            Err(StoreError::Disk { .. }) => {
                self.is_broken = true;
                Ok(())
            }
            Err(other) => Err(other),
        }
    }

    /// What was done to an incident, oldest first.
    ///
    /// # Errors
    /// A journal cannot be read, or is damaged.
    pub fn trail(&self, number: u32) -> Result<Vec<Change>, StoreError> {
        let journals = self.state.journals_of(number);
        let mut trail = Vec::new();
        for journal in journals {
            for record in journal::records(self.files.as_ref(), journal)? {
                if let Entry::Changed { changes, .. } = record.entry {
                    trail.extend(changes.into_iter().filter(|change| change.concerns(number)));
                }
            }
        }
        Ok(trail)
    }

    /// Keeps a sealed original, by its digest.
    ///
    /// # Errors
    /// The disk fails.
    pub fn keep_sealed(&mut self, exhibit: &Exhibit, sealed: &[u8]) -> Result<(), StoreError> {
        self.files.replace(&evidence_name(&exhibit.id)?, sealed)
    }

    /// The sealed original of an exhibit.
    ///
    /// # Errors
    /// It was not kept, is not there, or is not what was kept.
    pub fn sealed(&self, exhibit: &Exhibit) -> Result<Vec<u8>, StoreError> {
        if exhibit.sealed_to.is_none() {
            return Err(StoreError::NotKept);
        }
        let name = evidence_name(&exhibit.id)?;
        let bytes = self.files.read(&name)?.ok_or(StoreError::Gone { name: name.clone() })?;
        if blake3::hash(&bytes).to_hex().as_str() != exhibit.id {
            return Err(StoreError::Damaged { name, line: 0 });
        }
        Ok(bytes)
    }

    /// Writes that somebody did something that has to be known for ever. What this returned for survives a crash.
    ///
    /// # Errors
    /// The disk fails; nothing may follow from the act then.
    pub fn note_act(&mut self, at: i64, act: Act) -> Result<(), StoreError> {
        if self.is_broken {
            return Err(StoreError::Broken);
        }
        if let Err(error) = self.audit.append(self.files.as_mut(), at, act) {
            self.is_broken = true;
            return Err(error);
        }
        // The journal remembers how long the audit log is: whoever cuts its end off is found out.
        let entry = Entry::Audited { count: self.audit.count(), head: self.audit.head().to_owned() };
        self.write(at, entry).map(|_| ())
    }

    /// The audit log, oldest first.
    pub fn audit(&self) -> &[AuditEntry] {
        self.audit.entries()
    }

    /// Reads everything again and checks every checksum: how many records of how many journals, and entries of the audit log.
    ///
    /// # Errors
    /// What is damaged or missing first.
    pub fn verify(&self) -> Result<Verified, StoreError> {
        let mut verified = Verified::default();
        let mut head = String::new();
        let mut state = State::default();
        for number in 1..=self.journal.number() {
            let loaded = journal::load(self.files.as_ref(), number, &head)?;
            // The last journal is made with its first record.
            head = loaded.head;
            for record in &loaded.records {
                state.apply(record, number)?;
                verified.records += 1;
            }
            verified.journals += 1;
        }
        if state.incidents != self.state.incidents {
            return Err(StoreError::Unfit("the journals make other incidents than there are".to_owned()));
        }
        let audit = Audit::read_only(self.files.as_ref())?;
        audit.holds(&self.state.anchor)?;
        verified.audited = audit.count();
        for exhibit in self.state.exhibits().filter(|exhibit| exhibit.sealed_to.is_some()) {
            self.sealed(exhibit)?;
            verified.evidence += 1;
        }
        Ok(verified)
    }
}

/// What was found whole.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Verified {
    /// Journals that were read.
    pub journals: u64,
    /// Records in them.
    pub records: u64,
    /// Entries of the audit log.
    pub audited: u64,
    /// Sealed originals.
    pub evidence: u64,
}

/// The file of a sealed original. An id is a digest and nothing else.
fn evidence_name(id: &str) -> Result<String, StoreError> {
    let is_digest = id.len() == 64 && id.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    if is_digest {
        Ok(format!("evidence/{id}.sealed"))
    } else {
        Err(StoreError::Gone { name: id.to_owned() })
    }
}

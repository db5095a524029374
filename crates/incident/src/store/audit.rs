//! The audit log: who opened which evidence, and why.
//!
//! It is a chain of its own, beside the journals, which remember how long it is. *Invariant (tamper-evident):* an entry that
//! is changed, dropped or moved breaks the chain, and a chain whose end was cut off is shorter than the journals say.

use serde::{Deserialize, Serialize};

use super::{Files, StoreError, chain};

/// The file.
const NAME: &str = "audit.jsonl";

/// An entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Its number, from 1.
    pub number: u64,
    /// When, in ticks.
    pub at: i64,
    /// What was done.
    #[serde(flatten)]
    pub act: Act,
}

/// Something that has to be known for ever.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "act", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Act {
    /// Somebody was given a sealed original, to open it.
    Revealed {
        /// Who.
        by: String,
        /// Why.
        reason: String,
        /// The incident's number.
        incident: u32,
        /// The id of the evidence: the digest of what is sealed.
        evidence: String,
        /// The commitment to the original.
        commitment: String,
        /// The key that it is sealed to.
        key: String,
    },
    /// Evidence is sealed to another key from now on, or to none.
    KeyChanged {
        /// The id of the key.
        key: Option<String>,
    },
}

/// The log, read.
#[derive(Debug, Default)]
pub struct Audit {
    entries: Vec<Entry>,
    heads: Vec<String>,
}

impl Audit {
    /// Reads the log, which goes on from where the journals remember it; a last entry that is not whole is cut off, since
    /// nothing followed from it.
    pub(super) fn read(
        files: &mut dyn Files,
        anchor: &(u64, String),
        told: &mut Vec<String>,
    ) -> Result<Audit, StoreError> {
        let (audit, torn) = Audit::load(files)?;
        // Before anything is cut off: what does not fit is looked at by people, as it is.
        audit.holds(anchor)?;
        if let Some(whole) = torn {
            told.push(format!(
                "`{NAME}` ended in a line that is not whole; nothing followed from it, and it is cut off"
            ));
            files.cut(NAME, whole)?;
        }
        Ok(audit)
    }

    /// Reads the log and changes nothing.
    pub(super) fn read_only(files: &dyn Files) -> Result<Audit, StoreError> {
        Audit::load(files).map(|(audit, _)| audit)
    }

    fn load(files: &dyn Files) -> Result<(Audit, Option<u64>), StoreError> {
        let bytes = files.read(NAME)?.unwrap_or_default();
        let damaged = |line| StoreError::Damaged { name: NAME.to_owned(), line };
        let lines = chain::read(&bytes, "").map_err(damaged)?;
        let mut audit = Audit::default();
        for text in &lines.texts {
            let at = audit.entries.len() + 1;
            let entry: Entry = serde_json::from_str(text).map_err(|_| damaged(at))?;
            if usize::try_from(entry.number) != Ok(at) {
                return Err(damaged(at));
            }
            audit.heads.push(chain::checksum(audit.head(), text));
            audit.entries.push(entry);
        }
        let whole = u64::try_from(lines.whole).unwrap_or(u64::MAX);
        Ok((audit, lines.is_torn.then_some(whole)))
    }

    /// Adds an entry, durably.
    pub(super) fn append(&mut self, files: &mut dyn Files, at: i64, act: Act) -> Result<(), StoreError> {
        let entry = Entry { number: self.count().saturating_add(1), at, act };
        let text = serde_json::to_string(&entry).map_err(|error| StoreError::Unfit(error.to_string()))?;
        let (line, head) = chain::line(self.head(), &text);
        files.append(NAME, line.as_bytes())?;
        self.heads.push(head);
        self.entries.push(entry);
        Ok(())
    }

    /// Whether the log goes on from where the journals remember it.
    pub(super) fn holds(&self, anchor: &(u64, String)) -> Result<(), StoreError> {
        let (count, head) = anchor;
        let at = usize::try_from(*count).unwrap_or(usize::MAX);
        let found = if at == 0 { Some("") } else { self.heads.get(at - 1).map(String::as_str) };
        if found == Some(head.as_str()) {
            return Ok(());
        }
        Err(StoreError::AuditCut { wanted: *count, head: head.clone() })
    }

    /// How many entries there are.
    pub fn count(&self) -> u64 {
        u64::try_from(self.entries.len()).unwrap_or(u64::MAX)
    }

    /// The checksum of the last entry.
    pub fn head(&self) -> &str {
        self.heads.last().map_or("", String::as_str)
    }

    /// The entries, oldest first.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }
}

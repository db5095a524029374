//! What can go wrong with the files.

use std::io;

/// Incidents cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The disk does not do what it should.
    #[error("{what} `{name}` failed: {source}; what was acknowledged before stays")]
    Disk {
        /// What was tried.
        what: &'static str,
        /// With which file.
        name: String,
        /// What the system says.
        source: io::Error,
    },
    /// Somebody else writes.
    #[error(
        "`{0}` is in use by another process; if that is `castellan up`, ask it: --url http://127.0.0.1:8700"
    )]
    Locked(String),
    /// A file is not what was written.
    #[error("line {line} of `{name}` is not what was written; restore the file from a backup")]
    Damaged {
        /// The file.
        name: String,
        /// The line, from 1; 0 for the file as a whole.
        line: usize,
    },
    /// The audit log is shorter than it was, or another.
    #[error(
        "the audit log is not the one that was written: it should have {wanted} entries that end in {head}; restore `audit.jsonl` from a backup"
    )]
    AuditCut {
        /// How many entries it had.
        wanted: u64,
        /// The digest of the last of them.
        head: String,
    },
    /// A file is not there.
    #[error("`{name}` is not there; restore it from a backup")]
    Gone {
        /// The file.
        name: String,
    },
    /// The original was not kept.
    #[error("the original was not kept, since no key was configured then (`--evidence-key`)")]
    NotKept,
    /// A record does not fit to what there is.
    #[error("a record does not fit to what there is: {0}")]
    Unfit(String),
    /// A record is too large.
    #[error("a record of {size} bytes is larger than {most}; raise fewer alerts at once")]
    TooLarge {
        /// Its bytes.
        size: usize,
        /// The most bytes.
        most: usize,
    },
    /// A write failed before.
    #[error(
        "an earlier write failed and nobody knows what the disk holds; start again to go on from what was acknowledged"
    )]
    Broken,
}

impl StoreError {
    /// Whether a file is not what was written: nothing that trying again would mend.
    pub fn is_damage(&self) -> bool {
        matches!(
            self,
            StoreError::Damaged { .. }
                | StoreError::AuditCut { .. }
                | StoreError::Gone { .. }
                | StoreError::Unfit(_)
        )
    }

    /// What goes into [`StoreError::Disk`].
    pub(super) fn disk(what: &'static str, name: &str) -> impl FnOnce(io::Error) -> StoreError {
        let name = name.to_owned();
        move |source| StoreError::Disk { what, name, source }
    }
}

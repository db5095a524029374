//! The journal of a run: what happened, durable before anything follows from it.
//!
//! A line is a record in JSON with a checksum before it, which covers the checksum of the line before: a chain, so that
//! no line can be changed, dropped or moved without being seen. A last line that is not whole is what a crash leaves
//! behind; it was never acted on and is cut off. A line within that does not fit is damage, and the run is not resumed.

use std::io;

use castellan_base::Ticks;

use super::event::{Event, Record};

/// The longest journal that is read, in bytes.
pub(super) const LONGEST: u64 = 256 << 20;
/// From here on only what ends and undoes the run is written, in bytes; what that needs still fits below [`LONGEST`].
const FULL: u64 = 192 << 20;
/// The longest line, in bytes.
const LONGEST_LINE: usize = 32 << 20;
/// Digits of a checksum.
const DIGITS: usize = 32;

/// A journal cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// The disk does not do what it should.
    #[error(
        "{what} `{path}` failed: {source}; what was written before stays valid, and the run can be resumed"
    )]
    Storage {
        /// What was tried.
        what: &'static str,
        /// With which file.
        path: String,
        /// What the system says.
        source: io::Error,
    },
    /// Somebody else works on the run.
    #[error("the run `{0}` is being worked on; try again when that is over")]
    Busy(String),
    /// There is no such run.
    #[error("there is no run `{0}`; list the runs to see their ids")]
    Unknown(String),
    /// A run with this id exists.
    #[error("there is a run `{0}` already")]
    Exists(String),
    /// A line was changed.
    #[error(
        "line {line} of the journal of `{run}` is not what was written; the run is not resumed, restore the file from a backup"
    )]
    Damaged {
        /// The run.
        run: String,
        /// The line, from 1.
        line: usize,
    },
    /// A write failed before; nobody knows what the file holds.
    #[error("an earlier write to the journal failed; resume the run to go on from what was written")]
    Broken,
    /// The record is too large.
    #[error("a step gives more than {LONGEST_LINE} bytes; give it smaller outputs")]
    TooLarge,
    /// The journal is full.
    #[error("the journal of the run is full; the run goes no further, it can be cancelled and undone")]
    Full,
}

/// Where lines go.
pub trait Storage: Send {
    /// Adds bytes. What this returned for survives a crash and a loss of power.
    fn append(&mut self, bytes: &[u8]) -> io::Result<()>;
}

/// A journal that can be written to.
pub struct Journal {
    storage: Box<dyn Storage>,
    head: String,
    next: u64,
    /// Bytes that were written.
    written: u64,
    is_broken: bool,
}

impl std::fmt::Debug for Journal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Journal").field("head", &self.head).field("next", &self.next).finish_non_exhaustive()
    }
}

/// What a journal's bytes hold.
#[derive(Debug)]
pub struct Loaded {
    /// The records.
    pub records: Vec<Record>,
    /// How many bytes they take. Anything behind is a torn line.
    pub whole: usize,
    head: String,
}

impl Journal {
    /// A journal that goes on after what was loaded.
    pub fn resume(storage: Box<dyn Storage>, loaded: &Loaded) -> Journal {
        let next = u64::try_from(loaded.records.len()).unwrap_or(u64::MAX);
        let written = u64::try_from(loaded.whole).unwrap_or(u64::MAX);
        Journal { storage, head: loaded.head.clone(), next, written, is_broken: false }
    }

    /// A journal without lines.
    pub fn fresh(storage: Box<dyn Storage>) -> Journal {
        Journal { storage, head: String::new(), next: 0, written: 0, is_broken: false }
    }

    /// The checksum of the last line: names everything that happened until now.
    pub fn head(&self) -> &str {
        &self.head
    }

    /// Writes an event, durably.
    ///
    /// Errors: when storage fails. From then on nothing more is written, since nobody knows what the file holds.
    pub fn append(&mut self, at: Ticks, event: Event) -> Result<Record, JournalError> {
        if self.is_broken {
            return Err(JournalError::Broken);
        }
        let record = Record { sequence: self.next, at, event };
        let text = serde_json::to_string(&record).map_err(|error| JournalError::Storage {
            what: "writing a record of",
            path: "the journal".to_owned(),
            source: io::Error::other(error),
        })?;
        if text.len() > LONGEST_LINE {
            return Err(JournalError::TooLarge);
        }
        let sum = checksum(&self.head, &text);
        let line = format!("{sum} {text}\n");
        let written = self.written.saturating_add(u64::try_from(line.len()).unwrap_or(u64::MAX));
        let most = if ends_or_undoes(&record.event) { LONGEST } else { FULL };
        if written > most {
            return Err(JournalError::Full);
        }
        if let Err(source) = self.storage.append(line.as_bytes()) {
            self.is_broken = true;
            return Err(JournalError::Storage { what: "writing to", path: "the journal".to_owned(), source });
        }
        (self.head, self.written) = (sum, written);
        self.next += 1;
        Ok(record)
    }
}

/// True for what a run needs to come to an end and to be undone.
fn ends_or_undoes(event: &Event) -> bool {
    matches!(
        event,
        Event::CancelAsked { .. }
            | Event::Closed { .. }
            | Event::UndoAsked { .. }
            | Event::UndoStarted { .. }
            | Event::UndoEnded { .. }
            | Event::UndoClosed
    )
}

fn checksum(head: &str, text: &str) -> String {
    let mut hasher = blake3::Hasher::new();
    hasher.update(head.as_bytes()).update(b" ").update(text.as_bytes());
    hasher.finalize().to_hex().as_str().get(..DIGITS).unwrap_or_default().to_owned()
}

/// Reads the lines of a journal.
///
/// Errors: [`JournalError::Damaged`] for a line within that does not fit. A last line that does not is torn and left out.
pub fn load(run: &str, bytes: &[u8]) -> Result<Loaded, JournalError> {
    let mut loaded = Loaded { records: Vec::new(), whole: 0, head: String::new() };
    let mut rest = bytes;
    while !rest.is_empty() {
        let end = rest.iter().position(|byte| *byte == b'\n');
        let (line, after) = match end {
            Some(end) => (rest.get(..end).unwrap_or_default(), rest.get(end + 1..).unwrap_or_default()),
            None => (rest, [].as_slice()),
        };
        let read = end.and_then(|_| parse(&loaded, line));
        let Some((sum, record)) = read else {
            if after.is_empty() {
                return Ok(loaded);
            }
            return Err(JournalError::Damaged { run: run.to_owned(), line: loaded.records.len() + 1 });
        };
        loaded.head = sum;
        loaded.records.push(record);
        loaded.whole += line.len() + 1;
        rest = after;
    }
    Ok(loaded)
}

fn parse(loaded: &Loaded, line: &[u8]) -> Option<(String, Record)> {
    let line = std::str::from_utf8(line).ok()?;
    let (sum, text) = line.split_once(' ')?;
    (checksum(&loaded.head, text) == sum).then_some(())?;
    let record: Record = serde_json::from_str(text).ok()?;
    (usize::try_from(record.sequence).ok()? == loaded.records.len()).then_some((sum.to_owned(), record))
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::super::folder::Folder;
    use super::*;

    type Outcome = Result<(), Box<dyn std::error::Error>>;

    fn event(number: usize) -> Event {
        Event::UndoStarted { path: format!("/{number}") }
    }

    fn three_lines() -> Result<(tempfile::TempDir, Folder, PathBuf), Box<dyn std::error::Error>> {
        let temporary = tempfile::tempdir()?;
        let folder = Folder::new(temporary.path().join("runs"));
        let mut journal = folder.create("r1")?;
        for number in 0..3 {
            journal.append(Ticks::MIN, event(number))?;
        }
        let path = temporary.path().join("runs/r1.journal");
        Ok((temporary, folder, path))
    }

    #[test]
    #[expect(clippy::disallowed_methods, reason = "the file is damaged on purpose")]
    fn a_torn_line_is_cut_off_wherever_it_is_torn() -> Outcome {
        let (_temporary, folder, path) = three_lines()?;
        let bytes = std::fs::read(&path)?;
        let two =
            load("r1", &bytes)?.whole - bytes.split(|byte| *byte == b'\n').nth(2).map_or(0, <[u8]>::len) - 1;
        for length in two..bytes.len() {
            std::fs::write(&path, &bytes[..length])?;
            let (mut journal, loaded) = folder.open("r1")?;
            assert_eq!((loaded.records.len(), loaded.whole), (2, two), "{length}");
            journal.append(Ticks::MIN, event(9))?;
            drop(journal);
            assert_eq!(folder.read("r1")?.last().map(|record| record.event.clone()), Some(event(9)));
        }
        Ok(())
    }

    #[test]
    #[expect(clippy::disallowed_methods, reason = "the file is damaged on purpose")]
    fn a_changed_line_is_damage() -> Outcome {
        let (_temporary, folder, path) = three_lines()?;
        let bytes = std::fs::read(&path)?;
        for at in [0, 40, 60] {
            let mut changed = bytes.clone();
            changed[at] ^= 1;
            std::fs::write(&path, &changed)?;
            assert!(matches!(folder.open("r1"), Err(JournalError::Damaged { line: 1, .. })), "{at}");
        }
        let dropped: Vec<&[u8]> = bytes.split_inclusive(|byte| *byte == b'\n').skip(1).collect();
        std::fs::write(&path, dropped.concat())?;
        assert!(matches!(folder.read("r1"), Err(JournalError::Damaged { .. })));
        Ok(())
    }

    #[test]
    fn one_at_a_time_and_names_stay_in_the_folder() -> Outcome {
        let temporary = tempfile::tempdir()?;
        let folder = Folder::new(temporary.path());
        let journal = folder.create("r1")?;
        assert!(matches!(folder.open("r1"), Err(JournalError::Busy(_))));
        assert!(matches!(folder.create("r1"), Err(JournalError::Exists(_))));
        drop(journal);
        assert!(folder.open("r1").is_ok());
        assert!(matches!(folder.read("../r1"), Err(JournalError::Unknown(_))));
        assert_eq!(folder.runs()?, ["r1"]);
        Ok(())
    }

    #[test]
    fn a_failed_write_is_the_last() -> Outcome {
        struct Failing;
        impl Storage for Failing {
            fn append(&mut self, _: &[u8]) -> io::Result<()> {
                Err(io::Error::other("full"))
            }
        }
        let mut journal = Journal::fresh(Box::new(Failing));
        assert!(matches!(journal.append(Ticks::MIN, event(0)), Err(JournalError::Storage { .. })));
        assert!(matches!(journal.append(Ticks::MIN, event(0)), Err(JournalError::Broken)));
        Ok(())
    }

    /// What reading would refuse is not written; ending and undoing a run still fits.
    #[test]
    fn a_full_journal_takes_only_what_ends_the_run() -> Outcome {
        struct Taking;
        impl Storage for Taking {
            fn append(&mut self, _: &[u8]) -> io::Result<()> {
                Ok(())
            }
        }
        let full = |whole: u64| -> Result<Journal, std::num::TryFromIntError> {
            let loaded = Loaded { records: Vec::new(), whole: usize::try_from(whole)?, head: String::new() };
            Ok(Journal::resume(Box::new(Taking), &loaded))
        };
        let choice = || Event::Chosen { path: "/a".to_owned(), choice: true.into() };
        assert!(full(FULL - 1000)?.append(Ticks::MIN, choice()).is_ok());
        assert!(matches!(full(FULL)?.append(Ticks::MIN, choice()), Err(JournalError::Full)));
        assert!(full(FULL)?.append(Ticks::MIN, event(0)).is_ok());
        assert!(matches!(full(LONGEST)?.append(Ticks::MIN, event(0)), Err(JournalError::Full)));
        Ok(())
    }
}

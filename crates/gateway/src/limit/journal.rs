//! Counters on disk.
//!
//! A counter is written *ahead*: its record says a little more than is used, and is written before that much may be used.
//! So the file is touched once for every hundredth of a limit and not once for every request, and what is read back after a
//! crash is never less than what was used. It is more by at most that hundredth and by what was reserved.
//!
//! The file is a list of records of 48 bytes, of which the latest of a key counts: key (16), span of the window (8), its
//! number (8), use (8), all little-endian, and the first 8 bytes of the BLAKE3 hash of these. A record that does not fit
//! its hash is passed over. When most records are old, the file is written anew beside itself and put in its place.
//!
//! Records outlive the process once they are written, and the machine once the system has put them on disk, which
//! [`Journal::flush`] waits for.

use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use super::window::Window;

/// Bytes of a record.
const RECORD: usize = 48;
/// Largest file that is read, in bytes.
const LARGEST: u64 = 256 << 20;
/// Records beside twice those that are needed before the file is written anew.
const SLACK: usize = 4_096;

/// The hash of a rule's name and the values of its dimensions.
pub(super) type Key = [u8; 16];

/// A counter as it stands in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub key: Key,
    pub span: Window,
    pub window: i64,
    pub used: u64,
}

/// The file of counters cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("the counters in `{path}` cannot be used: {reason}")]
pub struct JournalError {
    /// The file.
    pub path: String,
    /// Why.
    pub reason: String,
}

/// An open file of counters, which no other process can open.
#[derive(Debug)]
pub(super) struct Journal {
    path: PathBuf,
    file: File,
    length: u64,
    records: usize,
    is_torn: bool,
}

impl Journal {
    /// Opens the file, or makes it, and reads what it says.
    pub(super) fn open(path: &Path) -> Result<(Journal, Vec<Entry>), JournalError> {
        let fail = |reason: String| JournalError { path: path.display().to_string(), reason };
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(|error| fail(error.to_string()))?;
        }
        let mut file = open(path).map_err(|error| fail(error.to_string()))?;
        file.try_lock().map_err(|_| fail("another process has it open".to_owned()))?;
        let size = file.metadata().map_err(|error| fail(error.to_string()))?.len();
        if size > LARGEST {
            return Err(fail(format!("it has {size} bytes; at most {LARGEST} are read")));
        }
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(|error| fail(error.to_string()))?;
        let mut latest: HashMap<Key, Entry> = HashMap::new();
        for entry in bytes.chunks_exact(RECORD).filter_map(decode) {
            latest.insert(entry.key, entry);
        }
        let records = bytes.len() / RECORD;
        let length = u64::try_from(records * RECORD).unwrap_or(0);
        // What a crash left half-written.
        file.set_len(length).map_err(|error| fail(error.to_string()))?;
        let journal = Journal { path: path.to_owned(), file, length, records, is_torn: false };
        Ok((journal, latest.into_values().collect()))
    }

    /// Writes entries; all of them, or none.
    pub(super) fn append(&mut self, entries: &[Entry]) -> io::Result<()> {
        if self.is_torn {
            self.file.set_len(self.length)?;
            self.is_torn = false;
        }
        let bytes: Vec<u8> = entries.iter().flat_map(encode).collect();
        if let Err(error) = self.file.write_all(&bytes) {
            self.is_torn = self.file.set_len(self.length).is_err();
            return Err(error);
        }
        self.length += u64::try_from(bytes.len()).unwrap_or(0);
        self.records += entries.len();
        Ok(())
    }

    /// True when most of the file is old.
    pub(super) fn is_long(&self, needed: usize) -> bool {
        self.records > 2 * needed + SLACK
    }

    /// Writes the file anew with these entries alone.
    pub(super) fn rewrite(&mut self, entries: &[Entry]) -> io::Result<()> {
        let beside = self.path.with_extension("new");
        let mut file = open(&beside)?;
        file.set_len(0)?;
        if file.try_lock().is_err() {
            return Err(io::Error::new(io::ErrorKind::WouldBlock, "another process writes it"));
        }
        let bytes: Vec<u8> = entries.iter().flat_map(encode).collect();
        file.write_all(&bytes)?;
        file.sync_data()?;
        std::fs::rename(&beside, &self.path)?;
        self.length = u64::try_from(bytes.len()).unwrap_or(0);
        (self.file, self.records, self.is_torn) = (file, entries.len(), false);
        Ok(())
    }

    /// A handle with which the system can be asked to put everything on disk, without holding anybody up.
    pub(super) fn handle(&self) -> io::Result<File> {
        self.file.try_clone()
    }
}

fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).append(true).create(true).open(path)
}

fn encode(entry: &Entry) -> [u8; RECORD] {
    let mut record = [0; RECORD];
    let span: u64 = match entry.span {
        Window::Minute => 1,
        Window::Hour => 2,
        Window::Day => 3,
        Window::Month => 4,
    };
    let fields = [span.to_le_bytes(), entry.window.to_le_bytes(), entry.used.to_le_bytes()];
    let body = entry.key.into_iter().chain(fields.into_iter().flatten());
    for (place, byte) in record.iter_mut().zip(body) {
        *place = byte;
    }
    let hash = blake3::hash(record.get(..RECORD - 8).unwrap_or_default());
    for (place, byte) in record.iter_mut().skip(RECORD - 8).zip(hash.as_bytes()) {
        *place = *byte;
    }
    record
}

fn decode(record: &[u8]) -> Option<Entry> {
    let (body, check) = record.split_at_checked(RECORD - 8)?;
    if blake3::hash(body).as_bytes().get(..8) != Some(check) {
        return None;
    }
    let number = |at: usize| Some(u64::from_le_bytes(body.get(at..at + 8)?.try_into().ok()?));
    let span = match number(16)? {
        1 => Window::Minute,
        2 => Window::Hour,
        3 => Window::Day,
        4 => Window::Month,
        _ => return None,
    };
    let key = body.get(..16)?.try_into().ok()?;
    Some(Entry { key, span, window: number(24)?.cast_signed(), used: number(32)? })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(key: u8, used: u64) -> Entry {
        Entry { key: [key; 16], span: Window::Day, window: -3, used }
    }

    fn read(path: &Path) -> Vec<Entry> {
        let mut entries = Journal::open(path).unwrap().1;
        entries.sort_by_key(|entry| entry.key);
        entries
    }

    #[test]
    fn the_latest_is_read_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep/counters");
        let (mut journal, _) = Journal::open(&path).unwrap();
        journal.append(&[entry(1, 5), entry(2, 6)]).unwrap();
        journal.append(&[entry(1, 7)]).unwrap();
        assert!(Journal::open(&path).is_err(), "two processes must not count in one file");
        drop(journal);
        assert_eq!(read(&path), [entry(1, 7), entry(2, 6)]);
        let (mut journal, _) = Journal::open(&path).unwrap();
        journal.rewrite(&[entry(3, 1)]).unwrap();
        journal.append(&[entry(4, 1)]).unwrap();
        drop(journal);
        assert_eq!(read(&path), [entry(3, 1), entry(4, 1)]);
    }

    #[test]
    fn torn_and_damaged_records_are_passed_over() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("counters");
        let (mut journal, _) = Journal::open(&path).unwrap();
        journal.append(&[entry(1, 5), entry(2, 6), entry(3, 7)]).unwrap();
        drop(journal);
        let mut file = File::options().read(true).write(true).open(&path).unwrap();
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).unwrap();
        bytes[60] ^= 1;
        bytes.truncate(RECORD * 2 + 20);
        drop(file);
        std::fs::write(&path, &bytes).unwrap();
        let (mut journal, entries) = Journal::open(&path).unwrap();
        assert_eq!(entries, [entry(1, 5)]);
        journal.append(&[entry(4, 8)]).unwrap();
        drop(journal);
        assert_eq!(read(&path), [entry(1, 5), entry(4, 8)]);
    }
}

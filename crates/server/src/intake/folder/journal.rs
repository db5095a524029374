//! How far files were taken in, so that it is known after a restart.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use castellan_base::{OsSystem, System as _};
use serde::{Deserialize, Serialize};

/// The name of the journal in its folder.
const NAME: &str = ".castellan-journal.json";
/// Largest journal, in bytes.
const LARGEST: u64 = 16 << 20;

/// What tells a version of a file from the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Stamp {
    pub(super) size: u64,
    /// Nanoseconds since 1970.
    pub(super) modified: i64,
}

impl Stamp {
    pub(super) fn of(about: &fs::Metadata) -> Stamp {
        let modified = about.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
        let modified = modified.map_or(0, |since| i64::try_from(since.as_nanos()).unwrap_or(i64::MAX));
        Stamp { size: about.len(), modified }
    }
}

/// How far a file was taken in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Entry {
    pub(super) stamp: Stamp,
    /// Parts that are kept for certain.
    pub(super) parts: u64,
    /// When the next part was to be received, in microseconds since 1970; 0 where it was not begun.
    pub(super) received: i64,
}

/// The files that were begun and are not moved away.
#[derive(Debug)]
pub(super) struct Journal {
    path: PathBuf,
    entries: BTreeMap<String, Entry>,
}

impl Journal {
    pub(super) fn open(folder: &Path) -> io::Result<Journal> {
        let path = folder.join(NAME);
        let entries = match OsSystem.read(&path, LARGEST) {
            Ok(bytes) => serde_json::from_slice(&bytes).map_err(|error| {
                let message = format!("{}: {error}; remove it once its files are settled", path.display());
                io::Error::new(io::ErrorKind::InvalidData, message)
            })?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => BTreeMap::new(),
            Err(error) => return Err(error),
        };
        Ok(Journal { path, entries })
    }

    /// What is known of a file; nothing where it is another one under the same name.
    pub(super) fn entry(&self, name: &str, stamp: Stamp) -> Entry {
        let known = self.entries.get(name).filter(|entry| entry.stamp == stamp);
        known.copied().unwrap_or(Entry { stamp, parts: 0, received: 0 })
    }

    pub(super) fn write(&mut self, name: &str, entry: Entry) -> io::Result<()> {
        self.entries.insert(name.to_owned(), entry);
        self.save()
    }

    pub(super) fn forget(&mut self, name: &str) -> io::Result<()> {
        if self.entries.remove(name).is_some() { self.save() } else { Ok(()) }
    }

    /// Forgets files that are gone; the next change writes so.
    pub(super) fn retain(&mut self, is_there: impl Fn(&str) -> bool) {
        self.entries.retain(|name, _| is_there(name));
    }

    /// In the place of the file before, so that it is never half there.
    fn save(&self) -> io::Result<()> {
        let next = self.path.with_extension("next");
        let mut file = fs::File::create(&next)?;
        file.write_all(&serde_json::to_vec(&self.entries).map_err(io::Error::from)?)?;
        file.sync_all()?;
        fs::rename(&next, &self.path)?;
        fs::File::open(self.path.parent().unwrap_or(Path::new(".")))?.sync_all()
    }
}

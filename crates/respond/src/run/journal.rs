//! The journal of a run: what happened, durable before anything follows from it.
//!
//! A line is a record in JSON with a checksum before it, which covers the checksum of the line before: a chain, so that
//! no line can be changed, dropped or moved without being seen. A last line that is not whole is what a crash leaves
//! behind; it was never acted on and is cut off. A line within that does not fit is damage, and the run is not resumed.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use castellan_base::Ticks;

use super::event::{Event, Record};

/// The longest journal that is read, in bytes.
const LONGEST: u64 = 256 << 20;
/// The longest line, in bytes.
const LONGEST_LINE: usize = 32 << 20;
/// How often a lock is tried for, and the pause in between.
const LOCK_TRIES: u32 = 25;
const LOCK_PAUSE: std::time::Duration = std::time::Duration::from_millis(10);
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
        Journal { storage, head: loaded.head.clone(), next, is_broken: false }
    }

    /// A journal without lines.
    pub fn fresh(storage: Box<dyn Storage>) -> Journal {
        Journal { storage, head: String::new(), next: 0, is_broken: false }
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
        if let Err(source) = self.storage.append(format!("{sum} {text}\n").as_bytes()) {
            self.is_broken = true;
            return Err(JournalError::Storage { what: "writing to", path: "the journal".to_owned(), source });
        }
        self.head = sum;
        self.next += 1;
        Ok(record)
    }
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

/// A folder of journals, one file a run.
#[derive(Clone, Debug)]
pub struct Folder {
    path: PathBuf,
}

/// A file of a folder, locked as long as this lives.
struct Locked {
    file: File,
}

impl Storage for Locked {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)?;
        self.file.sync_data()
    }
}

impl Folder {
    /// A folder, which is made when the first run is.
    pub fn new(path: impl Into<PathBuf>) -> Folder {
        Folder { path: path.into() }
    }

    fn file(&self, run: &str) -> Result<PathBuf, JournalError> {
        let is_name = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        if run.is_empty() || run.len() > 128 || !run.bytes().all(is_name) {
            return Err(JournalError::Unknown(run.to_owned()));
        }
        Ok(self.path.join(format!("{run}.journal")))
    }

    /// The ids of all runs, sorted.
    pub fn runs(&self) -> Result<Vec<String>, JournalError> {
        let entries = match std::fs::read_dir(&self.path) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(storage("listing", &self.path)(error)),
        };
        let mut runs = Vec::new();
        for entry in entries {
            let name = entry.map_err(storage("listing", &self.path))?.file_name();
            runs.extend(name.to_str().and_then(|name| name.strip_suffix(".journal")).map(str::to_owned));
        }
        runs.sort();
        Ok(runs)
    }

    /// Makes the journal of a run and locks it.
    pub fn create(&self, run: &str) -> Result<Journal, JournalError> {
        let path = self.file(run)?;
        std::fs::create_dir_all(&self.path).map_err(storage("making", &self.path))?;
        let made = OpenOptions::new().create_new(true).append(true).open(&path);
        let file = match made {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                return Err(JournalError::Exists(run.to_owned()));
            }
            made => made.map_err(storage("making", &path))?,
        };
        lock(&file, run, &path)?;
        // The name is durable once its folder is.
        let folder = File::open(&self.path).map_err(storage("opening", &self.path))?;
        folder.sync_all().map_err(storage("syncing", &self.path))?;
        Ok(Journal::fresh(Box::new(Locked { file })))
    }

    /// Opens the journal of a run to go on with it, and locks it. A torn line is cut off.
    pub fn open(&self, run: &str) -> Result<(Journal, Loaded), JournalError> {
        let path = self.file(run)?;
        let mut file = match OpenOptions::new().read(true).append(true).open(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(JournalError::Unknown(run.to_owned()));
            }
            opened => opened.map_err(storage("opening", &path))?,
        };
        lock(&file, run, &path)?;
        let bytes = read_all(&mut file, &path)?;
        let loaded = load(run, &bytes)?;
        if loaded.whole < bytes.len() {
            let whole = u64::try_from(loaded.whole).unwrap_or(u64::MAX);
            file.set_len(whole).map_err(storage("cutting a torn line off", &path))?;
            file.sync_all().map_err(storage("syncing", &path))?;
        }
        Ok((Journal::resume(Box::new(Locked { file }), &loaded), loaded))
    }

    /// Reads the journal of a run, also while somebody works on it.
    pub fn read(&self, run: &str) -> Result<Vec<Record>, JournalError> {
        let path = self.file(run)?;
        let mut file = match File::open(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(JournalError::Unknown(run.to_owned()));
            }
            opened => opened.map_err(storage("opening", &path))?,
        };
        let bytes = read_all(&mut file, &path)?;
        Ok(load(run, &bytes)?.records)
    }
}

/// Locks a file. Whoever has it may be about to let go - a process that was just started holds copies of all locks of its
/// parent for a moment - so it is tried for a little while.
fn lock(file: &File, run: &str, path: &Path) -> Result<(), JournalError> {
    for _ in 0..LOCK_TRIES {
        match file.try_lock() {
            Ok(()) => return Ok(()),
            Err(std::fs::TryLockError::WouldBlock) => std::thread::sleep(LOCK_PAUSE),
            Err(std::fs::TryLockError::Error(error)) => return Err(storage("locking", path)(error)),
        }
    }
    Err(JournalError::Busy(run.to_owned()))
}

fn read_all(file: &mut File, path: &Path) -> Result<Vec<u8>, JournalError> {
    let mut bytes = Vec::new();
    file.seek(SeekFrom::Start(0)).map_err(storage("reading", path))?;
    file.take(LONGEST + 1).read_to_end(&mut bytes).map_err(storage("reading", path))?;
    if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > LONGEST {
        let error = io::Error::new(io::ErrorKind::FileTooLarge, format!("longer than {LONGEST} bytes"));
        return Err(storage("reading", path)(error));
    }
    Ok(bytes)
}

fn storage(what: &'static str, path: &Path) -> impl Fn(io::Error) -> JournalError {
    let path = path.display().to_string();
    move |source| JournalError::Storage { what, path: path.clone(), source }
}

#[cfg(test)]
mod tests {
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
}

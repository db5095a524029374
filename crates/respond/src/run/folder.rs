//! A folder of journals, one file a run, each locked as long as somebody works on it.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use super::event::Record;
use super::journal::{Journal, JournalError, LONGEST, Loaded, Storage, load};

/// How often a lock is tried for, and the pause in between.
const LOCK_TRIES: u32 = 25;
const LOCK_PAUSE: std::time::Duration = std::time::Duration::from_millis(10);

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

    /// Makes the folder, with its name durable in the folder around it.
    fn make(&self) -> Result<(), JournalError> {
        if self.path.is_dir() {
            return Ok(());
        }
        std::fs::create_dir_all(&self.path).map_err(storage("making", &self.path))?;
        let around = self.path.parent().filter(|around| !around.as_os_str().is_empty());
        let around = around.unwrap_or_else(|| Path::new("."));
        let folder = File::open(around).map_err(storage("opening", around))?;
        folder.sync_all().map_err(storage("syncing", around))
    }

    /// Makes the journal of a run and locks it.
    pub fn create(&self, run: &str) -> Result<Journal, JournalError> {
        let path = self.file(run)?;
        self.make()?;
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

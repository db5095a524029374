//! The files of a folder, by name. Tests put others in their place that fail and lose what was not synced.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::StoreError;

/// The largest file that is read, in bytes.
const LARGEST: u64 = 1 << 30;
/// How often a lock is tried for, and the pause in between: a process that has just ended may hold it for a moment.
const LOCK_TRIES: u32 = 25;
const LOCK_PAUSE: Duration = Duration::from_millis(20);

/// Files by name. What a call returned for survives a crash and a loss of power.
pub trait Files: Send {
    /// What a file holds; `None` where there is none.
    ///
    /// # Errors
    /// It cannot be read.
    fn read(&self, name: &str) -> Result<Option<Vec<u8>>, StoreError>;

    /// Names of files, sorted.
    ///
    /// # Errors
    /// The folder cannot be read.
    fn names(&self) -> Result<Vec<String>, StoreError>;

    /// Adds bytes to the end of a file, which is made where there is none.
    ///
    /// # Errors
    /// The disk fails; a part of the bytes may be there.
    fn append(&mut self, name: &str, bytes: &[u8]) -> Result<(), StoreError>;

    /// Makes a file hold these bytes and no others, or leaves it as it is.
    ///
    /// # Errors
    /// The disk fails.
    fn replace(&mut self, name: &str, bytes: &[u8]) -> Result<(), StoreError>;

    /// Cuts a file off behind so many bytes.
    ///
    /// # Errors
    /// The disk fails.
    fn cut(&mut self, name: &str, length: u64) -> Result<(), StoreError>;
}

/// A folder, locked as long as this lives.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    /// The file that is appended to, by its name: opened once.
    open: Option<(String, File)>,
    _lock: File,
}

impl Folder {
    /// Makes the folder where there is none, and locks it.
    ///
    /// # Errors
    /// Another process has it, or it cannot be made.
    pub fn open(path: &Path) -> Result<Folder, StoreError> {
        let shown = path.display().to_string();
        let evidence = path.join("evidence");
        std::fs::create_dir_all(&evidence).map_err(StoreError::disk("making", &shown))?;
        restrict(path).map_err(StoreError::disk("restricting", &shown))?;
        if let Some(around) = path.parent() {
            sync(around).map_err(StoreError::disk("syncing", &shown))?;
        }
        let lock = path.join("lock");
        let file = OpenOptions::new().create(true).truncate(false).write(true).open(&lock);
        let file = file.map_err(StoreError::disk("opening", "lock"))?;
        for _ in 0..LOCK_TRIES {
            match rustix::fs::flock(&file, rustix::fs::FlockOperation::NonBlockingLockExclusive) {
                Ok(()) => return Ok(Folder { path: path.to_owned(), open: None, _lock: file }),
                Err(rustix::io::Errno::WOULDBLOCK) => std::thread::sleep(LOCK_PAUSE),
                Err(error) => return Err(StoreError::disk("locking", &shown)(error.into())),
            }
        }
        Err(StoreError::Locked(shown))
    }
}

/// What people write about incidents is nobody else's business.
#[cfg(unix)]
fn restrict(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o700))
}

#[cfg(not(unix))]
fn restrict(_: &Path) -> io::Result<()> {
    Ok(())
}

fn sync(folder: &Path) -> io::Result<()> {
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    File::open(folder)?.sync_all()
}

impl Files for Folder {
    fn read(&self, name: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let file = match File::open(self.path.join(name)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            opened => opened.map_err(StoreError::disk("opening", name))?,
        };
        let mut bytes = Vec::new();
        file.take(LARGEST + 1).read_to_end(&mut bytes).map_err(StoreError::disk("reading", name))?;
        if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > LARGEST {
            return Err(StoreError::disk("reading", name)(io::ErrorKind::FileTooLarge.into()));
        }
        Ok(Some(bytes))
    }

    fn names(&self) -> Result<Vec<String>, StoreError> {
        let mut names = Vec::new();
        for entry in std::fs::read_dir(&self.path).map_err(StoreError::disk("listing", "incidents"))? {
            let name = entry.map_err(StoreError::disk("listing", "incidents"))?.file_name();
            names.extend(name.to_str().map(str::to_owned));
        }
        names.sort();
        Ok(names)
    }

    fn append(&mut self, name: &str, bytes: &[u8]) -> Result<(), StoreError> {
        let is_open = self.open.as_ref().is_some_and(|(known, _)| known == name);
        if !is_open {
            let file = OpenOptions::new().create(true).append(true).open(self.path.join(name));
            let file = file.map_err(StoreError::disk("opening", name))?;
            sync(&self.path).map_err(StoreError::disk("syncing the folder of", name))?;
            self.open = Some((name.to_owned(), file));
        }
        let Some((_, file)) = &mut self.open else { return Ok(()) };
        let written = file.write_all(bytes).and_then(|()| file.sync_data());
        written.map_err(StoreError::disk("writing", name))
    }

    fn replace(&mut self, name: &str, bytes: &[u8]) -> Result<(), StoreError> {
        let path = self.path.join(name);
        let beside = self.path.join(format!("{name}.new"));
        let written = File::create(&beside).and_then(|mut file| {
            file.write_all(bytes)?;
            file.sync_all()?;
            std::fs::rename(&beside, &path)?;
            path.parent().map_or(Ok(()), sync)
        });
        written.map_err(StoreError::disk("writing", name))
    }

    fn cut(&mut self, name: &str, length: u64) -> Result<(), StoreError> {
        self.open = None;
        let file = OpenOptions::new().write(true).open(self.path.join(name));
        let cut = file.and_then(|file| {
            file.set_len(length)?;
            file.sync_all()
        });
        cut.map_err(StoreError::disk("cutting", name))
    }
}

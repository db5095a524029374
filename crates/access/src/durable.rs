//! One file of JSON that is replaced whole, so that whoever reads it sees all of a change or nothing of it.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::SystemTime;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// The largest file, in bytes.
const LONGEST: u64 = 64 << 20;

/// A file cannot be kept.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// It cannot be read or written.
    #[error("{what} `{path}` failed: {source}")]
    Storage {
        /// What was tried.
        what: &'static str,
        /// The file.
        path: String,
        /// What the system says.
        source: io::Error,
    },
    /// It is none of ours.
    #[error("`{path}` is damaged: {reason}; restore it from a backup, what was read last holds until then")]
    Damaged {
        /// The file.
        path: String,
        /// What is wrong.
        reason: String,
    },
    /// It would get too large.
    #[error("`{path}` would have more than {LONGEST} bytes; remove what ended")]
    TooLarge {
        /// The file.
        path: String,
    },
}

/// What reading a file again showed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refresh {
    /// Nothing new.
    Unchanged,
    /// Something new, which holds from now on.
    Changed,
}

/// What tells one kind of file from another.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Form {
    /// Its name, which stands in the file.
    pub(crate) name: &'static str,
    /// The newest version that is understood, and the one that is written.
    pub(crate) version: u32,
}

#[derive(Serialize, Deserialize)]
struct Document<T> {
    format: String,
    version: u32,
    generation: u64,
    content: T,
}

/// How a file looked when it was read: another one looks different, since it is always replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stamp {
    length: u64,
    modified: Option<SystemTime>,
    file: u64,
}

/// A file with what was read last.
#[derive(Debug)]
pub(crate) struct Durable<T> {
    path: PathBuf,
    form: Form,
    held: RwLock<Arc<T>>,
    stamp: Mutex<Option<Stamp>>,
}

impl<T: Default + Serialize + DeserializeOwned> Durable<T> {
    /// Opens a file, which need not be there yet. A damaged one is an error: without it nobody knows what was revoked.
    pub(crate) fn open(path: impl Into<PathBuf>, form: Form) -> Result<Durable<T>, StoreError> {
        let durable = Durable { path: path.into(), form, held: RwLock::default(), stamp: Mutex::new(None) };
        durable.refresh()?;
        Ok(durable)
    }

    /// What was read last.
    pub(crate) fn held(&self) -> Arc<T> {
        Arc::clone(&self.held.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Reads the file again when it is another one. What cannot be read is told, and what was read last holds.
    pub(crate) fn refresh(&self) -> Result<Refresh, StoreError> {
        let mut stamp = self.stamp.lock().unwrap_or_else(PoisonError::into_inner);
        let seen = self.look().map_err(self.storage("reading"))?;
        if seen == *stamp {
            return Ok(Refresh::Unchanged);
        }
        if seen.is_none() {
            // Only when there was one: a file that vanished must not make revoked keys valid or valid ones vanish.
            return Err(self.damaged("it is gone".to_owned()));
        }
        let document = self.read()?;
        *self.held.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(document.content);
        *stamp = seen;
        Ok(Refresh::Changed)
    }

    fn look(&self) -> io::Result<Option<Stamp>> {
        match std::fs::metadata(&self.path) {
            Ok(data) => {
                Ok(Some(Stamp { length: data.len(), modified: data.modified().ok(), file: inode(&data) }))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn read(&self) -> Result<Document<T>, StoreError> {
        let empty = || Document {
            format: self.form.name.to_owned(),
            version: self.form.version,
            generation: 0,
            content: T::default(),
        };
        let file = match File::open(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(empty()),
            opened => opened.map_err(self.storage("reading"))?,
        };
        let mut text = String::new();
        let count = file.take(LONGEST + 1).read_to_string(&mut text).map_err(self.storage("reading"))?;
        if u64::try_from(count).unwrap_or(u64::MAX) > LONGEST {
            return Err(self.damaged(format!("it has more than {LONGEST} bytes")));
        }
        let document: Document<T> =
            serde_json::from_str(&text).map_err(|error| self.damaged(error.to_string()))?;
        if document.format != self.form.name {
            return Err(self.damaged(format!("it holds `{}`, not `{}`", document.format, self.form.name)));
        }
        if document.version > self.form.version {
            return Err(self.damaged(format!("version {} is newer than this program", document.version)));
        }
        Ok(document)
    }

    /// Changes the content while no other process does. What is changed is durable when this returns.
    pub(crate) fn change<R, E: From<StoreError>>(
        &self,
        change: impl FnOnce(&mut T) -> Result<(bool, R), E>,
    ) -> Result<R, E> {
        let folder = self.path.parent().filter(|folder| !folder.as_os_str().is_empty());
        let folder = folder.map_or_else(|| PathBuf::from("."), Path::to_owned);
        std::fs::create_dir_all(&folder).map_err(self.storage("making a folder for"))?;
        let lock = OpenOptions::new().create(true).truncate(false).write(true).open(self.beside("lock"));
        let lock = lock.map_err(self.storage("locking"))?;
        lock.lock().map_err(self.storage("locking"))?;
        // Held all the while, so that nobody takes the file that is being replaced for a new one.
        let mut stamp = self.stamp.lock().unwrap_or_else(PoisonError::into_inner);
        if stamp.is_some() && !self.path.exists() {
            return Err(self.damaged("it is gone".to_owned()).into());
        }
        let mut document = self.read()?;
        let (is_changed, result) = change(&mut document.content)?;
        if is_changed {
            document.generation += 1;
            document.version = self.form.version;
            self.replace(&document, &folder)?;
            *self.held.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(document.content);
            *stamp = self.look().map_err(self.storage("reading"))?;
        }
        Ok(result)
    }

    fn replace(&self, document: &Document<T>, folder: &Path) -> Result<(), StoreError> {
        let text = serde_json::to_string_pretty(document)
            .map_err(|error| self.storage("writing")(io::Error::other(error)))?;
        // What could not be read again is not written.
        if u64::try_from(text.len()).unwrap_or(u64::MAX) > LONGEST {
            return Err(StoreError::TooLarge { path: self.path.display().to_string() });
        }
        let temporary = self.beside("new");
        let mut file = private(&temporary).map_err(self.storage("writing"))?;
        file.write_all(text.as_bytes()).map_err(self.storage("writing"))?;
        file.sync_all().map_err(self.storage("syncing"))?;
        std::fs::rename(&temporary, &self.path).map_err(self.storage("replacing"))?;
        File::open(folder).and_then(|folder| folder.sync_all()).map_err(self.storage("syncing"))
    }

    fn storage(&self, what: &'static str) -> impl Fn(io::Error) -> StoreError + use<T> {
        let path = self.path.display().to_string();
        move |source| StoreError::Storage { what, path: path.clone(), source }
    }

    fn damaged(&self, reason: String) -> StoreError {
        StoreError::Damaged { path: self.path.display().to_string(), reason }
    }

    fn beside(&self, extension: &str) -> PathBuf {
        let mut name = self.path.as_os_str().to_owned();
        name.push(".");
        name.push(extension);
        PathBuf::from(name)
    }
}

#[cfg(unix)]
fn inode(data: &std::fs::Metadata) -> u64 {
    std::os::unix::fs::MetadataExt::ino(data)
}

#[cfg(not(unix))]
fn inode(_: &std::fs::Metadata) -> u64 {
    0
}

/// A file that only its owner may read: digests of keys, and who may what.
fn private(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.create(true).truncate(true).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

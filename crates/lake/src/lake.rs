//! The lake: a folder, its tables, and who may write.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use castellan_kql::plan::Field as Column;
use castellan_query::{Engine, Settings};
use tokio::task::JoinHandle;

use crate::log::{self, Keys, Log};
use crate::memory::TableState;
use crate::options::Options;
use crate::shared::{Shared, TABLES};
use crate::{Error, Retention, TableSchema, upkeep};

/// The file that is locked by who writes.
const LOCK: &str = "lock";

/// How often, and after which pause, the lock is tried.
const LOCK_TRIES: usize = 10;
const LOCK_PAUSE: Duration = Duration::from_millis(50);

/// How often a lake is looked at that somebody else changes meanwhile.
const READS: usize = 50;

/// Event tables in a folder.
#[derive(Debug)]
pub struct Lake {
    shared: Arc<Shared>,
    upkeep: Option<JoinHandle<()>>,
    /// Held for as long as the lake is open for writing.
    _lock: Option<File>,
}

/// What a table is, and how much it holds.
#[derive(Clone, Debug)]
pub struct TableInfo {
    /// Its name and columns.
    pub schema: TableSchema,
    /// Rows, in memory and in files.
    pub rows: u64,
    /// Rows that are in no file yet.
    pub rows_in_memory: u64,
    /// Files.
    pub files: usize,
    /// Bytes of the files.
    pub bytes: u64,
    /// How long its rows are kept.
    pub retention: Retention,
}

impl Lake {
    /// Opens a lake for writing, and makes the folder where there is none. What the log holds is replayed.
    ///
    /// Errors: another process writes to it, or the folder cannot be read or written.
    pub async fn open(folder: &Path, options: Options) -> Result<Lake, Error> {
        let folder = &whole(folder)?;
        let disk = Arc::clone(&options.disk);
        let log_folder = folder.join(log::FOLDER);
        for path in [folder.to_owned(), log_folder.clone(), folder.join(TABLES)] {
            disk.create_folder(&path).map_err(Error::storage("making a folder of the lake", path))?;
        }
        disk.sync_folder(folder).map_err(Error::storage("syncing the folder of the lake", folder))?;
        let lock = lock(folder).await?;
        let mut shared = Shared::load(folder, options).await?;
        shared.finish_removals()?;
        let mut keys = Keys::load(disk.as_ref(), &log_folder.join(log::KEYS));
        let replayed = shared.replay(&log_folder, &mut keys)?;
        let tables = Arc::clone(&shared.tables);
        let publish = Box::new(move |position, record| tables.publish(position, record));
        shared.log = Some(Log::start(disk, log_folder, replayed, keys, publish)?);
        let shared = Arc::new(shared);
        let upkeep = shared.options.upkeep.then(|| tokio::spawn(upkeep::run(Arc::clone(&shared))));
        Ok(Lake { shared, upkeep, _lock: Some(lock) })
    }

    /// Opens a lake for reading, beside a process that writes to it or without one. It shows what there is now: what is
    /// written later is seen by opening it again.
    ///
    /// Errors: the folder is no lake, or cannot be read.
    pub async fn open_for_reading(folder: &Path, options: Options) -> Result<Lake, Error> {
        let folder = &whole(folder)?;
        if !folder.join(TABLES).is_dir() {
            let source = std::io::Error::new(std::io::ErrorKind::NotFound, "there is no lake in this folder");
            return Err(Error::storage("opening a lake", folder)(source));
        }
        let options = Options { upkeep: false, ..options };
        for _ in 0..READS {
            let before = commits(folder)?;
            let shared = Shared::load(folder, options.clone()).await?;
            shared.replay(&folder.join(log::FOLDER), &mut Keys::default())?;
            // Who writes takes rows from the log once they are in files: between both looks they may have been in neither.
            if commits(folder)? == before {
                return Ok(Lake { shared: Arc::new(shared), upkeep: None, _lock: None });
            }
        }
        let (reason, retry_after) =
            ("the lake changes faster than it can be read".to_owned(), Duration::from_secs(1));
        Err(Error::Busy { reason, retry_after })
    }

    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.shared.folder
    }

    /// The id of the workspace, which every row has as its `TenantId`.
    pub fn workspace(&self) -> &str {
        &self.shared.options.workspace
    }

    /// What was found damaged when the lake was opened, in words for a person.
    pub fn damages(&self) -> Vec<String> {
        self.shared.damages.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What does not work in the background now, by the kind of work; it is tried again.
    pub fn problems(&self) -> BTreeMap<&'static str, String> {
        self.shared.problems.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// How many bytes may still be written to the disk of the lake; `None` where the disk does not say.
    pub fn free_bytes(&self) -> Option<u64> {
        self.shared.options.disk.available(&self.shared.folder).ok()
    }

    /// The tables that hold rows or were made, by name.
    pub fn tables(&self) -> Vec<TableInfo> {
        self.shared.tables.snapshot().into_values().map(|table| info(&table)).collect()
    }

    /// The columns of a table: of one that is here, or of one that content declares.
    ///
    /// Errors: there is no such table.
    pub fn schema(&self, table: &str) -> Result<TableSchema, Error> {
        self.shared.schema(table)
    }

    /// How far a source of rows is in a table; `None` when nothing of it ever came.
    ///
    /// Errors: the table's log cannot be read.
    pub async fn mark(&self, table: &str, source: &str) -> Result<Option<i64>, Error> {
        self.shared.mark(table, source).await
    }

    /// Makes a custom table, or gives it further columns.
    ///
    /// Errors: a name or a column that is not allowed, a column that is there with another type, and what the storage says.
    pub async fn create_table(&self, name: &str, columns: Vec<Column>) -> Result<TableSchema, Error> {
        self.shared.create_table(name, columns).await
    }

    /// An engine over all tables as they are now. Tables that content declares are there as well, without rows.
    pub fn engine(&self, settings: Settings) -> Engine {
        let mut engine = Engine::new(settings);
        engine.set_source(Arc::new(crate::scan::Source::new(&self.shared)));
        engine
    }

    /// Writes all rows that are in memory to files.
    ///
    /// Errors: what the storage says.
    pub async fn flush(&self) -> Result<(), Error> {
        upkeep::flush_all(&self.shared).await
    }

    /// Merges small files and removes what is too old, now.
    ///
    /// Errors: what the storage says.
    pub async fn tidy(&self) -> Result<(), Error> {
        upkeep::tidy(&self.shared).await
    }

    /// Flushes and closes. A lake that is dropped instead loses nothing: its log is replayed when it is opened again.
    ///
    /// Errors: what the storage says.
    pub async fn close(mut self) -> Result<(), Error> {
        if let Some(upkeep) = self.upkeep.take() {
            upkeep.abort();
            let _ = upkeep.await;
        }
        if self.shared.log.is_some() { upkeep::flush_all(&self.shared).await } else { Ok(()) }
    }
}

/// The folder from the root on: readers of its files know no current folder.
fn whole(folder: &Path) -> Result<PathBuf, Error> {
    std::path::absolute(folder).map_err(Error::storage("finding the folder of the lake", folder))
}

impl Drop for Lake {
    fn drop(&mut self) {
        if let Some(upkeep) = &self.upkeep {
            upkeep.abort();
        }
    }
}

/// The last commit of each table, by the names of its files.
fn commits(folder: &Path) -> Result<BTreeMap<PathBuf, std::ffi::OsString>, Error> {
    let root = folder.join(TABLES);
    let mut last = BTreeMap::new();
    for entry in std::fs::read_dir(&root).map_err(Error::storage("listing the tables", &root))? {
        let path = entry.map_err(Error::storage("listing the tables", &root))?.path();
        let commits = std::fs::read_dir(path.join("_delta_log")).into_iter().flatten().flatten();
        let names =
            commits.map(|entry| entry.file_name()).filter(|name| name.to_string_lossy().ends_with(".json"));
        if let Some(newest) = names.max() {
            last.insert(path, newest);
        }
    }
    Ok(last)
}

fn info(table: &TableState) -> TableInfo {
    TableInfo {
        schema: table.schema.clone(),
        rows: table.rows(),
        rows_in_memory: table.rows_in_memory(),
        files: table.files.len(),
        bytes: table.files.iter().map(|file| file.size).sum(),
        retention: table.retention,
    }
}

/// Locks the folder. A process that has just ended, or one that is just being started by a process that had the lake open,
/// may hold the lock for a moment.
async fn lock(folder: &Path) -> Result<File, Error> {
    let path = folder.join(LOCK);
    let made = File::options().create(true).truncate(false).write(true).open(&path);
    let file = made.map_err(Error::storage("opening the lock of the lake", &path))?;
    for _ in 0..LOCK_TRIES {
        match rustix::fs::flock(&file, rustix::fs::FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => return Ok(file),
            Err(rustix::io::Errno::WOULDBLOCK) => tokio::time::sleep(LOCK_PAUSE).await,
            Err(error) => return Err(Error::storage("locking the lake", path)(error.into())),
        }
    }
    Err(Error::Locked { path: folder.to_owned() })
}

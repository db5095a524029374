//! What all who work on a lake share: its tables, its log, the files, and what does not work now.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use castellan_kql::plan::Field as Column;
use castellan_kql::schema::Catalog;
use tokio::sync::Notify;

use crate::delta::DeltaFiles;
use crate::log::{self, Dropped, Keys, Log, Position, Replayed};
use crate::memory::{TableState, Tables};
use crate::options::Options;
use crate::{Error, Retention, TableSchema, derived, upkeep};

/// The folder of tables within that of a lake.
pub(crate) const TABLES: &str = "tables";

/// What all who work on a lake share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) folder: PathBuf,
    pub(crate) options: Options,
    pub(crate) tables: Arc<Tables>,
    pub(crate) log: Option<Log>,
    /// The files of tables that have some, each locked by who commits.
    delta: Mutex<BTreeMap<Arc<str>, Slot>>,
    /// Wakes the upkeep before its time.
    pub(crate) wake: Notify,
    pub(crate) disk_full: AtomicBool,
    pub(crate) damages: Mutex<Vec<String>>,
    pub(crate) problems: Mutex<BTreeMap<&'static str, String>>,
    /// Tables that queries fill.
    pub(crate) derived: derived::Store,
    /// Whether the clock can be trusted.
    pub(crate) steady: Mutex<upkeep::Steady>,
    /// Folders of tables that were removed, found when the lake was opened.
    pub(crate) unfinished: Vec<PathBuf>,
    /// Held by who reads files to write others in their place.
    pub(crate) rewriting: tokio::sync::Mutex<()>,
    pub(crate) terms: crate::scan::TermsCache,
}

/// The files of a table, if it has any; locked by who commits.
pub(crate) type Slot = Arc<tokio::sync::Mutex<Option<DeltaFiles>>>;

impl Shared {
    /// Now, in microseconds since 1970.
    pub(crate) fn now(&self) -> i64 {
        self.options.clock.now()
    }

    /// The tables that have files.
    pub(crate) async fn load(folder: &Path, options: Options) -> Result<Shared, Error> {
        let dropped = Dropped::load(options.disk.as_ref(), &folder.join(log::FOLDER))?;
        let mut damages = Vec::new();
        let derived = derived::Store::load(options.disk.as_ref(), folder, &mut damages)?;
        let mut shared = Shared {
            folder: folder.to_owned(),
            tables: Arc::new(Tables::default()),
            log: None,
            delta: Mutex::default(),
            wake: Notify::new(),
            disk_full: AtomicBool::new(false),
            damages: Mutex::new(damages),
            problems: Mutex::default(),
            derived,
            steady: Mutex::new(upkeep::Steady::since(options.clock.now())),
            unfinished: Vec::new(),
            rewriting: tokio::sync::Mutex::default(),
            terms: crate::scan::TermsCache::default(),
            options,
        };
        let root = folder.join(TABLES);
        let failed = || Error::storage("listing the tables", &root);
        for entry in std::fs::read_dir(&root).map_err(failed())? {
            let path = entry.map_err(failed())?.path();
            if path.is_dir()
                && !crate::admin::is_removed(&path)
                && let Some(files) = DeltaFiles::open(&shared.options.disk, &path).await?
            {
                let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
                if dropped.has_files(&name, &files.id()?) {
                    shared.unfinished.push(path);
                } else {
                    shared.show(files).await?;
                }
            }
        }
        shared.tables.forget_dropped(dropped);
        Ok(shared)
    }

    /// Shows a table as its files are.
    async fn show(&self, files: DeltaFiles) -> Result<(), Error> {
        let schema = files.schema()?;
        // Content may declare more columns than when the table was made; the files learn of them at the next flush.
        let declared = TableSchema::declared(schema.name());
        let wider = declared.and_then(|declared| schema.with(declared.columns()).ok().flatten());
        let schema = wider.unwrap_or(schema);
        let name = Arc::clone(schema.name());
        let state = self.tables.get(&name).unwrap_or_else(|| TableState::new(schema));
        let mut state = state.with_files(files.files()?, files.position().await?);
        state.retention = files.retention()?;
        self.tables.put(state);
        self.slot(&name).lock().await.replace(files);
        Ok(())
    }

    /// Takes what the log holds beyond the files.
    pub(crate) fn replay(&self, log_folder: &Path, keys: &mut Keys) -> Result<Replayed, Error> {
        let mut replayed = log::replay(self.options.disk.as_ref(), log_folder, &mut |position, record| {
            if let Some(key) = record.key {
                keys.insert(key, position, record.received);
            }
            self.tables.publish(position, record);
            Ok(())
        })?;
        // Segments may be gone while the files say how far the log was.
        replayed.next = replayed.next.max(self.tables.last_known() + 1);
        self.damages.lock().unwrap_or_else(PoisonError::into_inner).append(&mut replayed.damages);
        Ok(replayed)
    }

    pub(crate) fn log(&self) -> Result<&Log, Error> {
        self.log.as_ref().ok_or(Error::Closed("the lake is open for reading alone"))
    }

    /// The columns of a table that is here, or that content declares.
    pub(crate) fn schema(&self, table: &str) -> Result<TableSchema, Error> {
        self.tables.schema(table).or_else(|| TableSchema::declared(table)).ok_or_else(|| {
            Error::UnknownTable {
                name: table.chars().take(100).collect(),
                nearest: Catalog::built_in().nearest_table(table).map(str::to_owned),
            }
        })
    }

    pub(crate) fn slot(&self, table: &str) -> Slot {
        let mut delta = self.delta.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(delta.entry(table.into()).or_default())
    }

    /// Makes the table's folder and log, unless they are there.
    pub(crate) async fn make(&self, schema: &TableSchema) -> Result<(), Error> {
        self.log()?;
        let slot = self.slot(schema.name());
        let mut files = slot.lock().await;
        if files.is_none() {
            let made =
                DeltaFiles::create(&self.options.disk, &self.table_folder(schema.name()), schema).await?;
            *files = Some(made);
            if self.tables.schema(schema.name()).is_none() {
                self.tables.put(TableState::new(schema.clone()));
            }
        }
        Ok(())
    }

    /// Makes a custom table, or gives it the columns that it lacks.
    pub(crate) async fn create_table(&self, name: &str, columns: Vec<Column>) -> Result<TableSchema, Error> {
        if self.tables.schema(name).is_some() {
            return self.widen(name, &columns).await;
        }
        let schema = TableSchema::custom(name, columns)?;
        self.make(&schema).await?;
        Ok(schema)
    }

    pub(crate) fn table_folder(&self, table: &str) -> PathBuf {
        self.folder.join(TABLES).join(table)
    }

    /// Gives a table further columns, which are durable when this returns.
    ///
    /// Errors: a column that is there with another type, names that are not allowed, and what the storage says.
    pub(crate) async fn widen(&self, table: &str, more: &[Column]) -> Result<TableSchema, Error> {
        let schema = self.schema(table)?;
        self.make(&schema).await?;
        let slot = self.slot(table);
        let mut files = slot.lock().await;
        // Another call may have added columns meanwhile.
        let schema = self.schema(table)?;
        let Some(wider) = schema.with(more)? else { return Ok(schema) };
        if let Some(files) = files.as_mut() {
            files.widen(&wider).await?;
        }
        self.tables.widen(wider.clone());
        Ok(wider)
    }

    pub(crate) async fn mark(&self, table: &str, source: &str) -> Result<Option<i64>, Error> {
        if let Some(offset) = self.tables.mark(table, source) {
            return Ok(Some(offset));
        }
        let slot = self.slot(table);
        let files = slot.lock().await;
        let Some(files) = files.as_ref() else { return Ok(None) };
        let committed = files.mark(source).await?;
        if let Some(offset) = committed {
            self.tables.learn(table, source, offset);
        }
        Ok(committed)
    }

    /// A table has new rows.
    pub(crate) fn noticed(&self, table: &Arc<str>) {
        if self.tables.bytes_of(table) > self.options.flush_bytes {
            self.hurry();
        }
    }

    /// How long rows of a table are kept; for ever when `None`.
    pub(crate) fn retention(&self, table: &str) -> Option<Duration> {
        match self.tables.retention(table) {
            Retention::Default => self.options.retention,
            Retention::Forever => None,
            Retention::Days(days) => Some(Duration::from_secs(u64::from(days) * 86_400)),
        }
    }

    /// Something in the background did not work.
    pub(crate) fn problem(&self, work: &'static str, error: &Error) {
        self.problems.lock().unwrap_or_else(PoisonError::into_inner).insert(work, error.to_string());
    }

    /// It works again.
    pub(crate) fn well(&self, work: &'static str) {
        self.problems.lock().unwrap_or_else(PoisonError::into_inner).remove(work);
    }

    pub(crate) fn outcome(&self, work: &'static str, outcome: Result<(), Error>) {
        match outcome {
            Ok(()) => self.well(work),
            Err(error) => self.problem(work, &error),
        }
    }

    /// Begins the next round of upkeep at once.
    pub(crate) fn hurry(&self) {
        self.wake.notify_one();
    }

    pub(crate) fn is_disk_full(&self) -> bool {
        self.disk_full.load(Ordering::Relaxed)
    }

    /// The position before which the log is no longer needed.
    pub(crate) fn needed_from(&self) -> Position {
        self.tables.needed_from(Position::MAX)
    }
}

//! A table's log.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use castellan_kql::ScalarType;
use castellan_kql::plan::Field as Column;
use castellan_query::physical::TYPE_KEY;
use datafusion::object_store::ObjectStore;
use deltalake_core::kernel::transaction::{CommitBuilder, CommitProperties, TableReference};
use deltalake_core::kernel::{
    Action, DataType, Metadata, MetadataValue, PrimitiveType, StructField, StructType, Transaction,
};
use deltalake_core::operations::create::CreateBuilder;
use deltalake_core::protocol::{DeltaOperation, SaveMode};
use deltalake_core::table::builder::DeltaTableBuilder;
use deltalake_core::{DeltaTable, DeltaTableError};

use super::{APPLICATION, DAY, DataFile};
use crate::disk::{Disk, Durable};
use crate::log::{Mark, Position};
use crate::schema::TableSchema;
use crate::{Error, Retention};

/// How many commits lie between checkpoints.
const CHECKPOINT_EVERY: &str = "100";
/// How long the log keeps commits that a checkpoint has taken up.
const LOG_KEPT: &str = "interval 1 days";
/// How long files stay that no longer count, for readers that still have them open.
const FILES_KEPT: &str = "interval 1 hours";

/// Where the table's log says how long rows are kept.
const KEPT: &str = "castellan.retention";

type Members = serde_json::Map<String, serde_json::Value>;

/// The files of a table.
#[derive(Debug)]
pub(crate) struct DeltaFiles {
    name: Arc<str>,
    folder: PathBuf,
    table: DeltaTable,
    /// Files that do not count, and since when that is known.
    unneeded: HashMap<PathBuf, Instant>,
}

impl DeltaFiles {
    /// The table in a folder; `None` when there is none.
    ///
    /// Errors: a log that cannot be read.
    pub(crate) async fn open(disk: &Arc<dyn Disk>, folder: &Path) -> Result<Option<DeltaFiles>, Error> {
        let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if !folder.join("_delta_log").is_dir() {
            return Ok(None);
        }
        let mut table = unloaded(disk, folder).map_err(Error::delta(&name))?;
        match table.load().await {
            Ok(()) => {}
            // The folder of the log was made, and nothing was committed before the process ended.
            Err(DeltaTableError::NotATable(_)) => return Ok(None),
            Err(error) => return Err(Error::delta(&name)(error)),
        }
        Ok(Some(DeltaFiles { name: name.into(), folder: folder.to_owned(), table, unneeded: HashMap::new() }))
    }

    /// Makes a table.
    ///
    /// Errors: the folder cannot be written.
    pub(crate) async fn create(
        disk: &Arc<dyn Disk>,
        folder: &Path,
        schema: &TableSchema,
    ) -> Result<DeltaFiles, Error> {
        let failed = || Error::delta(schema.name());
        disk.create_folder(folder).map_err(Error::storage("making the folder of a table", folder))?;
        let store = unloaded(disk, folder).map_err(failed())?.log_store();
        let table = CreateBuilder::new()
            .with_log_store(store)
            .with_table_name(&**schema.name())
            .with_columns(fields(schema.columns()))
            .with_partition_columns([DAY])
            .with_raise_if_key_not_exists(false)
            .with_configuration([
                ("delta.checkpointInterval", Some(CHECKPOINT_EVERY)),
                ("delta.logRetentionDuration", Some(LOG_KEPT)),
                ("delta.deletedFileRetentionDuration", Some(FILES_KEPT)),
            ])
            .await
            .map_err(failed())?;
        if let Some(above) = folder.parent() {
            disk.sync_folder(above).map_err(Error::storage("syncing the folder of tables", above))?;
        }
        Ok(DeltaFiles {
            name: Arc::clone(schema.name()),
            folder: folder.to_owned(),
            table,
            unneeded: HashMap::new(),
        })
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// What tells the table from others that had its name.
    ///
    /// Errors: a log that cannot be read.
    pub(crate) fn id(&self) -> Result<String, Error> {
        Ok(self.table.snapshot().map_err(self.failed())?.metadata().id().to_string())
    }

    fn failed(&self) -> impl FnOnce(DeltaTableError) -> Error + use<> {
        Error::delta(&self.name)
    }

    /// The columns that the table's log declares.
    ///
    /// Errors: types that are none of ours.
    pub(crate) fn schema(&self) -> Result<TableSchema, Error> {
        let schema = self.table.snapshot().map_err(self.failed())?.schema();
        let mut columns = Vec::new();
        for field in schema.fields().filter(|field| field.name() != DAY) {
            let scalar_type = scalar_type(field).ok_or_else(|| Error::Definition {
                table: self.name.to_string(),
                reason: format!(
                    "the column `{}` has a type that is not read: {}",
                    field.name(),
                    field.data_type()
                ),
            })?;
            columns.push(Column::new(field.name().as_str(), scalar_type));
        }
        let is_open = TableSchema::declared(&self.name).is_some_and(|declared| declared.is_open());
        Ok(TableSchema::new(&self.name, columns, is_open))
    }

    /// The last position of the write-ahead log that is within.
    ///
    /// Errors: a log that cannot be read.
    pub(crate) async fn position(&self) -> Result<Position, Error> {
        let version = self.transaction(APPLICATION).await?;
        Ok(version.and_then(|version| u64::try_from(version).ok()).unwrap_or(0))
    }

    /// How far a source of rows is within.
    ///
    /// Errors: a log that cannot be read.
    pub(crate) async fn mark(&self, source: &str) -> Result<Option<i64>, Error> {
        self.transaction(&application(source)).await
    }

    async fn transaction(&self, application: &str) -> Result<Option<i64>, Error> {
        let state = self.table.snapshot().map_err(self.failed())?;
        let store = self.table.log_store();
        state.transaction_version(store.as_ref(), application).await.map_err(self.failed())
    }

    /// All files that count.
    ///
    /// Errors: a log that cannot be read.
    pub(crate) fn files(&self) -> Result<Vec<Arc<DataFile>>, Error> {
        let state = self.table.snapshot().map_err(self.failed())?;
        Ok(state.log_data().iter().map(|view| Arc::new(DataFile::of(&view))).collect())
    }

    /// Adds files with new rows, up to a position of the write-ahead log and marks of the sources that they come from.
    ///
    /// Errors: the commit was not made, or nobody knows whether it was: then the table has to be opened again.
    pub(crate) async fn append(
        &mut self,
        files: &[DataFile],
        position: Position,
        marks: &[Mark],
    ) -> Result<(), Error> {
        let version = i64::try_from(position).unwrap_or(i64::MAX);
        let mut transactions = vec![Transaction::new(APPLICATION, version)];
        transactions
            .extend(marks.iter().map(|mark| Transaction::new(application(&mark.source), mark.offset)));
        let actions = files.iter().map(|file| Action::Add(file.add(true))).collect();
        let operation = DeltaOperation::Write {
            mode: SaveMode::Append,
            partition_by: Some(vec![DAY.to_owned()]),
            predicate: None,
        };
        self.commit(actions, transactions, operation).await
    }

    /// Puts files in the place of others that hold the same rows.
    ///
    /// Errors: as [`DeltaFiles::append`].
    pub(crate) async fn replace(
        &mut self,
        old: &[Arc<DataFile>],
        new: &[DataFile],
        now: i64,
    ) -> Result<(), Error> {
        let removed = old.iter().map(|file| Action::Remove(file.remove(now, false)));
        let added = new.iter().map(|file| Action::Add(file.add(false)));
        let operation = DeltaOperation::Optimize { predicate: None, target_size: 0 };
        self.commit(removed.chain(added).collect(), Vec::new(), operation).await
    }

    /// Declares further columns.
    ///
    /// Errors: as [`DeltaFiles::append`].
    pub(crate) async fn widen(&mut self, schema: &TableSchema) -> Result<(), Error> {
        let wider = StructType::try_new(fields(schema.columns()));
        let wider = wider.map_err(|error| self.failed()(DeltaTableError::generic(error.to_string())))?;
        let text = serde_json::to_string(&wider);
        let text = text.map_err(|error| self.failed()(DeltaTableError::generic(error.to_string())))?;
        let operation = DeltaOperation::AddColumn { fields: fields(schema.columns()) };
        let change = |members: &mut Members| {
            members.insert("schemaString".to_owned(), text.into());
        };
        self.change_metadata(change, operation).await
    }

    /// How long rows are kept, as the table's log says.
    ///
    /// Errors: a log that cannot be read.
    pub(crate) fn retention(&self) -> Result<Retention, Error> {
        let metadata = self.table.snapshot().map_err(self.failed())?.metadata();
        let told = metadata.configuration().get(KEPT).map(|text| text.parse());
        // What somebody else wrote there and is no time keeps rows: nothing is removed by mistake.
        Ok(told.map_or(Retention::Default, |told| told.unwrap_or(Retention::Forever)))
    }

    /// Says in the table's log how long rows are kept.
    ///
    /// Errors: as [`DeltaFiles::append`].
    pub(crate) async fn keep_for(&mut self, retention: Retention) -> Result<(), Error> {
        let operation = DeltaOperation::SetTableProperties {
            properties: HashMap::from([(KEPT.to_owned(), retention.to_string())]),
        };
        let change = |members: &mut Members| {
            let configuration = members.entry("configuration").or_insert_with(|| Members::new().into());
            if let Some(configuration) = configuration.as_object_mut() {
                configuration.insert(KEPT.to_owned(), retention.to_string().into());
            }
        };
        self.change_metadata(change, operation).await
    }

    async fn change_metadata(
        &mut self,
        change: impl FnOnce(&mut Members),
        operation: DeltaOperation,
    ) -> Result<(), Error> {
        let metadata = self.table.snapshot().map_err(self.failed())?.metadata();
        let failed = |error: serde_json::Error| self.failed()(DeltaTableError::generic(error.to_string()));
        let mut value = serde_json::to_value(metadata).map_err(failed)?;
        if let Some(members) = value.as_object_mut() {
            change(members);
        }
        let metadata: Metadata = serde_json::from_value(value).map_err(failed)?;
        self.commit(vec![Action::Metadata(metadata)], Vec::new(), operation).await
    }

    /// Takes rows away, and puts others in their place: files that hold some of them, or all.
    ///
    /// Errors: as [`DeltaFiles::append`].
    pub(crate) async fn exchange(
        &mut self,
        old: &[Arc<DataFile>],
        new: &[DataFile],
        marks: &[Mark],
        now: i64,
    ) -> Result<(), Error> {
        let removed = old.iter().map(|file| Action::Remove(file.remove(now, true)));
        let added = new.iter().map(|file| Action::Add(file.add(true)));
        let transactions = marks.iter().map(|mark| Transaction::new(application(&mark.source), mark.offset));
        let operation = DeltaOperation::Delete { predicate: None };
        self.commit(removed.chain(added).collect(), transactions.collect(), operation).await
    }

    async fn commit(
        &mut self,
        actions: Vec<Action>,
        transactions: Vec<Transaction>,
        operation: DeltaOperation,
    ) -> Result<(), Error> {
        let failed = self.failed();
        let properties = CommitProperties::default()
            .with_application_transactions(transactions)
            .with_cleanup_expired_logs(Some(true));
        let state = self.table.snapshot().map_err(self.failed())?;
        let commit = CommitBuilder::from(properties).with_actions(actions).build(
            Some(state as &dyn TableReference),
            self.table.log_store(),
            operation,
        );
        let done = commit.await.map_err(failed)?;
        self.table.state = Some(done.snapshot());
        Ok(())
    }

    /// Removes files of rows that have not counted for some time: those that others took the place of, and those that no
    /// commit ever named. Gives how many.
    ///
    /// Errors: the folder cannot be read.
    pub(crate) fn vacuum(&mut self, disk: &dyn Disk, kept: std::time::Duration) -> Result<usize, Error> {
        let counted: HashSet<PathBuf> =
            self.files()?.iter().map(|file| self.folder.join(&file.path)).collect();
        let mut unneeded = HashMap::new();
        for path in self.present(disk)? {
            if !counted.contains(&path) {
                // Since when is not written anywhere that every writer keeps: since it was first seen so.
                let since = self.unneeded.get(&path).copied().unwrap_or_else(Instant::now);
                unneeded.insert(path, since);
            }
        }
        let mut removed = 0;
        for (path, since) in std::mem::take(&mut unneeded) {
            if since.elapsed() >= kept {
                disk.remove(&path).map_err(Error::storage("removing a file that no longer counts", &path))?;
                removed += 1;
            } else {
                unneeded.insert(path, since);
            }
        }
        self.unneeded = unneeded;
        Ok(removed)
    }

    /// The files of rows that lie in the folder.
    fn present(&self, disk: &dyn Disk) -> Result<Vec<PathBuf>, Error> {
        let failed = || Error::storage("listing a table", &self.folder);
        let mut found = Vec::new();
        for entry in std::fs::read_dir(&self.folder).map_err(failed())? {
            let path = entry.map_err(failed())?.path();
            let is_day = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(DAY));
            if is_day {
                let files = disk.list(&path).map_err(failed())?.into_iter().map(|(path, _)| path);
                found.extend(files.filter(|path| path.extension().is_some_and(|ending| ending == "parquet")));
            }
        }
        Ok(found)
    }
}

/// What the table's log calls a source of rows.
fn application(source: &str) -> String {
    format!("{APPLICATION}:{source}")
}

fn unloaded(disk: &Arc<dyn Disk>, folder: &Path) -> Result<DeltaTable, DeltaTableError> {
    let folder = folder.canonicalize()?;
    let text = folder.to_string_lossy();
    let url = deltalake_core::ensure_table_uri(&text)?;
    let store: Arc<dyn ObjectStore> = Arc::new(Durable::new(Arc::clone(disk)));
    DeltaTableBuilder::from_url(url.clone())?.with_storage_backend(store, url).build()
}

/// The columns as the log declares them, with the day that files are laid out by.
fn fields(columns: &[Column]) -> Vec<StructField> {
    let own = columns.iter().map(|column| {
        let kind = MetadataValue::String(column.scalar_type.name().to_owned());
        StructField::nullable(&*column.name, DataType::Primitive(primitive(column.scalar_type)))
            .with_metadata(HashMap::from([(TYPE_KEY.to_owned(), kind)]))
    });
    own.chain([StructField::nullable(DAY, DataType::Primitive(PrimitiveType::Date))]).collect()
}

fn primitive(scalar_type: ScalarType) -> PrimitiveType {
    match scalar_type {
        ScalarType::Bool => PrimitiveType::Boolean,
        ScalarType::Int => PrimitiveType::Integer,
        ScalarType::Long | ScalarType::TimeSpan => PrimitiveType::Long,
        ScalarType::Real => PrimitiveType::Double,
        ScalarType::DateTime => PrimitiveType::Timestamp,
        ScalarType::String | ScalarType::Decimal | ScalarType::Guid | ScalarType::Dynamic => {
            PrimitiveType::String
        }
    }
}

fn scalar_type(field: &StructField) -> Option<ScalarType> {
    let told = match field.metadata().get(TYPE_KEY) {
        Some(MetadataValue::String(name)) => ScalarType::named(name),
        _ => None,
    };
    let DataType::Primitive(kind) = field.data_type() else { return None };
    // What the log says beside it counts only where both go together.
    if let Some(told) = told.filter(|told| primitive(*told) == *kind) {
        return Some(told);
    }
    Some(match kind {
        PrimitiveType::Boolean => ScalarType::Bool,
        PrimitiveType::Integer => ScalarType::Int,
        PrimitiveType::Long => ScalarType::Long,
        PrimitiveType::Double => ScalarType::Real,
        PrimitiveType::Timestamp => ScalarType::DateTime,
        PrimitiveType::String => ScalarType::String,
        _ => return None,
    })
}

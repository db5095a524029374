//! What tables hold at a moment: rows that are in the log alone, and files.

use std::collections::BTreeMap;
use std::sync::{Arc, RwLock};

use datafusion::arrow::array::{ArrayRef, AsArray, RecordBatchOptions};
use datafusion::arrow::compute::{cast, max, min};
use datafusion::arrow::datatypes::{Field, SchemaRef, TimestampMicrosecondType};
use datafusion::arrow::error::ArrowError;
use datafusion::arrow::record_batch::RecordBatch;

use crate::Retention;
use crate::delta::DataFile;
use crate::follow::Listener;
use crate::log::{Dropped, Mark, Position, Record};
use crate::rows::Defaults;
use crate::schema::{TIME, TableSchema};

/// Rows of one record of the log.
#[derive(Debug)]
pub(crate) struct Chunk {
    pub(crate) position: Position,
    pub(crate) received: i64,
    /// The columns that hold something.
    pub(crate) batch: RecordBatch,
    pub(crate) bytes: usize,
    /// The first and last `TimeGenerated`, in microseconds since 1970.
    pub(crate) times: (i64, i64),
    pub(crate) mark: Option<Mark>,
}

impl Chunk {
    fn new(position: Position, record: Record) -> Chunk {
        let times = record.batch.column_by_name(TIME);
        let times = times.and_then(|column| column.as_primitive_opt::<TimestampMicrosecondType>());
        let times = times.and_then(|column| Some((min(column)?, max(column)?)));
        Chunk {
            position,
            received: record.received,
            bytes: record.batch.get_array_memory_size() + 512,
            times: times.unwrap_or((record.received, record.received)),
            mark: record.mark,
            batch: record.batch,
        }
    }

    /// Rows that did not come through the log.
    pub(crate) fn of_rows(table: &Arc<str>, received: i64, batch: RecordBatch) -> Chunk {
        let record = Record { table: Arc::clone(table), key: None, received, mark: None, batch };
        Chunk::new(0, record)
    }

    /// The marks that records say, each source's last.
    pub(crate) fn marks(chunks: &[Arc<Chunk>]) -> Vec<Mark> {
        let mut last: BTreeMap<&str, &Mark> = BTreeMap::new();
        for mark in chunks.iter().filter_map(|chunk| chunk.mark.as_ref()) {
            last.insert(&mark.source, mark);
        }
        last.into_values().cloned().collect()
    }

    /// A column as a field has it: where nobody said it, what the lake says, or null.
    ///
    /// Errors: a column that cannot have the type that the field says.
    pub(crate) fn column(&self, field: &Field, table: &str, tenant: &str) -> Result<ArrayRef, ArrowError> {
        let defaults = Defaults { table, tenant, received: self.received };
        match self.batch.column_by_name(field.name()) {
            Some(array) => cast(array, field.data_type()),
            None => Ok(defaults.column(field.name(), field.data_type(), self.batch.num_rows())),
        }
    }

    /// The rows with the columns of a schema, as it has them: those that nobody said are what the lake says, or null.
    ///
    /// Errors: a column that cannot have the type that the schema says.
    pub(crate) fn completed(
        &self,
        schema: &SchemaRef,
        table: &str,
        tenant: &str,
    ) -> Result<RecordBatch, ArrowError> {
        let rows = self.batch.num_rows();
        let arrays = schema.fields().iter().map(|field| self.column(field, table, tenant));
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        RecordBatch::try_new_with_options(
            Arc::clone(schema),
            arrays.collect::<Result<Vec<_>, _>>()?,
            &options,
        )
    }
}

/// A table at a moment.
#[derive(Clone, Debug)]
pub(crate) struct TableState {
    pub(crate) schema: TableSchema,
    /// Rows that are in no file, in the order of the log.
    pub(crate) chunks: Vec<Arc<Chunk>>,
    pub(crate) files: Arc<Vec<Arc<DataFile>>>,
    /// All records up to this one are in files.
    pub(crate) flushed: Position,
    /// Bytes of the chunks.
    pub(crate) bytes: usize,
    /// How far sources are that came since the lake was opened, or were asked for.
    pub(crate) marks: BTreeMap<Arc<str>, i64>,
    /// How long its rows are kept.
    pub(crate) retention: Retention,
}

impl TableState {
    pub(crate) fn new(schema: TableSchema) -> TableState {
        TableState {
            schema,
            chunks: Vec::new(),
            files: Arc::default(),
            flushed: 0,
            bytes: 0,
            marks: BTreeMap::new(),
            retention: Retention::Default,
        }
    }

    /// The table with rows of one of its files alone.
    pub(crate) fn of_rows(&self, batch: RecordBatch) -> TableState {
        let chunks = vec![Arc::new(Chunk::of_rows(self.schema.name(), 0, batch))];
        TableState { chunks, ..TableState::new(self.schema.clone()) }
    }

    fn reach(&mut self, mark: &Mark) {
        let offset = self.marks.entry(Arc::clone(&mark.source)).or_insert(mark.offset);
        *offset = mark.offset.max(*offset);
    }

    /// Takes the files of a table, of which rows up to a position are in.
    pub(crate) fn with_files(mut self, files: Vec<Arc<DataFile>>, flushed: Position) -> TableState {
        self.chunks.retain(|chunk| chunk.position > flushed);
        self.bytes = self.chunks.iter().map(|chunk| chunk.bytes).sum();
        self.files = Arc::new(files);
        self.flushed = flushed;
        self
    }

    /// Rows that are in no file.
    pub(crate) fn rows_in_memory(&self) -> u64 {
        let rows = self.chunks.iter().map(|chunk| chunk.batch.num_rows()).sum::<usize>();
        u64::try_from(rows).unwrap_or(u64::MAX)
    }

    /// Rows in memory and in files.
    pub(crate) fn rows(&self) -> u64 {
        self.rows_in_memory() + self.files.iter().map(|file| file.rows).sum::<u64>()
    }
}

/// All tables that hold something or were made.
#[derive(Debug, Default)]
pub(crate) struct Tables {
    inner: RwLock<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    tables: BTreeMap<Arc<str>, TableState>,
    bytes: usize,
    dropped: Dropped,
    listeners: Vec<Listener>,
}

impl Tables {
    fn read(&self) -> std::sync::RwLockReadGuard<'_, Inner> {
        self.inner.read().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn write(&self) -> std::sync::RwLockWriteGuard<'_, Inner> {
        self.inner.write().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Bytes of all rows that are in no file.
    pub(crate) fn bytes(&self) -> usize {
        self.read().bytes
    }

    /// All tables as they are now, at one moment.
    pub(crate) fn snapshot(&self) -> BTreeMap<Arc<str>, TableState> {
        self.read().tables.clone()
    }

    /// All tables at the moment from which a listener is told of rows.
    pub(crate) fn follow(&self, listener: Listener) -> BTreeMap<Arc<str>, TableState> {
        let mut inner = self.write();
        inner.listeners.push(listener);
        inner.tables.clone()
    }

    pub(crate) fn get(&self, name: &str) -> Option<TableState> {
        self.read().tables.get(name).cloned()
    }

    /// The files of a table.
    pub(crate) fn files(&self, name: &str) -> Option<Arc<Vec<Arc<DataFile>>>> {
        Some(Arc::clone(&self.read().tables.get(name)?.files))
    }

    /// The position of a table's last row that is in no file.
    pub(crate) fn last_position(&self, name: &str) -> Option<Position> {
        self.read().tables.get(name)?.chunks.last().map(|chunk| chunk.position)
    }

    pub(crate) fn schema(&self, name: &str) -> Option<TableSchema> {
        self.read().tables.get(name).map(|table| table.schema.clone())
    }

    /// Bytes of a table's rows that are in no file.
    pub(crate) fn bytes_of(&self, name: &str) -> usize {
        self.read().tables.get(name).map_or(0, |table| table.bytes)
    }

    /// How far a source is in a table, as far as that is known without its files.
    pub(crate) fn mark(&self, name: &str, source: &str) -> Option<i64> {
        self.read().tables.get(name)?.marks.get(source).copied()
    }

    /// Says how far a source is, as the table's log does.
    pub(crate) fn learn(&self, name: &str, source: &str, offset: i64) {
        if let Some(table) = self.write().tables.get_mut(name) {
            table.marks.insert(source.into(), offset);
        }
    }

    pub(crate) fn names(&self) -> Vec<Arc<str>> {
        self.read().tables.keys().cloned().collect()
    }

    /// Adds a table or puts another state in its place.
    pub(crate) fn put(&self, state: TableState) {
        let mut inner = self.write();
        let (name, added) = (Arc::clone(state.schema.name()), state.bytes);
        let before = inner.tables.insert(name, state).map_or(0, |old| old.bytes);
        inner.bytes = inner.bytes.saturating_sub(before) + added;
    }

    /// Gives a table further columns.
    pub(crate) fn widen(&self, schema: TableSchema) {
        let mut inner = self.write();
        let name = Arc::clone(schema.name());
        match inner.tables.get_mut(&name) {
            Some(table) => table.schema = schema,
            None => {
                inner.tables.insert(name, TableState::new(schema));
            }
        }
    }

    /// Makes a record visible. A table of which nobody knows was removed while the record was on its way.
    pub(crate) fn publish(&self, position: Position, record: Record) {
        let mut inner = self.write();
        let name = Arc::clone(&record.table);
        let chunk = Chunk::new(position, record);
        let bytes = chunk.bytes;
        if !inner.tables.contains_key(&name)
            && let Some(schema) = TableSchema::declared(&name)
        {
            inner.tables.insert(Arc::clone(&name), TableState::new(schema));
        }
        if inner.dropped.has(&name, position) {
            return;
        }
        let Inner { tables, listeners, bytes: all, .. } = &mut *inner;
        let Some(table) = tables.get_mut(&name) else { return };
        if let Some(mark) = &chunk.mark {
            table.reach(mark);
        }
        if position > table.flushed {
            let chunk = Arc::new(chunk);
            listeners.retain(|listener| listener.tell(table, &chunk));
            table.chunks.push(chunk);
            table.bytes += bytes;
            *all += bytes;
        }
    }

    /// The rows up to a position are in files now.
    pub(crate) fn flushed(&self, name: &str, position: Position, files: Arc<Vec<Arc<DataFile>>>) {
        let mut inner = self.write();
        let Some(table) = inner.tables.get_mut(name) else { return };
        let before = table.bytes;
        table.chunks.retain(|chunk| chunk.position > position);
        table.bytes = table.chunks.iter().map(|chunk| chunk.bytes).sum();
        table.flushed = table.flushed.max(position);
        table.files = files;
        let after = table.bytes;
        inner.bytes = inner.bytes.saturating_sub(before) + after;
    }

    /// Other files hold the same rows now, or fewer.
    pub(crate) fn replaced(&self, name: &str, files: Arc<Vec<Arc<DataFile>>>) {
        if let Some(table) = self.write().tables.get_mut(name) {
            table.files = files;
        }
    }

    /// Says which tables were removed, before the log is read.
    pub(crate) fn forget_dropped(&self, dropped: Dropped) {
        self.write().dropped = dropped;
    }

    /// The last position of the log that tables know, whether they are here or were removed.
    pub(crate) fn last_known(&self) -> Position {
        let inner = self.read();
        let flushed = inner.tables.values().map(|table| table.flushed).max().unwrap_or(0);
        flushed.max(inner.dropped.last())
    }

    /// Which tables were removed.
    pub(crate) fn dropped(&self) -> Dropped {
        self.read().dropped.clone()
    }

    /// Takes a table away, with the id of its files; gives what it was, and which tables were removed now.
    pub(crate) fn remove(&self, name: &str, id: Option<String>) -> Option<(TableState, Dropped)> {
        let mut inner = self.write();
        let state = inner.tables.remove(name)?;
        inner.bytes = inner.bytes.saturating_sub(state.bytes);
        let last = state.chunks.last().map_or(0, |chunk| chunk.position).max(state.flushed);
        inner.dropped.add(name, last, id);
        Some((state, inner.dropped.clone()))
    }

    /// Brings a table back that could not be removed, before the rows that came meanwhile.
    pub(crate) fn restore(&self, mut state: TableState, dropped: Dropped) {
        let mut inner = self.write();
        let name = Arc::clone(state.schema.name());
        if let Some(since) = inner.tables.remove(&name) {
            inner.bytes = inner.bytes.saturating_sub(since.bytes);
            state.bytes += since.bytes;
            state.chunks.extend(since.chunks);
        }
        inner.bytes += state.bytes;
        inner.tables.insert(name, state);
        inner.dropped = dropped;
    }

    /// How long rows of a table are kept.
    pub(crate) fn retention(&self, name: &str) -> Retention {
        self.read().tables.get(name).map_or(Retention::Default, |table| table.retention)
    }

    /// Says how long rows of a table are kept.
    pub(crate) fn keep_for(&self, name: &str, retention: Retention) {
        if let Some(table) = self.write().tables.get_mut(name) {
            table.retention = retention;
        }
    }

    /// The position before which no record is needed any more, given the next one.
    pub(crate) fn needed_from(&self, next: Position) -> Position {
        let inner = self.read();
        let first =
            inner.tables.values().filter_map(|table| table.chunks.first()).map(|chunk| chunk.position);
        first.min().unwrap_or(next)
    }
}

//! What tables hold at a moment: rows that are in the log alone, and files.

use std::collections::BTreeMap;
use std::sync::{Arc, RwLock};

use datafusion::arrow::array::AsArray;
use datafusion::arrow::compute::{max, min};
use datafusion::arrow::datatypes::TimestampMicrosecondType;
use datafusion::arrow::record_batch::RecordBatch;

use crate::delta::DataFile;
use crate::log::{Position, Record};
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
            batch: record.batch,
        }
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
}

impl TableState {
    pub(crate) fn new(schema: TableSchema) -> TableState {
        TableState { schema, chunks: Vec::new(), files: Arc::default(), flushed: 0, bytes: 0 }
    }

    /// Takes the files of a table, of which rows up to a position are in.
    pub(crate) fn with_files(mut self, files: Vec<Arc<DataFile>>, flushed: Position) -> TableState {
        self.chunks.retain(|chunk| chunk.position > flushed);
        self.bytes = self.chunks.iter().map(|chunk| chunk.bytes).sum();
        self.files = Arc::new(files);
        self.flushed = flushed;
        self
    }

    /// Rows in memory and in files.
    pub(crate) fn rows(&self) -> u64 {
        let rows = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
        let in_memory: u64 = self.chunks.iter().map(|chunk| rows(chunk.batch.num_rows())).sum();
        in_memory + self.files.iter().map(|file| file.rows).sum::<u64>()
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

    pub(crate) fn get(&self, name: &str) -> Option<TableState> {
        self.read().tables.get(name).cloned()
    }

    pub(crate) fn schema(&self, name: &str) -> Option<TableSchema> {
        self.read().tables.get(name).map(|table| table.schema.clone())
    }

    /// Bytes of a table's rows that are in no file.
    pub(crate) fn bytes_of(&self, name: &str) -> usize {
        self.read().tables.get(name).map_or(0, |table| table.bytes)
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
        let chunk = Chunk::new(position, record.clone());
        let bytes = chunk.bytes;
        let known = inner.tables.contains_key(&record.table);
        if !known && let Some(schema) = TableSchema::declared(&record.table) {
            inner.tables.insert(Arc::clone(&record.table), TableState::new(schema));
        }
        if let Some(table) = inner.tables.get_mut(&record.table)
            && position > table.flushed
        {
            table.chunks.push(Arc::new(chunk));
            table.bytes += bytes;
            inner.bytes += bytes;
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

    /// The position before which no record is needed any more, given the next one.
    pub(crate) fn needed_from(&self, next: Position) -> Position {
        let inner = self.read();
        let first =
            inner.tables.values().filter_map(|table| table.chunks.first()).map(|chunk| chunk.position);
        first.min().unwrap_or(next)
    }
}

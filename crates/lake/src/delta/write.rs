//! Rows into files.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::Path;
use std::sync::Arc;

use datafusion::arrow::array::AsArray;
use datafusion::arrow::compute::{SortOptions, concat_batches, sort_to_indices, take_record_batch};
use datafusion::arrow::datatypes::{Field, Schema, SchemaRef, TimestampMicrosecondType};
use datafusion::arrow::record_batch::RecordBatch;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::{EnabledStatistics, WriterProperties};

use super::files::DataFile;
use super::stats::Stats;
use super::{DAY, MICROS_OF_DAY, day_of};
use crate::Error;
use crate::disk::{Disk, Output};
use crate::memory::Chunk;
use crate::schema::{RECEIVED, TIME, TableSchema};
use crate::terms;

/// Rows of a row group: what is opened or left closed as a whole.
const GROUP: usize = 64 << 10;
/// Rows of a page: what is skipped within a row group.
const PAGE: usize = 8 << 10;

/// The columns that rows have, with those that the lake says itself, in the order of the table.
pub(crate) fn columns_of(schema: &TableSchema, chunks: &[Arc<Chunk>]) -> SchemaRef {
    let present: BTreeSet<String> = chunks
        .iter()
        .flat_map(|chunk| {
            chunk.batch.schema().fields().iter().map(|field| field.name().clone()).collect::<Vec<_>>()
        })
        .collect();
    let own = ["Type", "TenantId", "_IsBillable", RECEIVED, TIME];
    let all = schema.arrow().fields().iter();
    let fields: Vec<Arc<Field>> = all
        .filter(|field| present.contains(field.name()) || own.contains(&field.name().as_str()))
        .cloned()
        .collect();
    Arc::new(Schema::new(fields))
}

/// The rows of chunks, sorted by time and taken apart by day.
///
/// Errors: chunks whose columns do not fit the table.
pub(crate) fn chunks_by_day(
    schema: &TableSchema,
    tenant: &str,
    chunks: &[Arc<Chunk>],
) -> Result<BTreeMap<String, RecordBatch>, Error> {
    let failed = || Error::arrow::<datafusion::arrow::error::ArrowError>("sorting rows");
    let columns = columns_of(schema, chunks);
    let whole = chunks.iter().map(|chunk| chunk.completed(&columns, schema.name(), tenant));
    let whole = whole.collect::<Result<Vec<_>, _>>().map_err(failed())?;
    let all = concat_batches(&columns, &whole).map_err(failed())?;
    drop(whole);
    let Some(times) = all.column_by_name(TIME) else { return Ok(BTreeMap::new()) };
    let ascending = SortOptions { descending: false, nulls_first: true };
    let order = sort_to_indices(times, Some(ascending), None).map_err(failed())?;
    let sorted = take_record_batch(&all, &order).map_err(failed())?;
    drop(all);
    Ok(by_day(&sorted))
}

fn by_day(sorted: &RecordBatch) -> BTreeMap<String, RecordBatch> {
    let mut days = BTreeMap::new();
    let times =
        sorted.column_by_name(TIME).and_then(|times| times.as_primitive_opt::<TimestampMicrosecondType>());
    let Some(times) = times else { return days };
    let mut start = 0;
    while start < times.len() {
        let day = times.value(start).div_euclid(MICROS_OF_DAY);
        let rest = times.values().get(start..).unwrap_or_default();
        let length = rest.partition_point(|time| time.div_euclid(MICROS_OF_DAY) <= day).max(1);
        days.insert(day_of(times.value(start)), sorted.slice(start, length));
        start += length;
    }
    days
}

/// An output as [`io::Write`].
#[derive(Debug)]
struct Sink {
    output: Box<dyn Output>,
    buffer: Vec<u8>,
}

/// Bytes that are gathered before they are written.
const BUFFER: usize = 1 << 20;

impl io::Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.buffer.extend_from_slice(bytes);
        if self.buffer.len() >= BUFFER {
            self.flush()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.output.write_all(&self.buffer)?;
        self.buffer.clear();
        Ok(())
    }
}

/// Writes one file of rows of one day that are sorted by time.
#[derive(Debug)]
pub(crate) struct FileWriter {
    disk: Arc<dyn Disk>,
    folder: std::path::PathBuf,
    file: DataFile,
    writer: ArrowWriter<Sink>,
    stats: Stats,
    terms: terms::Builder,
    in_group: usize,
}

impl FileWriter {
    /// Errors: the file cannot be made.
    pub(crate) fn new(
        disk: Arc<dyn Disk>,
        table: &Path,
        day: &str,
        schema: &SchemaRef,
        now: i64,
    ) -> Result<FileWriter, Error> {
        let relative = format!("{DAY}={day}/part-{}.parquet", uuid::Uuid::now_v7().simple());
        let path = table.join(&relative);
        let parent = path.parent().unwrap_or(table);
        disk.create_folder(parent).map_err(Error::storage("making the folder of a day", parent))?;
        let output = disk.create(&path).map_err(Error::storage("making a file of rows", &path))?;
        let properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(ZstdLevel::try_new(3).unwrap_or_default()))
            .set_max_row_group_row_count(Some(GROUP))
            .set_data_page_row_count_limit(PAGE)
            .set_statistics_enabled(EnabledStatistics::Chunk)
            .set_column_statistics_enabled(TIME.into(), EnabledStatistics::Page)
            .set_statistics_truncate_length(Some(32))
            .set_created_by("castellan".to_owned())
            .build();
        let sink = Sink { output, buffer: Vec::with_capacity(BUFFER) };
        let writer = ArrowWriter::try_new(sink, Arc::clone(schema), Some(properties));
        let file = DataFile {
            path: relative,
            size: 0,
            rows: 0,
            day: day.to_owned(),
            times: (i64::MAX, i64::MIN),
            received: (i64::MAX, i64::MIN),
            written: now,
            stats: String::new(),
        };
        Ok(FileWriter {
            disk,
            folder: table.to_owned(),
            file,
            writer: writer.map_err(Error::arrow("beginning a file of rows"))?,
            stats: Stats::default(),
            terms: terms::Builder::default(),
            in_group: 0,
        })
    }

    /// Appends rows.
    ///
    /// Errors: the disk does not take them.
    pub(crate) fn push(&mut self, batch: &RecordBatch) -> Result<(), Error> {
        let mut start = 0;
        while start < batch.num_rows() {
            let length = (GROUP - self.in_group).min(batch.num_rows() - start);
            let part = batch.slice(start, length);
            self.writer.write(&part).map_err(Error::arrow("writing rows to a file"))?;
            self.terms.add(&part);
            self.stats.add(&part);
            widen(&mut self.file.times, &part, TIME);
            widen(&mut self.file.received, &part, RECEIVED);
            self.in_group += length;
            start += length;
            if self.in_group == GROUP {
                self.end_group()?;
            }
        }
        Ok(())
    }

    fn end_group(&mut self) -> Result<(), Error> {
        self.writer.flush().map_err(Error::arrow("writing rows to a file"))?;
        self.terms.end_group();
        self.in_group = 0;
        Ok(())
    }

    /// Ends the file, which would survive a loss of power then. No commit names it yet.
    ///
    /// Errors: the disk does not take it.
    pub(crate) fn finish(mut self) -> Result<DataFile, Error> {
        if self.in_group > 0 {
            self.end_group()?;
        }
        let path = self.folder.join(&self.file.path);
        let mut sink = self.writer.into_inner().map_err(Error::arrow("ending a file of rows"))?;
        let synced = io::Write::flush(&mut sink).and_then(|()| sink.output.sync());
        drop(sink);
        let parent = path.parent().unwrap_or(&self.folder);
        let synced = synced.and_then(|()| self.disk.sync_folder(parent));
        let synced = synced.and_then(|()| self.disk.sync_folder(&self.folder));
        synced.map_err(Error::storage("syncing a file of rows", &path))?;
        self.file.size =
            self.disk.size(&path).map_err(Error::storage("reading the size of a file", &path))?;
        self.file.rows = self.stats.rows();
        self.file.stats = self.stats.finish();
        let terms = self.folder.join(self.file.terms_path());
        // Filters only make searches quicker: without them the file is read.
        if let Some(parent) = terms.parent() {
            let _ = self.disk.create_folder(parent);
        }
        let _ = crate::disk::replace(self.disk.as_ref(), &terms, &self.terms.finish());
        Ok(self.file)
    }
}

fn widen(range: &mut (i64, i64), batch: &RecordBatch, column: &str) {
    let times =
        batch.column_by_name(column).and_then(|times| times.as_primitive_opt::<TimestampMicrosecondType>());
    if let Some(times) = times
        && let (Some(first), Some(last)) =
            (datafusion::arrow::compute::min(times), datafusion::arrow::compute::max(times))
    {
        *range = (range.0.min(first), range.1.max(last));
    }
}

/// Writes rows of one day that are sorted by time to a file.
///
/// Errors: the disk does not take them.
pub(crate) fn write_day(
    disk: &Arc<dyn Disk>,
    table: &Path,
    day: &str,
    rows: &RecordBatch,
    now: i64,
) -> Result<DataFile, Error> {
    let mut writer = FileWriter::new(Arc::clone(disk), table, day, &rows.schema(), now)?;
    writer.push(rows)?;
    writer.finish()
}

//! Rows into a file.

use std::io;
use std::path::Path;
use std::sync::Arc;

use datafusion::arrow::array::AsArray;
use datafusion::arrow::datatypes::{SchemaRef, TimestampMicrosecondType};
use datafusion::arrow::record_batch::RecordBatch;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::{EnabledStatistics, WriterProperties};

use super::DAY;
use super::files::DataFile;
use super::stats::Stats;
use crate::Error;
use crate::disk::{Disk, Output};
use crate::schema::{RECEIVED, TIME};
use crate::terms;

/// Rows of a row group: what is opened or left closed as a whole.
pub(super) const GROUP: usize = 64 << 10;
/// Rows of a page: what is skipped within a row group.
const PAGE: usize = 8 << 10;

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

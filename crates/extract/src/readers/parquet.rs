//! Parquet: row group by row group, column by column, so that no more than one column's chunk is in memory.
//!
//! The `parquet` crate reads pages; what a page claims to expand to is checked before it sees the page.

use std::io::{Cursor, Read, Seek, SeekFrom};
use std::sync::Arc;

use arrow_schema::{DataType, Field, Fields, Schema};
use bytes::Bytes;
use flate2::read::MultiGzDecoder;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder,
};
use parquet::basic::Compression;
use parquet::errors::ParquetError;
use parquet::file::metadata::{ColumnChunkMetaData, ParquetMetaData, ParquetMetaDataReader};
use parquet::file::reader::{ChunkReader, Length};

use super::cells::{self, Column};
use super::thrift;
use crate::input::{Input, Source};
use crate::location::Place;
use crate::outcome::{Limit, Reason};
use crate::walk::{Fault, Step, Walk};

/// Levels of a schema; the `parquet` crate recurses into it.
const DEEPEST: usize = 64;
/// Rows decoded at once.
const BATCH: usize = 1024;

pub(super) fn read(input: Input<'_>, walk: &mut Walk<'_>) -> Step {
    let mut source = input.into_seekable(walk)?;
    let metadata = Arc::new(footer(&mut source, walk)?);
    file_metadata(&metadata, walk)?;
    let options = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
    let inferred = ArrowReaderMetadata::try_new(Arc::clone(&metadata), options).map_err(Fault::corrupt)?;
    let schema = Arc::new(viewed(inferred.schema()));
    let options = ArrowReaderOptions::new().with_schema(Arc::clone(&schema));
    let arrow = ArrowReaderMetadata::try_new(Arc::clone(&metadata), options).map_err(Fault::corrupt)?;
    let mut before = 0;
    for group in 0..metadata.num_row_groups() {
        let rows = u64::try_from(metadata.row_group(group).num_rows()).map_err(Fault::corrupt)?;
        for (at, field) in schema.fields().iter().enumerate() {
            let number = u32::try_from(at).unwrap_or(u32::MAX).saturating_add(1);
            let column = Column { number, name: field.name().as_str().into(), before };
            let place =
                Place::Cell { table: None, row: before + 1, column: number, name: Some(column.name.clone()) };
            if !cells::is_read(field.data_type()) {
                if !cells::is_mute(field.data_type()) {
                    walk.skip(place, Reason::Unsupported("type of Parquet column"), None);
                }
                continue;
            }
            let chunks = Chunks { group, root: at, metadata: &metadata };
            let result = chunks
                .load(&mut source, walk)
                .and_then(|held| chunks.give(held, arrow.clone(), &column, walk));
            match result {
                Err(Fault::Failed(reason)) => walk.skip(place, reason, Some(chunks.size())),
                other => other?,
            }
        }
        before = before.saturating_add(rows);
        walk.count_rows(rows);
    }
    Ok(())
}

/// Reads the metadata at the end of the file.
fn footer(source: &mut Box<dyn Source + '_>, walk: &Walk<'_>) -> Step<ParquetMetaData> {
    let size = source.seek(SeekFrom::End(0))?;
    let mut tail = Vec::new();
    source.seek(SeekFrom::Start(size.saturating_sub(8)))?;
    source.by_ref().take(8).read_to_end(&mut tail)?;
    let length =
        tail.get(..4).and_then(|four| four.try_into().ok()).map(u32::from_le_bytes).unwrap_or_default();
    match tail.get(4..) {
        Some(b"PAR1") => {}
        Some(b"PARE") => return Err(Fault::Failed(Reason::Encrypted)),
        _ => return Err(Fault::Failed(Reason::Truncated)),
    }
    if length as usize > walk.limits.memory / 4 {
        return Err(Fault::too_large());
    }
    let start =
        size.checked_sub(8 + u64::from(length)).ok_or_else(|| Fault::corrupt("the footer is too long"))?;
    source.seek(SeekFrom::Start(start))?;
    let mut bytes = Vec::new();
    source.by_ref().take(length.into()).read_to_end(&mut bytes)?;
    let depth = thrift::schema_depth(&bytes).ok_or_else(|| Fault::corrupt("the metadata is broken"))?;
    if depth > DEEPEST {
        return Err(Fault::Failed(Reason::TooLarge(Limit::Nesting)));
    }
    ParquetMetaDataReader::decode_metadata(&bytes).map_err(Fault::corrupt)
}

fn file_metadata(metadata: &ParquetMetaData, walk: &mut Walk<'_>) -> Step {
    let file = metadata.file_metadata();
    if let Some(writer) = file.created_by() {
        walk.text(Place::field("created by"), writer)?;
    }
    for pair in file.key_value_metadata().into_iter().flatten() {
        // The schema of Arrow, in base64, says again what the file's own does.
        if pair.key != "ARROW:schema" {
            walk.text(Place::field(&pair.key), pair.value.as_deref().unwrap_or_default())?;
        }
    }
    for field in file.schema_descr().root_schema().get_fields() {
        walk.text(Place::field("column name"), field.name())?;
    }
    Ok(())
}

/// The schema with views in place of strings and binary: many rows that share a long value share its bytes.
fn viewed(schema: &Schema) -> Schema {
    Schema::new(schema.fields().iter().map(|field| viewed_field(field)).collect::<Vec<_>>())
}

fn viewed_field(field: &Field) -> Field {
    let again = |field: &Arc<Field>| Arc::new(viewed_field(field));
    let kind = match field.data_type() {
        DataType::Utf8 => DataType::Utf8View,
        DataType::Binary => DataType::BinaryView,
        DataType::List(inner) => DataType::List(again(inner)),
        DataType::LargeList(inner) => DataType::LargeList(again(inner)),
        DataType::Map(inner, is_sorted) => DataType::Map(again(inner), *is_sorted),
        DataType::Struct(fields) => DataType::Struct(fields.iter().map(again).collect::<Fields>()),
        other => other.clone(),
    };
    field.clone().with_data_type(kind)
}

/// The chunks of one column, nested ones with all their leaves, in one row group.
struct Chunks<'m> {
    group: usize,
    root: usize,
    metadata: &'m ParquetMetaData,
}

impl Chunks<'_> {
    fn columns(&self) -> impl Iterator<Item = &ColumnChunkMetaData> {
        let schema = self.metadata.file_metadata().schema_descr();
        let columns = self.metadata.row_group(self.group).columns().iter().enumerate();
        columns.filter(|(leaf, _)| schema.get_column_root_idx(*leaf) == self.root).map(|(_, column)| column)
    }

    fn size(&self) -> u64 {
        self.columns().map(|column| u64::try_from(column.compressed_size()).unwrap_or(0)).sum()
    }

    /// Reads the chunks' bytes, after a look at every page's header.
    fn load(&self, source: &mut Box<dyn Source + '_>, walk: &mut Walk<'_>) -> Step<Held> {
        let most = walk.limits.memory.saturating_mul(2) as u64;
        if self.size() > most {
            return Err(Fault::too_large());
        }
        let mut pieces = Vec::new();
        for column in self.columns() {
            // A nested column can claim more values than rows.
            if u64::try_from(column.num_values()).map_err(Fault::corrupt)? > most {
                return Err(Fault::Failed(Reason::TooLarge(Limit::Memory)));
            }
            let start = column.dictionary_page_offset().unwrap_or(column.data_page_offset());
            let start = u64::try_from(start.min(column.data_page_offset())).map_err(Fault::corrupt)?;
            let length = u64::try_from(column.compressed_size()).map_err(Fault::corrupt)?;
            source.seek(SeekFrom::Start(start))?;
            let mut bytes = Vec::new();
            source.by_ref().take(length).read_to_end(&mut bytes)?;
            check_pages(&bytes, column.compression(), walk)?;
            pieces.push((start, Bytes::from(bytes)));
        }
        Ok(Held { pieces })
    }

    fn give(&self, held: Held, arrow: ArrowReaderMetadata, column: &Column, walk: &mut Walk<'_>) -> Step {
        let mask = ProjectionMask::roots(self.metadata.file_metadata().schema_descr(), [self.root]);
        let reader = ParquetRecordBatchReaderBuilder::new_with_metadata(held, arrow)
            .with_projection(mask)
            .with_row_groups(vec![self.group])
            .with_batch_size(BATCH)
            .build()
            .map_err(|error| fault(&error))?;
        let mut column = column.clone();
        for batch in reader {
            let batch = batch.map_err(|error| fault(&error))?;
            for array in batch.columns() {
                cells::column(array, &column, walk)?;
            }
            column.before += batch.num_rows() as u64;
        }
        Ok(())
    }
}

fn fault(error: &dyn std::fmt::Display) -> Fault {
    // A codec that is not compiled in says so in words alone.
    if error.to_string().contains("Disabled feature") {
        return Fault::unsupported("codec of Parquet");
    }
    Fault::corrupt(error)
}

/// Walks over the pages of a chunk and refuses what would expand too far.
fn check_pages(chunk: &[u8], codec: Compression, walk: &mut Walk<'_>) -> Step {
    if matches!(codec, Compression::BROTLI(_) | Compression::LZ4 | Compression::LZO) {
        // Their decoders expand without regard to what the page promises.
        return Err(Fault::unsupported("codec of Parquet"));
    }
    let mut rest = chunk;
    while !rest.is_empty() {
        let page = thrift::page(rest).ok_or_else(|| Fault::corrupt("the header of a page is broken"))?;
        let after = rest.get(page.header..).unwrap_or_default();
        let body = after.get(..page.compressed).ok_or(Fault::Failed(Reason::Truncated))?;
        if page.expanded > walk.limits.memory {
            return Err(Fault::too_large());
        }
        if matches!(codec, Compression::GZIP(_)) {
            let decoder = MultiGzDecoder::new(body);
            let count = std::io::copy(&mut decoder.take(page.expanded as u64 + 1), &mut std::io::sink());
            if count.is_ok_and(|count| count > page.expanded as u64) {
                return Err(Fault::Failed(Reason::BombRatio));
            }
        }
        walk.expanded(page.expanded as u64)?;
        rest = after.get(page.compressed..).unwrap_or_default();
    }
    Ok(())
}

/// The bytes of the chunks at hand, under their places in the file.
struct Held {
    pieces: Vec<(u64, Bytes)>,
}

impl Held {
    fn from(&self, start: u64) -> Result<Bytes, ParquetError> {
        let found = self.pieces.iter().find_map(|(at, bytes)| {
            let from = usize::try_from(start.checked_sub(*at)?).ok()?;
            (from < bytes.len()).then(|| bytes.slice(from..))
        });
        found.ok_or_else(|| ParquetError::EOF("a page lies outside of its chunk".into()))
    }
}

impl Length for Held {
    fn len(&self) -> u64 {
        self.pieces.iter().map(|(at, bytes)| at + bytes.len() as u64).max().unwrap_or(0)
    }
}

impl ChunkReader for Held {
    type T = Cursor<Bytes>;

    fn get_read(&self, start: u64) -> Result<Self::T, ParquetError> {
        self.from(start).map(Cursor::new)
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes, ParquetError> {
        let bytes = self.from(start)?;
        if length > bytes.len() {
            return Err(ParquetError::EOF("a page lies outside of its chunk".into()));
        }
        Ok(bytes.slice(..length))
    }
}

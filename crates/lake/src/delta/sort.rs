//! Rows of memory into files: sorted by time, a file for each day.
//!
//! Only places are sorted; rows are copied a row group at a time while they are written, so that a flush takes little
//! memory beside the rows themselves.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use datafusion::arrow::array::AsArray;
use datafusion::arrow::compute::interleave_record_batch;
use datafusion::arrow::datatypes::{Field, Schema, SchemaRef, TimestampMicrosecondType};
use datafusion::arrow::error::ArrowError;
use datafusion::arrow::record_batch::RecordBatch;

use super::files::DataFile;
use super::write::{FileWriter, GROUP};
use super::{MICROS_OF_DAY, day_of};
use crate::Error;
use crate::disk::Disk;
use crate::memory::Chunk;
use crate::schema::{RECEIVED, TIME, TableSchema};

/// Where a row is: its time in microseconds since 1970, its batch, its place there.
type Place = (i64, u32, u32);

/// Where files of rows are written, and what they say of themselves.
pub(crate) struct Target<'t> {
    pub(crate) disk: &'t Arc<dyn Disk>,
    /// The folder of the table.
    pub(crate) folder: &'t Path,
    /// The id of the workspace.
    pub(crate) tenant: &'t str,
    /// Milliseconds since 1970.
    pub(crate) now: i64,
}

/// Writes the rows of chunks, sorted by time, to a file for each day. No commit names the files yet.
///
/// Errors: chunks whose columns do not fit the table, and a disk that does not take them.
pub(crate) fn write_by_day(
    schema: &TableSchema,
    chunks: &[Arc<Chunk>],
    target: &Target<'_>,
) -> Result<Vec<DataFile>, Error> {
    let columns = columns_of(schema, chunks);
    let batches = chunks.iter().map(|chunk| chunk.completed(&columns, schema.name(), target.tenant));
    let batches = batches.collect::<Result<Vec<_>, ArrowError>>().map_err(Error::arrow("sorting rows"))?;
    let batches: Vec<&RecordBatch> = batches.iter().collect();
    let mut written = Vec::new();
    for day in sorted(&batches).chunk_by(|one, other| day_number(one) == day_number(other)) {
        written.push(write_day(&columns, &batches, day, target)?);
    }
    Ok(written)
}

/// The columns that rows have, with those that the lake says itself, in the order of the table.
fn columns_of(schema: &TableSchema, chunks: &[Arc<Chunk>]) -> SchemaRef {
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

/// The places of all rows by time; rows of one time stay in their order.
fn sorted(batches: &[&RecordBatch]) -> Vec<Place> {
    let mut places = Vec::with_capacity(batches.iter().map(|batch| batch.num_rows()).sum());
    for (batch, number) in batches.iter().zip(0..) {
        let times = batch.column_by_name(TIME);
        let times = times.and_then(|times| times.as_primitive_opt::<TimestampMicrosecondType>());
        let Some(times) = times else { continue };
        places.extend(times.values().iter().zip(0..).map(|(time, row)| (*time, number, row)));
    }
    places.sort_unstable();
    places
}

fn day_number(place: &Place) -> i64 {
    place.0.div_euclid(MICROS_OF_DAY)
}

fn write_day(
    columns: &SchemaRef,
    batches: &[&RecordBatch],
    places: &[Place],
    target: &Target<'_>,
) -> Result<DataFile, Error> {
    let day = day_of(places.first().map_or(0, |place| place.0));
    let mut writer = FileWriter::new(Arc::clone(target.disk), target.folder, &day, columns, target.now)?;
    let index = |number: u32| usize::try_from(number).unwrap_or(usize::MAX);
    for group in places.chunks(GROUP) {
        let indices: Vec<(usize, usize)> =
            group.iter().map(|(_, batch, row)| (index(*batch), index(*row))).collect();
        let rows = interleave_record_batch(batches, &indices).map_err(Error::arrow("sorting rows"))?;
        writer.push(&rows)?;
    }
    writer.finish()
}

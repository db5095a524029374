//! Rows of files, to be written to other files.

use std::sync::Arc;

use castellan_query::parquet::arrow::arrow_reader::ArrowReaderMetadata;
use datafusion::arrow::compute::SortOptions;
use datafusion::arrow::datatypes::{Schema, SchemaRef};
use datafusion::execution::SendableRecordBatchStream;
use datafusion::physical_expr::expressions::col;
use datafusion::physical_expr::{LexOrdering, PhysicalSortExpr};
use datafusion::physical_plan::sorts::sort_preserving_merge::SortPreservingMergeExec;
use datafusion::physical_plan::{ExecutionPlan, execute_stream};
use datafusion::prelude::{SessionConfig, SessionContext};

use crate::Error;
use crate::delta::{DataFile, FileWriter};
use crate::scan::{How, Input, parquet};
use crate::schema::TIME;
use crate::shared::Shared;

/// Rows that are read at once.
const BATCH: usize = 4_096;

/// The rows of files of one day, sorted by time, with the columns that any of the files has.
///
/// Errors: files that cannot be read.
pub(super) fn sorted(
    shared: &Shared,
    name: &Arc<str>,
    files: &[Arc<DataFile>],
) -> Result<SendableRecordBatchStream, Error> {
    let folder = shared.table_folder(name);
    let failed = || Error::arrow::<datafusion::error::DataFusionError>("reading files");
    let schema = union(shared, name, files)?;
    let by_time = PhysicalSortExpr {
        expr: col(TIME, &schema).map_err(failed())?,
        options: SortOptions { descending: false, nulls_first: true },
    };
    let ordering = LexOrdering::new([by_time]);
    let how = How { schema: &schema, projection: None, limit: None, ordering: ordering.clone() };
    let lanes: Vec<Vec<Input>> = lanes(files).iter().map(|lane| lane.iter().map(whole).collect()).collect();
    let mut plan: Arc<dyn ExecutionPlan> = parquet(&folder, &lanes, &how).map_err(failed())?;
    if let Some(ordering) = ordering {
        plan = Arc::new(SortPreservingMergeExec::new(ordering, plan));
    }
    let context = SessionContext::new_with_config(SessionConfig::new().with_batch_size(BATCH));
    execute_stream(plan, context.task_ctx()).map_err(failed())
}

fn whole(file: &Arc<DataFile>) -> Input {
    Input { file: Arc::clone(file), groups: Vec::new() }
}

/// Files whose rows are read one file after the other. An open file takes some 50 MiB, its dictionaries above all, and
/// files that were written one after the other hardly overlap in time: only those that do are open together.
pub(super) fn lanes(files: &[Arc<DataFile>]) -> Vec<Vec<Arc<DataFile>>> {
    let mut files = files.to_vec();
    files.sort_by_key(|file| file.times);
    let mut lanes: Vec<Vec<Arc<DataFile>>> = Vec::new();
    for file in files {
        let is_over =
            |lane: &&mut Vec<Arc<DataFile>>| lane.last().is_none_or(|last| last.times.1 <= file.times.0);
        match lanes.iter_mut().find(is_over) {
            Some(lane) => lane.push(file),
            None => lanes.push(vec![file]),
        }
    }
    lanes
}

/// The columns that any of the files has, in the order of the table.
fn union(shared: &Shared, name: &Arc<str>, files: &[Arc<DataFile>]) -> Result<SchemaRef, Error> {
    let folder = shared.table_folder(name);
    let mut present: Vec<String> = Vec::new();
    for file in files {
        let path = folder.join(&file.path);
        let open = std::fs::File::open(&path).map_err(Error::storage("opening a file to read", &path))?;
        let metadata = ArrowReaderMetadata::load(&open, Default::default());
        let metadata = metadata.map_err(Error::arrow("reading a file"))?;
        for field in metadata.schema().fields() {
            if !present.contains(field.name()) {
                present.push(field.name().clone());
            }
        }
    }
    let table = shared.schema(name)?;
    let fields = table.arrow().fields().iter().filter(|field| present.contains(field.name()));
    Ok(Arc::new(Schema::new(fields.cloned().collect::<Vec<_>>())))
}

/// Does work on files on a thread of its own, with a runtime of its own: it takes long and would hold others up, and what
/// one thread allocates and frees goes back to the system, which it does not where batches go from thread to thread.
///
/// Errors: those of the work.
pub(super) async fn alone<T, W>(work: impl FnOnce() -> W + Send + 'static) -> Result<T, Error>
where
    T: Send + 'static,
    W: Future<Output = Result<T, Error>>,
{
    let done = tokio::task::spawn_blocking(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(Error::storage("starting a thread for files", "."))?;
        runtime.block_on(work())
    });
    done.await.map_err(|_| Error::Closed("the lake is being closed"))?
}

/// Begins a file of rows of a day.
///
/// Errors: the file cannot be made.
pub(super) fn begin(shared: &Shared, name: &str, day: &str, schema: &SchemaRef) -> Result<FileWriter, Error> {
    let (disk, folder) = (Arc::clone(&shared.options.disk), shared.table_folder(name));
    FileWriter::new(disk, &folder, day, schema, shared.now().div_euclid(1_000))
}

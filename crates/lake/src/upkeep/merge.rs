//! Small files to large ones.
//!
//! Flushes leave a file every few seconds. Files of a day are merged when enough of about the same size are there, so
//! each row is written again a few times only, whatever the number of files.

use std::collections::BTreeMap;
use std::sync::Arc;

use castellan_query::parquet::arrow::arrow_reader::ArrowReaderMetadata;
use datafusion::arrow::compute::SortOptions;
use datafusion::arrow::datatypes::{Schema, SchemaRef};
use datafusion::physical_expr::expressions::col;
use datafusion::physical_expr::{LexOrdering, PhysicalSortExpr};
use datafusion::physical_plan::sorts::sort_preserving_merge::SortPreservingMergeExec;
use datafusion::physical_plan::{ExecutionPlan, execute_stream};
use datafusion::prelude::{SessionConfig, SessionContext};
use futures_util::StreamExt as _;

use crate::Error;
use crate::delta::{DataFile, FileWriter};
use crate::lake::{Shared, now};
use crate::scan::{How, Input, parquet};
use crate::schema::TIME;

/// Files of one kind that are merged at once, at least.
const ENOUGH: usize = 8;
/// Files that are merged at once, at most: each is open then.
const MOST: usize = 64;
/// A file of so many bytes is large enough.
const LARGE: u64 = 128 << 20;
/// Each kind of size is so many times as large as the one before.
const FACTOR: u64 = 8;
/// The smallest kind, in bytes.
const SMALL: u64 = 1 << 20;

/// Merges where it is worth it.
pub(super) async fn merge_all(shared: &Arc<Shared>) -> Result<(), Error> {
    for name in shared.tables.names() {
        while let Some(chosen) = shared.tables.get(&name).and_then(|table| choose(&table.files)) {
            merge(shared, &name, &chosen).await?;
        }
    }
    Ok(())
}

/// Files of one day and about one size, when there are enough.
fn choose(files: &[Arc<DataFile>]) -> Option<Vec<Arc<DataFile>>> {
    let mut kinds: BTreeMap<(&str, u32), Vec<&Arc<DataFile>>> = BTreeMap::new();
    for file in files.iter().filter(|file| file.size < LARGE / 2) {
        kinds.entry((&file.day, kind(file.size))).or_default().push(file);
    }
    let mut chosen = kinds.into_values().find(|files| files.len() >= ENOUGH)?;
    chosen.sort_by_key(|file| file.times);
    let mut size = 0;
    let chosen = chosen.into_iter().take(MOST).take_while(|file| {
        let fits = size < LARGE;
        size += file.size;
        fits
    });
    Some(chosen.cloned().collect())
}

fn kind(size: u64) -> u32 {
    let (mut kind, mut limit) = (0, SMALL);
    while size > limit {
        kind += 1;
        limit *= FACTOR;
    }
    kind
}

async fn merge(shared: &Arc<Shared>, name: &Arc<str>, chosen: &[Arc<DataFile>]) -> Result<(), Error> {
    let folder = shared.table_folder(name);
    let failed = || Error::arrow::<datafusion::error::DataFusionError>("merging files");
    let schema = union(shared, name, chosen)?;
    let inputs: Vec<Input> =
        chosen.iter().map(|file| Input { file: Arc::clone(file), groups: Vec::new() }).collect();
    let by_time = PhysicalSortExpr {
        expr: col(TIME, &schema).map_err(failed())?,
        options: SortOptions { descending: false, nulls_first: true },
    };
    let ordering = LexOrdering::new([by_time]);
    let how = How {
        schema: &schema,
        projection: None,
        limit: None,
        parts: inputs.len(),
        ordering: ordering.clone(),
    };
    let mut plan: Arc<dyn ExecutionPlan> = parquet(&folder, &inputs, &how).map_err(failed())?;
    if let Some(ordering) = ordering {
        plan = Arc::new(SortPreservingMergeExec::new(ordering, plan));
    }
    let context = SessionContext::new_with_config(SessionConfig::new().with_batch_size(4_096));
    let mut rows = execute_stream(plan, context.task_ctx()).map_err(failed())?;
    let day = chosen.first().map(|file| file.day.clone()).unwrap_or_default();
    let millis = now().div_euclid(1_000);
    let mut writer = FileWriter::new(Arc::clone(&shared.options.disk), &folder, &day, &schema, millis)?;
    while let Some(batch) = rows.next().await {
        let batch = batch.map_err(failed())?;
        // Packing takes long; others are to be served meanwhile.
        writer = tokio::task::spawn_blocking(move || writer.push(&batch).map(|()| writer))
            .await
            .map_err(|_| Error::Closed("the lake is being closed"))??;
    }
    let written = tokio::task::spawn_blocking(move || writer.finish());
    let written = written.await.map_err(|_| Error::Closed("the lake is being closed"))??;
    let slot = shared.slot(name);
    let mut files = slot.lock().await;
    let Some(open) = files.as_mut() else { return Ok(()) };
    let replaced = open.replace(chosen, &[written], millis).await;
    match replaced {
        Ok(()) => shared.tables.replaced(name, Arc::new(open.files()?)),
        Err(error) => {
            super::flush::reopen(shared, name, &mut files).await?;
            return Err(error);
        }
    }
    Ok(())
}

/// The columns that any of the files has, in the order of the table.
fn union(shared: &Shared, name: &Arc<str>, chosen: &[Arc<DataFile>]) -> Result<SchemaRef, Error> {
    let folder = shared.table_folder(name);
    let mut present: Vec<String> = Vec::new();
    for file in chosen {
        let path = folder.join(&file.path);
        let open = std::fs::File::open(&path).map_err(Error::storage("opening a file to merge", &path))?;
        let metadata = ArrowReaderMetadata::load(&open, Default::default());
        let metadata = metadata.map_err(Error::arrow("reading a file to merge"))?;
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

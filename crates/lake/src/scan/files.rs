//! Scans of files.

use std::path::Path;
use std::sync::Arc;

use datafusion::arrow::datatypes::SchemaRef;
use datafusion::common::Result;
use datafusion::common::exec_datafusion_err;
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::physical_plan::parquet::ParquetAccessPlan;
use datafusion::datasource::physical_plan::{FileGroup, FileScanConfigBuilder, ParquetSource};
use datafusion::datasource::source::DataSourceExec;
use datafusion::execution::object_store::ObjectStoreUrl;
use datafusion::physical_expr::LexOrdering;
use datafusion::physical_plan::ExecutionPlan;

use crate::delta::DataFile;

/// A file that is read, or some of its row groups.
#[derive(Debug)]
pub(crate) struct Input {
    pub(crate) file: Arc<DataFile>,
    /// Whether each row group is read; all are when there is nothing.
    pub(crate) groups: Vec<bool>,
}

/// How files are read.
pub(crate) struct How<'h> {
    /// The columns of the files; those that a file lacks are null.
    pub(crate) schema: &'h SchemaRef,
    /// The columns that are given, by their places.
    pub(crate) projection: Option<&'h Vec<usize>>,
    pub(crate) limit: Option<usize>,
    /// The order in which each lane gives its rows.
    pub(crate) ordering: Option<LexOrdering>,
}

/// Files in so many lanes, which are read at the same time; those of a lane one after the other.
pub(crate) fn spread(inputs: Vec<Input>, lanes: usize) -> Vec<Vec<Input>> {
    let mut spread: Vec<Vec<Input>> = Vec::new();
    spread.resize_with(lanes.clamp(1, inputs.len().max(1)), Vec::new);
    let count = spread.len();
    for (at, input) in inputs.into_iter().enumerate() {
        if let Some(lane) = spread.get_mut(at % count) {
            lane.push(input);
        }
    }
    spread
}

/// A scan of files in a table's folder.
///
/// Errors: a folder that has no absolute path.
pub(crate) fn parquet(folder: &Path, lanes: &[Vec<Input>], how: &How<'_>) -> Result<Arc<dyn ExecutionPlan>> {
    let lane = |inputs: &Vec<Input>| inputs.iter().map(|input| partitioned(folder, input)).collect();
    let groups = lanes.iter().map(lane).collect::<Result<Vec<Vec<PartitionedFile>>>>()?;
    let source = Arc::new(ParquetSource::new(Arc::clone(how.schema)));
    let mut builder = FileScanConfigBuilder::new(ObjectStoreUrl::local_filesystem(), source)
        .with_file_groups(groups.into_iter().map(FileGroup::new).collect())
        .with_projection_indices(how.projection.cloned())?
        .with_limit(how.limit);
    if let Some(ordering) = &how.ordering {
        builder = builder.with_output_ordering(vec![ordering.clone()]);
    }
    Ok(DataSourceExec::from_data_source(builder.build()))
}

fn partitioned(folder: &Path, input: &Input) -> Result<PartitionedFile> {
    let path = folder.join(&input.file.path);
    // Object stores name files from the root, without the first slash.
    let path = datafusion::object_store::path::Path::from_absolute_path(&path)
        .map_err(|error| exec_datafusion_err!("{}: {error}", path.display()))?;
    let mut file = PartitionedFile::new(path.to_string(), input.file.size);
    file.object_meta.location = path;
    if input.groups.is_empty() {
        return Ok(file);
    }
    let mut plan = ParquetAccessPlan::new_all(input.groups.len());
    for (at, is_read) in input.groups.iter().enumerate() {
        if !is_read {
            plan.skip(at);
        }
    }
    Ok(file.with_extension(plan))
}

//! A table at a moment, for the query engine.

use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use castellan_kql::ScalarType;
use castellan_query::pruning::{Needed, needed, range};
use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::Result;
use datafusion::datasource::memory::MemorySourceConfig;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown, TableType};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::empty::EmptyExec;
use datafusion::physical_plan::union::UnionExec;

use super::files::{How, Input, parquet, spread};
use crate::delta::DataFile;
use crate::disk::Disk;
use crate::memory::TableState;
use crate::schema::{RECEIVED, TIME};
use crate::shared::Shared;
use crate::terms;

/// Rows of memory that are given at once.
const BATCH: usize = 32 << 10;

/// A table at a moment.
#[derive(Debug)]
pub(super) struct Provider {
    state: TableState,
    schema: SchemaRef,
    folder: PathBuf,
    shared: Arc<Shared>,
}

impl Provider {
    pub(super) fn new(shared: &Arc<Shared>, state: TableState) -> Provider {
        let folder = shared.table_folder(state.schema.name());
        let schema = Arc::clone(state.schema.queried());
        Provider { state, schema, folder, shared: Arc::clone(shared) }
    }

    /// The files that may have rows for conditions.
    fn inputs(&self, filters: &[Expr]) -> Vec<Input> {
        let (times, received) = (range(filters, TIME), range(filters, RECEIVED));
        let overlaps = |of: (i64, i64), wanted: (i64, i64)| of.0 <= wanted.1 && of.1 >= wanted.0;
        let needed = self.certain(needed(filters));
        let files = self.state.files.iter();
        let files = files.filter(|file| overlaps(file.times, times) && overlaps(file.received, received));
        files.filter_map(|file| self.input(file, &needed)).collect()
    }

    /// What is needed in columns of texts, as terms that filters know for certain.
    fn certain(&self, needed: Vec<Needed>) -> Vec<Vec<Vec<String>>> {
        let is_text = |name: &String| {
            let mut columns = self.state.schema.columns().iter();
            columns.any(|column| *column.name == **name && column.scalar_type == ScalarType::String)
        };
        let needed = needed.into_iter().filter(|needed| needed.columns.iter().all(is_text));
        let ways = needed.map(|needed| {
            let way = |texts: Vec<String>| {
                let mut found = Vec::new();
                for text in texts {
                    terms::terms(&text, &mut |term| {
                        if terms::is_certain(term) {
                            found.push(term.to_owned());
                        }
                    });
                }
                found
            };
            needed.any_of.into_iter().map(way).collect::<Vec<_>>()
        });
        // A way without a term that is certain is open everywhere.
        ways.filter(|ways| ways.iter().all(|way| !way.is_empty())).collect()
    }

    /// The file with the row groups that may have what is needed; `None` when none may.
    fn input(&self, file: &Arc<DataFile>, needed: &[Vec<Vec<String>>]) -> Option<Input> {
        let everything = || Some(Input { file: Arc::clone(file), groups: Vec::new() });
        if needed.is_empty() {
            return everything();
        }
        let disk: &dyn Disk = self.shared.options.disk.as_ref();
        let Some(filters) = self.shared.terms.get(disk, &self.folder.join(file.terms_path())) else {
            return everything();
        };
        let has = |group: usize, way: &Vec<String>| way.iter().all(|term| filters.may_have(group, term));
        let is_read = |group: usize| needed.iter().all(|ways| ways.iter().any(|way| has(group, way)));
        let groups: Vec<bool> = (0..filters.len()).map(is_read).collect();
        groups.contains(&true).then(|| Input { file: Arc::clone(file), groups })
    }

    /// Rows of memory that may fulfil conditions, with the columns that are asked for.
    fn memory(
        &self,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
    ) -> Result<(SchemaRef, Vec<RecordBatch>)> {
        let schema = match projection {
            Some(places) => Arc::new(self.schema.project(places)?),
            None => Arc::clone(&self.schema),
        };
        let times = range(filters, TIME);
        let chunks = self.state.chunks.iter();
        let chunks = chunks.filter(|chunk| chunk.times.0 <= times.1 && chunk.times.1 >= times.0);
        let mut batches = Vec::new();
        let (mut small, mut rows) = (Vec::new(), 0);
        for chunk in chunks {
            let batch = chunk.completed(&schema, self.state.schema.name(), &self.shared.options.workspace)?;
            rows += batch.num_rows();
            small.push(batch);
            if rows >= BATCH {
                batches.push(datafusion::arrow::compute::concat_batches(&schema, &small)?);
                (small, rows) = (Vec::new(), 0);
            }
        }
        if rows > 0 {
            batches.push(datafusion::arrow::compute::concat_batches(&schema, &small)?);
        }
        Ok((schema, batches))
    }
}

#[async_trait]
impl TableProvider for Provider {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> Result<Vec<TableProviderFilterPushDown>> {
        // They choose files and row groups; rows are still looked at one by one.
        Ok(vec![TableProviderFilterPushDown::Inexact; filters.len()])
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let mut parts: Vec<Arc<dyn ExecutionPlan>> = Vec::new();
        let inputs = self.inputs(filters);
        if !inputs.is_empty() {
            let parallel = state.config().target_partitions();
            let how = How { schema: &self.schema, projection, limit, ordering: None };
            parts.push(parquet(&self.folder, &spread(inputs, parallel), &how)?);
        }
        let (schema, batches) = self.memory(projection, filters)?;
        if !batches.is_empty() {
            parts.push(MemorySourceConfig::try_new_exec(&[batches], Arc::clone(&schema), None)?);
        }
        match parts.len() {
            0 => Ok(Arc::new(EmptyExec::new(schema))),
            1 => Ok(parts.remove(0)),
            _ => UnionExec::try_new(parts),
        }
    }
}

//! Rows of text as a table that DataFusion scans.

use std::collections::HashMap;
use std::sync::Arc;

use async_trait::async_trait;
use castellan_kql::plan::Field as Column;
use castellan_kql::value::Dynamic;
use castellan_kql::{ScalarType, Value};
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::arrow::record_batch::RecordBatch;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::{DataFusionError, Result};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::logical_expr::{Expr, TableType};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::stream::RecordBatchReceiverStream;
use datafusion::physical_plan::streaming::{PartitionStream, StreamingTableExec};
use tokio::sync::mpsc::Sender;

use super::read::{self, Next, Sink};
use super::source::{Part, Source};
use crate::Error;
use crate::limits::Budget;
use crate::physical::{self, Writer};

/// Rows of a batch.
const BATCH: usize = 8_192;

/// The text of a batch, in bytes: rows may be long.
const BATCH_TEXT: usize = 8 << 20;

/// Batches that wait to be taken.
const WAITING: usize = 2;

/// A table whose rows lie in text files.
#[derive(Debug)]
pub(super) struct RowsTable {
    sources: Vec<Arc<Source>>,
    columns: Vec<Column>,
    schema: SchemaRef,
}

impl RowsTable {
    pub(super) fn new(sources: Vec<Arc<Source>>, columns: Vec<Column>) -> RowsTable {
        let schema = physical::schema(&columns);
        RowsTable { sources, columns, schema }
    }

    /// All rows.
    ///
    /// Errors: as [`read::all`].
    pub(super) fn batches(&self) -> Result<Vec<RecordBatch>, Error> {
        let mut batches = Vec::new();
        for source in &self.sources {
            let mut rows = Rows::new(&self.columns, Arc::clone(&self.schema), |batch| {
                batches.push(batch);
                Ok(Next::Row)
            });
            read::all(&Part::whole(source), &mut rows)?;
            rows.flush()?;
        }
        Ok(batches)
    }

    /// The files in as many parts as there are threads, about.
    fn parts(&self, threads: usize) -> Vec<Part> {
        let each = threads.div_ceil(self.sources.len().max(1));
        self.sources.iter().flat_map(|source| source.parts(each)).collect()
    }
}

#[async_trait]
impl TableProvider for RowsTable {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        _filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let columns: Vec<Column> = match projection {
            Some(places) => places.iter().filter_map(|at| self.columns.get(*at).cloned()).collect(),
            None => self.columns.clone(),
        };
        let schema = physical::schema(&columns);
        let threads = state.config().target_partitions().max(1);
        // Neighbours stay together, so that rows come in the order of the files where one thread reads them.
        let mut groups: Vec<Vec<Part>> = Vec::new();
        let parts = self.parts(threads);
        let each = parts.len().div_ceil(threads).max(1);
        for part in parts {
            match groups.last_mut().filter(|group| group.len() < each) {
                Some(group) => group.push(part),
                None => groups.push(vec![part]),
            }
        }
        let partitions = groups.into_iter().map(|parts| {
            let (parts, columns, schema) = (Arc::new(parts), columns.clone(), Arc::clone(&schema));
            Arc::new(Partition { parts, columns, schema }) as Arc<dyn PartitionStream>
        });
        let partitions = partitions.collect();
        Ok(Arc::new(StreamingTableExec::try_new(schema, partitions, None, None, false, limit)?))
    }
}

/// What one thread reads.
#[derive(Debug)]
struct Partition {
    parts: Arc<Vec<Part>>,
    columns: Vec<Column>,
    schema: SchemaRef,
}

impl PartitionStream for Partition {
    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn execute(&self, context: Arc<TaskContext>) -> SendableRecordBatchStream {
        let mut stream = RecordBatchReceiverStream::builder(Arc::clone(&self.schema), WAITING);
        let (parts, columns, schema) =
            (Arc::clone(&self.parts), self.columns.clone(), Arc::clone(&self.schema));
        let (taker, budget) = (stream.tx(), Budget::of(&context));
        stream.spawn_blocking(move || {
            send(&parts, &columns, &schema, &taker, &budget)
                .map_err(|error| DataFusionError::External(Box::new(error)))
        });
        stream.build()
    }
}

fn send(
    parts: &[Part],
    columns: &[Column],
    schema: &SchemaRef,
    taker: &Sender<Result<RecordBatch>>,
    budget: &Budget,
) -> Result<(), Error> {
    for part in parts {
        part.source.check()?;
        let mut rows = Rows::new(columns, Arc::clone(schema), |batch| {
            budget.go_on()?;
            // Nobody takes it: the query has what it needs.
            Ok(if taker.blocking_send(Ok(batch)).is_ok() { Next::Row } else { Next::Stop })
        });
        read::all(part, &mut rows)?;
        if rows.flush()? == Next::Stop {
            break;
        }
    }
    Ok(())
}

/// Makes batches of rows.
struct Rows<F> {
    schema: SchemaRef,
    places: HashMap<Arc<str>, usize>,
    columns: Vec<OfColumn>,
    rows: usize,
    text: usize,
    last: Next,
    take: F,
}

struct OfColumn {
    scalar_type: ScalarType,
    writer: Writer,
    /// The value in the row that is at hand.
    value: Dynamic,
}

impl<F: FnMut(RecordBatch) -> Result<Next, Error>> Rows<F> {
    fn new(columns: &[Column], schema: SchemaRef, take: F) -> Rows<F> {
        let places = columns.iter().enumerate().map(|(at, column)| (Arc::clone(&column.name), at)).collect();
        let of_column = |column: &Column| OfColumn {
            scalar_type: column.scalar_type,
            writer: Writer::new(column.scalar_type, BATCH),
            value: Dynamic::Null,
        };
        let columns = columns.iter().map(of_column).collect();
        Rows { schema, places, columns, rows: 0, text: 0, last: Next::Row, take }
    }

    /// Gives on what is there.
    fn flush(&mut self) -> Result<Next, Error> {
        if self.rows > 0 {
            let arrays = self.columns.iter_mut().map(|column| column.writer.finish()).collect();
            let batch = physical::batch_of(Arc::clone(&self.schema), arrays, self.rows)?;
            (self.rows, self.text) = (0, 0);
            self.last = (self.take)(batch)?;
        }
        Ok(self.last)
    }
}

impl<F: FnMut(RecordBatch) -> Result<Next, Error>> Sink for Rows<F> {
    fn column(&mut self, name: &str) -> Result<Option<usize>, String> {
        Ok(self.places.get(name).copied())
    }

    fn value(&mut self, column: usize, value: Dynamic) {
        if let Some(column) = self.columns.get_mut(column) {
            column.value = value;
        }
    }

    fn end_row(&mut self, bytes: usize) -> Result<Next, Error> {
        for column in &mut self.columns {
            let value = typed(std::mem::replace(&mut column.value, Dynamic::Null), column.scalar_type);
            column.writer.push(&value)?;
        }
        self.rows += 1;
        self.text += bytes;
        if self.rows == BATCH || self.text >= BATCH_TEXT { self.flush() } else { Ok(Next::Row) }
    }
}

/// A value as the type of its column.
fn typed(value: Dynamic, scalar_type: ScalarType) -> Value {
    match (&value, scalar_type) {
        // Text in a column of JSON is JSON itself, as logs have it.
        (Dynamic::String(text), ScalarType::Dynamic) => physical::dynamic::decode(text),
        (Dynamic::Null, _) => Value::empty(scalar_type),
        _ => castellan_kql::plan::typed(Value::dynamic(value), scalar_type),
    }
}

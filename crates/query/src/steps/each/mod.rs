//! Steps that make batches of batches, most of them of each row by itself: a node of logical plans and its physical form.
//!
//! The first columns of the input pass through under their own names, so that conditions on them move below the step. The
//! rest are its arguments, and what it makes of them comes behind.

pub(crate) mod expand;
pub(crate) mod parse;
mod pattern;
pub(crate) mod series;
mod slices;

use std::cmp::Ordering;
use std::collections::HashSet;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use castellan_kql::ScalarType;
use castellan_kql::plan::Field as Column;
use datafusion::arrow::array::{ArrayRef, Int64Array, RecordBatchOptions};
use datafusion::arrow::compute::concat_batches;
use datafusion::arrow::datatypes::{Field, Schema, SchemaRef};
use datafusion::arrow::record_batch::RecordBatch;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{DFSchema, DFSchemaRef, DataFusionError, Result, internal_err};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::logical_expr::{Expr, LogicalPlan, UserDefinedLogicalNodeCore};
use datafusion::physical_expr::{Distribution, EquivalenceProperties, Partitioning, PhysicalExpr};
use datafusion::physical_plan::execution_plan::EmissionType;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, ExecutionPlanProperties, PlanProperties,
};
use futures_util::{StreamExt, stream};

use crate::limits::Budget;
use crate::physical;

/// Rows that a piece has at least, unless it is the last of its batch.
pub(super) const PIECE: usize = 8_192;

/// Columns that come out of a batch, with the number of their rows.
pub(crate) struct Piece {
    pub(crate) rows: usize,
    pub(crate) columns: Vec<ArrayRef>,
}

/// What comes out of a batch, piece by piece.
pub(crate) type Pieces = Box<dyn Iterator<Item = Result<Piece>> + Send>;

/// What is done to each row.
pub(crate) trait Each: fmt::Debug + Send + Sync {
    /// What it is called in plans.
    fn name(&self) -> &'static str;

    /// The columns behind those that pass through.
    fn columns(&self) -> &[Column];

    /// Whether it has to see all rows together, as one batch.
    fn is_whole(&self) -> bool {
        false
    }

    /// Rows made of the rows of a batch, in their order.
    fn run(self: Arc<Self>, batch: RecordBatch) -> Result<Pieces>;
}

/// Such a step in a logical plan.
#[derive(Clone, Debug)]
pub(crate) struct EachNode {
    each: Arc<dyn Each>,
    input: LogicalPlan,
    /// The name of a last column that says the order of the rows; rows of one row of the input are neighbours in it.
    number: Option<String>,
    schema: DFSchemaRef,
}

impl EachNode {
    /// The step over an input of which so many columns pass through.
    pub(crate) fn new(
        each: Arc<dyn Each>,
        input: LogicalPlan,
        kept: usize,
        number: Option<String>,
    ) -> Result<EachNode> {
        let mut fields: Vec<Arc<Field>> = input.schema().fields().iter().take(kept).cloned().collect();
        let own = |column: &Column| Arc::new(physical::field(&column.name, column.scalar_type));
        fields.extend(each.columns().iter().map(own));
        fields.extend(number.iter().map(|name| Arc::new(physical::field(name, ScalarType::Long))));
        let schema = Arc::new(DFSchema::try_from(Schema::new(fields))?);
        Ok(EachNode { each, input, number, schema })
    }

    pub(super) fn physical(&self, input: Arc<dyn ExecutionPlan>) -> EachExec {
        EachExec::new(Arc::clone(&self.each), input, self.number.is_some(), Arc::clone(self.schema.inner()))
    }
}

impl PartialEq for EachNode {
    fn eq(&self, other: &EachNode) -> bool {
        Arc::ptr_eq(&self.each, &other.each) && self.input == other.input
    }
}

impl Eq for EachNode {}

impl PartialOrd for EachNode {
    fn partial_cmp(&self, other: &EachNode) -> Option<Ordering> {
        if self == other { Some(Ordering::Equal) } else { None }
    }
}

impl Hash for EachNode {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (self.each.name(), &self.input).hash(state);
    }
}

impl UserDefinedLogicalNodeCore for EachNode {
    fn name(&self) -> &str {
        self.each.name()
    }

    fn inputs(&self) -> Vec<&LogicalPlan> {
        vec![&self.input]
    }

    fn schema(&self) -> &DFSchemaRef {
        &self.schema
    }

    fn expressions(&self) -> Vec<Expr> {
        Vec::new()
    }

    fn prevent_predicate_push_down_columns(&self) -> HashSet<String> {
        let own = self.each.columns().iter().map(|column| column.name.to_string());
        own.chain(self.number.clone()).collect()
    }

    fn fmt_for_explain(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.each.name())
    }

    fn with_exprs_and_inputs(&self, _expressions: Vec<Expr>, inputs: Vec<LogicalPlan>) -> Result<EachNode> {
        match <[LogicalPlan; 1]>::try_from(inputs) {
            Ok([input]) => Ok(EachNode { input, ..self.clone() }),
            Err(_) => internal_err!("`{}` has one input", self.each.name()),
        }
    }
}

/// Such a step in a physical plan.
#[derive(Debug)]
pub(super) struct EachExec {
    each: Arc<dyn Each>,
    input: Arc<dyn ExecutionPlan>,
    is_numbered: bool,
    schema: SchemaRef,
    properties: Arc<PlanProperties>,
}

impl EachExec {
    fn new(
        each: Arc<dyn Each>,
        input: Arc<dyn ExecutionPlan>,
        is_numbered: bool,
        schema: SchemaRef,
    ) -> EachExec {
        let partitions = if each.is_whole() { 1 } else { input.output_partitioning().partition_count() };
        let properties = PlanProperties::new(
            EquivalenceProperties::new(Arc::clone(&schema)),
            Partitioning::UnknownPartitioning(partitions),
            EmissionType::Incremental,
            input.boundedness(),
        );
        EachExec { each, input, is_numbered, schema, properties: Arc::new(properties) }
    }
}

impl DisplayAs for EachExec {
    fn fmt_as(&self, _format: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}Exec", self.each.name())
    }
}

impl ExecutionPlan for EachExec {
    fn name(&self) -> &str {
        self.each.name()
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.input]
    }

    fn required_input_distribution(&self) -> Vec<Distribution> {
        let is_whole = self.each.is_whole();
        vec![if is_whole { Distribution::SinglePartition } else { Distribution::UnspecifiedDistribution }]
    }

    fn benefits_from_input_partitioning(&self) -> Vec<bool> {
        vec![!self.each.is_whole()]
    }

    fn with_new_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let Ok([input]) = <[Arc<dyn ExecutionPlan>; 1]>::try_from(children) else {
            return internal_err!("`{}` has one input", self.each.name());
        };
        let (each, schema) = (Arc::clone(&self.each), Arc::clone(&self.schema));
        Ok(Arc::new(EachExec::new(each, input, self.is_numbered, schema)))
    }

    fn apply_expressions(
        &self,
        _f: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let mut input = self.input.execute(partition, Arc::clone(&context))?;
        let each = Arc::clone(&self.each);
        let budget = Budget::of(&context);
        if each.is_whole() {
            input = together(input, Arc::clone(&budget));
        }
        let finish = Finish {
            schema: Arc::clone(&self.schema),
            budget,
            next: self.is_numbered.then(|| first_number(partition)),
        };
        let pieces =
            input.flat_map(move |batch| match batch.and_then(|batch| Arc::clone(&each).run(batch)) {
                Ok(pieces) => stream::iter(pieces),
                Err(error) => stream::iter(Box::new(std::iter::once(Err(error))) as Pieces),
            });
        let batches = pieces.scan(finish, |finish, piece| {
            std::future::ready(Some(piece.and_then(|piece| finish.batch(piece))))
        });
        Ok(Box::pin(RecordBatchStreamAdapter::new(Arc::clone(&self.schema), batches)))
    }
}

/// All rows as one batch.
fn together(mut input: SendableRecordBatchStream, budget: Arc<Budget>) -> SendableRecordBatchStream {
    let schema = input.schema();
    let wanted = Arc::clone(&schema);
    let all = async move {
        let mut batches = Vec::new();
        while let Some(batch) = input.next().await {
            let batch = batch?;
            budget.hold(batch.get_array_memory_size())?;
            batches.push(batch);
        }
        Ok(concat_batches(&wanted, &batches)?)
    };
    Box::pin(RecordBatchStreamAdapter::new(schema, stream::once(all)))
}

/// Partitions number their rows a trillion apart.
fn first_number(partition: usize) -> i64 {
    i64::try_from(partition).unwrap_or(0).wrapping_shl(40)
}

/// From pieces to batches.
struct Finish {
    schema: SchemaRef,
    budget: Arc<Budget>,
    /// The number of the next row, where rows are numbered.
    next: Option<i64>,
}

impl Finish {
    fn batch(&mut self, mut piece: Piece) -> Result<RecordBatch> {
        if let Some(reason) = self.budget.reason_to_stop() {
            return Err(DataFusionError::External(Box::new(crate::Error::stopped(reason))));
        }
        if let Some(next) = &mut self.next {
            let end = next.saturating_add(i64::try_from(piece.rows).unwrap_or(i64::MAX));
            piece.columns.push(Arc::new(Int64Array::from_iter_values(*next..end)));
            *next = end;
        }
        let options = RecordBatchOptions::new().with_row_count(Some(piece.rows));
        Ok(RecordBatch::try_new_with_options(Arc::clone(&self.schema), piece.columns, &options)?)
    }
}

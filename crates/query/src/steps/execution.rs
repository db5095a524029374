//! A step that the plain engine runs, in a physical plan.

use std::cell::RefCell;
use std::fmt;
use std::sync::Arc;

use castellan_kql::Value;
use castellan_kql::interpret::{self, Limits, Row, Source, failure, run};
use castellan_kql::plan::{Field as Column, Plan, Step};
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::arrow::record_batch::RecordBatch;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{DataFusionError, Result};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::{
    Distribution, EquivalenceProperties, LexOrdering, OrderingRequirements, Partitioning, PhysicalExpr,
};
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, ExecutionPlanProperties, PlanProperties,
};
use futures_util::{StreamExt, TryStreamExt, stream};

use super::{Interpret, Scope};
use crate::limits::Budget;
use crate::physical::{self, rows};

/// Rows of one batch that comes out.
const BATCH: usize = 8_192;

/// The physical form of [`Interpret`].
#[derive(Debug)]
pub(super) struct InterpretExec {
    node: Interpret,
    inputs: Vec<Arc<dyn ExecutionPlan>>,
    orders: Vec<Option<LexOrdering>>,
    schema: SchemaRef,
    properties: Arc<PlanProperties>,
}

impl InterpretExec {
    pub(super) fn new(
        node: Interpret,
        inputs: Vec<Arc<dyn ExecutionPlan>>,
        orders: Vec<Option<LexOrdering>>,
    ) -> InterpretExec {
        let schema: SchemaRef = Arc::clone(node.schema.inner());
        let partitions = match (node.scope, inputs.first()) {
            (Scope::Row, Some(input)) => input.output_partitioning().partition_count(),
            _ => 1,
        };
        let properties = PlanProperties::new(
            EquivalenceProperties::new(Arc::clone(&schema)),
            Partitioning::UnknownPartitioning(partitions),
            EmissionType::Incremental,
            Boundedness::Bounded,
        );
        InterpretExec { node, inputs, orders, schema, properties: Arc::new(properties) }
    }
}

impl DisplayAs for InterpretExec {
    fn fmt_as(&self, _format: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.node.name)
    }
}

impl ExecutionPlan for InterpretExec {
    fn name(&self) -> &str {
        self.node.name
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        self.inputs.iter().collect()
    }

    fn required_input_distribution(&self) -> Vec<Distribution> {
        let wanted = match self.node.scope {
            Scope::Row => Distribution::UnspecifiedDistribution,
            Scope::Table => Distribution::SinglePartition,
        };
        vec![wanted; self.inputs.len()]
    }

    fn required_input_ordering(&self) -> Vec<Option<OrderingRequirements>> {
        let requirement = |order: &Option<LexOrdering>| order.clone().map(OrderingRequirements::from);
        let mut wanted: Vec<Option<OrderingRequirements>> = self.orders.iter().map(requirement).collect();
        wanted.resize(self.inputs.len(), None);
        wanted
    }

    fn benefits_from_input_partitioning(&self) -> Vec<bool> {
        vec![self.node.scope == Scope::Row; self.inputs.len()]
    }

    fn with_new_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        Ok(Arc::new(InterpretExec::new(self.node.clone(), children, self.orders.clone())))
    }

    fn apply_expressions(
        &self,
        f: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        for sort in self.orders.iter().flatten().flat_map(|order| order.iter()) {
            if f(&sort.expr)? == TreeNodeRecursion::Stop {
                return Ok(TreeNodeRecursion::Stop);
            }
        }
        Ok(TreeNodeRecursion::Continue)
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let budget = Budget::of(&context);
        let node = self.node.clone();
        let schema = Arc::clone(&self.schema);
        let streams = self
            .inputs
            .iter()
            .map(|input| input.execute(partition, Arc::clone(&context)))
            .collect::<Result<Vec<_>>>()?;
        let out = Arc::clone(&schema);
        let batches = match (node.scope, <[SendableRecordBatchStream; 1]>::try_from(streams)) {
            (Scope::Row, Ok([input])) => {
                let each = move |batch: Result<RecordBatch>| {
                    let made = batch.and_then(|batch| {
                        let input = rows(&batch, node.columns.first().map_or(&[], Vec::as_slice))?;
                        interpreted(&node, vec![input], &schema, &budget)
                    });
                    match made {
                        Ok(batches) => stream::iter(batches.into_iter().map(Ok).collect::<Vec<_>>()),
                        Err(error) => stream::iter(vec![Err(error)]),
                    }
                };
                input.flat_map(each).boxed()
            }
            (_, Ok([input])) => whole(node, vec![input], schema, budget),
            (_, Err(inputs)) => whole(node, inputs, schema, budget),
        };
        Ok(Box::pin(RecordBatchStreamAdapter::new(out, batches)))
    }
}

type Batches = futures_util::stream::BoxStream<'static, Result<RecordBatch>>;

/// All rows of all inputs, then the step.
fn whole(
    node: Interpret,
    inputs: Vec<SendableRecordBatchStream>,
    schema: SchemaRef,
    budget: Arc<Budget>,
) -> Batches {
    let made = async move {
        let mut tables = Vec::with_capacity(inputs.len());
        for (input, columns) in inputs.into_iter().zip(&node.columns) {
            tables.push(collected(input, columns, &budget).await?);
        }
        interpreted(&node, tables, &schema, &budget)
    };
    stream::once(made).map_ok(|batches| stream::iter(batches.into_iter().map(Ok))).try_flatten().boxed()
}

async fn collected(
    mut input: SendableRecordBatchStream,
    columns: &[Column],
    budget: &Budget,
) -> Result<Vec<Row>> {
    let mut all = Vec::new();
    while let Some(batch) = input.next().await {
        let batch = batch?;
        budget.hold(
            batch.num_rows() * (columns.len() + 1) * size_of::<Value>() + batch.get_array_memory_size(),
        )?;
        all.extend(rows(&batch, columns)?);
    }
    Ok(all)
}

/// The inputs as tables `$0`, `$1`, ...
struct Inputs {
    tables: RefCell<Vec<Vec<Row>>>,
    /// Whether a table may be read more than once.
    is_repeated: bool,
}

impl Source for Inputs {
    fn rows(&self, table: &str) -> interpret::Result<Vec<Row>> {
        let at = table.strip_prefix('$').and_then(|number| number.parse::<usize>().ok());
        let mut tables = self.tables.borrow_mut();
        let rows = at.and_then(|at| tables.get_mut(at));
        let taken = rows.map(|rows| if self.is_repeated { rows.clone() } else { std::mem::take(rows) });
        taken.ok_or_else(|| failure("unknown-table", format!("there is no table `{table}`")))
    }
}

/// Whether a step may read an input more than once: for each of its parts, or for nodes and for edges.
fn repeats(plan: &Plan) -> bool {
    let is_repeated = matches!(
        plan.step,
        Step::Part
            | Step::Apply { .. }
            | Step::Partition { .. }
            | Step::GraphMatch { .. }
            | Step::GraphShortestPaths { .. }
            | Step::GraphNodes { .. }
            | Step::GraphEdges { .. }
    );
    is_repeated || plan.step.inputs().into_iter().any(|input| repeats(input))
}

fn interpreted(
    node: &Interpret,
    inputs: Vec<Vec<Row>>,
    schema: &SchemaRef,
    budget: &Budget,
) -> Result<Vec<RecordBatch>> {
    let stop = || budget.reason_to_stop();
    let limits = Limits { rows: budget.rows, stop: Some(&stop), seed: budget.seed };
    let inputs = Inputs { tables: RefCell::new(inputs), is_repeated: repeats(&node.plan) };
    let made = run(&node.plan, &inputs, &limits)
        .map_err(|error| DataFusionError::External(Box::new(crate::Error::from(error))))?;
    made.chunks(BATCH)
        .map(|chunk| physical::batch(Arc::clone(schema), &node.plan.columns, chunk.iter()))
        .collect()
}

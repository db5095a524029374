//! Joins that look at the clock, and tables that say how far they are read.
//!
//! A join can make rows for hours without reading another batch, and nothing around it is asked meanwhile: operators
//! that take its rows and give none, as `where` and `count` do, never hand control back. So what a join gives passes a
//! guard, and so does the condition in it, which may drop all that it would give.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use datafusion::arrow::datatypes::{DataType, FieldRef, Schema};
use datafusion::arrow::record_batch::RecordBatch;
use datafusion::common::Result;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode, TreeNodeRecursion};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::logical_expr::ColumnarValue;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_plan::joins::utils::JoinFilter;
use datafusion::physical_plan::joins::{HashJoinExec, NestedLoopJoinExec};
use datafusion::physical_plan::statistics::{StatisticsArgs, StatisticsContext};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties};
use futures_util::StreamExt;

use crate::limits::Budget;

/// The plan with its joins and tables guarded.
///
/// Errors: none that the plan itself does not have.
pub(super) fn guarded(plan: Arc<dyn ExecutionPlan>, budget: &Arc<Budget>) -> Result<Arc<dyn ExecutionPlan>> {
    plan.transform_up(|plan| {
        let counts = match plan.children().len() {
            0 => Some(Share::of(&plan, budget)),
            1 => return Ok(Transformed::no(plan)),
            // A join, whichever, and a union, which costs nothing to guard.
            _ => None,
        };
        let input = with_guarded_filter(plan, budget)?;
        let guard = GuardExec { input, budget: Arc::clone(budget), counts };
        Ok(Transformed::yes(Arc::new(guard) as Arc<dyn ExecutionPlan>))
    })
    .data()
}

fn with_guarded_filter(plan: Arc<dyn ExecutionPlan>, budget: &Arc<Budget>) -> Result<Arc<dyn ExecutionPlan>> {
    let wrapped = |filter: &JoinFilter| {
        let inner = Arc::clone(filter.expression());
        let guarded = Arc::new(Guarded { inner, budget: Arc::clone(budget) });
        JoinFilter::new(guarded, filter.column_indices().to_vec(), Arc::clone(filter.schema()))
    };
    if let Some(join) = plan.downcast_ref::<HashJoinExec>()
        && let Some(filter) = join.filter()
    {
        return join.builder().with_filter(Some(wrapped(filter))).build_exec();
    }
    if let Some(join) = plan.downcast_ref::<NestedLoopJoinExec>() {
        let filter = join.filter().map(wrapped);
        let projection = join.projection().as_ref().map(|columns| columns.to_vec());
        let (left, right) = (Arc::clone(join.left()), Arc::clone(join.right()));
        let guarded = NestedLoopJoinExec::try_new(left, right, filter, join.join_type(), projection)?;
        return Ok(Arc::new(guarded));
    }
    Ok(plan)
}

/// Passes batches on for as long as the query may go on.
#[derive(Debug)]
struct GuardExec {
    input: Arc<dyn ExecutionPlan>,
    budget: Arc<Budget>,
    /// What its rows count for, where it reads a table.
    counts: Option<Share>,
}

/// How many rows each partition of a table has, about; 0 where that is not known.
#[derive(Clone, Copy, Debug)]
struct Share(u64);

impl Share {
    fn of(table: &Arc<dyn ExecutionPlan>, budget: &Budget) -> Share {
        let known = StatisticsContext::new().compute(table.as_ref(), &StatisticsArgs::new()).ok();
        let rows = known.and_then(|known| known.num_rows.get_value().copied());
        let rows = rows.and_then(|rows| u64::try_from(rows).ok()).unwrap_or(0);
        budget.progress().expect(rows);
        let partitions = table.properties().output_partitioning().partition_count();
        Share(rows / u64::try_from(partitions).unwrap_or(1).max(1))
    }
}

/// Counts the rows of a partition; those that the reader has passed over count once it is at the end.
struct Counted {
    share: Share,
    rows: u64,
    budget: Arc<Budget>,
}

impl Counted {
    fn add(&mut self, rows: usize) {
        let rows = u64::try_from(rows).unwrap_or(0);
        self.rows += rows;
        self.budget.progress().add(rows);
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.budget.progress().add(self.share.0.saturating_sub(self.rows));
    }
}

impl DisplayAs for GuardExec {
    fn fmt_as(&self, _format: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Guard")
    }
}

impl ExecutionPlan for GuardExec {
    fn name(&self) -> &str {
        "Guard"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        self.input.properties()
    }

    fn maintains_input_order(&self) -> Vec<bool> {
        vec![true]
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.input]
    }

    fn with_new_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let input = children.into_iter().next().unwrap_or_else(|| Arc::clone(&self.input));
        Ok(Arc::new(GuardExec { input, budget: Arc::clone(&self.budget), counts: self.counts }))
    }

    fn apply_expressions(
        &self,
        _f: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let input = self.input.execute(partition, context)?;
        let schema = input.schema();
        let budget = Arc::clone(&self.budget);
        let mut counted = self.counts.map(|share| Counted { share, rows: 0, budget: Arc::clone(&budget) });
        let batches = input.then(move |batch| {
            let batch = budget.go_on().and(batch);
            if let (Some(counted), Ok(batch)) = (&mut counted, &batch) {
                counted.add(batch.num_rows());
            }
            async {
                // Whoever waits for the end of the query's time gets a turn.
                tokio::task::consume_budget().await;
                batch
            }
        });
        Ok(Box::pin(RecordBatchStreamAdapter::new(schema, batches)))
    }
}

/// A condition that fails once the query has to end.
#[derive(Debug)]
struct Guarded {
    inner: Arc<dyn PhysicalExpr>,
    budget: Arc<Budget>,
}

impl PartialEq for Guarded {
    fn eq(&self, other: &Guarded) -> bool {
        self.inner.as_ref() == other.inner.as_ref()
    }
}

impl Eq for Guarded {}

impl Hash for Guarded {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.inner.hash(state);
    }
}

impl fmt::Display for Guarded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}

impl PhysicalExpr for Guarded {
    fn data_type(&self, schema: &Schema) -> Result<DataType> {
        self.inner.data_type(schema)
    }

    fn nullable(&self, schema: &Schema) -> Result<bool> {
        self.inner.nullable(schema)
    }

    fn return_field(&self, schema: &Schema) -> Result<FieldRef> {
        self.inner.return_field(schema)
    }

    fn evaluate(&self, batch: &RecordBatch) -> Result<ColumnarValue> {
        self.budget.go_on()?;
        self.inner.evaluate(batch)
    }

    fn children(&self) -> Vec<&Arc<dyn PhysicalExpr>> {
        vec![&self.inner]
    }

    fn with_new_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn PhysicalExpr>>,
    ) -> Result<Arc<dyn PhysicalExpr>> {
        let inner = children.into_iter().next().unwrap_or_else(|| Arc::clone(&self.inner));
        Ok(Arc::new(Guarded { inner, budget: Arc::clone(&self.budget) }))
    }

    fn fmt_sql(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt_sql(f)
    }
}

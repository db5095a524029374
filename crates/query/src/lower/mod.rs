//! From plans of the language to plans of DataFusion.
//!
//! A lowered plan has the columns of the language's plan in order, and behind them hidden ones that an order needs. An
//! order is kept as such until something asks for it ([`Ordered`]): rows are sorted once, where it shows.

mod each;
mod external;
mod kernel;
mod scalar;
mod size;
mod step;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use castellan_kql::plan::{Field as Column, Plan, Scalar, ScalarKind, Step};
use castellan_kql::{ScalarType, Value};
use datafusion::arrow::record_batch::RecordBatch;
use datafusion::common::Result;
use datafusion::logical_expr::expr::Sort;
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder};
use datafusion::prelude::SessionContext;

pub(crate) use scalar::lower_filter;

use crate::functions::row::Draws;
use crate::physical;
use crate::tables::Table;

/// Where tables come from.
pub(crate) trait Tables: Send + Sync {
    /// The table of a name.
    fn table(&self, name: &str) -> Option<Table>;
}

/// A plan of DataFusion with the order of its rows.
#[derive(Clone, Debug)]
pub(crate) struct Ordered {
    /// The plan: the columns of the language's plan, then hidden ones.
    pub(crate) plan: LogicalPlan,
    /// How many columns are not hidden.
    pub(crate) width: usize,
    /// The order that the rows are in, or have to be brought into where it shows.
    pub(crate) order: Vec<Sort>,
}

/// Puts plans of the language into plans of DataFusion. Subqueries are run on the way, each once.
pub(crate) struct Lowering<'l> {
    pub(crate) context: &'l SessionContext,
    pub(crate) tables: &'l dyn Tables,
    pub(crate) draws: Draws,
    /// The time of the query, in ticks since year 1.
    pub(crate) now: i64,
    made: Mutex<HashMap<usize, Arc<Made>>>,
    /// Plans whose rows are known, since something had to be found out of them.
    known: Vec<(Arc<Plan>, Table)>,
}

/// The rows of a plan that was run. The plan is kept so that its address stays its own.
struct Made {
    _plan: Arc<Plan>,
    table: Table,
    batches: Vec<RecordBatch>,
}

impl<'l> Lowering<'l> {
    pub(crate) fn new(
        context: &'l SessionContext,
        tables: &'l dyn Tables,
        seed: u64,
        now: i64,
    ) -> Lowering<'l> {
        Lowering { context, tables, draws: Draws::new(seed), now, made: Mutex::default(), known: Vec::new() }
    }

    /// Keeps the rows of a plan for where an equal one is met.
    pub(crate) fn keep(&mut self, plan: Arc<Plan>, rows: Table) {
        self.known.push((plan, rows));
    }

    /// The plan with its rows in order and without hidden columns.
    ///
    /// Errors: a step that cannot be planned, and those of subqueries.
    pub(crate) async fn finished(&self, plan: &Arc<Plan>) -> Result<LogicalPlan> {
        let ordered = self.plan(plan).await?;
        ordered.in_order()?.visible()
    }

    /// The rows of a plan, computed once.
    async fn made(&self, plan: &Arc<Plan>) -> Result<Arc<Made>> {
        let key = Arc::as_ptr(plan) as usize;
        let known = self.made.lock().unwrap_or_else(PoisonError::into_inner).get(&key).cloned();
        if let Some(made) = known {
            return Ok(made);
        }
        let lowered = Box::pin(self.finished(plan)).await?;
        let batches = self.context.execute_logical_plan(lowered).await?.collect().await?;
        let schema = physical::schema(&plan.columns);
        let batches = batches
            .into_iter()
            .map(|batch| physical::renamed(&batch, &schema))
            .collect::<Result<Vec<RecordBatch>>>()?;
        let table = Table::of_batches(schema, batches.clone())?;
        let made = Arc::new(Made { _plan: Arc::clone(plan), table, batches });
        self.made.lock().unwrap_or_else(PoisonError::into_inner).insert(key, Arc::clone(&made));
        Ok(made)
    }

    /// The values of the first column of a plan.
    async fn first_column(&self, plan: &Arc<Plan>) -> Result<Vec<Value>> {
        let made = self.made(plan).await?;
        let scalar_type = plan.columns.first().map_or(ScalarType::Dynamic, |column| column.scalar_type);
        let mut values = Vec::new();
        for batch in &made.batches {
            if batch.num_columns() == 0 {
                continue;
            }
            let array = Arc::clone(batch.column(0));
            let reader = physical::Reader::new(&array, scalar_type)?;
            values.extend((0..array.len()).map(|at| reader.value(at)));
        }
        Ok(values)
    }

    /// A value with its subqueries run and put in.
    async fn ready(&self, scalar: &Scalar) -> Result<Scalar> {
        let mut found = Vec::new();
        subqueries(scalar, &mut found);
        let mut values: HashMap<usize, Vec<Value>> = HashMap::new();
        for plan in found {
            values.insert(Arc::as_ptr(&plan) as usize, self.first_column(&plan).await?);
        }
        if values.is_empty() {
            return Ok(scalar.clone());
        }
        scalar.rebuilt(&mut |part| Ok(put_in(part, &values)))
    }

    /// Of a list and not of an iterator: a future that holds one on a borrowing closure cannot be sent to another thread.
    async fn all_ready(&self, scalars: Vec<&Scalar>) -> Result<Vec<Scalar>> {
        let mut ready = Vec::with_capacity(scalars.len());
        for scalar in scalars {
            ready.push(self.ready(scalar).await?);
        }
        Ok(ready)
    }

    /// A value that is the same for every row.
    async fn constant(&self, scalar: &Scalar) -> Result<Value> {
        Ok(self.ready(scalar).await?.evaluate(&[]))
    }

    async fn count(&self, scalar: &Scalar) -> Result<usize> {
        let value = self.constant(scalar).await?;
        Ok(value.to_i64().and_then(|count| usize::try_from(count).ok()).unwrap_or(0))
    }
}

fn subqueries(scalar: &Scalar, found: &mut Vec<Arc<Plan>>) {
    match &scalar.kind {
        // The plain engine runs it for each part.
        ScalarKind::Subquery(plan) | ScalarKind::MembershipOf { table: plan, .. } if plan.reads_part() => {}
        ScalarKind::Subquery(plan) => found.push(Arc::clone(plan)),
        ScalarKind::MembershipOf { table, .. } => found.push(Arc::clone(table)),
        _ => {}
    }
    scalar.operands().into_iter().for_each(|operand| subqueries(operand, found));
}

/// A subquery as the values that it gave.
fn put_in(part: Scalar, values: &HashMap<usize, Vec<Value>>) -> Scalar {
    let of = |plan: &Arc<Plan>| values.get(&(Arc::as_ptr(plan) as usize));
    match &part.kind {
        ScalarKind::Subquery(plan) | ScalarKind::MembershipOf { table: plan, .. } if of(plan).is_none() => {
            part
        }
        ScalarKind::Subquery(plan) => {
            let value = of(plan).and_then(|values| values.first()).cloned();
            Scalar::literal(value.unwrap_or(Value::empty(part.scalar_type)), part.scalar_type)
        }
        ScalarKind::MembershipOf { value, operator, table } => {
            let scalar_type = table.columns.first().map_or(ScalarType::Dynamic, |column| column.scalar_type);
            let items = of(table).into_iter().flatten();
            let items = items.map(|value| Scalar::literal(value.clone(), scalar_type)).collect();
            let kind = ScalarKind::Membership { value: value.clone(), operator: *operator, items };
            Scalar { kind, scalar_type: part.scalar_type }
        }
        _ => part.folded(),
    }
}

impl Ordered {
    /// Rows in no order that matters.
    fn unordered(plan: LogicalPlan) -> Ordered {
        let width = plan.schema().fields().len();
        Ordered { plan, width, order: Vec::new() }
    }

    /// A column by its position.
    fn column(&self, at: usize) -> Expr {
        Expr::Column(datafusion::common::Column::from(self.plan.schema().qualified_field(at)))
    }

    /// The columns that are not hidden.
    fn columns(&self) -> Vec<Expr> {
        (0..self.width).map(|at| self.column(at)).collect()
    }

    /// With the rows sorted.
    fn in_order(self) -> Result<Ordered> {
        self.first(None)
    }

    /// The first rows in their order.
    fn first(self, count: Option<usize>) -> Result<Ordered> {
        let builder = LogicalPlanBuilder::from(self.plan);
        let plan = match (self.order.is_empty(), count) {
            (true, None) => builder.build()?,
            (true, Some(count)) => builder.limit(0, Some(count))?.build()?,
            (false, _) => builder.sort_with_limit(self.order.clone(), count)?.build()?,
        };
        Ok(Ordered { plan, ..self })
    }

    /// Without hidden columns.
    fn visible(self) -> Result<LogicalPlan> {
        if self.plan.schema().fields().len() == self.width {
            return Ok(self.plan);
        }
        let columns = self.columns();
        LogicalPlanBuilder::from(self.plan).project(columns)?.build()
    }
}

/// The names of hidden columns begin with this, which no name of a query does.
const HIDDEN: &str = "$order";

/// The name of a condition that draws by chance.
const DRAWN: &str = "$drawn";

/// The names of columns as the plan's fields say them.
fn named(value: Expr, column: &Column) -> Expr {
    value.alias(column.name.as_ref())
}

fn projection(input: LogicalPlan, exprs: Vec<Expr>) -> Result<LogicalPlan> {
    LogicalPlanBuilder::from(input).project(exprs)?.build()
}

/// Whether a step has rows in it that the plain engine has to see as they are.
fn is_part(plan: &Plan) -> bool {
    matches!(plan.step, Step::Part)
}

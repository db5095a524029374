//! Steps.

use std::sync::Arc;

use castellan_kql::plan::{Aggregate, Field as Column, JoinKind, Plan, Scalar, ScalarKind, SortKey, Step};
use castellan_kql::{ScalarType, Value};
use datafusion::arrow::datatypes::DataType;
use datafusion::common::{DFSchema, NullEquality, Result, plan_err};
use datafusion::logical_expr::expr::Sort;
use datafusion::logical_expr::{
    Expr, Extension, Join, JoinConstraint, JoinType, LogicalPlan, LogicalPlanBuilder, Union, cast, when,
};

use super::each::How;
use super::scalar::{lower, lower_filter};
use super::size::size;
use super::{DRAWN, HIDDEN, Lowering, Ordered, is_part, named, projection};
use crate::aggregates;
use crate::functions::nan::one_nan;
use crate::physical;
use crate::steps::{Interpret, Scope};
use crate::tables::Table;

impl Lowering<'_> {
    pub(super) async fn plan(&self, plan: &Arc<Plan>) -> Result<Ordered> {
        if let Some((_, rows)) = self.known.iter().find(|(known, _)| known == plan) {
            return Ok(Ordered::unordered(rows.scan(self.now)?));
        }
        match &plan.step {
            Step::Table(name) => match self.tables.table(name) {
                Some(table) => Ok(Ordered::unordered(table.scan(self.now)?)),
                None => plan_err!("there is no table `{name}`"),
            },
            Step::Rows(rows) => self.rows(&plan.columns, rows),
            Step::Range { from, to, step } => {
                let (from, to, step) =
                    (self.constant(from).await?, self.constant(to).await?, self.constant(step).await?);
                let points = castellan_kql::interpret::points(&from, &to, &step).map_err(|error| {
                    datafusion::common::DataFusionError::External(Box::new(crate::Error::from(error)))
                })?;
                let rows: Vec<Vec<Value>> = points.into_iter().map(|point| vec![point]).collect();
                self.rows(&plan.columns, &rows)
            }
            Step::External { sources, properties } => self.external(plan, sources, properties).await,
            Step::Materialize(input) => {
                let made = self.made(input).await?;
                Ok(Ordered::unordered(made.table.scan(self.now)?))
            }
            Step::Filter { input, predicate } => {
                let predicate = self.ready(predicate).await?;
                let input = self.below(input).await?;
                self.filter(input, &predicate)
            }
            Step::Project { input, values } => {
                let values = self.all_ready(values.iter().collect()).await?;
                let input = self.below(input).await?;
                self.project(input, &values, &plan.columns)
            }
            Step::Sort { input, by } if by.iter().all(|key| is_sortable(key.value.scalar_type)) => {
                let keys = self.all_ready(by.iter().map(|key| &key.value).collect()).await?;
                let input = self.below(input).await?;
                self.sort(input, &keys, by)
            }
            Step::Take { input, count } => {
                let count = self.count(count).await?;
                self.below(input).await?.first(Some(count))
            }
            Step::Aggregate { input, keys, aggregates } => {
                self.aggregate(plan, input, keys, aggregates).await
            }
            Step::Expand { input, kept, columns, limit, bags_as_arrays, with_index }
                if columns.iter().all(|column| column.value.scalar_type == ScalarType::Dynamic) =>
            {
                let how = How { bags_as_arrays: *bags_as_arrays, with_index: *with_index };
                self.expand(plan, input, kept, columns, limit.as_ref(), how).await
            }
            Step::Parse { input, parse, is_filter } => self.parse(plan, input, parse, *is_filter).await,
            Step::Union(inputs) => self.union(plan, inputs).await,
            Step::Join { kind, left, right, on } if is_joinable(on) => {
                self.join(plan, *kind, left, right, on).await
            }
            Step::Series(series) => self.series(plan, series).await,
            Step::Part => plan_err!("a part stands outside of its step"),
            _ => self.interpret(plan).await,
        }
    }

    pub(super) async fn below(&self, plan: &Arc<Plan>) -> Result<Ordered> {
        Box::pin(self.plan(plan)).await
    }

    fn rows(&self, columns: &[Column], rows: &[Vec<Value>]) -> Result<Ordered> {
        if columns.is_empty() {
            let one = LogicalPlanBuilder::empty(!rows.is_empty()).build()?;
            return Ok(Ordered { plan: one, width: 0, order: Vec::new() });
        }
        let schema = physical::schema(columns);
        let batches = rows
            .chunks(8_192)
            .map(|chunk| physical::batch(Arc::clone(&schema), columns, chunk.iter()))
            .collect::<Result<Vec<_>>>()?;
        Ok(Ordered::unordered(Table::of_batches(schema, batches)?.scan(self.now)?))
    }

    /// The rows for which a condition holds.
    ///
    /// DataFusion moves conditions below the steps whose columns they do not need, and those on chance need none. They are
    /// computed as a column first: such a one stays where it is.
    fn filter(&self, input: Ordered, predicate: &Scalar) -> Result<Ordered> {
        let condition = lower_filter(predicate, &input.columns(), &self.draws)?;
        let all: Vec<Expr> = input.plan.schema().columns().into_iter().map(Expr::Column).collect();
        let builder = LogicalPlanBuilder::from(input.plan);
        let plan = if condition.is_volatile() {
            let drawn = Expr::Column(datafusion::common::Column::new_unqualified(DRAWN));
            let with_it = all.iter().cloned().chain([condition.alias(DRAWN)]);
            builder.project(with_it)?.filter(drawn)?.project(all)?.build()?
        } else {
            builder.filter(condition)?.build()?
        };
        Ok(Ordered { plan, ..input })
    }

    /// Values, and behind them what the order needs.
    fn project(&self, input: Ordered, values: &[Scalar], columns: &[Column]) -> Result<Ordered> {
        let below = input.columns();
        let mut exprs = Vec::with_capacity(values.len());
        for (value, column) in values.iter().zip(columns) {
            exprs.push(named(lower(value, &below, &self.draws)?, column));
        }
        let mut order = Vec::with_capacity(input.order.len());
        for (at, sort) in input.order.iter().enumerate() {
            let hidden = format!("{HIDDEN}{at}");
            exprs.push(sort.expr.clone().alias(&hidden));
            let column = Expr::Column(datafusion::common::Column::new_unqualified(hidden));
            order.push(Sort { expr: column, ..sort.clone() });
        }
        let plan = projection(input.plan, exprs)?;
        Ok(Ordered { plan, width: columns.len(), order })
    }

    fn sort(&self, input: Ordered, keys: &[Scalar], by: &[SortKey]) -> Result<Ordered> {
        let below = input.columns();
        let mut exprs = below.clone();
        let mut order = Vec::new();
        for (value, key) in keys.iter().zip(by) {
            let lowered = lower(value, &below, &self.draws)?;
            // Arrow has NaN above all numbers, the language below them.
            let parts = if value.scalar_type == ScalarType::Real {
                let is_number = cast(not_nan(lowered.clone()), DataType::Int32);
                vec![is_number, one_nan(lowered)]
            } else {
                vec![lowered]
            };
            for part in parts {
                let hidden = format!("{HIDDEN}{}", order.len());
                exprs.push(part.alias(&hidden));
                let column = Expr::Column(datafusion::common::Column::new_unqualified(hidden));
                order.push(Sort { expr: column, asc: key.is_ascending, nulls_first: key.nulls_first });
            }
        }
        let width = input.width;
        let plan = projection(input.plan, exprs)?;
        Ok(Ordered { plan, width, order })
    }

    async fn aggregate(
        &self,
        plan: &Arc<Plan>,
        input: &Arc<Plan>,
        keys: &[Scalar],
        calls: &[Aggregate],
    ) -> Result<Ordered> {
        if keys.iter().any(|key| !is_sortable(key.scalar_type)) {
            return self.interpret(plan).await;
        }
        let keys = self.all_ready(keys.iter().collect()).await?;
        let mut ready = Vec::with_capacity(calls.len());
        for call in calls {
            let arguments = self.all_ready(call.arguments.iter().collect()).await?;
            let filter = match &call.filter {
                Some(filter) => Some(self.ready(filter).await?),
                None => None,
            };
            ready.push(Aggregate { arguments, filter, ..call.clone() });
        }
        let input = self.below(input).await?;
        let below = input.columns();
        let mut groups = Vec::with_capacity(keys.len());
        for (key, column) in keys.iter().zip(&plan.columns) {
            let value = lower(key, &below, &self.draws)?;
            let value = if key.scalar_type == ScalarType::Real { one_nan(value) } else { value };
            groups.push(named(value, column));
        }
        let (calls, places) = aggregates::together(&ready);
        let (mut exprs, mut outputs) = (Vec::new(), Vec::new());
        for (at, call) in calls.iter().enumerate() {
            let arguments = call
                .arguments
                .iter()
                .map(|argument| lower(argument, &below, &self.draws))
                .collect::<Result<Vec<_>>>()?;
            let filter = match &call.filter {
                Some(filter) => Some(lower_filter(filter, &below, &self.draws)?),
                None => None,
            };
            let lowered = aggregates::lower(call, arguments, filter, &input.order)?;
            let name = format!("$a{at}");
            exprs.push(lowered.call.alias(&name));
            let column = Expr::Column(datafusion::common::Column::new_unqualified(name));
            outputs.push((lowered.outputs, column));
        }
        if groups.is_empty() && exprs.is_empty() {
            return self.interpret(plan).await;
        }
        let width = groups.len();
        let grouped = LogicalPlanBuilder::from(input.plan.clone()).aggregate(groups, exprs)?.build()?;
        let ordered = Ordered::unordered(grouped);
        let mut values: Vec<Expr> = (0..width).map(|at| ordered.column(at)).collect();
        for ((call, at), field) in places.iter().zip(plan.columns.iter().skip(width)) {
            let Some((parts, column)) = outputs.get(*call) else { continue };
            if let Some(output) = parts.get(*at) {
                values.push(named(output.of(column.clone())?, field));
            }
        }
        Ok(Ordered::unordered(projection(ordered.plan, values)?))
    }

    async fn union(&self, plan: &Arc<Plan>, inputs: &[Arc<Plan>]) -> Result<Ordered> {
        let mut parts = Vec::with_capacity(inputs.len());
        for input in inputs {
            let below = self.below(input).await?;
            let columns =
                below.columns().into_iter().zip(&plan.columns).map(|(value, column)| named(value, column));
            parts.push(Arc::new(projection(below.plan.clone(), columns.collect())?));
        }
        match <[Arc<LogicalPlan>; 1]>::try_from(parts) {
            Ok([single]) => Ok(Ordered::unordered(Arc::unwrap_or_clone(single))),
            Err(parts) => Ok(Ordered::unordered(LogicalPlan::Union(Union::try_new_with_loose_types(parts)?))),
        }
    }

    async fn join(
        &self,
        plan: &Arc<Plan>,
        kind: JoinKind,
        left: &Arc<Plan>,
        right: &Arc<Plan>,
        on: &[(Scalar, Scalar)],
    ) -> Result<Ordered> {
        let here = self.all_ready(on.iter().map(|(left, _)| left).collect()).await?;
        let there = self.all_ready(on.iter().map(|(_, right)| right).collect()).await?;
        let (left_rows, right_rows) = (self.below(left).await?, self.below(right).await?);
        let types: Vec<ScalarType> =
            here.iter().zip(&there).map(|(left, right)| key_type(left, right)).collect();
        let left_side = self.side(left_rows, &here, &types, "l")?;
        let right_side = self.side(right_rows, &there, &types, "r")?;
        let left_side = if kind == JoinKind::InnerUnique {
            self.first_of_each(left, &here, left_side)?
        } else {
            left_side
        };
        let equal: Vec<(Expr, Expr)> = (0..types.len()).map(|at| (key("l", at), key("r", at))).collect();
        // What stands first is kept in memory.
        let (first, second, equal, join_type) = if size(right) < size(left) {
            let equal = equal.into_iter().map(|(here, there)| (there, here)).collect();
            (right_side, left_side, equal, join_type(kind).swap())
        } else {
            (left_side, right_side, equal, join_type(kind))
        };
        let join = Join::try_new(
            Arc::new(first),
            Arc::new(second),
            equal,
            None,
            join_type,
            JoinConstraint::On,
            // Null equals nothing.
            NullEquality::NullEqualsNothing,
            false,
        )?;
        let mut fields = plan.columns.iter();
        let mut values = Vec::with_capacity(plan.columns.len());
        let may_miss_left = matches!(kind, JoinKind::RightOuter | JoinKind::FullOuter);
        let may_miss_right = matches!(kind, JoinKind::LeftOuter | JoinKind::FullOuter);
        let sides = [
            (kind.has_left(), "l", left.columns.len(), may_miss_left),
            (kind.has_right(), "r", right.columns.len(), may_miss_right),
        ];
        for (has, side, width, may_miss) in sides {
            if !has {
                continue;
            }
            for (at, field) in (0..width).zip(fields.by_ref()) {
                let column =
                    Expr::Column(datafusion::common::Column::new_unqualified(format!("${side}{at}")));
                values.push(named(filled(column, field, may_miss)?, field));
            }
        }
        Ok(Ordered::unordered(projection(LogicalPlan::Join(join), values)?))
    }

    /// The columns of a side and its keys, under names of their own.
    fn side(&self, input: Ordered, keys: &[Scalar], types: &[ScalarType], side: &str) -> Result<LogicalPlan> {
        let below = input.columns();
        let mut exprs: Vec<Expr> = below
            .iter()
            .enumerate()
            .map(|(at, column)| column.clone().alias(format!("${side}{at}")))
            .collect();
        for (at, (value, scalar_type)) in keys.iter().zip(types).enumerate() {
            let value = value.clone().cast(*scalar_type);
            exprs.push(lower(&value, &below, &self.draws)?.alias(format!("${side}k{at}")));
        }
        projection(input.plan, exprs)
    }

    /// One row of each key, unless the keys are all different anyway.
    fn first_of_each(&self, plan: &Plan, keys: &[Scalar], side: LogicalPlan) -> Result<LogicalPlan> {
        if is_unique(plan, keys) {
            return Ok(side);
        }
        let on: Vec<Expr> = (0..keys.len()).map(|at| key("l", at)).collect();
        let all: Vec<Expr> = side.schema().columns().into_iter().map(Expr::Column).collect();
        LogicalPlanBuilder::from(side).distinct_on(on, all, None)?.build()
    }

    /// A step that the plain engine runs.
    pub(super) async fn interpret(&self, plan: &Arc<Plan>) -> Result<Ordered> {
        let mut inputs = Inputs::default();
        let moved = self.moved(plan, true, &mut inputs).await?;
        let scope = match (&plan.step, inputs.plans.len()) {
            (Step::Expand { .. } | Step::Apply { .. }, 1) => Scope::Row,
            _ => Scope::Table,
        };
        let schema = Arc::new(DFSchema::try_from(physical::schema(&plan.columns))?);
        let node = Interpret {
            name: step_name(&plan.step),
            plan: moved,
            columns: inputs.columns,
            inputs: inputs.plans,
            orders: inputs.orders,
            scope: if inputs.is_ordered { Scope::Table } else { scope },
            schema,
        };
        let plan = LogicalPlan::Extension(Extension { node: Arc::new(node) });
        Ok(Ordered::unordered(plan))
    }

    /// The step over tables named `$0`, `$1`, ..., which are lowered by themselves. Below a step that the plain engine
    /// runs anyway, only tables are.
    async fn moved(&self, plan: &Arc<Plan>, is_top: bool, inputs: &mut Inputs) -> Result<Arc<Plan>> {
        if is_part(plan) {
            return Ok(Arc::clone(plan));
        }
        let is_source = matches!(plan.step, Step::Table(_) | Step::Materialize(_) | Step::External { .. });
        if !is_top && (is_source || !has_part(plan)) {
            return self.input(plan, inputs).await;
        }
        let mut step = plan.step.clone();
        for scalar in step.scalars_mut() {
            *scalar = self.ready(scalar).await?;
        }
        for input in step.inputs_mut() {
            *input = Box::pin(self.moved(input, false, inputs)).await?;
        }
        Ok(Arc::new(Plan { step, columns: plan.columns.clone(), is_open: plan.is_open }))
    }

    async fn input(&self, plan: &Arc<Plan>, inputs: &mut Inputs) -> Result<Arc<Plan>> {
        let name: Arc<str> = format!("${}", inputs.plans.len()).into();
        let lowered = self.below(plan).await?;
        inputs.is_ordered |= !lowered.order.is_empty();
        inputs.orders.push(lowered.order);
        inputs.plans.push(lowered.plan);
        inputs.columns.push(plan.columns.clone());
        Ok(Plan::new(Step::Table(name), plan.columns.clone()))
    }
}

/// The inputs of a step that the plain engine runs.
#[derive(Default)]
struct Inputs {
    plans: Vec<LogicalPlan>,
    columns: Vec<Vec<Column>>,
    orders: Vec<Vec<Sort>>,
    is_ordered: bool,
}

/// Whether a plan, or a body in it, works on the part that a step around it is at.
fn has_part(plan: &Plan) -> bool {
    plan.reads_part() || plan.step.inputs().iter().any(|input| has_part(input))
}

/// The key of a side.
fn key(side: &str, at: usize) -> Expr {
    Expr::Column(datafusion::common::Column::new_unqualified(format!("${side}k{at}")))
}

/// The type in which two keys are compared.
fn key_type(left: &Scalar, right: &Scalar) -> ScalarType {
    match (left.scalar_type, right.scalar_type) {
        (left, right) if left == right => left,
        (ScalarType::Int, ScalarType::Long) | (ScalarType::Long, ScalarType::Int) => ScalarType::Long,
        (ScalarType::Dynamic, other) | (other, ScalarType::Dynamic) => other,
        _ => ScalarType::Real,
    }
}

/// Keys that DataFusion compares as the language does.
fn is_joinable(on: &[(Scalar, Scalar)]) -> bool {
    on.iter().all(|(left, right)| {
        let is_plain = |scalar: &Scalar| {
            !matches!(scalar.scalar_type, ScalarType::Decimal | ScalarType::Real | ScalarType::Dynamic)
        };
        is_plain(left) && is_plain(right) && !matches!(key_type(left, right), ScalarType::Real)
    })
}

/// Types that Arrow sorts and groups as the language does.
pub(super) fn is_sortable(scalar_type: ScalarType) -> bool {
    !matches!(scalar_type, ScalarType::Decimal | ScalarType::Dynamic)
}

fn join_type(kind: JoinKind) -> JoinType {
    match kind {
        JoinKind::InnerUnique | JoinKind::Inner => JoinType::Inner,
        JoinKind::LeftOuter => JoinType::Left,
        JoinKind::RightOuter => JoinType::Right,
        JoinKind::FullOuter => JoinType::Full,
        JoinKind::LeftSemi => JoinType::LeftSemi,
        JoinKind::LeftAnti => JoinType::LeftAnti,
        JoinKind::RightSemi => JoinType::RightSemi,
        JoinKind::RightAnti => JoinType::RightAnti,
    }
}

/// A string that may be missing is empty then.
fn filled(column: Expr, field: &Column, may_miss: bool) -> Result<Expr> {
    if !may_miss || field.scalar_type != ScalarType::String {
        return Ok(column);
    }
    let empty = datafusion::logical_expr::lit(physical::scalar(&Value::string(""), ScalarType::String));
    when(column.clone().is_null(), empty).otherwise(column)
}

/// Whether no two rows of a plan share these keys.
fn is_unique(plan: &Plan, keys: &[Scalar]) -> bool {
    let used: Vec<usize> = keys
        .iter()
        .filter_map(|key| match key.kind {
            ScalarKind::Column(at) => Some(at),
            _ => None,
        })
        .collect();
    match &plan.step {
        Step::Aggregate { keys, .. } => (0..keys.len()).all(|at| used.contains(&at)),
        Step::Filter { input, .. } | Step::Sort { input, .. } | Step::Take { input, .. } => {
            is_unique(input, keys)
        }
        _ => false,
    }
}

fn not_nan(value: Expr) -> Expr {
    use crate::functions::kernel::call;
    use crate::functions::row::RowExpression;
    let Some(function) = castellan_kql::functions::find("isnan") else { return value };
    let column = Scalar::column(0, ScalarType::Real);
    let kind = ScalarKind::Call { function, arguments: vec![column] };
    let is_nan = Scalar { kind, scalar_type: ScalarType::Bool };
    datafusion::logical_expr::not(call(RowExpression::new(is_nan, vec![ScalarType::Real]), vec![value]))
}

fn step_name(step: &Step) -> &'static str {
    match step {
        Step::Expand { .. } => "MvExpand",
        Step::Apply { .. } => "MvApply",
        Step::Partition { .. } => "Partition",
        Step::Series(_) => "MakeSeries",
        Step::TopNested { .. } => "TopNested",
        Step::Scan(_) => "Scan",
        Step::Reduce { .. } => "Reduce",
        Step::Window { .. } => "Window",
        Step::Sample { .. } => "Sample",
        Step::Sort { .. } => "Sort",
        Step::Aggregate { .. } => "Aggregate",
        Step::Join { .. } => "Join",
        Step::Plugin { .. } => "Plugin",
        Step::GraphMatch { .. } => "GraphMatch",
        Step::GraphShortestPaths { .. } => "GraphShortestPaths",
        Step::GraphNodes { .. } => "GraphNodes",
        Step::GraphEdges { .. } => "GraphEdges",
        _ => "Interpret",
    }
}

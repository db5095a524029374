//! Steps that make rows of rows, each by itself.

use std::sync::Arc;

use castellan_kql::plan::{self, Expansion, Field as Column, ParseStep, Plan, Scalar};
use castellan_kql::{ScalarType, Value};
use datafusion::common::Result;
use datafusion::logical_expr::expr::Sort;
use datafusion::logical_expr::{Expr, Extension, LogicalPlan};

use super::scalar::lower;
use super::step::is_sortable;
use super::{HIDDEN, Lowering, Ordered, named, projection};
use crate::steps::each::expand::Expand;
use crate::steps::each::parse::Parse;
use crate::steps::each::series::Series;
use crate::steps::each::{Each, EachNode};

/// How items are expanded.
#[derive(Clone, Copy, Debug)]
pub(super) struct How {
    pub(super) bags_as_arrays: bool,
    pub(super) with_index: bool,
}

/// What passes through a step: the columns that are kept, then those that the order needs.
struct Passed {
    exprs: Vec<Expr>,
    width: usize,
    order: Vec<Sort>,
}

impl Passed {
    fn new<'c>(input: &Ordered, kept: impl IntoIterator<Item = (usize, &'c Column)>) -> Passed {
        let mut exprs: Vec<Expr> =
            kept.into_iter().map(|(at, column)| named(input.column(at), column)).collect();
        let width = exprs.len();
        let mut order = Vec::with_capacity(input.order.len());
        for (at, sort) in input.order.iter().enumerate() {
            let name = format!("{HIDDEN}{at}");
            exprs.push(sort.expr.clone().alias(&name));
            order.push(Sort { expr: column(name), ..sort.clone() });
        }
        Passed { exprs, width, order }
    }
}

impl Lowering<'_> {
    pub(super) async fn expand(
        &self,
        plan: &Plan,
        input: &Arc<Plan>,
        kept: &[usize],
        columns: &[Expansion],
        limit: Option<&Scalar>,
        how: How,
    ) -> Result<Ordered> {
        let values = self.all_ready(columns.iter().map(|column| &column.value).collect()).await?;
        let limit = match limit {
            Some(limit) => self.count(limit).await?,
            None => usize::MAX,
        };
        let input = self.below(input).await?;
        let passed = Passed::new(&input, kept.iter().copied().zip(&plan.columns));
        let own = plan.columns.get(kept.len()..).unwrap_or_default();
        let expand = Expand {
            kept: passed.exprs.len(),
            limit,
            bags_as_arrays: how.bags_as_arrays,
            with_index: how.with_index,
            columns: own.to_vec(),
        };
        self.each(input, passed, &values, Arc::new(expand), true)
    }

    pub(super) async fn parse(
        &self,
        plan: &Plan,
        input: &Arc<Plan>,
        parse: &ParseStep,
        is_filter: bool,
    ) -> Result<Ordered> {
        let (ParseStep::Pattern { value, .. }
        | ParseStep::KeyValue { value, .. }
        | ParseStep::KeyValueRegex { value, .. }) = parse;
        let value = self.ready(value).await?;
        let width = input.columns.len();
        let input = self.below(input).await?;
        let passed = Passed::new(&input, (0..width).zip(&plan.columns));
        let own = plan.columns.get(width..).unwrap_or_default();
        let parse = Parse::new(passed.exprs.len(), parse, own, is_filter)?;
        self.each(input, passed, &[value], Arc::new(parse), false)
    }

    /// `make-series`; by the plain engine where the axis is no whole number.
    pub(super) async fn series(&self, plan: &Arc<Plan>, series: &plan::Series) -> Result<Ordered> {
        let Some(shape) = self.shape(plan, series).await? else { return self.interpret(plan).await };
        let input = self.below(&series.input).await?;
        let node = EachNode::new(Arc::new(shape), projection(input.plan.clone(), input.columns())?, 0, None)?;
        Ok(Ordered::unordered(LogicalPlan::Extension(Extension { node: Arc::new(node) })))
    }

    async fn shape(&self, plan: &Plan, series: &plan::Series) -> Result<Option<Series>> {
        let input = &series.input.columns;
        let (Some(axis), keys) = (input.get(series.keys), input.iter().take(series.keys)) else {
            return Ok(None);
        };
        let is_whole =
            matches!(axis.scalar_type, ScalarType::DateTime | ScalarType::TimeSpan | ScalarType::Long);
        // The plain engine groups all reals that are equal, whatever their bits.
        let is_plain = |key: &Column| is_sortable(key.scalar_type) && key.scalar_type != ScalarType::Real;
        if !is_whole || !keys.clone().all(is_plain) {
            return Ok(None);
        }
        let from = self.point(series.from.as_ref(), axis.scalar_type).await?;
        let to = self.point(series.to.as_ref(), axis.scalar_type).await?;
        let (Some(from), Some(to)) = (from, to) else { return Ok(None) };
        let step = match (self.constant(&series.step).await?, axis.scalar_type) {
            (Value::TimeSpan(step), ScalarType::DateTime | ScalarType::TimeSpan) if step > 0 => step,
            (Value::Long(step), ScalarType::Long) if step > 0 => step,
            _ => return Ok(None),
        };
        let mut defaults = Vec::with_capacity(series.values.len());
        for value in &series.values {
            defaults.push(self.constant(&value.default).await?);
        }
        Ok(Some(Series {
            keys: series.keys,
            input: input.clone(),
            columns: plan.columns.clone(),
            from,
            to,
            step,
            includes_end: series.includes_end,
            defaults,
        }))
    }

    /// A point of an axis, if it is given; `None` for one that is no whole number.
    async fn point(&self, scalar: Option<&Scalar>, scalar_type: ScalarType) -> Result<Option<Option<i64>>> {
        let Some(scalar) = scalar else { return Ok(Some(None)) };
        Ok(match (self.constant(scalar).await?, scalar_type) {
            (Value::DateTime(point), ScalarType::DateTime)
            | (Value::TimeSpan(point), ScalarType::TimeSpan)
            | (Value::Long(point), ScalarType::Long) => Some(Some(point)),
            _ => None,
        })
    }

    /// The step over what passes through and its arguments. `may_multiply` says that it makes several rows of one.
    fn each(
        &self,
        input: Ordered,
        passed: Passed,
        arguments: &[Scalar],
        each: Arc<dyn Each>,
        may_multiply: bool,
    ) -> Result<Ordered> {
        let below = input.columns();
        let Passed { mut exprs, width, mut order } = passed;
        let kept = exprs.len();
        for (at, argument) in arguments.iter().enumerate() {
            exprs.push(lower(argument, &below, &self.draws)?.alias(format!("$x{at}")));
        }
        // Rows of the same place in the order stay together, and in theirs.
        let number = (may_multiply && !order.is_empty()).then(|| format!("{HIDDEN}{}", order.len()));
        order.extend(number.iter().map(|name| Sort::new(column(name.clone()), true, false)));
        let own = each.columns().len();
        let node = EachNode::new(each, projection(input.plan, exprs)?, kept, number)?;
        let made = Ordered::unordered(LogicalPlan::Extension(Extension { node: Arc::new(node) }));
        if order.is_empty() {
            return Ok(made);
        }
        // Hidden columns come last.
        let places = (0..width).chain(kept..kept + own).chain(width..kept).chain(kept + own..made.width);
        let exprs = places.map(|at| made.column(at)).collect();
        Ok(Ordered { plan: projection(made.plan, exprs)?, width: width + own, order })
    }
}

fn column(name: String) -> Expr {
    Expr::Column(datafusion::common::Column::new_unqualified(name))
}

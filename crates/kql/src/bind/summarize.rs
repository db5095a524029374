//! `summarize` and the operators that come down to it.

use std::cell::RefCell;
use std::sync::Arc;

use super::call::{Call, columns};
use super::environment::Environment;
use super::frame::{Frame, Gather};
use super::names::{Names, auto_name};
use super::{Binder, Result};
use crate::ast::{Column, Expr, ExprKind};
use crate::diagnostic::Diagnostic;
use crate::plan::{Aggregate, AggregateFunction, Field, Plan, Scalar, SortKey, Step};
use crate::registry::{self, Kind};
use crate::span::Span;
use crate::value::ScalarType;

/// `count()` under a name.
pub(super) fn counted(name: &str) -> Aggregate {
    Aggregate {
        function: AggregateFunction::Count,
        arguments: Vec::new(),
        filter: None,
        outputs: vec![Field::new(name, ScalarType::Long)],
    }
}

/// What `summarize` gives: keys, then a value for each aggregate expression.
pub(super) struct Summary {
    pub(super) key_fields: Vec<Field>,
    pub(super) keys: Vec<Scalar>,
    pub(super) calls: Vec<Aggregate>,
    /// Over the keys and the outputs of the calls.
    pub(super) values: Vec<Scalar>,
    pub(super) value_fields: Vec<Field>,
    /// Whether `*` among the aggregates takes columns along that nobody knows.
    pub(super) is_open: bool,
}

impl Summary {
    /// The step, and one that puts values together where an expression is more than one call.
    pub(super) fn plan(self, input: Arc<Plan>) -> Arc<Plan> {
        let outputs = self.calls.iter().flat_map(|call| call.outputs.iter().cloned());
        let mut inner: Vec<Field> = self.key_fields.iter().cloned().chain(outputs).collect();
        let fields: Vec<Field> = self.key_fields.iter().chain(&self.value_fields).cloned().collect();
        let values: Vec<Scalar> = columns(&self.key_fields).chain(self.values).collect();
        let is_plain = values.len() == inner.len()
            && values.iter().zip(columns(&inner)).all(|(value, column)| *value == column);
        if is_plain {
            inner = fields.clone();
        }
        let step = Step::Aggregate { input, keys: self.keys, aggregates: self.calls };
        let aggregated = Plan::new(step, inner);
        let aggregated = if self.is_open { aggregated } else { super::project::closed(aggregated) };
        if is_plain { aggregated } else { Plan::new(Step::Project { input: aggregated, values }, fields) }
    }
}

impl Binder<'_> {
    pub(super) fn summarize(
        &self,
        span: Span,
        input: Arc<Plan>,
        aggregates: &[Column],
        by: &[Column],
        environment: &Environment,
    ) -> Result<Arc<Plan>> {
        if aggregates.is_empty() && by.is_empty() {
            return Err(Diagnostic::error(
                "empty-summarize",
                span,
                "`summarize` needs an aggregate or a column",
            )
            .with_help("write `summarize count() by column`"));
        }
        let frame = Frame::new(&input.columns, input.is_open, environment);
        let summary = self.summary(aggregates, by, frame)?;
        Ok(summary.plan(input))
    }

    /// The parts of a `summarize`.
    pub(super) fn summary(&self, aggregates: &[Column], by: &[Column], frame: Frame<'_>) -> Result<Summary> {
        let mut names = Names::default();
        let (mut key_fields, mut keys) = (Vec::new(), Vec::new());
        for column in by {
            for output in self.outputs(column, frame)? {
                let name = names.or_numbered(output.given.as_deref().or(output.own.as_deref()));
                key_fields.push(Field { name, scalar_type: output.value.scalar_type });
                keys.push(output.value);
            }
        }
        let calls = RefCell::new(Vec::new());
        let (mut values, mut value_fields) = (Vec::new(), Vec::new());
        let gather = Gather::Aggregates { calls: &calls, before: keys.len(), keys: &key_fields };
        for column in aggregates {
            let inside = Frame { gather, ..frame };
            let found = self.aggregated(column, inside, &by_columns(by));
            for (name, value) in self.or_tell(found, || some_outputs(column, frame))? {
                let name = names.or_numbered(name.as_deref());
                value_fields.push(Field { name, scalar_type: value.scalar_type });
                values.push(value);
            }
        }
        let is_open = frame.is_open && aggregates.iter().any(takes_all);
        Ok(Summary { key_fields, keys, calls: calls.into_inner(), values, value_fields, is_open })
    }

    /// The columns of an item of `summarize`.
    fn aggregated(
        &self,
        column: &Column,
        frame: Frame<'_>,
        by: &[Arc<str>],
    ) -> Result<Vec<(Option<String>, Scalar)>> {
        if let ExprKind::Call { callee, arguments } = &column.value.kind
            && let ExprKind::Name(name) = &callee.kind
        {
            let is_own = frame.environment.find(name).is_some();
            if let Some(row) = registry::find_kind(name, Kind::Aggregate).filter(|_| !is_own) {
                let call = Call { expr: &column.value, name, arguments };
                return self.aggregate_columns(&call, row, column, frame, by);
            }
        }
        let value = self.scalar(&column.value, frame)?;
        let given = column.names.first().map(|name| name.text.to_string());
        Ok(vec![(given.or_else(|| auto_name(&column.value)), value)])
    }

    /// `sample-distinct n of x`
    pub(super) fn sample_distinct(
        &self,
        input: Arc<Plan>,
        count: &Expr,
        of: &Expr,
        environment: &Environment,
    ) -> Result<Arc<Plan>> {
        let frame = Frame::new(&input.columns, input.is_open, environment);
        let value = self.scalar(of, frame)?;
        let name = Names::default().of(of);
        let fields = vec![Field { name, scalar_type: value.scalar_type }];
        let count = self.count(count, environment)?;
        let step = Step::Aggregate { input, keys: vec![value], aggregates: Vec::new() };
        let distinct = Plan::new(step, fields.clone());
        Ok(Plan::new(Step::Take { input: distinct, count }, fields))
    }

    /// `top-hitters n of x by y`: the values that come most often, or weigh most.
    pub(super) fn top_hitters(
        &self,
        input: Arc<Plan>,
        count: &Expr,
        of: &Expr,
        by: Option<&Expr>,
        environment: &Environment,
    ) -> Result<Arc<Plan>> {
        let frame = Frame::new(&input.columns, input.is_open, environment);
        let value = self.scalar(of, frame)?;
        let mut names = Names::default();
        let key = Field { name: names.of(of), scalar_type: value.scalar_type };
        let aggregate = match by {
            None => counted(&format!("approximate_count_{}", key.name)),
            Some(by) => {
                let weight = self.scalar(by, frame)?;
                let name = format!("approximate_sum_{}", auto_name(by).unwrap_or_default());
                let scalar_type = match weight.scalar_type {
                    ScalarType::Int => ScalarType::Long,
                    other => other,
                };
                Aggregate {
                    function: AggregateFunction::Sum,
                    arguments: vec![weight],
                    filter: None,
                    outputs: vec![Field::new(name, scalar_type)],
                }
            }
        };
        let fields =
            vec![key, aggregate.outputs.first().cloned().unwrap_or(Field::new("", ScalarType::Long))];
        let weight_type = fields.get(1).map_or(ScalarType::Long, |field| field.scalar_type);
        let step = Step::Aggregate { input, keys: vec![value], aggregates: vec![aggregate] };
        let counted = Plan::new(step, fields.clone());
        let key = SortKey { value: Scalar::column(1, weight_type), is_ascending: false, nulls_first: false };
        let sorted = Plan::new(Step::Sort { input: counted, by: vec![key] }, fields.clone());
        let count = self.count(count, environment)?;
        Ok(Plan::new(Step::Take { input: sorted, count }, fields))
    }
}

/// The columns of an item that is wrong.
fn some_outputs(column: &Column, frame: Frame<'_>) -> Vec<(Option<String>, Scalar)> {
    let own = auto_name(&column.value).into_iter();
    let names = column.names.iter().map(|name| name.text.to_string()).chain(own);
    names.take(column.names.len().max(1)).map(|name| (Some(name), super::check::some_value(frame))).collect()
}

/// Whether an aggregate takes all columns along, as `arg_max(x, *)`.
fn takes_all(column: &Column) -> bool {
    let is_star = |argument: &crate::ast::Argument| matches!(argument.value.kind, ExprKind::Star);
    matches!(&column.value.kind, ExprKind::Call { arguments, .. } if arguments.iter().any(is_star))
}

/// The columns that are grouped by as they are, which `arg_max(x, *)` does not repeat.
fn by_columns(by: &[Column]) -> Vec<Arc<str>> {
    let plain = |column: &Column| match &column.value.kind {
        ExprKind::Name(name) => Some(Arc::clone(name)),
        _ => None,
    };
    by.iter().filter_map(plain).collect()
}

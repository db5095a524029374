//! `top-nested`, `partition` and `reduce`.

use std::cell::RefCell;
use std::sync::Arc;

use super::environment::{Binding, Environment};
use super::frame::{Frame, Gather};
use super::names::{Names, auto_name};
use super::{Binder, Result};
use crate::ast::{Expr, ExprKind, MembershipOperator, Setting, TopNested};
use crate::diagnostic::Diagnostic;
use crate::plan::{Aggregate, Field, Plan, ScalarKind, Step, TopLevel};
use crate::value::{ScalarType, Value};

impl Binder<'_> {
    pub(super) fn top_nested(
        &self,
        input: Arc<Plan>,
        levels: &[TopNested],
        environment: &Environment,
    ) -> Result<Arc<Plan>> {
        let frame = Frame::new(&input.columns, input.is_open, environment);
        let mut names = Names::default();
        let (mut fields, mut bound) = (Vec::new(), Vec::new());
        for level in levels {
            let value = self.scalar(&level.of.value, frame)?;
            let given = level.of.names.first().map(|name| name.text.to_string());
            let name = names.or_numbered(given.or_else(|| auto_name(&level.of.value)).as_deref());
            let by = self.single_aggregate(&level.by.value.value, frame)?;
            let given = level.by.value.names.first().map(|name| name.text.to_string());
            let by_name = names.unique(&given.unwrap_or_else(|| format!("aggregated_{name}")));
            let by_type = by.outputs.first().map_or(ScalarType::Long, |field| field.scalar_type);
            fields.push(Field { name, scalar_type: value.scalar_type });
            fields.push(Field { name: by_name, scalar_type: by_type });
            bound.push(TopLevel {
                count: level.count.as_ref().map(|count| self.count(count, environment)).transpose()?,
                others: level.others.as_ref().map(|others| self.literal(others, frame)).transpose()?,
                value,
                by,
                is_ascending: level.by.is_ascending.unwrap_or(false),
            });
        }
        Ok(Plan::new(Step::TopNested { input, levels: bound }, fields))
    }

    /// An expression that is one aggregate and nothing more.
    fn single_aggregate(&self, expr: &Expr, frame: Frame<'_>) -> Result<Aggregate> {
        let calls = RefCell::new(Vec::new());
        let gather = Gather::Aggregates { calls: &calls, before: 0, keys: &[] };
        let value = self.scalar(expr, Frame { gather, ..frame })?;
        match (value.kind, calls.into_inner().as_mut_slice()) {
            (ScalarKind::Column(0), [aggregate]) => Ok(aggregate.clone()),
            _ => Err(Diagnostic::error("not-aggregate", expr.span, "a single aggregate is expected here")
                .with_help("write `by count()` or `by sum(column)`")),
        }
    }

    pub(super) fn partition(
        &self,
        input: Arc<Plan>,
        by: &Expr,
        within: Option<&Expr>,
        body: &Expr,
        environment: &Environment,
    ) -> Result<Arc<Plan>> {
        let frame = Frame::new(&input.columns, input.is_open, environment);
        let by_value = self.scalar(by, frame)?;
        let rows = match within {
            None => Arc::clone(&input),
            Some(within) => {
                let operator = MembershipOperator::In { is_negated: false, is_case_sensitive: true };
                let expr = ExprKind::Membership {
                    value: Box::new(by.clone()),
                    operator,
                    items: vec![within.clone()],
                };
                let predicate = self.scalar(&Expr { kind: expr, span: within.span }, frame)?;
                let columns = input.columns.clone();
                Plan::new(Step::Filter { input: Arc::clone(&input), predicate }, columns)
            }
        };
        let part = Arc::new(Plan { step: Step::Part, columns: rows.columns.clone(), is_open: rows.is_open });
        let mut inner = environment.outside_parts();
        // A body with a source of its own knows the key's value by its name.
        if let (ExprKind::Name(name), true) = (&by.kind, has_source(body)) {
            let columns = vec![Field { name: Arc::clone(name), scalar_type: by_value.scalar_type }];
            let key = Plan::new(
                Step::Project { input: Arc::clone(&part), values: vec![by_value.clone()] },
                columns,
            );
            inner = inner.with(Arc::clone(name), Binding::Scalar(self.single_value(&key)));
        }
        let body = self.flow(body, &inner, Some(&part))?.table(body.span)?;
        let columns = body.columns.clone();
        Ok(Plan::new(Step::Partition { input: rows, by: by_value, body }, columns))
    }

    pub(super) fn reduce(
        &self,
        input: Arc<Plan>,
        by: &Expr,
        properties: &[Setting],
        environment: &Environment,
    ) -> Result<Arc<Plan>> {
        let frame = Frame::new(&input.columns, input.is_open, environment);
        let by = self.scalar(by, frame)?.cast(ScalarType::String);
        let constant = |name: &str| -> Result<Option<Value>> {
            let setting = properties.iter().find(|setting| &*setting.name.text == name);
            setting
                .and_then(|setting| setting.values.first())
                .map(|value| self.literal(value, frame))
                .transpose()
        };
        let threshold = constant("threshold")?.and_then(|value| value.to_f64()).unwrap_or(0.1);
        let characters = constant("characters")?.map(|value| value.to_text()).unwrap_or_default();
        let columns = vec![
            Field::new("Pattern", ScalarType::String),
            Field::new("Count", ScalarType::Long),
            Field::new("Representative", ScalarType::String),
        ];
        Ok(Plan::new(Step::Reduce { input, by, threshold, characters }, columns))
    }
}

/// Whether a body begins with a table and not with the rows of its part.
fn has_source(body: &Expr) -> bool {
    matches!(&body.kind, ExprKind::Query(query) if query.source.is_some())
}

//! `make-series`: bins are aggregated, then the gaps between them filled.

use std::sync::Arc;

use super::call::{columns, named_call, operation};
use super::environment::Environment;
use super::frame::Frame;
use super::names::auto_name;
use super::{Binder, Result};
use crate::ast::{BinaryKind, Column, Expr, ExprKind, MakeSeries};
use crate::diagnostic::Diagnostic;
use crate::plan::{Field, Plan, Scalar, Series, SeriesValue, Step};
use crate::span::Span;
use crate::value::{ScalarType, Value};

/// The column of bins while it is none of the query's.
const AXIS: &str = "$axis";

/// Aggregated bins.
struct Bins {
    /// A row for each group and bin: keys, axis, values.
    plan: Arc<Plan>,
    keys: usize,
    /// The arrays that the values become.
    fields: Vec<Field>,
    defaults: Vec<SeriesValue>,
}

impl Binder<'_> {
    pub(super) fn make_series(
        &self,
        span: Span,
        input: Arc<Plan>,
        make: &MakeSeries,
        environment: &Environment,
    ) -> Result<Arc<Plan>> {
        let frame = Frame::new(&input.columns, input.is_open, environment);
        let axis = match self.scalar(&make.on.value, frame)? {
            axis if axis.is_unknown() => Scalar::unknown(ScalarType::DateTime),
            axis => axis,
        };
        let scalar_type = axis.scalar_type;
        if !scalar_type.is_number() && !matches!(scalar_type, ScalarType::DateTime | ScalarType::TimeSpan) {
            let message = format!("a series goes along a number or a time, not {scalar_type}");
            return Err(Diagnostic::error("type-mismatch", make.on.value.span, message));
        }
        let bound = |expr: &Expr| Ok::<_, Diagnostic>(self.constant(expr, frame)?.cast(scalar_type));
        let from = make.from.as_ref().map(bound).transpose()?;
        let to = make.to.as_ref().map(bound).transpose()?;
        let distance = if scalar_type == ScalarType::DateTime { ScalarType::TimeSpan } else { scalar_type };
        let step = self.constant(&make.step, frame)?.cast(distance);
        if step.as_literal().is_some_and(|step| !is_positive(step)) {
            return Err(Diagnostic::error(
                "step",
                make.step.span,
                "the distance between points is greater than zero",
            ));
        }
        let name = axis_name(&make.on);
        let binned = binned(input, axis, &from, &to, &step, make.is_range);
        let Bins { plan: input, keys, fields: value_fields, defaults } =
            self.bins(span, binned, make, environment)?;
        let mut fields: Vec<Field> = input.columns.iter().take(keys).cloned().collect();
        fields.extend(value_fields);
        fields.push(Field::new(name, ScalarType::Dynamic));
        let series = Series { input, keys, from, to, step, includes_end: make.is_range, values: defaults };
        Ok(Plan::new(Step::Series(Box::new(series)), super::expand::unique(&fields)))
    }

    /// A row for each group and bin: keys, axis, values.
    fn bins(
        &self,
        span: Span,
        binned: Arc<Plan>,
        make: &MakeSeries,
        environment: &Environment,
    ) -> Result<Bins> {
        let frame = Frame::new(&binned.columns, binned.is_open, environment);
        let axis = Expr { kind: ExprKind::Name(AXIS.into()), span };
        let mut by = make.by.clone();
        by.push(Column { names: Vec::new(), value: axis });
        let aggregates: Vec<Column> = make.aggregates.iter().map(|(column, _)| column.clone()).collect();
        let summary = self.summary(&aggregates, &by, frame)?;
        let keys = summary.keys.len().saturating_sub(1);
        let mut defaults = Vec::new();
        for (field, (_, default)) in summary.value_fields.iter().zip(&make.aggregates) {
            let default = match default {
                Some(default) => self.constant(default, frame)?,
                None if field.scalar_type.is_number() => Scalar::literal(Value::Long(0), ScalarType::Long),
                None => Scalar::literal(Value::Null, field.scalar_type),
            };
            defaults.push(SeriesValue { default });
        }
        let fields = summary
            .value_fields
            .iter()
            .map(|field| Field::new(Arc::clone(&field.name), ScalarType::Dynamic))
            .collect();
        if summary.value_fields.len() != defaults.len() {
            let message = "an aggregate of a series gives one value";
            return Err(Diagnostic::error("unsupported", span, message));
        }
        Ok(Bins { plan: summary.plan(binned), keys, fields, defaults })
    }
}

fn is_positive(step: &Value) -> bool {
    match step {
        Value::TimeSpan(ticks) => *ticks > 0,
        other => other.to_f64().is_some_and(|number| number > 0.0),
    }
}

fn axis_name(on: &Column) -> String {
    let given = on.names.first().map(|name| name.text.to_string());
    given.or_else(|| auto_name(&on.value)).unwrap_or_else(|| "Column1".to_owned())
}

/// The rows within the axis, with the bin as last column.
fn binned(
    input: Arc<Plan>,
    axis: Scalar,
    from: &Option<Scalar>,
    to: &Option<Scalar>,
    step: &Scalar,
    includes_end: bool,
) -> Arc<Plan> {
    let scalar_type = axis.scalar_type;
    let mut predicate = named_call("isnotnull", vec![axis.clone()], ScalarType::Bool);
    let mut require = |kind: BinaryKind, bound: &Scalar| {
        let test = operation(kind, axis.clone(), bound.clone(), ScalarType::Bool);
        predicate = operation(BinaryKind::And, predicate.clone(), test, ScalarType::Bool);
    };
    if let Some(from) = from {
        require(BinaryKind::GreaterOrEqual, from);
    }
    if let Some(to) = to {
        require(if includes_end { BinaryKind::LessOrEqual } else { BinaryKind::Less }, to);
    }
    let bin = match from {
        Some(from) => named_call("bin_at", vec![axis, step.clone(), from.clone()], scalar_type),
        None => named_call("bin", vec![axis, step.clone()], scalar_type),
    };
    let all = input.columns.clone();
    let filtered = Plan::new(Step::Filter { input, predicate }, all.clone());
    let values = columns(&all).chain(std::iter::once(bin)).collect();
    let mut fields = all;
    fields.push(Field::new(AXIS, scalar_type));
    Plan::new(Step::Project { input: filtered, values }, fields)
}

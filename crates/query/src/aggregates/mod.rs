//! Aggregates of the language as aggregates of DataFusion.

mod row;

use std::sync::Arc;

use castellan_kql::ScalarType;
use castellan_kql::plan::{Aggregate, AggregateFunction, Field as Column};
use datafusion::arrow::datatypes::{DataType, Fields};
use datafusion::common::Result;
use datafusion::functions_aggregate::expr_fn;
use datafusion::logical_expr::expr::{AggregateFunction as Call, AggregateFunctionParams, Sort};
use datafusion::logical_expr::{Expr, lit, when};

use crate::physical::{data_type, field};

/// An aggregate as DataFusion computes it.
pub struct Lowered {
    /// The call.
    pub call: Expr,
    /// What the call's result still needs for each output of the aggregate, over a column that holds it.
    pub outputs: Vec<Output>,
}

/// What becomes of a call's result.
pub enum Output {
    /// It is the output.
    Plain,
    /// Where it is null, this is the output.
    OrElse(Expr),
    /// The output is a part of it.
    Part(String),
}

/// The columns of a struct with all outputs.
pub fn output_fields(outputs: &[Column]) -> Fields {
    outputs.iter().enumerate().map(|(at, column)| field(&format!("o{at}"), column.scalar_type)).collect()
}

/// The type of a call's result.
pub fn output_type(outputs: &[Column]) -> DataType {
    match outputs {
        [single] => data_type(single.scalar_type),
        several => DataType::Struct(output_fields(several)),
    }
}

/// An aggregate over lowered arguments. `order` is the order of its rows, which lists keep.
///
/// Errors: none so far that the binder does not find first.
pub fn lower(
    aggregate: &Aggregate,
    arguments: Vec<Expr>,
    filter: Option<Expr>,
    order: &[Sort],
) -> Result<Lowered> {
    let types: Vec<ScalarType> = aggregate.arguments.iter().map(|argument| argument.scalar_type).collect();
    if let Some(native) = native(aggregate, &arguments, &types, filter.as_ref()) {
        return Ok(native);
    }
    let keeps_order = matches!(
        aggregate.function,
        AggregateFunction::MakeList { .. }
            | AggregateFunction::MakeSet { .. }
            | AggregateFunction::MakeBag { .. }
    );
    let order = if keeps_order { order.to_vec() } else { Vec::new() };
    let function = row::function(aggregate, types);
    // DataFusion wants an argument to count rows by.
    let arguments = if arguments.is_empty() { vec![lit(true)] } else { arguments };
    let call = with_filter(function.call(arguments), filter, order);
    let outputs = match aggregate.outputs.as_slice() {
        [_] => vec![Output::Plain],
        several => (0..several.len()).map(|at| Output::Part(format!("o{at}"))).collect(),
    };
    Ok(Lowered { call, outputs })
}

/// The aggregates that DataFusion computes exactly so.
fn native(
    aggregate: &Aggregate,
    arguments: &[Expr],
    types: &[ScalarType],
    filter: Option<&Expr>,
) -> Option<Lowered> {
    use AggregateFunction as F;
    let first = arguments.first().cloned();
    let plain = |call: Expr| {
        Some(Lowered { call: with_filter(call, filter.cloned(), Vec::new()), outputs: vec![Output::Plain] })
    };
    let or_else = |call: Expr, value: Expr| {
        let call = with_filter(call, filter.cloned(), Vec::new());
        Some(Lowered { call, outputs: vec![Output::OrElse(value)] })
    };
    match (&aggregate.function, types.first(), first) {
        (F::Count, _, _) => plain(expr_fn::count(lit(1_i64))),
        (F::Sum, Some(ScalarType::Long | ScalarType::TimeSpan), Some(value)) => {
            or_else(expr_fn::sum(value), lit(0_i64))
        }
        (F::Sum, Some(ScalarType::Int), Some(value)) => {
            or_else(expr_fn::sum(cast(value, DataType::Int64)), lit(0_i64))
        }
        (F::Sum, Some(ScalarType::Real), Some(value)) => or_else(expr_fn::sum(value), lit(0.0_f64)),
        (F::Average, Some(ScalarType::Int | ScalarType::Long | ScalarType::Real), Some(value)) => {
            or_else(expr_fn::avg(cast(value, DataType::Float64)), lit(f64::NAN))
        }
        (F::Minimum | F::Maximum, Some(scalar_type), Some(value)) if is_ordered_alike(*scalar_type) => {
            let is_minimum = aggregate.function == F::Minimum;
            plain(if is_minimum { expr_fn::min(value) } else { expr_fn::max(value) })
        }
        _ => None,
    }
}

/// Types that Arrow orders as the language does.
fn is_ordered_alike(scalar_type: ScalarType) -> bool {
    matches!(
        scalar_type,
        ScalarType::Int | ScalarType::Long | ScalarType::DateTime | ScalarType::TimeSpan | ScalarType::Bool
    )
}

fn cast(value: Expr, to: DataType) -> Expr {
    datafusion::logical_expr::cast(value, to)
}

/// The call over the rows for which the filter is true, in an order.
fn with_filter(call: Expr, filter: Option<Expr>, order: Vec<Sort>) -> Expr {
    match call {
        Expr::AggregateFunction(Call { func, params }) => {
            let params = AggregateFunctionParams { filter: filter.map(Box::new), order_by: order, ..params };
            Expr::AggregateFunction(Call { func, params })
        }
        other => other,
    }
}

impl Output {
    /// The output from the column that holds the call's result.
    ///
    /// Errors: those of DataFusion's own expressions.
    pub fn of(&self, column: Expr) -> Result<Expr> {
        Ok(match self {
            Output::Plain => column,
            Output::OrElse(value) => when(column.clone().is_null(), value.clone()).otherwise(column)?,
            Output::Part(name) => datafusion::functions::core::expr_fn::get_field(column, name.as_str()),
        })
    }
}

/// What is shared by the aggregates of our own: a name that says what they do.
pub(crate) fn name_of(aggregate: &Aggregate) -> Arc<str> {
    format!("{:?}", aggregate.function).into()
}

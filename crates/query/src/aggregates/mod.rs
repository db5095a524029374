//! Aggregates of the language as aggregates of DataFusion.

mod bag;
mod buckets;
mod distinct;
mod elements;
mod hashes;
mod items;
mod list;
mod mean;
mod members;
mod native;
mod order;
mod percentile;
mod pick;
mod places;
mod row;
mod rows;
mod set;
mod sorted;
mod together;

use std::sync::Arc;

use castellan_kql::ScalarType;
use castellan_kql::plan::{Aggregate, AggregateFunction, Field as Column, Scalar};
use datafusion::arrow::compute::SortOptions;
use datafusion::arrow::datatypes::{DataType, Fields};
use datafusion::common::Result;
use datafusion::functions_aggregate::expr_fn;
use datafusion::logical_expr::expr::{AggregateFunction as Call, AggregateFunctionParams, Sort};
use datafusion::logical_expr::{Expr, lit, when};

use self::bag::MakeBag;
use self::distinct::Distinct;
use self::elements::has_elements;
use self::list::MakeList;
use self::mean::Mean;
use self::native::Kind;
use self::percentile::Percentiles;
use self::pick::{Choice, Pick, is_key};
use self::set::MakeSet;
use self::sorted::Sorted;
pub use self::together::together;
use crate::functions::kernel::call;
use crate::functions::row::RowExpression;
use crate::physical::{data_type, field};

/// An aggregate as DataFusion computes it.
pub struct Lowered {
    /// The call.
    pub call: Expr,
    /// What the call's result still needs for each output of the aggregate, over a column that holds it.
    pub outputs: Vec<Output>,
}

/// What becomes of a call's result.
#[derive(Clone, Debug)]
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
    let mut types: Vec<ScalarType> =
        aggregate.arguments.iter().map(|argument| argument.scalar_type).collect();
    let mut arguments = arguments;
    if let (Some(scalar_type @ ScalarType::Decimal), Some(value)) = (types.first_mut(), arguments.first_mut())
        && makes_reals(&aggregate.function)
    {
        *scalar_type = ScalarType::Real;
        let cast = Scalar::column(0, ScalarType::Decimal).cast(ScalarType::Real);
        *value = call(RowExpression::new(cast, vec![ScalarType::Decimal]), vec![value.clone()]);
    }
    if let Some((call, outputs)) = of_datafusion(aggregate, &arguments, &types) {
        return Ok(Lowered { call: with_filter(call, filter, Vec::new()), outputs });
    }
    let order = if keeps_order(&aggregate.function) { order } else { &[] };
    let call = match own(aggregate, &arguments, &types, order) {
        Some(call) => with_filter(call, filter, Vec::new()),
        None => {
            // DataFusion wants an argument to count rows by.
            let arguments = if arguments.is_empty() { vec![lit(true)] } else { arguments };
            with_filter(row::function(aggregate, types).call(arguments), filter, order.to_vec())
        }
    };
    let outputs = match aggregate.outputs.as_slice() {
        [_] => vec![Output::Plain],
        several => (0..several.len()).map(|at| Output::Part(format!("o{at}"))).collect(),
    };
    Ok(Lowered { call, outputs })
}

fn keeps_order(function: &AggregateFunction) -> bool {
    use AggregateFunction as F;
    matches!(function, F::MakeList { .. } | F::MakeSet { .. } | F::MakeBag { .. })
}

/// The aggregates whose results have decimals as reals.
fn makes_reals(function: &AggregateFunction) -> bool {
    use AggregateFunction as F;
    matches!(function, F::MakeList { .. } | F::MakeSet { .. } | F::Percentiles { .. })
}

/// The aggregates that DataFusion computes exactly so.
fn of_datafusion(
    aggregate: &Aggregate,
    arguments: &[Expr],
    types: &[ScalarType],
) -> Option<(Expr, Vec<Output>)> {
    use AggregateFunction as F;
    let plain = |call: Expr| Some((call, vec![Output::Plain]));
    let or_else = |call: Expr, value: Expr| Some((call, vec![Output::OrElse(value)]));
    let real = |value: &Expr| cast(value.clone(), DataType::Float64);
    if aggregate.function == F::Count {
        return plain(expr_fn::count(lit(1_i64)));
    }
    let (scalar_type, value) = (*types.first()?, arguments.first()?);
    let is_number = |scalar_type: &ScalarType| {
        matches!(scalar_type, ScalarType::Int | ScalarType::Long | ScalarType::Real)
    };
    let is_whole = matches!(scalar_type, ScalarType::Int | ScalarType::Long);
    let long = || cast(value.clone(), DataType::Int64);
    match &aggregate.function {
        F::Sum if is_whole || scalar_type == ScalarType::TimeSpan => {
            or_else(expr_fn::sum(long()), lit(0_i64))
        }
        F::Sum if scalar_type == ScalarType::Real => or_else(expr_fn::sum(value.clone()), lit(0.0_f64)),
        F::Average if is_number(&scalar_type) => or_else(expr_fn::avg(real(value)), lit(f64::NAN)),
        F::Minimum if is_ordered_alike(scalar_type) => plain(expr_fn::min(value.clone())),
        F::Maximum if is_ordered_alike(scalar_type) => plain(expr_fn::max(value.clone())),
        F::StandardDeviation { of_population } if types.iter().all(is_number) => {
            let function = if *of_population { expr_fn::stddev_pop } else { expr_fn::stddev };
            or_else(function(real(value)), lit(0.0_f64))
        }
        F::Variance { of_population } if types.iter().all(is_number) => {
            let function = if *of_population { expr_fn::var_pop } else { expr_fn::var_sample };
            or_else(function(real(value)), lit(0.0_f64))
        }
        F::Covariance { of_population } if types.iter().all(is_number) => {
            let function = if *of_population { expr_fn::covar_pop } else { expr_fn::covar_samp };
            or_else(function(real(value), real(arguments.get(1)?)), lit(0.0_f64))
        }
        F::BinaryAnd if is_whole => plain(expr_fn::bit_and(long())),
        F::BinaryOr if is_whole => plain(expr_fn::bit_or(long())),
        F::BinaryXor if is_whole => plain(expr_fn::bit_xor(long())),
        _ => None,
    }
}

/// The aggregates of our own that work on whole arrays.
fn own(aggregate: &Aggregate, arguments: &[Expr], types: &[ScalarType], order: &[Sort]) -> Option<Expr> {
    let kind = kind(aggregate, types)?;
    // What the language says the results are, they have to be.
    if kind.output() != output_type(&aggregate.outputs) {
        return None;
    }
    let mut arguments = arguments.to_vec();
    if let (AggregateFunction::Percentiles { is_weighted: true, .. }, Some(weight)) =
        (&aggregate.function, arguments.get_mut(1))
    {
        *weight = cast(weight.clone(), DataType::Float64);
    }
    let name = format!("{} of {types:?}", name_of(aggregate));
    if order.is_empty() {
        return Some(native::function(&name, kind, arguments.len()).call(arguments));
    }
    let [argument] = types else { return None };
    let options: Vec<SortOptions> = order.iter().map(direction).collect();
    let name = format!("{name} by {options:?}");
    let kind: Arc<dyn Kind> = Arc::new(Sorted { inner: kind, argument: data_type(*argument), options });
    arguments.extend(order.iter().map(|key| key.expr.clone()));
    Some(native::function(&name, kind, arguments.len()).call(arguments))
}

fn direction(key: &Sort) -> SortOptions {
    SortOptions { descending: !key.asc, nulls_first: key.nulls_first }
}

fn kind(aggregate: &Aggregate, types: &[ScalarType]) -> Option<Arc<dyn Kind>> {
    use AggregateFunction as F;
    let scalar_type = *types.first()?;
    let pick = |choice: Choice| -> Option<Arc<dyn Kind>> {
        let fields = output_fields(&aggregate.outputs);
        Some(Arc::new(Pick { choice, types: types.to_vec(), fields }))
    };
    Some(match &aggregate.function {
        F::CountDistinct if has_elements(scalar_type) => Arc::new(Distinct::exact(scalar_type)),
        F::Dcount if has_elements(scalar_type) => Arc::new(Distinct::estimated(scalar_type)),
        F::MakeSet { limit } if has_elements(scalar_type) => Arc::new(MakeSet { scalar_type, limit: *limit }),
        F::MakeList { limit, with_nulls } => {
            Arc::new(MakeList { scalar_type, limit: *limit, with_nulls: *with_nulls })
        }
        F::MakeBag { limit } if scalar_type == ScalarType::Dynamic => Arc::new(MakeBag { limit: *limit }),
        F::ArgMax | F::Maximum if is_key(scalar_type) => return pick(Choice::Greatest),
        F::ArgMin | F::Minimum if is_key(scalar_type) => return pick(Choice::Least),
        F::TakeAny => return pick(Choice::Any),
        F::Average if matches!(scalar_type, ScalarType::DateTime | ScalarType::TimeSpan) => {
            Arc::new(Mean(scalar_type))
        }
        F::Percentiles { ranks, is_weighted, as_array } => {
            percentile::result_type(scalar_type)?;
            let is_number = |weight: &ScalarType| weight.is_number() && *weight != ScalarType::Decimal;
            if *is_weighted && !types.get(1).is_some_and(is_number) {
                return None;
            }
            Arc::new(Percentiles {
                scalar_type,
                ranks: ranks.clone(),
                is_weighted: *is_weighted,
                as_array: *as_array,
                fields: output_fields(&aggregate.outputs),
            })
        }
        _ => return None,
    })
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

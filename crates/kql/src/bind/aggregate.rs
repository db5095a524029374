//! Aggregates.

use std::cell::RefCell;
use std::sync::Arc;

use super::call::Call;
use super::frame::{Frame, Gather};
use super::names::{auto_name, repeated_names};
use super::types::returned;
use super::{Binder, Result};
use crate::ast::{Column, ExprKind};
use crate::diagnostic::Diagnostic;
use crate::plan::{Aggregate, AggregateFunction, Field, Scalar};
use crate::registry::Row;
use crate::value::{ScalarType, Value};

/// The most items of `make_list` and `make_set` that the language promises.
const MOST_ITEMS: usize = 1_048_576;

/// A column with the name that it would have.
type Output = (Option<String>, Scalar);

impl Binder<'_> {
    /// The columns of an aggregate that stands alone, with the names that it gets or has.
    pub(super) fn aggregate_columns(
        &self,
        call: &Call<'_>,
        row: &'static Row,
        column: &Column,
        frame: Frame<'_>,
        by: &[Arc<str>],
    ) -> Result<Vec<Output>> {
        let Gather::Aggregates { calls, before, .. } = frame.gather else { return Ok(Vec::new()) };
        let named = |at: usize, own: String| {
            let given = column.names.get(at).map(|name| name.text.to_string());
            Some(given.unwrap_or(own)).filter(|name| !name.is_empty())
        };
        match row.name {
            "arg_max" | "arg_min" | "argmax" | "argmin" => {
                let (arguments, own) = self.returned_columns(call, row, frame, by)?;
                let is_max = row.name.ends_with("max");
                let function = if is_max { AggregateFunction::ArgMax } else { AggregateFunction::ArgMin };
                let outputs = own
                    .iter()
                    .zip(&arguments)
                    .map(|(name, value)| Field::new(name.as_str(), value.scalar_type));
                let aggregate = Aggregate { function, outputs: outputs.collect(), arguments, filter: None };
                Ok(add(aggregate, calls, before, named))
            }
            "take_any" | "any" => {
                let (arguments, own) = self.any_columns(call, row, frame, by)?;
                let outputs = own
                    .iter()
                    .zip(&arguments)
                    .map(|(name, value)| Field::new(name.as_str(), value.scalar_type));
                let function = AggregateFunction::TakeAny;
                let aggregate = Aggregate { function, outputs: outputs.collect(), arguments, filter: None };
                Ok(add(aggregate, calls, before, named))
            }
            "percentiles" | "percentilesw" => {
                let mut aggregate = self.aggregate(call, row, frame.plain())?;
                let first = if row.name == "percentiles" { 1 } else { 2 };
                let scalar_type =
                    aggregate.outputs.first().map_or(ScalarType::Real, |field| field.scalar_type);
                let own = repeated_names(row, call.arguments, first);
                aggregate.outputs = own.iter().map(|name| Field::new(name.as_str(), scalar_type)).collect();
                Ok(add(aggregate, calls, before, named))
            }
            _ => {
                let value = self.gather_aggregate(call, row, frame, calls, before)?;
                let own = auto_name(call.expr).unwrap_or_default();
                Ok(vec![(named(0, own), value)])
            }
        }
    }

    /// An aggregate with one value: the column that the step below gives.
    pub(super) fn gather_aggregate(
        &self,
        call: &Call<'_>,
        row: &'static Row,
        frame: Frame<'_>,
        calls: &RefCell<Vec<Aggregate>>,
        before: usize,
    ) -> Result<Scalar> {
        let aggregate = self.aggregate(call, row, frame.plain())?;
        let outputs = add(aggregate, calls, before, |_, own| Some(own));
        match outputs.into_iter().next() {
            Some((_, scalar)) => Ok(scalar),
            None => Err(Diagnostic::error("unsupported", call.expr.span, "this aggregate gives nothing")),
        }
    }

    /// `arg_max(key, columns)`: the arguments with the names of their columns.
    fn returned_columns(
        &self,
        call: &Call<'_>,
        row: &'static Row,
        frame: Frame<'_>,
        by: &[Arc<str>],
    ) -> Result<(Vec<Scalar>, Vec<String>)> {
        let plain = frame.plain();
        let Some((key, rest)) = call.arguments.split_first() else {
            return Err(self.no_signature(call, &[]));
        };
        let key_name = auto_name(&key.value).unwrap_or_default();
        let (mut arguments, mut names) = (vec![self.scalar(&key.value, plain)?], Vec::new());
        // The legacy forms name their columns after the function.
        let prefix = row.column.and_then(|rule| rule.strip_suffix("{0}")).unwrap_or_default();
        names.push(format!("{prefix}{key_name}"));
        for argument in rest {
            if matches!(argument.value.kind, ExprKind::Star) {
                let is_key = |field: &Field| *field.name == *key_name;
                for (at, field) in plain.columns.iter().enumerate() {
                    if !is_key(field) && !by.contains(&field.name) {
                        arguments.push(Scalar::column(at, field.scalar_type));
                        names.push(if prefix.is_empty() {
                            field.name.to_string()
                        } else {
                            format!("{prefix}{key_name}_{}", field.name)
                        });
                    }
                }
                continue;
            }
            let given = argument.name.as_ref().map(|name| name.text.to_string());
            let own = given.or_else(|| auto_name(&argument.value)).unwrap_or_default();
            arguments.push(self.scalar(&argument.value, plain)?);
            names.push(if prefix.is_empty() { own } else { format!("{prefix}{key_name}_{own}") });
        }
        Ok((arguments, names))
    }

    /// `take_any(columns)`, `take_any(*)`
    fn any_columns(
        &self,
        call: &Call<'_>,
        row: &'static Row,
        frame: Frame<'_>,
        by: &[Arc<str>],
    ) -> Result<(Vec<Scalar>, Vec<String>)> {
        let plain = frame.plain();
        let prefix = row.column.and_then(|rule| rule.strip_suffix("{0}")).unwrap_or_default();
        let (mut arguments, mut names) = (Vec::new(), Vec::new());
        for argument in call.arguments {
            if matches!(argument.value.kind, ExprKind::Star) {
                for (at, field) in
                    plain.columns.iter().enumerate().filter(|(_, field)| !by.contains(&field.name))
                {
                    arguments.push(Scalar::column(at, field.scalar_type));
                    names.push(format!("{prefix}{}", field.name));
                }
                continue;
            }
            arguments.push(self.scalar(&argument.value, plain)?);
            let own = auto_name(&argument.value).unwrap_or_default();
            names.push(if own.is_empty() { own } else { format!("{prefix}{own}") });
        }
        if arguments.is_empty() {
            return Err(self.no_signature(call, &[]));
        }
        Ok((arguments, names))
    }

    /// The aggregate that a call means.
    pub(super) fn aggregate(
        &self,
        call: &Call<'_>,
        row: &'static Row,
        frame: Frame<'_>,
    ) -> Result<Aggregate> {
        let (signature, mut arguments, given) = self.arguments(call, row, frame)?;
        let filter = filter_position(row).filter(|at| *at < arguments.len()).map(|at| arguments.remove(at));
        let filter = filter.map(|filter| filter.cast(ScalarType::Bool));
        let scalar_type = returned(row, signature, &given)
            .or_else(|| arguments.first().map(|argument| argument.scalar_type))
            .unwrap_or(ScalarType::Dynamic);
        let function = self.function(call, row, &mut arguments)?;
        let name = auto_name(call.expr).unwrap_or_default();
        Ok(Aggregate { function, arguments, filter, outputs: vec![Field::new(name, scalar_type)] })
    }

    /// Which aggregate it is; constants are taken out of the arguments.
    fn function(
        &self,
        call: &Call<'_>,
        row: &'static Row,
        arguments: &mut Vec<Scalar>,
    ) -> Result<AggregateFunction> {
        use AggregateFunction as F;
        let base = row.name;
        Ok(match base {
            "count" | "countif" => {
                // Source: Kusto documentation, "summarize operator": count(x) counts rows, nulls included.
                arguments.clear();
                F::Count
            }
            "count_distinct" | "count_distinctif" => F::CountDistinct,
            "dcount" | "dcountif" => {
                arguments.truncate(1);
                F::Dcount
            }
            "sum" | "sumif" => F::Sum,
            "avg" | "avgif" => F::Average,
            "min" | "minif" => F::Minimum,
            "max" | "maxif" => F::Maximum,
            "arg_max" | "argmax" => F::ArgMax,
            "arg_min" | "argmin" => F::ArgMin,
            "take_any" | "take_anyif" | "any" | "anyif" => F::TakeAny,
            "make_list" | "make_list_if" | "make_list_with_nulls" => {
                F::MakeList { limit: limit(arguments, 1), with_nulls: base == "make_list_with_nulls" }
            }
            "make_set" | "make_set_if" => F::MakeSet { limit: limit(arguments, 1) },
            "make_bag" | "make_bag_if" => F::MakeBag { limit: limit(arguments, 1) },
            "percentile" | "percentiles" | "percentiles_array" => {
                self.percentiles(call, base, false, arguments)?
            }
            "percentilew" | "percentilesw" | "percentilesw_array" => {
                self.percentiles(call, base, true, arguments)?
            }
            "stdev" | "stdevif" => F::StandardDeviation { of_population: false },
            "stdevp" => F::StandardDeviation { of_population: true },
            "variance" | "varianceif" => F::Variance { of_population: false },
            "variancep" | "variancepif" => F::Variance { of_population: true },
            "covariance" | "covarianceif" => F::Covariance { of_population: false },
            "covariancep" | "covariancepif" => F::Covariance { of_population: true },
            "binary_all_and" => F::BinaryAnd,
            "binary_all_or" => F::BinaryOr,
            "binary_all_xor" => F::BinaryXor,
            "buildschema" => F::BuildSchema,
            "hll" | "hll_if" => {
                let accuracy = arguments.get(1).and_then(Scalar::as_literal).and_then(Value::to_i64);
                arguments.truncate(1);
                F::Hll { accuracy: accuracy.and_then(|accuracy| usize::try_from(accuracy).ok()).unwrap_or(1) }
            }
            "hll_merge" => F::HllMerge,
            "tdigest" => F::TDigest,
            "tdigest_merge" => F::TDigestMerge,
            _ => {
                let message = format!("`{base}` is not supported");
                return Err(Diagnostic::error("unsupported", call.expr.span, message));
            }
        })
    }

    fn percentiles(
        &self,
        call: &Call<'_>,
        base: &str,
        is_weighted: bool,
        arguments: &mut Vec<Scalar>,
    ) -> Result<AggregateFunction> {
        let first = if is_weighted { 2 } else { 1 };
        let mut ranks = Vec::new();
        for rank in arguments.split_off(first.min(arguments.len())) {
            let Some(value) = rank.as_literal() else {
                let message = "the percentiles have to be known before the query runs";
                return Err(Diagnostic::error("not-constant", call.expr.span, message));
            };
            match value {
                Value::Dynamic(dynamic) => match dynamic.as_array() {
                    Some(items) => ranks.extend(items.iter().filter_map(|item| item.to_value().to_f64())),
                    None => ranks.extend(value.to_f64()),
                },
                other => ranks.extend(other.to_f64()),
            }
        }
        if let Some(wrong) = ranks.iter().find(|rank| !(0.0..=100.0).contains(*rank)) {
            let message = format!("a percentile is between 0 and 100, not {wrong}");
            return Err(Diagnostic::error("out-of-range", call.expr.span, message));
        }
        Ok(AggregateFunction::Percentiles { ranks, is_weighted, as_array: base.ends_with("_array") })
    }
}

/// Where an aggregate's condition stands; none for those without.
fn filter_position(row: &Row) -> Option<usize> {
    let signature = row.signatures.first()?;
    match row.name {
        "countif" => Some(0),
        name if name.ends_with("if") => {
            signature.arguments.iter().position(|argument| argument.name == "predicate")
        }
        _ => None,
    }
}

/// The limit of a list, taken out of the arguments.
fn limit(arguments: &mut Vec<Scalar>, at: usize) -> usize {
    let given = if at < arguments.len() { Some(arguments.remove(at)) } else { None };
    let number = given.as_ref().and_then(Scalar::as_literal).and_then(Value::to_i64);
    number
        .and_then(|number| usize::try_from(number).ok())
        .filter(|limit| *limit > 0)
        .unwrap_or(MOST_ITEMS)
        .min(MOST_ITEMS)
}

/// Adds a call, or finds the same one, and gives its columns.
fn add(
    aggregate: Aggregate,
    calls: &RefCell<Vec<Aggregate>>,
    before: usize,
    named: impl Fn(usize, String) -> Option<String>,
) -> Vec<Output> {
    let mut calls = calls.borrow_mut();
    let outputs = aggregate.outputs.clone();
    let same = calls.iter().position(|known| {
        known.function == aggregate.function
            && known.arguments == aggregate.arguments
            && known.filter == aggregate.filter
    });
    let index = same.unwrap_or_else(|| {
        calls.push(aggregate);
        calls.len() - 1
    });
    let start: usize = before + calls.iter().take(index).map(|call| call.outputs.len()).sum::<usize>();
    let column = |(at, field): (usize, &Field)| {
        (named(at, field.name.to_string()), Scalar::column(start + at, field.scalar_type))
    };
    outputs.iter().enumerate().map(column).collect()
}

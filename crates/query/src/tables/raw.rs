//! Conditions on columns as the language sees them become conditions on columns as they lie in files, whose statistics
//! and indexes the reader then uses to skip what cannot fit.
//!
//! Only where a condition has to be true: there null and false are the same. `not (...)` is left as it is.

use std::ops::RangeInclusive;

use datafusion::common::tree_node::Transformed;
use datafusion::common::{Result, ScalarValue};
use datafusion::logical_expr::expr::InList;
use datafusion::logical_expr::utils::{conjunction, disjunction, split_binary, split_conjunction};
use datafusion::logical_expr::{Between, BinaryExpr, Expr, Filter, LogicalPlan, Operator, TableScan, lit};
use datafusion::optimizer::{ApplyOrder, OptimizerConfig, OptimizerRule};

use super::text::OrEmpty;
use super::ticks::Ticks;

/// Rewrites conditions of filters and scans.
#[derive(Debug)]
pub(crate) struct RawConditions;

impl OptimizerRule for RawConditions {
    fn name(&self) -> &str {
        "raw_conditions"
    }

    fn apply_order(&self) -> Option<ApplyOrder> {
        Some(ApplyOrder::TopDown)
    }

    fn rewrite(&self, plan: LogicalPlan, _config: &dyn OptimizerConfig) -> Result<Transformed<LogicalPlan>> {
        match plan {
            LogicalPlan::Filter(filter) => Ok(match rewritten(&[&filter.predicate]) {
                Some(parts) => {
                    let predicate = conjunction(parts).unwrap_or_else(|| lit(true));
                    Transformed::yes(LogicalPlan::Filter(Filter::try_new(predicate, filter.input)?))
                }
                None => Transformed::no(LogicalPlan::Filter(filter)),
            }),
            LogicalPlan::TableScan(scan) => {
                Ok(match rewritten(&scan.filters.iter().collect::<Vec<&Expr>>()) {
                    Some(filters) => Transformed::yes(LogicalPlan::TableScan(TableScan { filters, ..scan })),
                    None => Transformed::no(LogicalPlan::TableScan(scan)),
                })
            }
            other => Ok(Transformed::no(other)),
        }
    }
}

/// The numbers that a column of times may have.
struct Bound<'e> {
    ticks: &'e Ticks,
    column: &'e Expr,
    numbers: Option<RangeInclusive<i64>>,
}

/// The parts of conditions that all have to hold; `None` when nothing is to be changed.
fn rewritten(conditions: &[&Expr]) -> Option<Vec<Expr>> {
    let mut bounds: Vec<Bound<'_>> = Vec::new();
    let (mut rest, mut has_changed) = (Vec::new(), false);
    for condition in conditions.iter().flat_map(|condition| split_conjunction(condition)) {
        if let Some(bound) = bound(condition) {
            has_changed = true;
            match bounds.iter_mut().find(|known| known.column == bound.column) {
                Some(known) => known.numbers = both(known.numbers.take(), bound.numbers),
                None => bounds.push(bound),
            }
        } else {
            let changed = text(condition).or_else(|| either(condition));
            has_changed |= changed.is_some();
            rest.push(changed.unwrap_or_else(|| condition.clone()));
        }
    }
    let bounds = bounds.iter().flat_map(conditions_of);
    has_changed.then(|| bounds.chain(rest).collect())
}

fn both(
    left: Option<RangeInclusive<i64>>,
    right: Option<RangeInclusive<i64>>,
) -> Option<RangeInclusive<i64>> {
    let (left, right) = (left?, right?);
    let range = *left.start().max(right.start())..=*left.end().min(right.end());
    (!range.is_empty()).then_some(range)
}

/// One of several conditions has to hold.
fn either(condition: &Expr) -> Option<Expr> {
    if !matches!(condition, Expr::BinaryExpr(binary) if binary.op == Operator::Or) {
        return None;
    }
    let parts: Vec<&Expr> = split_binary(condition, Operator::Or);
    let changed: Vec<Option<Expr>> =
        parts.iter().map(|part| rewritten(&[part]).and_then(conjunction)).collect();
    if changed.iter().all(Option::is_none) {
        return None;
    }
    disjunction(changed.into_iter().zip(parts).map(|(changed, part)| changed.unwrap_or_else(|| part.clone())))
}

fn conditions_of(bound: &Bound<'_>) -> Vec<Expr> {
    let made = || {
        let numbers = bound.numbers.as_ref()?;
        let (first, last) =
            (lit(bound.ticks.constant(*numbers.start())?), lit(bound.ticks.constant(*numbers.end())?));
        Some(if first == last {
            vec![bound.column.clone().eq(first)]
        } else {
            vec![bound.column.clone().gt_eq(first), bound.column.clone().lt_eq(last)]
        })
    };
    made().unwrap_or_else(|| vec![lit(false)])
}

/// A comparison of ticks with constants.
fn bound(condition: &Expr) -> Option<Bound<'_>> {
    let (value, range) = match condition {
        Expr::BinaryExpr(BinaryExpr { left, op, right }) => match (constant(left), constant(right)) {
            (None, Some(number)) => (left, range(*op, number)?),
            (Some(number), None) => (right, range(op.swap()?, number)?),
            _ => return None,
        },
        Expr::Between(Between { expr, negated: false, low, high }) => {
            (expr, constant(low)?..=constant(high)?)
        }
        Expr::IsNotNull(value) => (value, i64::MIN..=i64::MAX),
        _ => return None,
    };
    let Expr::ScalarFunction(call) = value.as_ref() else { return None };
    let (Some(ticks), [column]) = (call.func.inner().downcast_ref::<Ticks>(), call.args.as_slice()) else {
        return None;
    };
    let numbers = if range.is_empty() { None } else { ticks.numbers(&range) };
    Some(Bound { ticks, column, numbers })
}

fn constant(value: &Expr) -> Option<i64> {
    match value {
        Expr::Literal(ScalarValue::Int64(Some(number)), _) => Some(*number),
        _ => None,
    }
}

/// The ticks for which a comparison holds; an empty range where there are none.
fn range(operator: Operator, number: i64) -> Option<RangeInclusive<i64>> {
    let nothing = RangeInclusive::new(1, 0);
    Some(match operator {
        Operator::Eq | Operator::IsNotDistinctFrom => number..=number,
        Operator::GtEq => number..=i64::MAX,
        Operator::LtEq => i64::MIN..=number,
        Operator::Gt => number.checked_add(1).map_or(nothing, |next| next..=i64::MAX),
        Operator::Lt => number.checked_sub(1).map_or(nothing, |before| i64::MIN..=before),
        _ => return None,
    })
}

/// A comparison of a text with constants.
fn text(condition: &Expr) -> Option<Expr> {
    match condition {
        Expr::BinaryExpr(BinaryExpr { left, op, right }) => {
            let (column, constant) = match (or_empty(left), or_empty(right)) {
                (Some(column), None) => (column, right),
                (None, Some(column)) => (column, left),
                _ => return None,
            };
            let is_empty = is_empty(constant)?;
            match (op, is_empty) {
                (Operator::Eq, false) => Some(column.clone().eq(constant.as_ref().clone())),
                (Operator::Eq, true) => {
                    Some(column.clone().is_null().or(column.clone().eq(constant.as_ref().clone())))
                }
                (Operator::NotEq, true) => Some(column.clone().not_eq(constant.as_ref().clone())),
                _ => None,
            }
        }
        Expr::InList(InList { expr, list, negated: false }) => {
            let column = or_empty(expr)?;
            let has_empty = list.iter().map(is_empty).collect::<Option<Vec<bool>>>()?.contains(&true);
            (!has_empty).then(|| column.clone().in_list(list.clone(), false))
        }
        _ => None,
    }
}

/// What is behind a text without nulls.
pub(crate) fn or_empty(value: &Expr) -> Option<&Expr> {
    let Expr::ScalarFunction(call) = value else { return None };
    call.func.inner().downcast_ref::<OrEmpty>()?;
    call.args.first()
}

/// Whether a constant is the empty text; `None` for what is no constant text.
fn is_empty(value: &Expr) -> Option<bool> {
    match value {
        Expr::Literal(ScalarValue::Utf8View(Some(text)), _) => Some(text.is_empty()),
        _ => None,
    }
}

//! Whether a plan holds together: what reads it may rely on the number and types of its columns.

use super::{Refusal, Result};
use crate::plan::{Field, JoinKind, Plan, Scalar, ScalarKind, Step};

/// Errors: a plan whose columns are not those that its step gives, or that reads columns which are not there.
///
/// Steps whose expressions see more than the columns of one input (`scan`, patterns of graphs) are held to their columns
/// alone: a value that reads what is not there is null, in every engine. A plan that is open cannot be run at all.
pub(super) fn check(plan: &Plan) -> Result<()> {
    if plan.is_open || has_columns(plan) && reads_columns(plan) {
        return Ok(());
    }
    Err(Refusal::new("a step does not have the columns that it says"))
}

fn has_columns(plan: &Plan) -> bool {
    let columns = plan.columns.as_slice();
    match &plan.step {
        Step::Rows(rows) => rows.iter().all(|row| row.len() == columns.len()),
        Step::Materialize(input)
        | Step::Filter { input, .. }
        | Step::Sort { input, .. }
        | Step::Take { input, .. }
        | Step::Sample { input, .. } => is_alike(&input.columns, columns),
        Step::Project { values, .. } => are_typed(values, columns),
        Step::Range { .. } => columns.len() == 1,
        Step::Aggregate { keys, aggregates, .. } => {
            let (own, others) = columns.split_at(keys.len().min(columns.len()));
            let outputs: Vec<Field> =
                aggregates.iter().flat_map(|aggregate| aggregate.outputs.clone()).collect();
            are_typed(keys, own) && is_alike(&outputs, others)
        }
        Step::Union(inputs) => inputs.iter().all(|input| is_alike(&input.columns, columns)),
        Step::Join { kind, left, right, .. } => is_joined(*kind, left, right, columns),
        Step::Window { input, calls } => {
            let outputs: Vec<Field> = calls.iter().map(|call| call.output.clone()).collect();
            is_alike(&[input.columns.clone(), outputs].concat(), columns)
        }
        Step::Expand { input, kept, columns: expanded, with_index, .. } => {
            kept.iter().all(|at| *at < input.columns.len())
                && columns.len() == kept.len() + expanded.len() + usize::from(*with_index)
        }
        Step::Apply { input, kept, body, .. } => {
            kept.iter().all(|at| *at < input.columns.len())
                && columns.len() == kept.len() + body.columns.len()
        }
        Step::Partition { body, .. } => is_alike(&body.columns, columns),
        Step::Parse { input, .. } => {
            columns.get(..input.columns.len()).is_some_and(|own| is_alike(&input.columns, own))
        }
        Step::Series(series) => {
            series.keys < series.input.columns.len() && columns.len() == series.keys + series.values.len() + 1
        }
        _ => true,
    }
}

fn is_joined(kind: JoinKind, left: &Plan, right: &Plan, columns: &[Field]) -> bool {
    let mut expected = Vec::new();
    if kind.has_left() {
        expected.extend(left.columns.iter().cloned());
    }
    if kind.has_right() {
        expected.extend(right.columns.iter().cloned());
    }
    is_alike(&expected, columns)
}

/// The same types in the same order; names may change on the way.
fn is_alike(left: &[Field], right: &[Field]) -> bool {
    left.len() == right.len()
        && left.iter().zip(right).all(|(left, right)| left.scalar_type == right.scalar_type)
}

fn are_typed(values: &[Scalar], columns: &[Field]) -> bool {
    values.len() == columns.len()
        && values.iter().zip(columns).all(|(value, column)| value.scalar_type == column.scalar_type)
}

fn reads_columns(plan: &Plan) -> bool {
    match &plan.step {
        Step::Filter { input, .. }
        | Step::Project { input, .. }
        | Step::Aggregate { input, .. }
        | Step::Sort { input, .. }
        | Step::Expand { input, .. }
        | Step::Apply { input, .. }
        | Step::Partition { input, .. }
        | Step::Parse { input, .. }
        | Step::TopNested { input, .. }
        | Step::Reduce { input, .. } => plan.step.scalars().into_iter().all(|scalar| reads(scalar, input)),
        // A call may read what those before it gave.
        Step::Window { .. } => plan.step.scalars().into_iter().all(|scalar| reads(scalar, plan)),
        Step::Join { left, right, on, .. } => {
            on.iter().all(|(here, there)| reads(here, left) && reads(there, right))
        }
        _ => true,
    }
}

/// Whether a value reads only columns that its input has, as the types that they have.
fn reads(scalar: &Scalar, input: &Plan) -> bool {
    let is_wrong = |part: &Scalar| match part.kind {
        ScalarKind::Column(_) if part.is_unknown() => !input.is_open,
        ScalarKind::Column(at) => {
            input.columns.get(at).is_none_or(|column| column.scalar_type != part.scalar_type)
        }
        _ => false,
    };
    !scalar.any(&is_wrong)
}

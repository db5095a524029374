//! Which side of a join is likely the smaller one.

use castellan_kql::plan::{Plan, Step};

/// What a table counts.
const TABLE: u32 = 16;
/// The most that groups count: there are fewer of them than rows.
const GROUPS: u32 = 8;

/// About how many rows a plan gives, on a scale where less is fewer and steps mean nothing else: nothing is read to
/// find out. A hash join keeps the side with fewer rows in memory and passes the other by.
pub(super) fn size(plan: &Plan) -> u32 {
    let of_inputs = || plan.step.inputs().into_iter().map(|input| size(input)).max();
    match &plan.step {
        Step::Rows(_) | Step::Range { .. } => 0,
        Step::Take { .. } => 1,
        Step::Aggregate { keys, .. } if keys.is_empty() => 0,
        Step::Aggregate { input, .. } => size(input).min(GROUPS),
        Step::Filter { input, .. } => size(input).saturating_sub(1),
        Step::Table(_) => TABLE,
        _ => of_inputs().unwrap_or(TABLE),
    }
}

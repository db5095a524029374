//! One run of a rule: its query over a window, and the alerts that its results make.
//!
//! [`evaluate`] gives results; [`alerts`](fn@alerts) makes alerts of them, of which [`crate::schedule`] folds those that an earlier run
//! raised. [`once`] does both for a rule that is run by hand.

mod alert;
mod evaluate;
mod events;
pub mod format;
mod group;
mod identity;
mod memory;
mod overrides;
mod row;
mod window;

pub use alert::{Alert, Details, MAX_DETAIL_VALUES, MAX_IDENTITIES};
pub use evaluate::{Evaluation, Failure, Results, evaluate, evaluate_within};
pub use events::Events;
pub use group::alerts;
pub use identity::{Identity, identity, keys};
pub use memory::{Memory, MemoryError, Rows};
pub(crate) use row::columns_of;
pub use row::{alert_columns, alert_row};
pub use window::{RECEIVED, TIME, Window};
pub(crate) use window::{earlier, has_time, later};

use castellan_base::Ticks;

use crate::rule::Rule;

/// Runs a rule once, as if it ran at a time for the first time.
///
/// Errors: the query cannot be run, or reaches a limit.
pub async fn once(rule: &Rule, events: &dyn Events, now: Ticks) -> Result<(Evaluation, Vec<Alert>), Failure> {
    let evaluation = evaluate(rule, events, Window::of(rule, now)).await?;
    let made = if evaluation.is_triggered { alerts(rule, &evaluation, None) } else { Vec::new() };
    Ok((evaluation, made))
}

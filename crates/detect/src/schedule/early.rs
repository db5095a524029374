//! Windows that are not over.

use castellan_base::Ticks;

use super::due::boundary;
use super::fold::Span;
use super::{Ran, State, Timing, look};
use crate::rule::Rule;
use crate::run::{Events, Window, earlier, later};

/// The windows of a scheduled rule that are open at a time and end first: the one that the time lies in, and the one before
/// it as long as it was not looked at.
pub(crate) fn open(rule: &Rule, state: &State, now: Ticks, timing: &Timing) -> Vec<Window> {
    let frequency = rule.frequency.max(1);
    let current = boundary(now, frequency);
    let is_before_open =
        earlier(now, timing.delay) < current && state.done.is_none_or(|done| done < current.get());
    let ends = is_before_open.then_some(current).into_iter().chain([later(current, frequency)]);
    ends.map(|until| Window::of(rule, until)).collect()
}

/// Looks at a window before it is over. What it raises counts as raised when it is looked at again at its end.
pub(crate) async fn early(
    rule: &Rule,
    state: &mut State,
    events: &dyn Events,
    (window, now): (Window, Ticks),
    span: (Ticks, Ticks),
) -> Ran {
    let mut ran = Ran::default();
    let span = Span { from: span.0.get(), until: span.1.get() };
    look(rule, state, events, (window, span), false, &mut ran).await;
    for alert in &mut ran.alerts {
        // Nothing is raised in the future.
        alert.raised = alert.raised.min(now);
    }
    ran
}

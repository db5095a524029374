//! What is remembered from run to run.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Timing;
use crate::rule::{Kind, Rule};
use crate::run::{Identity, Window};

/// The most results that are remembered of a rule. The oldest are forgotten first.
pub const MAX_RAISED: usize = 200_000;

/// What is remembered of a rule. Times are ticks of 100 ns since year 1.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct State {
    /// The end of the last window that was looked at.
    pub done: Option<i64>,
    /// Rows that were taken in before were seen.
    pub received: Option<i64>,
    /// The rule rests after an alert: from when, and until when.
    pub suppressed: Option<(i64, i64)>,
    /// Windows that could not be looked at, by their beginnings, and how often each was tried.
    pub failed: BTreeMap<i64, u32>,
    /// Results that raised alerts, as long as windows to come may give them again.
    pub raised: BTreeMap<Identity, Vec<Raised>>,
}

/// A result that raised an alert.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Raised {
    /// The beginning of its window.
    pub from: i64,
    /// The end of its window.
    pub until: i64,
    /// How many such results there were.
    pub count: u64,
    /// The id of the alert, where it is known.
    pub alert: Option<String>,
}

/// What a window is known by from run to run: those of rules in near real time end later each time.
fn beginning(window: &Window) -> i64 {
    window.from.or(window.received_from).unwrap_or(window.until).get()
}

impl State {
    /// Counts a failure; true once the window was tried often enough.
    pub(super) fn gives_up(&mut self, window: &Window, timing: &Timing) -> bool {
        let tries = self.failed.entry(beginning(window)).or_default();
        *tries = tries.saturating_add(1);
        *tries >= timing.tries
    }

    /// Counts a failure to find out what came late; true once that was tried often enough.
    pub(super) fn gives_up_late(&mut self, timing: &Timing) -> bool {
        let tries = self.failed.entry(i64::MIN).or_default();
        *tries = tries.saturating_add(1);
        *tries >= timing.tries
    }

    /// Whether a window was given up, and is found again since all that comes late is looked for again.
    pub(super) fn is_given_up(&self, window: &Window, timing: &Timing) -> bool {
        self.failed.get(&beginning(window)).is_some_and(|tries| *tries >= timing.tries)
    }

    /// Forgets that a window failed.
    pub(super) fn succeeds(&mut self, window: &Window) {
        self.failed.remove(&beginning(window));
    }

    /// Whether the rule rests for a window.
    pub(super) fn rests(&self, window: &Window) -> bool {
        let until = window.until.get();
        self.suppressed.is_some_and(|(from, end)| from < until && until <= end)
    }

    /// Forgets what no window to come can give again, and what there is no place for; how many of the latter is told.
    pub(crate) fn forget(&mut self, rule: &Rule, timing: &Timing) -> usize {
        let Some(done) = self.done else { return 0 };
        let oldest = match rule.kind {
            Kind::Scheduled => done
                .saturating_sub(rule.period)
                .saturating_sub(rule.frequency)
                .saturating_sub(timing.lateness),
            // What was taken in once does not come again, but for what is looked at twice after a new start.
            Kind::NearRealTime => done.saturating_sub(rule.frequency).saturating_sub(timing.settle),
        };
        self.raised.retain(|_, list| {
            list.retain(|raised| raised.until > oldest);
            !list.is_empty()
        });
        let excess = self.raised.len().saturating_sub(MAX_RAISED);
        if excess > 0 {
            let last = |list: &Vec<Raised>| list.iter().map(|raised| raised.until).max().unwrap_or_default();
            let mut ages: Vec<(i64, Identity)> =
                self.raised.iter().map(|(identity, list)| (last(list), identity.clone())).collect();
            ages.sort();
            for (_, identity) in ages.into_iter().take(excess) {
                self.raised.remove(&identity);
            }
        }
        excess
    }
}

//! What is remembered from run to run.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Timing;
use crate::rule::Rule;
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
    /// The rule rests until then.
    pub suppressed_until: Option<i64>,
    /// The window that could not be looked at the last time.
    pub failed: Option<Failed>,
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

/// A window that could not be looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failed {
    /// Its beginning.
    pub from: i64,
    /// How often it was tried.
    pub tries: u32,
}

/// What a window is known by from run to run: those of rules in near real time end later each time.
fn beginning(window: &Window) -> i64 {
    window.from.or(window.received_from).unwrap_or(window.until).get()
}

impl State {
    /// Counts a failure; true once the window was tried often enough.
    pub(super) fn gives_up(&mut self, window: &Window, timing: &Timing) -> bool {
        let from = beginning(window);
        let before =
            self.failed.as_ref().filter(|failed| failed.from == from).map_or(0, |failed| failed.tries);
        let tries = before.saturating_add(1);
        self.failed = Some(Failed { from, tries }).filter(|_| tries < timing.tries);
        tries >= timing.tries
    }

    /// Forgets that a window failed.
    pub(super) fn succeeds(&mut self, window: &Window) {
        self.failed.take_if(|failed| failed.from == beginning(window));
    }

    /// Forgets what no window to come can give again, and what there is no place for; how many of the latter is told.
    pub(super) fn forget(&mut self, rule: &Rule, timing: &Timing) -> usize {
        let Some(done) = self.done else { return 0 };
        let oldest =
            done.saturating_sub(rule.period).saturating_sub(rule.frequency).saturating_sub(timing.lateness);
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

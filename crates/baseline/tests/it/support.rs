//! Definitions and activities for tests.

use std::sync::Arc;

use castellan_base::{Sources, Ticks};
use castellan_baseline::{Activity, Definition, definition};

/// A definition of two dimensions and a volume.
pub(crate) const TEXT: &str = r"id: calls
name: Calls
version: 1.0.0
description: For tests.
actor: agent
tables: [Calls]
query: Calls | project Time = TimeGenerated, Actor = User, Group = Team, Tool, Country, Amount
dimensions:
  - { column: Tool, kind: tool }
  - { column: Country, kind: country }
volume: { unit: tokens, floor: 1000 }
hours: true
behavior: { activityType: Tool, actionType: Call, source: Test }
";

pub(crate) fn calls() -> Definition {
    definition::read("calls.yaml", TEXT, &mut Sources::default()).unwrap()
}

pub(crate) fn time(text: &str) -> Ticks {
    text.parse().unwrap()
}

pub(crate) fn start() -> Ticks {
    time("2026-09-01T00:00:00Z")
}

/// An activity at a minute since the start.
pub(crate) fn activity(minute: i64, actor: &str, tool: &str, country: &str, amount: u64) -> Activity {
    Activity {
        time: start().get() + minute * 60 * Ticks::PER_SECOND,
        actor: actor.into(),
        values: vec![Arc::from(tool), Arc::from(country)],
        amount,
        ..Activity::default()
    }
}

/// The end of a day since the start, in ticks.
pub(crate) fn end_of(day: i64) -> i64 {
    start().get() + (day + 1) * Ticks::PER_DAY
}

//! `active_users_count`: ids that were active in enough periods of the time before.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};

use super::super::{Call, long};
use super::{Event, Windows};
use crate::interpret::{Result, Row};
use crate::value::Key;

pub(in super::super) fn rows(call: &Call<'_, '_>, rows: Vec<Row>) -> Result<Vec<Row>> {
    let lookback = super::length(call, "lookback")?;
    let (axis, groups) = super::read(call, rows, "bin", lookback)?;
    let periods = Windows::of(call, "period", axis.from)?;
    let wanted = call.whole("active_periods")?.unwrap_or(1);
    let mut found = Vec::new();
    for group in &groups {
        let mut by_id: HashMap<&Key, Vec<&Event>> = HashMap::new();
        for event in &group.events {
            by_id.entry(&event.id).or_default().push(event);
        }
        let mut active: BTreeMap<i64, HashSet<&Key>> = BTreeMap::new();
        for (id, events) in by_id {
            for at in active_at(&events, &periods, lookback, wanted) {
                if at >= axis.from {
                    active.entry(axis.windows.start(at)).or_default().insert(id);
                }
            }
        }
        for (window, ids) in active {
            found.push(axis.row(window, group, [long(ids.len())]));
        }
    }
    Ok(found)
}

/// The times of events before which, themselves included, so many periods have an event.
fn active_at(events: &[&Event], periods: &Windows, lookback: i64, wanted: usize) -> Vec<i64> {
    // The events of the time before with their periods, which come in order as well.
    let mut before: VecDeque<(i64, i64)> = VecDeque::new();
    let mut uses: HashMap<i64, usize> = HashMap::new();
    let mut active = Vec::new();
    for event in events {
        let period = periods.start(event.at);
        before.push_back((event.at, period));
        *uses.entry(period).or_default() += 1;
        while let Some((_, period)) = before.pop_front_if(|(at, _)| *at <= event.at.saturating_sub(lookback))
        {
            if let Some(count @ 2..) = uses.get_mut(&period) {
                *count -= 1;
            } else {
                uses.remove(&period);
            }
        }
        if uses.len() >= wanted {
            active.push(event.at);
        }
    }
    active
}

//! Plugins about who was active when.
//!
//! They read ids on a timeline of times or whole numbers, cut it into windows, and give a row for each window that has
//! something in it. Both ends of the analysis belong to it.

pub(super) mod active;
pub(super) mod cohort;
pub(super) mod counts;
pub(super) mod engagement;
pub(super) mod metrics;
pub(super) mod session;
pub(super) mod sliding;
mod window;

pub(super) use window::{Position, Windows};

use std::collections::{BTreeMap, HashMap, HashSet};

use super::Call;
use crate::interpret::{Result, Row};
use crate::value::{Key, ScalarType, Value};

/// An id that was active at a place of the timeline.
struct Event {
    at: i64,
    id: Key,
}

/// The events of one combination of dimensions, in order.
struct Group {
    dimension: Row,
    events: Vec<Event>,
}

/// The part of the timeline that is looked at.
struct Axis {
    windows: Windows,
    from: i64,
    to: i64,
    scalar_type: ScalarType,
}

impl Axis {
    /// The row of a window.
    fn row(&self, window: i64, group: &Group, values: impl IntoIterator<Item = Value>) -> Row {
        let start = Position::value(window, self.scalar_type);
        std::iter::once(start).chain(group.dimension.iter().cloned()).chain(values).collect()
    }

    /// The events after the start, those of the time before it left out.
    fn within<'g>(&self, group: &'g Group) -> &'g [Event] {
        let start = group.events.partition_point(|event| event.at < self.from);
        group.events.get(start..).unwrap_or_default()
    }

    /// The ids of each window.
    fn ids<'g>(&self, group: &'g Group) -> BTreeMap<i64, HashSet<&'g Key>> {
        let mut ids: BTreeMap<i64, HashSet<&Key>> = BTreeMap::new();
        for event in self.within(group) {
            ids.entry(self.windows.start(event.at)).or_default().insert(&event.id);
        }
        ids
    }

    /// For each window how many events, and of how many ids, there are over a length that ends with it.
    fn sliding(&self, call: &Call<'_, '_>, group: &Group, length: i64) -> Result<Vec<(i64, usize, usize)>> {
        let mut found = Vec::new();
        let mut inside: HashMap<&Key, usize> = HashMap::new();
        let (mut entering, mut leaving) = (group.events.iter().peekable(), group.events.iter().peekable());
        let mut count = 0;
        let mut window = self.windows.start(self.from);
        while window <= self.to {
            call.run.count(1)?;
            let end = self.windows.after(window);
            while let Some(event) = entering.next_if(|event| event.at < end) {
                *inside.entry(&event.id).or_default() += 1;
                count += 1;
            }
            while let Some(event) = leaving.next_if(|event| event.at < end.saturating_sub(length)) {
                count -= 1;
                if let Some(uses @ 2..) = inside.get_mut(&event.id) {
                    *uses -= 1;
                } else {
                    inside.remove(&event.id);
                }
            }
            found.push((window, count, inside.len()));
            if end <= window {
                break;
            }
            window = end;
        }
        Ok(found)
    }
}

/// The axis of a call, with the windows of an argument, and the events from so long before its start on.
fn read(call: &Call<'_, '_>, rows: Vec<Row>, window: &str, before: i64) -> Result<(Axis, Vec<Group>)> {
    let (id, timeline) = (call.required("id")?, call.required("timeline")?);
    let bound = |name: &str| -> Result<Option<i64>> {
        call.constant(name)?.map_or(Ok(None), |value| Position::of(&value))
    };
    let (start, end) = (bound("start")?, bound("end")?);
    let dimensions = call.scalars("dimension")?;
    let mut groups = Vec::new();
    for (dimension, rows) in call.run.groups(rows, &dimensions) {
        let mut events = Vec::new();
        for row in &rows {
            if let Some(at) = Position::of(&call.run.value(&timeline, row))? {
                events.push(Event { at, id: Key::of(&call.run.value(&id, row)) });
            }
        }
        events.sort_by_key(|event| event.at);
        groups.push(Group { dimension, events });
    }
    let windows = Windows::of(call, window, start.unwrap_or(0))?;
    let all = || groups.iter().flat_map(|group| &group.events).map(|event| event.at);
    let from = start.or_else(|| all().min().map(|first| windows.start(first))).unwrap_or(0);
    let to = end.or_else(|| all().max()).unwrap_or(0);
    for group in &mut groups {
        group.events.retain(|event| event.at >= from.saturating_sub(before) && event.at <= to);
    }
    Ok((Axis { windows, from, to, scalar_type: timeline.scalar_type }, groups))
}

/// A length of the timeline that is given for an argument.
pub(super) fn length(call: &Call<'_, '_>, name: &str) -> Result<i64> {
    Ok(call.constant(name)?.map_or(Ok(None), |value| Position::of(&value))?.unwrap_or(0))
}

/// A part of a whole; NaN of nothing.
fn share(part: usize, whole: usize) -> Value {
    Value::Real(part as f64 / whole as f64)
}

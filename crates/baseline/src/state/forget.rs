//! What is forgotten: with time, and for want of room.

use std::sync::Arc;

use castellan_base::Ticks;

use super::actor::{Actor, HOUR_DAYS};
use super::{Bounds, Counts, State};
use crate::definition::Definition;

impl State {
    /// Begins a day: what is too old is forgotten, sums fade, values that there was no room for may find some.
    pub(crate) fn begin(&mut self, day: i32, definition: &Definition, bounds: &Bounds, counts: &mut Counts) {
        let oldest = i64::from(day.saturating_sub(i32::from(definition.retention.days))) * Ticks::PER_DAY;
        let moved = self.clock.advance(day);
        let mut gone: Vec<(usize, Arc<str>)> = Vec::new();
        self.actors.retain(|_, actor| {
            if let Some(bits) = moved {
                let seen = actor.values.iter_mut().flat_map(|values| values.seen.values_mut());
                seen.for_each(|seen| seen.weight.shift(bits));
            }
            counts.evicted_values += tidy(actor, oldest, day, bounds, &mut gone);
            actor.last >= oldest
        });
        for (dimension, value) in gone {
            self.had_not(dimension, &value);
        }
        self.bytes = self.actors.iter().map(|(id, actor)| actor.bytes(id)).sum();
        self.day = day;
    }

    /// Makes room by forgetting the actors that were not seen for longest.
    pub(crate) fn make_room(&mut self, bounds: &Bounds, counts: &mut Counts) {
        if self.actors.len() <= bounds.actors && self.bytes <= bounds.bytes {
            return;
        }
        // A tenth more than has to go, so that it is not done for each new actor.
        let (actors, bytes) = (bounds.actors / 10 * 9, bounds.bytes / 10 * 9);
        let mut oldest: Vec<(i64, Arc<str>)> =
            self.actors.iter().map(|(id, actor)| (actor.last, Arc::clone(id))).collect();
        oldest.sort();
        for (_, id) in oldest {
            if self.actors.len() <= actors && self.bytes <= bytes {
                break;
            }
            if let Some(actor) = self.actors.remove(&id) {
                self.bytes = self.bytes.saturating_sub(actor.bytes(&id));
                for (dimension, values) in actor.values.iter().enumerate() {
                    values.seen.keys().for_each(|value| self.had_not(dimension, value));
                }
                counts.evicted_actors += 1;
            }
        }
    }
}

/// Takes away what is too old of an actor, and makes room for new values; how many of those that are not too old went.
fn tidy(actor: &mut Actor, oldest: i64, day: i32, bounds: &Bounds, gone: &mut Vec<(usize, Arc<str>)>) -> u64 {
    let first_day = crate::activity::day(oldest);
    actor.days.retain(|sum| sum.of >= first_day);
    // Hours of a day that is judged late need those before it.
    let first_hour = i64::from(day.saturating_sub(HOUR_DAYS + 3)) * 24;
    actor.hours.retain(|sum| sum.of >= first_hour);
    let is_gone = actor.last < oldest;
    let mut evicted = 0;
    for (dimension, values) in actor.values.iter_mut().enumerate() {
        values.seen.retain(|value, seen| {
            let stays = seen.last >= oldest && !is_gone;
            if !stays {
                gone.push((dimension, Arc::clone(value)));
            }
            stays
        });
        if values.beyond.as_ref().is_some_and(|beyond| beyond.last < oldest) {
            values.beyond = None;
        }
        if values.seen.len() < bounds.values {
            continue;
        }
        let mut lightest: Vec<_> =
            values.seen.iter().map(|(value, seen)| (seen.weight, Arc::clone(value))).collect();
        lightest.sort();
        for (_, value) in lightest.into_iter().take(bounds.values.div_ceil(10)) {
            if let Some(seen) = values.seen.remove(&value) {
                // It may come back, and would not be new then.
                let beyond = values.beyond.get_or_insert_default();
                beyond.values.add(&value);
                beyond.last = beyond.last.max(seen.last);
                gone.push((dimension, value));
                evicted += 1;
            }
        }
    }
    evicted
}

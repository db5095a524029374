//! What is remembered of one actor.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::activity::{Activity, day, hour};
use crate::measure::{Clock, Distinct, Faded, Spread, Weeks};

/// Days for which sums of hours are kept.
pub(crate) const HOUR_DAYS: i32 = 14;

/// What is remembered of one actor.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Actor {
    /// What it was called last.
    pub(crate) name: Latest,
    /// Its group.
    pub(crate) group: Latest,
    /// When it was seen first, in ticks.
    pub(crate) first: i64,
    /// When it was seen last.
    pub(crate) last: i64,
    /// Values by dimension.
    pub(crate) values: Vec<Values>,
    /// What it did on which day, in the order of days.
    pub(crate) days: Vec<Sum<i32>>,
    /// The same by hour.
    pub(crate) hours: Vec<Sum<i64>>,
    /// Hours of the week.
    pub(crate) weeks: Weeks,
    /// Who is like it, the nearest first.
    pub(crate) peers: Vec<Arc<str>>,
}

/// A text that may change: the one that was said last.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Latest {
    time: i64,
    pub(crate) text: Arc<str>,
}

impl Latest {
    fn see(&mut self, time: i64, text: &Arc<str>) {
        if !text.is_empty() && (time, text) > (self.time, &self.text) {
            *self = Latest { time, text: Arc::clone(text) };
        }
    }
}

/// What happened in a day or an hour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Sum<T> {
    pub(crate) of: T,
    pub(crate) count: u32,
    pub(crate) amount: u64,
}

/// The values of a dimension that an actor was seen with.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Values {
    pub(crate) seen: BTreeMap<Arc<str>, Seen>,
    /// What there was no room for.
    pub(crate) beyond: Option<Beyond>,
}

/// Values that are not kept one by one.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Beyond {
    pub(crate) values: Distinct,
    pub(crate) last: i64,
}

/// How a value was seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Seen {
    pub(crate) first: i64,
    pub(crate) last: i64,
    pub(crate) count: u64,
    pub(crate) weight: Faded,
}

impl Seen {
    fn at(time: i64, weight: u128) -> Seen {
        let mut faded = Faded::default();
        faded.add(weight);
        Seen { first: time, last: time, count: 1, weight: faded }
    }

    fn see(&mut self, time: i64, weight: u128) {
        self.first = self.first.min(time);
        self.last = self.last.max(time);
        self.count = self.count.saturating_add(1);
        self.weight.add(weight);
    }
}

/// What became of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Became {
    /// It was known.
    Known,
    /// It is kept now.
    New,
    /// There was no room for it.
    Beyond,
}

impl Values {
    /// Takes in a value. There is room for so many.
    pub(crate) fn see(&mut self, value: &Arc<str>, time: i64, weight: u128, room: usize) -> Became {
        if let Some(seen) = self.seen.get_mut(value) {
            seen.see(time, weight);
            return Became::Known;
        }
        if self.seen.len() < room {
            self.seen.insert(Arc::clone(value), Seen::at(time, weight));
            return Became::New;
        }
        let beyond = self.beyond.get_or_insert_default();
        beyond.values.add(value);
        beyond.last = beyond.last.max(time);
        Became::Beyond
    }

    /// How many there are, and whether that is an estimate.
    pub(crate) fn distinct(&self) -> (u64, bool) {
        let known = u64::try_from(self.seen.len()).unwrap_or(u64::MAX);
        match &self.beyond {
            Some(beyond) => (known.saturating_add(beyond.values.count()), true),
            None => (known, false),
        }
    }

    /// The weights of all values together, on a day.
    pub(crate) fn weight(&self, clock: &Clock, day: i32) -> f64 {
        self.seen.values().map(|seen| clock.read(seen.weight, day)).sum()
    }
}

impl Actor {
    /// An actor without any activity.
    pub(crate) fn new(activity: &Activity) -> Actor {
        let values = activity.values.iter().map(|_| Values::default()).collect();
        Actor { first: activity.time, last: activity.time, values, ..Actor::default() }
    }

    /// Takes in when an activity was, and how much; not yet what it was.
    pub(crate) fn see(&mut self, activity: &Activity) {
        self.first = self.first.min(activity.time);
        self.last = self.last.max(activity.time);
        self.name.see(activity.time, &activity.name);
        self.group.see(activity.time, &activity.group);
        add(&mut self.days, day(activity.time), activity.amount);
        add(&mut self.hours, hour(activity.time), activity.amount);
        self.weeks.add(hour(activity.time));
    }

    /// What is known of it from the days before one: on how many it did something, and how much.
    pub(crate) fn history(&self, before: i32) -> (u32, u32) {
        let known = self.days.iter().take_while(|sum| sum.of < before);
        known.fold((0, 0), |(days, count), sum| (days + 1, sum.count.saturating_add(count)))
    }

    /// How amounts of days lie, of those before one.
    pub(crate) fn daily(&self, before: i32) -> Option<Spread> {
        Spread::of(self.days.iter().take_while(|sum| sum.of < before).map(|sum| sum.amount))
    }

    /// How amounts of hours lie, of those before a day.
    pub(crate) fn hourly(&self, before: i32) -> Option<Spread> {
        let until = i64::from(before) * 24;
        let from = until - i64::from(HOUR_DAYS) * 24;
        let known = self.hours.iter().filter(|sum| (from..until).contains(&sum.of));
        Spread::of(known.map(|sum| sum.amount))
    }

    /// The amount of a day.
    pub(crate) fn of_day(&self, day: i32) -> u64 {
        amount(&self.days, day)
    }

    /// The amount of an hour.
    pub(crate) fn of_hour(&self, hour: i64) -> u64 {
        amount(&self.hours, hour)
    }

    /// Bytes that it takes, about.
    pub(crate) fn bytes(&self, id: &str) -> usize {
        let of_values = self.values.iter().map(|values| {
            let texts: usize = values.seen.keys().map(|value| value.len() + PER_VALUE).sum();
            texts + if values.beyond.is_some() { PER_SKETCH } else { 0 }
        });
        let sums = (self.days.len() + self.hours.len()) * 24;
        PER_ACTOR + id.len() + of_values.sum::<usize>() + sums + self.weeks.bytes() + self.peers.len() * 16
    }
}

/// Bytes of a value beside its text: its counts and its place in the trees.
pub(crate) const PER_VALUE: usize = 120;
/// Bytes of an actor beside its values.
pub(crate) const PER_ACTOR: usize = 400;
/// Bytes of a sketch.
pub(crate) const PER_SKETCH: usize = 4_200;

fn amount<T: Ord + Copy>(sums: &[Sum<T>], of: T) -> u64 {
    let at = sums.binary_search_by_key(&of, |sum| sum.of).ok();
    at.and_then(|at| sums.get(at)).map_or(0, |sum| sum.amount)
}

fn add<T: Ord + Copy>(sums: &mut Vec<Sum<T>>, of: T, amount: u64) {
    // Nearly all come at the end.
    let at = match sums.last() {
        Some(last) if last.of == of => Ok(sums.len() - 1),
        Some(last) if last.of < of => Err(sums.len()),
        _ => sums.binary_search_by_key(&of, |sum| sum.of),
    };
    match at {
        Ok(at) => {
            if let Some(sum) = sums.get_mut(at) {
                sum.count = sum.count.saturating_add(1);
                sum.amount = sum.amount.saturating_add(amount);
            }
        }
        Err(at) => sums.insert(at, Sum { of, count: 1, amount }),
    }
}

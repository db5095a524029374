//! Activities into a state, and what is to be said of them.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::activity::{Activity, day, hour};
use crate::definition::Definition;
use crate::judge::{Bucket, Judged, Verdict};
use crate::rows::{Fresh, Rows};
use crate::state::{Actor, Became, Bounds, Counts, State};

/// Actors that come in before it is looked whether there is room.
const LOOK: usize = 1_024;
/// Bytes that a new value takes beside its text.
const VALUE: usize = 120;
/// Bytes that a new actor takes.
const ACTOR: usize = 600;

/// What came of activities.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Taken {
    /// Rows for the lake.
    pub rows: Rows,
    /// What was counted and what was not.
    pub counts: Counts,
}

/// An hour or a day of an actor in which something happened: how much there was before, and the largest activity now.
struct Touched {
    before: u64,
    largest: usize,
}

impl State {
    /// Takes in the activities of a time that ends before `until`, in ticks. All of it is of one day of receipt.
    pub fn take(
        &mut self,
        definition: &Definition,
        mut activities: Vec<Activity>,
        until: i64,
        bounds: &Bounds,
    ) -> Taken {
        let mut taken = Taken::default();
        let is_told = self.until >= self.began;
        let today = day(until.saturating_sub(1));
        if today > self.day {
            self.next_day(definition, today, until, is_told, bounds, &mut taken);
        }
        if self.until == self.began {
            // What was learnt silently.
            taken.rows.snapshot(self, definition, until, |_, _| true);
        }
        activities.sort();
        let mut fresh = Vec::new();
        let mut touched: BTreeMap<(Arc<str>, Bucket), Touched> = BTreeMap::new();
        for (at, activity) in activities.iter().enumerate() {
            if !self.is_counted(definition, activity, &mut taken.counts) {
                continue;
            }
            if is_told {
                let judged = self.told(definition, activity);
                touch(self, activity, at, &activities, &mut touched, definition.volume.is_some());
                if let Some(judged) = judged {
                    taken.rows.unusual(self, definition, activity, &judged, until);
                }
            }
            let came = self.see(activity, bounds, &mut taken.counts);
            if is_told {
                fresh.extend(came);
            }
            if at % LOOK == 0 {
                self.make_room(bounds, &mut taken.counts);
            }
        }
        self.make_room(bounds, &mut taken.counts);
        self.excesses(definition, &activities, touched, until, &mut taken.rows);
        for fresh in fresh {
            taken.rows.fresh(self, definition, &fresh, until);
        }
        self.until = self.until.max(until);
        self.counts.add(&taken.counts);
        taken
    }

    fn next_day(
        &mut self,
        definition: &Definition,
        today: i32,
        until: i64,
        is_told: bool,
        bounds: &Bounds,
        taken: &mut Taken,
    ) {
        let before = self.day;
        self.begin(today, definition, bounds, &mut taken.counts);
        let changed = self.find_peers(definition);
        if is_told {
            // What did not change comes once in a week, so that whoever looks back that far sees all.
            let is_turn = |id: &str| twox_hash::XxHash64::oneshot(0, id.as_bytes()) % 7 == turn(today);
            taken.rows.snapshot(self, definition, until, |id, last| day(last) >= before || is_turn(id));
            let is_due = |id: &Arc<str>| changed.binary_search(id).is_ok() || is_turn(id);
            taken.rows.peers(self, until, is_due);
        }
    }

    fn is_counted(&self, definition: &Definition, activity: &Activity, counts: &mut Counts) -> bool {
        let of = day(activity.time);
        let why_not = if activity.actor.is_empty() {
            &mut counts.nameless
        } else if of < self.day.saturating_sub(i32::from(definition.retention.days)) {
            &mut counts.old
        } else if of > self.day.saturating_add(1) {
            &mut counts.ahead
        } else {
            counts.activities += 1;
            return true;
        };
        *why_not += 1;
        false
    }

    /// What is to be said of an activity; nothing of most.
    fn told(&self, definition: &Definition, activity: &Activity) -> Option<Judged> {
        let Some(actor) = self.actors.get(&activity.actor) else {
            return Some(self.judge(definition, activity));
        };
        // Nearly all activities have nothing new, and cost no more than this.
        let is_new = |(values, value): (&crate::state::Values, &Arc<str>)| {
            !value.is_empty() && values.beyond.is_none() && !values.seen.contains_key(value)
        };
        if !actor.values.iter().zip(&activity.values).any(is_new) {
            return None;
        }
        Some(self.judge(definition, activity)).filter(|judged| judged.verdict == Verdict::Unusual)
    }

    /// Counts an activity; the values that are new.
    fn see(&mut self, activity: &Activity, bounds: &Bounds, counts: &mut Counts) -> Vec<Fresh> {
        let weight = self.clock.weight(day(activity.time));
        let mut fresh = Vec::new();
        let mut more = 0;
        let actor = self.actors.entry(Arc::clone(&activity.actor)).or_insert_with(|| {
            more += ACTOR;
            Actor::new(activity)
        });
        let history = actor.history(day(activity.time));
        actor.see(activity);
        for (dimension, (values, value)) in actor.values.iter_mut().zip(&activity.values).enumerate() {
            if value.is_empty() {
                continue;
            }
            let was_whole = values.beyond.is_none();
            match values.see(value, activity.time, weight, bounds.values) {
                Became::Known => {}
                Became::Beyond => counts.beyond += 1,
                Became::New => {
                    more += VALUE + value.len();
                    let actor = Arc::clone(&activity.actor);
                    fresh.push(Fresh { actor, dimension, value: Arc::clone(value), history, was_whole });
                }
            }
        }
        self.bytes += more;
        for one in &fresh {
            self.had(one.dimension, &one.value);
        }
        fresh
    }

    /// Sums that passed what is usual.
    fn excesses(
        &self,
        definition: &Definition,
        activities: &[Activity],
        touched: BTreeMap<(Arc<str>, Bucket), Touched>,
        until: i64,
        rows: &mut Rows,
    ) {
        let mut told: Option<(Arc<str>, i32)> = None;
        for ((id, bucket), touched) in touched {
            let Some(actor) = self.actors.get(&id) else { continue };
            let Some(excess) = self.excess(definition, actor, bucket, touched.before) else { continue };
            let Some(activity) = activities.get(touched.largest) else { continue };
            let of = (id, day(activity.time));
            // Hours come before days; the day of an hour that was told needs no word of its own.
            if matches!(bucket, Bucket::Day(_)) && told.as_ref() == Some(&of) {
                continue;
            }
            told = Some(of);
            let judged = self.judge(definition, activity).with_excess(definition, excess);
            rows.unusual(self, definition, activity, &judged, until);
        }
    }
}

/// The place of a day in its week.
fn turn(day: i32) -> u64 {
    u64::try_from(day.rem_euclid(7)).unwrap_or(0)
}

fn touch(
    state: &State,
    activity: &Activity,
    at: usize,
    activities: &[Activity],
    touched: &mut BTreeMap<(Arc<str>, Bucket), Touched>,
    has_volume: bool,
) {
    if !has_volume {
        return;
    }
    let (of_hour, of_day) = (hour(activity.time), day(activity.time));
    for bucket in [Bucket::Hour(of_hour), Bucket::Day(of_day)] {
        let known = touched.entry((Arc::clone(&activity.actor), bucket)).or_insert_with(|| {
            let actor = state.actors.get(&activity.actor);
            let before = actor.map_or(0, |actor| match bucket {
                Bucket::Hour(hour) => actor.of_hour(hour),
                Bucket::Day(day) => actor.of_day(day),
            });
            Touched { before, largest: at }
        });
        let largest = activities.get(known.largest).map_or(0, |largest| largest.amount);
        if activity.amount > largest {
            known.largest = at;
        }
    }
}

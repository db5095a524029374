//! Whether an activity is unusual, and how the priority of that comes about.
//!
//! | what | points |
//! |---|---|
//! | the actor's first time with a value | 2 |
//! | none of its peers has the value (of 3 or more) | 2; otherwise as many as do not have it, as a share of 1 |
//! | nobody has the value (of 10 actors or more) | 2; otherwise the rarity of the value, from 0 to 1 |
//! | an hour of the week in which the actor rests | 1 |
//! | a sum beyond 3.5 deviations | 2, beyond 7 deviations 3, beyond 10.5 deviations 4 |
//!
//! Points of a value are multiplied with the weight of its dimension. The priority is the sum, rounded, and 10 at most. *Invariant
//! (unknown is a verdict):* of an actor with too little history nothing is unusual, and of a value that there was no room for it
//! is not said that it is new.

use std::sync::Arc;

use crate::activity::{Activity, day, hour};
use crate::definition::{Definition, Kind};
use crate::measure::OUTLIER;
use crate::state::{Actor, State};

/// Peers that there have to be for them to mean something.
const PEERS: u32 = 3;
/// Actors that there have to be.
const ACTORS: usize = 10;
/// A value that stands for a smaller share of what an actor does is uncommon.
const UNCOMMON: f64 = 0.02;
/// A value that a smaller share of peers or actors has is uncommon among them.
const FEW: f64 = 0.1;
/// Values that an explanation names.
const NAMED: usize = 5;

/// What is said of an activity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Something of it is new.
    Unusual,
    /// Nothing of it is new.
    Usual,
    /// Too little is known of its actor.
    InsufficientHistory,
    /// Whether something is new is not known: there was no room for all values of the actor.
    Unknown,
}

impl Verdict {
    /// As tables have it.
    pub fn as_str(self) -> &'static str {
        match self {
            Verdict::Unusual => "Unusual",
            Verdict::Usual => "Usual",
            Verdict::InsufficientHistory => "InsufficientHistory",
            Verdict::Unknown => "Unknown",
        }
    }
}

/// What is said of a value of an activity.
#[derive(Clone, Debug, PartialEq)]
pub struct Insight {
    /// What the value is.
    pub kind: Kind,
    /// The column of activities.
    pub column: Arc<str>,
    /// The value.
    pub value: Arc<str>,
    /// The actor's first time.
    pub is_first: bool,
    /// The actor rarely has it.
    pub is_uncommon: bool,
    /// Peers rarely have it; `None` where there are too few.
    pub is_uncommon_among_peers: Option<bool>,
    /// Nobody has it; `None` where there are too few actors.
    pub is_first_in_tenant: Option<bool>,
    /// Few have it.
    pub is_uncommon_in_tenant: Option<bool>,
    /// Peers, and how many of them have it.
    pub peers: (u32, u32),
    /// Actors, and how many of them have it.
    pub actors: (u32, u32),
    /// What it counts.
    pub points: f64,
    /// Why.
    pub why: Option<String>,
}

/// A sum that is more than usual.
#[derive(Clone, Debug, PartialEq)]
pub struct Excess {
    /// `Hour` or `Day`.
    pub of: &'static str,
    /// The sum.
    pub amount: u64,
    /// The median of those before.
    pub median: f64,
    /// By how many deviations it is more.
    pub score: f64,
    /// Hours or days that it was compared with.
    pub compared: usize,
}

/// What is said of an activity, and why.
#[derive(Clone, Debug, PartialEq)]
pub struct Judged {
    /// What is said.
    pub verdict: Verdict,
    /// Days before on which the actor did something, and how often.
    pub history: (u32, u32),
    /// What is said of each of its values.
    pub insights: Vec<Insight>,
    /// Whether the actor rests at this hour of the week; `None` where that is not known.
    pub is_uncommon_hour: Option<bool>,
    /// The sum that is more than usual.
    pub excess: Option<Excess>,
    /// From 0 to 10.
    pub priority: u8,
    /// How the priority came about.
    pub explanation: Vec<String>,
}

/// How rare a value is, from 0 (everybody has it) to 1 (nobody has it): its inverse document frequency as a share of the
/// largest that there can be. Source: K. Sparck Jones (1972), with one added to both counts.
pub fn rarity(actors: u32, with: u32) -> f64 {
    if actors == 0 {
        return 0.0;
    }
    let all = f64::from(actors) + 1.0;
    ((all / (f64::from(with.min(actors)) + 1.0)).ln() / all.ln()).clamp(0.0, 1.0)
}

impl State {
    /// What is said of an activity by what is known before it.
    pub fn judge(&self, definition: &Definition, activity: &Activity) -> Judged {
        let Some(actor) = self.actors.get(&activity.actor) else {
            return Judged::without_history((0, 0), definition, "it was never seen before");
        };
        let history = actor.history(day(activity.time));
        if !is_enough(definition, history) {
            return Judged::without_history(history, definition, "it is known for too short a time");
        }
        self.compared(definition, activity, actor, history)
    }

    fn compared(
        &self,
        definition: &Definition,
        activity: &Activity,
        actor: &Actor,
        history: (u32, u32),
    ) -> Judged {
        let (mut insights, mut is_unknown) = (Vec::new(), false);
        for (at, value) in activity.values.iter().enumerate().filter(|(_, value)| !value.is_empty()) {
            if let Some(insight) = self.insight(definition, actor, at, value, day(activity.time)) {
                is_unknown |= insight.why.is_some() && !insight.is_first;
                insights.push(insight);
            }
        }
        let is_new = insights.iter().any(|insight| insight.is_first);
        let verdict = match (is_new, is_unknown) {
            (true, _) => Verdict::Unusual,
            (false, true) => Verdict::Unknown,
            (false, false) => Verdict::Usual,
        };
        let hours = definition.hours.then(|| actor.weeks.is_uncommon(hour(activity.time))).flatten();
        let mut judged = Judged {
            verdict,
            history,
            insights,
            is_uncommon_hour: hours,
            excess: None,
            priority: 0,
            explanation: Vec::new(),
        };
        judged.explain(definition);
        judged
    }

    fn insight(
        &self,
        definition: &Definition,
        actor: &Actor,
        at: usize,
        value: &Arc<str>,
        day: i32,
    ) -> Option<Insight> {
        let (dimension, values) = (definition.dimensions.get(at)?, actor.values.get(at)?);
        let known = values.seen.get(value);
        let own = u32::from(known.is_some());
        let (peers, with) = self.peers_with(&actor.peers, at, value);
        let all = u32::try_from(self.actors.len()).unwrap_or(u32::MAX);
        // The actor itself says nothing about others.
        let (others, others_with) = (all.saturating_sub(1), self.known_by(at, value).saturating_sub(own));
        let share = |part: u32, of: u32| f64::from(part) / f64::from(of.max(1));
        let has_peers = peers >= PEERS;
        let has_others = self.actors.len() >= ACTORS;
        let weight = values.weight(&self.clock, day).max(f64::MIN_POSITIVE);
        let is_first = known.is_none() && values.beyond.is_none();
        let mut insight = Insight {
            kind: dimension.kind,
            column: Arc::clone(&dimension.column),
            value: Arc::clone(value),
            is_first,
            is_uncommon: known.is_none_or(|seen| self.clock.read(seen.weight, day) / weight < UNCOMMON),
            is_uncommon_among_peers: has_peers.then(|| share(with, peers) < FEW),
            is_first_in_tenant: has_others.then_some(others_with + own == 0 && is_first),
            is_uncommon_in_tenant: has_others.then(|| share(others_with, others) < FEW),
            peers: (peers, with),
            actors: (others, others_with),
            points: 0.0,
            why: None,
        };
        if known.is_none() && !is_first {
            insight.why = Some(format!(
                "{} `{value}` is not among the values that there is room for: whether it is new is not known",
                dimension.kind.as_str()
            ));
        }
        if is_first {
            let usual: Vec<&str> = values.seen.keys().take(NAMED).map(|value| &**value).collect();
            insight.score(dimension.weight, (has_peers, has_others), &usual, values.seen.len());
        }
        Some(insight)
    }

    /// A sum that passed what is usual with the last activities, by what is known of the days before.
    pub(crate) fn excess(
        &self,
        definition: &Definition,
        actor: &Actor,
        bucket: Bucket,
        before: u64,
    ) -> Option<Excess> {
        let volume = definition.volume.as_ref()?;
        let (of, amount, day) = match bucket {
            Bucket::Hour(hour) => {
                ("Hour", actor.of_hour(hour), i32::try_from(hour.div_euclid(24)).unwrap_or(i32::MAX))
            }
            Bucket::Day(day) => ("Day", actor.of_day(day), day),
        };
        if amount < volume.floor || !is_enough(definition, actor.history(day)) {
            return None;
        }
        let (spread, least) = match bucket {
            Bucket::Hour(_) => (actor.hourly(day)?, HOURS),
            Bucket::Day(_) => (actor.daily(day)?, usize::from(definition.history.days)),
        };
        if spread.count < least {
            return None;
        }
        let is_more = |amount: u64| {
            let sum = amount as f64;
            amount >= volume.floor && spread.score(sum) >= OUTLIER && sum >= volume.times * spread.median
        };
        (is_more(amount) && !is_more(before)).then(|| Excess {
            of,
            amount,
            median: spread.median,
            score: spread.score(amount as f64),
            compared: spread.count,
        })
    }
}

/// Hours with activity that a sum of an hour is compared with, at least.
const HOURS: usize = 12;

/// What amounts are summed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Bucket {
    /// An hour, counted from year 1.
    Hour(i64),
    /// A day, counted from year 1.
    Day(i32),
}

/// Whether enough is known of an actor.
pub(crate) fn is_enough(definition: &Definition, (days, activities): (u32, u32)) -> bool {
    days >= u32::from(definition.history.days) && activities >= definition.history.activities
}

impl Insight {
    fn score(&mut self, weight: f64, (has_peers, has_others): (bool, bool), usual: &[&str], known: usize) {
        let mut points = 2.0;
        let more = if known > usual.len() { ", ..." } else { "" };
        let known = if usual.is_empty() {
            "none was known".to_owned()
        } else {
            format!("known: {}{more}", usual.join(", "))
        };
        let mut why = format!("first {} `{}` ({known})", self.kind.as_str(), self.value);
        if has_peers {
            let (peers, with) = self.peers;
            let share = f64::from(peers - with) / f64::from(peers.max(1));
            points += if with == 0 { 2.0 } else { share };
            why.push_str(&format!("; {with} of {peers} peers have it"));
        }
        if has_others {
            let (others, with) = self.actors;
            points += if with == 0 { 2.0 } else { rarity(others, with) };
            why.push_str(&format!("; {with} of {others} others have it"));
        }
        self.points = points * weight;
        self.why = Some(format!("+{:.1} {why}", self.points));
    }
}

impl Judged {
    fn without_history(history: (u32, u32), definition: &Definition, why: &str) -> Judged {
        let needed = definition.history;
        let explanation = format!(
            "{why}: {} days and {} activities are known of it, {} and {} are needed",
            history.0, history.1, needed.days, needed.activities
        );
        Judged {
            verdict: Verdict::InsufficientHistory,
            history,
            insights: Vec::new(),
            is_uncommon_hour: None,
            excess: None,
            priority: 0,
            explanation: vec![explanation],
        }
    }

    /// Of a sum that is more than usual.
    pub(crate) fn with_excess(mut self, definition: &Definition, excess: Excess) -> Judged {
        self.verdict = Verdict::Unusual;
        self.excess = Some(excess);
        self.explain(definition);
        self
    }

    /// Works out the priority, with a line for each part of it.
    fn explain(&mut self, definition: &Definition) {
        let mut points: f64 = self.insights.iter().map(|insight| insight.points).sum();
        self.explanation = self.insights.iter().filter_map(|insight| insight.why.clone()).collect();
        if self.verdict == Verdict::Unusual && self.is_uncommon_hour == Some(true) {
            points += 1.0;
            self.explanation.push("+1.0 an hour of the week in which it rests".to_owned());
        }
        if let Some(excess) = &self.excess {
            let own = match excess.score / OUTLIER {
                times if times >= 3.0 => 4.0,
                times if times >= 2.0 => 3.0,
                _ => 2.0,
            };
            points += own;
            let unit = definition.volume.as_ref().map_or("", |volume| &volume.unit);
            self.explanation.push(format!(
                "+{own:.1} {} {unit} in {}: {:.1} deviations above the median of {:.0} in {} before",
                excess.amount,
                if excess.of == "Hour" { "an hour" } else { "a day" },
                excess.score,
                excess.median,
                excess.compared
            ));
        }
        // At most 10 by the bound, and never less than nothing.
        self.priority = points.round().clamp(0.0, 10.0) as u8;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_has_is_rarest() {
        assert!((rarity(100, 0) - 1.0).abs() < 1e-9 && rarity(100, 100).abs() < 1e-9);
        assert!(rarity(100, 1) > rarity(100, 10) && rarity(100, 10) > rarity(100, 90));
        assert!(rarity(0, 0).abs() < 1e-9 && rarity(1, 5).abs() < 1e-9);
    }
}

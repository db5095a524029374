//! The classic secure score of Defender for Cloud.
//!
//! * A resource is *unhealthy* in a control when any check of the control is violated on it, *healthy* when none is and
//!   all could be told, and *unknown* otherwise. Unknown resources count in neither number and are shown.
//! * Control: `current = max / (healthy + unhealthy) * healthy`. A control without healthy or unhealthy resources is
//!   dropped, from the sum of maxima too.
//! * Subscription: `sum of current / sum of max * 100`.
//! * Several subscriptions: the mean of their percentages, weighted by their healthy and unhealthy resources.
//! * Potential increase of a control: `max / (healthy + unhealthy) * unhealthy`.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Observation, State};
use crate::content::ScoreControl;

/// The secure score of an estate.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SecureScore {
    /// 0 to 100; `None` when nothing could be assessed.
    pub percent: Option<f64>,
    /// The score of each subscription, by its id.
    pub subscriptions: Vec<SubscriptionScore>,
    /// Each control over all subscriptions together, in the order of the content. Controls without any assessed
    /// resource are left out.
    pub controls: Vec<ControlScore>,
}

/// The score of one subscription.
#[derive(Debug, Clone, PartialEq)]
pub struct SubscriptionScore {
    /// The subscription's id; empty for resources outside of any.
    pub subscription: Arc<str>,
    /// Points reached.
    pub current: f64,
    /// Points that can be reached.
    pub max: f64,
    /// 0 to 100; `None` when nothing could be assessed.
    pub percent: Option<f64>,
    /// Resources that are healthy or unhealthy in some control: the weight among several subscriptions.
    pub weight: usize,
    /// Its controls.
    pub controls: Vec<ControlScore>,
}

/// One control.
#[derive(Debug, Clone, PartialEq)]
pub struct ControlScore {
    /// The control's id.
    pub id: Arc<str>,
    /// Its name.
    pub title: Arc<str>,
    /// Points that can be reached.
    pub max: f64,
    /// Points reached.
    pub current: f64,
    /// Points that fixing everything would add.
    pub potential_increase: f64,
    /// Resources on which every check of the control is met.
    pub healthy: usize,
    /// Resources on which some check of the control is violated.
    pub unhealthy: usize,
    /// Resources on which no check is known to be violated, but some cannot be told. Not part of the formula.
    pub unknown: usize,
}

impl ControlScore {
    /// The formula. `None` when no resource is healthy or unhealthy.
    fn new(control: &ScoreControl, tally: &Tally) -> Option<ControlScore> {
        let assessed = tally.healthy + tally.unhealthy;
        if assessed == 0 {
            return None;
        }
        let max = f64::from(control.max);
        let per_resource = max / as_f64(assessed);
        Some(ControlScore {
            id: Arc::clone(&control.id),
            title: Arc::clone(&control.title),
            max,
            current: per_resource * as_f64(tally.healthy),
            potential_increase: per_resource * as_f64(tally.unhealthy),
            healthy: tally.healthy,
            unhealthy: tally.unhealthy,
            unknown: tally.unknown,
        })
    }
}

#[allow(clippy::cast_precision_loss)] // Counts of resources stay far below 2^52.
fn as_f64(count: usize) -> f64 {
    count as f64
}

#[derive(Debug, Clone, Copy, Default)]
struct Tally {
    healthy: usize,
    unhealthy: usize,
    unknown: usize,
}

/// Observations sorted for repeated tallying: the state of a resource in a control is one run of entries.
struct Sorted {
    entries: Vec<Entry>,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Entry {
    subscription: usize,
    resource: usize,
    control: usize,
    check: usize,
    state: u8,
}

const HEALTHY: u8 = 0;
const UNKNOWN: u8 = 1;
const UNHEALTHY: u8 = 2;

/// Computes the score, and by how many percentage points it rises when all violations of one check are fixed, for every
/// check.
///
/// `check_controls` names the control of each check; `subscriptions` the subscription of each resource (empty for none).
/// Observations of checks whose control is unknown do not count.
pub fn secure_score(
    controls: &[ScoreControl],
    check_controls: &[Arc<str>],
    subscriptions: &[Arc<str>],
    observations: &[Observation],
) -> (SecureScore, Vec<f64>) {
    let mut names: Vec<Arc<str>> = subscriptions.to_vec();
    names.sort();
    names.dedup();
    let control_of: Vec<Option<usize>> = check_controls
        .iter()
        .map(|id| controls.iter().position(|control| control.id.eq_ignore_ascii_case(id)))
        .collect();
    let subscription_of: Vec<usize> =
        subscriptions.iter().map(|name| names.binary_search(name).unwrap_or_default()).collect();
    let mut entries: Vec<Entry> = observations
        .iter()
        .filter_map(|observation| {
            Some(Entry {
                subscription: *subscription_of.get(observation.resource)?,
                resource: observation.resource,
                control: (*control_of.get(observation.check)?)?,
                check: observation.check,
                state: match observation.state {
                    State::Healthy => HEALTHY,
                    State::Unknown => UNKNOWN,
                    State::Unhealthy => UNHEALTHY,
                },
            })
        })
        .collect();
    entries.sort_unstable();
    let sorted = Sorted { entries };
    let score = sorted.score(controls, &names, None);
    let mut has_violation = vec![false; check_controls.len()];
    for entry in sorted.entries.iter().filter(|entry| entry.state == UNHEALTHY) {
        if let Some(flag) = has_violation.get_mut(entry.check) {
            *flag = true;
        }
    }
    let gains = has_violation
        .iter()
        .enumerate()
        .map(|(check, violated)| {
            let Some(percent) = score.percent.filter(|_| *violated) else { return 0.0 };
            let fixed = sorted.score(controls, &names, Some(check)).percent.unwrap_or(percent);
            (fixed - percent).max(0.0)
        })
        .collect();
    (score, gains)
}

impl Sorted {
    fn score(&self, controls: &[ScoreControl], names: &[Arc<str>], fixed: Option<usize>) -> SecureScore {
        let (tallies, weights) = self.tally(fixed);
        let mut subscriptions = Vec::new();
        for (index, name) in names.iter().enumerate() {
            let scores: Vec<ControlScore> = controls
                .iter()
                .enumerate()
                .filter_map(|(control, definition)| {
                    ControlScore::new(definition, tallies.get(&(index, control))?)
                })
                .collect();
            let weight = weights.get(&index).copied().unwrap_or(0);
            subscriptions.push(SubscriptionScore::new(Arc::clone(name), weight, scores));
        }
        let together = controls.iter().enumerate().filter_map(|(control, definition)| {
            let mut sum = Tally::default();
            for (_, tally) in tallies.iter().filter(|((_, of), _)| *of == control) {
                sum.healthy += tally.healthy;
                sum.unhealthy += tally.unhealthy;
                sum.unknown += tally.unknown;
            }
            ControlScore::new(definition, &sum)
        });
        SecureScore { percent: weighted_percent(&subscriptions), controls: together.collect(), subscriptions }
    }

    /// Counts by subscription and control, and the assessed resources of each subscription.
    fn tally(&self, fixed: Option<usize>) -> (BTreeMap<(usize, usize), Tally>, BTreeMap<usize, usize>) {
        let mut tallies: BTreeMap<(usize, usize), Tally> = BTreeMap::new();
        let mut weights: BTreeMap<usize, usize> = BTreeMap::new();
        let by_resource = self.entries.chunk_by(|left, right| {
            (left.subscription, left.resource) == (right.subscription, right.resource)
        });
        for of_resource in by_resource {
            let mut assessed = None;
            for run in of_resource.chunk_by(|left, right| left.control == right.control) {
                let state_of = |entry: &Entry| {
                    let is_fixed = Some(entry.check) == fixed && entry.state == UNHEALTHY;
                    if is_fixed { HEALTHY } else { entry.state }
                };
                let Some(first) = run.first() else { continue };
                let tally = tallies.entry((first.subscription, first.control)).or_default();
                match run.iter().map(state_of).max() {
                    Some(UNHEALTHY) => tally.unhealthy += 1,
                    Some(UNKNOWN) => {
                        tally.unknown += 1;
                        continue;
                    }
                    _ => tally.healthy += 1,
                }
                assessed = Some(first.subscription);
            }
            if let Some(subscription) = assessed {
                *weights.entry(subscription).or_default() += 1;
            }
        }
        (tallies, weights)
    }
}

impl SubscriptionScore {
    fn new(subscription: Arc<str>, weight: usize, controls: Vec<ControlScore>) -> SubscriptionScore {
        let current = controls.iter().map(|control| control.current).sum();
        let max: f64 = controls.iter().map(|control| control.max).sum();
        let percent = (max > 0.0).then(|| current / max * 100.0);
        SubscriptionScore { subscription, current, max, percent, weight, controls }
    }
}

fn weighted_percent(subscriptions: &[SubscriptionScore]) -> Option<f64> {
    let scored = || subscriptions.iter().filter_map(|one| Some((one.percent?, as_f64(one.weight))));
    let weight: f64 = scored().map(|(_, weight)| weight).sum();
    (weight > 0.0).then(|| scored().map(|(percent, weight)| percent * weight).sum::<f64>() / weight)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn control(id: &str, max: u32) -> ScoreControl {
        ScoreControl { id: id.into(), title: id.into(), max }
    }

    fn observe(check: usize, resources: std::ops::Range<usize>, state: State) -> Vec<Observation> {
        resources.map(|resource| Observation { check, resource, state }).collect()
    }

    fn near(actual: Option<f64>, expected: f64) {
        assert!(
            actual.is_some_and(|actual| (actual - expected).abs() < 0.005),
            "{actual:?} is not {expected}"
        );
    }

    #[test]
    fn the_worked_example_of_the_documentation() {
        // 6 of 78 resources are healthy in a control of 4 points: 4 / 78 * 6 = 0.31, and 3.69 can be gained.
        let mut observations = observe(0, 0..6, State::Healthy);
        observations.extend(observe(0, 6..78, State::Unhealthy));
        let subscriptions = vec![Arc::from("s"); 78];
        let (score, gains) = secure_score(
            &[control("encrypt", 4), control("unused", 10)],
            &["encrypt".into()],
            &subscriptions,
            &observations,
        );
        let [encrypt] = score.controls.as_slice() else { panic!("the unused control has to be dropped") };
        near(Some(encrypt.current), 0.31);
        near(Some(encrypt.potential_increase), 3.69);
        near(score.percent, 7.69);
        near(gains.first().copied(), 92.31);
    }

    #[test]
    fn unknown_resources_count_in_neither_number() {
        let mut observations = observe(0, 0..1, State::Healthy);
        observations.extend(observe(0, 1..2, State::Unhealthy));
        observations.extend(observe(0, 2..9, State::Unknown));
        // A second check that cannot be told does not make an unhealthy resource unknown.
        observations.extend(observe(1, 1..2, State::Unknown));
        let subscriptions = vec![Arc::from("s"); 9];
        let checks = ["c".into(), "c".into()];
        let (score, gains) = secure_score(&[control("c", 4)], &checks, &subscriptions, &observations);
        near(score.percent, 50.0);
        assert_eq!(
            score.controls.first().map(|control| (control.healthy, control.unhealthy, control.unknown)),
            Some((1, 1, 7))
        );
        // Once fixed, the second check still cannot be told, so that the resource leaves the formula.
        near(gains.first().copied(), 50.0);
        let (nothing, _) = secure_score(&[control("c", 4)], &checks, &subscriptions, &[]);
        assert_eq!(nothing.percent, None);
    }

    #[test]
    fn subscriptions_are_weighted_by_their_resources() {
        let mut observations = observe(0, 0..3, State::Healthy);
        observations.extend(observe(0, 3..4, State::Unhealthy));
        let subscriptions: Vec<Arc<str>> = ["a", "a", "a", "b"].map(Arc::from).to_vec();
        let (score, _) = secure_score(&[control("c", 4)], &["c".into()], &subscriptions, &observations);
        near(score.percent, 75.0);
        assert_eq!(score.subscriptions.iter().map(|one| one.weight).collect::<Vec<_>>(), [3, 1]);
    }
}

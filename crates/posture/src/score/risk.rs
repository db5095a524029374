//! Castellan's own risk score: 0 is the best that can be, 100 the worst.
//!
//! Each violation has a weight: `w = severity * exposure * data * identity`.
//!
//! | severity | weight | | factor | value |
//! |---|---|---|---|---|
//! | critical | 1.0 | | exposure: internet / selected networks or unknown / private | 1.5 / 1.0 / 0.6 |
//! | high | 0.5 | | data: the resource holds or reads private data | 1.3 |
//! | medium | 0.2 | | identity: it accepts or stores keys | 1.2 |
//! | low | 0.05 | | | |
//! | info | 0 | | | |
//!
//! * Resource: `R = S / (1 + S)` with `S` the sum of the weights of its violations: each further violation adds, but less
//!   than the one before.
//! * Estate: `100 * (0.4 * worst R + 0.6 * mean R)` over the resources that any check speaks about. The mean alone would
//!   hide one open door among a thousand closed ones; the worst alone would make every other fix worthless.
//! * Gain of a fix: the score less the score without the violation, all else the same.
//! * Upper end: the score if everything that cannot be told turned out to be violated. Unknown never lowers the score.

use castellan_base::Severity;

use super::{Observation, State};

/// The risk score of an estate.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RiskScore {
    /// 0 (best) to 100 (worst); `None` when no check speaks about any resource.
    pub score: Option<f64>,
    /// The score if everything that cannot be told turned out to be violated.
    pub upper: Option<f64>,
    /// Resources that the score is taken over.
    pub resources: usize,
}

/// What multiplies the weight of a violation on a resource.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ResourceFactors {
    /// 1.5 from the internet, 1.0 from selected networks or unknown, 0.6 private.
    pub exposure: f64,
    /// 1.3 when it holds or reads private data, 1.0 otherwise.
    pub data: f64,
    /// 1.2 when it accepts or stores keys, 1.0 otherwise.
    pub identity: f64,
}

impl Default for ResourceFactors {
    fn default() -> Self {
        ResourceFactors { exposure: 1.0, data: 1.0, identity: 1.0 }
    }
}

const WORST_SHARE: f64 = 0.4;
const MEAN_SHARE: f64 = 0.6;

/// The gains of fixes, in points.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RiskGains {
    /// For each check: all its violations fixed.
    pub by_check: Vec<f64>,
    /// For each observation: this one violation fixed. 0 for what is no violation.
    pub by_observation: Vec<f64>,
}

fn weight_of(severity: Severity) -> f64 {
    match severity {
        Severity::Info => 0.0,
        Severity::Low => 0.05,
        Severity::Medium => 0.2,
        Severity::High => 0.5,
        Severity::Critical => 1.0,
    }
}

struct Weighted {
    observation: usize,
    check: usize,
    weight: f64,
}

/// Computes the score and what each fix would gain. `severities` is by check, `factors` by resource.
pub fn risk_score(
    severities: &[Severity],
    factors: &[ResourceFactors],
    observations: &[Observation],
) -> (RiskScore, RiskGains) {
    let mut gains =
        RiskGains { by_check: vec![0.0; severities.len()], by_observation: vec![0.0; observations.len()] };
    let mut assessed = vec![false; factors.len()];
    let mut violations: Vec<Vec<Weighted>> = factors.iter().map(|_| Vec::new()).collect();
    let mut upper: Vec<f64> = vec![0.0; factors.len()];
    for (index, observation) in observations.iter().enumerate() {
        let (Some(severity), Some(factor)) =
            (severities.get(observation.check), factors.get(observation.resource))
        else {
            continue;
        };
        let weight = weight_of(*severity) * factor.exposure * factor.data * factor.identity;
        if let Some(flag) = assessed.get_mut(observation.resource) {
            *flag = true;
        }
        if observation.state != State::Healthy
            && let Some(sum) = upper.get_mut(observation.resource)
        {
            *sum += weight;
        }
        if observation.state == State::Unhealthy
            && let Some(list) = violations.get_mut(observation.resource)
        {
            list.push(Weighted { observation: index, check: observation.check, weight });
        }
    }
    let count = assessed.iter().filter(|flag| **flag).count();
    if count == 0 {
        return (RiskScore::default(), gains);
    }
    let risks: Vec<f64> = violations.iter().map(|list| resource_risk(list, |_| true)).collect();
    let estate = Estate::new(&risks, count);
    let score = estate.score();
    for list in &violations {
        let whole = resource_risk(list, |_| true);
        for fixed in list {
            let rest = resource_risk(list, |other| other.observation != fixed.observation);
            if let Some(gain) = gains.by_observation.get_mut(fixed.observation) {
                *gain = (score - estate.with(whole, rest)).max(0.0);
            }
        }
    }
    check_gains(&violations, &risks, count, score, &mut gains.by_check);
    let upper_risks: Vec<f64> = upper.iter().map(|sum| risk_of(*sum)).collect();
    let result = RiskScore {
        score: Some(score),
        upper: Some(Estate::new(&upper_risks, count).score().max(score)),
        resources: count,
    };
    (result, gains)
}

fn check_gains(violations: &[Vec<Weighted>], risks: &[f64], count: usize, score: f64, gains: &mut [f64]) {
    for (check, gain) in gains.iter_mut().enumerate() {
        let mut changed: Option<Vec<f64>> = None;
        for (resource, list) in violations.iter().enumerate() {
            if list.iter().any(|violation| violation.check == check) {
                let rest = resource_risk(list, |other| other.check != check);
                if let Some(risk) = changed.get_or_insert_with(|| risks.to_vec()).get_mut(resource) {
                    *risk = rest;
                }
            }
        }
        if let Some(changed) = changed {
            *gain = (score - Estate::new(&changed, count).score()).max(0.0);
        }
    }
}

fn resource_risk(violations: &[Weighted], keep: impl Fn(&Weighted) -> bool) -> f64 {
    risk_of(violations.iter().filter(|one| keep(one)).map(|one| one.weight).sum())
}

fn risk_of(sum: f64) -> f64 {
    sum / (1.0 + sum)
}

/// Enough about all resources to tell what changing one of them does.
struct Estate {
    sum: f64,
    worst: f64,
    second: f64,
    count: usize,
}

impl Estate {
    fn new(risks: &[f64], count: usize) -> Estate {
        let mut estate = Estate { sum: 0.0, worst: 0.0, second: 0.0, count };
        for risk in risks {
            estate.sum += risk;
            if *risk > estate.worst {
                estate.second = estate.worst;
                estate.worst = *risk;
            } else if *risk > estate.second {
                estate.second = *risk;
            }
        }
        estate
    }

    fn score(&self) -> f64 {
        combine(self.worst, self.sum, self.count)
    }

    /// The score once a resource of risk `before` has risk `after`, which is not more.
    fn with(&self, before: f64, after: f64) -> f64 {
        let was_worst = before >= self.worst;
        let worst = if was_worst { self.second.max(after) } else { self.worst };
        combine(worst, self.sum - before + after, self.count)
    }
}

#[allow(clippy::cast_precision_loss)] // Counts of resources stay far below 2^52.
fn combine(worst: f64, sum: f64, count: usize) -> f64 {
    let mean = sum / count.max(1) as f64;
    (100.0 * (WORST_SHARE * worst + MEAN_SHARE * mean)).clamp(0.0, 100.0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn observe(check: usize, resource: usize, state: State) -> Observation {
        Observation { check, resource, state }
    }

    #[test]
    fn one_violation_of_two_resources() {
        let factors =
            [ResourceFactors { exposure: 1.5, data: 1.0, identity: 1.0 }, ResourceFactors::default()];
        let observations = [observe(0, 0, State::Unhealthy), observe(0, 1, State::Healthy)];
        let (risk, gains) = risk_score(&[Severity::Medium], &factors, &observations);
        // w = 0.2 * 1.5 = 0.3, R = 0.3 / 1.3; 100 * (0.4 * R + 0.6 * R / 2) = 16.15.
        let expected = 70.0 * 0.3 / 1.3;
        assert!((risk.score.unwrap() - expected).abs() < 1e-9);
        assert!((gains.by_observation[0] - expected).abs() < 1e-9 && gains.by_observation[1] == 0.0);
        assert!((gains.by_check[0] - expected).abs() < 1e-9);
        assert_eq!(risk_score(&[], &[], &[]).0.score, None);
    }

    #[test]
    fn the_unknown_only_raises_the_upper_end() {
        let observations = [observe(0, 0, State::Unknown)];
        let (risk, _) = risk_score(&[Severity::High], &[ResourceFactors::default()], &observations);
        assert_eq!(risk.score, Some(0.0));
        assert!((risk.upper.unwrap() - 100.0 / 3.0).abs() < 1e-9);
    }

    proptest! {
        #[test]
        fn fixing_never_raises_the_score_and_gains_agree_with_recomputing(
            states in prop::collection::vec((0_usize..4, 0_usize..5, 0_u8..3), 1..40)
        ) {
            let severities = [Severity::Low, Severity::Medium, Severity::High, Severity::Critical];
            let factors = vec![ResourceFactors { exposure: 1.5, data: 1.3, identity: 1.2 }; 5];
            let observations: Vec<Observation> = states
                .iter()
                .map(|(check, resource, state)| observe(*check, *resource, match state {
                    0 => State::Healthy,
                    1 => State::Unhealthy,
                    _ => State::Unknown,
                }))
                .collect();
            let (risk, gains) = risk_score(&severities, &factors, &observations);
            let score = risk.score.unwrap();
            prop_assert!((0.0..=100.0).contains(&score) && risk.upper.unwrap() >= score);
            for (index, observation) in observations.iter().enumerate() {
                if observation.state != State::Unhealthy {
                    continue;
                }
                let mut fixed = observations.clone();
                fixed[index].state = State::Healthy;
                let recomputed = risk_score(&severities, &factors, &fixed).0.score.unwrap();
                prop_assert!((score - gains.by_observation[index] - recomputed).abs() < 1e-9);
            }
        }
    }
}

//! What definitions say of many resources, in little space.

use std::collections::BTreeMap;
use std::sync::Arc;

use castellan_base::{UnknownKind, UnknownReason};
use castellan_estate::Estate;

use super::{Basis, PackResult, PolicyPack, PolicyResult, PolicyViolation};
use crate::assessment::Counts;

/// Different reasons kept for each definition; the rest is counted together.
const REASONS: usize = 8;

/// What one definition says of some resources.
#[derive(Default)]
pub(super) struct Tally {
    pub(super) counts: Counts,
    pub(super) effect: Option<Arc<str>>,
    pub(super) violations: Vec<usize>,
    reasons: BTreeMap<(u8, String), (UnknownReason, usize)>,
}

impl Tally {
    pub(super) fn count_reason(&mut self, reason: UnknownReason, count: usize) {
        let rank = match reason.kind {
            UnknownKind::NotCollected => 0,
            UnknownKind::Unresolved => 1,
            UnknownKind::NotEvaluable => 2,
        };
        let mut key = (rank, reason.message.clone());
        let mut kept = reason;
        if self.reasons.len() >= REASONS && !self.reasons.contains_key(&key) {
            key = (rank, String::new());
            kept = UnknownReason {
                kind: kept.kind,
                message: "other reasons of this kind".to_owned(),
                next_step: String::new(),
            };
        }
        self.reasons.entry(key).or_insert((kept, 0)).1 += count;
    }

    pub(super) fn join(&mut self, other: Tally) {
        self.counts.compliant += other.counts.compliant;
        self.counts.non_compliant += other.counts.non_compliant;
        self.counts.unknown += other.counts.unknown;
        self.counts.exempt += other.counts.exempt;
        if self.effect.is_none() {
            self.effect = other.effect;
        }
        self.violations.extend(other.violations);
        for (reason, count) in other.reasons.into_values() {
            self.count_reason(reason, count);
        }
    }
}

/// The result for the report. `missing` counts assigned definitions that the pack does not have.
pub(super) fn result(
    pack: &PolicyPack,
    estate: &Estate,
    tallies: BTreeMap<usize, Tally>,
    basis: Basis,
    missing: usize,
) -> PackResult {
    let mut not_evaluable: BTreeMap<String, usize> = BTreeMap::new();
    if missing > 0 {
        let reason = "assigned, but not among the definitions that were given; add them with `--policies`";
        not_evaluable.insert(reason.to_owned(), missing);
    }
    let mut verdicts = 0;
    let mut policies = Vec::with_capacity(tallies.len());
    for (position, tally) in tallies {
        let Some(loaded) = pack.details.get(position) else { continue };
        verdicts += tally.counts.assessed();
        if let Some((reason, _)) =
            tally.reasons.values().find(|(reason, _)| reason.kind == UnknownKind::NotEvaluable)
        {
            *not_evaluable.entry(reason.message.clone()).or_default() += 1;
        }
        let violations = tally.violations.iter().filter_map(|at| {
            let resource = estate.resources.get(*at)?;
            Some(PolicyViolation {
                resource: resource.id.clone(),
                resource_type: Arc::clone(&resource.resource_type),
                location: estate.sources.locate(resource.span.or(resource.body.span)),
                in_baseline: false,
            })
        });
        let mut unknown_reasons: Vec<(UnknownReason, usize)> = tally.reasons.into_values().collect();
        unknown_reasons.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        policies.push(PolicyResult {
            id: Arc::clone(&loaded.id),
            display_name: Arc::clone(&loaded.display_name),
            category: Arc::clone(&loaded.category),
            severity: loaded.severity,
            effect: tally.effect,
            new_violations: tally.counts.non_compliant,
            violations: violations.collect(),
            unknown_reasons,
            counts: tally.counts,
        });
    }
    policies.sort_by(|left, right| left.id.cmp(&right.id));
    let mut not_evaluable: Vec<(String, usize)> = not_evaluable.into_iter().collect();
    not_evaluable.sort_by(|left, right| right.1.cmp(&left.1).then_with(|| left.0.cmp(&right.0)));
    PackResult {
        basis,
        loaded: pack.len(),
        initiatives: pack.initiatives(),
        verdicts,
        policies,
        not_evaluable,
        unusable: pack.unusable().to_vec(),
    }
}

//! Evaluates a pack over an estate, keeping counts of what is compliant and lists of what is not.

use std::collections::BTreeMap;
use std::sync::Arc;

use castellan_base::{Origin, Resource, Ticks, UnknownKind, UnknownReason, Verdict};
use castellan_estate::Estate;
use castellan_policy::EvaluationContext;
use rayon::prelude::*;
use rustc_hash::FxHashMap;

use super::{Basis, PackResult, PolicyPack, PolicyResult, PolicyViolation};
use crate::assess::AssessOptions;
use crate::assessment::Counts;
use crate::judge::Subject;

/// Resources that one task takes.
const CHUNK: usize = 128;
/// Different reasons kept for each definition; the rest is counted together.
const REASONS: usize = 8;

/// What the engine is told besides the resource.
pub(crate) fn context(now: Ticks) -> EvaluationContext {
    EvaluationContext { now: Some(now), ..EvaluationContext::default() }
}

/// What one definition says of some resources.
#[derive(Default)]
struct Tally {
    counts: Counts,
    effect: Option<Arc<str>>,
    violations: Vec<usize>,
    reasons: BTreeMap<(u8, String), (UnknownReason, usize)>,
}

impl Tally {
    fn count_reason(&mut self, reason: UnknownReason, count: usize) {
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

    fn join(&mut self, other: Tally) {
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

/// Tallies by definition, and uses by exemption entry.
#[derive(Default)]
struct Part {
    tallies: FxHashMap<usize, Tally>,
    exemption_uses: FxHashMap<usize, usize>,
}

/// True for what Azure Policy could speak about at all.
fn is_azure(resource: &Resource) -> bool {
    !matches!(resource.origin, Origin::Derived | Origin::Kubernetes | Origin::AgentDefinition)
}

/// Evaluates the pack. `exemption_uses` is counted up for each result that an exemption covers.
pub(crate) fn evaluate(
    pack: &PolicyPack,
    estate: &Estate,
    options: &AssessOptions,
    exemption_uses: &mut [usize],
) -> PackResult {
    let context = context(options.now);
    let parts: Vec<Part> = estate
        .resources
        .par_chunks(CHUNK)
        .enumerate()
        .map(|(chunk, resources)| {
            let mut part = Part::default();
            for (offset, resource) in resources.iter().enumerate().filter(|(_, resource)| is_azure(resource))
            {
                evaluate_resource(
                    pack,
                    estate,
                    options,
                    &context,
                    chunk * CHUNK + offset,
                    resource,
                    &mut part,
                );
            }
            part
        })
        .collect();
    let mut tallies: BTreeMap<usize, Tally> = BTreeMap::new();
    for part in parts {
        for (policy, tally) in part.tallies {
            tallies.entry(policy).or_default().join(tally);
        }
        for (entry, count) in part.exemption_uses {
            if let Some(uses) = exemption_uses.get_mut(entry) {
                *uses += count;
            }
        }
    }
    result(pack, estate, tallies, Basis::Defaults)
}

fn evaluate_resource(
    pack: &PolicyPack,
    estate: &Estate,
    options: &AssessOptions,
    context: &EvaluationContext,
    position: usize,
    resource: &Resource,
    part: &mut Part,
) {
    let subject = Subject::new(estate, resource, context);
    for &candidate in pack.index.candidate_numbers(&resource.resource_type) {
        let (Some(policy), Some(loaded)) =
            (pack.index.policies().get(candidate), pack.details.get(candidate))
        else {
            continue;
        };
        let outcome = subject.evaluate(policy, None, false);
        record(&loaded.id, candidate, &outcome.verdict, outcome.effect, position, resource, options, part);
    }
}

#[allow(clippy::too_many_arguments)] // One call site; a struct for it would only rename the arguments.
fn record(
    id: &str,
    candidate: usize,
    verdict: &Verdict,
    effect: Option<Arc<str>>,
    position: usize,
    resource: &Resource,
    options: &AssessOptions,
    part: &mut Part,
) {
    if *verdict == Verdict::NotApplicable {
        return;
    }
    let tally = part.tallies.entry(candidate).or_default();
    let is_open = matches!(verdict, Verdict::NonCompliant | Verdict::Unknown(_));
    let name = id.rsplit('/').next().unwrap_or(id);
    let exemption = if is_open && !options.exemptions.entries().is_empty() {
        options.exemptions.find(name, "azure-policy", &resource.id, options.now)
    } else {
        None
    };
    if let Some(entry) = exemption {
        *part.exemption_uses.entry(entry).or_default() += 1;
        tally.counts.exempt += 1;
        return;
    }
    tally.counts.add(verdict);
    match verdict {
        Verdict::NonCompliant => {
            tally.violations.push(position);
            if tally.effect.is_none() {
                tally.effect = effect;
            }
        }
        Verdict::Unknown(reason) => tally.count_reason(reason.clone(), 1),
        _ => {}
    }
}

fn result(pack: &PolicyPack, estate: &Estate, tallies: BTreeMap<usize, Tally>, basis: Basis) -> PackResult {
    let mut not_evaluable: BTreeMap<String, usize> = BTreeMap::new();
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

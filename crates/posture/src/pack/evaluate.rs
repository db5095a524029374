//! Evaluates a pack over an estate, keeping counts of what is compliant and lists of what is not.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use castellan_base::{Origin, Resource, Ticks, Verdict};
use castellan_estate::{Estate, GovernanceKind};
use castellan_policy::EvaluationContext;
use castellan_policy::governance::{Assignment, Exemption, Governance, Initiative};
use rayon::prelude::*;
use rustc_hash::FxHashMap;

use super::tally::{Tally, result};
use super::{Basis, PackResult, PolicyPack};
use crate::assess::AssessOptions;
use crate::judge::{Subject, Terms};

/// Resources that one task takes.
const CHUNK: usize = 128;

/// What the engine is told besides the resource.
pub(crate) fn context(now: Ticks) -> EvaluationContext {
    EvaluationContext { now: Some(now), ..EvaluationContext::default() }
}

/// The estate's assignments, exemptions and initiatives; `None` when nothing is assigned. Initiatives come from the pack
/// too, since assignments mostly name public ones.
pub(crate) fn governance(pack: &PolicyPack, estate: &Estate) -> Option<Governance> {
    let mut governance = Governance::default();
    for document in &estate.governance {
        match document.kind {
            GovernanceKind::Assignment => {
                governance.assignments.extend(Assignment::parse(&document.document))
            }
            GovernanceKind::Exemption => governance.exemptions.extend(Exemption::parse(&document.document)),
            _ => {}
        }
    }
    governance.initiatives.extend(pack.initiatives.iter().filter_map(|one| Initiative::parse(one).ok()));
    (!governance.assignments.is_empty()).then_some(governance)
}

/// Tallies by definition, uses by exemption entry, and assigned definitions that the pack does not have.
#[derive(Default)]
struct Part {
    tallies: FxHashMap<usize, Tally>,
    exemption_uses: FxHashMap<usize, usize>,
    missing: BTreeSet<String>,
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
    let run =
        Run { pack, estate, options, context: context(options.now), governance: governance(pack, estate) };
    let chunks = estate.resources.par_chunks(CHUNK).enumerate();
    let parts: Vec<Part> = chunks.map(|(chunk, resources)| run.chunk(chunk * CHUNK, resources)).collect();
    let mut tallies: BTreeMap<usize, Tally> = BTreeMap::new();
    let mut missing = BTreeSet::new();
    for part in parts {
        for (policy, tally) in part.tallies {
            tallies.entry(policy).or_default().join(tally);
        }
        for (entry, count) in part.exemption_uses {
            if let Some(uses) = exemption_uses.get_mut(entry) {
                *uses += count;
            }
        }
        missing.extend(part.missing);
    }
    let basis = if run.governance.is_some() { Basis::Assignments } else { Basis::Defaults };
    result(pack, estate, tallies, basis, missing.len())
}

struct Run<'a> {
    pack: &'a PolicyPack,
    estate: &'a Estate,
    options: &'a AssessOptions,
    context: EvaluationContext,
    governance: Option<Governance>,
}

/// A verdict and the effect in force.
type Judged = (Verdict, Option<Arc<str>>);

impl Run<'_> {
    fn chunk(&self, first: usize, resources: &[Resource]) -> Part {
        let mut part = Part::default();
        for (offset, resource) in resources.iter().enumerate().filter(|(_, resource)| is_azure(resource)) {
            let subject = Subject::new(self.estate, resource, &self.context);
            match &self.governance {
                None => self.by_defaults(&subject, first + offset, &mut part),
                Some(governance) => self.by_assignments(&subject, governance, first + offset, &mut part),
            }
        }
        part
    }

    fn by_defaults(&self, subject: &Subject<'_>, position: usize, part: &mut Part) {
        for &number in self.pack.index.candidate_numbers(&subject.resource.resource_type) {
            let Some(policy) = self.pack.index.policies().get(number) else { continue };
            let outcome = subject.evaluate(policy, &Terms::default());
            self.record(number, (outcome.verdict, outcome.effect), position, subject.resource, part);
        }
    }

    /// A definition can reach a resource through several assignments; the worst verdict stands for all.
    fn by_assignments(
        &self,
        subject: &Subject<'_>,
        governance: &Governance,
        position: usize,
        part: &mut Part,
    ) {
        let mut worst: BTreeMap<usize, Judged> = BTreeMap::new();
        for reached in governance.reaching(&subject.resource.body, Some(self.options.now)) {
            let Some(number) = self.pack.find(reached.definition) else {
                part.missing.insert(reached.definition.to_ascii_lowercase());
                continue;
            };
            let Some(policy) = self.pack.index.policies().get(number) else { continue };
            let terms = Terms { parameters: Some(&reached.parameters), effect: reached.effect, trace: false };
            let outcome = subject.evaluate(policy, &terms);
            let judged = (reached.settle(outcome.verdict), outcome.effect);
            match worst.get(&number) {
                Some((known, _)) if rank(known) <= rank(&judged.0) => {}
                _ => {
                    worst.insert(number, judged);
                }
            }
        }
        for (number, judged) in worst {
            self.record(number, judged, position, subject.resource, part);
        }
    }

    fn record(&self, number: usize, judged: Judged, position: usize, resource: &Resource, part: &mut Part) {
        let (verdict, effect) = judged;
        if verdict == Verdict::NotApplicable {
            return;
        }
        let Some(details) = self.pack.details.get(number) else { return };
        let tally = part.tallies.entry(number).or_default();
        let is_open = matches!(verdict, Verdict::NonCompliant | Verdict::Unknown(_));
        if is_open && !self.options.exemptions.entries().is_empty() {
            let name = details.id.rsplit('/').next().unwrap_or(&details.id);
            let entry = self.options.exemptions.find(name, "azure-policy", &resource.id, self.options.now);
            if let Some(entry) = entry {
                *part.exemption_uses.entry(entry).or_default() += 1;
                tally.counts.exempt += 1;
                return;
            }
        }
        tally.counts.add(&verdict);
        match verdict {
            Verdict::NonCompliant => {
                tally.violations.push(position);
                if tally.effect.is_none() {
                    tally.effect = effect;
                }
            }
            Verdict::Unknown(reason) => tally.count_reason(reason, 1),
            _ => {}
        }
    }
}

/// Worst first.
fn rank(verdict: &Verdict) -> u8 {
    match verdict {
        Verdict::NonCompliant => 0,
        Verdict::Unknown(_) => 1,
        Verdict::Exempt => 2,
        Verdict::Compliant => 3,
        Verdict::NotApplicable => 4,
    }
}

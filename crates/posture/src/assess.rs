//! From an estate, content and policies to an assessment.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use castellan_base::{
    Diagnostic, Evidence, Existence, Finding, Level, Origin, Resource, ResourceId, Sources, Span, Ticks,
    Verdict,
};
use castellan_estate::Estate;
use castellan_policy::{AliasTable, Definition, EvaluationContext, Policy, PolicyIndex};
use rayon::prelude::*;

use crate::assessment::{
    AssessedFinding, Assessment, CheckResult, Counts, InputSummary, Inventory, Message, Met,
};
use crate::baseline::Baseline;
use crate::compliance::compliance;
use crate::conformance;
use crate::content::{Check, Content};
use crate::exemptions::Exemptions;
use crate::factors;
use crate::judge::{Subject, Terms};
use crate::pack::{self, PackResult, PolicyPack, policy_fingerprint};
use crate::score::{Observation, State, risk_score, secure_score};

/// How to assess.
#[derive(Debug, Clone)]
pub struct AssessOptions {
    /// As of when dates, and the expiry of exemptions, are judged.
    pub now: Ticks,
    /// What is accepted for now.
    pub exemptions: Exemptions,
    /// A former run to compare with.
    pub baseline: Option<Baseline>,
    /// Threads to use; `None` for one a core.
    pub threads: Option<usize>,
}

impl AssessOptions {
    /// No exemptions, no baseline, one thread a core.
    pub fn at(now: Ticks) -> AssessOptions {
        AssessOptions { now, exemptions: Exemptions::default(), baseline: None, threads: None }
    }
}

/// Judges every resource of an estate by every check of the content, and by the policies where there are any.
///
/// Deterministic: the same arguments give the same assessment, whatever the number of threads.
pub fn assess(
    estate: &Estate,
    content: &Content,
    policies: Option<&PolicyPack>,
    options: &AssessOptions,
) -> Assessment {
    let pool = options
        .threads
        .and_then(|threads| rayon::ThreadPoolBuilder::new().num_threads(threads.max(1)).build().ok());
    match pool {
        Some(pool) => pool.install(|| assess_here(estate, content, policies, options)),
        // Without a pool of its own the work runs in the shared one.
        None => assess_here(estate, content, policies, options),
    }
}

fn assess_here(
    estate: &Estate,
    content: &Content,
    policies: Option<&PolicyPack>,
    options: &AssessOptions,
) -> Assessment {
    let mut diagnostics = messages(&estate.diagnostics, &estate.sources);
    diagnostics.extend(messages(&content.diagnostics, &content.sources));
    let checks = Checks::compile(content, &mut diagnostics);
    let judged = checks.judge_all(estate, options.now);
    let sources = source_resources(estate);
    let mut assembly = Assembly::new(estate, options, &checks, &sources);
    for (position, results) in judged.into_iter().enumerate() {
        assembly.take(position, results);
    }
    let Assembly {
        mut findings, met, counts, observations, finding_observations, mut exemption_uses, ..
    } = assembly;

    let severities: Vec<_> = checks.checks.iter().map(|check| check.severity).collect();
    let factors = factors::resource_factors(estate, &sources.ids);
    let (risk, risk_gains) = risk_score(&severities, &factors, &observations);
    let controls: Vec<Arc<str>> = checks.checks.iter().map(|check| Arc::clone(&check.control)).collect();
    let subscriptions = sources.subscriptions();
    let (secure, secure_gains) =
        secure_score(&content.score_controls, &controls, &subscriptions, &observations);
    for (found, observation) in findings.iter_mut().zip(&finding_observations) {
        found.risk_gain =
            observation.and_then(|at| risk_gains.by_observation.get(at)).copied().unwrap_or(0.0);
    }
    sort(&mut findings);

    let gain = |gains: &[f64], index: usize| gains.get(index).copied().unwrap_or(0.0);
    let results: Vec<CheckResult> = checks
        .checks
        .iter()
        .enumerate()
        .map(|(index, check)| CheckResult {
            check: Arc::clone(check),
            counts: counts.get(index).copied().unwrap_or_default(),
            secure_score_gain: gain(&secure_gains, index),
            risk_gain: gain(&risk_gains.by_check, index),
        })
        .collect();
    let mut pack = policies.map(|pack| pack::evaluate(pack, estate, options, &mut exemption_uses));
    let conformance =
        policies.map(|pack| conformance::compare(pack, estate, options.now)).unwrap_or_default();
    let baseline = options
        .baseline
        .as_ref()
        .map(|baseline| baseline.outcome(&mark_baseline(baseline, &mut findings, pack.as_mut())));
    let exemptions = options.exemptions.outcome(&exemption_uses, options.now);
    diagnostics.extend(exemptions.expired.iter().map(|entry| Message {
        level: Level::Warning,
        message: format!(
            "the exemption of `{}` on `{}` expired at {} and was not applied",
            entry.check, entry.resource, entry.expires
        ),
        help: "renew it with its approver, or remove it".to_owned(),
        location: entry.location.clone(),
    }));
    Assessment {
        at: options.now,
        inputs: inputs(estate),
        inventory: inventory(estate),
        compliance: compliance(&content.frameworks, &results),
        checks: results,
        findings,
        met,
        policies: pack,
        conformance,
        secure_score: secure,
        risk,
        exemptions,
        baseline,
        diagnostics,
    }
}

/// The checks of the content, ready to run.
struct Checks {
    checks: Vec<Arc<Check>>,
    index: PolicyIndex,
    /// The check of each policy of the index.
    check_of: Vec<usize>,
}

/// What one check says of one resource, when it speaks about it at all.
struct Judged {
    check: usize,
    verdict: Verdict,
    evidence: Vec<Evidence>,
}

impl Checks {
    fn compile(content: &Content, diagnostics: &mut Vec<Message>) -> Checks {
        let aliases = AliasTable::builtin();
        let mut checks = Vec::new();
        let mut policies = Vec::new();
        let mut check_of = Vec::new();
        for check in &content.checks {
            let compiled = Definition::parse(&check.definition_node())
                .and_then(|definition| Policy::compile(&definition, &aliases));
            match compiled {
                Ok(policy) => {
                    policies.push(policy);
                    check_of.push(checks.len());
                }
                Err(problems) => {
                    let named = problems.into_iter().map(|mut problem| {
                        problem.message = format!("check `{}` cannot be used: {}", check.id, problem.message);
                        problem
                    });
                    diagnostics.extend(messages(&named.collect::<Vec<_>>(), &content.sources));
                }
            }
            checks.push(Arc::new(check.clone()));
        }
        Checks { checks, index: PolicyIndex::new(policies), check_of }
    }

    fn judge_all(&self, estate: &Estate, now: Ticks) -> Vec<Vec<Judged>> {
        let context = pack::context(now);
        estate.resources.par_iter().map(|resource| self.judge(estate, resource, &context)).collect()
    }

    fn judge(&self, estate: &Estate, resource: &Resource, context: &EvaluationContext) -> Vec<Judged> {
        let subject = Subject::new(estate, resource, context);
        let mut results = Vec::new();
        for &number in self.index.candidate_numbers(&resource.resource_type) {
            let (Some(policy), Some(&check)) = (self.index.policies().get(number), self.check_of.get(number))
            else {
                continue;
            };
            let outcome = subject.evaluate(policy, &Terms::default());
            match outcome.verdict {
                Verdict::NotApplicable => {}
                Verdict::Compliant => {
                    results.push(Judged { check, verdict: Verdict::Compliant, evidence: Vec::new() });
                }
                // The trace costs more than the verdict, so that it is only made for what will be reported.
                verdict => {
                    let traced = subject.evaluate(policy, &Terms { trace: true, ..Terms::default() });
                    let evidence = traced.trace.map(|trace| trace.evidence()).unwrap_or_default();
                    results.push(Judged { check, verdict, evidence });
                }
            }
        }
        results
    }
}

/// The resources that scores count: derived ones stand for the one they were derived from.
struct SourceResources {
    /// For each resource of the estate, its position in `ids`.
    of: Vec<usize>,
    ids: Vec<ResourceId>,
}

impl SourceResources {
    fn subscriptions(&self) -> Vec<Arc<str>> {
        self.ids.iter().map(|id| id.subscription().unwrap_or_default().to_ascii_lowercase().into()).collect()
    }
}

fn source_resources(estate: &Estate) -> SourceResources {
    let mut positions: BTreeMap<ResourceId, usize> = BTreeMap::new();
    let mut sources = SourceResources { of: Vec::with_capacity(estate.resources.len()), ids: Vec::new() };
    for resource in &estate.resources {
        let id = source_id(resource);
        let position = *positions.entry(id.clone()).or_insert_with(|| {
            sources.ids.push(id);
            sources.ids.len() - 1
        });
        sources.of.push(position);
    }
    sources
}

fn source_id(resource: &Resource) -> ResourceId {
    let parent = if resource.origin == Origin::Derived { resource.id.parent() } else { None };
    parent.unwrap_or_else(|| resource.id.clone())
}

/// Turns results into findings, counts and observations, in order.
struct Assembly<'a> {
    estate: &'a Estate,
    options: &'a AssessOptions,
    checks: &'a Checks,
    sources: &'a SourceResources,
    findings: Vec<AssessedFinding>,
    met: Vec<Met>,
    /// For each finding, its position in `observations`, when it is a violation.
    finding_observations: Vec<Option<usize>>,
    counts: Vec<Counts>,
    observations: Vec<Observation>,
    exemption_uses: Vec<usize>,
}

impl<'a> Assembly<'a> {
    fn new(
        estate: &'a Estate,
        options: &'a AssessOptions,
        checks: &'a Checks,
        sources: &'a SourceResources,
    ) -> Assembly<'a> {
        Assembly {
            estate,
            options,
            checks,
            sources,
            findings: Vec::new(),
            met: Vec::new(),
            finding_observations: Vec::new(),
            counts: vec![Counts::default(); checks.checks.len()],
            observations: Vec::new(),
            exemption_uses: vec![0; options.exemptions.entries().len()],
        }
    }

    fn take(&mut self, position: usize, results: Vec<Judged>) {
        let Some(resource) = self.estate.resources.get(position) else { return };
        for judged in results {
            self.take_one(position, resource, judged);
        }
    }

    fn take_one(&mut self, position: usize, resource: &Resource, judged: Judged) {
        let Some(check) = self.checks.checks.get(judged.check) else { return };
        let mut verdict = judged.verdict;
        let mut exemption = None;
        if verdict != Verdict::Compliant {
            let entries = &self.options.exemptions;
            let found = entries.find(&check.id, check.category.as_str(), &resource.id, self.options.now);
            if let Some(index) = found {
                verdict = Verdict::Exempt;
                exemption = entries.entries().get(index).map(|entry| entry.applied());
                if let Some(uses) = self.exemption_uses.get_mut(index) {
                    *uses += 1;
                }
            }
        }
        if let Some(counts) = self.counts.get_mut(judged.check) {
            counts.add(&verdict);
        }
        let state = match &verdict {
            Verdict::Compliant => Some(State::Healthy),
            Verdict::NonCompliant => Some(State::Unhealthy),
            Verdict::Unknown(_) => Some(State::Unknown),
            Verdict::Exempt | Verdict::NotApplicable => None,
        };
        let source = self.sources.of.get(position).copied();
        let observation = state.zip(source).map(|(state, source)| {
            self.observations.push(Observation { check: judged.check, resource: source, state });
            self.observations.len() - 1
        });
        if verdict == Verdict::Compliant {
            self.met.push(Met { check: judged.check, resource: position });
            return;
        }
        self.finding_observations.push(observation);
        let found = self.finding(position, resource, check, judged.check, verdict, judged.evidence);
        self.findings.push(AssessedFinding { exemption, ..found });
    }

    fn finding(
        &self,
        position: usize,
        resource: &Resource,
        check: &Check,
        check_index: usize,
        verdict: Verdict,
        evidence: Vec<Evidence>,
    ) -> AssessedFinding {
        let sources = &self.estate.sources;
        // Rules narrow down first and decide last, so that the last condition is where to look.
        let deciding = evidence.iter().rev().map(|one| one.span).find(|span| !span.is_none());
        let declared = resource.span.or(resource.body.span);
        let evidence_locations = evidence.iter().map(|one| sources.locate(one.span)).collect();
        let finding = Finding {
            check: Arc::clone(&check.id),
            title: Arc::clone(&check.title),
            severity: check.severity,
            resource: resource.id.clone(),
            resource_type: Arc::clone(&resource.resource_type),
            verdict,
            evidence,
            location: sources.locate(deciding.unwrap_or(Span::NONE).or(declared)),
            frameworks: check.frameworks.clone(),
        };
        let condition = match &resource.existence {
            Existence::Conditional(condition) => Some(Arc::clone(&condition.expression)),
            _ => None,
        };
        AssessedFinding {
            fingerprint: finding.fingerprint(),
            evidence_locations,
            check: check_index,
            resource: position,
            source: source_id(resource),
            condition,
            exemption: None,
            in_baseline: false,
            risk_gain: 0.0,
            finding,
        }
    }
}

/// Violations first, then what cannot be told, then what is exempt; worst first within each.
fn sort(findings: &mut [AssessedFinding]) {
    let rank = |verdict: &Verdict| match verdict {
        Verdict::NonCompliant => 0,
        Verdict::Unknown(_) => 1,
        _ => 2,
    };
    findings.sort_by(|left, right| {
        rank(&left.finding.verdict)
            .cmp(&rank(&right.finding.verdict))
            .then(right.finding.severity.cmp(&left.finding.severity))
            .then_with(|| left.finding.check.cmp(&right.finding.check))
            .then_with(|| left.finding.resource.cmp(&right.finding.resource))
            .then(left.resource.cmp(&right.resource))
    });
}

/// Marks what the baseline knows, and returns the fingerprints of all violations of this run.
fn mark_baseline(
    baseline: &Baseline,
    findings: &mut [AssessedFinding],
    pack: Option<&mut PackResult>,
) -> BTreeSet<String> {
    let mut current = BTreeSet::new();
    for found in findings.iter_mut().filter(|found| found.is_violation()) {
        found.in_baseline = baseline.contains(&found.fingerprint);
        current.insert(found.fingerprint.clone());
    }
    for policy in pack.into_iter().flat_map(|pack| &mut pack.policies) {
        policy.new_violations = 0;
        for violation in &mut policy.violations {
            let fingerprint = policy_fingerprint(&policy.id, &violation.resource);
            violation.in_baseline = baseline.contains(&fingerprint);
            policy.new_violations += usize::from(!violation.in_baseline);
            current.insert(fingerprint);
        }
    }
    current
}

fn messages(diagnostics: &[Diagnostic], sources: &Sources) -> Vec<Message> {
    diagnostics
        .iter()
        .map(|diagnostic| Message {
            level: diagnostic.level,
            message: diagnostic.message.clone(),
            help: diagnostic.help.clone(),
            location: sources.locate(diagnostic.span),
        })
        .collect()
}

fn inputs(estate: &Estate) -> Vec<InputSummary> {
    estate
        .inputs
        .iter()
        .map(|input| InputSummary {
            path: Arc::clone(&input.path),
            kind: input.kind.as_str().into(),
            resources: input.resources,
        })
        .collect()
}

fn inventory(estate: &Estate) -> Inventory {
    let mut inventory = Inventory::default();
    // Types are written in every spelling; the first one seen is shown.
    let mut types: BTreeMap<String, (Arc<str>, usize)> = BTreeMap::new();
    for resource in &estate.resources {
        if resource.origin == Origin::Derived {
            inventory.derived += 1;
            continue;
        }
        inventory.resources += 1;
        match resource.existence {
            Existence::Conditional(_) => inventory.conditional += 1,
            Existence::Referenced => inventory.referenced += 1,
            Existence::Certain => {}
        }
        let key = resource.resource_type.to_ascii_lowercase();
        types.entry(key).or_insert_with(|| (Arc::clone(&resource.resource_type), 0)).1 += 1;
    }
    inventory.types = types.into_values().collect();
    inventory.types.sort_by(|left, right| right.1.cmp(&left.1).then_with(|| left.0.cmp(&right.0)));
    inventory
}

//! What an assessment says: the one value that every report is written from.

use std::collections::BTreeMap;
use std::sync::Arc;

use castellan_base::{Finding, Level, Location, ResourceId, Severity, Ticks, Verdict};

use crate::baseline::BaselineOutcome;
use crate::compliance::FrameworkResult;
use crate::conformance::Conformance;
use crate::content::Check;
use crate::exemptions::{AppliedExemption, ExemptionOutcome};
use crate::pack::PackResult;
use crate::score::{RiskScore, SecureScore};

/// Everything that was found about an estate at one time.
///
/// Derived state: the same estate, content, policies and options give the same assessment, in the same order.
#[derive(Debug, Clone)]
pub struct Assessment {
    /// As of when exemptions and dates were judged.
    pub at: Ticks,
    /// What was read.
    pub inputs: Vec<InputSummary>,
    /// What is there.
    pub inventory: Inventory,
    /// Every built-in check, in order of its id, with how it came out.
    pub checks: Vec<CheckResult>,
    /// Non-compliant, unknown and exempt results of the built-in checks: worst first, then by check and resource.
    pub findings: Vec<AssessedFinding>,
    /// Compliant results of the built-in checks, by resource.
    pub met: Vec<Met>,
    /// What the user's own or the public policy definitions say; `None` when none were given.
    pub policies: Option<PackResult>,
    /// How far our verdicts agree with the compliance states that Azure exported; empty without such an export.
    pub conformance: Conformance,
    /// Secure score by the classic formula.
    pub secure_score: SecureScore,
    /// Risk score by Castellan's own formula.
    pub risk: RiskScore,
    /// How each framework's controls came out.
    pub compliance: Vec<FrameworkResult>,
    /// Which exemptions were used, unused and expired.
    pub exemptions: ExemptionOutcome,
    /// The comparison with a former run, when one was given.
    pub baseline: Option<BaselineOutcome>,
    /// What could not be read or was assumed.
    pub diagnostics: Vec<Message>,
}

/// One input and what it gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InputSummary {
    /// The path, as named.
    pub path: Arc<str>,
    /// What it was taken for: `ARM template`, `Terraform plan`.
    pub kind: Arc<str>,
    /// Resources read from it.
    pub resources: usize,
}

/// Counts of what is there.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Inventory {
    /// Resources read, without those derived from them.
    pub resources: usize,
    /// Resources that Castellan derived: deployments with their filters, agents, endpoints.
    pub derived: usize,
    /// Resources whose deployment hangs on a condition that cannot be known now.
    pub conditional: usize,
    /// Resources that are only referred to.
    pub referenced: usize,
    /// Resources by type, most frequent first.
    pub types: Vec<(Arc<str>, usize)>,
}

/// A diagnostic with its place worked out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// How much it matters.
    pub level: Level,
    /// What is wrong.
    pub message: String,
    /// What to do next; may be empty.
    pub help: String,
    /// Where.
    pub location: Option<Location>,
}

/// A built-in check and how it came out.
#[derive(Debug, Clone)]
pub struct CheckResult {
    /// The check.
    pub check: Arc<Check>,
    /// How many resources came out how.
    pub counts: Counts,
    /// By how many percentage points the secure score rises when every violation of this check is fixed.
    pub secure_score_gain: f64,
    /// By how many points the risk score falls when every violation of this check is fixed.
    pub risk_gain: f64,
}

/// How many resources came out how. Resources that a check does not speak about are not counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// As they must be.
    pub compliant: usize,
    /// Not as they must be.
    pub non_compliant: usize,
    /// Cannot be told.
    pub unknown: usize,
    /// Accepted for now.
    pub exempt: usize,
}

impl Counts {
    /// Counts one verdict.
    pub fn add(&mut self, verdict: &Verdict) {
        match verdict {
            Verdict::Compliant => self.compliant += 1,
            Verdict::NonCompliant => self.non_compliant += 1,
            Verdict::Unknown(_) => self.unknown += 1,
            Verdict::Exempt => self.exempt += 1,
            Verdict::NotApplicable => {}
        }
    }

    /// Resources that the check speaks about.
    pub fn assessed(&self) -> usize {
        self.compliant + self.non_compliant + self.unknown + self.exempt
    }
}

/// A check that a resource meets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Met {
    /// Index of the check in [`Assessment::checks`].
    pub check: usize,
    /// Position of the resource in [`castellan_estate::Estate::resources`].
    pub resource: usize,
}

/// A finding of a built-in check with what the assessment adds to it.
#[derive(Debug, Clone)]
pub struct AssessedFinding {
    /// The finding.
    pub finding: Finding,
    /// Its stable identity across runs.
    pub fingerprint: String,
    /// Where each piece of evidence stands, in the order of `finding.evidence`.
    pub evidence_locations: Vec<Option<Location>>,
    /// Index of the check in [`Assessment::checks`].
    pub check: usize,
    /// Position of the resource in [`castellan_estate::Estate::resources`].
    pub resource: usize,
    /// The resource that a fix has to change: for a derived resource, the one it was derived from.
    pub source: ResourceId,
    /// Set when the resource is only deployed under a condition that cannot be known now: the condition.
    pub condition: Option<Arc<str>>,
    /// The exemption behind an exempt verdict.
    pub exemption: Option<AppliedExemption>,
    /// True when there is a baseline and this finding is part of it.
    pub in_baseline: bool,
    /// By how many points the risk score falls when this one finding is fixed.
    pub risk_gain: f64,
}

impl AssessedFinding {
    /// True for a violation that nobody has accepted.
    pub fn is_violation(&self) -> bool {
        self.finding.verdict == Verdict::NonCompliant
    }

    /// True when it cannot be told.
    pub fn is_unknown(&self) -> bool {
        matches!(self.finding.verdict, Verdict::Unknown(_))
    }

    /// True for a violation that is not part of the baseline.
    pub fn is_new_violation(&self) -> bool {
        self.is_violation() && !self.in_baseline
    }
}

/// What the exit code and the last line of output are made of. Every map has every severity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    /// Violations of built-in checks.
    pub violations: BTreeMap<Severity, usize>,
    /// Those of them that are not part of the baseline; all of them without one.
    pub new_violations: BTreeMap<Severity, usize>,
    /// Violations of policy definitions.
    pub policy_violations: BTreeMap<Severity, usize>,
    /// Those of them that are not part of the baseline; all of them without one.
    pub new_policy_violations: BTreeMap<Severity, usize>,
    /// Results of built-in checks that cannot be told.
    pub unknown: usize,
    /// Results of built-in checks that somebody accepted.
    pub exempt: usize,
    /// Results of built-in checks that are as they must be.
    pub compliant: usize,
    /// Inputs, or parts of them, that could not be used.
    pub errors: usize,
}

impl Summary {
    /// All violations of built-in checks.
    pub fn total(&self) -> usize {
        self.violations.values().sum()
    }

    /// True when there is a new violation, of a check or of a policy, of this severity or above: `--fail-on`.
    pub fn fails(&self, fail_on: Severity) -> bool {
        let counts = self.new_violations.iter().chain(&self.new_policy_violations);
        counts.into_iter().any(|(severity, count)| *severity >= fail_on && *count > 0)
    }
}

impl Assessment {
    /// Counts for the exit code and the last line.
    pub fn summary(&self) -> Summary {
        let zero = || Severity::ALL.into_iter().map(|severity| (severity, 0)).collect::<BTreeMap<_, _>>();
        let mut summary = Summary {
            violations: zero(),
            new_violations: zero(),
            policy_violations: zero(),
            new_policy_violations: zero(),
            unknown: 0,
            exempt: 0,
            compliant: 0,
            errors: self.diagnostics.iter().filter(|message| message.level == Level::Error).count(),
        };
        for check in &self.checks {
            summary.compliant += check.counts.compliant;
            summary.exempt += check.counts.exempt;
            summary.unknown += check.counts.unknown;
        }
        for found in self.findings.iter().filter(|found| found.is_violation()) {
            *summary.violations.entry(found.finding.severity).or_default() += 1;
            if !found.in_baseline {
                *summary.new_violations.entry(found.finding.severity).or_default() += 1;
            }
        }
        for policy in self.policies.iter().flat_map(|pack| &pack.policies) {
            *summary.policy_violations.entry(policy.severity).or_default() += policy.counts.non_compliant;
            *summary.new_policy_violations.entry(policy.severity).or_default() += policy.new_violations;
        }
        summary
    }

    /// True when there is a new violation of this severity or above.
    pub fn fails(&self, fail_on: Severity) -> bool {
        self.summary().fails(fail_on)
    }

    /// The check that a finding is of.
    pub fn check_of(&self, found: &AssessedFinding) -> Option<&CheckResult> {
        self.checks.get(found.check)
    }
}

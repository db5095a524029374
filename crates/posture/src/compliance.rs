//! How the controls of each framework came out, and how much of each framework is covered at all.

use std::sync::Arc;

use castellan_base::FrameworkId;

use crate::assessment::CheckResult;
use crate::content::Framework;

/// A framework and its controls.
#[derive(Debug, Clone, PartialEq)]
pub struct FrameworkResult {
    /// Framework and edition: `owasp-llm:2025`.
    pub pack: Arc<str>,
    /// The framework's name.
    pub title: Arc<str>,
    /// Who publishes it.
    pub publisher: Arc<str>,
    /// Where the original text stands.
    pub url: Arc<str>,
    /// Every control, in the framework's order.
    pub controls: Vec<ControlResult>,
}

/// One control.
#[derive(Debug, Clone, PartialEq)]
pub struct ControlResult {
    /// The framework's own id: `LLM01`.
    pub id: Arc<str>,
    /// Its short title.
    pub title: Arc<str>,
    /// How it came out.
    pub status: ControlStatus,
    /// The ids of the checks that speak to it.
    pub checks: Vec<Arc<str>>,
    /// Results of those checks that are as they must be.
    pub passed: usize,
    /// Results that are not.
    pub failed: usize,
    /// Results that cannot be told.
    pub unknown: usize,
    /// Results that somebody accepted.
    pub exempt: usize,
}

/// How a control came out. The worst result of its checks decides.
///
/// Invariant (unknown is a verdict): a control passes only when every result of its checks is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ControlStatus {
    /// Some check is violated.
    Failed,
    /// No check is known to be violated, but some result cannot be told.
    Unknown,
    /// Every result is as it must be, or accepted.
    Passed,
    /// There are checks, but nothing in the estate that they speak about.
    NotAssessed,
    /// No check speaks to this control. That says nothing about the estate.
    NotCovered,
}

impl ControlStatus {
    /// The kebab-case name.
    pub fn as_str(self) -> &'static str {
        match self {
            ControlStatus::Failed => "failed",
            ControlStatus::Unknown => "unknown",
            ControlStatus::Passed => "passed",
            ControlStatus::NotAssessed => "not-assessed",
            ControlStatus::NotCovered => "not-covered",
        }
    }
}

impl FrameworkResult {
    /// How many controls have this status.
    pub fn count(&self, status: ControlStatus) -> usize {
        self.controls.iter().filter(|control| control.status == status).count()
    }

    /// Controls that some check speaks to, in percent of all. It measures Castellan, not the estate.
    pub fn coverage_percent(&self) -> f64 {
        percent(self.controls.len() - self.count(ControlStatus::NotCovered), self.controls.len())
    }

    /// Controls that passed, in percent of *all* controls: what is not covered or not known did not pass.
    pub fn passed_percent(&self) -> f64 {
        percent(self.count(ControlStatus::Passed), self.controls.len())
    }
}

#[allow(clippy::cast_precision_loss)] // Counts of controls stay far below 2^52.
fn percent(part: usize, whole: usize) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 * 100.0 }
}

/// Works out every control of every framework from the results of the checks.
pub fn compliance(frameworks: &[Framework], checks: &[CheckResult]) -> Vec<FrameworkResult> {
    frameworks
        .iter()
        .map(|framework| {
            let pack = framework.pack();
            FrameworkResult {
                title: Arc::clone(&framework.title),
                publisher: Arc::clone(&framework.publisher),
                url: Arc::clone(&framework.url),
                controls: framework
                    .controls
                    .iter()
                    .map(|control| control_result(&pack, &control.id, &control.title, checks))
                    .collect(),
                pack: pack.into(),
            }
        })
        .collect()
}

fn control_result(pack: &str, id: &Arc<str>, title: &Arc<str>, checks: &[CheckResult]) -> ControlResult {
    let names = |mapped: &FrameworkId| mapped.pack() == pack && mapped.control() == &**id;
    let mut result = ControlResult {
        id: Arc::clone(id),
        title: Arc::clone(title),
        status: ControlStatus::NotCovered,
        checks: Vec::new(),
        passed: 0,
        failed: 0,
        unknown: 0,
        exempt: 0,
    };
    for one in checks.iter().filter(|one| one.check.frameworks.iter().any(names)) {
        result.checks.push(Arc::clone(&one.check.id));
        result.passed += one.counts.compliant;
        result.failed += one.counts.non_compliant;
        result.unknown += one.counts.unknown;
        result.exempt += one.counts.exempt;
    }
    result.status = match &result {
        none if none.checks.is_empty() => ControlStatus::NotCovered,
        some if some.failed > 0 => ControlStatus::Failed,
        some if some.unknown > 0 => ControlStatus::Unknown,
        some if some.passed + some.exempt > 0 => ControlStatus::Passed,
        _ => ControlStatus::NotAssessed,
    };
    result
}

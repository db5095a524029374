//! Baselines: what a former run found, so that only what is new counts.
//!
//! A baseline is a former JSON report, or the smaller file that [`write()`] gives:
//! `{"castellanBaseline": 1, "violations": [{"fingerprint", "check", "resource"}]}`. Fingerprints are made of the check
//! and the resource, not of lines, so that moving code does not make a violation new.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use castellan_base::{Limits, Node, ResourceId, Sources, System, json};
use serde_json::json;

use crate::assessment::Assessment;
use crate::pack::policy_fingerprint;

/// The violations of a former run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Baseline {
    violations: BTreeMap<String, Known>,
}

/// A violation of a former run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    /// The check's or the policy's id.
    pub check: Arc<str>,
    /// The resource's id.
    pub resource: Arc<str>,
}

/// How this run compares with the baseline.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BaselineOutcome {
    /// Violations of this run that are not in the baseline.
    pub new: usize,
    /// Violations of this run that are.
    pub known: usize,
    /// Violations of the baseline that this run does not have: fixed, exempt, gone, or no longer to be told.
    pub fixed: Vec<Known>,
}

/// A baseline that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct BaselineError {
    message: String,
}

impl Baseline {
    /// Reads a baseline or a former JSON report.
    pub fn load(system: &dyn System, path: &Path) -> Result<Baseline, BaselineError> {
        let shown = path.display().to_string();
        let fail = |what: String| BaselineError { message: what };
        let bytes = system
            .read(path, Limits::default().bytes)
            .map_err(|error| fail(format!("cannot read the baseline `{shown}`: {error}")))?;
        let text = String::from_utf8(bytes).map_err(|_| fail(format!("`{shown}` is not UTF-8")))?;
        Baseline::parse(&shown, &text)
    }

    /// Reads the text of a baseline or a former JSON report. `path` is for messages.
    pub fn parse(path: &str, text: &str) -> Result<Baseline, BaselineError> {
        let mut sources = Sources::default();
        let source = sources.add(path, text);
        let document = json::parse(text, source, &Limits::default()).map_err(|problem| {
            let place = sources.locate(problem.span).map_or_else(|| path.to_owned(), |at| at.to_string());
            BaselineError { message: format!("{place}: {}", problem.message) }
        })?;
        let mut baseline = Baseline::default();
        if let Some(violations) = document.get("violations").and_then(Node::as_array) {
            violations.iter().for_each(|violation| baseline.add(violation));
            return Ok(baseline);
        }
        let Some(findings) = document.get("findings").and_then(Node::as_array) else {
            let message = format!(
                "`{path}` is no baseline; give a file from `--write-baseline` or a former `--format json` report"
            );
            return Err(BaselineError { message });
        };
        let is_violation =
            |finding: &&Node| finding.get("verdict").and_then(Node::as_str) == Some("non-compliant");
        findings.iter().filter(is_violation).for_each(|finding| baseline.add(finding));
        for policy in document.at_path("policies.definitions").and_then(Node::as_array).unwrap_or_default() {
            let id = policy.get("id").and_then(Node::as_str).unwrap_or_default();
            for resource in policy.get("violations").and_then(Node::as_array).unwrap_or_default() {
                let Some(Ok(resource)) = resource.as_str().map(str::parse::<ResourceId>) else { continue };
                let known = Known { check: id.into(), resource: resource.as_str().into() };
                baseline.violations.insert(policy_fingerprint(id, &resource), known);
            }
        }
        Ok(baseline)
    }

    fn add(&mut self, violation: &Node) {
        let text = |key: &str| violation.get(key).and_then(Node::as_str).unwrap_or_default();
        let known = Known { check: text("check").into(), resource: text("resource").into() };
        self.violations.insert(text("fingerprint").to_owned(), known);
    }

    /// True when the former run had this violation.
    pub fn contains(&self, fingerprint: &str) -> bool {
        self.violations.contains_key(fingerprint)
    }

    /// How a run with these violations compares.
    pub(crate) fn outcome(&self, current: &BTreeSet<String>) -> BaselineOutcome {
        let known = current.iter().filter(|fingerprint| self.contains(fingerprint)).count();
        let gone = self.violations.iter().filter(|(fingerprint, _)| !current.contains(*fingerprint));
        BaselineOutcome {
            new: current.len() - known,
            known,
            fixed: gone.map(|(_, violation)| violation.clone()).collect(),
        }
    }
}

/// The violations of a run as a baseline, for `--write-baseline`.
pub fn write(assessment: &Assessment) -> Vec<u8> {
    let mut violations = Vec::new();
    for found in assessment.findings.iter().filter(|found| found.is_violation()) {
        violations.push(json!({
            "fingerprint": found.fingerprint,
            "check": &*found.finding.check,
            "resource": found.finding.resource.as_str(),
        }));
    }
    for policy in assessment.policies.iter().flat_map(|pack| &pack.policies) {
        for violation in &policy.violations {
            violations.push(json!({
                "fingerprint": policy_fingerprint(&policy.id, &violation.resource),
                "check": &*policy.id,
                "resource": violation.resource.as_str(),
            }));
        }
    }
    let document = json!({ "castellanBaseline": 1, "violations": violations });
    let mut bytes = serde_json::to_vec_pretty(&document).unwrap_or_default();
    bytes.push(b'\n');
    bytes
}

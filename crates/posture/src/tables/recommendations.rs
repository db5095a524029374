//! `CastellanRecommendations`.

use castellan_base::{Finding, Verdict};
use serde_json::{Value, json};

use super::{Groups, Row, row};
use crate::assessment::{AssessedFinding, CheckResult, Met};
use crate::report::{Report, evidence};

/// What checks say, worst first; what is met comes last.
pub(super) fn rows(report: &Report<'_>, groups: &Groups) -> Vec<Row> {
    let found = report.assessment.findings.iter().filter_map(|found| open(report, groups, found));
    let met = report.assessment.met.iter().filter_map(|met| healthy(report, groups, *met));
    found.chain(met).collect()
}

fn open(report: &Report<'_>, groups: &Groups, found: &AssessedFinding) -> Option<Row> {
    let result = report.assessment.check_of(found)?;
    let finding = &found.finding;
    let (state, reason) = match &finding.verdict {
        Verdict::NonCompliant => ("Unhealthy", result.check.risk.to_string()),
        Verdict::Unknown(unknown) => ("Unknown", unknown.message.clone()),
        Verdict::Exempt => ("Exempt", accepted(found)),
        Verdict::Compliant | Verdict::NotApplicable => return None,
    };
    let remediation = match &finding.verdict {
        Verdict::Unknown(unknown) if !unknown.next_step.is_empty() => unknown.next_step.as_str(),
        _ => &result.check.remediation,
    };
    Some(row(json!({
        "Id": found.fingerprint, "CheckId": finding.check, "Title": finding.title, "Severity": finding.severity,
        "State": state, "ResourceId": finding.resource.as_str(), "ResourceName": finding.resource.name(),
        "ResourceType": finding.resource_type, "SourceId": found.source.as_str(),
        "Workload": groups.workload(&finding.resource), "Category": result.check.category.as_str(), "Reason": reason,
        "Evidence": evidence(found), "Location": finding.location.as_ref().map(ToString::to_string),
        "Description": result.check.risk, "Remediation": remediation, "Frameworks": finding.frameworks,
        "RiskGain": found.risk_gain, "ScoreGain": score_gain(result),
        "Fixable": report.proposal(found).is_some_and(|proposal| !proposal.patch.is_empty() || !proposal.az.is_empty()),
    })))
}

fn accepted(found: &AssessedFinding) -> String {
    found.exemption.as_ref().map_or_else(String::new, |exemption| {
        format!(
            "{} (accepted by {} until {}: {})",
            exemption.category.as_str(),
            exemption.approver,
            exemption.expires,
            exemption.reason
        )
    })
}

/// What one of the violations of a check brings: an equal share of what all of them bring.
fn score_gain(result: &CheckResult) -> f64 {
    match result.counts.non_compliant {
        0 => 0.0,
        count => result.secure_score_gain / f64::from(u32::try_from(count).unwrap_or(u32::MAX)),
    }
}

fn healthy(report: &Report<'_>, groups: &Groups, met: Met) -> Option<Row> {
    let check = &report.assessment.checks.get(met.check)?.check;
    let resource = report.estate.resources.get(met.resource)?;
    let id = Finding::fingerprint_of(&check.id, &resource.id);
    Some(row(json!({
        "Id": id, "CheckId": check.id, "Title": check.title, "Severity": check.severity,
        "State": "Healthy", "ResourceId": resource.id.as_str(), "ResourceName": resource.name(),
        "ResourceType": resource.resource_type, "SourceId": resource.id.as_str(),
        "Workload": groups.workload(&resource.id), "Category": check.category.as_str(), "Reason": "",
        "Evidence": Value::Array(Vec::new()),
        "Location": report.estate.sources.locate(resource.span.or(resource.body.span)).map(|place| place.to_string()),
        "Description": check.risk, "Remediation": check.remediation, "Frameworks": check.frameworks,
        "RiskGain": 0.0, "ScoreGain": 0.0, "Fixable": false,
    })))
}

//! One JSON document. Its shape is stable within [`super::JSON_REPORT_VERSION`]:
//!
//! `{castellan: {version, reportVersion}, at, inputs, inventory, summary, secureScore, riskScore, checks, findings,
//! policies, conformance, compliance, coverage, exemptions, baseline, diagnostics}`. Lists are empty rather than absent; optional
//! parts are `null`. A finding is `{fingerprint, check, title, severity, verdict, unknown, resource, resourceType,
//! source, location, condition, inBaseline, riskGain, exemption, frameworks, evidence, fix}`.

use std::io::{self, Write};

use castellan_base::{Level, Location, Verdict};
use serde_json::{Value, json};

use super::{JSON_REPORT_VERSION, Report};
use crate::assessment::{AssessedFinding, Assessment, Counts, Message};
use crate::exemptions::{AppliedExemption, Exemption};
use crate::pack::PolicyResult;
use crate::score::ControlScore;

pub(super) fn write(report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
    let assessment = report.assessment;
    let tool = json!({ "version": env!("CARGO_PKG_VERSION"), "reportVersion": JSON_REPORT_VERSION });
    write!(out, "{{\n\"castellan\": {tool},\n\"at\": \"{}\",\n", assessment.at)?;
    list(
        out,
        "inputs",
        assessment
            .inputs
            .iter()
            .map(|input| json!({ "path": &*input.path, "kind": &*input.kind, "resources": input.resources })),
    )?;
    member(out, "inventory", &inventory(assessment))?;
    member(out, "summary", &summary(assessment))?;
    member(out, "secureScore", &secure_score(assessment))?;
    let risk = &assessment.risk;
    let risk =
        json!({ "score": rounded(risk.score), "upper": rounded(risk.upper), "resources": risk.resources });
    member(out, "riskScore", &risk)?;
    list(out, "checks", assessment.checks.iter().map(check))?;
    list(out, "findings", assessment.findings.iter().map(|found| finding(report, found)))?;
    policies(out, assessment)?;
    list(out, "conformance", assessment.conformance.definitions.iter().map(|one| {
        json!({
            "policy": &*one.policy, "displayName": &*one.display_name, "compared": one.compared, "agreed": one.agreed,
            "agreementPercent": rounded(Some(one.agreement_percent())),
            "unknownHere": one.unknown_here, "disagreements": one.disagreements.iter().map(|difference| json!({
                "resource": difference.resource.as_str(), "azure": &*difference.azure, "castellan": difference.castellan,
            })).collect::<Vec<_>>(),
        })
    }))?;
    list(out, "compliance", assessment.compliance.iter().map(framework))?;
    list(out, "coverage", report.coverage.iter().flat_map(|coverage| coverage.to_json()))?;
    let exemptions = &assessment.exemptions;
    let used = exemptions.used.iter().map(|(entry, count)| {
        let mut value = exemption(entry);
        if let Some(members) = value.as_object_mut() {
            members.insert("results".to_owned(), json!(count));
        }
        value
    });
    let exemptions = json!({
        "used": used.collect::<Vec<_>>(),
        "unused": exemptions.unused.iter().map(exemption).collect::<Vec<_>>(),
        "expired": exemptions.expired.iter().map(exemption).collect::<Vec<_>>(),
    });
    member(out, "exemptions", &exemptions)?;
    let baseline = assessment.baseline.as_ref().map(|outcome| {
        let fixed =
            outcome.fixed.iter().map(|one| json!({ "check": &*one.check, "resource": &*one.resource }));
        json!({ "new": outcome.new, "known": outcome.known, "fixed": fixed.collect::<Vec<_>>() })
    });
    member(out, "baseline", &json!(baseline))?;
    let diagnostics: Vec<Value> = assessment.diagnostics.iter().map(diagnostic).collect();
    write!(out, "\"diagnostics\": ")?;
    serde_json::to_writer(&mut *out, &diagnostics)?;
    out.write_all(b"\n}\n")
}

fn member(out: &mut dyn Write, key: &str, value: &Value) -> io::Result<()> {
    write!(out, "\"{key}\": ")?;
    serde_json::to_writer(&mut *out, value)?;
    out.write_all(b",\n")
}

fn list(out: &mut dyn Write, key: &str, values: impl Iterator<Item = Value>) -> io::Result<()> {
    write!(out, "\"{key}\": ")?;
    items(out, values)?;
    out.write_all(b",\n")
}

fn items(out: &mut dyn Write, values: impl Iterator<Item = Value>) -> io::Result<()> {
    out.write_all(b"[")?;
    for (index, value) in values.enumerate() {
        out.write_all(if index == 0 { b"\n  " } else { b",\n  " })?;
        serde_json::to_writer(&mut *out, &value)?;
    }
    out.write_all(b"]")
}

/// Two decimals: more would promise more than the formulas hold.
pub(super) fn rounded(number: Option<f64>) -> Value {
    number.map_or(Value::Null, |number| json!((number * 100.0).round() / 100.0))
}

pub(super) fn location(location: Option<&Location>) -> Value {
    location.map_or(Value::Null, |at| {
        json!({
            "file": &*at.file, "line": at.line, "column": at.column, "endLine": at.end_line, "endColumn": at.end_column,
        })
    })
}

fn counts(counts: &Counts) -> Value {
    json!({
        "compliant": counts.compliant, "nonCompliant": counts.non_compliant,
        "unknown": counts.unknown, "exempt": counts.exempt,
    })
}

fn inventory(assessment: &Assessment) -> Value {
    let inventory = &assessment.inventory;
    let types: Vec<Value> =
        inventory.types.iter().map(|(name, count)| json!({ "type": &**name, "count": count })).collect();
    json!({
        "resources": inventory.resources, "derived": inventory.derived, "conditional": inventory.conditional,
        "referenced": inventory.referenced, "types": types,
    })
}

fn summary(assessment: &Assessment) -> Value {
    let summary = assessment.summary();
    let by_severity = |counts: &std::collections::BTreeMap<castellan_base::Severity, usize>| {
        Value::Object(counts.iter().map(|(severity, count)| (severity.to_string(), json!(count))).collect())
    };
    json!({
        "violations": by_severity(&summary.violations), "newViolations": by_severity(&summary.new_violations),
        "policyViolations": by_severity(&summary.policy_violations),
        "newPolicyViolations": by_severity(&summary.new_policy_violations),
        "unknown": summary.unknown, "exempt": summary.exempt, "compliant": summary.compliant, "errors": summary.errors,
    })
}

fn control_score(control: &ControlScore) -> Value {
    json!({
        "id": &*control.id, "title": &*control.title, "max": control.max, "current": rounded(Some(control.current)),
        "potentialIncrease": rounded(Some(control.potential_increase)), "healthy": control.healthy,
        "unhealthy": control.unhealthy, "unknown": control.unknown,
    })
}

fn secure_score(assessment: &Assessment) -> Value {
    let score = &assessment.secure_score;
    let subscriptions = score.subscriptions.iter().map(|one| {
        json!({
            "subscription": &*one.subscription, "current": rounded(Some(one.current)), "max": one.max,
            "percent": rounded(one.percent), "weight": one.weight,
            "controls": one.controls.iter().map(control_score).collect::<Vec<_>>(),
        })
    });
    json!({
        "percent": rounded(score.percent),
        "controls": score.controls.iter().map(control_score).collect::<Vec<_>>(),
        "subscriptions": subscriptions.collect::<Vec<_>>(),
    })
}

fn check(result: &crate::CheckResult) -> Value {
    let check = &result.check;
    json!({
        "id": &*check.id, "version": check.version, "title": &*check.title, "severity": check.severity,
        "category": check.category.as_str(), "control": &*check.control,
        "defender": check.defender_name.as_deref(), "azurePolicy": check.built_in.as_deref(),
        "risk": &*check.risk, "remediation": &*check.remediation, "frameworks": &check.frameworks,
        "counts": counts(&result.counts), "secureScoreGain": rounded(Some(result.secure_score_gain)),
        "riskGain": rounded(Some(result.risk_gain)),
    })
}

pub(super) fn applied(exemption: Option<&AppliedExemption>) -> Value {
    exemption.map_or(Value::Null, |exemption| {
        json!({
            "category": exemption.category.as_str(), "reason": &*exemption.reason,
            "approver": &*exemption.approver, "expires": exemption.expires.to_string(),
        })
    })
}

/// What was looked at, found and expected: `[{path, alias, actual, operator, expected, location}]`.
pub(crate) fn evidence(found: &AssessedFinding) -> Vec<Value> {
    let one = |(index, one): (usize, &castellan_base::Evidence)| {
        let place = found.evidence_locations.get(index).and_then(Option::as_ref);
        json!({
            "path": &*one.path, "alias": one.alias.as_deref(), "actual": one.actual.as_ref().map(|node| node.to_json()),
            "operator": &*one.operator, "expected": one.expected.to_json(), "location": location(place),
        })
    };
    found.finding.evidence.iter().enumerate().map(one).collect()
}

/// One finding; also a line of the JSON Lines form.
pub(super) fn finding(report: &Report<'_>, found: &AssessedFinding) -> Value {
    let finding = &found.finding;
    let unknown = match &finding.verdict {
        Verdict::Unknown(reason) => {
            json!({ "kind": reason.kind, "message": reason.message, "nextStep": reason.next_step })
        }
        _ => Value::Null,
    };
    json!({
        "fingerprint": found.fingerprint, "check": &*finding.check, "title": &*finding.title,
        "severity": finding.severity, "verdict": finding.verdict.as_str(), "unknown": unknown,
        "resource": finding.resource.as_str(), "resourceType": &*finding.resource_type, "source": found.source.as_str(),
        "location": location(finding.location.as_ref()), "condition": found.condition.as_deref(),
        "inBaseline": found.in_baseline, "riskGain": rounded(Some(found.risk_gain)),
        "exemption": applied(found.exemption.as_ref()), "frameworks": finding.frameworks,
        "evidence": evidence(found), "fix": report.proposal(found),
    })
}

fn policies(out: &mut dyn Write, assessment: &Assessment) -> io::Result<()> {
    let Some(pack) = &assessment.policies else { return member(out, "policies", &Value::Null) };
    let unusable = pack.unusable.iter().map(|one| json!({ "file": &*one.file, "message": one.message }));
    let not_evaluable =
        pack.not_evaluable.iter().map(|(reason, count)| json!({ "reason": reason, "count": count }));
    write!(
        out,
        "\"policies\": {{\"basis\": {}, \"loaded\": {}, \"initiatives\": {}, \"verdicts\": {}, \"notEvaluable\": {}, \"unusable\": {}, \"definitions\": ",
        json!(pack.basis.as_str()),
        pack.loaded,
        pack.initiatives,
        pack.verdicts,
        json!(not_evaluable.collect::<Vec<_>>()),
        json!(unusable.collect::<Vec<_>>())
    )?;
    items(out, pack.policies.iter().map(policy))?;
    out.write_all(b"},\n")
}

fn policy(policy: &PolicyResult) -> Value {
    let reasons = policy.unknown_reasons.iter().map(|(reason, count)| {
        json!({ "kind": reason.kind, "message": reason.message, "nextStep": reason.next_step, "count": count })
    });
    let violations: Vec<&str> =
        policy.violations.iter().map(|violation| violation.resource.as_str()).collect();
    json!({
        "id": &*policy.id, "displayName": &*policy.display_name, "category": &*policy.category,
        "severity": policy.severity, "effect": policy.effect.as_deref(), "counts": counts(&policy.counts),
        "newViolations": policy.new_violations, "unknownReasons": reasons.collect::<Vec<_>>(), "violations": violations,
    })
}

fn framework(framework: &crate::FrameworkResult) -> Value {
    let controls = framework.controls.iter().map(|control| {
        json!({
            "id": &*control.id, "title": &*control.title, "status": control.status.as_str(), "checks": control.checks,
            "passed": control.passed, "failed": control.failed, "unknown": control.unknown, "exempt": control.exempt,
        })
    });
    json!({
        "pack": &*framework.pack, "title": &*framework.title, "publisher": &*framework.publisher, "url": &*framework.url,
        "coveragePercent": rounded(Some(framework.coverage_percent())),
        "passedPercent": rounded(Some(framework.passed_percent())), "controls": controls.collect::<Vec<_>>(),
    })
}

fn exemption(entry: &Exemption) -> Value {
    json!({
        "check": &*entry.check, "resource": &*entry.resource, "category": entry.category.as_str(),
        "reason": &*entry.reason, "approver": &*entry.approver, "expires": entry.expires.to_string(),
        "location": location(entry.location.as_ref()),
    })
}

fn diagnostic(message: &Message) -> Value {
    let level = match message.level {
        Level::Note => "note",
        Level::Warning => "warning",
        Level::Error => "error",
    };
    json!({
        "level": level, "message": message.message, "help": message.help,
        "location": location(message.location.as_ref()),
    })
}

//! SARIF 2.1.0, for code scanning services and editors.
//!
//! Violations are results of kind `fail`; what cannot be told is of kind `review` and level `none`; accepted results are
//! `fail` with a suppression. Rules carry their help as text and Markdown, and relate to taxa of the frameworks.

use std::collections::BTreeMap;
use std::io::{self, Write};

use castellan_base::{Location, Severity, Verdict};
use serde_json::{Value, json};

use super::{Report, text};
use crate::assessment::{AssessedFinding, Assessment, CheckResult};
use crate::pack::{PolicyResult, PolicyViolation, policy_fingerprint};

const SCHEMA: &str = "https://json.schemastore.org/sarif-2.1.0.json";

pub(super) fn write(report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
    let assessment = report.assessment;
    let policies: Vec<&PolicyResult> = assessment
        .policies
        .iter()
        .flat_map(|pack| &pack.policies)
        .filter(|policy| !policy.violations.is_empty())
        .collect();
    let taxonomies = Taxonomies::of(assessment);
    let mut rules: Vec<Value> = assessment.checks.iter().map(|check| rule(check, &taxonomies)).collect();
    let first_policy = rules.len();
    rules.extend(policies.iter().map(|policy| policy_rule(policy)));
    let driver = json!({
        "name": "Castellan", "version": env!("CARGO_PKG_VERSION"), "semanticVersion": env!("CARGO_PKG_VERSION"),
        "informationUri": env!("CARGO_PKG_REPOSITORY"), "rules": rules,
        "supportedTaxonomies": taxonomies.references(),
    });
    write!(
        out,
        "{{\"$schema\": \"{SCHEMA}\", \"version\": \"2.1.0\", \"runs\": [{{\n\"tool\": {{\"driver\": {driver}}},\n"
    )?;
    write!(
        out,
        "\"columnKind\": \"unicodeCodePoints\",\n\"taxonomies\": {},\n",
        taxonomies.components(assessment)
    )?;
    write!(out, "\"invocations\": [{}],\n\"results\": [", invocation(assessment))?;
    let mut separator = "\n";
    for found in &assessment.findings {
        write!(out, "{separator}{}", result(report, found))?;
        separator = ",\n";
    }
    for (index, policy) in policies.iter().enumerate() {
        for violation in &policy.violations {
            write!(out, "{separator}{}", policy_result(policy, first_policy + index, violation, assessment))?;
            separator = ",\n";
        }
    }
    out.write_all(b"\n]\n}]}\n")
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical | Severity::High => "error",
        Severity::Medium => "warning",
        Severity::Low | Severity::Info => "note",
    }
}

/// The number by which GitHub sorts security results, in the middle of the band it names as we do.
fn security_severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "9.5",
        Severity::High => "8.0",
        Severity::Medium => "5.5",
        Severity::Low => "3.0",
        Severity::Info => "0.0",
    }
}

fn rule(result: &CheckResult, taxonomies: &Taxonomies) -> Value {
    let check = &result.check;
    let controls: Vec<&str> = check.frameworks.iter().map(|id| id.as_str()).collect();
    let help = format!(
        "**Why it matters.** {}\n\n**What to do.** {}\n\nControls: {}",
        check.risk,
        check.remediation,
        if controls.is_empty() { "none".to_owned() } else { controls.join(", ") }
    );
    let tags: Vec<&str> = ["security", "ai"].into_iter().chain([check.category.as_str()]).collect();
    json!({
        "id": &*check.id, "name": pascal_case(&check.id),
        "shortDescription": { "text": &*check.title }, "fullDescription": { "text": &*check.risk },
        "help": { "text": format!("{} {}", check.risk, check.remediation), "markdown": help },
        "defaultConfiguration": { "level": level(check.severity) },
        "properties": {
            "tags": tags, "security-severity": security_severity(check.severity), "precision": "very-high",
            "problem.severity": level(check.severity),
        },
        "relationships": check.frameworks.iter().filter_map(|id| taxonomies.relationship(id.pack(), id.control())).collect::<Vec<_>>(),
    })
}

fn policy_rule(policy: &PolicyResult) -> Value {
    json!({
        "id": &*policy.id, "name": "AzurePolicy", "shortDescription": { "text": text::line(&policy.display_name, 200) },
        "fullDescription": { "text": text::line(&policy.display_name, 1000) },
        "help": { "text": format!("Azure Policy definition {}.", text::line(&policy.id, 300)) },
        "defaultConfiguration": { "level": level(policy.severity) },
        "properties": {
            "tags": ["azure-policy", text::line(&policy.category, 80)],
            "security-severity": security_severity(policy.severity),
        },
    })
}

fn pascal_case(id: &str) -> String {
    id.split('-')
        .map(|word| {
            let mut characters = word.chars();
            characters.next().map_or_else(String::new, |first| {
                first.to_ascii_uppercase().to_string() + characters.as_str()
            })
        })
        .collect()
}

fn invocation(assessment: &Assessment) -> Value {
    let notifications = assessment.diagnostics.iter().map(|message| {
        let level = match message.level {
            castellan_base::Level::Error => "error",
            castellan_base::Level::Warning => "warning",
            castellan_base::Level::Note => "note",
        };
        let mut notification = json!({ "level": level, "message": { "text": message.message } });
        if let (Some(place), Some(members)) = (&message.location, notification.as_object_mut()) {
            members.insert("locations".to_owned(), json!([{ "physicalLocation": physical(place) }]));
        }
        notification
    });
    json!({
        "executionSuccessful": true, "endTimeUtc": assessment.at.to_string(),
        "toolExecutionNotifications": notifications.collect::<Vec<_>>(),
    })
}

fn physical(place: &Location) -> Value {
    let (uri, is_relative) = artifact_uri(&place.file);
    let mut artifact = json!({ "uri": uri });
    if let (true, Some(members)) = (is_relative, artifact.as_object_mut()) {
        members.insert("uriBaseId".to_owned(), json!("%SRCROOT%"));
    }
    json!({
        "artifactLocation": artifact,
        "region": {
            "startLine": place.line, "startColumn": place.column,
            "endLine": place.end_line, "endColumn": place.end_column,
        },
    })
}

/// A path as a URI reference: relative where the path is, with everything but the unreserved characters escaped.
fn artifact_uri(path: &str) -> (String, bool) {
    let slashes = path.replace('\\', "/");
    let trimmed = slashes.trim_start_matches("./");
    let mut uri = String::new();
    let is_absolute = trimmed.starts_with('/');
    if is_absolute {
        uri.push_str("file://");
    }
    for byte in trimmed.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            uri.push(char::from(byte));
        } else {
            uri.push_str(&format!("%{byte:02X}"));
        }
    }
    (uri, !is_absolute)
}

fn locations(place: Option<&Location>, resource: &str) -> Value {
    let mut location =
        json!({ "logicalLocations": [{ "fullyQualifiedName": resource, "kind": "resource" }] });
    if let (Some(place), Some(members)) = (place, location.as_object_mut()) {
        members.insert("physicalLocation".to_owned(), physical(place));
    }
    json!([location])
}

fn result(report: &Report<'_>, found: &AssessedFinding) -> Value {
    let finding = &found.finding;
    let name = text::line(finding.resource.name(), 120);
    let reason = text::reason(found);
    let (kind, level, message) = match &finding.verdict {
        Verdict::Unknown(unknown) => (
            "review",
            "none",
            format!("{}: cannot be told for {name}: {reason}. {}", finding.title, unknown.next_step),
        ),
        _ => ("fail", level(finding.severity), format!("{}: {name} does not. {reason}", finding.title)),
    };
    let related = found.evidence_locations.iter().zip(&finding.evidence).enumerate().filter_map(|(id, (place, one))| {
        let place = place.as_ref()?;
        Some(json!({ "id": id, "physicalLocation": physical(place), "message": { "text": text::evidence(one) } }))
    });
    let mut value = json!({
        "ruleId": &*finding.check, "ruleIndex": found.check, "kind": kind, "level": level,
        "message": { "text": message.trim() },
        "locations": locations(finding.location.as_ref(), finding.resource.as_str()),
        "relatedLocations": related.collect::<Vec<_>>(),
        "partialFingerprints": { "castellan/v1": found.fingerprint },
        "properties": {
            "resourceId": finding.resource.as_str(), "verdict": finding.verdict.as_str(), "riskGain": found.risk_gain,
            "fix": report.proposal(found),
        },
    });
    let Some(members) = value.as_object_mut() else { return value };
    if let Some(exemption) = &found.exemption {
        let justification =
            format!("{} ({}, until {})", exemption.reason, exemption.approver, exemption.expires);
        let suppression =
            json!([{ "kind": "external", "status": "accepted", "justification": justification }]);
        members.insert("suppressions".to_owned(), suppression);
    }
    if report.assessment.baseline.is_some() {
        let state = if found.in_baseline { "unchanged" } else { "new" };
        members.insert("baselineState".to_owned(), json!(state));
    }
    value
}

fn policy_result(
    policy: &PolicyResult,
    rule: usize,
    violation: &PolicyViolation,
    assessment: &Assessment,
) -> Value {
    let message = format!(
        "{}: {} does not comply.",
        text::line(&policy.display_name, 200),
        text::line(violation.resource.name(), 120)
    );
    let mut value = json!({
        "ruleId": &*policy.id, "ruleIndex": rule, "kind": "fail", "level": level(policy.severity),
        "message": { "text": message },
        "locations": locations(violation.location.as_ref(), violation.resource.as_str()),
        "partialFingerprints": { "castellan/v1": policy_fingerprint(&policy.id, &violation.resource) },
        "properties": { "resourceId": violation.resource.as_str() },
    });
    if let (true, Some(members)) = (assessment.baseline.is_some(), value.as_object_mut()) {
        let state = if violation.in_baseline { "unchanged" } else { "new" };
        members.insert("baselineState".to_owned(), json!(state));
    }
    value
}

/// The frameworks that checks map to, as SARIF taxonomies.
struct Taxonomies {
    /// Position of each pack, and of each of its controls.
    packs: BTreeMap<String, (usize, BTreeMap<String, usize>)>,
}

impl Taxonomies {
    fn of(assessment: &Assessment) -> Taxonomies {
        let packs = assessment.compliance.iter().enumerate().map(|(index, framework)| {
            let controls = framework
                .controls
                .iter()
                .enumerate()
                .map(|(at, control)| (control.id.to_string(), at))
                .collect();
            (framework.pack.to_string(), (index, controls))
        });
        Taxonomies { packs: packs.collect() }
    }

    fn references(&self) -> Value {
        let mut names: Vec<(usize, &String)> =
            self.packs.iter().map(|(name, (index, _))| (*index, name)).collect();
        names.sort();
        json!(names.iter().map(|(index, name)| json!({ "name": name, "index": index })).collect::<Vec<_>>())
    }

    fn components(&self, assessment: &Assessment) -> Value {
        let components = assessment.compliance.iter().map(|framework| {
            let taxa = framework.controls.iter().map(|control| {
                json!({ "id": &*control.id, "name": &*control.title, "shortDescription": { "text": &*control.title } })
            });
            json!({
                "name": &*framework.pack, "organization": &*framework.publisher, "informationUri": &*framework.url,
                "shortDescription": { "text": &*framework.title }, "taxa": taxa.collect::<Vec<_>>(),
            })
        });
        json!(components.collect::<Vec<_>>())
    }

    fn relationship(&self, pack: &str, control: &str) -> Option<Value> {
        let (index, controls) = self.packs.get(pack)?;
        let taxon = controls.get(control)?;
        Some(json!({
            "target": { "id": control, "index": taxon, "toolComponent": { "name": pack, "index": index } },
            "kinds": ["relevant"],
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_become_uris() {
        assert_eq!(artifact_uri("./infra/a b#.json"), ("infra/a%20b%23.json".to_owned(), true));
        assert_eq!(artifact_uri("/tmp/\u{e9}.json"), ("file:///tmp/%C3%A9.json".to_owned(), false));
        assert_eq!(pascal_case("ai-key-access"), "AiKeyAccess");
    }
}

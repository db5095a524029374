//! A finding a line, built-in checks first, then policies. A line of a check has the shape of a finding in the JSON
//! report; a line of a policy is `{policy, displayName, severity, verdict, resource, resourceType, effect, location,
//! fingerprint, inBaseline}`.

use std::io::{self, Write};

use serde_json::json;

use super::{Report, json};
use crate::pack::policy_fingerprint;

pub(super) fn write(report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
    for found in &report.assessment.findings {
        serde_json::to_writer(&mut *out, &json::finding(report, found))?;
        out.write_all(b"\n")?;
    }
    for policy in report.assessment.policies.iter().flat_map(|pack| &pack.policies) {
        for violation in &policy.violations {
            let line = json!({
                "policy": &*policy.id, "displayName": &*policy.display_name, "severity": policy.severity,
                "verdict": "non-compliant", "resource": violation.resource.as_str(),
                "resourceType": &*violation.resource_type, "effect": policy.effect.as_deref(),
                "location": json::location(violation.location.as_ref()),
                "fingerprint": policy_fingerprint(&policy.id, &violation.resource), "inBaseline": violation.in_baseline,
            });
            serde_json::to_writer(&mut *out, &line)?;
            out.write_all(b"\n")?;
        }
    }
    Ok(())
}

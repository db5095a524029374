//! A finding a row, for spreadsheets.

use std::borrow::Cow;
use std::io::{self, Write};

use castellan_base::{Location, Verdict};

use super::{Report, text};
use crate::pack::policy_fingerprint;

const COLUMNS: [&str; 16] = [
    "kind",
    "id",
    "title",
    "severity",
    "verdict",
    "resource",
    "resource_type",
    "file",
    "line",
    "column",
    "reason",
    "next_step",
    "exemption",
    "in_baseline",
    "frameworks",
    "fingerprint",
];

pub(super) fn write(report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
    let mut table = csv::Writer::from_writer(out);
    table.write_record(COLUMNS).map_err(io::Error::other)?;
    for found in &report.assessment.findings {
        let finding = &found.finding;
        let (file, line, column) = place(finding.location.as_ref());
        let next_step = match &finding.verdict {
            Verdict::Unknown(unknown) => unknown.next_step.clone(),
            _ => report
                .assessment
                .check_of(found)
                .map_or_else(String::new, |one| one.check.remediation.to_string()),
        };
        let exemption = found.exemption.as_ref().map_or_else(String::new, |one| {
            format!("{}: {} ({}, until {})", one.category.as_str(), one.reason, one.approver, one.expires)
        });
        let frameworks: Vec<&str> = finding.frameworks.iter().map(|id| id.as_str()).collect();
        row(
            &mut table,
            [
                "check",
                &finding.check,
                &finding.title,
                finding.severity.as_str(),
                finding.verdict.as_str(),
                finding.resource.as_str(),
                &finding.resource_type,
                file,
                &line,
                &column,
                &text::reason(found),
                &next_step,
                &exemption,
                yes_or_no(found.in_baseline),
                &frameworks.join(" "),
                &found.fingerprint,
            ],
        )?;
    }
    for policy in report.assessment.policies.iter().flat_map(|pack| &pack.policies) {
        for violation in &policy.violations {
            let (file, line, column) = place(violation.location.as_ref());
            row(
                &mut table,
                [
                    "policy",
                    &policy.id,
                    &policy.display_name,
                    policy.severity.as_str(),
                    "non-compliant",
                    violation.resource.as_str(),
                    &violation.resource_type,
                    file,
                    &line,
                    &column,
                    "",
                    "",
                    "",
                    yes_or_no(violation.in_baseline),
                    "",
                    &policy_fingerprint(&policy.id, &violation.resource),
                ],
            )?;
        }
    }
    table.flush()
}

fn row(table: &mut csv::Writer<&mut dyn Write>, cells: [&str; 16]) -> io::Result<()> {
    let cells = cells.map(|cell| harmless(cell).into_owned());
    table.write_record(cells).map_err(io::Error::other)
}

/// A cell that no spreadsheet takes for a formula: the names in it come from what was scanned.
fn harmless(cell: &str) -> Cow<'_, str> {
    if cell.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        return Cow::Owned(format!("'{cell}"));
    }
    Cow::Borrowed(cell)
}

fn yes_or_no(flag: bool) -> &'static str {
    if flag { "yes" } else { "no" }
}

fn place(location: Option<&Location>) -> (&str, String, String) {
    location.map_or(("", String::new(), String::new()), |at| {
        (&at.file, at.line.to_string(), at.column.to_string())
    })
}

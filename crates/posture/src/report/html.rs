//! One self-contained page: no script, no resource from elsewhere, readable on paper.
//!
//! Filtering is done by check boxes and style rules alone, so that the content security policy needs to allow nothing
//! but the one style sheet.

use std::collections::BTreeMap;
use std::io::{self, Write};

use castellan_base::{Node, Resource, Severity, Verdict};

use super::page::{self, badge, code, escape, table};
use super::{Report, layers, text};
use crate::assessment::{AssessedFinding, Assessment, CheckResult};
use crate::compliance::ControlStatus;
use crate::coverage::{Coverage, Layer};
use crate::fix::Proposal;

/// Resources whose evidence and fix are written out below each check; the JSON report has all of them.
const DETAILED: usize = 50;
const ROWS: usize = 200;

pub(super) fn write(report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
    out.write_all(page::head("Castellan posture report").as_bytes())?;
    let assessment = report.assessment;
    write!(
        out,
        "<header><h1>AI posture</h1><p class=\"soft\">As of {} &middot; {} from {} &middot; Castellan {}</p></header>\n\
         <nav><a href=\"#violations\">Violations</a><a href=\"#unknown\">Cannot be told</a><a href=\"#coverage\">Coverage</a><a href=\"#frameworks\">Frameworks</a>\
         <a href=\"#materials\">Bill of materials</a><a href=\"#inputs\">Inputs</a></nav>\n",
        text::time(assessment.at),
        text::count(assessment.inventory.resources, "resource"),
        text::count(assessment.inputs.len(), "input"),
        env!("CARGO_PKG_VERSION")
    )?;
    out.write_all(cards(assessment).as_bytes())?;
    out.write_all(controls(assessment).as_bytes())?;
    violations(report, out)?;
    out.write_all(unknowns(assessment).as_bytes())?;
    out.write_all(exempt(assessment).as_bytes())?;
    out.write_all(coverage(report.coverage).as_bytes())?;
    out.write_all(policies(assessment).as_bytes())?;
    out.write_all(conformance(assessment).as_bytes())?;
    out.write_all(frameworks(assessment).as_bytes())?;
    out.write_all(materials(report).as_bytes())?;
    out.write_all(inputs(assessment).as_bytes())?;
    out.write_all(b"</body>\n</html>\n")
}

fn cards(assessment: &Assessment) -> String {
    let summary = assessment.summary();
    let secure = assessment.secure_score.percent.map_or_else(
        || "<p>nothing could be assessed</p>".to_owned(),
        |percent| page::gauge(percent / 100.0, percent / 100.0, &format!("{percent:.0} %")),
    );
    let risk = assessment.risk.score.map_or_else(
        || "<p>nothing could be assessed</p>".to_owned(),
        |risk| page::gauge(risk / 100.0, 1.0 - risk / 100.0, &format!("{risk:.0}")),
    );
    let upper = assessment.risk.upper.unwrap_or_default();
    let severities: String = Severity::ALL
        .iter()
        .rev()
        .map(|severity| {
            let count = summary.violations.get(severity).copied().unwrap_or(0);
            format!("<div>{} {count}</div>", badge(severity.as_str(), severity))
        })
        .collect();
    let baseline = assessment.baseline.as_ref().map_or_else(String::new, |outcome| {
        format!(
            "<p>Against the baseline: {} new, {} known, {} gone.</p>",
            outcome.new,
            outcome.known,
            outcome.fixed.len()
        )
    });
    format!(
        "<section class=\"cards\"><div class=\"card\"><b>Secure score</b><div class=\"gauge\">{secure}</div>\
         <p class=\"soft\">Share of healthy resources by control, classic formula. Higher is better.</p></div>\
         <div class=\"card\"><b>Risk</b><div class=\"gauge\">{risk}</div>\
         <p class=\"soft\">0 is best, 100 worst; up to {upper:.0} if all that cannot be told is violated.</p></div>\
         <div class=\"card\"><b>Violations</b>{severities}{baseline}</div>\
         <div class=\"card\"><b>Other results</b><p>{} met</p><p>{} cannot be told</p><p>{} exempt</p><p>{} while reading</p></div></section>\n",
        summary.compliant,
        summary.unknown,
        summary.exempt,
        text::count(summary.errors, "error")
    )
}

fn controls(assessment: &Assessment) -> String {
    if assessment.secure_score.controls.is_empty() {
        return String::new();
    }
    let rows: Vec<Vec<String>> = assessment
        .secure_score
        .controls
        .iter()
        .map(|control| {
            vec![
                escape(&control.title),
                page::bar(control.healthy, control.unhealthy),
                control.healthy.to_string(),
                control.unhealthy.to_string(),
                control.unknown.to_string(),
                format!("{:.2} of {:.0}", control.current, control.max),
                format!("+{:.2}", control.potential_increase),
            ]
        })
        .collect();
    let headers = ["Control", "", "#healthy", "#unhealthy", "#unknown", "#points", "#to gain"];
    format!("<h2>Secure score</h2>{}", table(&headers, &rows))
}

fn by_check(assessment: &Assessment) -> Vec<(&CheckResult, Vec<&AssessedFinding>)> {
    let mut groups: BTreeMap<usize, Vec<&AssessedFinding>> = BTreeMap::new();
    for found in assessment.findings.iter().filter(|found| found.is_violation()) {
        groups.entry(found.check).or_default().push(found);
    }
    let mut groups: Vec<_> = groups
        .into_iter()
        .filter_map(|(index, found)| Some((assessment.checks.get(index)?, found)))
        .collect();
    groups.sort_by(|(left, _), (right, _)| {
        let order = right.check.severity.cmp(&left.check.severity);
        order.then(right.risk_gain.total_cmp(&left.risk_gain)).then(left.check.id.cmp(&right.check.id))
    });
    groups
}

fn violations(report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
    let groups = by_check(report.assessment);
    out.write_all(b"<h2 id=\"violations\">Violations</h2>\n")?;
    if groups.is_empty() {
        return out.write_all(b"<p>None of the checks that could be answered is violated.</p>\n");
    }
    out.write_all(b"<section>")?;
    for severity in Severity::ALL.iter().rev() {
        let present = groups.iter().any(|(result, _)| result.check.severity == *severity);
        if present {
            write!(
                out,
                "<input type=\"checkbox\" id=\"show-{severity}\" checked> <label for=\"show-{severity}\">{severity}</label> "
            )?;
        }
    }
    out.write_all(b"<div class=\"list\">\n")?;
    for (result, found) in &groups {
        check(report, result, found, out)?;
    }
    out.write_all(b"</div></section>\n")
}

fn check(
    report: &Report<'_>,
    result: &CheckResult,
    found: &[&AssessedFinding],
    out: &mut dyn Write,
) -> io::Result<()> {
    let check = &result.check;
    let severity = check.severity;
    writeln!(
        out,
        "<details class=\"is-{severity}\"><summary>{}<span class=\"title\">{}</span><span class=\"soft\">{} &middot; risk -{:.1} &middot; score +{:.1}</span></summary><div>",
        badge(severity.as_str(), severity),
        escape(&check.title),
        text::count(found.len(), "resource"),
        result.risk_gain,
        result.secure_score_gain
    )?;
    let controls: Vec<String> = check.frameworks.iter().map(|id| code(id.as_str())).collect();
    writeln!(
        out,
        "<p><b>Why it matters.</b> {}</p><p><b>What to do.</b> {}</p><p class=\"soft\">{} &middot; {} {}</p>",
        escape(&check.risk),
        escape(&check.remediation),
        code(&check.id),
        escape(check.category.as_str()),
        controls.join(" ")
    )?;
    for one in found.iter().take(DETAILED) {
        finding(report, one, out)?;
    }
    if found.len() > DETAILED {
        write!(
            out,
            "<p class=\"soft\">and {} more; the JSON report has them all.</p>",
            found.len() - DETAILED
        )?;
    }
    out.write_all(b"</div></details>\n")
}

fn place(found: &AssessedFinding) -> String {
    found.finding.location.as_ref().map_or_else(String::new, |at| code(&at.to_string()))
}

fn finding(report: &Report<'_>, found: &AssessedFinding, out: &mut dyn Write) -> io::Result<()> {
    let new = if report.assessment.baseline.is_some() && !found.in_baseline { " <b>new</b>" } else { "" };
    write!(
        out,
        "<details><summary><span class=\"title\">{}{new}</span><span>{}</span></summary><div><p>{}</p>",
        escape(&text::line(&text::short_name(found), 200)),
        place(found),
        code(found.finding.resource.as_str())
    )?;
    if let Some(condition) = &found.condition {
        write!(out, "<p>Deployed only if {}, which cannot be known now.</p>", code(condition))?;
    }
    let rows: Vec<Vec<String>> = found
        .finding
        .evidence
        .iter()
        .enumerate()
        .map(|(index, one)| {
            let at = found.evidence_locations.get(index).and_then(Option::as_ref);
            vec![
                code(&one.path),
                one.actual.as_ref().map_or_else(|| "not set".to_owned(), |node| escape(&text::value(node))),
                format!("{} {}", escape(&one.operator), escape(&text::value(&one.expected))),
                at.map_or_else(String::new, |at| code(&at.to_string())),
            ]
        })
        .collect();
    if !rows.is_empty() {
        out.write_all(table(&["property", "found", "condition that decided", "where"], &rows).as_bytes())?;
    }
    if let Some(fix) = report.proposal(found) {
        out.write_all(proposal(&fix).as_bytes())?;
    }
    out.write_all(b"</div></details>\n")
}

fn proposal(fix: &Proposal) -> String {
    let mut markup = String::new();
    if let Some(note) = &fix.note {
        markup.push_str(&format!("<p><b>Decide first.</b> {}</p>", escape(note)));
    }
    let forms = [("ARM", &fix.arm), ("Bicep", &fix.bicep), ("Terraform", &fix.terraform), ("az", &fix.az)];
    for (name, form) in forms.into_iter().filter(|(_, form)| !form.is_empty()) {
        markup.push_str(&format!(
            "<details><summary><span class=\"title\">Fix as {name}</span></summary><div><pre>{}</pre></div></details>",
            escape(form.trim_end())
        ));
    }
    markup
}

fn unknowns(assessment: &Assessment) -> String {
    let mut groups: BTreeMap<(&str, &str), (usize, &AssessedFinding)> = BTreeMap::new();
    for found in &assessment.findings {
        if let Verdict::Unknown(unknown) = &found.finding.verdict {
            groups.entry((&unknown.message, &unknown.next_step)).or_insert((0, found)).0 += 1;
        }
    }
    let mut markup = String::from("<h2 id=\"unknown\">Cannot be told</h2>");
    if groups.is_empty() {
        markup.push_str("<p>Every check could be answered.</p>");
        return markup;
    }
    let mut groups: Vec<_> = groups.into_iter().collect();
    groups.sort_by(|(left_key, left), (right_key, right)| right.0.cmp(&left.0).then(left_key.cmp(right_key)));
    let rows: Vec<Vec<String>> = groups
        .iter()
        .take(ROWS)
        .map(|((message, next_step), (count, first))| {
            let next = if next_step.is_empty() { String::new() } else { code(next_step) };
            vec![count.to_string(), escape(message), next, escape(&text::line(&text::short_name(first), 120))]
        })
        .collect();
    markup.push_str("<p>Nothing of this counts as met. Each line says what would settle it.</p>");
    markup.push_str(&table(&["#results", "what is missing", "what would settle it", "for example"], &rows));
    markup
}

fn exempt(assessment: &Assessment) -> String {
    let outcome = &assessment.exemptions;
    if outcome.used.is_empty() && outcome.expired.is_empty() && outcome.unused.is_empty() {
        return String::new();
    }
    let mut rows = Vec::new();
    let mut row = |entry: &crate::exemptions::Exemption, state: String| {
        rows.push(vec![
            code(&entry.check),
            code(&entry.resource),
            escape(entry.category.as_str()),
            escape(&entry.reason),
            escape(&entry.approver),
            text::time(entry.expires),
            state,
        ]);
    };
    outcome.used.iter().for_each(|(entry, count)| row(entry, text::count(*count, "result")));
    outcome.expired.iter().for_each(|entry| row(entry, "<b>expired, not applied</b>".to_owned()));
    outcome.unused.iter().for_each(|entry| row(entry, "matches nothing".to_owned()));
    let headers = ["check", "resource", "category", "reason", "approver", "until", "state"];
    format!("<h2>Exemptions</h2>{}", table(&headers, &rows))
}

fn policies(assessment: &Assessment) -> String {
    let Some(pack) = &assessment.policies else { return String::new() };
    let mut violated: Vec<_> =
        pack.policies.iter().filter(|policy| policy.counts.non_compliant > 0).collect();
    violated.sort_by(|left, right| {
        right.severity.cmp(&left.severity).then(right.counts.non_compliant.cmp(&left.counts.non_compliant))
    });
    let rows: Vec<Vec<String>> = violated
        .iter()
        .take(ROWS)
        .map(|policy| {
            vec![
                badge(policy.severity.as_str(), policy.severity),
                escape(&policy.display_name),
                policy.counts.non_compliant.to_string(),
                policy.counts.compliant.to_string(),
                policy.counts.unknown.to_string(),
            ]
        })
        .collect();
    let more = violated.len().saturating_sub(ROWS);
    let more = if more > 0 {
        format!("<p class=\"soft\">and {more} more definitions; the JSON report has them all.</p>")
    } else {
        String::new()
    };
    let not_evaluable: String = pack
        .not_evaluable
        .iter()
        .map(|(reason, count)| format!("<p class=\"soft\">{count} not evaluable: {}</p>", escape(reason)))
        .collect();
    format!(
        "<h2>Azure Policy</h2><p>{} evaluated {}; {} spoke about something in the estate.</p>{not_evaluable}{}{more}",
        text::count(pack.loaded, "definition"),
        pack.basis.sentence(),
        pack.policies.len(),
        table(&["severity", "definition", "#violations", "#compliant", "#unknown"], &rows)
    )
}

fn coverage(coverage: Option<&Coverage>) -> String {
    let Some(coverage) = coverage.filter(|coverage| !coverage.workloads.is_empty()) else {
        return String::new();
    };
    let workloads = coverage.workloads.iter().enumerate().take(ROWS);
    let rows: Vec<Vec<String>> = workloads
        .map(|(at, workload)| {
            let cells = Layer::ALL.iter().map(|layer| escape(&layers::cell(coverage, at, *layer)));
            let name = escape(&text::line(&workload.name, 120));
            [name, escape(workload.kind.as_str())].into_iter().chain(cells).collect()
        })
        .collect();
    let controls = coverage.rows.iter().take(ROWS * 4).filter_map(|row| {
        let workload = coverage.workloads.get(row.workload)?;
        Some(vec![
            escape(&text::line(&workload.name, 120)),
            escape(row.layer.as_str()),
            escape(&row.title),
            escape(row.decided.state.as_str()),
            escape(&text::line(&row.decided.reason, 600)),
            escape(&text::line(&row.decided.next, 600)),
        ])
    });
    let controls: Vec<Vec<String>> = controls.collect();
    format!(
        "<h2 id=\"coverage\">Coverage of the four layers</h2><p>{}</p>{}<details><summary>Every control ({})</summary>{}</details>",
        escape(layers::LEGEND),
        table(&["workload", "kind", "posture", "data", "identity", "model"], &rows),
        coverage.rows.len(),
        table(&["workload", "layer", "control", "state", "why", "what to do"], &controls)
    )
}

fn conformance(assessment: &Assessment) -> String {
    let Some(percent) = assessment.conformance.agreement_percent() else { return String::new() };
    let rows: Vec<Vec<String>> = assessment
        .conformance
        .definitions
        .iter()
        .take(ROWS)
        .map(|one| {
            vec![
                escape(&one.display_name),
                format!("{:.1} %", one.agreement_percent()),
                one.compared.to_string(),
                one.unknown_here.to_string(),
            ]
        })
        .collect();
    format!(
        "<h2>Agreement with Azure's own compliance states</h2><p>{percent:.1} % of the states that both sides could tell.</p>{}",
        table(&["definition", "#agreement", "#compared", "#unknown here"], &rows)
    )
}

fn frameworks(assessment: &Assessment) -> String {
    let mut markup = String::from(
        "<h2 id=\"frameworks\">Frameworks</h2><p>A dashed control has no check behind it: that says nothing about the estate. \
         A plain one has checks, but nothing that they speak about.</p>",
    );
    for framework in &assessment.compliance {
        markup.push_str(&format!(
            "<h3>{} <span class=\"soft\">{} &middot; {:.0} % of {} controls covered &middot; {} passed, {} failed, {} unknown</span></h3><div class=\"heat\">",
            escape(&framework.title),
            escape(&framework.pack),
            framework.coverage_percent(),
            framework.controls.len(),
            framework.count(ControlStatus::Passed),
            framework.count(ControlStatus::Failed),
            framework.count(ControlStatus::Unknown)
        ));
        for control in &framework.controls {
            let tip = format!(
                "{} - {}: {} passed, {} failed, {} unknown",
                control.title,
                control.status.as_str(),
                control.passed,
                control.failed,
                control.unknown
            );
            markup.push_str(&format!(
                "<span class=\"{}\" title=\"{}\">{}</span>",
                control.status.as_str(),
                escape(&tip),
                escape(&control.id)
            ));
        }
        markup.push_str("</div>");
    }
    markup
}

/// Derived kinds that make up the bill of materials, with the properties worth a column.
const MATERIALS: [(&str, &str, &[&str]); 5] = [
    (
        "Model deployments",
        "Castellan.AI/modelDeployments",
        &["model.name", "model.version", "raiPolicy.name", "model.retirementDate"],
    ),
    (
        "Agents",
        "Castellan.AI/agents",
        &["model", "readsPrivateData", "readsUntrustedContent", "sendsOutside"],
    ),
    ("MCP servers", "Castellan.AI/mcpServers", &["transport", "url", "package", "pinned"]),
    ("Connections", "Castellan.AI/connections", &["category", "target", "authType", "storesCredential"]),
    ("Endpoints", "Castellan.AI/endpoints", &["service", "exposure", "keyAccess", "privateEndpoints"]),
];

fn materials(report: &Report<'_>) -> String {
    let mut markup = String::from("<h2 id=\"materials\">Bill of materials</h2>");
    for (title, kind, columns) in MATERIALS {
        let resources: Vec<&Resource> = report.estate.of_type(kind).collect();
        if resources.is_empty() {
            continue;
        }
        let rows: Vec<Vec<String>> = resources
            .iter()
            .take(ROWS)
            .map(|resource| {
                let mut row = vec![escape(&text::line(
                    &resource
                        .id
                        .parent()
                        .map_or_else(|| resource.name().to_owned(), |parent| parent.full_name()),
                    120,
                ))];
                row.extend(columns.iter().map(|path| {
                    let found = resource.at_path(&format!("properties.{path}"));
                    found.filter(|node| !node.is_null()).map_or_else(String::new, cell)
                }));
                row
            })
            .collect();
        let headers: Vec<&str> = std::iter::once("name").chain(columns.iter().copied()).collect();
        markup.push_str(&format!("<h3>{title} ({})</h3>{}", resources.len(), table(&headers, &rows)));
    }
    let types: Vec<Vec<String>> = report
        .assessment
        .inventory
        .types
        .iter()
        .take(ROWS)
        .map(|(name, count)| vec![count.to_string(), code(name)])
        .collect();
    markup.push_str(&format!("<h3>Resource types</h3>{}", table(&["#resources", "type"], &types)));
    markup
}

fn cell(node: &Node) -> String {
    match node.as_str() {
        Some(words) => escape(&text::line(words, 120)),
        None => escape(&text::value(node)),
    }
}

fn inputs(assessment: &Assessment) -> String {
    let rows: Vec<Vec<String>> = assessment
        .inputs
        .iter()
        .take(ROWS)
        .map(|input| vec![code(&input.path), escape(&input.kind), input.resources.to_string()])
        .collect();
    let messages: Vec<Vec<String>> = assessment
        .diagnostics
        .iter()
        .take(ROWS)
        .map(|message| {
            let at = message.location.as_ref().map_or_else(String::new, |at| code(&at.to_string()));
            vec![
                format!("{:?}", message.level).to_lowercase(),
                at,
                escape(&message.message),
                escape(&message.help),
            ]
        })
        .collect();
    let mut markup =
        format!("<h2 id=\"inputs\">Inputs</h2>{}", table(&["file", "read as", "#resources"], &rows));
    if !messages.is_empty() {
        markup.push_str("<h3>While reading</h3>");
        markup.push_str(&table(&["level", "where", "message", "what to do"], &messages));
    }
    markup
}

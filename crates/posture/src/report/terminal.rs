//! Aligned tables for people: the summary first, then what is wrong, then what cannot be told and how to find out.

use std::collections::BTreeMap;
use std::io::{self, Write};

use castellan_base::{Level, Severity, Verdict};

use super::{Report, layers, text};
use crate::assessment::{AssessedFinding, Assessment, CheckResult};
use crate::compliance::ControlStatus;
use crate::coverage::{Coverage, Layer};

/// Resources shown below each check; the other forms have all of them.
const RESOURCES_SHOWN: usize = 5;
/// Policies shown.
const POLICIES_SHOWN: usize = 25;

struct Screen<'a> {
    out: &'a mut dyn Write,
    width: usize,
    colour: bool,
}

pub(super) fn write(report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
    let mut screen = Screen { out, width: report.width.clamp(40, 240), colour: report.colour };
    let assessment = report.assessment;
    summary(&mut screen, assessment)?;
    violations(&mut screen, assessment)?;
    unknowns(&mut screen, assessment)?;
    coverage(&mut screen, report.coverage)?;
    policies(&mut screen, assessment)?;
    conformance(&mut screen, assessment)?;
    compliance(&mut screen, assessment)?;
    exemptions(&mut screen, assessment)?;
    baseline(&mut screen, assessment)?;
    diagnostics(&mut screen, assessment)
}

const BOLD: &str = "1";
const DIM: &str = "2";

fn colour_of(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "1;35",
        Severity::High => "1;31",
        Severity::Medium => "33",
        Severity::Low => "36",
        Severity::Info => DIM,
    }
}

impl Screen<'_> {
    fn paint(&self, code: &str, words: &str) -> String {
        if self.colour { format!("\u{1b}[{code}m{words}\u{1b}[0m") } else { words.to_owned() }
    }

    fn heading(&mut self, words: &str) -> io::Result<()> {
        let painted = self.paint(BOLD, words);
        writeln!(self.out, "\n{painted}")
    }

    /// A line cut to the width; `used` columns stand before the text.
    fn fit(&self, words: &str, used: usize) -> String {
        text::line(words, self.width.saturating_sub(used).max(12))
    }

    /// Words wrapped to the width, every line indented.
    fn wrapped(&mut self, indent: usize, words: &str) -> io::Result<()> {
        let margin = " ".repeat(indent);
        let room = self.width.saturating_sub(indent).max(20);
        let mut current = String::new();
        for word in text::line(words, 4000).split_whitespace() {
            let longer = current.chars().count() + 1 + word.chars().count();
            if !current.is_empty() && longer > room {
                writeln!(self.out, "{margin}{current}")?;
                current.clear();
            }
            if !current.is_empty() {
                current.push(' ');
            }
            current.push_str(word);
        }
        if current.is_empty() { Ok(()) } else { writeln!(self.out, "{margin}{current}") }
    }
}

fn summary(screen: &mut Screen<'_>, assessment: &Assessment) -> io::Result<()> {
    let summary = assessment.summary();
    let inventory = &assessment.inventory;
    let useful = assessment.inputs.iter().filter(|input| input.resources > 0).count();
    let mut read = format!(
        "{} from {}, {} derived",
        text::count(inventory.resources, "resource"),
        text::count(useful, "input"),
        inventory.derived
    );
    if inventory.conditional > 0 {
        read.push_str(&format!("; {} deployed on a condition", inventory.conditional));
    }
    if inventory.referenced > 0 {
        read.push_str(&format!("; {} only referred to", inventory.referenced));
    }
    row(screen, "Read", &read)?;
    let score = assessment.secure_score.percent.map_or_else(
        || "nothing could be assessed".to_owned(),
        |percent| {
            let current: f64 = assessment.secure_score.controls.iter().map(|control| control.current).sum();
            let max: f64 = assessment.secure_score.controls.iter().map(|control| control.max).sum();
            format!("{percent:.0} % ({current:.1} of {max:.0} points)")
        },
    );
    row(screen, "Secure score", &score)?;
    let risk = match (assessment.risk.score, assessment.risk.upper) {
        (Some(risk), Some(upper)) if upper - risk >= 0.5 => {
            format!("{risk:.0} of 100, up to {upper:.0} with what cannot be told")
        }
        (Some(risk), _) => format!("{risk:.0} of 100"),
        _ => "nothing could be assessed".to_owned(),
    };
    row(screen, "Risk", &risk)?;
    let violated = by_severity(screen, &summary.violations);
    row(screen, "Violations", &violated)?;
    if assessment.policies.is_some() {
        let violated = by_severity(screen, &summary.policy_violations);
        row(screen, "Of policies", &violated)?;
    }
    let rest =
        format!("{} met, {} cannot be told, {} exempt", summary.compliant, summary.unknown, summary.exempt);
    row(screen, "Other results", &rest)?;
    if summary.errors > 0 {
        row(screen, "Errors", &format!("{} (at the end)", text::count(summary.errors, "problem")))?;
    }
    Ok(())
}

fn by_severity(screen: &Screen<'_>, counts: &BTreeMap<Severity, usize>) -> String {
    let some = counts.iter().rev().filter(|(_, count)| **count > 0);
    let words: Vec<String> = some
        .map(|(severity, count)| screen.paint(colour_of(*severity), &format!("{count} {severity}")))
        .collect();
    if words.is_empty() { "none".to_owned() } else { words.join(", ") }
}

fn row(screen: &mut Screen<'_>, label: &str, words: &str) -> io::Result<()> {
    let label = screen.paint(BOLD, &format!("{label:<14}"));
    writeln!(screen.out, "{label} {words}")
}

fn by_check(
    assessment: &Assessment,
    keep: impl Fn(&AssessedFinding) -> bool,
) -> Vec<(&CheckResult, Vec<&AssessedFinding>)> {
    let mut groups: BTreeMap<usize, Vec<&AssessedFinding>> = BTreeMap::new();
    for found in assessment.findings.iter().filter(|found| keep(found)) {
        groups.entry(found.check).or_default().push(found);
    }
    let mut groups: Vec<(&CheckResult, Vec<&AssessedFinding>)> = groups
        .into_iter()
        .filter_map(|(index, found)| Some((assessment.checks.get(index)?, found)))
        .collect();
    groups.sort_by(|(left, _), (right, _)| {
        let order = right.check.severity.cmp(&left.check.severity);
        order.then(right.risk_gain.total_cmp(&left.risk_gain)).then(left.check.id.cmp(&right.check.id))
    });
    groups
}

fn violations(screen: &mut Screen<'_>, assessment: &Assessment) -> io::Result<()> {
    let groups = by_check(assessment, AssessedFinding::is_violation);
    if groups.is_empty() {
        return Ok(());
    }
    screen.heading("What is wrong")?;
    for (result, found) in groups {
        let severity = result.check.severity;
        let label = screen.paint(colour_of(severity), &format!("{:<8}", severity.as_str()));
        let gain = format!(
            "{:>4}x  risk -{:<4.1} score +{:<4.1}",
            found.len(),
            result.risk_gain,
            result.secure_score_gain
        );
        let title = screen.fit(&result.check.title, 38);
        writeln!(screen.out, "{label} {gain}  {title}")?;
        let id = screen.paint(DIM, &result.check.id);
        writeln!(screen.out, "         {id}")?;
        for one in found.iter().take(RESOURCES_SHOWN) {
            resource(screen, one)?;
        }
        if found.len() > RESOURCES_SHOWN {
            let more =
                format!("... and {} more; `--format json` lists them all", found.len() - RESOURCES_SHOWN);
            writeln!(screen.out, "         {more}")?;
        }
        screen.wrapped(9, &format!("Fix: {}", result.check.remediation))?;
    }
    Ok(())
}

fn resource(screen: &mut Screen<'_>, found: &AssessedFinding) -> io::Result<()> {
    let name = text::line(&text::short_name(found), 60);
    let place = found.finding.location.as_ref().map_or_else(String::new, |at| format!("  {at}"));
    let mut words = format!("- {name}{place}");
    if found.condition.is_some() {
        words.push_str("  (deployed on a condition)");
    }
    let words = screen.fit(&words, 9);
    writeln!(screen.out, "         {words}")?;
    let reason = text::reason(found);
    if !reason.is_empty() {
        let reason = screen.fit(&reason, 11);
        let reason = screen.paint(DIM, &reason);
        writeln!(screen.out, "           {reason}")?;
    }
    Ok(())
}

fn unknowns(screen: &mut Screen<'_>, assessment: &Assessment) -> io::Result<()> {
    let mut groups: BTreeMap<(&str, &str), (usize, &AssessedFinding)> = BTreeMap::new();
    for found in assessment.findings.iter() {
        if let Verdict::Unknown(unknown) = &found.finding.verdict {
            let group = groups.entry((&unknown.message, &unknown.next_step)).or_insert((0, found));
            group.0 += 1;
        }
    }
    if groups.is_empty() {
        return Ok(());
    }
    screen.heading("What cannot be told, and what would settle it")?;
    let mut groups: Vec<_> = groups.into_iter().collect();
    groups.sort_by(|(left_key, left), (right_key, right)| right.0.cmp(&left.0).then(left_key.cmp(right_key)));
    let shown = 15;
    for ((message, next_step), (count, first)) in groups.iter().take(shown) {
        let words = screen.fit(&format!("{message} ({})", text::short_name(first)), 7);
        writeln!(screen.out, "{count:>4}x  {words}")?;
        if !next_step.is_empty() {
            screen.wrapped(7, &format!("-> {next_step}"))?;
        }
    }
    if groups.len() > shown {
        writeln!(screen.out, "       ... and {} more reasons", groups.len() - shown)?;
    }
    Ok(())
}

fn policies(screen: &mut Screen<'_>, assessment: &Assessment) -> io::Result<()> {
    let Some(pack) = &assessment.policies else { return Ok(()) };
    screen.heading("Azure Policy")?;
    let line = format!(
        "{} evaluated {}, {} spoke about something; {} verdicts",
        text::count(pack.loaded, "definition"),
        pack.basis.sentence(),
        pack.policies.len(),
        pack.verdicts
    );
    screen.wrapped(0, &line)?;
    for (reason, count) in &pack.not_evaluable {
        screen.wrapped(2, &format!("{count} not evaluable: {reason}"))?;
    }
    let mut worst: Vec<_> = pack.policies.iter().filter(|policy| policy.counts.non_compliant > 0).collect();
    worst.sort_by(|left, right| {
        right.severity.cmp(&left.severity).then(right.counts.non_compliant.cmp(&left.counts.non_compliant))
    });
    for policy in worst.iter().take(POLICIES_SHOWN) {
        let title = screen.fit(&policy.display_name, 16);
        writeln!(screen.out, "{:<8} {:>5}x {title}", policy.severity.as_str(), policy.counts.non_compliant)?;
    }
    if worst.len() > POLICIES_SHOWN {
        writeln!(screen.out, "         ... and {} more definitions", worst.len() - POLICIES_SHOWN)?;
    }
    Ok(())
}

fn conformance(screen: &mut Screen<'_>, assessment: &Assessment) -> io::Result<()> {
    let Some(percent) = assessment.conformance.agreement_percent() else { return Ok(()) };
    let compared: usize = assessment.conformance.definitions.iter().map(|one| one.compared).sum();
    screen.heading("Agreement with Azure's own compliance states")?;
    let words = format!(
        "{percent:.1} % of {compared} states over {}",
        text::count(assessment.conformance.definitions.len(), "definition")
    );
    screen.wrapped(0, &words)?;
    for one in assessment.conformance.definitions.iter().filter(|one| one.agreed < one.compared) {
        let words = screen.fit(&one.display_name, 18);
        writeln!(screen.out, "{:>5}/{:<5} agree  {words}", one.agreed, one.compared)?;
    }
    Ok(())
}

fn compliance(screen: &mut Screen<'_>, assessment: &Assessment) -> io::Result<()> {
    if assessment.compliance.is_empty() {
        return Ok(());
    }
    screen.heading("Frameworks")?;
    let header = format!(
        "{:<20} {:>8} {:>7} {:>7} {:>8} {:>9}  {:>12}",
        "", "controls", "passed", "failed", "unknown", "nothing", "no check yet"
    );
    writeln!(screen.out, "{}", screen.paint(DIM, &header))?;
    for framework in &assessment.compliance {
        let count = |status| framework.count(status);
        writeln!(
            screen.out,
            "{:<20} {:>8} {:>7} {:>7} {:>8} {:>9}  {:>12}",
            text::line(&framework.pack, 20),
            framework.controls.len(),
            count(ControlStatus::Passed),
            count(ControlStatus::Failed),
            count(ControlStatus::Unknown),
            count(ControlStatus::NotAssessed),
            count(ControlStatus::NotCovered),
        )?;
    }
    let note = "nothing: there are checks, but nothing in the estate that they speak about";
    writeln!(screen.out, "{}", screen.paint(DIM, note))
}

fn coverage(screen: &mut Screen<'_>, coverage: Option<&Coverage>) -> io::Result<()> {
    let Some(coverage) = coverage.filter(|coverage| !coverage.workloads.is_empty()) else { return Ok(()) };
    screen.heading("Coverage of the four layers")?;
    let header =
        format!("{:<26} {:<10} {:<14} {:<14} {:<14} {:<14}", "", "", "posture", "data", "identity", "model");
    writeln!(screen.out, "{}", screen.paint(DIM, header.trim_end()))?;
    for (at, workload) in coverage.workloads.iter().enumerate().take(layers::WORKLOADS) {
        let mut words = format!("{:<26} {:<10}", text::line(&workload.name, 26), workload.kind.as_str());
        for layer in Layer::ALL {
            words.push_str(&format!(" {:<14}", layers::cell(coverage, at, layer)));
        }
        writeln!(screen.out, "{}", words.trim_end())?;
    }
    if coverage.workloads.len() > layers::WORKLOADS {
        writeln!(screen.out, "... and {} more workloads", coverage.workloads.len() - layers::WORKLOADS)?;
    }
    writeln!(screen.out, "{}", screen.paint(DIM, layers::LEGEND))?;
    let worst = layers::worst(coverage);
    for (workload, row) in worst.iter().take(layers::TOLD) {
        let words = format!(
            "{}: {} ({}): {}",
            workload.name,
            row.title,
            row.decided.state.as_str(),
            row.decided.reason
        );
        screen.wrapped(0, &words)?;
        screen.wrapped(2, &row.decided.next)?;
    }
    if worst.len() > layers::TOLD {
        writeln!(screen.out, "... and {} more gaps", worst.len() - layers::TOLD)?;
    }
    Ok(())
}

fn exemptions(screen: &mut Screen<'_>, assessment: &Assessment) -> io::Result<()> {
    let outcome = &assessment.exemptions;
    if outcome.used.is_empty() && outcome.unused.is_empty() && outcome.expired.is_empty() {
        return Ok(());
    }
    screen.heading("Exemptions")?;
    for (entry, count) in &outcome.used {
        let words = format!(
            "{} on {}: {}, until {}",
            entry.check,
            entry.resource,
            text::count(*count, "result"),
            text::time(entry.expires)
        );
        screen.wrapped(0, &words)?;
    }
    for entry in &outcome.expired {
        let place = entry.location.as_ref().map_or_else(String::new, |at| format!(" ({at})"));
        screen.wrapped(0, &format!("expired, not applied: {} on {}{place}", entry.check, entry.resource))?;
    }
    for entry in &outcome.unused {
        let place = entry.location.as_ref().map_or_else(String::new, |at| format!(" ({at})"));
        screen.wrapped(0, &format!("matches nothing: {} on {}{place}", entry.check, entry.resource))?;
    }
    Ok(())
}

fn baseline(screen: &mut Screen<'_>, assessment: &Assessment) -> io::Result<()> {
    let Some(outcome) = &assessment.baseline else { return Ok(()) };
    screen.heading("Against the baseline")?;
    writeln!(screen.out, "{} new, {} known, {} gone", outcome.new, outcome.known, outcome.fixed.len())?;
    for gone in outcome.fixed.iter().take(10) {
        let words = screen.fit(&format!("gone: {} {}", gone.check, gone.resource), 0);
        writeln!(screen.out, "{words}")?;
    }
    Ok(())
}

fn diagnostics(screen: &mut Screen<'_>, assessment: &Assessment) -> io::Result<()> {
    let shown: Vec<_> =
        assessment.diagnostics.iter().filter(|message| message.level != Level::Note).collect();
    if shown.is_empty() {
        return Ok(());
    }
    screen.heading("While reading")?;
    for message in shown.iter().take(20) {
        let level = if message.level == Level::Error { "error" } else { "warning" };
        let place = message.location.as_ref().map_or_else(String::new, |at| format!("{at}: "));
        screen.wrapped(0, &format!("{level}: {place}{}", message.message))?;
        if !message.help.is_empty() {
            screen.wrapped(2, &message.help)?;
        }
    }
    if shown.len() > 20 {
        writeln!(screen.out, "... and {} more", shown.len() - 20)?;
    }
    Ok(())
}

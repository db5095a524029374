//! Plans, runs and their histories as people and programs read them.

use std::fmt::Write as _;

use anyhow::Result;
use castellan_respond::run::{Outcome, Plan, PlannedStep, Record, Report, State, Status, Wait};
use serde::Serialize;
use serde_json::{Value, json};

use crate::arguments::PlaybookFormat;
use crate::output::{inert_lines, to_stdout};

/// A value as JSON, on one line or on several.
pub(super) fn value(value: &impl Serialize, asked: PlaybookFormat) -> Result<()> {
    let text = match asked {
        PlaybookFormat::Jsonl => serde_json::to_string(value)?,
        _ => serde_json::to_string_pretty(value)?,
    };
    to_stdout((text + "\n").as_bytes())
}

/// Values as one document, or a line each.
pub(super) fn values(all: &[impl Serialize], asked: PlaybookFormat) -> Result<()> {
    if asked != PlaybookFormat::Jsonl {
        return value(&all, asked);
    }
    all.iter().try_for_each(|one| value(one, asked))
}

fn words(text: &str) -> Result<()> {
    to_stdout(inert_lines(text).as_bytes())
}

/// What a playbook would do.
pub(super) fn plan(made: &Plan, asked: PlaybookFormat) -> Result<()> {
    if asked != PlaybookFormat::Table {
        return value(made, asked);
    }
    let mut text = format!("{} ({})\n", made.name, made.playbook);
    for (number, step) in (1..).zip(&made.steps) {
        planned(number, step, &mut text);
    }
    text.push_str(if made.problems.is_empty() {
        "\nit would run through\n"
    } else {
        "\nit would not run through:\n"
    });
    for problem in &made.problems {
        let _ = writeln!(text, "  - {problem}");
    }
    words(&text)
}

fn planned(number: usize, step: &PlannedStep, text: &mut String) {
    // Writing to a string cannot fail.
    let _ = writeln!(text, "\n{number}. {} [{}]", step.name, step.action);
    let now = step.now.as_ref().map(Value::to_string).unwrap_or_default();
    let inputs: Vec<String> = step.inputs.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let lines = [
        ("when", step.when.join("; ")),
        ("on", step.target.clone()),
        ("change", step.change.clone()),
        ("now", now),
        ("inputs", inputs.join(", ")),
        ("approval", step.approval.clone().unwrap_or_default()),
        ("undo", step.undo.clone()),
        ("proof", step.probe.clone()),
    ];
    for (name, line) in lines.iter().filter(|(_, line)| !line.is_empty()) {
        let _ = writeln!(text, "   {name:<9}{line}");
    }
}

/// How a run stands.
pub(super) fn report(made: &Report, asked: PlaybookFormat) -> Result<()> {
    if asked == PlaybookFormat::Table { words(&told(made)) } else { value(made, asked) }
}

/// How runs stand.
pub(super) fn reports(made: &[Report], asked: PlaybookFormat) -> Result<()> {
    if asked != PlaybookFormat::Table {
        return values(made, asked);
    }
    made.iter().try_for_each(|report| words(&told(report)))
}

fn told(made: &Report) -> String {
    let status = match made.status {
        Status::Waiting => "waits",
        Status::Completed => "completed",
        Status::Failed => "failed",
        Status::Cancelled => "cancelled",
        Status::Interrupted => "was cut off; resume it",
    };
    let reason = if made.reason.is_empty() { String::new() } else { format!(": {}", made.reason) };
    let mut text = format!("{} {status}{reason}\n", made.run);
    for step in &made.steps {
        let sign = if step.success { "done" } else { "failed" };
        let undone = match &step.undone {
            None => String::new(),
            Some((true, how)) => format!("; undone: {how}"),
            Some((false, why)) => format!("; NOT undone: {why}"),
        };
        let action = if step.action.is_empty() { String::new() } else { format!(" [{}]", step.action) };
        let _ = writeln!(text, "  {sign:<7}{}{action}: {}{undone}", step.path, step.reason);
    }
    for (path, reason) in &made.handled {
        let _ = writeln!(text, "  handled {path}: {reason}");
    }
    for wait in &made.waits {
        let _ = writeln!(text, "  waits  {}", waiting(wait));
    }
    text
}

fn waiting(wait: &Wait) -> String {
    match wait {
        Wait::Time { path, until, reason } => format!("{path} until {until}: {reason}"),
        Wait::Approval { path, approvers, missing, question, until } => {
            let who = approvers.join(", ");
            format!(
                "{path} for {missing} approval(s) of {who} until {until}: {question} (`castellan playbook approve`)"
            )
        }
        Wait::Task { path, instruction, until } => {
            let until = until.map(|until| format!(" until {until}")).unwrap_or_default();
            format!("{path} for a person{until}: {instruction} (`castellan playbook complete`)")
        }
        Wait::Look { path, reason } => {
            format!(
                "{path} for a person who looks whether it took effect: {reason} (`castellan playbook settle`)"
            )
        }
    }
}

/// Everything that happened in a run.
pub(super) fn history(records: &[Record], asked: PlaybookFormat) -> Result<()> {
    if asked != PlaybookFormat::Table {
        return values(records, asked);
    }
    let mut text = String::new();
    for record in records {
        let mut line = serde_json::to_value(&record.event)?;
        let event = line.get("event").and_then(Value::as_str).unwrap_or_default().to_owned();
        if let Some(members) = line.as_object_mut() {
            members.remove("event");
            // Whole playbooks are in the JSON formats.
            members.remove("playbooks");
        }
        let _ = writeln!(text, "{:>4}  {}  {event}  {line}", record.sequence, record.at);
    }
    words(&text)
}

/// All runs.
pub(super) fn runs(made: &[(String, State)], asked: PlaybookFormat) -> Result<()> {
    let status = |state: &State| match &state.closed {
        None => "open",
        Some((Outcome::Completed, _)) => "completed",
        Some((Outcome::Failed, _)) => "failed",
        Some((Outcome::Cancelled, _)) => "cancelled",
    };
    if asked != PlaybookFormat::Table {
        let all: Vec<Value> = made
            .iter()
            .map(|(run, state)| {
                json!({"run": run, "playbook": state.opened.playbook, "status": status(state),
                    "started": state.started, "by": state.opened.by, "cause": state.opened.cause})
            })
            .collect();
        return values(&all, asked);
    }
    let mut text = String::new();
    for (run, state) in made {
        let opened = &state.opened;
        let _ = writeln!(
            text,
            "{run}  {}  {}  by {}  {}  {}",
            status(state),
            state.started,
            opened.by,
            opened.playbook,
            opened.cause
        );
    }
    words(&text)
}

//! What a person or a program reads.

use anyhow::Result;
use castellan_base::System;
use serde_json::Value;

use super::values;
use crate::Ending;
use crate::arguments::IncidentFormat;
use crate::output::{inert_lines, to_stdout, width};
use crate::tables::plain;

fn text<'v>(value: &'v Value, name: &str) -> &'v str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}

fn number(value: &Value, name: &str) -> String {
    value.get(name).filter(|value| value.is_number()).map(ToString::to_string).unwrap_or_default()
}

/// A cell: nothing of it steers the terminal, and it has one line.
fn cell(text: &str, most: usize) -> String {
    let line: String = text.chars().map(|each| if each == '\n' { ' ' } else { each }).take(most).collect();
    let end = if text.chars().nth(most).is_some() { "..." } else { "" };
    inert_lines(&format!("{line}{end}"))
}

/// A time to the minute.
fn moment(text: &str) -> String {
    text.get(..16).unwrap_or(text).replace('T', " ")
}

fn joined(value: &Value, name: &str) -> String {
    let items = value.get(name).and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    items.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(", ")
}

/// Prints JSON where that is asked for; whether it did.
fn printed(told: &Value, list: &[Value], format: IncidentFormat) -> Result<bool> {
    match format {
        IncidentFormat::Table => return Ok(false),
        IncidentFormat::Json => to_stdout((serde_json::to_string_pretty(told)? + "\n").as_bytes())?,
        IncidentFormat::Jsonl => {
            let lines: String = list.iter().map(|item| format!("{item}\n")).collect();
            to_stdout(lines.as_bytes())?;
        }
    }
    Ok(true)
}

fn table(header: &[&str], rows: Vec<Vec<String>>, none: &str, system: &dyn System) -> Result<()> {
    if rows.is_empty() {
        return to_stdout(format!("{none}\n").as_bytes());
    }
    to_stdout(plain(header, rows, width(system)).as_bytes())
}

pub(super) fn list(told: &Value, format: IncidentFormat, system: &dyn System) -> Result<Ending> {
    let all = values(told);
    if printed(&Value::Array(all.to_vec()), all, format)? {
        return Ok(Ending::Fine);
    }
    let row = |one: &Value| {
        vec![
            number(one, "number"),
            text(one, "severity").to_owned(),
            text(one, "status").to_owned(),
            cell(text(one, "title"), 70),
            cell(text(one, "owner"), 30),
            number(one, "alerts"),
            moment(text(one, "lastActivity")),
        ]
    };
    let header = ["number", "severity", "status", "title", "owner", "alerts", "last activity"];
    table(&header, all.iter().map(row).collect(), "There are none.", system)?;
    let total = told.get("total").and_then(Value::as_u64).unwrap_or_default();
    let shown = u64::try_from(all.len()).unwrap_or_default();
    if total > shown {
        to_stdout(format!("{shown} of {total}; --top and --skip show others\n").as_bytes())?;
    }
    Ok(Ending::Fine)
}

/// What a change made, in a line or as JSON.
pub(super) fn changed(told: &Value) -> Result<Ending> {
    if super::format(None) != IncidentFormat::Table {
        to_stdout((serde_json::to_string_pretty(told)? + "\n").as_bytes())?;
        return Ok(Ending::Fine);
    }
    let line = format!(
        "incident {} is at version {}: {}, {}, {}",
        number(told, "number"),
        number(told, "version"),
        text(told, "severity"),
        text(told, "status"),
        if text(told, "owner").is_empty() { "nobody's" } else { text(told, "owner") },
    );
    to_stdout((inert_lines(&line) + "\n").as_bytes())?;
    Ok(Ending::Fine)
}

pub(super) fn case(case: &Value, format: IncidentFormat, system: &dyn System) -> Result<Ending> {
    if printed(case, std::slice::from_ref(case), format)? {
        return Ok(Ending::Fine);
    }
    let owner = if text(case, "owner").is_empty() { "nobody" } else { text(case, "owner") };
    let mut out = format!(
        "Incident {}: {}\n{} {}, {owner}, version {}\n{} to {}\n",
        number(case, "number"),
        text(case, "title"),
        text(case, "severity"),
        text(case, "status"),
        number(case, "version"),
        moment(text(case, "firstActivity")),
        moment(text(case, "lastActivity")),
    );
    for (name, words) in [("labels", "labels"), ("tactics", "tactics"), ("techniques", "techniques")] {
        let all = joined(case, name);
        if !all.is_empty() {
            out.push_str(&format!("{words}: {all}\n"));
        }
    }
    if !text(case, "description").is_empty() {
        out.push_str(&format!("\n{}\n", text(case, "description")));
    }
    to_stdout(inert_lines(&out).as_bytes())?;
    part("Alerts", case, "alerts", &["severity", "alert", "times", "first event", "id"], system, |one| {
        let id = text(one, "id").to_owned();
        vec![
            text(one, "severity").to_owned(),
            cell(text(one, "name"), 60),
            number(one, "count"),
            moment(text(one, "start")),
            id,
        ]
    })?;
    part("Why they are one", case, "links", &["weight", "why"], system, |one| {
        vec![number(one, "weight"), cell(text(one, "reason"), 200)]
    })?;
    part("Entities", case, "entities", &["type", "entity"], system, |one| {
        vec![text(one, "kind").to_owned(), cell(text(one, "label"), 120)]
    })?;
    part("Tasks", case, "tasks", &["task", "title", "state"], system, |one| {
        let is_done = one.get("isDone").and_then(Value::as_bool).unwrap_or_default();
        vec![
            text(one, "id").to_owned(),
            cell(text(one, "title"), 100),
            if is_done { "done" } else { "open" }.to_owned(),
        ]
    })?;
    part("Comments", case, "comments", &["time", "who", "comment"], system, |one| {
        vec![moment(text(one, "at")), cell(text(one, "by"), 30), cell(text(one, "text"), 300)]
    })?;
    part("Evidence", case, "evidence", &["id", "kind", "text"], system, exhibit)?;
    Ok(Ending::Fine)
}

/// A part of an incident under its name; nothing where there is none of it.
fn part(
    name: &str,
    case: &Value,
    member: &str,
    header: &[&str],
    system: &dyn System,
    row: impl Fn(&Value) -> Vec<String>,
) -> Result<()> {
    let items = case.get(member).and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    if items.is_empty() {
        return Ok(());
    }
    to_stdout(format!("\n{name}\n").as_bytes())?;
    table(header, items.iter().map(row).collect(), "", system)
}

fn exhibit(one: &Value) -> Vec<String> {
    let sealed = if one.get("sealedTo").is_some_and(Value::is_string) { "" } else { " (original not kept)" };
    let id = text(one, "id");
    vec![
        id.get(..12).unwrap_or(id).to_owned(),
        format!("{}{sealed}", cell(text(one, "kind"), 40)),
        cell(text(one, "redacted"), 300),
    ]
}

pub(super) fn evidence(told: &Value, format: IncidentFormat, system: &dyn System) -> Result<Ending> {
    let all = values(told);
    if !printed(&Value::Array(all.to_vec()), all, format)? {
        table(&["id", "kind", "text"], all.iter().map(exhibit).collect(), "No text was kept.", system)?;
    }
    Ok(Ending::Fine)
}

pub(super) fn timeline(told: &Value, format: IncidentFormat, system: &dyn System) -> Result<Ending> {
    let all = values(told);
    if printed(&Value::Array(all.to_vec()), all, format)? {
        return Ok(Ending::Fine);
    }
    let row = |one: &Value| {
        let at = text(one, "at");
        vec![
            at.get(..19).unwrap_or(at).replace('T', " "),
            text(one, "kind").to_owned(),
            cell(text(one, "title"), 80),
            cell(text(one, "by"), 30),
            cell(text(one, "told"), 160),
        ]
    };
    table(
        &["time", "kind", "what", "who", "more"],
        all.iter().map(row).collect(),
        "Nothing happened.",
        system,
    )?;
    Ok(Ending::Fine)
}

pub(super) fn trail(told: &Value, format: IncidentFormat, system: &dyn System) -> Result<Ending> {
    let all = values(told);
    if printed(&Value::Array(all.to_vec()), all, format)? {
        return Ok(Ending::Fine);
    }
    let row = |one: &Value| {
        vec![
            moment(text(one, "at")),
            cell(text(one, "by"), 40),
            text(one, "what").to_owned(),
            cell(text(one, "told"), 200),
        ]
    };
    table(&["time", "who", "what", "more"], all.iter().map(row).collect(), "Nothing was done.", system)?;
    Ok(Ending::Fine)
}

pub(super) fn audit(told: &Value, format: IncidentFormat, system: &dyn System) -> Result<Ending> {
    let all = values(told);
    if printed(&Value::Array(all.to_vec()), all, format)? {
        return Ok(Ending::Fine);
    }
    let row = |one: &Value| {
        let evidence = text(one, "evidence");
        vec![
            moment(text(one, "at")),
            text(one, "act").to_owned(),
            cell(text(one, "by"), 40),
            number(one, "incident"),
            evidence.get(..12).unwrap_or(evidence).to_owned(),
            cell(if text(one, "reason").is_empty() { text(one, "key") } else { text(one, "reason") }, 200),
        ]
    };
    let header = ["time", "act", "who", "incident", "evidence", "why"];
    table(&header, all.iter().map(row).collect(), "Nobody opened any evidence.", system)?;
    Ok(Ending::Fine)
}

pub(super) fn verified(told: &Value, format: IncidentFormat) -> Result<Ending> {
    let is_whole = told.get("whole").and_then(Value::as_bool).unwrap_or_default();
    let ending = if is_whole { Ending::Fine } else { Ending::Findings };
    if printed(told, std::slice::from_ref(told), format)? {
        return Ok(ending);
    }
    let line = match told.get("found").filter(|_| is_whole) {
        Some(found) => format!(
            "whole: {} records in {} journals, {} entries of the audit log, {} sealed originals\n",
            number(found, "records"),
            number(found, "journals"),
            number(found, "audited"),
            number(found, "evidence"),
        ),
        None => format!("damaged: {}\n", text(told, "problem")),
    };
    to_stdout(inert_lines(&line).as_bytes())?;
    Ok(ending)
}

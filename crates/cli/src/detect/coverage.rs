//! `castellan detect coverage`: what rules are about, by the lists of MITRE and OWASP.

use anyhow::Result;
use castellan_base::System;
use castellan_detect::coverage::{Coverage, EntryCoverage, TacticCoverage, coverage};
use serde_json::{Value, json};

use super::{ending, format, open, print, print_lines};
use crate::Ending;
use crate::arguments::{CoverageArguments, DetectFormat};
use crate::output::{to_stdout, width};
use crate::tables::plain;

pub(super) fn run(arguments: &CoverageArguments, system: &dyn System) -> Result<Ending> {
    let Some(read) = open(&arguments.rules, system)? else { return Ok(Ending::BadInput) };
    read.tell(arguments.rules.quiet);
    let made = coverage(&read.rules);
    match format(&arguments.rules) {
        DetectFormat::Table => to_stdout(table(&made, width(system)).as_bytes())?,
        DetectFormat::Json => print(&serde_json::to_value(&made)?)?,
        DetectFormat::Jsonl => print_lines(&lines(&made))?,
    }
    Ok(ending(read.has_errors()))
}

fn table(made: &Coverage, width: usize) -> String {
    let tactics = made
        .tactics
        .iter()
        .map(|tactic| vec![tactic.tactic.to_string(), tactic.rules.to_string(), techniques(tactic)]);
    let mut text = format!("{} rules, {} turned on\n\nMITRE ATT&CK\n", made.rules, made.enabled);
    text.push_str(&plain(&["tactic", "rules", "techniques"], tactics, width));
    text.push_str(&list("MITRE ATLAS", &made.atlas, width));
    for (name, entries) in &made.owasp {
        text.push_str(&list(name, entries, width));
    }
    if !made.without_tactic.is_empty() {
        text.push_str(&format!("\n{} rules have no tactic\n", made.without_tactic.len()));
    }
    text
}

/// Techniques and how many rules have them.
fn techniques(tactic: &TacticCoverage) -> String {
    let each = tactic.techniques.iter().map(|(id, count)| format!("{id} ({count})"));
    each.collect::<Vec<_>>().join(", ")
}

/// The entries of a list that rules have, and how many it has.
fn list(name: &str, entries: &[EntryCoverage], width: usize) -> String {
    let covered: Vec<&EntryCoverage> = entries.iter().filter(|entry| !entry.rules.is_empty()).collect();
    let head = format!("\n{name}: {} of {} entries\n", covered.len(), entries.len());
    if covered.is_empty() {
        return head;
    }
    let rows = covered
        .iter()
        .map(|entry| vec![entry.id.to_string(), entry.title.to_string(), entry.rules.len().to_string()]);
    head + &plain(&["entry", "title", "rules"], rows, width)
}

fn lines(made: &Coverage) -> Vec<Value> {
    let named = |list: &str, value: Value| {
        let mut line = json!({ "list": list });
        if let (Some(members), Value::Object(more)) = (line.as_object_mut(), value) {
            members.extend(more);
        }
        line
    };
    let tactics = made.tactics.iter().map(|tactic| named("attack", json!(tactic)));
    let atlas = made.atlas.iter().map(|entry| named("atlas", json!(entry)));
    let owasp = made
        .owasp
        .iter()
        .flat_map(|(list, entries)| entries.iter().map(move |entry| named(list, json!(entry))));
    tactics.chain(atlas).chain(owasp).collect()
}

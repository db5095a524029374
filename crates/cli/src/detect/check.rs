//! `castellan detect check`.

use anyhow::Result;
use castellan_base::{Diagnostic, Level, System};
use castellan_detect::check::{Checked, Report, Verdict, report};
use castellan_detect::rule::Rule;
use castellan_lake::{Lake, Options};
use serde_json::{Value, json};

use super::{Read, diagnostic_json, ending, format, open, print, print_lines};
use crate::Ending;
use crate::arguments::{CheckArguments, DetectFormat};
use crate::output::{inert_lines, to_stdout, width};
use crate::tables::plain;

pub(super) async fn run(arguments: &CheckArguments, system: &dyn System) -> Result<Ending> {
    let Some(mut read) = open(&arguments.rules, system)? else { return Ok(Ending::BadInput) };
    if let Some(folder) = &arguments.lake {
        let lake = Lake::open_for_reading(folder, Options::default()).await?;
        for table in lake.tables() {
            let name = table.schema.name();
            read.schemas.add_table(std::sync::Arc::clone(name), table.schema.columns().to_vec());
        }
    }
    let made = report(&read.rules, &read.schemas, &read.sources);
    match format(&arguments.rules) {
        DetectFormat::Table => table(&read, &made, arguments, system)?,
        DetectFormat::Json => print(&document(&read, &made))?,
        DetectFormat::Jsonl => {
            let rules = pairs(&read, &made).map(|(rule, checked)| rule_json(&read, rule, checked));
            print_lines(&rules.collect::<Vec<_>>())?;
            of_files(&read, &made).for_each(|found| tell(&read, found, arguments.rules.quiet));
        }
    }
    let is_wrong = [Verdict::Wrong, Verdict::Broken].iter().any(|verdict| made.count(*verdict) > 0);
    Ok(ending(is_wrong || of_files(&read, &made).any(|found| found.level == Level::Error)))
}

fn pairs<'a>(read: &'a Read, made: &'a Report) -> impl Iterator<Item = (&'a Rule, &'a Checked)> {
    read.rules.iter().zip(&made.rules)
}

/// What is wrong with no rule alone.
fn of_files<'a>(read: &'a Read, made: &'a Report) -> impl Iterator<Item = &'a Diagnostic> {
    read.diagnostics.iter().chain(&made.diagnostics)
}

fn tell(read: &Read, found: &Diagnostic, quiet: bool) {
    if found.level == Level::Error || !quiet {
        crate::estate::report(std::slice::from_ref(found), &read.sources);
    }
}

fn table(read: &Read, made: &Report, arguments: &CheckArguments, system: &dyn System) -> Result<()> {
    let shown = pairs(read, made)
        .filter(|(_, checked)| arguments.all || checked.verdict != Verdict::Sound)
        .map(|(rule, checked)| {
            let place = read.sources.locate(rule.span).map(|place| place.to_string()).unwrap_or_default();
            let verdict = word(checked.verdict).to_owned();
            vec![verdict, rule.kind.to_string(), inert_lines(&rule.name), inert_lines(&place)]
        });
    let rows: Vec<Vec<String>> = shown.collect();
    if !rows.is_empty() {
        to_stdout(plain(&["verdict", "kind", "rule", "place"], rows, width(system)).as_bytes())?;
    }
    let own = made.rules.iter().flat_map(|checked| &checked.diagnostics);
    of_files(read, made).chain(own).for_each(|found| tell(read, found, arguments.rules.quiet));
    let counts = VERDICTS.map(|verdict| format!("{} {}", made.count(verdict), word(verdict)));
    to_stdout(format!("{} rules: {}\n", read.rules.len(), counts.join(", ")).as_bytes())
}

const VERDICTS: [Verdict; 4] = [Verdict::Sound, Verdict::Wrong, Verdict::Unknown, Verdict::Broken];

fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Sound => "sound",
        Verdict::Wrong => "wrong",
        Verdict::Unknown => "unknown",
        Verdict::Broken => "broken",
    }
}

fn document(read: &Read, made: &Report) -> Value {
    let rules: Vec<Value> = pairs(read, made).map(|(rule, checked)| rule_json(read, rule, checked)).collect();
    let diagnostics: Vec<Value> =
        of_files(read, made).map(|found| diagnostic_json(found, &read.sources)).collect();
    let counts = VERDICTS.map(|verdict| (word(verdict).to_owned(), Value::from(made.count(verdict))));
    json!({
        "summary": Value::Object(counts.into_iter().collect()),
        "rules": rules,
        "diagnostics": diagnostics,
    })
}

fn rule_json(read: &Read, rule: &Rule, checked: &Checked) -> Value {
    let columns = checked.columns.iter();
    let columns: Vec<Value> =
        columns.map(|column| json!({"name": &*column.name, "type": column.scalar_type.name()})).collect();
    let diagnostics: Vec<Value> =
        checked.diagnostics.iter().map(|found| diagnostic_json(found, &read.sources)).collect();
    json!({
        "id": &*rule.id,
        "name": &*rule.name,
        "kind": rule.kind.as_str(),
        "severity": rule.severity.as_str(),
        "enabled": rule.enabled,
        "verdict": checked.verdict,
        "place": read.sources.locate(rule.span).map(|place| place.to_string()),
        "tables": checked.tables,
        "columns": columns,
        "moreColumns": checked.is_open,
        "diagnostics": diagnostics,
    })
}

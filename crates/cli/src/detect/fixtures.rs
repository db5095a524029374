//! `castellan detect test`: the fixtures of rules.

use anyhow::Result;
use castellan_base::System;
use castellan_detect::fixtures::{Outcome, test};
use serde_json::{Value, json};

use super::{ending, format, open, print, print_lines};
use crate::Ending;
use crate::arguments::{DetectFormat, TestArguments};
use crate::output::{complain, inert_lines, to_stdout, width};
use crate::tables::plain;

/// A fixture of a rule, and what came of it.
struct Tested<'r> {
    rule: &'r castellan_detect::rule::Rule,
    outcome: Outcome,
}

pub(super) async fn run(arguments: &TestArguments, system: &dyn System) -> Result<Ending> {
    let Some(read) = open(&arguments.rules, system)? else { return Ok(Ending::BadInput) };
    read.tell(arguments.rules.quiet);
    let mut tested = Vec::new();
    for rule in &read.rules {
        let outcomes = test(rule, &read.schemas).await;
        tested.extend(outcomes.into_iter().map(|outcome| Tested { rule, outcome }));
    }
    let without = read.rules.iter().filter(|rule| rule.fixtures.is_empty()).count();
    let failed = tested.iter().filter(|tested| !tested.outcome.passed()).count();
    match format(&arguments.rules) {
        DetectFormat::Table => {
            let mut text = table(&tested, system);
            text.push_str(&format!(
                "{} passed, {failed} failed; {without} of {} rules have no fixture\n",
                tested.len() - failed,
                read.rules.len()
            ));
            to_stdout(text.as_bytes())?;
        }
        DetectFormat::Json => print(&json!({
            "passed": tested.len() - failed,
            "failed": failed,
            "rules": read.rules.len(),
            "rulesWithoutFixtures": without,
            "fixtures": tested.iter().map(as_json).collect::<Vec<_>>(),
        }))?,
        DetectFormat::Jsonl => print_lines(&tested.iter().map(as_json).collect::<Vec<_>>())?,
    }
    if tested.is_empty() {
        complain("error: nothing was tested: no rule has `fixtures`; docs/detect.md shows how to write them");
        return Ok(Ending::BadInput);
    }
    Ok(ending(failed > 0 || read.has_errors()))
}

fn table(tested: &[Tested<'_>], system: &dyn System) -> String {
    if tested.is_empty() {
        return String::new();
    }
    let rows = tested.iter().map(|tested| {
        let verdict = if tested.outcome.passed() { "passed" } else { "failed" };
        vec![
            verdict.to_owned(),
            inert_lines(&tested.rule.name),
            inert_lines(&tested.outcome.name),
            inert_lines(&tested.outcome.faults.join("\n")),
        ]
    });
    plain(&["verdict", "rule", "fixture", "what is not as it has to be"], rows, width(system))
}

fn as_json(tested: &Tested<'_>) -> Value {
    json!({
        "rule": &*tested.rule.id,
        "ruleName": &*tested.rule.name,
        "fixture": &*tested.outcome.name,
        "passed": tested.outcome.passed(),
        "alerts": tested.outcome.alerts,
        "faults": tested.outcome.faults,
    })
}

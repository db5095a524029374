//! `--check`: what is wrong with queries, without running them.

use anyhow::{Context, Result};
use castellan_base::System;
use castellan_kql::bind::{Database, Options, check};
use castellan_kql::schema::Catalog;
use castellan_kql::{Diagnostic, Severity};
use serde_json::{Value as Json, json};

use super::{pointed, text};
use crate::Ending;
use crate::arguments::QueryArguments;
use crate::output::{complain, to_stdout};

/// Exit code 1 when a query is wrong.
pub(super) fn run(arguments: &QueryArguments, system: &dyn System) -> Result<Ending> {
    let Some(file) = &arguments.batch else {
        let query = text(arguments, system)?;
        return Ok(single(&query, arguments.quiet));
    };
    let bytes = if file == std::path::Path::new("-") {
        let mut bytes = Vec::new();
        std::io::Read::read_to_end(&mut std::io::stdin(), &mut bytes)
            .context("cannot read standard input")?;
        bytes
    } else {
        system.read(file, 1 << 28).with_context(|| format!("cannot read `{}`", file.display()))?
    };
    let mut out = String::new();
    let mut is_wrong = false;
    for line in String::from_utf8_lossy(&bytes).lines().filter(|line| !line.trim().is_empty()) {
        let parsed: Json = serde_json::from_str(line).unwrap_or(Json::Null);
        let id = parsed.get("id").cloned().unwrap_or(Json::Null);
        let found = match parsed.get("query").and_then(Json::as_str) {
            Some(query) => diagnostics(query, Catalog::built_in()),
            None => {
                let message = "a line is an object with `id` and `query`";
                vec![Diagnostic::error("bad-line", castellan_kql::Span::default(), message)]
            }
        };
        is_wrong |= found.iter().any(|found| found.severity == Severity::Error);
        let found: Vec<Json> = found.iter().map(as_json).collect();
        out.push_str(&json!({ "id": id, "diagnostics": found }).to_string());
        out.push('\n');
    }
    to_stdout(out.as_bytes())?;
    Ok(if is_wrong { Ending::Findings } else { Ending::Fine })
}

fn single(query: &str, quiet: bool) -> Ending {
    let found = diagnostics(query, Catalog::built_in());
    for diagnostic in &found {
        let is_error = diagnostic.severity == Severity::Error;
        if is_error || !quiet {
            let word = if is_error { "error" } else { "warning" };
            complain(&format!("{word}[{}]: {diagnostic}", diagnostic.code));
            pointed(query, Some(diagnostic.span));
        }
    }
    if found.iter().any(|found| found.severity == Severity::Error) { Ending::Findings } else { Ending::Fine }
}

/// Syntax first; names and types of what was understood after that.
pub(crate) fn diagnostics(query: &str, database: &dyn Database) -> Vec<Diagnostic> {
    let parsed = castellan_kql::parse(query);
    if parsed.diagnostics.iter().any(|found| found.severity == Severity::Error) {
        return parsed.diagnostics;
    }
    let mut found = parsed.diagnostics;
    found.extend(check(&parsed.script, database, &Options::default()));
    found
}

fn as_json(diagnostic: &Diagnostic) -> Json {
    json!({
        "severity": if diagnostic.severity == Severity::Error { "error" } else { "warning" },
        "code": diagnostic.code,
        "message": diagnostic.to_string(),
        "span": { "start": diagnostic.span.start, "end": diagnostic.span.end },
    })
}

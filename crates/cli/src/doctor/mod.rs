//! `castellan doctor`: whether an installation is as it should be, and what to do where it is not.
//!
//! Each look gives findings; none changes anything, and none stops the others. *Invariant (unknown is a verdict):* what could not be
//! looked at is a warning with the reason, never fine.

mod folder;
mod machine;
mod server;

use std::path::Path;

use anyhow::Result;
use castellan_base::System;
use serde::Serialize;
use serde_json::json;

use crate::Ending;
use crate::arguments::DoctorArguments;
use crate::output::{inert_lines, stdout_is_terminal, to_stdout, width};
use crate::tables::plain;

/// How something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
enum State {
    /// As it should be.
    Fine,
    /// It works, and should be looked at.
    Warning,
    /// It does not work, or not as it is meant.
    Wrong,
}

/// What one look found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
struct Finding {
    /// What was looked at.
    what: &'static str,
    state: State,
    /// What it is like.
    told: String,
    /// What to do; empty where there is nothing.
    next: String,
}

impl Finding {
    fn fine(what: &'static str, told: impl Into<String>) -> Finding {
        Finding { what, state: State::Fine, told: told.into(), next: String::new() }
    }

    fn warning(what: &'static str, told: impl Into<String>, next: impl Into<String>) -> Finding {
        Finding { what, state: State::Warning, told: told.into(), next: next.into() }
    }

    fn wrong(what: &'static str, told: impl Into<String>, next: impl Into<String>) -> Finding {
        Finding { what, state: State::Wrong, told: told.into(), next: next.into() }
    }
}

pub(crate) fn run(arguments: &DoctorArguments, system: &dyn System) -> Result<Ending> {
    let findings = looked(&arguments.data, arguments, system);
    let worst = findings.iter().map(|finding| finding.state).max().unwrap_or(State::Fine);
    print(&findings, worst, arguments, system)?;
    Ok(if worst == State::Wrong { Ending::Findings } else { Ending::Fine })
}

fn looked(data: &Path, arguments: &DoctorArguments, system: &dyn System) -> Vec<Finding> {
    let mut findings = vec![machine::program()];
    findings.extend(machine::memory(system));
    findings.extend(machine::open_files(system));
    if !system.is_dir(data) {
        findings.push(Finding::warning(
            "data folder",
            format!("there is no folder `{}`", data.display()),
            "name it with --data; `castellan up` makes it at its first start",
        ));
        findings.extend(server::answers(arguments.listen, false));
        return findings;
    }
    let is_running = folder::is_held(data);
    findings.extend(folder::looked(data, is_running, system));
    findings.extend(server::answers(arguments.listen, is_running));
    findings
}

fn print(findings: &[Finding], worst: State, arguments: &DoctorArguments, system: &dyn System) -> Result<()> {
    let shown: Vec<&Finding> =
        findings.iter().filter(|finding| !arguments.quiet || finding.state == State::Wrong).collect();
    if arguments.json || (!arguments.quiet && !stdout_is_terminal()) {
        let document = json!({ "version": env!("CARGO_PKG_VERSION"), "state": worst, "findings": shown });
        return to_stdout((serde_json::to_string_pretty(&document)? + "\n").as_bytes());
    }
    if shown.is_empty() {
        return Ok(());
    }
    let row = |finding: &&Finding| {
        let mark = match finding.state {
            State::Fine => "fine",
            State::Warning => "warning",
            State::Wrong => "WRONG",
        };
        let told = match finding.next.is_empty() {
            true => finding.told.clone(),
            false => format!("{}\n-> {}", finding.told, finding.next),
        };
        vec![mark.to_owned(), finding.what.to_owned(), inert_lines(&told)]
    };
    let rows = shown.iter().map(row);
    to_stdout(plain(&["", "what", ""], rows, width(system)).as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn worse_is_more() {
        assert!(State::Wrong > State::Warning && State::Warning > State::Fine);
    }
}

//! The estate that the server shows, and what stands beside it: the gate, the rules that run, and which events arrive.

use std::path::PathBuf;
use std::sync::{Arc, Weak};

use anyhow::{Result, bail};
use castellan_base::OsSystem;
use castellan_base::System;
use castellan_lake::Lake;
use castellan_posture::coverage::{Facts, GateFacts};
use castellan_server::console::Hub;

use crate::arguments::UpArguments;
use crate::detect::Read;
use crate::output::{complain, inert_lines};
use crate::survey::{Held, Sources, gate_facts, rule_facts};

/// The estate of the arguments, which nobody has looked at yet.
pub(super) fn held(arguments: &UpArguments, lake: &Arc<Lake>) -> Held {
    let data = arguments.lake.as_deref().and_then(|lake| lake.parent()).filter(|_| arguments.built_in);
    let mut exemptions: Vec<PathBuf> = Vec::new();
    if let Some(data) = data {
        exemptions.push(data.join("exemptions.yaml"));
        exemptions.push(data.join("exemptions/console.yaml"));
    }
    let sources = Sources { paths: arguments.scan.clone(), exemptions, quiet: true, as_of: None };
    let (arguments, lake) = (arguments.clone(), Arc::downgrade(lake));
    Held::new(sources, Box::new(move || facts(&arguments, &lake)))
}

/// What stands beside the estate now. What cannot be read is told and counts as not collected.
fn facts(arguments: &UpArguments, lake: &Weak<Lake>) -> Facts {
    let gate = match &arguments.gate {
        None => Some(GateFacts::default()),
        Some(file) => told("the gate's configuration", gate_facts(file, &OsSystem)),
    };
    let received = lake.upgrade().map(|lake| {
        let has_rows = |table: &castellan_lake::TableInfo| table.rows > 0;
        let filled = lake.tables().into_iter().filter(has_rows);
        filled.map(|table| table.schema.name().to_string()).collect()
    });
    Facts { gate, rules: told("the analytics rules", rules(arguments)), received }
}

fn rules(arguments: &UpArguments) -> Result<Vec<castellan_posture::coverage::RuleFacts>> {
    let paths: Vec<PathBuf> = arguments.analytics.iter().cloned().collect();
    let mut read = Read::open(&paths, arguments.functions.as_deref(), &OsSystem)?;
    if arguments.built_in {
        read.built_in();
    }
    Ok(rule_facts(&read))
}

fn told<T>(what: &str, read: Result<T>) -> Option<T> {
    read.inspect_err(|error| {
        complain(&inert_lines(&format!(
            "warning: {what} cannot be read for the coverage of layers: {error:#}"
        )));
    })
    .ok()
}

/// Reads the estate before anything is served.
///
/// Errors: it cannot be read.
pub(super) fn survey_now(survey: &Held, system: &dyn System) -> Result<()> {
    if survey.sources().paths.is_empty() {
        return Ok(());
    }
    survey.again(system);
    match survey.state().problem {
        Some(problem) => bail!(problem),
        None => Ok(()),
    }
}

/// Reads the estate beside what is served; what fails is told, and pages hear that it was read.
pub(super) async fn survey_aside(survey: &Arc<Held>, hub: &Hub) {
    let held = Arc::clone(survey);
    let done = tokio::task::spawn_blocking(move || {
        held.again(&OsSystem);
        held.state().problem
    });
    let problem = done.await.ok().flatten();
    hub.posture(survey.now().map(|survey| survey.assessment.at), problem.as_deref());
    if let Some(problem) = problem {
        complain(&inert_lines(&format!("warning: the estate cannot be read: {problem}")));
    }
}

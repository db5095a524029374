//! `castellan baseline`: what actors usually do, and what is new or rare.

mod examples;
mod kept;
mod show;
#[cfg(test)]
mod tests;
pub(crate) mod work;

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use castellan_base::{Diagnostic, Level, Sources, System};
use castellan_baseline::{Definition, definition};
use castellan_detect::asim::Functions;
use castellan_lake::{Lake, Options};

use self::work::Baselines;
use crate::Ending;
use crate::arguments::{BaselineArguments, BaselineCommand, DefinitionsArguments};
use crate::detect::events::Workspace;
use crate::estate::report;
use crate::lake::tell_damages;
use crate::output::{complain, inert_lines};
use crate::runtime;

pub(crate) fn run(arguments: &BaselineArguments, system: &dyn System) -> Result<Ending> {
    runtime::working()?.block_on(async {
        match &arguments.command {
            BaselineCommand::List { definitions, lake, json } => {
                show::list(definitions, lake.as_deref(), *json, system)
            }
            BaselineCommand::Test { definitions } => examples::run(definitions, system).await,
            BaselineCommand::Run { definitions, lake } => once(definitions, lake, system).await,
            BaselineCommand::Show(arguments) => show::actor(arguments, system),
            BaselineCommand::Explain { actor, values } => show::explain(actor, values, system),
        }
    })
}

/// Definitions by id, and whether one was left out.
pub(crate) struct Read {
    pub(crate) definitions: Vec<Definition>,
    pub(crate) has_errors: bool,
}

/// Reads the built-in definitions and those of a path on top, and tells what is wrong with them.
///
/// Errors: a path at which there is nothing.
pub(crate) fn read(arguments: &DefinitionsArguments, system: &dyn System) -> Result<Read> {
    read_from(arguments.definitions.as_deref(), system)
}

/// The same of a path.
pub(crate) fn read_from(path: Option<&Path>, system: &dyn System) -> Result<Read> {
    let mut sources = Sources::default();
    let mut loaded = definition::built_in(&mut sources);
    if let Some(path) = path {
        if !system.exists(path) {
            bail!("there is no `{}`; name a file or a folder of definitions", path.display());
        }
        let own = definition::load(path, system, &mut sources);
        loaded.definitions.retain(|one| !own.definitions.iter().any(|other| other.id == one.id));
        loaded.definitions.extend(own.definitions);
        loaded.diagnostics.extend(own.diagnostics);
    }
    report(&loaded.diagnostics, &sources);
    let is_error = |found: &Diagnostic| found.level == Level::Error;
    let has_errors = loaded.diagnostics.iter().any(is_error);
    let mut definitions = loaded.definitions;
    definitions.sort_by(|one, other| one.id.cmp(&other.id));
    Ok(Read { definitions, has_errors })
}

/// Takes in all that is due.
async fn once(definitions: &DefinitionsArguments, folder: &Path, system: &dyn System) -> Result<Ending> {
    let read = read(definitions, system)?;
    if !system.is_dir(folder) {
        bail!("there is no lake `{}`; `castellan ingest` makes one", folder.display());
    }
    let opened = Lake::open(folder, Options { upkeep: false, ..Options::default() }).await;
    let lake =
        opened.context("what is known cannot be kept; `castellan up --baselines` runs in its own process")?;
    tell_damages(&lake);
    let workspace = Workspace::open(Arc::new(lake), None, Functions::default(), system)?;
    let now = system.now();
    let mut baselines = Baselines::open(read.definitions, workspace, now, system)?;
    let mut failures = 0;
    loop {
        let turned = baselines.turn(now).await;
        for line in &turned.told {
            complain(&inert_lines(line));
        }
        failures = failures.max(turned.failures.len());
        if !turned.is_more {
            for (_, why) in &turned.failures {
                complain(&inert_lines(&format!("error: {why}")));
            }
            break;
        }
    }
    baselines.save_all()?;
    complain(&baselines.describe());
    if let Some(lake) = baselines.into_lake() {
        lake.close().await?;
    }
    Ok(if failures > 0 || read.has_errors { Ending::Findings } else { Ending::Fine })
}

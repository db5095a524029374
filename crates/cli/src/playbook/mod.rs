//! `castellan playbook`: playbooks listed, signed and carried out.

pub(crate) mod about;
mod configured;
mod listed;
mod render;
mod runs;
mod signing;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use castellan_base::{Diagnostic, System};
use castellan_respond::run::plan;
use castellan_respond::{Library, Origin};

use crate::Ending;
use crate::arguments::{
    NamedArguments, PlaybookArguments, PlaybookCommand, PlaybookFormat, VariableArguments,
};
use crate::estate::report;
use crate::incident::Place;
use crate::output::{read_text, stdout_is_terminal};
use about::{About, variables};
pub(crate) use configured::Configured;

/// The largest file of a playbook, in bytes.
const LARGEST: u64 = 4 << 20;

pub(crate) fn run(arguments: &PlaybookArguments, system: &dyn System) -> Result<Ending> {
    match &arguments.command {
        PlaybookCommand::List(arguments) => listed::list(arguments, system),
        PlaybookCommand::Show(arguments) => listed::show(arguments, system),
        PlaybookCommand::Check { files } => listed::check(files, system),
        PlaybookCommand::Key { file } => signing::key(file),
        PlaybookCommand::Sign { file, key, signee } => signing::sign(file, key, signee, system),
        PlaybookCommand::Verify { files, configured } => signing::verify(files, configured, system),
        PlaybookCommand::Plan { named, variables: values, look } => {
            let configured = Configured::read(&named.listed.configured, system)?;
            let (library, id) = named_playbook(named, &configured, system)?;
            let variables = given(values, (&library, &id), system)?;
            let made = plan(&library, &configured.catalogue()?, system, &id, &variables, *look)?;
            render::plan(&made, format(named.listed.format))?;
            Ok(if made.problems.is_empty() { Ending::Fine } else { Ending::Findings })
        }
        command => runs::run(command, system),
    }
}

/// The playbooks at hand: those that are built in, and those of folders on top. What is wrong with them is told.
pub(crate) fn library(folders: &[PathBuf], configured: &Configured, system: &dyn System) -> Result<Library> {
    let mut library = Library::embedded().trusting(configured.trusted.clone());
    for folder in folders {
        if !system.is_dir(folder) {
            bail!("there is no folder `{}`", folder.display());
        }
        library.load_dir(system, folder);
    }
    tell(&library);
    Ok(library)
}

fn tell(library: &Library) {
    let diagnostics: Vec<Diagnostic> = library.diagnostics.iter().map(|(_, found)| found.clone()).collect();
    report(&diagnostics, &library.sources);
}

/// The library, and the id of the playbook that is named in it; a file is added to it.
fn named_playbook(
    arguments: &NamedArguments,
    configured: &Configured,
    system: &dyn System,
) -> Result<(Library, String)> {
    let mut library = library(&arguments.listed.playbooks, configured, system)?;
    let name = &arguments.playbook;
    if let Some(entry) = library.find(name) {
        let id = entry.playbook.id.clone();
        return Ok((library, id));
    }
    let path = Path::new(name);
    if !system.exists(path) {
        bail!(
            "there is no playbook `{name}`, neither by id or name nor as a file; `castellan playbook list` lists them"
        );
    }
    let before = library.diagnostics.len();
    library.add(name, &read_text(path, LARGEST, system)?, Origin::File(name.clone()));
    let own: Vec<Diagnostic> =
        library.diagnostics.iter().skip(before).map(|(_, found)| found.clone()).collect();
    report(&own, &library.sources);
    let found = library.iter().find(|entry| entry.origin == Origin::File(name.clone()));
    let id = found.map(|entry| entry.playbook.id.clone());
    let id = id.with_context(|| format!("`{name}` cannot be used; mend what was told"))?;
    Ok((library, id))
}

/// Values of a playbook's variables: those that are given, and from the incident that is named what it says of the others.
fn given(
    arguments: &VariableArguments,
    (library, id): (&Library, &str),
    system: &dyn System,
) -> Result<BTreeMap<String, String>> {
    let mut all = match (&arguments.incident, library.get(id)) {
        (Some(incident), Some(entry)) => {
            let case = Place::of(&arguments.place, system)?.get(&[incident], &[])?;
            variables(&entry.playbook, &About::read(&case))
        }
        _ => BTreeMap::new(),
    };
    all.extend(values(&arguments.variables));
    Ok(all)
}

/// Values by the names of variables, with or without the underscores around them.
fn values(given: &[(String, String)]) -> BTreeMap<String, String> {
    let name = |name: &str| {
        if name.starts_with("__") { name.to_owned() } else { format!("__{name}__") }
    };
    given.iter().map(|(key, value)| (name(key), value.clone())).collect()
}

/// The format that is asked for, or that fits whoever reads.
fn format(asked: Option<PlaybookFormat>) -> PlaybookFormat {
    let usual = if stdout_is_terminal() { PlaybookFormat::Table } else { PlaybookFormat::Json };
    asked.unwrap_or(usual)
}

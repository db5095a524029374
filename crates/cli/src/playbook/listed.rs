//! `castellan playbook list`, `show` and `check`.

use std::path::PathBuf;

use anyhow::Result;
use castellan_base::{Level, Sources, System};
use castellan_respond::playbook::{read, to_yaml};
use castellan_respond::{Entry, Origin};
use serde_json::{Value, json};

use super::configured::Configured;
use super::{LARGEST, format, library, named_playbook, render};
use crate::Ending;
use crate::arguments::{ListArguments, NamedArguments, PlaybookFormat};
use crate::estate::report;
use crate::output::{complain, inert_lines, read_text, to_stdout, width};
use crate::tables::plain;

pub(super) fn list(arguments: &ListArguments, system: &dyn System) -> Result<Ending> {
    let configured = Configured::read(&arguments.configured, system)?;
    let library = library(&arguments.playbooks, &configured, system)?;
    let now = system.now();
    let word = |entry: &Entry| entry.may_run(library.trusted(), now, false);
    match format(arguments.format) {
        PlaybookFormat::Table => {
            let rows = library.iter().map(|entry| {
                let may = word(entry).unwrap_or_else(|why| format!("may not run: {why}"));
                let playbook = &entry.playbook;
                vec![
                    inert_lines(&playbook.name),
                    playbook.steps.len().to_string(),
                    inert_lines(&may),
                    playbook.id.clone(),
                ]
            });
            to_stdout(plain(&["name", "steps", "on whose word", "id"], rows, width(system)).as_bytes())?;
        }
        asked => {
            let all: Vec<Value> = library.iter().map(|entry| entry_json(entry, word(entry))).collect();
            render::values(&all, asked)?;
        }
    }
    let is_wrong = library.diagnostics.iter().any(|(_, found)| found.level == Level::Error);
    Ok(if is_wrong { Ending::Findings } else { Ending::Fine })
}

fn entry_json(entry: &Entry, word: Result<String, String>) -> Value {
    let playbook = &entry.playbook;
    let origin = match &entry.origin {
        Origin::BuiltIn => "built in",
        Origin::File(path) => path,
    };
    let variables: Vec<Value> = playbook
        .variables
        .iter()
        .map(|(name, variable)| {
            json!({"name": name, "description": variable.description, "form": variable.kind.form(),
                "mustBeGiven": variable.external, "value": variable.value})
        })
        .collect();
    json!({
        "id": playbook.id,
        "name": playbook.name,
        "description": playbook.description,
        "types": playbook.types,
        "modified": playbook.modified,
        "origin": origin,
        "mayRun": word.is_ok(),
        "word": word.unwrap_or_else(|why| why),
        "steps": playbook.steps.len(),
        "variables": variables,
    })
}

pub(super) fn show(arguments: &NamedArguments, system: &dyn System) -> Result<Ending> {
    let configured = Configured::read(&arguments.listed.configured, system)?;
    let (library, id) = named_playbook(arguments, &configured, system)?;
    let Some(entry) = library.get(&id) else { return Ok(Ending::BadInput) };
    let document = entry.playbook.document();
    match arguments.listed.format {
        None | Some(PlaybookFormat::Table) => to_stdout(to_yaml(document).as_bytes())?,
        Some(asked) => render::value(document, asked)?,
    }
    Ok(Ending::Fine)
}

pub(super) fn check(files: &[PathBuf], system: &dyn System) -> Result<Ending> {
    let mut sources = Sources::default();
    let mut wrong = 0;
    for path in files {
        let name = path.display().to_string();
        let reading = read(&name, &read_text(path, LARGEST, system)?, &mut sources);
        report(&reading.diagnostics, &sources);
        let has_error = reading.diagnostics.iter().any(|found| found.level == Level::Error);
        if has_error || reading.playbook.is_none() {
            wrong += 1;
        }
    }
    complain(&format!("{} playbooks were read; {wrong} are wrong", files.len()));
    Ok(if wrong > 0 { Ending::Findings } else { Ending::Fine })
}

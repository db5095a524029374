//! Commands that work on runs.

use std::collections::BTreeMap;

use anyhow::Result;
use castellan_base::System;
use castellan_respond::Library;
use castellan_respond::actions::Catalogue;
use castellan_respond::run::{Answerer, Folder, Report, RunError, Runner, Start, State, Status};

use super::configured::Configured;
use super::{format, given, named_playbook, render};
use crate::Ending;
use crate::arguments::{
    AnswerArguments, PlaybookCommand, PlaybookFormat, RunningArguments, RunsFolder, StartArguments,
};
use crate::output::{complain, inert_lines};

pub(super) fn run(command: &PlaybookCommand, system: &dyn System) -> Result<Ending> {
    match command {
        PlaybookCommand::Start(arguments) => start(arguments, system),
        PlaybookCommand::Resume { run: Some(run), running, .. } => {
            on(running, system, |runner| runner.resume(run))
        }
        PlaybookCommand::Resume { running, .. } => resume_all(running, system),
        PlaybookCommand::Approve { answer, role, refuse, why } => answered(answer, system, |runner| {
            let answerer = Answerer { who: answer.by.clone(), roles: role.clone() };
            runner.approve(&answer.run, &answer.path, &answerer, !refuse, why)
        }),
        PlaybookCommand::Complete { answer, output, failed } => answered(answer, system, |runner| {
            let result = match failed {
                Some(why) => Err(why.clone()),
                None => Ok(output.iter().cloned().collect::<BTreeMap<_, _>>()),
            };
            runner.complete(&answer.run, &answer.path, &answer.by, result)
        }),
        PlaybookCommand::Settle { answer, took_effect, why } => answered(answer, system, |runner| {
            runner.settle(&answer.run, &answer.path, &answer.by, *took_effect, why)
        }),
        PlaybookCommand::Cancel(stop) => {
            let (made, asked) =
                worked(&stop.running, system, |runner| runner.cancel(&stop.run, &stop.by, &stop.why))?;
            // That it is cancelled is what was asked for.
            render::report(&made, asked).map(|()| Ending::Fine)
        }
        PlaybookCommand::Undo(stop) => {
            let (made, asked) =
                worked(&stop.running, system, |runner| runner.undo(&stop.run, &stop.by, &stop.why))?;
            render::report(&made, asked)?;
            let is_left = made.steps.iter().any(|step| matches!(step.undone, Some((false, _))));
            Ok(if is_left { Ending::Findings } else { Ending::Fine })
        }
        PlaybookCommand::History { run, runs, format: asked } => {
            history(run.as_deref(), runs, format(*asked))
        }
        _ => Ok(Ending::BadInput),
    }
}

/// A runner over playbooks and actions. A run that is cut off is gone on with by `resume`.
fn runner<'r>(
    system: &'r dyn System,
    library: &'r Library,
    catalogue: &'r Catalogue,
    runs: &RunsFolder,
) -> Runner<'r> {
    Runner { system, library, catalogue, folder: Folder::new(&runs.runs), is_stopped: &|| false }
}

fn start(arguments: &StartArguments, system: &dyn System) -> Result<Ending> {
    let configured = Configured::read(&arguments.named.listed.configured, system)?;
    let (library, id) = named_playbook(&arguments.named, &configured, system)?;
    let catalogue = configured.catalogue()?;
    let cause = match (&arguments.variables.incident, arguments.cause.as_str()) {
        (Some(incident), "") => format!("incident {incident}"),
        (_, said) => said.to_owned(),
    };
    let start = Start {
        variables: given(&arguments.variables, (&library, &id), system)?,
        by: arguments.by.clone(),
        cause,
        key: arguments.key.clone(),
        allow_unsigned: arguments.allow_unsigned,
    };
    let made = runner(system, &library, &catalogue, &arguments.runs).start(&id, &start)?;
    render::report(&made, format(arguments.named.listed.format))?;
    Ok(ending(&made))
}

/// Works on a run that is there. Its journal has its playbooks.
fn worked(
    arguments: &RunningArguments,
    system: &dyn System,
    work: impl Fn(&Runner<'_>) -> Result<Report, RunError>,
) -> Result<(Report, PlaybookFormat)> {
    let (library, catalogue) =
        (Library::default(), Configured::read(&arguments.configured, system)?.catalogue()?);
    let made = work(&runner(system, &library, &catalogue, &arguments.runs))?;
    Ok((made, format(arguments.format)))
}

fn on(
    arguments: &RunningArguments,
    system: &dyn System,
    work: impl Fn(&Runner<'_>) -> Result<Report, RunError>,
) -> Result<Ending> {
    let (made, asked) = worked(arguments, system, work)?;
    render::report(&made, asked)?;
    Ok(ending(&made))
}

fn answered(
    arguments: &AnswerArguments,
    system: &dyn System,
    work: impl Fn(&Runner<'_>) -> Result<Report, RunError>,
) -> Result<Ending> {
    on(&arguments.running, system, work)
}

fn ending(made: &Report) -> Ending {
    match made.status {
        Status::Completed | Status::Waiting => Ending::Fine,
        Status::Failed | Status::Cancelled | Status::Interrupted => Ending::Findings,
    }
}

/// Goes on with each run that is not over. One that cannot be gone on with stops no other.
fn resume_all(arguments: &RunningArguments, system: &dyn System) -> Result<Ending> {
    let (library, catalogue) =
        (Library::default(), Configured::read(&arguments.configured, system)?.catalogue()?);
    let runner = runner(system, &library, &catalogue, &arguments.runs);
    let (mut made, mut is_wrong) = (Vec::new(), false);
    for run in runner.runs()? {
        let is_over = |records: &[castellan_respond::run::Record]| {
            State::of(records).is_some_and(|state| state.closed.is_some())
        };
        let resumed = match runner.history(&run) {
            Ok(records) if is_over(&records) => continue,
            Ok(_) => runner.resume(&run),
            Err(error) => Err(error),
        };
        match resumed {
            Ok(report) => {
                is_wrong |= ending(&report) == Ending::Findings;
                made.push(report);
            }
            Err(error) => {
                is_wrong = true;
                complain(&inert_lines(&format!("error: {run}: {error}")));
            }
        }
    }
    render::reports(&made, format(arguments.format))?;
    Ok(if is_wrong { Ending::Findings } else { Ending::Fine })
}

fn history(run: Option<&str>, runs: &RunsFolder, asked: PlaybookFormat) -> Result<Ending> {
    let folder = Folder::new(&runs.runs);
    if let Some(run) = run {
        let records = folder.read(run).map_err(RunError::from)?;
        render::history(&records, asked)?;
        return Ok(Ending::Fine);
    }
    let (mut made, mut is_wrong) = (Vec::new(), false);
    for run in folder.runs().map_err(RunError::from)? {
        match folder.read(&run) {
            Ok(records) => made.extend(State::of(&records).map(|state| (run, state))),
            Err(error) => {
                is_wrong = true;
                complain(&inert_lines(&format!("error: {run}: {error}")));
            }
        }
    }
    render::runs(&made, asked)?;
    Ok(if is_wrong { Ending::Findings } else { Ending::Fine })
}

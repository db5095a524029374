//! `castellan classify`: what is sensitive in files, in standard input and in JSON lines.

mod certificate;
mod file;
mod filter;
mod list;
mod render;
mod state;
mod walk;

use std::path::Path;
use std::sync::Mutex;
use std::sync::PoisonError;

use anyhow::{Context, Result, bail};
use castellan_base::System;
use castellan_classify::{Engine, Selection};
use rayon::prelude::*;

use self::certificate::Certificate;
use self::file::Report;
use self::state::State;
use crate::Ending;
use crate::arguments::{ClassifyArguments, ClassifyCommand};
use crate::progress::Bar;

pub(crate) fn run(arguments: &ClassifyArguments, system: &dyn System) -> Result<Ending> {
    if let Some(ClassifyCommand::Validate { batch }) = &arguments.command {
        return filter::run(batch, castellan_classify::batch::validate);
    }
    let engine = engine(arguments)?;
    if arguments.list {
        return list::run(&engine, arguments, system);
    }
    if let Some(batch) = &arguments.batch {
        let mut filter = castellan_classify::batch::Filter::new(engine, arguments.offsets.into());
        return filter::run(batch, |line| filter.line(line));
    }
    if arguments.paths.is_empty() {
        bail!("name files and folders, `-` for standard input, or `--batch FILE`");
    }
    files(&engine, arguments, system)
}

/// The detectors that the arguments ask for.
fn engine(arguments: &ClassifyArguments) -> Result<Engine> {
    let engine = castellan_detectors::engine();
    let selection = Selection {
        detectors: arguments.types.clone(),
        min_confidence: arguments.min_confidence,
        ..Selection::default()
    };
    engine.select(&selection).map_err(anyhow::Error::msg)
}

/// Reads all files, those that have not changed from the state of an earlier run, and ends with a certificate.
fn files(engine: &Engine, arguments: &ClassifyArguments, system: &dyn System) -> Result<Ending> {
    let walk = walk::files(&arguments.paths, system);
    let rules = state::rules_hash(engine);
    let state = match &arguments.state {
        Some(path) => Some(State::open(path, &rules)?),
        None => None,
    };
    let bar = Bar::new(arguments.quiet);
    let done = Mutex::new(0_usize);
    let total = walk.files.len();
    let read = |path: &String| -> Result<Report> {
        let report = file::report(path, engine, state.as_ref(), arguments.offsets.into())?;
        let mut done = done.lock().unwrap_or_else(PoisonError::into_inner);
        *done += 1;
        bar.files(*done, total, path);
        Ok(report)
    };
    let threads = rayon::ThreadPoolBuilder::new().num_threads(arguments.threads).build();
    let reports: Result<Vec<Report>> =
        threads.context("cannot start threads")?.install(|| walk.files.par_iter().map(read).collect());
    bar.finish();
    let reports = reports?;
    let certificate = Certificate::of(&reports, &walk, engine, &rules, system);
    render::write(&reports, &certificate, engine, arguments, system)?;
    let worst = reports.iter().flat_map(|report| &report.findings).map(|found| found.confidence).max();
    let fails = arguments.fail_on.is_some_and(|least| worst.is_some_and(|worst| worst >= least));
    let none_read = certificate.files_read == 0;
    Ok(match (fails, none_read) {
        (true, _) => Ending::Findings,
        (false, true) => Ending::BadInput,
        (false, false) => Ending::Fine,
    })
}

/// Standard input, where a path is a dash.
fn is_stdin(path: &str) -> bool {
    Path::new(path) == Path::new("-")
}

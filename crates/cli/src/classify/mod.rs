//! `castellan classify`: what is sensitive in files, in standard input and in JSON lines.

mod certificate;
mod exact;
mod file;
mod indexed;
mod list;
mod names;
mod pieces;
mod redact;
mod render;
mod restore;
mod rules;
mod sample;
mod state;

use std::sync::Mutex;
use std::sync::PoisonError;

use anyhow::{Context, Result, bail};
use castellan_base::System;
use castellan_classify::Engine;
use rayon::prelude::*;

use self::certificate::Certificate;
use self::file::Report;
use self::indexed::Opened;
use self::state::State;
use crate::Ending;
use crate::arguments::{ClassifyArguments, ClassifyCommand};
use crate::progress::Bar;
use crate::walk;
use crate::{keys, lines};

pub(crate) fn run(arguments: &ClassifyArguments, system: &dyn System) -> Result<Ending> {
    match &arguments.command {
        Some(ClassifyCommand::Validate { batch }) => {
            return lines::run(batch, castellan_classify::batch::validate);
        }
        Some(ClassifyCommand::Redact(arguments)) => return redact::run(arguments, system),
        Some(ClassifyCommand::Restore(arguments)) => return restore::run(arguments, system),
        Some(ClassifyCommand::Index(arguments)) => return exact::index(arguments, system),
        Some(ClassifyCommand::Fingerprint(arguments)) => return exact::fingerprint(arguments, system),
        Some(ClassifyCommand::Match(arguments)) => return exact::find(arguments, system),
        Some(ClassifyCommand::Key { name }) => return keys::make(name),
        None => {}
    }
    let engine = rules::engine(&arguments.rules, system)?;
    let opened = indexed::open(arguments, system)?;
    let types = opened.as_ref().map(|opened| opened.indexes.types()).unwrap_or_default();
    let engine = rules::beside(&engine, &arguments.types, &types, arguments.min_confidence)?;
    if arguments.list {
        return list::run(&engine, &types, arguments, system);
    }
    if let Some(batch) = &arguments.batch {
        let filter = castellan_classify::batch::Filter::new(engine, arguments.offsets.into());
        let filter = if arguments.explain { filter.explaining() } else { filter };
        let mut filter = match opened {
            Some(opened) => filter.with(opened.indexes),
            None => filter,
        };
        return lines::run(batch, |line| filter.line(line));
    }
    if arguments.paths.is_empty() {
        bail!("name files and folders, `-` for standard input, or `--batch FILE`");
    }
    files(&engine, opened.as_ref(), arguments, system)
}

/// Reads all files, those that have not changed from the state of an earlier run, and ends with a certificate.
fn files(
    engine: &Engine,
    opened: Option<&Opened>,
    arguments: &ClassifyArguments,
    system: &dyn System,
) -> Result<Ending> {
    let mut walk = walk::files(&arguments.paths, system);
    let all = walk.files.len();
    if let Some(count) = arguments.sample {
        sample::draw(&mut walk.files, usize::try_from(count)?, arguments.seed);
    }
    let digest = opened.map(|opened| opened.digest.as_str());
    let rules = state::rules_hash(engine, digest.unwrap_or_default());
    let state = match &arguments.state {
        Some(path) => Some(State::open(path, &rules)?),
        None => None,
    };
    let indexes = opened.map(|opened| &opened.indexes);
    let scan = file::Scan { engine, indexes, unit: arguments.offsets.into(), explains: arguments.explain };
    let bar = Bar::new(arguments.quiet);
    let done = Mutex::new(0_usize);
    let total = walk.files.len();
    let read = |path: &String| -> Result<Report> {
        let report = file::report(path, &scan, state.as_ref())?;
        let mut done = done.lock().unwrap_or_else(PoisonError::into_inner);
        *done += 1;
        bar.files(*done, total, path);
        Ok(report)
    };
    let threads = rayon::ThreadPoolBuilder::new().num_threads(arguments.threads).build();
    let reports: Result<Vec<Report>> =
        threads.context("cannot start threads")?.install(|| walk.files.par_iter().map(read).collect());
    bar.finish();
    let mut reports = reports?;
    names::add(&mut reports, &scan);
    let mut certificate = Certificate::of(&reports, &walk, engine, &rules, system);
    if arguments.sample.is_some() {
        certificate.sampled(all, &reports);
    }
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

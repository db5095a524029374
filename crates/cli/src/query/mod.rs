//! `castellan query`: KQL over files and over what a scan reads.

mod batch;
mod check;
mod parquet;
pub(crate) use check::diagnostics;
pub(crate) mod render;

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use castellan_base::System;
use castellan_kql::Span;
use castellan_kql::plan::Field;
use castellan_kql::schema::Catalog;
use castellan_lake::{Lake, Options};
use castellan_posture::coverage::Facts;
use castellan_query::{Answers, Engine, Error, External, Limits, Progress, Settings, Watch};

use crate::Ending;
use crate::arguments::{QueryArguments, QueryFormat};
use crate::output::{complain, read_text, stdin_text, stdout_is_terminal, to_stdout, write_file};
use crate::progress::Bar;
use crate::survey::{Sources, Survey};

pub(crate) fn run(arguments: &QueryArguments, system: &dyn System) -> Result<Ending> {
    if arguments.check {
        return check::run(arguments, system);
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(arguments.threads())
        .enable_all()
        .build()
        .context("cannot start threads")?;
    runtime.block_on(async {
        let engine = engine(arguments, system).await?;
        match &arguments.batch {
            Some(file) => batch::run(&engine, file, system).await,
            None => single(&engine, arguments, system).await,
        }
    })
}

/// The engine with all tables that the command line names.
async fn engine(arguments: &QueryArguments, system: &dyn System) -> Result<Engine> {
    let limits = Limits {
        time: Duration::from_secs(arguments.time),
        memory: arguments.memory.saturating_mul(1 << 20),
        rows: arguments.rows,
    };
    let settings = Settings {
        limits,
        threads: arguments.threads(),
        now: Some(arguments.as_of.unwrap_or_else(|| system.now())),
        parameters: arguments.parameters.clone(),
        external: External { allow: arguments.allow_external.clone(), ..External::default() },
        ..Settings::default()
    };
    let mut engine = match &arguments.lake {
        Some(folder) => {
            let lake = Lake::open_for_reading(folder, Options::default()).await?;
            crate::lake::tell_damages(&lake);
            lake.engine(settings)
        }
        None => Engine::new(settings),
    };
    for (name, path) in &arguments.tables {
        let (progress, known) = (Progress::default(), known_columns(name));
        let added = engine.add_path(name, path, &known, &progress);
        let what = format!("finding the columns of {name}");
        watched(added, &progress, &what, arguments.quiet)
            .await
            .map_err(|error| anyhow::anyhow!("{error}"))?;
    }
    if !arguments.scan.is_empty() {
        add_survey(&mut engine, arguments, system)?;
    }
    Ok(engine)
}

/// Adds the tables of Resource Graph and those of what was found.
fn add_survey(engine: &mut Engine, arguments: &QueryArguments, system: &dyn System) -> Result<()> {
    let sources = Sources {
        paths: arguments.scan.clone(),
        as_of: arguments.as_of,
        quiet: arguments.quiet,
        ..Sources::default()
    };
    for (name, rows) in Survey::of(&sources, &Facts::default(), system)?.rows {
        engine.add_batches(name, rows.schema(), vec![rows])?;
    }
    Ok(())
}

/// The columns of a table of Azure Monitor, whose types are known.
pub(crate) fn known_columns(name: &str) -> Vec<Field> {
    let Some(table) = Catalog::built_in().table(name) else { return Vec::new() };
    table.columns().list.iter().map(|column| Field::new(&*column.name, column.scalar_type)).collect()
}

/// The query of the command line: itself, a file's, or what standard input has.
pub(super) fn text(arguments: &QueryArguments, system: &dyn System) -> Result<String> {
    let read = |path: &Path| match path == Path::new("-") {
        true => stdin_text(MAX_QUERY),
        false => read_text(path, MAX_QUERY, system),
    };
    match (&arguments.query, &arguments.file) {
        (Some(query), None) if query == "-" => read(Path::new("-")),
        (Some(query), None) => Ok(query.clone()),
        (None, Some(file)) => read(file),
        _ => bail!("there is no query; write it after `castellan query`, or name a file with --file"),
    }
}

/// Longest query that is read, in bytes.
const MAX_QUERY: u64 = 4 << 20;

async fn single(engine: &Engine, arguments: &QueryArguments, system: &dyn System) -> Result<Ending> {
    let query = text(arguments, system)?;
    if arguments.explain {
        let plans = match engine.explain(&query).await {
            Ok(plans) => plans,
            Err(error) => return Ok(refused(&query, &error)),
        };
        let all = format!(
            "plan\n{}\n\noptimized\n{}\n\nexecution\n{}",
            plans.logical, plans.optimized, plans.physical
        );
        return to_stdout(all.as_bytes()).map(|()| Ending::Fine);
    }
    let watch = Watch::default();
    let progress = watch.progress.clone();
    let answers = watched(engine.query_watched(&query, watch), &progress, "reading", arguments.quiet).await;
    match answers {
        Ok(answers) => write(&answers, &query, arguments, system),
        Err(error) => Ok(refused(&query, &error)),
    }
}

/// Waits for something long, and shows how far it is.
async fn watched<T>(work: impl Future<Output = T>, progress: &Progress, what: &str, quiet: bool) -> T {
    let mut work = std::pin::pin!(work);
    if let Ok(done) = tokio::time::timeout(SHORT, &mut work).await {
        return done;
    }
    let bar = Bar::new(quiet);
    loop {
        bar.rows(what, progress.rows(), progress.expected());
        if let Ok(done) = tokio::time::timeout(SHORT, &mut work).await {
            bar.finish();
            return done;
        }
    }
}

/// What takes no longer needs no bar.
const SHORT: Duration = Duration::from_millis(200);

fn write(answers: &Answers, query: &str, arguments: &QueryArguments, system: &dyn System) -> Result<Ending> {
    if !arguments.quiet {
        for warning in &answers.warnings {
            complain(&format!("warning: {warning}"));
            pointed(query, Some(warning.span));
        }
    }
    let format = arguments.format.unwrap_or(match (&arguments.output, stdout_is_terminal()) {
        (Some(file), _) => QueryFormat::of_file(file),
        (None, true) => QueryFormat::Table,
        (None, false) => QueryFormat::Json,
    });
    let bytes = render::answers(answers, format, system)?;
    match &arguments.output {
        Some(file) => write_file(system, file, &bytes)?,
        None => to_stdout(&bytes)?,
    }
    Ok(Ending::Fine)
}

/// Says what is wrong with a query, and where.
fn refused(query: &str, error: &Error) -> Ending {
    complain(&format!("error[{}]: {error}", error.code));
    pointed(query, error.span);
    if error.code == "unknown-table" {
        complain("tables come from files with `--table NAME=PATH`, and from an estate with `--scan PATH`");
    }
    Ending::BadInput
}

/// The line of a query with a mark under the place.
pub(super) fn pointed(query: &str, span: Option<Span>) {
    let Some(span) = span else { return };
    let (first, last) = (span.start as usize, span.end as usize);
    let before = query.get(..first).unwrap_or_default();
    let number = before.matches('\n').count() + 1;
    let start = before.rfind('\n').map_or(0, |at| at + 1);
    let line = query.get(start..).and_then(|rest| rest.lines().next()).unwrap_or_default();
    let column = before.get(start..).map_or(0, |text| text.chars().count());
    let marked = query.get(first..last).map_or(1, |text| text.chars().count());
    let room = line.chars().count().saturating_sub(column).max(1);
    let line = line.replace('\t', " ");
    complain(&format!("{number:>5} | {line}"));
    complain(&format!("      | {}{}", " ".repeat(column), "^".repeat(marked.clamp(1, room))));
}

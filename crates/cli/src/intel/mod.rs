//! `castellan intel`: threat intelligence into a lake, and events against it.

pub(crate) mod expire;
pub(crate) mod feeds;
pub(crate) mod hunt;
mod import;
mod kept;
mod list;
pub(crate) mod live;
mod matched;
pub(crate) mod pull;

use std::path::Path;

use anyhow::{Context, Result, bail};
use castellan_base::System;
use castellan_lake::{Lake, Options};
use serde_json::Value;

use crate::Ending;
use crate::arguments::{DetectFormat, IntelArguments, IntelCommand, IntelOutput};
use crate::detect::{print, print_lines};
use crate::lake::tell_damages;
use crate::output::{complain, inert_lines, stdout_is_terminal, to_stdout, width};
use crate::runtime;
use crate::tables::plain;

/// The folder of what is remembered, in the lake's.
pub(crate) const FOLDER: &str = "intel";

pub(crate) fn run(arguments: &IntelArguments, system: &dyn System) -> Result<Ending> {
    runtime::working()?.block_on(async {
        match &arguments.command {
            IntelCommand::Import(arguments) => import::run(arguments, system).await,
            IntelCommand::Pull(arguments) => pull::run(arguments, system).await,
            IntelCommand::List(arguments) => list::list(arguments, system).await,
            IntelCommand::Show(arguments) => list::show(arguments, system).await,
            IntelCommand::Match(arguments) => matched::run(arguments, system).await,
            IntelCommand::Hunt(arguments) => hunt::run(arguments, system).await,
            IntelCommand::Expire(arguments) => expire::run(arguments, system).await,
        }
    })
}

/// Opens a lake to write to; it has to be there unless it is to be made.
async fn lake(folder: &Path, makes: bool, system: &dyn System) -> Result<Lake> {
    if !makes && !system.is_dir(folder) {
        bail!("there is no lake `{}`; `castellan intel import` makes one", folder.display());
    }
    let opened = Lake::open(folder, Options { upkeep: false, ..Options::default() }).await;
    let lake = opened.context(
        "the lake cannot be written to; where `castellan up --intel` has it open, put files into the folder of a feed",
    )?;
    tell_damages(&lake);
    Ok(lake)
}

/// Opens a lake to read.
async fn lake_for_reading(folder: &Path) -> Result<Lake> {
    let lake = Lake::open_for_reading(folder, Options::default()).await?;
    tell_damages(&lake);
    Ok(lake)
}

/// The format that is asked for, or that fits whoever reads.
fn format(output: &IntelOutput) -> DetectFormat {
    let usual = if stdout_is_terminal() { DetectFormat::Table } else { DetectFormat::Json };
    output.format.unwrap_or(usual)
}

/// Writes rows: as a table by what `line` makes of each, or as JSON.
fn show(
    rows: &[Value],
    header: &[&str],
    line: impl Fn(&Value) -> Vec<String>,
    output: &IntelOutput,
    system: &dyn System,
) -> Result<()> {
    match format(output) {
        DetectFormat::Json => print(&Value::Array(rows.to_vec())),
        DetectFormat::Jsonl => print_lines(rows),
        DetectFormat::Table if rows.is_empty() => Ok(()),
        DetectFormat::Table => to_stdout(plain(header, rows.iter().map(line), width(system)).as_bytes()),
    }
}

/// A member of a row as a cell of a table.
fn cell(row: &Value, name: &str) -> String {
    let text = match row.get(name) {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    };
    inert_lines(&text)
}

/// Tells what was left out.
fn warn(line: &str, output: &IntelOutput) {
    if !output.quiet {
        complain(&inert_lines(&format!("warning: {line}")));
    }
}

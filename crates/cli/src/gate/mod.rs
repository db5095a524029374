//! `castellan gate`: the gate for model traffic, and who may come in.

mod approvals;
mod grants;
mod issued;
mod pins;
pub(crate) mod recorder;
mod stub;

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use castellan_base::{OsSystem, System};
use castellan_gateway::config::{self, Config};
use castellan_gateway::record::Recorder;
use castellan_gateway::{Gate, Listener};
use serde_json::Value;

use crate::Ending;
use crate::arguments::{GateArguments, GateCommand};
use crate::output::{complain, inert_lines, read_text, stdout_is_terminal, to_stdout, width};
use crate::runtime;
use crate::tables::plain;

/// Largest configuration, in bytes.
const LARGEST: u64 = 1 << 20;

pub(crate) fn run(arguments: &GateArguments, system: &dyn System) -> Result<Ending> {
    match &arguments.command {
        None => runtime::serving()?.block_on(open(&arguments.config, system)),
        Some(GateCommand::Check) => check(&arguments.config, system),
        Some(GateCommand::Keys { command }) => issued::run(command, &arguments.config, system),
        Some(GateCommand::Grants { command }) => grants::run(command, &arguments.config, system),
        Some(GateCommand::Approvals { command }) => approvals::run(command, &arguments.config, system),
        Some(GateCommand::Pins { command }) => pins::run(command, &arguments.config, system),
        Some(GateCommand::Stub(stub)) => runtime::serving()?.block_on(stub::run(stub, system)),
    }
}

/// The configuration of a file.
pub(crate) fn read(path: &Path, system: &dyn System) -> Result<Config> {
    let named = || format!("`{}` cannot be read; name the configuration with --config", path.display());
    let text = read_text(path, LARGEST, system).with_context(named)?;
    config::read(&text).with_context(|| format!("`{}` cannot be used", path.display()))
}

async fn open(path: &Path, system: &dyn System) -> Result<Ending> {
    let config = read(path, system)?;
    let recorder = recorder::of_file(config.record.file.as_deref())?;
    let writer = Arc::clone(&recorder);
    let listener = listen(config, recorder as Arc<dyn Recorder>).await?;
    let stop = runtime::stop()?;
    complain(&format!("the gate is open at {}; Ctrl-C closes it", listener.address()));
    listener.run(stop, |problem| complain(&inert_lines(&format!("warning: {problem}")))).await;
    writer.close();
    complain("the gate is closed");
    Ok(Ending::Fine)
}

/// A gate that is about to answer.
pub(crate) async fn listen(config: Config, recorder: Arc<dyn Recorder>) -> Result<Listener> {
    let gate = Gate::new(config, Arc::new(OsSystem), recorder)?;
    Ok(Listener::bind(Arc::new(gate)).await?)
}

fn check(path: &Path, system: &dyn System) -> Result<Ending> {
    let config = read(path, system)?;
    let lines = config.described();
    Gate::new(config, Arc::new(OsSystem), Arc::new(recorder::Nowhere))?;
    to_stdout(lines.join("\n").as_bytes())?;
    to_stdout(b"\n")?;
    Ok(Ending::Fine)
}

/// Rows as a table on a terminal, as JSON otherwise.
fn show(rows: &[Value], columns: &[&str], json: bool, system: &dyn System) -> Result<Ending> {
    if json || !stdout_is_terminal() {
        let text = serde_json::to_string_pretty(rows)?;
        to_stdout(format!("{text}\n").as_bytes())?;
        return Ok(Ending::Fine);
    }
    let cell = |row: &Value, name: &str| match row.get(name) {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    };
    let lines = rows.iter().map(|row| columns.iter().map(|name| cell(row, name)).collect());
    to_stdout(plain(columns, lines, width(system)).as_bytes())?;
    Ok(Ending::Fine)
}

/// A store of the configuration, or what is missing there.
fn named<'c, T>(value: Option<&'c T>, what: &str, path: &Path) -> Result<&'c T> {
    match value {
        Some(value) => Ok(value),
        None => bail!(
            "`{}` names no `{what}` in `[gate]`; add one, such as {what} = \"{what}.json\"",
            path.display()
        ),
    }
}

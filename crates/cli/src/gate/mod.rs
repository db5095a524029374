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
use crate::tables::plain;
use crate::up::stopped;

/// Largest configuration, in bytes.
const LARGEST: u64 = 1 << 20;

pub(crate) fn run(arguments: &GateArguments, system: &dyn System) -> Result<Ending> {
    match &arguments.command {
        None => runtime()?.block_on(open(&arguments.config, system)),
        Some(GateCommand::Check) => check(&arguments.config, system),
        Some(GateCommand::Keys { command }) => issued::run(command, &arguments.config, system),
        Some(GateCommand::Grants { command }) => grants::run(command, &arguments.config, system),
        Some(GateCommand::Approvals { command }) => approvals::run(command, &arguments.config, system),
        Some(GateCommand::Pins { command }) => pins::run(command, &arguments.config, system),
        Some(GateCommand::Stub(stub)) => runtime()?.block_on(stub::run(stub, system)),
    }
}

fn runtime() -> Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().context("cannot start threads")
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
    complain(&format!("the gate is open at {}; Ctrl-C closes it", listener.address()));
    listener.run(stopped(), |problem| complain(&inert_lines(&format!("warning: {problem}")))).await;
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
    let lines = described(&config);
    Gate::new(config, Arc::new(OsSystem), Arc::new(recorder::Nowhere))?;
    to_stdout(lines.join("\n").as_bytes())?;
    to_stdout(b"\n")?;
    Ok(Ending::Fine)
}

/// What holds with a configuration, a line each.
fn described(config: &Config) -> Vec<String> {
    let mut lines = vec![format!(
        "listens at {}{}",
        config.listen,
        if config.tls.is_some() { ", encrypted" } else { "" }
    )];
    let who = [
        config.keys.as_ref().map(|path| format!("virtual keys of {}", path.display())),
        (!config.issuer.is_empty()).then(|| {
            let names: Vec<&str> = config.issuer.iter().map(|issuer| issuer.name.as_str()).collect();
            format!("tokens of {}", names.join(", "))
        }),
        (!config.certificate.is_empty()).then(|| "client certificates".to_owned()),
        config.anonymous.then(|| "anybody on this machine (a trial)".to_owned()),
    ];
    lines.push(format!("lets in {}", who.into_iter().flatten().collect::<Vec<_>>().join("; ")));
    let profiles = if config.profiles.is_empty() {
        "none: nothing is inspected".to_owned()
    } else {
        config.profiles.join(", ")
    };
    lines.push(format!("guardrails: {profiles}"));
    let models: Vec<&str> = config.upstreams.models.keys().map(String::as_str).collect();
    lines.push(format!("models: {}", models.join(", ")));
    let policies = config
        .policies
        .as_ref()
        .map_or("those that are built in".to_owned(), |path| path.display().to_string());
    lines.push(format!("policies: {policies}"));
    lines
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

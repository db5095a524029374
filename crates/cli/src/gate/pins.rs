//! `castellan gate pins`.

use std::path::Path;

use anyhow::Result;
use castellan_base::System;
use castellan_gateway::mcp::{
    Decision, Kind, Named, PinFile, Store, described, difference, found, listed, ruled,
};
use serde_json::Value;

use super::{named, read, show};
use crate::Ending;
use crate::arguments::{GatePinArguments, GatePinDecision, GatePinKind, GatePinsCommand};
use crate::output::{complain, to_stdout};

pub(super) fn run(command: &GatePinsCommand, path: &Path, system: &dyn System) -> Result<Ending> {
    let config = read(path, system)?;
    let file = PinFile::new(&named(config.mcp.as_ref(), "mcp", path)?.pins);
    let store = file.read(system)?;
    match command {
        GatePinsCommand::List { server, waiting, json } => {
            let rows = listed(&store, server.as_deref(), *waiting);
            let rows: Vec<Value> = rows.iter().map(serde_json::to_value).collect::<Result<_, _>>()?;
            show(&rows, &["server", "kind", "name", "state", "usable", "since", "by", "hash"], *json, system)
        }
        GatePinsCommand::Show(pin) => say(&described(&store, &of(&store, pin)?)),
        GatePinsCommand::Diff(pin) => say(&difference(&store, &of(&store, pin)?)?),
        GatePinsCommand::Approve(decision) => decide(&file, &store, Decision::Approve, decision, system),
        GatePinsCommand::Reject(decision) => decide(&file, &store, Decision::Reject, decision, system),
    }
}

fn of(store: &Store, pin: &GatePinArguments) -> Result<Named> {
    let kind = pin.kind.map(|kind| match kind {
        GatePinKind::Tool => Kind::Tool,
        GatePinKind::Prompt => Kind::Prompt,
        GatePinKind::Resource => Kind::Resource,
        GatePinKind::Template => Kind::Template,
        GatePinKind::Server => Kind::Server,
    });
    Ok(found(store, &pin.name, kind)?)
}

fn decide(
    file: &PinFile,
    store: &Store,
    decision: Decision,
    arguments: &GatePinDecision,
    system: &dyn System,
) -> Result<Ending> {
    let named = of(store, &arguments.pin)?;
    let ruled = ruled(store, &named, &arguments.hash, &arguments.by, &arguments.reason)?;
    file.decide(system, decision, &ruled, system.now())?;
    let word = if decision == Decision::Approve { "approved" } else { "rejected" };
    complain(&format!("`{}` is {word}; a gate that runs takes it over within seconds", arguments.pin.name));
    Ok(Ending::Fine)
}

fn say(text: &str) -> Result<Ending> {
    to_stdout(text.as_bytes())?;
    Ok(Ending::Fine)
}

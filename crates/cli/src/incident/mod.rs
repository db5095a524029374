//! `castellan incident`: incidents listed, worked on, told to others.
//!
//! Commands ask the server where one is named, and the folder otherwise: both answer the same.

mod keys;
mod orders;
mod place;
mod render;

use std::path::Path;

use anyhow::{Context, Result};
use castellan_base::System;
use serde_json::{Value, json};

use crate::Ending;
use crate::arguments::{
    IncidentArguments, IncidentCommand, IncidentFormat, IncidentListArguments, KeysCommand, PlaceArguments,
};
use crate::output::{read_text, stdin_text, stdout_is_terminal, to_stdout};
pub(crate) use place::{Place, public_key};

/// The largest text that is kept as evidence, in bytes.
const LARGEST: u64 = 8 << 20;

pub(crate) fn run(arguments: &IncidentArguments, system: &dyn System) -> Result<Ending> {
    match &arguments.command {
        IncidentCommand::List(arguments) => list(arguments, system),
        IncidentCommand::Show(of) => {
            let case = Place::of(&of.place, system)?.get(&[&of.incident], &[])?;
            render::case(&case, format(of.format), system)
        }
        IncidentCommand::Timeline(of) => {
            let told = Place::of(&of.place, system)?.get(&[&of.incident, "timeline"], &[])?;
            render::timeline(&told, format(of.format), system)
        }
        IncidentCommand::Graph { place, incident, form, output } => {
            written(place, &[incident, "graph"], form.as_str(), output.as_deref(), system)
        }
        IncidentCommand::Export { place, incident, form, output } => {
            written(place, &[incident, "export"], form.as_str(), output.as_deref(), system)
        }
        IncidentCommand::Report { place, incident, output } => {
            written(place, &[incident, "export"], "html", output.as_deref(), system)
        }
        IncidentCommand::Evidence { number, add: None, .. } => {
            let told = Place::of(&number.place, system)?.get(&[&number.incident, "evidence"], &[])?;
            render::evidence(&told, format(number.format), system)
        }
        IncidentCommand::Evidence { number, add: Some(file), kind, by, seal_to } => {
            let text =
                if file == Path::new("-") { stdin_text(LARGEST)? } else { read_text(file, LARGEST, system)? };
            let place = Place::sealing(&number.place, seal_to.as_deref(), system)?;
            let body = json!({ "by": by, "kind": kind, "text": text, "source": file.display().to_string() });
            let told = place.post(&[&number.incident, "evidence"], body)?;
            render::evidence(&told, format(number.format), system)
        }
        IncidentCommand::Reveal { order, evidence, key, reason } => {
            keys::reveal(order, evidence, key, reason, system)
        }
        IncidentCommand::Audit { place, incident, verify, format: asked } => {
            audit(place, incident.as_deref(), *verify, format(*asked), system)
        }
        IncidentCommand::Keys { command: KeysCommand::New { file, passphrase } } => {
            keys::new(file, *passphrase, system)
        }
        IncidentCommand::Keys { command: KeysCommand::Show { file } } => keys::show(file, system),
        command => orders::run(command, system),
    }
}

fn list(of: &IncidentListArguments, system: &dyn System) -> Result<Ending> {
    let mut query = vec![
        ("status", of.status.as_str().to_owned()),
        ("top", of.top.to_string()),
        ("skip", of.skip.to_string()),
    ];
    query.extend(of.severity.map(|severity| ("severity", severity.as_str().to_owned())));
    for (name, value) in [("owner", &of.owner), ("label", &of.label), ("rule", &of.rule), ("text", &of.text)]
    {
        query.extend(value.clone().map(|value| (name, value)));
    }
    let query: Vec<(&str, &str)> = query.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let told = Place::of(&of.place, system)?.get(&[], &query)?;
    render::list(&told, format(of.format), system)
}

/// Writes what an address answers, as it is.
fn written(
    place: &PlaceArguments,
    path: &[&str],
    form: &str,
    output: Option<&Path>,
    system: &dyn System,
) -> Result<Ending> {
    let text = Place::of(place, system)?.text(path, &[("format", form)])?;
    match output {
        None => to_stdout(text.as_bytes())?,
        Some(file) => {
            system
                .write(file, text.as_bytes())
                .with_context(|| format!("cannot write `{}`", file.display()))?;
        }
    }
    Ok(Ending::Fine)
}

fn audit(
    place: &PlaceArguments,
    incident: Option<&str>,
    verify: bool,
    format: IncidentFormat,
    system: &dyn System,
) -> Result<Ending> {
    if verify {
        // A folder that cannot even be opened is damaged as well, if it says so.
        let told = Place::of(place, system).and_then(|place| place.get(&["verify"], &[]));
        return match told {
            Ok(told) => render::verified(&told, format),
            Err(error) if place::is_damage(&error) => {
                crate::output::complain(&format!("error: {error:#}"));
                Ok(Ending::Findings)
            }
            Err(error) => Err(error),
        };
    }
    let place = Place::of(place, system)?;
    match incident {
        Some(incident) => render::trail(&place.get(&[incident, "audit"], &[])?, format, system),
        None => render::audit(&place.get(&["audit"], &[])?, format, system),
    }
}

/// The list that an answer holds.
fn values(told: &Value) -> &[Value] {
    told.get("value").and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// The format that is asked for, or that fits whoever reads.
fn format(asked: Option<IncidentFormat>) -> IncidentFormat {
    let usual = if stdout_is_terminal() { IncidentFormat::Table } else { IncidentFormat::Json };
    asked.unwrap_or(usual)
}

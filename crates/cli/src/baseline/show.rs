//! `castellan baseline list`, `show` and `explain`: what is known, from what was written last.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Result, bail};
use castellan_base::{System, Ticks};
use castellan_baseline::{Activity, Definition, Judged, State};
use castellan_kql::value::format_datetime;
use serde_json::{Value, json};

use super::kept::Kept;
use super::read;
use crate::Ending;
use crate::arguments::{ActorArguments, DefinitionsArguments};
use crate::output::{complain, inert_lines, to_stdout, width};
use crate::tables::plain;

/// Lists definitions.
pub(super) fn list(
    definitions: &DefinitionsArguments,
    lake: Option<&Path>,
    as_json: bool,
    system: &dyn System,
) -> Result<Ending> {
    let read = read(definitions, system)?;
    let kept = lake.map(Kept::of_lake);
    let mut values = Vec::new();
    for definition in &read.definitions {
        let state = match &kept {
            Some(kept) => kept.state(definition, system)?,
            None => None,
        };
        values.push(listed(definition, state.as_ref()));
    }
    if as_json {
        print(&Value::Array(values))?;
    } else {
        // How far they are is known of a lake alone.
        let shown = if kept.is_some() { 6 } else { 3 };
        let names = ["id", "actor", "name", "state", "actors", "activities"];
        let rows =
            values.iter().map(|value| names.iter().take(shown).map(|name| text(value.get(name))).collect());
        let header = ["definition", "actors are", "name", "state", "actors", "activities"];
        let header = header.get(..shown).unwrap_or(&header);
        to_stdout(plain(header, rows, width(system)).as_bytes())?;
    }
    Ok(if read.has_errors { Ending::Findings } else { Ending::Fine })
}

fn listed(definition: &Definition, state: Option<&State>) -> Value {
    let word = match state {
        None => "not begun",
        Some(state) if !state.is_of(definition) => "of another version: it is learnt anew",
        Some(state) if state.until() < state.began() => "learning",
        Some(_) => "up to date",
    };
    json!({
        "id": &*definition.id, "name": &definition.name, "version": &definition.version,
        "actor": definition.actor.as_str(), "tables": &definition.tables, "description": definition.description.trim(),
        "dimensions": definition.dimensions.iter().map(|one| &*one.column).collect::<Vec<_>>(),
        "state": word, "until": state.map(|state| format_datetime(state.until())),
        "actors": state.map(State::actors), "activities": state.map(|state| state.counts().activities),
        "bytes": state.map(State::bytes), "notCounted": state.map(State::counts),
    })
}

/// What is known of an actor.
struct Known {
    definition: Definition,
    state: State,
    id: Arc<str>,
}

/// Errors: definitions or states that cannot be read, and a definition that there is none of.
fn known(arguments: &ActorArguments, system: &dyn System) -> Result<Vec<Known>> {
    let read = read(&arguments.definitions, system)?;
    let kept = Kept::of_lake(&arguments.lake);
    let mut found = Vec::new();
    let mut has_definition = false;
    for definition in read.definitions {
        if arguments.definition.as_ref().is_some_and(|id| **id != *definition.id) {
            continue;
        }
        has_definition = true;
        let Some(state) = kept.state(&definition, system)?.filter(|state| state.is_of(&definition)) else {
            continue;
        };
        let is_it = |text: &str| text.eq_ignore_ascii_case(&arguments.actor);
        let ids: Vec<Arc<str>> = state
            .names()
            .filter(|(id, name)| is_it(id) || is_it(name))
            .map(|(id, _)| Arc::clone(id))
            .collect();
        for id in ids {
            found.push(Known { definition: definition.clone(), state: state.clone(), id });
        }
    }
    if !has_definition {
        bail!("there is no such definition; `castellan baseline list` names all");
    }
    if found.is_empty() {
        complain(&inert_lines(&format!(
            "nothing is known of `{}`; `castellan baseline run` takes in what the lake has",
            arguments.actor
        )));
    }
    Ok(found)
}

/// Shows what is known of an actor.
pub(super) fn actor(arguments: &ActorArguments, system: &dyn System) -> Result<Ending> {
    let found = known(arguments, system)?;
    let rows: Vec<Value> = found
        .iter()
        .flat_map(|known| known.state.known(&known.definition, &known.id))
        .map(Value::Object)
        .collect();
    if arguments.json {
        print(&Value::Array(rows))?;
    } else if !rows.is_empty() {
        let names = [
            "Definition",
            "ActorName",
            "Dimension",
            "Value",
            "Verdict",
            "Count",
            "Share",
            "FirstSeen",
            "LastSeen",
            "PeerCount",
            "Peers",
            "Rarity",
            "VolumeMean",
            "VolumeDeviation",
        ];
        let lines = rows.iter().map(|row| names.iter().map(|name| text(row.get(name))).collect());
        to_stdout(plain(&names, lines, width(system)).as_bytes())?;
    }
    Ok(if found.is_empty() { Ending::Findings } else { Ending::Fine })
}

/// Says what would be said of an activity.
pub(super) fn explain(arguments: &ActorArguments, values: &[String], system: &dyn System) -> Result<Ending> {
    let found = known(arguments, system)?;
    let now = system.now();
    for known in &found {
        let activity = activity(known, values, now)?;
        let judged = known.state.judge(&known.definition, &activity);
        if arguments.json {
            print(&judged_json(known, &judged))?;
            continue;
        }
        let mut lines = format!(
            "{} {}: {}, priority {}\n",
            known.definition.id,
            known.id,
            judged.verdict.as_str(),
            judged.priority
        );
        for line in &judged.explanation {
            lines.push_str(&format!("  {line}\n"));
        }
        to_stdout(inert_lines(&lines).as_bytes())?;
    }
    Ok(if found.is_empty() { Ending::Findings } else { Ending::Fine })
}

/// Errors: what is no dimension of the definition.
fn activity(known: &Known, values: &[String], now: Ticks) -> Result<Activity> {
    let dimensions = &known.definition.dimensions;
    let mut of: Vec<Arc<str>> = vec![Arc::from(""); dimensions.len()];
    for pair in values {
        let Some((column, value)) = pair.split_once('=') else {
            bail!("`{pair}` is no value; write DIMENSION=VALUE, as `Country=BR`");
        };
        let at = dimensions.iter().position(|one| one.column.eq_ignore_ascii_case(column));
        let Some(place) = at.and_then(|at| of.get_mut(at)) else {
            let names: Vec<&str> = dimensions.iter().map(|one| &*one.column).collect();
            bail!("`{}` has no dimension `{column}`; it has {}", known.definition.id, names.join(", "));
        };
        *place = value.into();
    }
    Ok(Activity {
        time: now.get(),
        actor: Arc::clone(&known.id),
        values: of,
        amount: 1,
        ..Activity::default()
    })
}

fn judged_json(known: &Known, judged: &Judged) -> Value {
    json!({
        "definition": &*known.definition.id, "actor": &*known.id, "verdict": judged.verdict.as_str(),
        "priority": judged.priority, "historyDays": judged.history.0, "historyActivities": judged.history.1,
        "explanation": &judged.explanation,
    })
}

fn print(value: &Value) -> Result<()> {
    to_stdout((serde_json::to_string_pretty(value)? + "\n").as_bytes())
}

fn text(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => inert_lines(text),
        Some(other) => other.to_string(),
    }
}

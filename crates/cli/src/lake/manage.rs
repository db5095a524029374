//! `castellan lake keep | delete | drop | define | definitions | undefine | run`: what is done with tables as a whole.

use std::path::Path;

use anyhow::{Context, Result, bail};
use castellan_base::System;
use castellan_kql::value::{format_datetime, parse_datetime};
use castellan_lake::rows::{micros_of_ticks, ticks_of_micros};
use castellan_lake::{Definition, Lake, Options, Retention, Run};
use serde_json::Value;

use super::tell_damages;
use crate::Ending;
use crate::arguments::LakeFolder;
use crate::output::{complain, read_text, to_stdout, width};
use crate::tables::plain;

/// A lake without work in the background: these commands do one thing.
async fn open(folder: &LakeFolder) -> Result<Lake> {
    let options = Options { upkeep: false, ..Options::default() };
    let lake = Lake::open(&folder.lake, options).await?;
    tell_damages(&lake);
    Ok(lake)
}

pub(super) async fn keep(folder: &LakeFolder, table: &str, retention: Retention) -> Result<Ending> {
    let lake = open(folder).await?;
    lake.set_retention(table, retention).await?;
    complain(&format!("{table} keeps rows: {retention}"));
    lake.close().await?;
    Ok(Ending::Fine)
}

pub(super) async fn delete(folder: &LakeFolder, table: &str, condition: &str, yes: bool) -> Result<Ending> {
    let lake = open(folder).await?;
    if yes {
        let deleted = lake.delete(table, condition).await?;
        complain(&format!("{} rows of {table} are gone", deleted.rows));
        lake.close().await?;
        return Ok(Ending::Fine);
    }
    let rows = lake.count(table, condition).await?;
    complain(&format!("{rows} rows of {table} would go; do it with --yes"));
    Ok(if rows > 0 { Ending::Findings } else { Ending::Fine })
}

pub(super) async fn drop_table(folder: &LakeFolder, table: &str, yes: bool) -> Result<Ending> {
    let lake = open(folder).await?;
    if yes {
        lake.drop_table(table).await?;
        complain(&format!("{table} is removed"));
        lake.close().await?;
        return Ok(Ending::Fine);
    }
    let rows = lake.count(table, "true").await?;
    complain(&format!("{table} with {rows} rows would go; do it with --yes"));
    Ok(Ending::Findings)
}

/// Largest definition, in bytes.
const DEFINITION: u64 = 1 << 20;

pub(super) async fn define(folder: &LakeFolder, file: &Path, system: &dyn System) -> Result<Ending> {
    let text = read_text(file, DEFINITION, system)?;
    let definition = read(&text).with_context(|| format!("{}: this is no definition", file.display()))?;
    let lake = open(folder).await?;
    let definition = lake.define(definition).await?;
    complain(&format!("{} fills {}", definition.name(), definition.table()));
    lake.close().await?;
    Ok(Ending::Fine)
}

/// A definition in the form of the lake, or a summary rule as Azure exports it.
fn read(text: &str) -> Result<Definition> {
    let value: Value = serde_json::from_str(text)?;
    let Some(rule) = value.pointer("/properties/ruleDefinition") else {
        return Ok(serde_json::from_value(value)?);
    };
    let mut rule = rule.clone();
    let Some(members) = rule.as_object_mut() else { bail!("`ruleDefinition` is no object") };
    let name = value.get("name").and_then(Value::as_str).and_then(|name| name.rsplit('/').next());
    members.insert("kind".to_owned(), "summary".into());
    members.insert("name".to_owned(), name.context("the rule has no `name`")?.into());
    if let Some(is_active) = value.pointer("/properties/isActive") {
        members.insert("isActive".to_owned(), is_active.clone());
    }
    if let Some(description) = value.pointer("/properties/description") {
        members.insert("description".to_owned(), description.clone());
    }
    Ok(serde_json::from_value(rule)?)
}

pub(super) async fn definitions(folder: &LakeFolder, as_json: bool, system: &dyn System) -> Result<Ending> {
    let lake = Lake::open_for_reading(&folder.lake, Options::default()).await?;
    let definitions = lake.definitions();
    let text = if as_json {
        format!("{}\n", serde_json::to_string_pretty(&definitions)?)
    } else {
        let rows = definitions.iter().map(|definition| {
            let (kind, every) = match definition {
                Definition::Summary(summary) => ("summary", summary.bin_size),
                Definition::Materialized(table) => ("materialized", table.every),
            };
            let first = definition.query().lines().next().unwrap_or_default();
            let query: String = first.chars().take(60).collect();
            vec![
                definition.name().to_owned(),
                kind.to_owned(),
                definition.table().to_owned(),
                format!("{every} min"),
                query,
            ]
        });
        plain(&["name", "kind", "table", "every", "query"], rows, width(system))
    };
    to_stdout(text.as_bytes()).map(|()| Ending::Fine)
}

pub(super) async fn undefine(folder: &LakeFolder, name: &str) -> Result<Ending> {
    let lake = open(folder).await?;
    lake.undefine(name)?;
    complain(&format!("{name} is no longer run; its table stays"));
    Ok(Ending::Fine)
}

pub(super) async fn run(folder: &LakeFolder, name: &str, bin: Option<&str>) -> Result<Ending> {
    let lake = open(folder).await?;
    let runs = match bin {
        None => lake.run_definition(name).await?,
        Some(text) => {
            let Some(ticks) = parse_datetime(text) else {
                bail!("`{text}` is no time; write it as 2026-01-31T00:00:00Z")
            };
            vec![lake.retry_bin(name, micros_of_ticks(ticks)).await?]
        }
    };
    runs.iter().for_each(tell);
    if runs.is_empty() {
        complain("nothing is due");
    }
    lake.close().await?;
    Ok(Ending::Fine)
}

fn tell(run: &Run) {
    let of = run.start.map(|start| format!("{}: ", format_datetime(ticks_of_micros(start))));
    complain(&format!("{}{} rows in {} ms", of.unwrap_or_default(), run.rows, run.took.as_millis()));
}

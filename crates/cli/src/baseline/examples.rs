//! `castellan baseline test`: the examples of definitions.

use std::collections::BTreeSet;

use anyhow::{Result, anyhow};
use castellan_base::System;
use castellan_baseline::definition::Example;
use castellan_baseline::{Definition, examples};
use castellan_detect::run::{Events, Memory};
use castellan_kql::bind::{Options, Tables, bind};
use castellan_kql::parse;
use castellan_kql::plan::Field as Column;
use castellan_kql::schema::Catalog;

use super::read;
use crate::Ending;
use crate::arguments::DefinitionsArguments;
use crate::output::{complain, inert_lines};

pub(super) async fn run(definitions: &DefinitionsArguments, system: &dyn System) -> Result<Ending> {
    let read = read(definitions, system)?;
    let (mut passed, mut failed, mut without) = (0, 0, 0);
    for definition in &read.definitions {
        without += usize::from(definition.examples.is_empty());
        for example in &definition.examples {
            let faults = match faults(definition, example, system).await {
                Ok(faults) => faults,
                Err(error) => vec![format!("{error:#}")],
            };
            if faults.is_empty() {
                passed += 1;
                continue;
            }
            failed += 1;
            for fault in faults {
                complain(&inert_lines(&format!("failed: {}: {}: {fault}", definition.id, example.name)));
            }
        }
    }
    complain(&format!("{passed} passed, {failed} failed; {without} definitions have no example"));
    Ok(if failed > 0 || read.has_errors { Ending::Findings } else { Ending::Fine })
}

async fn faults(definition: &Definition, example: &Example, system: &dyn System) -> Result<Vec<String>> {
    let mut events = Memory::default();
    for table in tables(definition, example) {
        let rows = example.rows(&table).map_err(|reason| anyhow!(reason))?;
        events.add_json(&table, columns(&table), &rows)?;
    }
    let engine = events.engine(system.now()).await.map_err(|error| anyhow!("{error}"))?;
    Ok(examples::test(definition, example, &engine).await?)
}

/// The tables that an example has, and those that the query reads beside.
fn tables(definition: &Definition, example: &Example) -> BTreeSet<String> {
    let mut names: BTreeSet<String> = example.tables.keys().chain(&definition.tables).cloned().collect();
    let catalog = Catalog::built_in();
    let mut known = Tables::default();
    for table in catalog.tables() {
        known.add(table.name(), columns(table.name()));
    }
    if let Ok(bound) = bind(&parse(&definition.query).script, &known, &Options::default()) {
        let plans = bound.results.iter().flat_map(|result| result.plan.tables());
        names.extend(plans.map(|name| name.to_string()));
    }
    names
}

fn columns(table: &str) -> Vec<Column> {
    let known = Catalog::built_in().table(table);
    let list = known.map(|table| table.columns().list.to_vec()).unwrap_or_default();
    list.iter().map(|column| Column::new(column.name.clone(), column.scalar_type)).collect()
}

//! `castellan classify --list`.

use std::sync::Arc;

use anyhow::Result;
use castellan_base::System;
use castellan_classify::Engine;
use castellan_classify::rule::Affinity;
use serde_json::{Value as Json, json};

use crate::Ending;
use crate::arguments::{ClassifyArguments, ClassifyFormat};
use crate::output::{stdout_is_terminal, to_stdout, width};
use crate::tables::plain;

/// What a type is that no detector finds, for people and for programs.
struct Other {
    id: Arc<str>,
    title: Arc<str>,
    category: &'static str,
    from: u8,
}

/// Combinations of the rules, and types of indexes.
fn others(engine: &Engine, indexed: &[Arc<str>]) -> Vec<Other> {
    let combination = |own: &Affinity| Other {
        id: own.id.clone(),
        title: own.title.clone(),
        category: "combination",
        from: own.threshold,
    };
    let index = |id: &Arc<str>| {
        let title = if id.starts_with("exact:") { "Values of a table" } else { "Parts of documents" };
        Other { id: id.clone(), title: title.into(), category: "index", from: 75 }
    };
    engine.rules().affinities.iter().map(combination).chain(indexed.iter().map(index)).collect()
}

/// The detectors with what is known about each, then other types.
pub(super) fn run(
    engine: &Engine,
    indexed: &[Arc<str>],
    arguments: &ClassifyArguments,
    system: &dyn System,
) -> Result<Ending> {
    let others = others(engine, indexed);
    let format = arguments.format.unwrap_or(match stdout_is_terminal() {
        true => ClassifyFormat::Table,
        false => ClassifyFormat::Json,
    });
    let detectors = &engine.rules().detectors;
    if format != ClassifyFormat::Table {
        let shown: Vec<Json> = (detectors.iter())
            .map(|own| {
                json!({
                    "id": &*own.id, "title": &*own.title, "category": own.category.as_str(), "version": own.version,
                    "guid": own.guid.as_deref(), "presidio": own.presidio.as_deref(), "recommended": own.recommended,
                })
            })
            .chain(others.iter().map(|own| {
                json!({ "id": &*own.id, "title": &*own.title, "category": own.category, "recommended": own.from })
            }))
            .collect();
        let mut text = serde_json::to_string_pretty(&shown)?;
        text.push('\n');
        return to_stdout(text.as_bytes()).map(|()| Ending::Fine);
    }
    let rows = detectors.iter().map(|own| {
        vec![
            own.id.to_string(),
            own.title.to_string(),
            own.category.as_str().to_owned(),
            own.recommended.to_string(),
        ]
    });
    let rows = rows.chain(others.iter().map(|own| {
        vec![own.id.to_string(), own.title.to_string(), own.category.to_owned(), own.from.to_string()]
    }));
    let table = plain(&["type", "finds", "category", "from"], rows, width(system));
    to_stdout(format!("{table}\n{} detectors\n", detectors.len()).as_bytes()).map(|()| Ending::Fine)
}

//! `castellan classify --list`.

use anyhow::Result;
use castellan_base::System;
use castellan_classify::Engine;
use serde_json::{Value as Json, json};

use crate::Ending;
use crate::arguments::{ClassifyArguments, ClassifyFormat};
use crate::output::{stdout_is_terminal, to_stdout, width};
use crate::tables::plain;

/// The detectors with what is known about each.
pub(super) fn run(engine: &Engine, arguments: &ClassifyArguments, system: &dyn System) -> Result<Ending> {
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
    let table = plain(&["type", "finds", "category", "from"], rows, width(system));
    to_stdout(format!("{table}\n{} detectors\n", detectors.len()).as_bytes()).map(|()| Ending::Fine)
}

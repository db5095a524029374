//! `castellan intel list` and `show`.

use anyhow::{Result, anyhow};
use castellan_base::{System, Ticks};
use castellan_intel::held::{Asked, Held, held};
use castellan_intel::rows::{INDICATORS, OBJECTS};
use castellan_query::Settings;
use serde_json::{Value, json};

use super::{cell, lake_for_reading, show as show_rows, warn};
use crate::Ending;
use crate::arguments::{IntelListArguments, IntelShowArguments};
use crate::detect::print;
use crate::output::complain;
use crate::query::render::cell as value_json;

pub(super) async fn list(arguments: &IntelListArguments, system: &dyn System) -> Result<Ending> {
    let lake = lake_for_reading(&arguments.folder.lake).await?;
    let engine = lake.engine(Settings::default());
    let all = held(&engine, &Asked::default()).await.map_err(|error| anyhow!("{error}"))?;
    let now = system.now();
    let text = arguments.text.as_deref().map(str::to_lowercase);
    let is_meant = |held: &&Held| {
        (arguments.all || held.counts_at(now)) && text.as_deref().is_none_or(|text| has(held, text))
    };
    let found: Vec<&Held> = all.iter().filter(is_meant).collect();
    let rows: Vec<Value> = found.iter().take(arguments.limit).map(|held| row(held, now)).collect();
    let names = ["id", "name", "source", "values", "confidence", "validUntil", "counts"];
    let line = |row: &Value| {
        let text = |name: &str| match row.get(name) {
            Some(Value::Array(values)) => {
                let shown: Vec<String> = values.iter().take(2).map(|value| cell(value, "value")).collect();
                let more = values.len().saturating_sub(2);
                if more > 0 { format!("{} and {more} more", shown.join(", ")) } else { shown.join(", ") }
            }
            _ => cell(row, name),
        };
        names.iter().map(|name| text(name)).collect()
    };
    show_rows(
        &rows,
        &["id", "name", "source", "values", "confidence", "until", "counts"],
        line,
        &arguments.output,
        system,
    )?;
    if found.len() > rows.len() {
        warn(
            &format!("{} more are not shown; ask for more with --limit", found.len() - rows.len()),
            &arguments.output,
        );
    }
    Ok(Ending::Fine)
}

fn has(held: &Held, text: &str) -> bool {
    let values = held.alternatives.iter().flat_map(|alternative| &alternative.parts).map(|part| &part.value);
    [&held.id, &held.name, &held.source]
        .into_iter()
        .chain(values)
        .any(|own| own.to_lowercase().contains(text))
}

fn row(held: &Held, now: Ticks) -> Value {
    let parts = held.alternatives.iter().flat_map(|alternative| &alternative.parts);
    json!({
        "id": held.id,
        "name": held.name,
        "source": held.source,
        "values": parts.map(|part| json!({"kind": part.kind.name(), "value": part.value})).collect::<Vec<_>>(),
        "confidence": held.confidence,
        "validFrom": held.from.to_string(),
        "validUntil": held.until.map(|until| until.to_string()),
        "modified": held.modified.to_string(),
        "counts": held.counts_at(now),
        "isMatched": !held.alternatives.is_empty(),
    })
}

pub(super) async fn show(arguments: &IntelShowArguments, _system: &dyn System) -> Result<Ending> {
    let lake = lake_for_reading(&arguments.folder.lake).await?;
    let engine = lake.engine(Settings::default());
    let id = arguments.id.replace('\\', "\\\\").replace('\'', "\\'");
    for table in [INDICATORS, OBJECTS] {
        // Rows of one version repeat it, of which the first has it whole.
        let query = format!(
            "{table} | where Id == '{id}' | extend Size = strlen(tostring(Data)) \
             | top 1 by TimeGenerated, Size | project Data, AdditionalFields"
        );
        let answers = engine.query(&query).await.map_err(|error| anyhow!("{error}"))?;
        let rows =
            answers.answers.first().map(castellan_query::Answer::values).transpose()?.unwrap_or_default();
        if let Some([data, additional]) = rows.first().map(Vec::as_slice) {
            print(&json!({ "object": value_json(data), "castellan": value_json(additional) }))?;
            return Ok(Ending::Fine);
        }
    }
    complain(&format!("there is no `{}`; `castellan intel list` shows what there is", arguments.id));
    Ok(Ending::Findings)
}

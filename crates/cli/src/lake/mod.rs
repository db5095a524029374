//! `castellan ingest` and `castellan lake`: rows into event tables, and a look at them.

mod read;
pub(crate) mod served;
mod told;

use std::time::Duration;

use anyhow::{Context, Result};
use castellan_base::System;
use castellan_lake::{Append, Error, Form, Lake, Options};
use serde_json::json;

use self::read::{Part, Parts};
use self::told::Told;
use crate::Ending;
use crate::arguments::{IngestArguments, LakeArguments, LakeCommand, LakeFolder};
use crate::output::{complain, to_stdout, width};
use crate::progress::Bar;
use crate::tables::plain;

fn runtime() -> Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().context("cannot start threads")
}

pub(crate) fn ingest(arguments: &IngestArguments, _system: &dyn System) -> Result<Ending> {
    runtime()?.block_on(async {
        let lake = Lake::open(&arguments.folder.lake, Options::default()).await?;
        tell_damages(&lake);
        let taken = take(&lake, arguments).await;
        // What was taken in stays, whatever became of the rest.
        lake.close().await?;
        let told = taken?;
        told.print(arguments.quiet);
        Ok(if told.refused > 0 { Ending::Findings } else { Ending::Fine })
    })
}

async fn take(lake: &Lake, arguments: &IngestArguments) -> Result<Told> {
    let (mut told, bar) = (Told::default(), Bar::new(arguments.quiet));
    for file in &arguments.files {
        let mut parts = Parts::open(file, arguments.format)?;
        while let Some(part) = parts.next().await? {
            let first = parts.first_line();
            let appended = keep(lake, arguments, part).await.with_context(|| file.display().to_string())?;
            told.add(file, first, &appended);
            bar.rows("taking in", told.rows, 0);
        }
    }
    bar.finish();
    Ok(told)
}

async fn keep(
    lake: &Lake,
    arguments: &IngestArguments,
    part: Part,
) -> Result<castellan_lake::Appended, Error> {
    let how = Append {
        // Files hold what has happened, whenever that was.
        keeps_times: true,
        adds_columns: arguments.create,
        resource: arguments.resource.as_deref().map(Into::into),
        ..Append::default()
    };
    let mut is_made = false;
    loop {
        let appended = match &part {
            Part::Text(text, form) => lake.append(&arguments.table, text, *form, how.clone()).await,
            Part::Batch(batch) => lake.append_batch(&arguments.table, batch, how.clone()).await,
        };
        match appended {
            Err(Error::Busy { retry_after, .. }) => tokio::time::sleep(retry_after.min(BREATH)).await,
            Err(Error::UnknownTable { .. }) if arguments.create && !is_made => {
                let columns = match &part {
                    Part::Batch(batch) => read::columns(batch),
                    Part::Text(..) => Vec::new(),
                };
                lake.create_table(&arguments.table, columns).await?;
                is_made = true;
            }
            done => return done,
        }
    }
}

/// How long to wait until rows in memory have gone to files.
const BREATH: Duration = Duration::from_millis(100);

pub(crate) fn run(arguments: &LakeArguments, system: &dyn System) -> Result<Ending> {
    runtime()?.block_on(async {
        match &arguments.command {
            LakeCommand::Tables { folder, json } => tables(folder, *json, system).await,
            LakeCommand::Create { table, columns, folder } => {
                let lake = Lake::open(&folder.lake, Options::default()).await?;
                let schema = lake.create_table(table, columns.clone()).await?;
                complain(&format!("{table} has {} columns", schema.columns().len()));
                lake.close().await?;
                Ok(Ending::Fine)
            }
            LakeCommand::Tidy { folder, keep_days } => {
                let retention = keep_days.map(|days| Duration::from_hours(days.saturating_mul(24)));
                let options =
                    Options { retention, vacuum_after: Duration::ZERO, upkeep: false, ..Options::default() };
                let lake = Lake::open(&folder.lake, options).await?;
                tell_damages(&lake);
                lake.flush().await?;
                lake.tidy().await?;
                lake.close().await?;
                Ok(Ending::Fine)
            }
        }
    })
}

async fn tables(folder: &LakeFolder, as_json: bool, system: &dyn System) -> Result<Ending> {
    let lake = Lake::open_for_reading(&folder.lake, Options::default()).await?;
    tell_damages(&lake);
    let tables = lake.tables();
    let text = if as_json {
        let each = tables.iter().map(|table| {
            json!({
                "name": &**table.schema.name(), "rows": table.rows, "rowsInMemory": table.rows_in_memory,
                "files": table.files, "bytes": table.bytes, "columns": table.schema.columns().len(),
            })
        });
        format!("{}\n", serde_json::to_string_pretty(&each.collect::<Vec<_>>())?)
    } else {
        let rows = tables.iter().map(|table| {
            let kibibytes = table.bytes.div_ceil(1 << 10);
            vec![
                table.schema.name().to_string(),
                table.rows.to_string(),
                table.rows_in_memory.to_string(),
                table.files.to_string(),
                format!("{kibibytes} KiB"),
            ]
        });
        plain(&["table", "rows", "in the log alone", "files", "size"], rows, width(system))
    };
    to_stdout(text.as_bytes()).map(|()| Ending::Fine)
}

/// Says what of a lake is not as it was written.
pub(crate) fn tell_damages(lake: &Lake) {
    for damage in lake.damages() {
        complain(&format!("damaged: {damage}"));
    }
}

/// The lines of a text as one form.
fn lines(text: Vec<u8>) -> Part {
    Part::Text(text, Form::Lines)
}

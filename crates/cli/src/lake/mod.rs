//! `castellan ingest` and `castellan lake`: rows into event tables, and a look at them.

mod manage;
pub(crate) mod served;
mod told;

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use castellan_base::System;
use castellan_lake::{Append, Lake, Options};
use castellan_server::intake::files::{self, Format, Parts};
use serde_json::json;

use self::told::Told;
use crate::Ending;
use crate::arguments::{IngestArguments, IngestFormat, LakeArguments, LakeCommand, LakeFolder};
use crate::output::{complain, to_stdout, width};
use crate::progress::Bar;
use crate::runtime;
use crate::tables::plain;

pub(crate) fn ingest(arguments: &IngestArguments, _system: &dyn System) -> Result<Ending> {
    runtime::working()?.block_on(async {
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
    let (table, paths) = table_and_files(arguments)?;
    let how = Append {
        // Files hold what has happened, whenever that was.
        keeps_times: true,
        adds_columns: arguments.create,
        resource: arguments.resource.as_deref().map(Into::into),
        ..Append::default()
    };
    for path in paths {
        let name = || path.display().to_string();
        let mut parts = Parts::open(path, format(path, arguments.format)?).with_context(name)?;
        while let Some(part) = parts.next().await.with_context(name)? {
            let first = parts.first_line();
            let table = part.table.as_deref().or(table).unwrap_or_default();
            let appended = files::keep(lake, table, &part.rows, &how).await.with_context(name)?;
            told.add(path, first, &appended);
            bar.rows("taking in", told.rows, 0);
        }
        told.diagnostics(path, &parts);
    }
    bar.finish();
    Ok(told)
}

/// The table, unless records name theirs, and the files.
fn table_and_files(arguments: &IngestArguments) -> Result<(Option<&str>, &[PathBuf])> {
    if arguments.format == Some(IngestFormat::Diagnostics) {
        return Ok((None, &arguments.table_and_files));
    }
    let Some((table, files)) = arguments.table_and_files.split_first() else {
        bail!("no table is given; write `castellan ingest TABLE FILE`");
    };
    let Some(table) = table.to_str() else { bail!("the name of the table is not UTF-8") };
    if files.is_empty() {
        bail!("`{table}` is taken for the table, and no file is given; write `castellan ingest TABLE FILE`");
    }
    Ok((Some(table), files))
}

fn format(path: &Path, given: Option<IngestFormat>) -> Result<Format> {
    let of_name = || match path.file_name().and_then(|name| name.to_str()) {
        Some("-") => Some(Format::Lines),
        name => Format::of(name?),
    };
    let given = given.map(|given| match given {
        IngestFormat::Jsonl => Format::Lines,
        IngestFormat::Json => Format::Array,
        IngestFormat::Csv => Format::Csv,
        IngestFormat::Parquet => Format::Parquet,
        IngestFormat::Diagnostics => Format::Diagnostics,
    });
    match given.or_else(of_name) {
        Some(format) => Ok(format),
        None => bail!("{}: this is no kind of file that is known; say which with --format", path.display()),
    }
}

pub(crate) fn run(arguments: &LakeArguments, system: &dyn System) -> Result<Ending> {
    runtime::working()?.block_on(async {
        match &arguments.command {
            LakeCommand::Tables { folder, json } => tables(folder, *json, system).await,
            LakeCommand::Create { table, columns, folder } => {
                let lake = Lake::open(&folder.lake, Options::default()).await?;
                let schema = lake.create_table(table, columns.clone()).await?;
                complain(&format!("{table} has {} columns", schema.columns().len()));
                lake.close().await?;
                Ok(Ending::Fine)
            }
            LakeCommand::Keep { table, retention, folder } => manage::keep(folder, table, *retention).await,
            LakeCommand::Delete { table, condition, yes, folder } => {
                manage::delete(folder, table, condition, *yes).await
            }
            LakeCommand::Drop { table, yes, folder } => manage::drop_table(folder, table, *yes).await,
            LakeCommand::Define { file, folder } => manage::define(folder, file, system).await,
            LakeCommand::Definitions { folder, json } => manage::definitions(folder, *json, system).await,
            LakeCommand::Undefine { name, folder } => manage::undefine(folder, name).await,
            LakeCommand::Run { name, bin, folder } => manage::run(folder, name, bin.as_deref()).await,
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
                "retention": table.retention.to_string(),
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
                table.retention.to_string(),
            ]
        });
        plain(&["table", "rows", "in the log alone", "files", "size", "kept"], rows, width(system))
    };
    to_stdout(text.as_bytes()).map(|()| Ending::Fine)
}

/// Says what of a lake is not as it was written.
pub(crate) fn tell_damages(lake: &Lake) {
    for damage in lake.damages() {
        complain(&format!("damaged: {damage}"));
    }
}

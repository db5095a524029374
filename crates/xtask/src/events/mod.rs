//! `cargo xtask generate-events --out DIR --rows N --seed S`: security events to measure the query engine with.
//!
//! Four tables, each a folder of Parquet files: `SigninLogs`, `AzureActivity` and `DeviceProcessEvents` with columns,
//! names and types of Azure Monitor, and `GatewayLogs`, what an AI gateway writes down. The same seed and number of rows
//! give the same bytes. Users, addresses and commands are skewed as in life, and attacks are woven in: password sprays,
//! brute force that succeeds, impossible travel, prompt injection, leaked keys, living off the land.

mod activity;
mod attack;
mod gateway;
mod process;
mod rows;
mod signin;
mod text;
mod time;
mod vocabulary;
mod world;

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;
use rayon::prelude::*;

use crate::events::rows::Rows;
use crate::events::world::World;
use crate::random::Random;
use crate::say;

/// Writes one event that happened at a time (microseconds since 1970).
type Event = fn(&World, &mut Random, i64, &mut Rows) -> Result<()>;

/// The tables with their share of all rows, in percent.
const TABLES: [(&str, u64, Event); 4] = [
    ("SigninLogs", 30, signin::event),
    ("AzureActivity", 10, activity::event),
    ("GatewayLogs", 20, gateway::event),
    ("DeviceProcessEvents", 40, process::event),
];

/// Enough files that an engine can read a table with a few threads.
const FILES: u64 = 4;

/// As many rows go into a row group: 16 batches.
const ROW_GROUP: usize = 131_072;
const BATCH: usize = 8_192;

/// What was asked for.
struct Request {
    folder: PathBuf,
    rows: u64,
    seed: u64,
}

pub(crate) fn run(arguments: &[&str]) -> Result<()> {
    write(&request(arguments)?)
}

fn request(arguments: &[&str]) -> Result<Request> {
    let (mut folder, mut rows, mut seed) = (None, 10_000_000, 1);
    for pair in arguments.chunks(2) {
        let [name, value] = pair else { bail!("`{}` needs a value", pair.concat()) };
        let number = || value.parse().with_context(|| format!("`{value}` is not a number"));
        match *name {
            "--out" => folder = Some(PathBuf::from(value)),
            "--rows" => rows = number()?,
            "--seed" => seed = number()?,
            _ => bail!("unknown option `{name}`; there are --out, --rows and --seed"),
        }
    }
    Ok(Request { folder: folder.context("`--out DIR` is missing")?, rows, seed })
}

/// One file to write: every file has random numbers of its own, so files can be written in any order.
struct Job {
    table: &'static str,
    event: Event,
    file: u64,
    rows: u64,
    stream: u64,
}

fn write(request: &Request) -> Result<()> {
    let world = World::new(request.seed);
    for (table, ..) in TABLES {
        let folder = request.folder.join(table);
        std::fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    }
    let sizes: Vec<u64> =
        jobs(request.rows).par_iter().map(|job| write_file(&world, request, job)).collect::<Result<_>>()?;
    say(&format!("wrote {} files, {} bytes", sizes.len(), sizes.iter().sum::<u64>()));
    Ok(())
}

fn jobs(rows: u64) -> Vec<Job> {
    let mut jobs = Vec::new();
    for (table, percent, event) in TABLES {
        let all = rows * percent / 100;
        for file in 0..FILES {
            let stream = u64::try_from(jobs.len()).unwrap_or(0) + 1;
            let rows = all / FILES + u64::from(file < all % FILES);
            jobs.push(Job { table, event, file, rows, stream });
        }
    }
    jobs
}

/// Writes a file and returns its size in bytes. A file holds a stretch of time of its own, oldest first, as tables that
/// are only appended to do.
fn write_file(world: &World, request: &Request, job: &Job) -> Result<u64> {
    let path = request.folder.join(job.table).join(format!("part-{}.parquet", job.file));
    let file = File::create(&path).with_context(|| format!("cannot write {}", path.display()))?;
    let mut random = Random::stream(request.seed, job.stream);
    let mut rows = Rows::default();
    let mut writer: Option<ArrowWriter<File>> = None;
    let mut unopened = Some(file);
    for index in 0..job.rows {
        let at = time::of(job.file * job.rows + index, FILES * job.rows, &mut random);
        (job.event)(world, &mut random, at, &mut rows)?;
        if rows.len() < BATCH && index + 1 < job.rows {
            continue;
        }
        let batch = rows.take()?;
        if let Some(file) = unopened.take() {
            writer = Some(ArrowWriter::try_new(file, Arc::clone(batch.schema_ref()), Some(properties()?))?);
        }
        if let Some(open) = &mut writer {
            open.write(&batch)?;
        }
    }
    if let Some(open) = writer {
        open.close()?;
    }
    size(&path)
}

fn properties() -> Result<WriterProperties> {
    let compression = Compression::ZSTD(ZstdLevel::try_new(3)?);
    let properties = WriterProperties::builder().set_compression(compression);
    Ok(properties.set_max_row_group_row_count(Some(ROW_GROUP)).build())
}

fn size(path: &Path) -> Result<u64> {
    Ok(path.metadata().with_context(|| format!("cannot find {}", path.display()))?.len())
}

#[cfg(test)]
mod tests;

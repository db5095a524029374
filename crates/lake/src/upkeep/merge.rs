//! Small files to large ones.
//!
//! Flushes leave a file every few seconds. Files of a day are merged when enough of about the same size are there, so
//! each row is written again a few times only, whatever the number of files.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures_util::StreamExt as _;

use super::rewrite::{alone, begin, lanes, sorted};
use crate::Error;
use crate::delta::DataFile;
use crate::shared::Shared;

/// Files of one kind that are merged at once, at least.
const ENOUGH: usize = 8;
/// Files that are merged at once, at most.
const MOST: usize = 64;
/// Bytes that files take which are open at the same time, at most.
const OPEN: u64 = 256 << 20;
/// So many bytes an open file takes for each of its own: its dictionaries and a row group, unpacked.
const UNPACKED: u64 = 12;
/// What an open file takes at most: row groups have a bound.
const LARGEST: u64 = 48 << 20;
/// A file of so many bytes is large enough.
const LARGE: u64 = 128 << 20;
/// Each kind of size is so many times as large as the one before.
const FACTOR: u64 = 8;
/// The smallest kind, in bytes.
const SMALL: u64 = 1 << 20;

/// Merges where it is worth it.
pub(super) async fn merge_all(shared: &Arc<Shared>) -> Result<(), Error> {
    for name in shared.tables.names() {
        loop {
            let _alone = shared.rewriting.lock().await;
            let Some(chosen) = shared.tables.files(&name).and_then(|files| choose(&files)) else { break };
            merge(shared, &name, &chosen).await?;
        }
    }
    Ok(())
}

/// Files of one day and about one size, when there are enough.
fn choose(files: &[Arc<DataFile>]) -> Option<Vec<Arc<DataFile>>> {
    let mut kinds: BTreeMap<(&str, u32), Vec<&Arc<DataFile>>> = BTreeMap::new();
    for file in files.iter().filter(|file| file.size < LARGE / 2) {
        kinds.entry((&file.day, kind(file.size))).or_default().push(file);
    }
    let mut chosen = kinds.into_values().find(|files| files.len() >= ENOUGH)?;
    chosen.sort_by_key(|file| file.times);
    let mut size = 0;
    let chosen = chosen.into_iter().take(MOST).take_while(|file| {
        let fits = size < LARGE;
        size += file.size;
        fits
    });
    let mut chosen: Vec<Arc<DataFile>> = chosen.cloned().collect();
    while open_bytes(&chosen) > OPEN {
        chosen.pop();
    }
    Some(chosen)
}

/// What files take that are open at the same time while these are merged.
fn open_bytes(files: &[Arc<DataFile>]) -> u64 {
    let of_file = |file: &Arc<DataFile>| file.size.saturating_mul(UNPACKED).min(LARGEST);
    lanes(files).iter().filter_map(|lane| lane.iter().map(of_file).max()).sum()
}

fn kind(size: u64) -> u32 {
    let (mut kind, mut limit) = (0, SMALL);
    while size > limit {
        kind += 1;
        limit *= FACTOR;
    }
    kind
}

/// The rows of files of one day in one file.
async fn merged(shared: &Shared, name: &Arc<str>, files: &[Arc<DataFile>]) -> Result<DataFile, Error> {
    let mut rows = sorted(shared, name, files)?;
    let day = files.first().map(|file| file.day.clone()).unwrap_or_default();
    let mut writer = begin(shared, name, &day, &rows.schema())?;
    while let Some(batch) = rows.next().await {
        writer.push(&batch.map_err(Error::arrow("merging files"))?)?;
    }
    writer.finish()
}

async fn merge(shared: &Arc<Shared>, name: &Arc<str>, chosen: &[Arc<DataFile>]) -> Result<(), Error> {
    let (work, table, files) = (Arc::clone(shared), Arc::clone(name), chosen.to_vec());
    let written = alone(move || async move { merged(&work, &table, &files).await }).await?;
    let slot = shared.slot(name);
    let mut files = slot.lock().await;
    let Some(open) = files.as_mut() else { return Ok(()) };
    let committed = open.replace(chosen, &[written], shared.now().div_euclid(1_000)).await;
    super::flush::settle(shared, name, &mut files, committed).await
}

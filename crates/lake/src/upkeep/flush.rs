//! Rows from memory to files.

use std::sync::Arc;

use crate::Error;
use crate::delta::{DataFile, DeltaFiles, Target, write_by_day};
use crate::memory::{Chunk, TableState};
use crate::shared::Shared;

/// Writes all tables that have rows in memory.
pub(crate) async fn flush_all(shared: &Arc<Shared>) -> Result<(), Error> {
    for name in shared.tables.names() {
        flush(shared, &name).await?;
    }
    forget(shared).await
}

/// Writes tables whose rows are old or many enough.
pub(super) async fn flush_due(shared: &Arc<Shared>, now: i64) -> Result<(), Error> {
    let oldest =
        now.saturating_sub(i64::try_from(shared.options.flush_after.as_micros()).unwrap_or(i64::MAX));
    let is_tight = shared.tables.bytes() > shared.options.memory / 2;
    let (mut has_flushed, mut failed) = (false, None);
    for (name, table) in shared.tables.snapshot() {
        let is_due = table.chunks.first().is_some_and(|chunk| {
            // A clock that jumped back makes rows that come from the future: they are due as well.
            chunk.received <= oldest
                || chunk.received > now
                || is_tight
                || table.bytes > shared.options.flush_bytes
        });
        if is_due {
            match flush(shared, &name).await {
                Ok(()) => has_flushed = true,
                // The others are not to suffer for it.
                Err(error) => failed = Some(error),
            }
        }
    }
    if has_flushed {
        forget(shared).await?;
    }
    failed.map_or(Ok(()), Err)
}

/// Removes what is in files from the log.
async fn forget(shared: &Arc<Shared>) -> Result<(), Error> {
    shared.log()?.forget(shared.needed_from()).await
}

/// The most bytes of rows that go to files at once.
const AT_ONCE: usize = 64 << 20;

/// Writes the rows of a table that are in memory now; what comes meanwhile is left for the next time.
pub(super) async fn flush(shared: &Arc<Shared>, name: &Arc<str>) -> Result<(), Error> {
    let slot = shared.slot(name);
    let mut files = slot.lock().await;
    let Some(last) = shared.tables.last_position(name) else { return Ok(()) };
    let mut tries = 0;
    loop {
        let Some(mut state) = shared.tables.get(name) else { return Ok(()) };
        let mut bytes = 0;
        state.chunks.retain(|chunk| {
            bytes += chunk.bytes;
            chunk.position <= last && (bytes <= AT_ONCE || bytes == chunk.bytes)
        });
        let Some(position) = state.chunks.last().map(|chunk| chunk.position) else { return Ok(()) };
        if files.is_none() {
            let folder = shared.table_folder(name);
            let disk = &shared.options.disk;
            // A commit that failed may have been made all the same.
            *files = match DeltaFiles::open(disk, &folder).await? {
                Some(known) => Some(known),
                None => Some(DeltaFiles::create(disk, &folder, &state.schema).await?),
            };
        }
        let Some(open) = files.as_mut() else { return Ok(()) };
        if let Err(error) = write(shared, open, state, position).await {
            // Nobody knows whether the commit is there, or one that was given up before was made all the same: what the
            // table's log says counts. What it does not have is written again.
            reopen(shared, name, &mut files).await?;
            tries += 1;
            if tries >= TRIES {
                return Err(error);
            }
        }
    }
}

/// How often rows are written until the failure is told; they stay in memory and in the log meanwhile.
const TRIES: usize = 3;

/// Shows a table as its log says that it is, after a commit of which nobody knows whether it was made.
pub(crate) async fn reopen(
    shared: &Arc<Shared>,
    name: &Arc<str>,
    files: &mut Option<DeltaFiles>,
) -> Result<(), Error> {
    *files = None;
    if let Some(known) = DeltaFiles::open(&shared.options.disk, &shared.table_folder(name)).await? {
        shared.tables.flushed(name, known.position().await?, Arc::new(known.files()?));
        *files = Some(known);
    }
    Ok(())
}

/// Shows a table after a commit that changed its files: as they are now, or where it failed as the table's log says.
///
/// Errors: that of the commit, and a log that cannot be read.
pub(super) async fn settle(
    shared: &Arc<Shared>,
    name: &Arc<str>,
    files: &mut Option<DeltaFiles>,
    committed: Result<(), Error>,
) -> Result<(), Error> {
    if let Err(error) = committed {
        reopen(shared, name, files).await?;
        return Err(error);
    }
    if let Some(open) = files {
        shared.tables.replaced(name, Arc::new(open.files()?));
    }
    Ok(())
}

async fn write(
    shared: &Arc<Shared>,
    files: &mut DeltaFiles,
    state: TableState,
    position: u64,
) -> Result<(), Error> {
    let (name, schema) = (Arc::clone(state.schema.name()), state.schema.clone());
    if files.schema()?.columns().len() < schema.columns().len() {
        files.widen(&schema).await?;
    }
    let (disk, folder) = (Arc::clone(&shared.options.disk), files.folder().to_owned());
    let now = shared.now().div_euclid(1_000);
    let marks = Chunk::marks(&state.chunks);
    let tenant = Arc::clone(&shared.options.workspace);
    let written = tokio::task::spawn_blocking(move || -> Result<Vec<DataFile>, Error> {
        let target = Target { disk: &disk, folder: &folder, tenant: &tenant, now };
        write_by_day(&state.schema, &state.chunks, &target)
    });
    let written = written.await.map_err(|_| Error::Closed("the lake is being closed"))??;
    // Should the process end before the commit, the rows come from the log again, and nobody looks at these files.
    files.append(&written, position, &marks).await?;
    shared.tables.flushed(&name, position, Arc::new(files.files()?));
    Ok(())
}

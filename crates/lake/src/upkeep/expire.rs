//! Rows that are too old, and files that no longer count.

use std::sync::{Arc, PoisonError};

use super::steady::Trust;
use crate::Error;
use crate::delta::DeltaFiles;
use crate::shared::Shared;

/// Removes files all of whose rows are older than their table keeps them, and those that no longer count. In the
/// background the clock is watched for a while before.
///
/// Errors: what the storage says. A clock that jumped is a problem that is told: files stay until it goes well again.
pub(super) async fn expire(shared: &Arc<Shared>, in_background: bool) -> Result<(), Error> {
    let now = shared.now();
    let is_trusted = is_trusted(shared, now, in_background);
    for name in shared.tables.names() {
        let _alone = shared.rewriting.lock().await;
        let slot = shared.slot(&name);
        let mut files = slot.lock().await;
        if is_trusted {
            remove_old(shared, &name, &mut files, now).await?;
        }
        let Some(open) = files.as_mut() else { continue };
        open.vacuum(shared.options.disk.as_ref(), shared.options.vacuum_after)?;
        sweep_terms(shared, open)?;
    }
    Ok(())
}

fn is_trusted(shared: &Shared, now: i64, in_background: bool) -> bool {
    let mut steady = shared.steady.lock().unwrap_or_else(PoisonError::into_inner);
    match steady.trust(now, shared.options.clock_steady_for, in_background) {
        Trust::Jumped(off) => {
            shared.problem("clock", &Error::Clock { seconds: off / 1_000_000 });
            false
        }
        Trust::NotYet => false,
        Trust::Yes => {
            shared.well("clock");
            true
        }
    }
}

async fn remove_old(
    shared: &Arc<Shared>,
    name: &Arc<str>,
    files: &mut Option<DeltaFiles>,
    now: i64,
) -> Result<(), Error> {
    let (Some(open), Some(kept)) = (files.as_mut(), shared.retention(name)) else { return Ok(()) };
    let oldest = now.saturating_sub(i64::try_from(kept.as_micros()).unwrap_or(i64::MAX));
    // By the later of both times: rows of the past that were taken in today stay as long as others.
    let old = open.files()?.into_iter().filter(|file| file.times.1.max(file.received.1) < oldest);
    let old: Vec<_> = old.collect();
    if old.is_empty() {
        return Ok(());
    }
    let committed = open.exchange(&old, &[], &[], now.div_euclid(1_000)).await;
    super::flush::settle(shared, name, files, committed).await
}

/// Removes filters whose files are gone.
fn sweep_terms(shared: &Shared, open: &crate::delta::DeltaFiles) -> Result<(), Error> {
    let folder = open.folder().join(crate::delta::TERMS);
    let counted: Vec<_> = open.files()?.iter().map(|file| open.folder().join(file.terms_path())).collect();
    let disk = shared.options.disk.as_ref();
    for (path, _) in disk.list(&folder).map_err(Error::storage("listing filters", &folder))? {
        let rows = path.file_stem().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        if !counted.contains(&path) && !has_rows(open.folder(), &rows) {
            disk.remove(&path).map_err(Error::storage("removing filters", &path))?;
        }
    }
    Ok(())
}

/// Whether a file of rows is still there, though it may no longer count.
fn has_rows(folder: &std::path::Path, name: &str) -> bool {
    let days = std::fs::read_dir(folder).into_iter().flatten().flatten();
    days.map(|day| day.path().join(format!("{name}.parquet"))).any(|path| path.exists())
}

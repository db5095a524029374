//! Rows that are too old, and files that no longer count.

use std::sync::Arc;

use crate::Error;
use crate::lake::Shared;

/// Removes files all of whose rows are older than their table keeps them, and those that no longer count.
pub(super) async fn expire(shared: &Arc<Shared>, now: i64) -> Result<(), Error> {
    for name in shared.tables.names() {
        let slot = shared.slot(&name);
        let mut files = slot.lock().await;
        let Some(open) = files.as_mut() else { continue };
        if let Some(kept) = shared.retention(&name) {
            let oldest = now.saturating_sub(i64::try_from(kept.as_micros()).unwrap_or(i64::MAX));
            // By the later of both times: rows of the past that were taken in today stay as long as others.
            let old = open.files()?.into_iter().filter(|file| file.times.1.max(file.received.1) < oldest);
            let old: Vec<_> = old.collect();
            if !old.is_empty() {
                open.remove(&old, now.div_euclid(1_000)).await?;
                shared.tables.replaced(&name, Arc::new(open.files()?));
            }
        }
        open.vacuum(shared.options.disk.as_ref(), shared.options.vacuum_after)?;
        sweep_terms(shared, open)?;
    }
    Ok(())
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

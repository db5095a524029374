//! `castellan intel import`: files of indicators.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use castellan_base::{System, Ticks};
use castellan_intel::import::{Imported, file};
use castellan_intel::rows::{Rows, Writing};
use castellan_lake::Lake;
use castellan_stix::list::Made;

use super::kept::{Kept, keep};
use super::{lake, warn};
use crate::Ending;
use crate::arguments::{IntelImportArguments, IntelOutput};
use crate::output::{complain, inert_lines};

pub(super) async fn run(arguments: &IntelImportArguments, system: &dyn System) -> Result<Ending> {
    let at = system.now();
    let until = arguments.valid_for.and_then(|span| later(at, span));
    let (source, confidence, tlp) = (arguments.source.clone(), arguments.confidence, arguments.tlp);
    let made = Made { source: source.clone(), at, until, confidence, tlp };
    let writing = Writing { at, source, method: "castellan import", legacy: !arguments.no_legacy };
    let lake = match &arguments.lake {
        Some(folder) if !arguments.dry_run => Some(lake(folder, true, system).await?),
        _ => None,
    };
    let taken = take(lake.as_ref(), arguments, &made, &writing, system).await;
    if let Some(lake) = lake {
        lake.close().await?;
    }
    taken
}

/// A time later by a span.
pub(super) fn later(at: Ticks, span: std::time::Duration) -> Option<Ticks> {
    at.checked_add(i64::try_from(span.as_secs()).ok()?.checked_mul(Ticks::PER_SECOND)?)
}

async fn take(
    lake: Option<&Lake>,
    arguments: &IntelImportArguments,
    made: &Made,
    writing: &Writing,
    system: &dyn System,
) -> Result<Ending> {
    let (mut all, mut left_out) = (Kept::default(), 0);
    for path in files(&arguments.files, system)? {
        let imported = file(&path, made, system)?;
        left_out += imported.outcome.left_out;
        tell(&path, &imported, &arguments.output);
        all.join(match lake {
            Some(lake) => keep(lake, &imported.objects, imported.is_dated, writing).await?,
            None => tried(&imported, writing),
        });
    }
    for (id, reason) in all.not_matched.iter().take(100) {
        warn(&format!("{id}: it is kept, and not matched row by row: {reason}"), &arguments.output);
    }
    if all.not_matched.len() > 100 {
        warn(&format!("{} more are not matched row by row", all.not_matched.len() - 100), &arguments.output);
    }
    if !arguments.output.quiet {
        let would = if lake.is_none() { " (nothing was kept)" } else { "" };
        complain(&format!("{}{would}", all.told()));
    }
    Ok(if left_out > 0 { Ending::Findings } else { Ending::Fine })
}

/// What would become of objects in an empty lake.
fn tried(imported: &Imported, writing: &Writing) -> Kept {
    let (mut rows, mut kept) = (Rows::default(), Kept::default());
    for object in &imported.objects {
        let wrote = rows.add(object, writing);
        kept.not_matched.extend(wrote.not_matched.into_iter().map(|reason| (object.id.clone(), reason)));
        let is_indicator = object.kind == "indicator";
        kept.indicators += u64::from(is_indicator);
        kept.objects += u64::from(!is_indicator);
    }
    kept
}

fn tell(path: &Path, imported: &Imported, output: &IntelOutput) {
    if output.quiet {
        return;
    }
    let (objects, left_out) = (imported.outcome.objects, imported.outcome.left_out);
    complain(&inert_lines(&format!(
        "{}: {}, {objects} objects, {left_out} left out",
        path.display(),
        imported.form
    )));
    for line in &imported.outcome.told {
        warn(line, output);
    }
}

/// Files, and those in folders, without going deeper.
pub(super) fn files(paths: &[PathBuf], system: &dyn System) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for path in paths {
        if !system.is_dir(path) {
            found.push(path.clone());
            continue;
        }
        let entries = system.read_dir(path).with_context(|| format!("cannot read `{}`", path.display()))?;
        found.extend(entries.into_iter().filter(|entry| !entry.is_dir).map(|entry| entry.path));
    }
    Ok(found)
}

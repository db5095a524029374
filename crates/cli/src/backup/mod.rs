//! `castellan backup` and `castellan restore`: a data folder as one file, and back.
//!
//! A backup is a ZIP of all regular files of the folder, and `manifest.json`, which lists each with its length and BLAKE3.
//! *Invariant (of one moment):* the lake is open to nobody else while its files are read. *Invariant (whole or nothing):* a
//! restored folder takes its name once every file was held against its hash; a backup takes its name once it is synced.

mod manifest;
mod restore;
mod write;

use std::fs::File;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use castellan_base::System;
use castellan_lake::{Lake, Options};

use crate::Ending;
use crate::arguments::{BackupArguments, RestoreDataArguments};
use crate::output::complain;
use crate::progress::Bar;
use crate::runtime;

/// What the manifest is called.
const MANIFEST: &str = "manifest.json";
/// The folder of events, whose lock says whether somebody writes.
const LAKE: &str = "lake";
/// Bytes that are read at once.
const PIECE: usize = 1 << 16;

pub(crate) fn back_up(arguments: &BackupArguments, system: &dyn System) -> Result<Ending> {
    let named = || format!("`{}` cannot be backed up", arguments.data.display());
    let folder = arguments.data.canonicalize().with_context(named)?;
    if !folder.is_dir() {
        bail!("`{}` is no folder", folder.display());
    }
    let output = new_file(&arguments.output, &folder)?;
    let runtime = runtime::working()?;
    let lake = folder.join(LAKE);
    let held = match lake.is_dir() {
        true => {
            let options = Options { upkeep: false, ..Options::default() };
            Some(runtime.block_on(Lake::open(&lake, options)).with_context(named)?)
        }
        false => None,
    };
    let bar = Bar::new(arguments.quiet);
    let written = write::write(&folder, &output, system.now(), &bar);
    if let Some(lake) = held {
        runtime.block_on(lake.close()).with_context(named)?;
    }
    let written = written.with_context(named)?;
    bar.finish();
    for left in &written.left {
        complain(&format!("warning: `{}` is left out: it is no regular file", left.display()));
    }
    complain(&format!(
        "{} files with {} bytes are in `{}`",
        written.files,
        written.bytes,
        arguments.output.display()
    ));
    Ok(Ending::Fine)
}

pub(crate) fn restore(arguments: &RestoreDataArguments, _system: &dyn System) -> Result<Ending> {
    let named = || format!("`{}` cannot be restored", arguments.file.display());
    let file = File::open(&arguments.file).with_context(named)?;
    let bar = Bar::new(arguments.quiet);
    let mut backup = restore::Backup::open(file).with_context(named)?;
    let told = format!("{} files of {}", backup.manifest().files.len(), backup.manifest().made);
    if arguments.check {
        backup.check(&bar).with_context(named)?;
        bar.finish();
        complain(&format!("the backup is whole: {told}"));
        return Ok(Ending::Fine);
    }
    backup.restore(&arguments.data, &bar).with_context(named)?;
    bar.finish();
    complain(&format!("{told} are in `{}`", arguments.data.display()));
    Ok(Ending::Fine)
}

/// Where the backup goes, which is not into what is backed up, and over nothing.
fn new_file(output: &Path, folder: &Path) -> Result<PathBuf> {
    let parent = output.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let named = || format!("cannot write `{}`", output.display());
    let parent = parent.canonicalize().with_context(named)?;
    let name = output.file_name().context("the output has no name").with_context(named)?;
    if parent.starts_with(folder) {
        bail!("{}: it is in the folder that is backed up; name a file elsewhere", named());
    }
    let output = parent.join(name);
    if output.exists() {
        bail!("{}: there is a file already; name another", named());
    }
    Ok(output)
}

/// A new file that nobody else may read.
fn private(path: &Path) -> std::io::Result<File> {
    let mut options = std::fs::OpenOptions::new();
    options.create_new(true).write(true).read(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

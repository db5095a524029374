//! `--fix-out`: where patched copies may be written, and how later scans tell them from input.
//!
//! A patched copy has the resource ids of its original. Written over the original it would apply what nobody reviewed;
//! read beside the original it would pass for it, and what is still wrong would look repaired.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use anyhow::{Context, Result, bail};
use castellan_base::{Diagnostic, DirEntry, ProgramOutput, Span, System, Ticks};
use castellan_estate::Estate;
use castellan_posture::{Assessment, fix};

use crate::output::complain;

/// The file that tells a folder written by `--fix-out` from every other.
const MARKER: &str = ".castellan-fixes";
const MARKER_TEXT: &[u8] =
    b"Written by castellan scan --fix-out. A scan of a folder above leaves this one out.\n";

/// Refuses a folder that holds anything else, so that no file of somebody's is ever written over.
pub(crate) fn check_folder(folder: &Path, system: &dyn System) -> Result<()> {
    if !system.exists(folder) || system.exists(&folder.join(MARKER)) {
        return Ok(());
    }
    let shown = folder.display();
    if !system.is_dir(folder) {
        bail!("`{shown}` is a file; name a new folder with --fix-out");
    }
    let entries = system.read_dir(folder).with_context(|| format!("cannot read `{shown}`"))?;
    if !entries.is_empty() {
        bail!(
            "`{shown}` holds files that --fix-out did not write, and it writes over nothing of yours; name a new folder"
        );
    }
    Ok(())
}

/// Writes patched copies, patches and commands.
pub(crate) fn write(
    folder: &Path,
    assessment: &Assessment,
    estate: &Estate,
    quiet: bool,
    system: &dyn System,
) -> Result<()> {
    // First, so that no interruption leaves copies that pass for input.
    let marker = folder.join(MARKER);
    system.write(&marker, MARKER_TEXT).with_context(|| format!("cannot write `{}`", marker.display()))?;
    let outcome = fix::write_patches(system, folder, assessment, estate)?;
    if !quiet {
        complain(&format!(
            "fixes: {} files written to {}, {} findings need a person",
            outcome.written.len(),
            folder.display(),
            outcome.not_patched.len()
        ));
    }
    Ok(())
}

/// The outside world without the folders below a scanned one that `--fix-out` wrote. One that is named is read.
pub(crate) struct WithoutFixes<'a> {
    system: &'a dyn System,
    left_out: Mutex<BTreeSet<PathBuf>>,
}

impl<'a> WithoutFixes<'a> {
    pub(crate) fn new(system: &'a dyn System) -> WithoutFixes<'a> {
        WithoutFixes { system, left_out: Mutex::default() }
    }

    /// What was left out, to be told in every report.
    pub(crate) fn diagnostics(self) -> Vec<Diagnostic> {
        let left_out = self.left_out.into_inner().unwrap_or_else(PoisonError::into_inner);
        let tell = |folder: &PathBuf| {
            let message = format!("`{}` holds what --fix-out wrote and was left out", folder.display());
            Diagnostic::warning(Span::NONE, message)
                .with_help("name it to scan it, or delete it once it is applied")
        };
        left_out.iter().map(tell).collect()
    }
}

impl System for WithoutFixes<'_> {
    fn now(&self) -> Ticks {
        self.system.now()
    }

    fn read(&self, path: &Path, limit: u64) -> io::Result<Vec<u8>> {
        self.system.read(path, limit)
    }

    fn write(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        self.system.write(path, bytes)
    }

    fn read_dir(&self, path: &Path) -> io::Result<Vec<DirEntry>> {
        let mut entries = self.system.read_dir(path)?;
        let mut left_out = self.left_out.lock().unwrap_or_else(PoisonError::into_inner);
        entries.retain(|entry| {
            let is_ours = entry.is_dir && self.system.exists(&entry.path.join(MARKER));
            if is_ours {
                left_out.insert(entry.path.clone());
            }
            !is_ours
        });
        Ok(entries)
    }

    fn is_dir(&self, path: &Path) -> bool {
        self.system.is_dir(path)
    }

    fn exists(&self, path: &Path) -> bool {
        self.system.exists(path)
    }

    fn env(&self, name: &str) -> Option<String> {
        self.system.env(name)
    }

    fn run(&self, program: &str, arguments: &[&str]) -> io::Result<ProgramOutput> {
        self.system.run(program, arguments)
    }
}

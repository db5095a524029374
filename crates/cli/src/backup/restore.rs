//! A backup into a folder.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{BufReader, Read, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use zip::ZipArchive;

use super::manifest::{Entry, FORMAT, Manifest};
use super::{MANIFEST, PIECE, private};
use crate::progress::Bar;

/// Largest manifest, in bytes.
const LARGEST: u64 = 1 << 30;

/// A backup that is read.
pub(super) struct Backup {
    zip: ZipArchive<BufReader<File>>,
    manifest: Manifest,
}

impl Backup {
    /// Reads what a backup says that it holds.
    ///
    /// Errors: it is none, or of a later form, or holds what its manifest does not list.
    pub(super) fn open(file: File) -> Result<Backup> {
        let none = "this is no backup that `castellan backup` wrote";
        let mut zip = ZipArchive::new(BufReader::new(file)).context(none)?;
        let mut text = Vec::new();
        zip.by_name(MANIFEST).context(none)?.take(LARGEST).read_to_end(&mut text).context(none)?;
        let manifest: Manifest = serde_json::from_slice(&text).context(none)?;
        if manifest.format != FORMAT {
            bail!(
                "it has the form {}, written by Castellan {}; this program reads the form {FORMAT}: restore it with that version",
                manifest.format,
                manifest.program
            );
        }
        let mut listed: BTreeSet<&str> = BTreeSet::from([MANIFEST]);
        for entry in &manifest.files {
            entry.below(Path::new(""))?;
            if !listed.insert(&entry.path) {
                bail!("its manifest lists `{}` twice", entry.path);
            }
        }
        for name in zip.file_names() {
            let name = name.context(none)?;
            if !listed.contains(&*name) {
                bail!("it holds `{}`, which its manifest does not list", name.escape_debug());
            }
        }
        Ok(Backup { zip, manifest })
    }

    pub(super) fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// Holds every file against its hash.
    pub(super) fn check(&mut self, bar: &Bar) -> Result<()> {
        self.each(bar, |_| Ok(None))
    }

    /// Writes all files to a folder, which takes its name when they are all there.
    ///
    /// Errors: there is something in the folder, a file is not what the manifest says, or it cannot be written.
    pub(super) fn restore(&mut self, folder: &Path, bar: &Bar) -> Result<()> {
        let is_free = !folder.exists() || folder.read_dir().is_ok_and(|mut inside| inside.next().is_none());
        if !is_free {
            bail!(
                "there is something in `{}`; name a folder that is not there, or move it away",
                folder.display()
            );
        }
        let beside = staging(folder)?;
        make(&beside)?;
        let done = self.each(bar, |entry| {
            let path = entry.below(&beside)?;
            if let Some(parent) = path.parent() {
                make(parent)?;
            }
            Ok(Some(private(&path).with_context(|| format!("cannot write `{}`", path.display()))?))
        });
        let done = done.and_then(|()| {
            if folder.exists() {
                std::fs::remove_dir(folder)?;
            }
            std::fs::rename(&beside, folder).with_context(|| format!("cannot name `{}`", folder.display()))
        });
        if done.is_err() {
            let _ = std::fs::remove_dir_all(&beside);
        }
        done
    }

    /// Reads every file, writes it where `to` says, and holds it against its hash.
    fn each(&mut self, bar: &Bar, to: impl Fn(&Entry) -> Result<Option<File>>) -> Result<()> {
        let total = self.manifest.files.len();
        for (done, entry) in self.manifest.files.iter().enumerate() {
            bar.files(done, total, &entry.path);
            let damaged = || format!("`{}` is not what was backed up: the backup is damaged", entry.path);
            // One byte more than it should have shows that it has more.
            let mut from =
                self.zip.by_name(&entry.path).with_context(damaged)?.take(entry.bytes.saturating_add(1));
            let mut file = to(entry)?;
            let (mut hasher, mut bytes, mut piece) = (blake3::Hasher::new(), 0, vec![0; PIECE]);
            loop {
                let count = from.read(&mut piece).with_context(damaged)?;
                let Some(read) = piece.get(..count).filter(|read| !read.is_empty()) else { break };
                hasher.update(read);
                bytes += u64::try_from(count).unwrap_or(u64::MAX);
                if let Some(file) = &mut file {
                    file.write_all(read).with_context(|| format!("cannot write `{}`", entry.path))?;
                }
            }
            if bytes != entry.bytes || hasher.finalize().to_hex().as_str() != entry.blake3 {
                bail!(damaged());
            }
            if let Some(file) = file {
                file.sync_all().with_context(|| format!("cannot write `{}`", entry.path))?;
            }
        }
        Ok(())
    }
}

/// The folder that is written first, beside the one that is meant.
fn staging(folder: &Path) -> Result<PathBuf> {
    let name = folder.file_name().and_then(|name| name.to_str());
    let name = name.with_context(|| format!("`{}` has no name that a folder can take", folder.display()))?;
    let beside = folder.with_file_name(format!("{name}.restoring"));
    if beside.exists() {
        bail!("`{}` is there, of a restore that did not end; remove it", beside.display());
    }
    Ok(beside)
}

/// Makes a folder that nobody else can read.
fn make(folder: &Path) -> Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder).with_context(|| format!("cannot make `{}`", folder.display()))
}

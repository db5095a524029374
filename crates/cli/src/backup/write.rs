//! A folder into a backup.

use std::fs::File;
use std::io::{BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use castellan_base::Ticks;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use super::manifest::{Entry, FORMAT, Manifest};
use super::{LAKE, MANIFEST, PIECE, private};
use crate::progress::Bar;

/// What was written.
#[derive(Debug, Default)]
pub(super) struct Written {
    pub(super) files: usize,
    pub(super) bytes: u64,
    /// What is no regular file.
    pub(super) left: Vec<PathBuf>,
}

/// Writes all files of `folder` into `output`, which is there when all of it is on the disk.
pub(super) fn write(folder: &Path, output: &Path, now: Ticks, bar: &Bar) -> Result<Written> {
    let partial = output.with_extension("partial");
    let file = private(&partial).with_context(|| format!("cannot write `{}`", partial.display()))?;
    let done = archive(folder, file, now, bar).and_then(|written| {
        std::fs::rename(&partial, output).with_context(|| format!("cannot name `{}`", output.display()))?;
        Ok(written)
    });
    if done.is_err() {
        // What is not whole is no backup.
        let _ = std::fs::remove_file(&partial);
    }
    done
}

fn archive(folder: &Path, file: File, now: Ticks, bar: &Bar) -> Result<Written> {
    let mut written = Written::default();
    let mut paths = Vec::new();
    collect(folder, &mut paths, &mut written.left)?;
    let mut zip = ZipWriter::new(BufWriter::new(file));
    let program = env!("CARGO_PKG_VERSION").to_owned();
    let mut manifest = Manifest { format: FORMAT, program, made: now.to_string(), files: Vec::new() };
    for (done, path) in paths.iter().enumerate() {
        let relative = path.strip_prefix(folder).unwrap_or(path);
        let Some(name) = relative.to_str() else {
            bail!("`{}` has a name that is not UTF-8", path.display())
        };
        let name = name.replace(std::path::MAIN_SEPARATOR, "/");
        bar.files(done, paths.len(), &name);
        let entry = add(&mut zip, path, name).with_context(|| format!("cannot read `{}`", path.display()))?;
        entry.below(folder)?;
        written.bytes += entry.bytes;
        manifest.files.push(entry);
    }
    written.files = manifest.files.len();
    zip.start_file(MANIFEST, options(0, false))?;
    zip.write_all(&serde_json::to_vec_pretty(&manifest)?)?;
    let file = zip.finish()?.into_inner().map_err(std::io::IntoInnerError::into_error)?;
    file.sync_all()?;
    Ok(written)
}

fn options(bytes: u64, is_packed: bool) -> SimpleFileOptions {
    let method = if is_packed { CompressionMethod::Stored } else { CompressionMethod::Zstd };
    SimpleFileOptions::default()
        .compression_method(method)
        .unix_permissions(0o600)
        .large_file(bytes >= u64::from(u32::MAX) / 2)
}

fn add(zip: &mut ZipWriter<BufWriter<File>>, path: &Path, name: String) -> Result<Entry> {
    let mut file = File::open(path)?;
    let expected = file.metadata()?.len();
    let is_packed = name.ends_with(".parquet") || name.ends_with(".zst") || name.ends_with(".gz");
    zip.start_file(name.as_str(), options(expected, is_packed))?;
    let (mut hasher, mut bytes, mut piece) = (blake3::Hasher::new(), 0, vec![0; PIECE]);
    loop {
        let count = file.read(&mut piece)?;
        let Some(read) = piece.get(..count).filter(|read| !read.is_empty()) else { break };
        hasher.update(read);
        zip.write_all(read)?;
        bytes += u64::try_from(count).unwrap_or(u64::MAX);
    }
    if bytes != expected {
        bail!("it changed while it was read; is something else writing to the folder?");
    }
    Ok(Entry { path: name, bytes, blake3: hasher.finalize().to_hex().to_string() })
}

/// All regular files below a folder, in order. Links are followed nowhere.
fn collect(folder: &Path, files: &mut Vec<PathBuf>, left: &mut Vec<PathBuf>) -> Result<()> {
    let named = || format!("cannot list `{}`", folder.display());
    let mut entries: Vec<_> = std::fs::read_dir(folder)
        .and_then(Iterator::collect::<std::io::Result<Vec<_>>>)
        .with_context(named)?;
    entries.sort_by_key(std::fs::DirEntry::file_name);
    for entry in entries {
        let kind = entry.file_type().with_context(named)?;
        let path = entry.path();
        if kind.is_dir() {
            collect(&path, files, left)?;
        } else if path.ends_with(Path::new(LAKE).join("lock")) {
            // It says who writes now, and nothing later.
        } else if kind.is_file() {
            files.push(path);
        } else {
            left.push(path);
        }
    }
    Ok(())
}

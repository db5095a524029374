//! Tables from files, which are scanned where they lie.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use castellan_kql::plan::Field as Column;
use datafusion::datasource::file_format::parquet::ParquetFormat;
use datafusion::datasource::listing::{ListingOptions, ListingTable, ListingTableConfig, ListingTableUrl};
use datafusion::prelude::SessionContext;

use super::{Table, rows};
use crate::progress::Progress;
use crate::{Engine, Error};

/// The kinds of files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    Parquet,
    JsonLines,
    Csv,
}

impl Format {
    /// By the end of a name, that of a packing aside.
    fn of(path: &Path) -> Option<Format> {
        let name = path.file_name()?.to_str()?.to_ascii_lowercase();
        let packing = Packing::of(path);
        let name = name.strip_suffix(packing.ending()).unwrap_or(&name);
        let (_, ending) = name.rsplit_once('.')?;
        match ending {
            "parquet" | "pq" if packing == Packing::None => Some(Format::Parquet),
            "jsonl" | "ndjson" | "json" => Some(Format::JsonLines),
            "csv" => Some(Format::Csv),
            _ => None,
        }
    }
}

/// How a text is packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Packing {
    None,
    Gzip,
    Zstandard,
}

impl Packing {
    pub(super) fn of(path: &Path) -> Packing {
        let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
        match ending.to_ascii_lowercase().as_str() {
            "gz" => Packing::Gzip,
            "zst" => Packing::Zstandard,
            _ => Packing::None,
        }
    }

    fn ending(self) -> &'static str {
        match self {
            Packing::None => "",
            Packing::Gzip => ".gz",
            Packing::Zstandard => ".zst",
        }
    }
}

impl Engine {
    /// Adds a table whose rows lie in a file, or in all files of one kind in a folder: Parquet, JSON Lines (also one JSON
    /// array), CSV with a header; the last two also as `.gz` and `.zst`. `known` are columns whose types are known: those
    /// of other columns are taken from what is in them, and `progress` counts the rows that are read for it.
    ///
    /// Errors: files that cannot be read, or are of no kind that is known; rows that are none, with their place.
    pub async fn add_path(
        &mut self,
        name: &str,
        path: &Path,
        known: &[Column],
        progress: &Progress,
    ) -> Result<(), Error> {
        let (format, files) = files(path)?;
        let table = match format {
            Format::Parquet => parquet(&files, known).await?,
            Format::JsonLines | Format::Csv => {
                let (known, time, progress) = (known.to_vec(), self.settings().limits.time, progress.clone());
                tokio::task::spawn_blocking(move || rows::table(files, format, &known, time, &progress))
                    .await
                    .map_err(|error| failure(path, error))??
            }
        };
        self.add(name, table);
        Ok(())
    }
}

pub(super) fn failure(path: &Path, error: impl std::fmt::Display) -> Error {
    Error::new("file", format!("{}: {error}", path.display()))
}

/// The file, or all files of the folder, which have to be of one kind.
fn files(path: &Path) -> Result<(Format, Vec<PathBuf>), Error> {
    if !path.is_dir() {
        let format = Format::of(path).ok_or_else(|| Error {
            help:
                "the name has to end in .parquet, or in .jsonl, .ndjson, .json or .csv, with .gz or .zst behind it or not"
                    .to_owned(),
            ..failure(path, "this is no kind of file that can be queried")
        })?;
        return Ok((format, vec![path.to_owned()]));
    }
    let mut found: Vec<(Format, PathBuf)> = Vec::new();
    let mut open = vec![path.to_owned()];
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(&folder).map_err(|error| failure(&folder, error))? {
            let entry = entry.map_err(|error| failure(&folder, error))?.path();
            if entry.is_dir() {
                open.push(entry);
            } else if let Some(format) = Format::of(&entry) {
                found.push((format, entry));
            }
        }
    }
    found.sort_by(|(_, left), (_, right)| left.cmp(right));
    let Some((format, _)) = found.first() else {
        return Err(failure(path, "there is no Parquet, JSON Lines or CSV file in this folder"));
    };
    let format = *format;
    if let Some((_, other)) = found.iter().find(|(other, _)| *other != format) {
        return Err(failure(
            other,
            "the folder has files of several kinds; name one file, or a folder with one kind",
        ));
    }
    Ok((format, found.into_iter().map(|(_, file)| file).collect()))
}

async fn parquet(files: &[PathBuf], known: &[Column]) -> Result<Table, Error> {
    let mut urls = Vec::with_capacity(files.len());
    for file in files {
        let whole = file.canonicalize().map_err(|error| failure(file, error))?;
        urls.push(ListingTableUrl::parse(whole.to_string_lossy())?);
    }
    let options = ListingOptions::new(Arc::new(ParquetFormat::default().with_skip_metadata(false)))
        .with_file_extension("");
    let context = SessionContext::new();
    let config = ListingTableConfig::new_with_multi_paths(urls).with_listing_options(options);
    let config = config.infer_schema(&context.state()).await?;
    Ok(Table::with_types(Arc::new(ListingTable::try_new(config)?), known)?)
}

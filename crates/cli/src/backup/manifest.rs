//! What is in a backup.

use std::path::{Component, Path, PathBuf};

use anyhow::{Result, bail};
use serde::{Deserialize, Serialize};

/// The form of backups that this program writes and reads.
pub(super) const FORMAT: u32 = 1;
/// Longest path in a backup, in bytes.
const LONGEST: usize = 4_096;

/// The manifest.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Manifest {
    /// [`FORMAT`], when it was written.
    pub(super) format: u32,
    /// The version of the program that wrote it.
    pub(super) program: String,
    /// When.
    pub(super) made: String,
    /// Every file, by its path.
    pub(super) files: Vec<Entry>,
}

/// A file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Entry {
    /// Its path in the folder, with slashes.
    pub(super) path: String,
    /// Its length.
    pub(super) bytes: u64,
    /// Its BLAKE3, as hexadecimal digits.
    pub(super) blake3: String,
}

impl Entry {
    /// The path below a folder.
    ///
    /// Errors: it leads out of the folder, or is none that this program writes.
    pub(super) fn below(&self, folder: &Path) -> Result<PathBuf> {
        let path = Path::new(&self.path);
        let is_plain = path.components().all(|part| matches!(part, Component::Normal(_)));
        let is_odd = self.path.is_empty()
            || self.path.len() > LONGEST
            || self.path.contains(['\\', '\0', ':'])
            || self.path.split('/').any(str::is_empty);
        if !is_plain || is_odd {
            bail!(
                "it names `{}`, which is no path of a data folder; it was not written by `castellan backup`",
                self.path.escape_debug()
            );
        }
        Ok(folder.join(path))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_path_leads_out_of_the_folder() {
        let entry = |path: &str| Entry { path: path.to_owned(), bytes: 0, blake3: String::new() };
        let folder = Path::new("/d");
        assert_eq!(entry("lake/log/1").below(folder).unwrap(), folder.join("lake/log/1"));
        for path in ["", "/etc/passwd", "../x", "a/../../x", "a//b", "./a", "a\\b", "C:/x", "a/", "a\0b"] {
            assert!(entry(path).below(folder).is_err(), "{path:?}");
        }
    }
}

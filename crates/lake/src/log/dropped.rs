//! Tables that were removed, and up to which record of the log.
//!
//! Records of a removed table may still lie in the log. When it is read again they are left out, though a table of the
//! same name may have come after them. The file has a line for each table: its name, the position, and the id of its files,
//! which are removed after this is written; `-` where it had none. It ends in a checksum. It is tiny and stays, since
//! positions must not come again either.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;

use super::Position;
use crate::Error;
use crate::disk::{Disk, replace};

/// The file in the folder of the log.
const FILE: &str = "dropped";

/// The last record of each removed table.
#[derive(Clone, Debug, Default)]
pub(crate) struct Dropped(BTreeMap<Arc<str>, (Position, String)>);

impl Dropped {
    /// Whether a record belongs to a table that was removed after it.
    pub(crate) fn has(&self, table: &str, position: Position) -> bool {
        self.0.get(table).is_some_and(|(last, _)| position <= *last)
    }

    /// Whether files belong to a table that was removed: the process ended before they were.
    pub(crate) fn has_files(&self, table: &str, id: &str) -> bool {
        self.0.get(table).is_some_and(|(_, removed)| removed == id)
    }

    pub(crate) fn add(&mut self, table: &str, last: Position, id: Option<String>) {
        let known = self.0.entry(table.into()).or_default();
        *known = (last.max(known.0), id.unwrap_or_else(|| "-".to_owned()));
    }

    /// The last position that is known here.
    pub(crate) fn last(&self) -> Position {
        self.0.values().map(|(last, _)| *last).max().unwrap_or(0)
    }

    /// Errors: the disk does not take it.
    pub(crate) fn save(&self, disk: &dyn Disk, folder: &Path) -> Result<(), Error> {
        let mut text = String::new();
        for (table, (position, id)) in &self.0 {
            let _ = writeln!(text, "{table} {position} {id}");
        }
        let _ = writeln!(text, "{:08x}", crc32c::crc32c(text.as_bytes()));
        let path = folder.join(FILE);
        replace(disk, &path, text.as_bytes())
            .map_err(Error::storage("writing which tables were removed", path))
    }

    /// Errors: a file that cannot be read, or is not as it was written: rows of removed tables would come back, or
    /// positions come again, so a lake is not opened with it.
    pub(crate) fn load(disk: &dyn Disk, folder: &Path) -> Result<Dropped, Error> {
        let path = folder.join(FILE);
        let bytes = match disk.read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Dropped::default()),
            Err(error) => return Err(Error::storage("reading which tables were removed", path)(error)),
        };
        Dropped::parse(&bytes).ok_or_else(|| {
            let reason =
                "the file is damaged: restore it from a backup, or remove it if no table was ever removed";
            let source = std::io::Error::new(ErrorKind::InvalidData, reason);
            Error::storage("reading which tables were removed", path)(source)
        })
    }

    fn parse(bytes: &[u8]) -> Option<Dropped> {
        let text = std::str::from_utf8(bytes).ok()?.strip_suffix('\n')?;
        let at = text.rfind('\n').map_or(0, |at| at + 1);
        let (lines, sum) = text.split_at_checked(at)?;
        if u32::from_str_radix(sum, 16).ok()? != crc32c::crc32c(lines.as_bytes()) {
            return None;
        }
        let entry = |line: &str| {
            let (rest, id) = line.rsplit_once(' ')?;
            let (table, position) = rest.rsplit_once(' ')?;
            Some((table.into(), (position.parse().ok()?, id.to_owned())))
        };
        lines.lines().map(entry).collect::<Option<_>>().map(Dropped)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::OsDisk;

    #[test]
    fn what_is_saved_is_loaded_and_damage_is_refused() -> Result<(), Box<dyn std::error::Error>> {
        let folder = tempfile::tempdir()?;
        let mut dropped = Dropped::load(&OsDisk, folder.path())?;
        assert_eq!(dropped.last(), 0);
        dropped.save(&OsDisk, folder.path())?;
        dropped.add("App_CL", 7, Some("id".to_owned()));
        dropped.add("Other_CL", 9, None);
        dropped.save(&OsDisk, folder.path())?;
        let loaded = Dropped::load(&OsDisk, folder.path())?;
        assert!(loaded.has("App_CL", 7) && !loaded.has("App_CL", 8) && !loaded.has("SigninLogs", 1));
        assert_eq!(loaded.last(), 9);
        assert!(loaded.has_files("App_CL", "id") && !loaded.has_files("App_CL", "other"));
        let path = folder.path().join(FILE);
        let mut bytes = OsDisk.read(&path)?;
        if let Some(digit) = bytes.iter_mut().find(|byte| **byte == b'7') {
            *digit = b'3';
        }
        std::fs::write(&path, bytes)?;
        assert!(Dropped::load(&OsDisk, folder.path()).is_err());
        Ok(())
    }
}

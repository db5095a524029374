//! The one door to the outside world: clock, files, environment, other programs.
//!
//! Engines never see it. Stores, services and faces take `&dyn System`, so that a test can set the clock, serve files
//! from memory and script what `az` answers.

use std::io;
use std::path::{Path, PathBuf};

use crate::ticks::Ticks;

/// One entry of a folder.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct DirEntry {
    /// The path, the folder's included.
    pub path: PathBuf,
    /// True for a folder. Symbolic links are neither followed nor listed.
    pub is_dir: bool,
}

/// What a program printed and how it ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProgramOutput {
    /// The exit code; `None` when a signal ended it.
    pub code: Option<i32>,
    /// Standard output.
    pub stdout: Vec<u8>,
    /// Standard error.
    pub stderr: Vec<u8>,
}

/// Clock, files, environment, programs.
pub trait System: Send + Sync {
    /// The time now.
    fn now(&self) -> Ticks;

    /// Reads a whole file of at most `limit` bytes; a larger one is an error of kind `FileTooLarge`.
    fn read(&self, path: &Path, limit: u64) -> io::Result<Vec<u8>>;

    /// Writes a whole file, making its folder first.
    fn write(&self, path: &Path, bytes: &[u8]) -> io::Result<()>;

    /// A folder's entries, sorted by path.
    fn read_dir(&self, path: &Path) -> io::Result<Vec<DirEntry>>;

    /// True for a folder.
    fn is_dir(&self, path: &Path) -> bool;

    /// True when anything is there.
    fn exists(&self, path: &Path) -> bool;

    /// An environment variable; `None` when unset, empty or not UTF-8.
    fn env(&self, name: &str) -> Option<String>;

    /// Runs a program to its end, without standard input.
    fn run(&self, program: &str, arguments: &[&str]) -> io::Result<ProgramOutput>;
}

/// The real one.
#[derive(Clone, Copy, Debug, Default)]
pub struct OsSystem;

#[allow(clippy::disallowed_methods)] // This is the seam the lint points to.
impl System for OsSystem {
    fn now(&self) -> Ticks {
        let since_epoch = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        let nanos =
            since_epoch.map_or(0, |duration| i128::try_from(duration.as_nanos()).unwrap_or(i128::MAX));
        Ticks::from_unix_nanos(nanos).unwrap_or(Ticks::MAX)
    }

    fn read(&self, path: &Path, limit: u64) -> io::Result<Vec<u8>> {
        use std::io::Read;
        let file = std::fs::File::open(path)?;
        let mut bytes = Vec::new();
        file.take(limit.saturating_add(1)).read_to_end(&mut bytes)?;
        if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > limit {
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, format!("larger than {limit} bytes")));
        }
        Ok(bytes)
    }

    fn write(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        std::fs::write(path, bytes)
    }

    fn read_dir(&self, path: &Path) -> io::Result<Vec<DirEntry>> {
        let mut entries = Vec::new();
        for entry in std::fs::read_dir(path)? {
            let entry = entry?;
            let kind = entry.file_type()?;
            if kind.is_dir() || kind.is_file() {
                entries.push(DirEntry { path: entry.path(), is_dir: kind.is_dir() });
            }
        }
        entries.sort();
        Ok(entries)
    }

    fn is_dir(&self, path: &Path) -> bool {
        path.is_dir()
    }

    fn exists(&self, path: &Path) -> bool {
        path.exists()
    }

    fn env(&self, name: &str) -> Option<String> {
        std::env::var(name).ok().filter(|value| !value.is_empty())
    }

    fn run(&self, program: &str, arguments: &[&str]) -> io::Result<ProgramOutput> {
        let output = std::process::Command::new(program)
            .args(arguments)
            .stdin(std::process::Stdio::null())
            .output()?;
        Ok(ProgramOutput { code: output.status.code(), stdout: output.stdout, stderr: output.stderr })
    }
}

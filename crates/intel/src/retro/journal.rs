//! A queue in a file: changes as lines of JSON, each synced before it counts.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use super::queue::{Entry, Queue};

/// The longest line, in bytes.
const LONGEST: u64 = 64 << 20;
/// Changes beyond which the file is written anew when it is opened.
const LONG: usize = 10_000;

/// A queue in a file.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    file: File,
    queue: Queue,
    /// Where the next change goes.
    end: u64,
}

/// The file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// What the storage says.
    #[error("`{path}` cannot be {what}: {error}")]
    Storage {
        /// The file.
        path: String,
        /// What was tried.
        what: &'static str,
        /// Why not.
        error: io::Error,
    },
    /// A line in the middle that is none.
    #[error("`{path}` is damaged at line {line}; remove it: indicators are hunted once more then")]
    Damaged {
        /// The file.
        path: String,
        /// The line, from 1.
        line: usize,
    },
}

impl Journal {
    /// Opens a file, or makes one. A last line that is not whole was never said to be kept, and is cut off.
    ///
    /// Errors: [`JournalError`].
    pub fn open(path: &Path) -> Result<Journal, JournalError> {
        let failed = |what: &'static str| {
            move |error| JournalError::Storage { path: path.display().to_string(), what, error }
        };
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(failed("made"))?;
        }
        let mut options = File::options();
        let file = options
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(path)
            .map_err(failed("opened"))?;
        let (mut queue, mut end, mut lines) = (Queue::default(), 0_u64, 0_usize);
        let mut reader = BufReader::new(&file);
        loop {
            let mut line = Vec::new();
            let read =
                io::Read::take(&mut reader, LONGEST).read_until(b'\n', &mut line).map_err(failed("read"))?;
            if read == 0 || line.last() != Some(&b'\n') {
                break;
            }
            lines += 1;
            let entry = serde_json::from_slice(&line);
            let damaged = |_| JournalError::Damaged { path: path.display().to_string(), line: lines };
            queue.apply(entry.map_err(damaged)?);
            end += u64::try_from(read).unwrap_or_default();
        }
        drop(reader);
        let mut journal = Journal { path: path.to_owned(), file, queue, end };
        journal.file.set_len(end).map_err(failed("cut"))?;
        if lines > LONG && lines > 2 * (journal.queue.hunted() + journal.queue.pending()) {
            journal.write_anew()?;
        }
        Ok(journal)
    }

    /// The queue.
    pub fn queue(&self) -> &Queue {
        &self.queue
    }

    /// Keeps changes, and applies them once they are kept.
    ///
    /// Errors: [`JournalError`]; then none counts.
    pub fn keep(&mut self, entries: Vec<Entry>) -> Result<(), JournalError> {
        let mut lines = Vec::new();
        for entry in &entries {
            serde_json::to_writer(&mut lines, entry).map_err(|error| self.failed("written", error.into()))?;
            lines.push(b'\n');
        }
        let written = self
            .file
            .seek(SeekFrom::Start(self.end))
            .and_then(|_| self.file.write_all(&lines))
            .and_then(|()| self.file.sync_data());
        if let Err(error) = written {
            // What was written of it must not be read as whole.
            let _ = self.file.set_len(self.end);
            return Err(self.failed("written", error));
        }
        self.end += u64::try_from(lines.len()).unwrap_or_default();
        entries.into_iter().for_each(|entry| self.queue.apply(entry));
        Ok(())
    }

    fn failed(&self, what: &'static str, error: io::Error) -> JournalError {
        JournalError::Storage { path: self.path.display().to_string(), what, error }
    }

    /// Writes the file with nothing in it but what counts.
    fn write_anew(&mut self) -> Result<(), JournalError> {
        let beside = self.path.with_extension("new");
        let write = || -> io::Result<(File, u64)> {
            let mut file = io::BufWriter::new(File::create(&beside)?);
            for entry in self.queue.entries() {
                serde_json::to_writer(&mut file, &entry)?;
                file.write_all(b"\n")?;
            }
            let file = file.into_inner().map_err(|error| error.into_error())?;
            file.sync_all()?;
            drop(file);
            std::fs::rename(&beside, &self.path)?;
            if let Some(folder) = self.path.parent() {
                File::open(folder)?.sync_all()?;
            }
            let file = File::options().read(true).write(true).open(&self.path)?;
            let length = file.metadata()?.len();
            Ok((file, length))
        };
        let (file, end) = write().map_err(|error| self.failed("written anew", error))?;
        (self.file, self.end) = (file, end);
        Ok(())
    }
}

//! Files and parts of them.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::SystemTime;

use super::super::file::{Format, Packing, failure};
use crate::Error;

/// The longest row, in bytes.
const MAX_ROW: u64 = 64 << 20;

/// Parts are no smaller than this, in bytes: a thread is worth it.
const MIN_PART: u64 = 8 << 20;

/// A file as it was when its columns were found.
#[derive(Debug)]
pub(super) struct Source {
    pub(super) path: PathBuf,
    pub(super) format: Format,
    packing: Packing,
    size: u64,
    changed: Option<SystemTime>,
    /// One JSON array and not an object a line.
    pub(super) is_array: bool,
}

impl Source {
    /// Errors: a file that cannot be read.
    pub(super) fn open(path: PathBuf, format: Format) -> Result<Source, Error> {
        let about = std::fs::metadata(&path).map_err(|error| failure(&path, error))?;
        let packing = Packing::of(&path);
        let (size, changed) = (about.len(), about.modified().ok());
        let mut source = Source { path, format, packing, size, changed, is_array: false };
        if format == Format::JsonLines {
            source.is_array = source.begins_with_bracket()?;
        }
        Ok(source)
    }

    fn begins_with_bracket(&self) -> Result<bool, Error> {
        let mut first = [0_u8; 1];
        let mut text = self.text()?;
        loop {
            let read = text.read(&mut first).map_err(|error| failure(&self.path, error))?;
            // A byte order mark is no white space.
            if read == 0 || !(first[0].is_ascii_whitespace() || [0xEF, 0xBB, 0xBF].contains(&first[0])) {
                return Ok(read > 0 && first[0] == b'[');
            }
        }
    }

    /// The text from its beginning.
    pub(super) fn text(&self) -> Result<BufReader<Box<dyn Read>>, Error> {
        let file = File::open(&self.path).map_err(|error| failure(&self.path, error))?;
        let reader: Box<dyn Read> = match self.packing {
            Packing::None => Box::new(file),
            Packing::Gzip => Box::new(flate2::read::MultiGzDecoder::new(file)),
            Packing::Zstandard => {
                Box::new(zstd::stream::read::Decoder::new(file).map_err(|error| failure(&self.path, error))?)
            }
        };
        Ok(BufReader::with_capacity(1 << 17, reader))
    }

    /// Errors: the file is not what it was when its columns were found, so that these may not hold.
    pub(super) fn check(&self) -> Result<(), Error> {
        let about = std::fs::metadata(&self.path).map_err(|error| failure(&self.path, error))?;
        if about.len() == self.size && about.modified().ok() == self.changed {
            return Ok(());
        }
        Err(Error {
            help: "run the query again".to_owned(),
            ..failure(&self.path, "the file has changed since its columns were found")
        })
    }

    /// Whether it can be read from any line on.
    fn has_lines(&self) -> bool {
        self.format == Format::JsonLines && !self.is_array && self.packing == Packing::None
    }

    /// Where to cut it for so many threads.
    pub(super) fn parts(self: &Arc<Source>, threads: usize) -> Vec<Part> {
        let most = self.size / MIN_PART;
        let count = most.min(u64::try_from(threads).unwrap_or(1)).max(1);
        if !self.has_lines() || count == 1 {
            return vec![Part::whole(self)];
        }
        let cut = |at: u64| (u128::from(self.size) * u128::from(at) / u128::from(count)) as u64;
        (0..count).map(|at| Part { source: Arc::clone(self), start: cut(at), end: cut(at + 1) }).collect()
    }
}

/// The lines of a file that begin within a range of bytes.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) source: Arc<Source>,
    start: u64,
    end: u64,
}

impl Part {
    /// All of a file.
    pub(super) fn whole(source: &Arc<Source>) -> Part {
        Part { source: Arc::clone(source), start: 0, end: u64::MAX }
    }

    pub(super) fn lines(&self) -> Result<Lines, Error> {
        let fail = |error: std::io::Error| failure(&self.source.path, error);
        if self.start == 0 {
            return Ok(Lines {
                text: self.source.text()?,
                at: 0,
                end: self.end,
                number: 0,
                knows_number: true,
            });
        }
        let mut file = File::open(&self.source.path).map_err(fail)?;
        // The line that the byte before belongs to is that of the part before.
        file.seek(SeekFrom::Start(self.start - 1)).map_err(fail)?;
        let text = BufReader::with_capacity(1 << 17, Box::new(file) as Box<dyn Read>);
        let mut lines = Lines { text, at: self.start - 1, end: u64::MAX, number: 0, knows_number: false };
        lines.next(&mut Vec::new()).map_err(|error| failure(&self.source.path, error))?;
        lines.end = self.end;
        Ok(lines)
    }
}

/// The lines of a part.
pub(super) struct Lines {
    text: BufReader<Box<dyn Read>>,
    /// The byte of the file at which the next line begins.
    at: u64,
    end: u64,
    number: usize,
    knows_number: bool,
}

impl Lines {
    /// Reads the next line into the buffer; false where there is none.
    ///
    /// Errors: a text that cannot be read, and a line that is too long.
    pub(super) fn next(&mut self, line: &mut Vec<u8>) -> std::io::Result<bool> {
        line.clear();
        if self.at >= self.end {
            return Ok(false);
        }
        let read = (&mut self.text).take(MAX_ROW).read_until(b'\n', line)? as u64;
        if read == MAX_ROW && line.last() != Some(&b'\n') {
            let message = format!("{}: a line has more than {} MiB", self.place(), MAX_ROW >> 20);
            return Err(std::io::Error::new(std::io::ErrorKind::InvalidData, message));
        }
        self.at += read;
        self.number += 1;
        Ok(read > 0)
    }

    /// Where the line that was read last stands.
    pub(super) fn place(&self) -> String {
        match self.knows_number {
            true => format!("line {}", self.number),
            false => format!("the line that ends at byte {}", self.at),
        }
    }
}

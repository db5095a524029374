//! What the log holds when a lake is opened.

use std::path::{Path, PathBuf};

use super::segment::{ALL, HEADER, first_of, read, read_header};
use super::{Position, Record};
use crate::Error;
use crate::disk::Disk;

/// What was found.
#[derive(Debug, Default)]
pub(crate) struct Replayed {
    /// The position that the next record gets.
    pub(crate) next: Position,
    /// The segments, oldest first: path, first position, bytes that count.
    pub(crate) segments: Vec<(PathBuf, Position, u64)>,
    /// What is not as it was written, in words.
    pub(crate) damages: Vec<String>,
}

/// Reads all records in their order.
///
/// The end of the last segment may be torn: what was being written when the process ended was never acknowledged. A
/// record anywhere else that cannot be read is damage, which is told; what follows it is read all the same.
///
/// Errors: files that cannot be read, and what `each` says.
pub(crate) fn replay(
    disk: &dyn Disk,
    folder: &Path,
    each: &mut dyn FnMut(Position, Record) -> Result<(), Error>,
) -> Result<Replayed, Error> {
    let files = disk.list(folder).map_err(Error::storage("listing the log", folder))?;
    let files: Vec<(PathBuf, Position)> =
        files.into_iter().filter_map(|(path, _)| first_of(&path).map(|first| (path, first))).collect();
    let mut found = Replayed { next: 1, ..Replayed::default() };
    let load = |path: &Path| disk.read(path).map_err(Error::storage("reading the log", path));
    let mut files = files.into_iter().peekable();
    let mut current = match files.peek() {
        Some((path, _)) => load(path)?,
        None => return Ok(found),
    };
    while let Some((path, first)) = files.next() {
        let following = files.peek().map(|(path, _)| load(path)).transpose()?;
        // A new segment without its header was being made when the process ended: it says nothing of the one before.
        let counted = following.as_deref().and_then(read_header).map_or(ALL, |(_, before)| before);
        let is_last = following.is_none();
        let length = usize::try_from(counted).unwrap_or(usize::MAX).min(current.len());
        let bytes = current.get(..length).unwrap_or_default();
        let end = Segment { path: &path, first, bytes, is_last }.replay(&mut found, each)?;
        found.segments.push((path, first, u64::try_from(end).unwrap_or(u64::MAX)));
        current = following.unwrap_or_default();
    }
    Ok(found)
}

struct Segment<'s> {
    path: &'s Path,
    first: Position,
    bytes: &'s [u8],
    is_last: bool,
}

impl Segment<'_> {
    /// Gives how many bytes of it count.
    fn replay(
        &self,
        found: &mut Replayed,
        each: &mut dyn FnMut(Position, Record) -> Result<(), Error>,
    ) -> Result<usize, Error> {
        found.next = found.next.max(self.first);
        if read_header(self.bytes).is_none() {
            if !self.is_last || self.bytes.len() > HEADER {
                found.damages.push(format!("{}: the segment's header cannot be read", self.path.display()));
            }
            if self.bytes.len() <= HEADER {
                return Ok(0);
            }
        }
        let (mut at, mut end) = (HEADER, HEADER);
        while at < self.bytes.len() {
            let Some((position, body, next)) = read(self.bytes, at) else {
                let Some(behind) = self.resume(at + 1, found.next) else {
                    if !self.is_last {
                        found.damages.push(self.damage(at, self.bytes.len()));
                    }
                    break;
                };
                found.damages.push(self.damage(at, behind));
                at = behind;
                continue;
            };
            match Record::decode(body) {
                Some(record) => each(position, record)?,
                None => found.damages.push(format!(
                    "{}: the record at byte {at} was written by another version of this program, or is none",
                    self.path.display()
                )),
            }
            found.next = position + 1;
            (at, end) = (next, next);
        }
        Ok(end)
    }

    /// Where the next whole record begins, behind bytes that are none.
    fn resume(&self, from: usize, next: Position) -> Option<usize> {
        /// Records that damage may swallow in one place: bounds what counts as a following one.
        const NEAR: Position = 1 << 20;
        (from..self.bytes.len()).find(|at| {
            let position = self.bytes.get(at + 8..at + 16).and_then(|bytes| bytes.try_into().ok());
            position.map(u64::from_le_bytes).is_some_and(|position| {
                (next..next.saturating_add(NEAR)).contains(&position) && read(self.bytes, *at).is_some()
            })
        })
    }

    fn damage(&self, from: usize, to: usize) -> String {
        format!(
            "{}: the bytes {from} to {to} are not as they were written; what they held is lost. Check the disk",
            self.path.display()
        )
    }
}

//! ZIP archives, and the documents that are ZIP archives within.

use std::cell::Cell;
use std::collections::HashSet;
use std::io::{Read, Seek, SeekFrom};
use std::rc::Rc;

use zip::ZipArchive;
use zip::result::ZipError;

use super::{ooxml, opendocument};
use crate::input::{Input, Source};
use crate::location::Place;
use crate::outcome::Reason;
use crate::walk::{Counting, Fault, Step, Walk};

/// Entries of one archive: its directory is held in memory, at a few hundred bytes each.
const MOST_ENTRIES: u64 = 1_000_000;

pub(super) fn read(input: Input<'_>, walk: &mut Walk<'_>) -> Step {
    let mut source = input.into_seekable(walk)?;
    if entries_promised(&mut source)?.is_some_and(|count| count > MOST_ENTRIES) {
        return Err(Fault::Failed(Reason::TooManyEntries));
    }
    let mut archive = Archive::open(source)?;
    let mimetype = archive.small_text("mimetype", walk);
    if mimetype.is_some_and(|kind| kind.starts_with("application/vnd.oasis.opendocument")) {
        return opendocument::read(&mut archive, walk);
    }
    if archive.index_of("[Content_Types].xml").is_some()
        && let Some(kind) = ooxml::kind(&archive)
    {
        return ooxml::read(&mut archive, kind, walk);
    }
    walk.found(crate::format::Format::Zip);
    if let Some(before) = archive.entries.iter().map(|entry| entry.range.0).min().filter(|start| *start > 0) {
        let reason = Reason::Unsupported("bytes before the first entry");
        walk.skip(Place::Body, reason, Some(before));
    }
    let comment = String::from_utf8_lossy(archive.zip.comment()).into_owned();
    walk.text(Place::field("comment"), &comment)?;
    for at in 0..archive.entries.len() {
        archive.entry(at, walk)?;
    }
    Ok(())
}

/// An open archive.
pub(super) struct Archive<'r> {
    zip: ZipArchive<Counting<Box<dyn Source + 'r>>>,
    /// Bytes read from the archive so far.
    taken: Rc<Cell<u64>>,
    pub(super) entries: Vec<EntryInfo>,
    /// Entries that lie over others.
    overlapping: HashSet<usize>,
}

/// What the directory says of an entry.
pub(super) struct EntryInfo {
    pub(super) name: String,
    size: u64,
    is_folder: bool,
    is_encrypted: bool,
    comment: String,
    range: (u64, u64),
}

impl<'r> Archive<'r> {
    fn open(source: Box<dyn Source + 'r>) -> Step<Self> {
        let (counted, taken) = Counting::new(source);
        let zip = ZipArchive::new(counted).map_err(fault)?;
        let mut entries = Vec::with_capacity(zip.len());
        for at in 0..zip.len() {
            let entry = zip.by_index_data(at).map_err(fault)?;
            let name = entry.name().map(|name| name.into_owned());
            let name = name.unwrap_or_else(|_| String::from_utf8_lossy(entry.name_raw()).into_owned());
            let start = entry.header_start();
            entries.push(EntryInfo {
                is_folder: name.ends_with('/') && entry.size() == 0,
                name,
                size: entry.size(),
                is_encrypted: entry.encrypted(),
                comment: entry.comment().to_owned(),
                range: (start, start.saturating_add(LOCAL_HEADER).saturating_add(entry.compressed_size())),
            });
        }
        let overlapping = overlapping(&entries);
        Ok(Self { zip, taken, entries, overlapping })
    }

    pub(super) fn index_of(&self, name: &str) -> Option<usize> {
        self.zip.index_for_name(name)
    }

    /// Reads an entry by whatever its content is.
    pub(super) fn entry(&mut self, at: usize, walk: &mut Walk<'_>) -> Step {
        let Some(info) = self.entries.get(at).filter(|info| !info.is_folder) else { return Ok(()) };
        let (name, size) = (info.name.clone(), info.size);
        if let Some(reason) = self.refusal(at) {
            walk.skip_entry(&name, reason, Some(size));
            return Ok(());
        }
        let comment = self.entries.get(at).map(|info| info.comment.clone()).unwrap_or_default();
        walk.entry(&name, |walk| {
            walk.text(Place::field("comment"), &comment)?;
            let taken = Rc::clone(&self.taken);
            let reader = walk.expanding(self.zip.by_index(at).map_err(fault)?, taken);
            let input = Input::once(&name, Box::new(reader), Some(size))?;
            walk.file(input)
        })
    }

    /// Why an entry is not opened.
    fn refusal(&self, at: usize) -> Option<Reason> {
        if self.entries.get(at).is_some_and(|info| info.is_encrypted) {
            return Some(Reason::Encrypted);
        }
        self.overlapping.contains(&at).then_some(Reason::Overlapping)
    }

    /// The bytes of a part that a document's reader needs whole.
    ///
    /// # Errors
    ///
    /// Also where it is larger than the limit of memory.
    pub(super) fn bytes(&mut self, at: usize, walk: &mut Walk<'_>) -> Step<Vec<u8>> {
        if let Some(reason) = self.refusal(at) {
            return Err(Fault::Failed(reason));
        }
        walk.ask(1024)?;
        let most = walk.limits.memory as u64;
        let taken = Rc::clone(&self.taken);
        let reader = walk.expanding(self.zip.by_index(at).map_err(fault)?, taken);
        let mut bytes = Vec::new();
        reader.take(most + 1).read_to_end(&mut bytes)?;
        if bytes.len() as u64 > most { Err(Fault::too_large()) } else { Ok(bytes) }
    }

    /// The text of a part.
    pub(super) fn text(&mut self, at: usize, walk: &mut Walk<'_>) -> Step<String> {
        let bytes = self.bytes(at, walk)?;
        Ok(String::from_utf8(bytes).unwrap_or_else(|error| crate::decode::whole(error.as_bytes())))
    }

    /// The text of a part by name, if it is there and readable.
    pub(super) fn small_text(&mut self, name: &str, walk: &mut Walk<'_>) -> Option<String> {
        let at = self.index_of(name)?;
        self.text(at, walk).ok()
    }

    /// Gives a part by way of `read`; one that fails is written down.
    pub(super) fn part(
        &mut self,
        at: usize,
        walk: &mut Walk<'_>,
        read: impl FnOnce(&str, &mut Walk<'_>) -> Step,
    ) -> Step {
        let result = self.text(at, walk).and_then(|text| read(&text, walk));
        self.settle(at, result, walk)
    }

    fn settle(&self, at: usize, result: Step, walk: &mut Walk<'_>) -> Step {
        let Err(Fault::Failed(reason)) = result else { return result };
        if let Some(info) = self.entries.get(at) {
            walk.skip_entry(&info.name, reason, Some(info.size));
        }
        Ok(())
    }

    /// Writes a part down as one without text.
    pub(super) fn skip(&self, at: usize, reason: Reason, walk: &mut Walk<'_>) {
        if let Some(info) = self.entries.get(at) {
            walk.skip_entry(&info.name, reason, Some(info.size));
        }
    }
}

/// The shortest header before an entry's bytes.
const LOCAL_HEADER: u64 = 30;

/// Which entries start before another has ended. Of those that share bytes the first stays.
fn overlapping(entries: &[EntryInfo]) -> HashSet<usize> {
    let mut order: Vec<usize> = (0..entries.len()).collect();
    let range = |at: &usize| entries.get(*at).map(|info| info.range).unwrap_or_default();
    order.sort_by_key(range);
    let mut end = 0;
    let mut found = HashSet::new();
    for at in order {
        let (from, to) = range(&at);
        if from < end {
            found.insert(at);
        } else {
            end = to;
        }
    }
    found
}

/// How many entries the end of the archive promises, without reading them.
fn entries_promised(source: &mut Box<dyn Source + '_>) -> Step<Option<u64>> {
    const LONGEST_END: i64 = 66 << 10;
    let length = source.seek(SeekFrom::End(0))?;
    let back = LONGEST_END.min(i64::try_from(length).unwrap_or(LONGEST_END));
    source.seek(SeekFrom::End(-back))?;
    let mut tail = Vec::new();
    source.by_ref().take(LONGEST_END.unsigned_abs()).read_to_end(&mut tail)?;
    source.rewind()?;
    // The end of the directory, and the larger one that comes before it.
    let number = |signature: &[u8], offset: usize, width: usize| {
        let at = memchr::memmem::rfind(&tail, signature)? + offset;
        let bytes = tail.get(at..at + width)?;
        Some(bytes.iter().rev().fold(0_u64, |value, byte| (value << 8) | u64::from(*byte)))
    };
    Ok(number(b"PK\x06\x06", 32, 8).or_else(|| number(b"PK\x05\x06", 10, 2)))
}

fn fault(error: ZipError) -> Fault {
    match error {
        ZipError::Io(error) => error.into(),
        ZipError::UnsupportedArchive(_) => Fault::unsupported("compression method or feature of ZIP"),
        error => Fault::corrupt(error),
    }
}

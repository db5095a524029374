//! The state of one extraction: what is left of the limits, where it stands, what it has counted.

use std::cell::Cell;
use std::io::{self, Read, Seek, SeekFrom};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::rc::Rc;
use std::sync::Arc;

use crate::detect;
use crate::format::Format;
use crate::input::Input;
use crate::limits::Limits;
use crate::location::{Location, Place};
use crate::outcome::{Limit, Note, Oddity, Outcome, Reason, Skipped};
use crate::part::{Mapping, Origin, Part, Sink};
use crate::readers;

/// Why reading something ended early.
#[derive(Debug)]
pub(crate) enum Fault {
    /// This file or entry cannot be read on; its siblings can.
    Failed(Reason),
    /// The whole extraction ends: a total is used up, or the caller said stop.
    Halt(Reason),
}

pub(crate) type Step<T = ()> = Result<T, Fault>;

/// A fault that travels through an `io::Error` where a reader of ours stands below a decoder of somebody else's.
#[derive(Debug)]
struct Carried(Fault);

impl std::fmt::Display for Carried {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.0 {
            Fault::Failed(reason) | Fault::Halt(reason) => reason.fmt(formatter),
        }
    }
}

impl std::error::Error for Carried {}

impl From<Fault> for io::Error {
    fn from(fault: Fault) -> Self {
        io::Error::other(Carried(fault))
    }
}

impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Self {
        let kind = error.kind();
        match error.downcast::<Carried>() {
            Ok(Carried(fault)) => fault,
            Err(_) if kind == io::ErrorKind::UnexpectedEof => Fault::Failed(Reason::Truncated),
            Err(error) => Fault::corrupt(error),
        }
    }
}

impl Fault {
    /// The content is not what it should be.
    pub(crate) fn corrupt(how: impl std::fmt::Display) -> Self {
        const LONGEST: usize = 200;
        Self::Failed(Reason::Corrupt(how.to_string().chars().take(LONGEST).collect()))
    }

    pub(crate) fn unsupported(what: &'static str) -> Self {
        Self::Failed(Reason::Unsupported(what))
    }

    pub(crate) fn no_text(what: &'static str) -> Self {
        Self::Failed(Reason::NoText(what))
    }

    pub(crate) fn too_large() -> Self {
        Self::Failed(Reason::TooLarge(Limit::Memory))
    }
}

/// What readers count while something else holds the walk.
#[derive(Debug, Default)]
pub(crate) struct Meter {
    pub(crate) read: Cell<u64>,
    pub(crate) expanded: Cell<u64>,
    /// Whether code of the caller's runs: what panics then is not ours to contain.
    is_outside: Cell<bool>,
}

impl Meter {
    /// Runs code of the caller's.
    fn outside<T>(&self, call: impl FnOnce() -> T) -> T {
        self.is_outside.set(true);
        let result = call();
        self.is_outside.set(false);
        result
    }

    /// Whether the caller wants the extraction to end.
    pub(crate) fn is_stopped(&self, limits: &Limits<'_>) -> bool {
        self.outside(limits.stop)
    }
}

/// One extraction on its way through a file and the files within.
pub(crate) struct Walk<'a> {
    pub(crate) limits: Limits<'a>,
    pub(crate) meter: Rc<Meter>,
    sink: &'a mut dyn Sink,
    location: Location,
    outcome: Outcome,
    /// What the present file is.
    present: Format,
    /// How many files are being read, each within the one before.
    files: usize,
    /// The entries within which the whole extraction ended early.
    halted_in: Option<Vec<Arc<str>>>,
    is_hidden: bool,
    /// Whether the open part has given a chunk already.
    has_given: bool,
    /// Bytes and parts given since the caller was last asked whether to stop.
    since_asked: usize,
}

impl<'a> Walk<'a> {
    pub(crate) fn new(limits: &Limits<'a>, sink: &'a mut dyn Sink) -> Self {
        Self {
            limits: *limits,
            meter: Rc::default(),
            sink,
            location: Location::default(),
            outcome: Outcome::default(),
            present: Format::Unknown,
            files: 0,
            halted_in: None,
            is_hidden: false,
            has_given: false,
            since_asked: 0,
        }
    }

    /// The account, once all is done.
    pub(crate) fn finish(mut self) -> Outcome {
        self.outcome.coverage.bytes_read = self.meter.read.get();
        self.outcome.coverage.bytes_expanded = self.meter.expanded.get();
        self.outcome
    }

    /// Reads one file: the outermost or one within. Only what ends the whole extraction comes back as a fault.
    pub(crate) fn file(&mut self, input: Input<'_>) -> Step {
        let size = input.len();
        let found = detect::format(input.name(), input.head(), input.is_whole());
        let named = detect::by_extension(input.name());
        let container = std::mem::replace(&mut self.present, found);
        self.files += 1;
        self.found(found);
        // Decoders of others must not take the process down, whatever they meet.
        let read = catch_unwind(AssertUnwindSafe(|| readers::read(found, input, self)));
        let result = read.unwrap_or_else(|panic| {
            if self.meter.is_outside.get() {
                resume_unwind(panic);
            }
            Err(Fault::corrupt("its decoder gave up"))
        });
        let found = std::mem::replace(&mut self.present, container);
        self.files -= 1;
        if let Some(named) = named.filter(|named| !detect::agree(*named, found)) {
            self.note(Oddity::ExtensionMismatch { named, found });
        }
        match result {
            Ok(()) => Ok(()),
            Err(Fault::Failed(reason)) => {
                self.skip(Place::Body, reason, size);
                Ok(())
            }
            Err(Fault::Halt(reason)) => Err(Fault::Halt(reason)),
        }
    }

    /// Says what the outermost file is, also when a container turns out to be something narrower.
    pub(crate) fn found(&mut self, format: Format) {
        self.present = format;
        if self.files == 1 {
            self.outcome.format = Some(format);
        }
    }

    /// Reads a file within the present one.
    pub(crate) fn entry(&mut self, name: &str, open: impl FnOnce(&mut Self) -> Step) -> Step {
        self.outcome.coverage.entries += 1;
        self.enter(name);
        let result = self.entry_within_limits(open);
        let result = match result {
            Err(Fault::Failed(reason)) => {
                self.skip(Place::Body, reason, None);
                Ok(())
            }
            Err(Fault::Halt(reason)) => {
                self.halted_in.get_or_insert_with(|| self.location.entries.clone());
                Err(Fault::Halt(reason))
            }
            other => other,
        };
        self.location.entries.pop();
        result
    }

    fn enter(&mut self, name: &str) {
        self.location.entries.push(Arc::from(name));
        let location = Location { entries: self.location.entries.clone(), place: Place::Name };
        let sink = &mut self.sink;
        self.meter.outside(|| sink.entry(&location));
    }

    fn entry_within_limits(&mut self, open: impl FnOnce(&mut Self) -> Step) -> Step {
        if self.location.entries.len() > self.limits.depth {
            return Err(Fault::Failed(Reason::TooDeep));
        }
        if self.outcome.coverage.entries > self.limits.entries {
            return Err(Fault::Halt(Reason::TooManyEntries));
        }
        self.ask(1024)?;
        open(self)
    }

    /// Writes down an entry that is not opened at all.
    pub(crate) fn skip_entry(&mut self, name: &str, reason: Reason, bytes: Option<u64>) {
        self.enter(name);
        self.skip(Place::Body, reason, bytes);
        self.location.entries.pop();
    }

    /// Writes down why the whole extraction ended early, under the entry that it ended in.
    pub(crate) fn end(&mut self, reason: Reason) {
        self.location.entries = self.halted_in.take().unwrap_or_default();
        self.skip(Place::Body, reason, None);
    }

    /// Writes down something within the present file that is not read.
    pub(crate) fn skip(&mut self, place: Place, reason: Reason, bytes: Option<u64>) {
        let location = Location { entries: self.location.entries.clone(), place };
        let skipped = Skipped { location, reason, bytes };
        let sink = &mut self.sink;
        self.meter.outside(|| sink.skipped(&skipped));
        if self.outcome.skipped.len() < self.limits.listed {
            self.outcome.skipped.push(skipped);
        } else {
            self.outcome.unlisted += 1;
        }
    }

    pub(crate) fn note(&mut self, what: Oddity) {
        let location = Location { entries: self.location.entries.clone(), place: Place::Body };
        if self.outcome.notes.len() < self.limits.listed {
            self.outcome.notes.push(Note { location, what });
        } else {
            self.outcome.unlisted += 1;
        }
    }

    pub(crate) fn count_row(&mut self) {
        self.count_rows(1);
    }

    pub(crate) fn count_rows(&mut self, rows: u64) {
        self.outcome.coverage.rows = self.outcome.coverage.rows.saturating_add(rows);
    }

    /// Gives a text that is at hand.
    pub(crate) fn text(&mut self, place: Place, text: &str) -> Step {
        self.open(place, false);
        self.feed(text, None)
    }

    /// Gives a text that a reader of the document would not see.
    pub(crate) fn hidden(&mut self, place: Place, text: &str) -> Step {
        self.open(place, true);
        self.feed(text, None)
    }

    /// Starts a text that comes in pieces.
    pub(crate) fn open(&mut self, place: Place, is_hidden: bool) {
        self.location.place = place;
        self.is_hidden = is_hidden;
        self.has_given = false;
    }

    /// Gives the next piece of the open text.
    pub(crate) fn feed(&mut self, text: &str, origin: Option<Origin>) -> Step {
        let (mut rest, mut origin) = (text, origin);
        while !rest.is_empty() {
            let (chunk, after) = split_at_most(rest, self.limits.chunk_len());
            self.chunk(chunk, origin)?;
            origin = origin.and_then(|origin| advanced(origin, chunk));
            rest = after;
        }
        Ok(())
    }

    fn chunk(&mut self, text: &str, origin: Option<Origin>) -> Step {
        self.ask(text.len() + 64)?;
        let coverage = &mut self.outcome.coverage;
        if coverage.text_bytes + text.len() as u64 > self.limits.text_bytes {
            return Err(Fault::Halt(Reason::TooLarge(Limit::TextBytes)));
        }
        coverage.text_bytes += text.len() as u64;
        coverage.parts += u64::from(!self.has_given);
        let part = Part {
            location: &self.location,
            text,
            continues: self.has_given,
            is_hidden: self.is_hidden,
            origin,
        };
        let sink = &mut self.sink;
        self.meter.outside(|| sink.part(&part));
        self.has_given = true;
        Ok(())
    }

    /// Asks the caller now and then whether to go on; `work` is about how many bytes were handled since.
    pub(crate) fn ask(&mut self, work: usize) -> Step {
        const EVERY: usize = 64 << 10;
        self.since_asked = self.since_asked.saturating_add(work);
        if self.since_asked < EVERY {
            return Ok(());
        }
        self.since_asked = 0;
        if self.meter.is_stopped(&self.limits) { Err(Fault::Halt(Reason::Stopped)) } else { Ok(()) }
    }

    /// Decompressed bytes, counted and bounded. `compressed` tells how many bytes have gone in.
    pub(crate) fn expanding<R: Read>(&self, inner: R, compressed: Rc<Cell<u64>>) -> Expanding<'a, R> {
        let before = compressed.get();
        Expanding { inner, compressed, before, limits: self.limits, meter: Rc::clone(&self.meter), out: 0 }
    }

    /// Counts bytes that a decoder expanded outside of a reader of ours.
    pub(crate) fn expanded(&mut self, bytes: u64) -> Step {
        self.meter.expanded.set(self.meter.expanded.get().saturating_add(bytes));
        if self.meter.expanded.get() > self.limits.expanded_bytes {
            return Err(Fault::Halt(Reason::TooLarge(Limit::ExpandedBytes)));
        }
        self.ask(usize::try_from(bytes).unwrap_or(usize::MAX))
    }
}

/// The first `length` bytes of a text, cut between characters, and the rest.
fn split_at_most(text: &str, length: usize) -> (&str, &str) {
    text.split_at_checked(text.floor_char_boundary(length)).unwrap_or((text, ""))
}

/// Where the text after `chunk` starts.
fn advanced(origin: Origin, chunk: &str) -> Option<Origin> {
    if origin.mapping == Mapping::Unknown {
        return None;
    }
    let location = Location::default();
    let part =
        Part { location: &location, text: chunk, continues: false, is_hidden: false, origin: Some(origin) };
    Some(Origin { byte: part.byte_at(chunk.len())?, line: part.line_at(chunk.len()), ..origin })
}

/// A reader over what a decompressor gives: it counts, compares with what went in, and ends when a limit is reached.
pub(crate) struct Expanding<'a, R> {
    inner: R,
    compressed: Rc<Cell<u64>>,
    /// What had gone in before this reader began.
    before: u64,
    limits: Limits<'a>,
    meter: Rc<Meter>,
    out: u64,
}

impl<R: Read> Read for Expanding<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        // A piece at a time, so that the questions below are asked often enough.
        const PIECE: usize = 64 << 10;
        let length = buffer.len().min(PIECE);
        let count = self.inner.read(buffer.get_mut(..length).unwrap_or_default())?;
        self.out += count as u64;
        self.meter.expanded.set(self.meter.expanded.get().saturating_add(count as u64));
        if self.meter.is_stopped(&self.limits) {
            return Err(Fault::Halt(Reason::Stopped).into());
        }
        if self.meter.expanded.get() > self.limits.expanded_bytes {
            return Err(Fault::Halt(Reason::TooLarge(Limit::ExpandedBytes)).into());
        }
        let most = self.compressed.get().saturating_sub(self.before).saturating_mul(self.limits.ratio);
        if self.out > self.limits.ratio_floor && self.out > most {
            return Err(Fault::Failed(Reason::BombRatio).into());
        }
        Ok(count)
    }
}

/// A reader that counts what is taken from it.
pub(crate) struct Counting<R> {
    inner: R,
    count: Rc<Cell<u64>>,
}

impl<R> Counting<R> {
    pub(crate) fn new(inner: R) -> (Self, Rc<Cell<u64>>) {
        let count = Rc::new(Cell::new(0));
        (Self { inner, count: Rc::clone(&count) }, count)
    }
}

impl<R: Read> Read for Counting<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.count.set(self.count.get() + count as u64);
        Ok(count)
    }
}

impl<R: Seek> Seek for Counting<R> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.inner.seek(to)
    }
}

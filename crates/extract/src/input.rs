//! The bytes of one file: the outermost, which can seek, or one within another, which may only be readable once.

use std::io::{self, Cursor, Read, Seek, SeekFrom};

use std::cell::Cell;
use std::rc::Rc;

use crate::limits::Limits;
use crate::outcome::Reason;
use crate::walk::{Fault, Meter, Step, Walk};

/// What a file is read from.
pub trait Source: Read + Seek {}

impl<T: Read + Seek + ?Sized> Source for T {}

/// How many bytes at the start tell what a file is.
const HEAD: usize = 64 << 10;

enum Body<'r> {
    Seekable(Box<dyn Source + 'r>),
    /// The bytes after the head.
    Once(Box<dyn Read + 'r>),
}

/// One file on its way to the reader of its format.
pub(crate) struct Input<'r> {
    name: String,
    head: Vec<u8>,
    body: Body<'r>,
    len: Option<u64>,
}

impl<'r> Input<'r> {
    /// A file that can seek.
    pub(crate) fn seekable(name: &str, mut source: Box<dyn Source + 'r>) -> Step<Self> {
        let len = source.seek(SeekFrom::End(0))?;
        source.rewind()?;
        let head = read_head(&mut source)?;
        source.rewind()?;
        Ok(Self { name: name.to_owned(), head, body: Body::Seekable(source), len: Some(len) })
    }

    /// A file that is read once, from its start; `len` is what the container says of it.
    pub(crate) fn once(name: &str, mut reader: Box<dyn Read + 'r>, len: Option<u64>) -> Step<Self> {
        let mut head = Vec::new();
        // What came before an error is read all the same; the error follows where the bytes end.
        let rest: Box<dyn Read + 'r> = match reader.by_ref().take(HEAD as u64).read_to_end(&mut head) {
            Ok(_) => reader,
            Err(error) if head.is_empty() => return Err(error.into()),
            Err(error) => Box::new(Failing(Some(error))),
        };
        Ok(Self { name: name.to_owned(), head, body: Body::Once(rest), len })
    }

    /// A file in memory.
    pub(crate) fn memory(name: &str, bytes: &'r [u8]) -> Self {
        let head = bytes.get(..HEAD).unwrap_or(bytes).to_vec();
        let len = Some(bytes.len() as u64);
        Self { name: name.to_owned(), head, body: Body::Seekable(Box::new(Cursor::new(bytes))), len }
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// The first bytes, all there are up to 64 KiB.
    pub(crate) fn head(&self) -> &[u8] {
        &self.head
    }

    /// Whether the head is the whole file.
    pub(crate) fn is_whole(&self) -> bool {
        self.head.len() < HEAD
    }

    /// How long the file is, or is said to be.
    pub(crate) fn len(&self) -> Option<u64> {
        self.len
    }

    /// The bytes from the start.
    pub(crate) fn reader(self) -> Box<dyn Read + 'r> {
        match self.body {
            Body::Seekable(source) => Box::new(source),
            Body::Once(rest) => Box::new(Cursor::new(self.head).chain(rest)),
        }
    }

    /// The bytes, whole; or the input back where they are more than `most`, still to be read from its start.
    pub(crate) fn bytes_or_self(self, most: usize) -> Step<Result<Vec<u8>, Self>> {
        let Self { name, head, body, len } = self;
        let known = len.and_then(|len| usize::try_from(len).ok());
        match body {
            Body::Seekable(source) if known.is_none_or(|len| len > most) => {
                Ok(Err(Self { name, head, body: Body::Seekable(source), len }))
            }
            Body::Seekable(source) => {
                let mut bytes = Vec::with_capacity(known.unwrap_or_default());
                source.take(most as u64).read_to_end(&mut bytes)?;
                Ok(Ok(bytes))
            }
            Body::Once(mut rest) => {
                let mut bytes = head;
                let room = (most + 1).saturating_sub(bytes.len()) as u64;
                rest.by_ref().take(room).read_to_end(&mut bytes)?;
                if bytes.len() <= most {
                    return Ok(Ok(bytes));
                }
                Ok(Err(Self { name, head: bytes, body: Body::Once(rest), len }))
            }
        }
    }

    /// The bytes, whole.
    ///
    /// # Errors
    ///
    /// Where they are more than [`Limits::memory`](crate::Limits::memory).
    pub(crate) fn bytes(self, walk: &Walk<'_>) -> Step<Vec<u8>> {
        self.bytes_or_self(walk.limits.memory)?.map_err(|_| Fault::too_large())
    }

    /// A reader that can seek, by way of memory where need be.
    pub(crate) fn into_seekable(self, walk: &Walk<'_>) -> Step<Box<dyn Source + 'r>> {
        match self.body {
            Body::Seekable(source) => Ok(source),
            Body::Once(_) => Ok(Box::new(Cursor::new(self.bytes(walk)?))),
        }
    }
}

/// A reader that has only an error to give.
struct Failing(Option<io::Error>);

impl Read for Failing {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        self.0.take().map_or(Ok(0), Err)
    }
}

fn read_head(reader: &mut dyn Read) -> io::Result<Vec<u8>> {
    let mut head = Vec::new();
    reader.take(HEAD as u64).read_to_end(&mut head)?;
    Ok(head)
}

/// The caller's source: counts what is read, and tells its errors from those of a decoder.
pub(crate) struct Outermost<'r> {
    source: &'r mut dyn Source,
    meter: Rc<Meter>,
    limits: Limits<'r>,
    since_asked: Cell<usize>,
}

impl<'r> Outermost<'r> {
    pub(crate) fn new(source: &'r mut dyn Source, walk: &Walk<'r>) -> Self {
        let meter = Rc::clone(&walk.meter);
        Self { source, meter, limits: walk.limits, since_asked: Cell::new(0) }
    }
}

impl Read for Outermost<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        const EVERY: usize = 64 << 10;
        let length = buffer.len().min(EVERY);
        let count = self.source.read(buffer.get_mut(..length).unwrap_or_default()).map_err(unreadable)?;
        self.meter.read.set(self.meter.read.get() + count as u64);
        self.since_asked.set(self.since_asked.get() + count + 1);
        if self.since_asked.get() >= EVERY {
            self.since_asked.set(0);
            if self.meter.is_stopped(&self.limits) {
                return Err(Fault::Halt(Reason::Stopped).into());
            }
        }
        Ok(count)
    }
}

impl Seek for Outermost<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        // Decoders seek to places that the file made up; only what the system refuses for another reason is its error.
        self.source.seek(to).map_err(|error| match error.kind() {
            io::ErrorKind::InvalidInput => error,
            _ => unreadable(error),
        })
    }
}

fn unreadable(error: io::Error) -> io::Error {
    if error.kind() == io::ErrorKind::Interrupted {
        return error;
    }
    Fault::Failed(Reason::Unreadable(error.to_string())).into()
}

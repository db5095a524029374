//! The thread that writes the log.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;

use tokio::sync::{mpsc, oneshot};

use super::segment::{self, ALL, HEADER};
use super::{Key, Keys, Position, Record, Replayed};
use crate::Error;
use crate::disk::{Disk, Output};

/// Bytes of a segment before the next is begun.
const SEGMENT: u64 = 64 << 20;
/// Bytes that are written and synced together at most.
const GROUP: usize = 16 << 20;
/// A segment of which nothing is needed any more is ended when it has more bytes than that.
const ROTATED: u64 = 1 << 20;
/// Calls that may wait to be written.
const WAITING: usize = 4_096;

/// A record on its way into the log.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) record: Record,
    pub(crate) body: Vec<u8>,
    pub(crate) done: oneshot::Sender<Result<Written, Failure>>,
}

/// A record is durable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Written {
    pub(crate) position: Position,
    /// Whether an earlier call with the same key had brought it.
    pub(crate) is_repeated: bool,
}

/// Why records were not kept.
#[derive(Clone, Debug)]
pub(crate) struct Failure {
    pub(crate) what: &'static str,
    pub(crate) path: PathBuf,
    pub(crate) kind: std::io::ErrorKind,
    pub(crate) message: String,
}

/// Makes records visible once they are durable, in their order.
pub(crate) type Publish = Box<dyn FnMut(Position, Record) + Send>;

enum Message {
    Append(Entry),
    /// Segments whose records all come before a position are no longer needed.
    Forget(Position, oneshot::Sender<Result<(), Error>>),
}

/// The log, as those see it who append to it.
#[derive(Debug)]
pub(crate) struct Log {
    sender: Option<mpsc::Sender<Message>>,
    thread: Option<JoinHandle<()>>,
}

impl std::fmt::Debug for Message {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(match self {
            Message::Append(_) => "Append",
            Message::Forget(..) => "Forget",
        })
    }
}

impl Log {
    /// Goes on behind what was replayed.
    ///
    /// Errors: the thread cannot be started.
    pub(crate) fn start(
        disk: Arc<dyn Disk>,
        folder: PathBuf,
        replayed: Replayed,
        keys: Keys,
        publish: Publish,
    ) -> Result<Log, Error> {
        let (sender, receiver) = mpsc::channel(WAITING);
        let segments = replayed.segments.into_iter().map(|(path, first, length)| Old { path, first, length });
        let writer = Writer {
            disk,
            folder: folder.clone(),
            next: replayed.next,
            current: None,
            old: segments.collect(),
            keys,
            publish,
        };
        let thread = std::thread::Builder::new()
            .name("lake-log".to_owned())
            .spawn(move || writer.run(receiver))
            .map_err(Error::storage("starting the log's thread", folder))?;
        Ok(Log { sender: Some(sender), thread: Some(thread) })
    }

    fn sender(&self) -> Result<&mpsc::Sender<Message>, Error> {
        self.sender.as_ref().ok_or(Error::Closed("the lake is closed"))
    }

    /// Appends a record; returns when it is durable and visible.
    ///
    /// Errors: it was not kept.
    pub(crate) async fn append(&self, record: Record) -> Result<Written, Error> {
        let body = record.encode()?;
        if body.len() > segment::MAX_BODY {
            let (size, limit) = (body.len(), segment::MAX_BODY);
            return Err(Error::TooLarge { what: "the call", size, limit });
        }
        let (done, written) = oneshot::channel();
        let closed = || Error::Closed("the log's thread has ended; start the lake again");
        self.sender()?.send(Message::Append(Entry { record, body, done })).await.map_err(|_| closed())?;
        written.await.map_err(|_| closed())?.map_err(|failure| Error::Storage {
            what: failure.what,
            path: failure.path,
            source: std::io::Error::new(failure.kind, failure.message),
        })
    }

    /// Removes segments whose records all come before a position.
    ///
    /// Errors: as the system says.
    pub(crate) async fn forget(&self, before: Position) -> Result<(), Error> {
        let (done, forgotten) = oneshot::channel();
        let closed = || Error::Closed("the log's thread has ended; start the lake again");
        self.sender()?.send(Message::Forget(before, done)).await.map_err(|_| closed())?;
        forgotten.await.map_err(|_| closed())?
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        drop(self.sender.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// A segment that is written no more.
#[derive(Debug)]
struct Old {
    path: PathBuf,
    first: Position,
    length: u64,
}

/// The segment that is written.
#[derive(Debug)]
struct Current {
    path: PathBuf,
    first: Position,
    output: Box<dyn Output>,
    /// Bytes that are acknowledged.
    length: u64,
}

struct Writer {
    disk: Arc<dyn Disk>,
    folder: PathBuf,
    next: Position,
    current: Option<Current>,
    old: Vec<Old>,
    keys: Keys,
    publish: Publish,
}

impl Writer {
    fn run(mut self, mut receiver: mpsc::Receiver<Message>) {
        while let Some(first) = receiver.blocking_recv() {
            let (mut group, mut size, mut others) = (Vec::new(), 0, Vec::new());
            let mut next = Some(first);
            while let Some(message) = next {
                match message {
                    Message::Append(entry) => {
                        size += entry.body.len();
                        group.push(entry);
                    }
                    Message::Forget(before, done) => others.push((before, done)),
                }
                next = if size < GROUP { receiver.try_recv().ok() } else { None };
            }
            self.append(group);
            for (before, done) in others {
                let _ = done.send(self.forget(before));
            }
        }
    }

    /// Writes records together, then acknowledges or fails all of them.
    fn append(&mut self, group: Vec<Entry>) {
        let (mut new, mut repeated) = (Vec::with_capacity(group.len()), Vec::new());
        let mut within: HashMap<Key, Position> = HashMap::new();
        let mut bytes = Vec::new();
        let mut position = self.next;
        for entry in group {
            let known = entry.record.key.and_then(|key| self.keys.get(key).or(within.get(&key).copied()));
            if let Some(known) = known {
                repeated.push((entry.done, known));
                continue;
            }
            if let Some(key) = entry.record.key {
                within.insert(key, position);
            }
            segment::write(position, &entry.body, &mut bytes);
            new.push((entry.record, entry.done, position));
            position += 1;
        }
        let written = if new.is_empty() { Ok(()) } else { self.write(&bytes) };
        if written.is_ok() {
            self.next = position;
        }
        for (record, done, position) in new {
            let outcome = written.clone().map(|()| {
                if let Some(key) = record.key {
                    self.keys.insert(key, position, record.received);
                }
                (self.publish)(position, record);
                Written { position, is_repeated: false }
            });
            let _ = done.send(outcome);
        }
        // The first call may have been in this group: then this one shares its fate.
        for (done, position) in repeated {
            let shared = if position < self.next { Ok(()) } else { written.clone() };
            let _ = done.send(shared.map(|()| Written { position, is_repeated: true }));
        }
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        if self.current.as_ref().is_some_and(|current| current.length >= SEGMENT) {
            self.close();
        }
        let mut current = match self.current.take() {
            Some(current) => current,
            None => self.begin()?,
        };
        let written = current.output.write_all(bytes).and_then(|()| current.output.sync());
        match written {
            Ok(()) => {
                current.length += u64::try_from(bytes.len()).unwrap_or(u64::MAX);
                self.current = Some(current);
                Ok(())
            }
            Err(error) => {
                let failure = failure("writing the log", &current.path, &error);
                // Nobody knows which bytes are on the disk now. The next segment says how much of this one counts.
                let _ = current.output.cut(current.length);
                let _ = current.output.sync();
                self.old.push(Old { path: current.path, first: current.first, length: current.length });
                Err(failure)
            }
        }
    }

    fn close(&mut self) {
        if let Some(current) = self.current.take() {
            self.old.push(Old { path: current.path, first: current.first, length: current.length });
        }
    }

    /// Begins a segment, which says how much of the one before counts.
    fn begin(&mut self) -> Result<Current, Failure> {
        let path = segment::path(&self.folder, self.next);
        let fail = |what, error: &std::io::Error| failure(what, &path, error);
        // A file that has the name already holds nothing that was acknowledged: those records come before this one.
        match self.disk.remove(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(fail("removing an empty segment of the log", &error));
            }
            _ => self.old.retain(|old| old.path != path),
        }
        let before = self.old.last().map_or(ALL, |last| last.length);
        let mut output =
            self.disk.create(&path).map_err(|error| fail("beginning a segment of the log", &error))?;
        let header = segment::header(self.next, before);
        let made = output.write_all(&header).and_then(|()| output.sync());
        let made = made.and_then(|()| self.disk.sync_folder(&self.folder));
        if let Err(error) = made {
            let _ = self.disk.remove(&path);
            return Err(fail("beginning a segment of the log", &error));
        }
        Ok(Current { path, first: self.next, output, length: u64::try_from(HEADER).unwrap_or(0) })
    }

    fn forget(&mut self, before: Position) -> Result<(), Error> {
        let is_large = |current: &Current| current.length > ROTATED && current.first < before;
        if before >= self.next && self.current.as_ref().is_some_and(is_large) {
            self.close();
        }
        // A segment can go when the next one begins at or before the position.
        let behind = self.current.as_ref().map_or(self.next, |current| current.first);
        let begins = self.old.iter().skip(1).map(|old| old.first).chain([behind]);
        let count = begins.take_while(|first| *first <= before).count().min(self.old.len());
        if count == 0 {
            return Ok(());
        }
        self.keys.save(self.disk.as_ref(), &self.folder.join(KEYS))?;
        for old in self.old.drain(..count) {
            match self.disk.remove(&old.path) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    return Err(Error::storage("removing a segment of the log", old.path)(error));
                }
                _ => {}
            }
        }
        Ok(())
    }
}

/// The file of keys in the folder of the log.
pub(crate) const KEYS: &str = "keys";

fn failure(what: &'static str, path: &Path, error: &std::io::Error) -> Failure {
    Failure { what, path: path.to_owned(), kind: error.kind(), message: error.to_string() }
}

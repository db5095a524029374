//! Where decisions of the gate go: a file of JSON lines, or a lake.
//!
//! Rows wait in a queue of bounded length, so that no request waits for a disk. Where the queue is nearly full, nothing more
//! is let in ([`Recorder::has_room`]): what was let in still finds room.

use std::fs::{File, OpenOptions};
use std::io::{BufWriter, Write as _};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::{Context, Result};
use castellan_gateway::record::{Full, Recorder};
use castellan_lake::{Append, Form, Lake};
use serde_json::{Map, Value};
use tokio::sync::mpsc;

use crate::output::complain;

/// Most rows that wait.
const WAITING: usize = 65_536;
/// From how many rows on nothing more is let in.
const NEARLY: usize = 49_152;
/// How long rows may wait before they are written.
const AT_MOST: Duration = Duration::from_millis(200);
/// Most rows of one call to the lake.
const A_CALL: usize = 4_096;

type Row = (&'static str, Map<String, Value>);

/// Records nothing, for a look at a configuration.
#[derive(Debug)]
pub(crate) struct Nowhere;

impl Recorder for Nowhere {
    fn record(&self, _table: &'static str, _rows: Vec<Map<String, Value>>) -> Result<(), Full> {
        Ok(())
    }
}

/// Writes rows to a file, or drops them where none is named.
#[derive(Debug)]
pub(crate) struct ToFile {
    queue: Mutex<Option<SyncSender<Row>>>,
    waiting: Arc<AtomicUsize>,
    failed: Arc<AtomicBool>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

/// A recorder that appends to a file.
pub(crate) fn of_file(path: Option<&Path>) -> Result<Arc<ToFile>> {
    let (waiting, failed) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
    let Some(path) = path else {
        return Ok(Arc::new(ToFile { queue: Mutex::new(None), waiting, failed, thread: Mutex::new(None) }));
    };
    let opened = OpenOptions::new().create(true).append(true).open(path);
    let file = opened.with_context(|| format!("decisions cannot be recorded in `{}`", path.display()))?;
    let (queue, rows) = sync_channel(WAITING);
    let (left, broken) = (Arc::clone(&waiting), Arc::clone(&failed));
    let thread = std::thread::spawn(move || write(&rows, BufWriter::new(file), &left, &broken));
    Ok(Arc::new(ToFile { queue: Mutex::new(Some(queue)), waiting, failed, thread: Mutex::new(Some(thread)) }))
}

fn write(rows: &Receiver<Row>, mut file: BufWriter<File>, waiting: &AtomicUsize, failed: &AtomicBool) {
    loop {
        match rows.recv_timeout(AT_MOST) {
            Ok((table, mut row)) => {
                waiting.fetch_sub(1, Ordering::Relaxed);
                row.insert("Type".to_owned(), Value::String(table.to_owned()));
                let written = writeln!(file, "{}", Value::Object(row));
                failed.store(written.is_err(), Ordering::Relaxed);
            }
            Err(RecvTimeoutError::Timeout) => failed.store(file.flush().is_err(), Ordering::Relaxed),
            Err(RecvTimeoutError::Disconnected) => {
                let _ = file.flush();
                return;
            }
        }
    }
}

impl ToFile {
    /// Writes what waits, and ends.
    pub(crate) fn close(&self) {
        drop(self.queue.lock().unwrap_or_else(PoisonError::into_inner).take());
        if let Some(thread) = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take() {
            let _ = thread.join();
        }
    }
}

impl Recorder for ToFile {
    fn record(&self, table: &'static str, rows: Vec<Map<String, Value>>) -> Result<(), Full> {
        let queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(queue) = queue.as_ref() else { return Ok(()) };
        for row in rows {
            queue.try_send((table, row)).map_err(|_| Full)?;
            self.waiting.fetch_add(1, Ordering::Relaxed);
        }
        Ok(())
    }

    fn has_room(&self) -> bool {
        self.waiting.load(Ordering::Relaxed) < NEARLY && !self.failed.load(Ordering::Relaxed)
    }
}

/// Appends rows to a lake.
#[derive(Debug)]
pub(crate) struct ToLake {
    queue: mpsc::Sender<Row>,
    failed: Arc<AtomicBool>,
}

/// A recorder of a lake, and what has to run for it.
pub(crate) fn of_lake(lake: Arc<Lake>) -> (Arc<ToLake>, impl Future<Output = ()>) {
    let (queue, rows) = mpsc::channel(WAITING);
    let failed = Arc::new(AtomicBool::new(false));
    let recorder = Arc::new(ToLake { queue, failed: Arc::clone(&failed) });
    (recorder, append(lake, rows, failed))
}

async fn append(lake: Arc<Lake>, mut rows: mpsc::Receiver<Row>, failed: Arc<AtomicBool>) {
    let mut taken = Vec::new();
    while rows.recv_many(&mut taken, A_CALL).await > 0 {
        let mut by_table: Vec<(&'static str, String)> = Vec::new();
        for (table, row) in taken.drain(..) {
            let line = Value::Object(row).to_string();
            match by_table.iter_mut().find(|(known, _)| *known == table) {
                Some((_, text)) => {
                    text.push('\n');
                    text.push_str(&line);
                }
                None => by_table.push((table, line)),
            }
        }
        for (table, text) in by_table {
            // Where everything ends, nobody waits for a lake that takes nothing.
            keep(&lake, table, &text, &failed, || rows.is_closed()).await;
        }
    }
}

/// Appends lines, and tries again for as long as the lake does not take them, unless it is the last that is done: nothing is let in
/// meanwhile.
async fn keep(lake: &Lake, table: &str, text: &str, failed: &AtomicBool, is_last: impl Fn() -> bool) {
    loop {
        match lake.append(table, text.as_bytes(), Form::Lines, Append::default()).await {
            Ok(_) => {
                if failed.swap(false, Ordering::Relaxed) {
                    complain("the gate's decisions are kept again");
                }
                return;
            }
            Err(error) => {
                if !failed.swap(true, Ordering::Relaxed) {
                    complain(&format!(
                        "error: the gate's decisions cannot be kept, so nothing passes: {error}"
                    ));
                }
                if is_last() {
                    complain(&format!("error: {} decisions of the gate are lost", text.lines().count()));
                    return;
                }
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        }
    }
}

impl Recorder for ToLake {
    fn record(&self, table: &'static str, rows: Vec<Map<String, Value>>) -> Result<(), Full> {
        rows.into_iter().try_for_each(|row| self.queue.try_send((table, row)).map_err(|_| Full))
    }

    fn has_room(&self) -> bool {
        !self.failed.load(Ordering::Relaxed) && self.queue.capacity() > WAITING - NEARLY
    }
}

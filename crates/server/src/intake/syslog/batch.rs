//! Batches of messages on their way to the lake.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use castellan_base::{OsSystem, System as _};
use castellan_ingest::Rows;
use castellan_ingest::syslog::{Frame, Peer, messages};
use castellan_lake::{Error, Lake};
use tokio::time::{Instant, sleep};

use crate::intake::keep::{Origin, keep};
use crate::intake::{Tell, now};

/// How often rows that the storage does not take are tried, a second apart.
const TRIES: usize = 10;
/// How long is waited at most before a batch is tried again for which there was no room.
const LONGEST_WAIT: Duration = Duration::from_secs(5);
/// How often what cannot be kept is told, at most.
const TOLD_EVERY: Duration = Duration::from_mins(1);

/// Keeps batches, and tells what it cannot keep.
pub(super) struct Keeper {
    lake: Arc<Lake>,
    tell: Tell,
    /// The name of this machine.
    collector: String,
    /// Tells the batches of this process apart.
    next: AtomicU64,
    lost: Mutex<Lost>,
}

#[derive(Default)]
struct Lost {
    messages: usize,
    told: Option<Instant>,
}

impl Keeper {
    pub(super) fn new(lake: Arc<Lake>, tell: Tell) -> Keeper {
        let name = OsSystem.read(Path::new("/etc/hostname"), 256).unwrap_or_default();
        let collector = String::from_utf8_lossy(&name).trim().to_owned();
        Keeper { lake, tell, collector, next: AtomicU64::new(0), lost: Mutex::default() }
    }

    /// Keeps messages by the address that they came from; waits for as long as there is no room.
    pub(super) async fn keep(&self, batch: impl IntoIterator<Item = (String, Vec<Frame>)>) {
        let received = now();
        let mut rows: Vec<Rows> = Vec::new();
        let mut count = 0;
        for (address, frames) in batch {
            count += frames.len();
            let peer = Peer { address: &address, collector: &self.collector };
            for more in messages(frames, peer, received).rows {
                match rows.iter_mut().find(|known| known.table == more.table) {
                    Some(known) => {
                        known.lines.extend_from_slice(&more.lines);
                        known.count += more.count;
                    }
                    None => rows.push(more),
                }
            }
        }
        // The key is of this batch alone, so that trying again adds what is missing and nothing else.
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let key = format!("{}:{number}:{}", std::process::id(), received.get());
        let origin = Origin::of_body(&format!("syslog:{self:p}"), key.as_bytes());
        if let Err(error) = self.tried(&rows, &origin).await {
            self.lose(count, &error);
        }
    }

    async fn tried(&self, rows: &[Rows], origin: &Origin) -> Result<(), Error> {
        let mut tries = 0;
        loop {
            match keep(&self.lake, rows.to_vec(), origin.clone()).await {
                Ok(_) => return Ok(()),
                Err(Error::Busy { retry_after, .. }) => sleep(retry_after.min(LONGEST_WAIT)).await,
                Err(error) if tries == TRIES => return Err(error),
                Err(_) => {
                    tries += 1;
                    sleep(Duration::from_secs(1)).await;
                }
            }
        }
    }

    fn lose(&self, count: usize, error: &Error) {
        let mut lost = self.lost.lock().unwrap_or_else(PoisonError::into_inner);
        lost.messages += count;
        if lost.told.is_none_or(|told| told.elapsed() > TOLD_EVERY) {
            (self.tell)(&format!("{} messages of syslog were lost: {error}", lost.messages));
            *lost = Lost { messages: 0, told: Some(Instant::now()) };
        }
    }
}

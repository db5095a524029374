//! Work in the background: rows to files, small files to large ones, old files away, and a look at the disk.

mod delete;
mod expire;
mod flush;
mod merge;
mod rewrite;
mod steady;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

pub use delete::Deleted;
pub(crate) use delete::{count, delete, exchange, put_in_place};
pub(crate) use flush::{flush_all, reopen};
pub(crate) use steady::Steady;

use crate::Error;
use crate::shared::Shared;

/// How often tables are looked at.
const ROUND: Duration = Duration::from_millis(500);
/// How often small files are looked for.
const MERGE: Duration = Duration::from_secs(20);
/// How often files are looked for that are too old.
const EXPIRE: Duration = Duration::from_mins(10);

/// Runs until it is aborted. What fails is told and tried again.
pub(crate) async fn run(shared: Arc<Shared>) {
    let merging = tokio::spawn(merging(Arc::clone(&shared)));
    let filling = tokio::spawn(crate::derived::keep_up(Arc::clone(&shared)));
    let _stop = (AbortOnDrop(merging), AbortOnDrop(filling));
    loop {
        let _ = tokio::time::timeout(ROUND, shared.wake.notified()).await;
        look_at_disk(&shared);
        let flushed = flush::flush_due(&shared, shared.now()).await;
        shared.outcome("flush", flushed);
    }
}

struct AbortOnDrop(tokio::task::JoinHandle<()>);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

async fn merging(shared: Arc<Shared>) {
    let mut expired = Instant::now();
    loop {
        tokio::time::sleep(MERGE).await;
        let merged = merge::merge_all(&shared).await;
        shared.outcome("merge", merged);
        if expired.elapsed() > EXPIRE {
            expired = Instant::now();
            let removed = expire::expire(&shared, true).await;
            shared.outcome("retention", removed);
        }
    }
}

/// Merges and removes, now.
pub(crate) async fn tidy(shared: &Arc<Shared>) -> Result<(), Error> {
    merge::merge_all(shared).await?;
    expire::expire(shared, false).await
}

/// Learns whether rows may still be taken.
pub(crate) fn look_at_disk(shared: &Shared) {
    let available = shared.options.disk.available(&shared.folder);
    // A disk that says nothing is not called full: writing to it will tell.
    let is_full = available.is_ok_and(|available| available < shared.options.disk_reserve);
    shared.disk_full.store(is_full, Ordering::Relaxed);
}

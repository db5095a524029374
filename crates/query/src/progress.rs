//! How far a query is.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// How far a query is, or the reading of a file: for those who wait.
#[derive(Clone, Debug, Default)]
pub struct Progress(Arc<Counts>);

#[derive(Debug, Default)]
struct Counts {
    rows: AtomicU64,
    expected: AtomicU64,
}

impl Progress {
    /// How many rows of tables were read.
    pub fn rows(&self) -> u64 {
        self.0.rows.load(Ordering::Relaxed)
    }

    /// How many there are, as far as that is known: tables of Parquet say it, others do not, and then it is 0.
    pub fn expected(&self) -> u64 {
        self.0.expected.load(Ordering::Relaxed)
    }

    pub(crate) fn add(&self, rows: u64) {
        self.0.rows.fetch_add(rows, Ordering::Relaxed);
    }

    pub(crate) fn expect(&self, rows: u64) {
        self.0.expected.fetch_add(rows, Ordering::Relaxed);
    }
}

//! What queries may cost.

use std::time::Duration;

/// Bounds on queries.
#[derive(Clone, Debug)]
pub struct Bounds {
    /// The longest text of a query in bytes: 1 MiB.
    pub text: usize,
    /// Most queries that run at once: as many as there are processors. Others wait for their turn.
    pub parallel: usize,
    /// How long a query waits for its turn: 30 seconds.
    pub patience: Duration,
    /// Most queries of a batch: 100.
    pub batch: usize,
    /// Threads that one query works on, and all of them: as many as there are processors.
    pub threads: usize,
    /// How long a query may run where it does not say: 3 minutes.
    pub time: Duration,
    /// How long it may run at most: 10 minutes.
    pub most_time: Duration,
    /// The most bytes of memory that a query may hold: 1 GiB.
    pub memory: usize,
    /// The most rows of a result: 500,000.
    pub rows: usize,
    /// The most bytes of an answer: 100 MB.
    pub bytes: usize,
}

impl Default for Bounds {
    /// What Azure Monitor's logs have (<https://learn.microsoft.com/azure/azure-monitor/service-limits>), and what a
    /// small machine bears.
    fn default() -> Bounds {
        let processors = std::thread::available_parallelism().map_or(2, usize::from);
        Bounds {
            text: 1 << 20,
            parallel: processors,
            patience: Duration::from_secs(30),
            batch: 100,
            threads: processors,
            time: Duration::from_mins(3),
            most_time: Duration::from_mins(10),
            memory: 1 << 30,
            rows: 500_000,
            bytes: 100_000_000,
        }
    }
}

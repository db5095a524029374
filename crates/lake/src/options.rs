//! How a lake is kept.

use std::sync::Arc;
use std::time::Duration;

use castellan_base::{OsSystem, System};

use crate::disk::{Disk, OsDisk};

/// What says the time.
#[derive(Clone)]
pub struct Clock(Arc<dyn System>);

impl Clock {
    /// The clock of a system.
    pub fn of(system: Arc<dyn System>) -> Clock {
        Clock(system)
    }

    /// Now, in microseconds since 1970.
    pub(crate) fn now(&self) -> i64 {
        i64::try_from(self.0.now().unix_nanos().div_euclid(1_000)).unwrap_or(i64::MAX)
    }
}

impl std::fmt::Debug for Clock {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Clock")
    }
}

/// How a lake is kept.
#[derive(Clone, Debug)]
pub struct Options {
    /// The id of the workspace, which every row has as its `TenantId`.
    pub workspace: Arc<str>,
    /// Rows go from memory to files this long after they came, at the latest.
    pub flush_after: Duration,
    /// Bytes of a table's rows in memory that are flushed at once.
    pub flush_bytes: usize,
    /// Bytes of rows in memory, over all tables, beyond which no more are taken until some are flushed.
    pub memory: usize,
    /// How often it is looked whether summaries and materialized tables are due.
    pub derive_every: Duration,
    /// Bytes on the disk that are left free: beyond them no rows are taken.
    pub disk_reserve: u64,
    /// How long rows are kept, where their table does not say. `None` keeps them for ever.
    pub retention: Option<Duration>,
    /// How long files stay after others took their place, for readers that have them open.
    pub vacuum_after: Duration,
    /// Whether background work is done: flushing, merging, retention.
    pub upkeep: bool,
    /// Where everything is written.
    pub disk: Arc<dyn Disk>,
    /// How long the clock must have gone without a jump before rows are removed by age.
    pub clock_steady_for: Duration,
    /// What says when rows are taken in, and which are too old.
    pub clock: Clock,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            workspace: "00000000-0000-0000-0000-000000000000".into(),
            flush_after: Duration::from_secs(5),
            flush_bytes: 64 << 20,
            memory: 288 << 20,
            derive_every: Duration::from_secs(15),
            disk_reserve: 1 << 30,
            retention: None,
            vacuum_after: Duration::from_hours(1),
            upkeep: true,
            disk: Arc::new(OsDisk),
            clock_steady_for: Duration::from_hours(1),
            clock: Clock::of(Arc::new(OsSystem)),
        }
    }
}

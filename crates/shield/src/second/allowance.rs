//! Time that a second tier may take for several texts together.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// What is left of the time for the texts of one request. Whoever sends texts decides how many there are, so that a limit
/// for each of them would be none.
#[derive(Debug)]
pub struct Allowance(AtomicU64);

impl Allowance {
    /// So much time in all.
    pub fn of(time: Duration) -> Allowance {
        Allowance(AtomicU64::new(nanoseconds(time)))
    }

    /// No limit but that of each text.
    pub fn unlimited() -> Allowance {
        Allowance::of(Duration::MAX)
    }

    pub(super) fn left(&self) -> Duration {
        Duration::from_nanos(self.0.load(Ordering::Relaxed))
    }

    pub(super) fn spend(&self, time: Duration) {
        let less = |left: u64| Some(left.saturating_sub(nanoseconds(time)));
        let _ = self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less);
    }
}

/// At most some 584 years.
fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

//! How many retries a pool may make.
//!
//! *Invariant (bounded amplification):* in any time `t` with `n` requests there are at most
//! `burst + n * ratio + t * per_second` retries. An upstream that fails is never asked much more than one that works.

use std::sync::{Mutex, PoisonError};

use tokio::time::Instant;

use super::config::RetryConfig;

/// A token bucket that requests and time fill, and retries empty.
#[derive(Debug)]
pub(super) struct Budget {
    config: RetryConfig,
    level: Mutex<(f64, Instant)>,
}

impl Budget {
    pub(super) fn new(config: RetryConfig, now: Instant) -> Budget {
        Budget { config, level: Mutex::new((config.burst, now)) }
    }

    /// Counts a request.
    pub(super) fn earn(&self, now: Instant) {
        self.change(now, |level| (level + self.config.ratio, true));
    }

    /// Takes one retry; false when there is none left.
    pub(super) fn spend(&self, now: Instant) -> bool {
        self.change(now, |level| if level >= 1.0 { (level - 1.0, true) } else { (level, false) })
    }

    fn change(&self, now: Instant, change: impl FnOnce(f64) -> (f64, bool)) -> bool {
        let mut guard = self.level.lock().unwrap_or_else(PoisonError::into_inner);
        let (level, at) = *guard;
        let gained = now.saturating_duration_since(at).as_secs_f64() * self.config.per_second;
        let (changed, done) = change((level + gained).min(self.config.burst));
        *guard = (changed.min(self.config.burst), now.max(at));
        done
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn never_more_than_stated(steps in proptest::collection::vec((0_u64..2_000, any::<bool>()), 1..400)) {
            let config = RetryConfig { ratio: 0.2, per_second: 1.0, burst: 5.0, ..RetryConfig::default() };
            let start = Instant::now();
            let budget = Budget::new(config, start);
            let (mut now, mut requests, mut retries) = (start, 0.0, 0.0);
            for (milliseconds, is_request) in steps {
                now += Duration::from_millis(milliseconds);
                if is_request {
                    budget.earn(now);
                    requests += 1.0;
                } else if budget.spend(now) {
                    retries += 1.0;
                }
                let bound = 5.0 + requests * 0.2 + (now - start).as_secs_f64();
                prop_assert!(retries <= bound + 1e-6, "{retries} > {bound}");
            }
        }
    }
}

//! One counter: a window, and a bucket where there is one.

use castellan_base::Ticks;

use super::config::Rule;

/// What has been counted for one value of a rule's dimensions.
#[derive(Clone, Debug)]
pub(super) struct Counter {
    /// The number of the window that the rest speaks about.
    pub window: i64,
    /// What was settled and what is reserved.
    pub used: u64,
    /// What is reserved.
    pub reserved: u64,
    /// Up to what the file says that it is used.
    pub written: u64,
    /// The level of the bucket, and when that was.
    bucket: Option<(f64, Ticks)>,
    /// Which shares of the limit have been told, one bit each.
    told: u8,
}

/// A rule with its numbers as they are counted.
#[derive(Clone, Debug)]
pub(super) struct Counted {
    pub rule: Rule,
    pub limit: u64,
    pub burst: Option<u64>,
    pub shares: Vec<f64>,
    pub name: std::sync::Arc<str>,
}

/// Why a counter does not admit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Full {
    /// The window is used up.
    Window,
    /// The bucket needs so many seconds to fill enough.
    Bucket(f64),
    /// It is more than ever fits.
    Never,
}

impl Counter {
    pub(super) fn new(window: i64) -> Counter {
        Counter { window, used: 0, reserved: 0, written: 0, bucket: None, told: 0 }
    }

    /// Begins the current window where an earlier one has ended. What is still reserved from it counts no more. Time that
    /// goes back leaves the counter where it is.
    pub(super) fn turn(&mut self, window: i64) {
        if window > self.window {
            *self = Counter { bucket: self.bucket, ..Counter::new(window) };
        }
    }

    /// Whether so much more fits.
    pub(super) fn fits(&mut self, counted: &Counted, amount: u64, now: Ticks) -> Result<(), Full> {
        if amount > counted.limit {
            return Err(Full::Never);
        }
        if self.used.checked_add(amount).is_none_or(|sum| sum > counted.limit) {
            return Err(Full::Window);
        }
        let Some(burst) = counted.burst else { return Ok(()) };
        if amount > burst {
            return Err(Full::Never);
        }
        let rate = as_float(counted.limit) / counted.rule.window.seconds();
        let level = self.fill(as_float(burst), rate, now);
        let missing = as_float(amount) - level;
        if missing > 0.0 { Err(Full::Bucket(missing / rate)) } else { Ok(()) }
    }

    fn fill(&mut self, size: f64, rate: f64, now: Ticks) -> f64 {
        let (level, at) = self.bucket.unwrap_or((size, now));
        let passed = as_float(u64::try_from(now.get().saturating_sub(at.get())).unwrap_or(0)) / 1e7;
        let level = passed.mul_add(rate, level).min(size);
        self.bucket = Some((level, now.max(at)));
        level
    }

    /// Takes what fits.
    pub(super) fn take(&mut self, amount: u64) {
        self.used = self.used.saturating_add(amount);
        self.reserved = self.reserved.saturating_add(amount);
        if let Some((level, _)) = &mut self.bucket {
            *level -= as_float(amount);
        }
    }

    /// Puts what was really used in place of what was reserved, if this is still the window in which it was.
    pub(super) fn settle(&mut self, window: i64, reserved: u64, actual: u64) {
        if let Some((level, _)) = &mut self.bucket {
            // What is above the size is cut off when it is next filled.
            *level += as_float(reserved) - as_float(actual);
        }
        if window == self.window {
            self.reserved = self.reserved.saturating_sub(reserved);
            self.used = self.used.saturating_sub(reserved).saturating_add(actual);
        }
    }

    /// The shares of the limit that have been reached by what is settled, and have not been told.
    pub(super) fn reached(&mut self, counted: &Counted) -> Vec<f64> {
        let settled = as_float(self.used.saturating_sub(self.reserved));
        let mut reached = Vec::new();
        for (index, share) in counted.shares.iter().enumerate() {
            let bit = 1_u8 << (index % 8);
            let is_reached = settled >= share * as_float(counted.limit);
            if is_reached && self.told & bit == 0 {
                self.told |= bit;
                reached.push(*share);
            }
        }
        reached
    }

    /// True when nothing is lost by forgetting it: the window has ended, nothing is reserved, and the bucket is full.
    pub(super) fn is_over(&self, counted: &Counted, now: Ticks) -> bool {
        if counted.rule.window.number(now) <= self.window {
            return false;
        }
        let (Some((level, at)), Some(burst)) = (self.bucket, counted.burst) else { return true };
        let rate = as_float(counted.limit) / counted.rule.window.seconds();
        let passed = as_float(u64::try_from(now.get().saturating_sub(at.get())).unwrap_or(0)) / 1e7;
        passed.mul_add(rate, level) >= as_float(burst)
    }
}

/// Exact up to 2^53; beyond, shares and buckets need no more.
#[allow(clippy::cast_precision_loss)]
pub(super) fn as_float(number: u64) -> f64 {
    number as f64
}

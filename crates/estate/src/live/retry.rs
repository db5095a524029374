//! When to try again: backoff, `Retry-After`, and the gate that a throttled request closes for all.

use std::hash::{BuildHasher, RandomState};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use castellan_base::Ticks;
use tokio::time::{Instant, sleep_until};

/// How often and how long a request is tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetryPolicy {
    /// Attempts after the first.
    pub retries: u32,
    /// The wait before the first retry when the service names none; it doubles with each.
    pub first_wait: Duration,
    /// The longest single wait that backoff reaches.
    pub longest_wait: Duration,
    /// The longest total wait for one request. A service that asks for more is not waited for.
    pub total_wait: Duration,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        RetryPolicy {
            retries: 6,
            first_wait: Duration::from_millis(500),
            longest_wait: Duration::from_secs(30),
            // Resource Manager asks for up to five minutes when a subscription's read limit is used up.
            total_wait: Duration::from_secs(600),
        }
    }
}

/// The retries of one request.
pub(super) struct Backoff {
    policy: RetryPolicy,
    retries: u32,
    waited: Duration,
}

impl Backoff {
    pub(super) fn new(policy: RetryPolicy) -> Backoff {
        Backoff { policy, retries: 0, waited: Duration::ZERO }
    }

    /// How long to wait before the next attempt; `None` when there shall be none. What the service asked for is kept
    /// exactly, because coming back earlier prolongs the throttling.
    pub(super) fn next_wait(&mut self, asked: Option<Duration>) -> Option<Duration> {
        if self.retries >= self.policy.retries {
            return None;
        }
        let doubled = self.policy.first_wait.saturating_mul(1 << self.retries.min(16));
        let wait = asked.unwrap_or_else(|| jittered(doubled.min(self.policy.longest_wait)));
        self.retries += 1;
        self.waited = self.waited.saturating_add(wait);
        (self.waited <= self.policy.total_wait).then_some(wait)
    }
}

/// Between half of `wait` and all of it, so that requests that failed together do not come back together.
fn jittered(wait: Duration) -> Duration {
    // The keys of a new `RandomState` differ from call to call, which is randomness enough for spreading load.
    let share = RandomState::new().hash_one(0_u8) % 512;
    wait.saturating_mul(u32::try_from(512 + share).unwrap_or(512)) / 1024
}

/// Holds all requests back while the service throttles one of them.
#[derive(Default)]
pub(super) struct Gate {
    opens: Mutex<Option<Instant>>,
}

impl Gate {
    /// Keeps every request back for this long, if it is not kept back for longer already.
    pub(super) fn close_for(&self, wait: Duration) {
        let Some(opens) = Instant::now().checked_add(wait) else { return };
        let mut current = self.opens.lock().unwrap_or_else(PoisonError::into_inner);
        if current.is_none_or(|known| known < opens) {
            *current = Some(opens);
        }
    }

    /// Returns once the gate is open. Closing it again meanwhile prolongs the wait.
    pub(super) async fn pass(&self) {
        loop {
            let opens = *self.opens.lock().unwrap_or_else(PoisonError::into_inner);
            match opens {
                Some(opens) if opens > Instant::now() => sleep_until(opens).await,
                _ => return,
            }
        }
    }
}

/// The wait that the headers of an answer ask for: `Retry-After` in seconds or as an HTTP date (RFC 9110, section
/// 10.2.3), or Azure's variants in milliseconds. `header` looks a header up by name; `now` stands in when the answer
/// has no `Date` of its own.
pub(super) fn retry_after<'h>(header: impl Fn(&str) -> Option<&'h str>, now: Ticks) -> Option<Duration> {
    let millis = header("retry-after-ms").or_else(|| header("x-ms-retry-after-ms"));
    if let Some(millis) = millis.and_then(|text| text.trim().parse().ok()) {
        return Some(Duration::from_millis(millis));
    }
    let text = header("retry-after")?.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let until = http_date(text)?;
    // The service's own clock, so that a machine whose clock is wrong still waits as long as it is asked to.
    let from = header("date").and_then(http_date).unwrap_or_else(|| now.unix_nanos());
    let nanos = u64::try_from((until - from).max(0)).unwrap_or(u64::MAX);
    Some(Duration::from_nanos(nanos))
}

/// Nanoseconds since 1970.
fn http_date(text: &str) -> Option<i128> {
    let timestamp = jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(text.trim()).ok()?;
    Some(timestamp.as_nanosecond())
}

/// The wait until the caller's quota is full again, when Resource Graph says that nothing of it is left.
pub(super) fn quota_wait<'h>(header: impl Fn(&str) -> Option<&'h str>) -> Option<Duration> {
    let left: u64 = header("x-ms-user-quota-remaining")?.trim().parse().ok()?;
    let clock = header("x-ms-user-quota-resets-after")?.trim();
    let mut seconds = 0_u64;
    for part in clock.splitn(3, ':') {
        let whole = part.split('.').next()?;
        seconds = seconds.checked_mul(60)?.checked_add(whole.parse().ok()?)?;
    }
    (left == 0).then_some(Duration::from_secs(seconds))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn wait(headers: &[(&str, &'static str)]) -> Option<Duration> {
        let now: Ticks = "2026-11-21T10:00:00Z".parse().unwrap();
        let header = |name: &str| headers.iter().find(|(known, _)| *known == name).map(|(_, value)| *value);
        retry_after(header, now)
    }

    #[test]
    fn retry_after_in_every_form() {
        let seconds = |count| Some(Duration::from_secs(count));
        assert_eq!(wait(&[("retry-after", "17")]), seconds(17));
        assert_eq!(wait(&[("retry-after", "Sat, 21 Nov 2026 10:00:30 GMT")]), seconds(30));
        assert_eq!(wait(&[("retry-after", "Sat, 21 Nov 2026 09:00:00 GMT")]), seconds(0));
        let dated =
            [("retry-after", "Sat, 21 Nov 2026 08:00:05 GMT"), ("date", "Sat, 21 Nov 2026 08:00:00 GMT")];
        assert_eq!(wait(&dated), seconds(5));
        assert_eq!(
            wait(&[("x-ms-retry-after-ms", "250"), ("retry-after", "9")]),
            Some(Duration::from_millis(250))
        );
        for nonsense in ["", "soon", "-3", "1e9", "99999999999999999999999"] {
            assert_eq!(wait(&[("retry-after", nonsense)]), None, "{nonsense}");
        }
    }

    proptest! {
        #[test]
        fn headers_never_panic(text in "[A-Za-z0-9,: .+-]{0,40}", date in ".{0,40}") {
            let header = |name: &str| Some(if name == "date" { date.as_str() } else { text.as_str() });
            let _ = (retry_after(header, Ticks::MAX), quota_wait(header));
        }
    }

    #[test]
    fn backoff_doubles_is_bounded_and_keeps_what_was_asked() {
        let policy = RetryPolicy {
            retries: 4,
            first_wait: Duration::from_millis(100),
            longest_wait: Duration::from_millis(300),
            total_wait: Duration::from_secs(10),
        };
        let mut backoff = Backoff::new(policy);
        for ceiling in [100_u64, 200, 300] {
            let wait = backoff.next_wait(None).unwrap();
            let ceiling = Duration::from_millis(ceiling);
            assert!(wait >= ceiling / 2 && wait <= ceiling, "{wait:?} for {ceiling:?}");
        }
        assert_eq!(backoff.next_wait(Some(Duration::from_secs(7))), Some(Duration::from_secs(7)));
        assert_eq!(backoff.next_wait(None), None);
        let mut patient = Backoff::new(policy);
        assert_eq!(patient.next_wait(Some(Duration::from_secs(11))), None);
    }

    #[test]
    fn quota_only_when_used_up() {
        let with = |left: &'static str| {
            move |name: &str| match name {
                "x-ms-user-quota-remaining" => Some(left),
                "x-ms-user-quota-resets-after" => Some("00:01:05"),
                _ => None,
            }
        };
        assert_eq!(quota_wait(with("0")), Some(Duration::from_secs(65)));
        assert_eq!(quota_wait(with("3")), None);
    }
}

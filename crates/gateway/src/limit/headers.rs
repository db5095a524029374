//! Headers that tell how much is left, as OpenAI and Anthropic write them.

use std::time::Duration;

use castellan_base::Ticks;
use http::header::RETRY_AFTER;
use http::{HeaderMap, HeaderName, HeaderValue};

use super::config::{Kind, Unit};
use super::refusal::Refusal;
use super::reserve::Remaining;

/// Whose headers are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// `x-ratelimit-remaining-requests` and the like; times as `6m0s`. Azure OpenAI has the same.
    OpenAi,
    /// `anthropic-ratelimit-requests-remaining` and the like; times in RFC 3339.
    Anthropic,
}

impl Dialect {
    /// The headers for what is left under rates: of each unit the rule that has the least left.
    #[must_use]
    pub fn headers(self, remaining: &[Remaining], now: Ticks) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for unit in [Unit::Requests, Unit::Tokens] {
            let rates = remaining.iter().filter(|left| left.unit == unit && left.kind == Kind::Rate);
            if let Some(least) = rates.min_by_key(|left| left.remaining) {
                self.write(&mut headers, least, now);
            }
        }
        headers
    }

    fn write(self, headers: &mut HeaderMap, left: &Remaining, now: Ticks) {
        let unit = left.unit.as_str();
        let values = [
            ("limit", left.limit.to_string()),
            ("remaining", left.remaining.to_string()),
            ("reset", self.reset(left.reset, now)),
        ];
        for (what, value) in values {
            let name = match self {
                Dialect::OpenAi => format!("x-ratelimit-{what}-{unit}"),
                Dialect::Anthropic => format!("anthropic-ratelimit-{unit}-{what}"),
            };
            if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
                headers.insert(name, value);
            }
        }
    }

    fn reset(self, rest: Duration, now: Ticks) -> String {
        match self {
            Dialect::OpenAi => compact(rest),
            Dialect::Anthropic => {
                let ticks = i64::try_from(rest.as_nanos() / 100).unwrap_or(i64::MAX);
                let whole = now.get() / Ticks::PER_SECOND * Ticks::PER_SECOND;
                let at = Ticks::new(whole).and_then(|now| now.checked_add(ticks)).unwrap_or(Ticks::MAX);
                let text = at.to_string();
                format!("{}Z", text.get(..19).unwrap_or_default())
            }
        }
    }
}

/// `1h2m3s`, without the parts that are nothing at the front.
fn compact(rest: Duration) -> String {
    let seconds = rest.as_secs();
    match (seconds / 3_600, seconds / 60 % 60, seconds % 60) {
        (0, 0, second) => format!("{second}s"),
        (0, minute, second) => format!("{minute}m{second}s"),
        (hour, minute, second) => format!("{hour}h{minute}m{second}s"),
    }
}

impl Refusal {
    /// `Retry-After`, where it is worth trying again: whole seconds, rounded up.
    #[must_use]
    pub fn headers(&self) -> HeaderMap {
        let mut headers = HeaderMap::new();
        if let Some(wait) = self.retry_after {
            let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds.max(1)));
        }
        headers
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limit::Window;

    fn check(dialect: Dialect, name: &str, expected: &str) {
        let left = |unit, remaining, kind| Remaining {
            rule: "r".into(),
            unit,
            window: Window::Minute,
            kind,
            limit: 100,
            remaining,
            reset: Duration::from_secs(65),
        };
        let all = [
            left(Unit::Requests, 7, Kind::Rate),
            left(Unit::Requests, 3, Kind::Rate),
            left(Unit::Tokens, 50, Kind::Rate),
            left(Unit::Tokens, 1, Kind::Quota),
        ];
        let headers = dialect.headers(&all, "2026-11-22T14:00:00.5Z".parse().unwrap());
        assert_eq!(headers.get(name).unwrap(), expected, "{name}");
    }

    #[test]
    fn as_each_writes_them() {
        check(Dialect::OpenAi, "x-ratelimit-limit-requests", "100");
        check(Dialect::OpenAi, "x-ratelimit-remaining-requests", "3");
        check(Dialect::OpenAi, "x-ratelimit-remaining-tokens", "50");
        check(Dialect::OpenAi, "x-ratelimit-reset-tokens", "1m5s");
        check(Dialect::Anthropic, "anthropic-ratelimit-requests-remaining", "3");
        check(Dialect::Anthropic, "anthropic-ratelimit-tokens-reset", "2026-11-22T14:01:05Z");
    }
}

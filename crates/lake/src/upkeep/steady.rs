//! Whether the clock can be trusted to say what is too old.
//!
//! A clock that is years ahead for a moment makes every row look old, and what was removed does not come back. So rows are
//! removed by age only while the clock goes as time does, which the machine measures apart from it.

use std::time::{Duration, Instant};

/// A clock that is further from where it should be has jumped; corrections are smaller.
const JUMP: i64 = 3_600_000_000;

/// What the clock said when, and how it went on.
#[derive(Debug)]
pub(crate) struct Steady {
    said: i64,
    at: Instant,
    has_jumped: bool,
}

/// Whether rows may be removed by their age.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Trust {
    /// The clock goes as it should.
    Yes,
    /// Nobody has watched it for long enough.
    NotYet,
    /// It jumped by so many microseconds, not long ago.
    Jumped(i64),
}

impl Steady {
    /// Begins to watch, with what the clock says in microseconds since 1970.
    pub(crate) fn since(now: i64) -> Steady {
        Steady { said: now, at: Instant::now(), has_jumped: false }
    }

    /// Whether a clock that says this can be trusted. After a jump it has to go well for `long`; `waits` asks for that
    /// from the beginning.
    pub(crate) fn trust(&mut self, now: i64, long: Duration, waits: bool) -> Trust {
        let passed = self.at.elapsed();
        let expected = self.said.saturating_add(i64::try_from(passed.as_micros()).unwrap_or(i64::MAX));
        let off = now.saturating_sub(expected);
        if off.unsigned_abs() > JUMP.unsigned_abs() {
            *self = Steady { has_jumped: true, ..Steady::since(now) };
            return Trust::Jumped(off);
        }
        if passed < long && (self.has_jumped || waits) {
            return if self.has_jumped { Trust::Jumped(off) } else { Trust::NotYet };
        }
        self.has_jumped = false;
        Trust::Yes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_hours(1);

    #[test]
    fn a_jump_is_seen_and_forgiven_after_a_while() {
        let mut steady = Steady::since(1_000);
        assert_eq!(steady.trust(2_000, HOUR, false), Trust::Yes);
        assert_eq!(steady.trust(2_000, HOUR, true), Trust::NotYet);
        assert!(matches!(steady.trust(10 * JUMP, HOUR, false), Trust::Jumped(_)));
        assert!(matches!(steady.trust(10 * JUMP, HOUR, false), Trust::Jumped(_)), "an hour has to pass");
        assert_eq!(steady.trust(10 * JUMP, Duration::ZERO, true), Trust::Yes);
        assert!(matches!(steady.trust(i64::MIN, Duration::ZERO, false), Trust::Jumped(_)));
    }
}

//! How many texts a model judges at once.

use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

/// As many turns as there are cores: more at once would make all of them late, and each takes memory of its own.
#[derive(Debug)]
pub(crate) struct Turns {
    free: Mutex<usize>,
    given_back: Condvar,
}

/// The right to judge a text.
#[derive(Debug)]
pub(crate) struct Turn<'t>(&'t Turns);

impl Turns {
    /// At most so many at once.
    pub(crate) fn new(most: usize) -> Turns {
        Turns { free: Mutex::new(most.max(1)), given_back: Condvar::new() }
    }

    /// Waits for a turn; none where that takes longer than given.
    pub(crate) fn take(&self, time: Duration) -> Option<Turn<'_>> {
        let free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.given_back.wait_timeout_while(free, time, |free| *free == 0);
        let (mut free, _) = waited.unwrap_or_else(PoisonError::into_inner);
        *free = free.checked_sub(1)?;
        Some(Turn(self))
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        *self.0.free.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        self.0.given_back.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn turns_are_waited_for_and_given_back() {
        let turns = Turns::new(2);
        let (first, second) = (turns.take(Duration::ZERO), turns.take(Duration::ZERO));
        assert!(first.is_some() && second.is_some() && turns.take(Duration::from_millis(5)).is_none());
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| turns.take(Duration::from_secs(60)).is_some());
            drop(first);
            assert!(waiting.join().unwrap());
        });
        drop(second);
        assert!(turns.take(Duration::ZERO).is_some());
    }
}

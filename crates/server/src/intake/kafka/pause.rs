//! Waiting where something does not work: longer each time, told once, ended by the end of everything.

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::sleep;

use crate::intake::Tell;

const SHORTEST: Duration = Duration::from_millis(250);
const LONGEST: Duration = Duration::from_secs(30);

/// What waits, and for whom.
pub(super) struct Pause {
    /// Who waits, as it is told.
    name: String,
    tell: Tell,
    /// Closed when everything is to end.
    end: watch::Receiver<()>,
    next: Duration,
    /// What was told last, until it works again.
    trouble: Option<String>,
}

impl Pause {
    pub(super) fn new(name: String, tell: Tell, end: watch::Receiver<()>) -> Pause {
        Pause { name, tell, end, next: SHORTEST, trouble: None }
    }

    /// Tells, with the name in front.
    pub(super) fn tell(&self, line: &str) {
        (self.tell)(&format!("kafka, {}: {line}", self.name));
    }

    /// Tells what does not work, unless that was told last.
    pub(super) fn trouble(&mut self, reason: &str) {
        if self.trouble.as_deref() != Some(reason) {
            self.tell(&format!("{reason}; it is tried again"));
            self.trouble = Some(reason.to_owned());
        }
    }

    /// Tells, and waits as long as is said, or else longer each time; `None` when everything is to end.
    pub(super) async fn because(&mut self, reason: &str, time: Option<Duration>) -> Option<()> {
        self.trouble(reason);
        let time = time.unwrap_or(self.next);
        self.next = (self.next * 2).min(LONGEST);
        self.wait(time).await
    }

    /// Waits; `None` when everything is to end.
    pub(super) async fn wait(&mut self, time: Duration) -> Option<()> {
        tokio::select! {
            // An error says that the other side is gone, which is what is waited for.
            _ = self.end.changed() => None,
            () = sleep(time) => Some(()),
        }
    }

    /// Ends with everything.
    pub(super) async fn ended(&mut self) {
        let _ = self.end.changed().await;
    }

    /// It works, or works again.
    pub(super) fn well(&mut self) {
        self.next = SHORTEST;
        if self.trouble.take().is_some() {
            self.tell("it goes on");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    #[tokio::test]
    async fn troubles_are_told_once_and_waits_grow() {
        let told = Arc::new(Mutex::new(Vec::new()));
        let own = Arc::clone(&told);
        let (end, ending) = watch::channel(());
        let tell: Tell = Arc::new(move |line: &str| own.lock().unwrap().push(line.to_owned()));
        let mut pause = Pause::new("calls/0".to_owned(), tell, ending);
        let start = tokio::time::Instant::now();
        for _ in 0..2 {
            assert_eq!(pause.because("no broker", None).await, Some(()));
        }
        assert!(start.elapsed() >= SHORTEST * 3, "{:?}", start.elapsed());
        pause.next = LONGEST;
        assert_eq!(pause.because("no broker", Some(SHORTEST)).await, Some(()));
        assert_eq!(pause.next, LONGEST);
        pause.well();
        pause.well();
        assert_eq!(
            *told.lock().unwrap(),
            ["kafka, calls/0: no broker; it is tried again", "kafka, calls/0: it goes on"]
        );
        drop(end);
        assert_eq!(pause.because("no broker", None).await, None);
    }
}

//! The memory of events.

use std::collections::VecDeque;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::{Value, json};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

/// Events that are remembered.
const REMEMBERED: usize = 1_024;
/// Most connections at once.
const PLACES: usize = 64;
/// Most events that are sent at once.
const TOGETHER: usize = 128;

/// An event with its number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Event {
    id: Option<String>,
    kind: &'static str,
    data: String,
}

impl Event {
    /// As it is sent. Data is JSON of one line.
    pub(super) fn to_text(&self) -> String {
        let mut text = String::new();
        if let Some(id) = &self.id {
            let _ = writeln!(text, "id: {id}");
        }
        let _ = write!(text, "event: {}\ndata: {}\n\n", self.kind, self.data);
        text
    }
}

/// Who is told of what happens. It is cheap to clone.
#[derive(Clone, Debug)]
pub struct Hub(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    /// Tells numbers of this hub from those of an earlier one.
    epoch: String,
    ring: Mutex<Ring>,
    /// The number of the last event; closed when all is over.
    last: watch::Sender<u64>,
    places: Arc<Semaphore>,
}

#[derive(Debug, Default)]
struct Ring {
    events: VecDeque<Arc<(&'static str, String)>>,
    /// The number of the last event; the first one is 1.
    last: u64,
    is_over: bool,
}

impl Ring {
    /// The number of the first event that is remembered.
    fn first(&self) -> u64 {
        self.last + 1 - u64::try_from(self.events.len()).unwrap_or(u64::MAX)
    }
}

impl Default for Hub {
    fn default() -> Hub {
        let mut bytes = [0_u8; 8];
        // Without random bytes a page could take an old number for one of this hub, and ask for less than it missed.
        let _ = getrandom::fill(&mut bytes);
        Hub(Arc::new(Shared {
            epoch: bytes.iter().map(|byte| format!("{byte:02x}")).collect(),
            ring: Mutex::default(),
            last: watch::Sender::new(0),
            places: Arc::new(Semaphore::new(PLACES)),
        }))
    }
}

impl Hub {
    fn ring(&self) -> MutexGuard<'_, Ring> {
        self.0.ring.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells of something.
    pub(super) fn tell(&self, kind: &'static str, data: &Value) {
        let mut ring = self.ring();
        if ring.events.len() >= REMEMBERED {
            ring.events.pop_front();
        }
        ring.events.push_back(Arc::new((kind, data.to_string())));
        ring.last += 1;
        let last = ring.last;
        drop(ring);
        self.0.last.send_modify(|known| *known = last.max(*known));
    }

    /// Tells that events were lost: what pages show is to be asked for again.
    pub(super) fn lost(&self) {
        self.tell("gap", &json!({ "missed": null }));
    }

    /// Ends all connections, so that a server can stop.
    pub fn close(&self) {
        self.ring().is_over = true;
        self.0.last.send_modify(|_| {});
    }

    /// A place for one more connection.
    pub(super) fn place(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.0.places).try_acquire_owned().ok()
    }

    /// What comes from now on, or what came since an event that somebody got before.
    pub(super) fn listen(&self, since: Option<&str>) -> Next {
        let ring = self.ring();
        let known = since.and_then(|id| id.split_once('-')).filter(|(epoch, _)| *epoch == self.0.epoch);
        let known =
            known.and_then(|(_, number)| number.parse::<u64>().ok()).filter(|number| *number <= ring.last);
        let number = known.map_or(ring.last, |number| number) + 1;
        let is_gap = since.is_some() && known.is_none();
        drop(ring);
        Next { hub: self.clone(), number, is_gap, changes: self.0.last.subscribe() }
    }
}

/// A place in the memory of events.
#[derive(Debug)]
pub(super) struct Next {
    hub: Hub,
    /// The number of the event that comes next.
    number: u64,
    /// Whether it has to be told that something was missed, nobody knows how much.
    is_gap: bool,
    changes: watch::Receiver<u64>,
}

impl Next {
    /// What comes next, once something does; nothing when all is over. It can be dropped at any time.
    pub(super) async fn take(&mut self) -> Option<Vec<Event>> {
        loop {
            if self.hub.ring().is_over {
                return None;
            }
            let events = self.ready();
            if !events.is_empty() {
                return Some(events);
            }
            self.changes.changed().await.ok()?;
        }
    }

    /// What there is already.
    fn ready(&mut self) -> Vec<Event> {
        let gap = |missed: Option<u64>| Event {
            id: None,
            kind: "gap",
            data: json!({ "missed": missed }).to_string(),
        };
        let mut events = Vec::new();
        if std::mem::take(&mut self.is_gap) {
            events.push(gap(None));
        }
        let ring = self.hub.ring();
        if self.number < ring.first() {
            events.push(gap(Some(ring.first() - self.number)));
            self.number = ring.first();
        }
        let from = usize::try_from(self.number - ring.first()).unwrap_or(usize::MAX);
        for event in ring.events.iter().skip(from).take(TOGETHER) {
            let id = Some(format!("{}-{}", self.hub.0.epoch, self.number));
            events.push(Event { id, kind: event.0, data: event.1.clone() });
            self.number += 1;
        }
        events
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Event, Hub, REMEMBERED};

    async fn kinds(next: &mut super::Next) -> Vec<(&'static str, String)> {
        next.take().await.unwrap().into_iter().map(|Event { kind, data, .. }| (kind, data)).collect()
    }

    #[tokio::test]
    async fn events_come_once_and_gaps_are_told() {
        let hub = Hub::default();
        hub.tell("alert", &json!({ "id": 0 }));
        let mut next = hub.listen(None);
        hub.tell("alert", &json!({ "id": 1 }));
        let events = next.take().await.unwrap();
        assert_eq!(events.len(), 1, "what was before is not told");
        let id = events[0].id.clone().unwrap();
        assert_eq!(events[0].to_text(), format!("id: {id}\nevent: alert\ndata: {{\"id\":1}}\n\n"));
        for number in 0..3 {
            hub.tell("incident", &json!({ "number": number }));
        }
        assert_eq!(kinds(&mut next).await.len(), 3);
        // Another page goes on where it was.
        assert_eq!(kinds(&mut hub.listen(Some(&id))).await.len(), 3);
        for _ in 0..REMEMBERED + 2 {
            hub.tell("decision", &json!({}));
        }
        let told = kinds(&mut next).await;
        assert_eq!(told[0], ("gap", "{\"missed\":2}".to_owned()));
        for unknown in ["", "x-1", "1", &format!("{}-999999", hub.0.epoch), &format!("{}-x", hub.0.epoch)] {
            let told = hub.listen(Some(unknown)).take().await.unwrap();
            assert_eq!(told[0].data, "{\"missed\":null}", "{unknown}");
        }
        hub.close();
        assert!(next.take().await.is_none());
    }

    #[tokio::test]
    async fn a_page_that_waits_is_woken() {
        let hub = Hub::default();
        let mut next = hub.listen(None);
        let other = hub.clone();
        let waiting = tokio::spawn(async move { next.take().await });
        tokio::task::yield_now().await;
        other.tell("alert", &json!({}));
        assert_eq!(waiting.await.unwrap().unwrap().len(), 1);
        let mut next = hub.listen(None);
        let waiting = tokio::spawn(async move { next.take().await });
        tokio::task::yield_now().await;
        hub.close();
        assert!(waiting.await.unwrap().is_none());
    }

    #[test]
    fn places_are_bounded() {
        let hub = Hub::default();
        let places: Vec<_> = std::iter::from_fn(|| hub.place()).collect();
        assert_eq!(places.len(), super::PLACES);
        drop(places);
        assert!(hub.place().is_some());
    }
}

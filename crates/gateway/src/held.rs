//! A bound on the bytes of all bodies that are held at once.
//!
//! A body counts by what has come of it, not by what it says of its length: who announces much and sends little takes little from others.
//! *Invariant (bounded):* bodies that are held never have more bytes together than the configuration says. *Invariant (fair):* who needs room
//! gets it in the order of asking, and whoever waits for too long is refused, so that nobody waits for each other forever.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

/// What is counted at once, in bytes.
const PAGE: usize = 4 << 10;

/// The room for bodies. Clones share it.
#[derive(Clone, Debug)]
pub(crate) struct Room {
    free: Arc<Semaphore>,
    pages: usize,
    wait: Duration,
    refused: Counter,
}

/// What a body takes of it. Dropped, it is free again.
#[derive(Debug, Default)]
pub(crate) struct Held {
    permit: Option<OwnedSemaphorePermit>,
}

/// Bytes with the room that they take.
struct Occupying {
    bytes: Bytes,
    _held: Held,
}

impl AsRef<[u8]> for Occupying {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

/// There was none for too long.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the gate holds as many bytes of bodies as it may (`bounds.held_bytes`); try again in a moment")]
pub(crate) struct NoRoom;

impl Held {
    fn pages(&self) -> usize {
        self.permit.as_ref().map_or(0, OwnedSemaphorePermit::num_permits)
    }

    fn join(&mut self, more: OwnedSemaphorePermit) {
        match &mut self.permit {
            Some(permit) => permit.merge(more),
            None => self.permit = Some(more),
        }
    }
}

impl Room {
    /// Room for so many bytes, for which nobody waits longer than this.
    pub(crate) fn new(bytes: usize, wait: Duration) -> Room {
        let pages = bytes.div_ceil(PAGE).clamp(1, Semaphore::MAX_PERMITS);
        Room { free: Arc::new(Semaphore::new(pages)), pages, wait, refused: Counter::default() }
    }

    /// Has a body take as much as it has bytes; waits where there is no room at the moment.
    pub(crate) async fn take(&self, held: &mut Held, bytes: usize) -> Result<(), NoRoom> {
        let Some(more) = self.missing(held, bytes) else { return Ok(()) };
        if self.took(held, more) {
            return Ok(());
        }
        let waiting = Arc::clone(&self.free).acquire_many_owned(more);
        match timeout(self.wait, waiting).await {
            Ok(Ok(permit)) => {
                held.join(permit);
                Ok(())
            }
            Ok(Err(_)) | Err(_) => {
                self.refused.inc();
                Err(NoRoom)
            }
        }
    }

    /// The same without waiting: whether there was room.
    pub(crate) fn try_take(&self, held: &mut Held, bytes: usize) -> bool {
        self.missing(held, bytes).is_none_or(|more| self.took(held, more))
    }

    /// Waits for the room that is missing, apart from what is held.
    pub(crate) async fn more(self, pages: u32) -> Result<Held, NoRoom> {
        let mut held = Held::default();
        self.take(&mut held, PAGE.saturating_mul(pages as usize)).await.map(|()| held)
    }

    /// The pages that a body needs and has not.
    pub(crate) fn missing(&self, held: &Held, bytes: usize) -> Option<u32> {
        let more = bytes.div_ceil(PAGE).saturating_sub(held.pages());
        (more > 0).then(|| u32::try_from(more).unwrap_or(u32::MAX))
    }

    fn took(&self, held: &mut Held, more: u32) -> bool {
        let permit = Arc::clone(&self.free).try_acquire_many_owned(more);
        permit.map(|permit| held.join(permit)).is_ok()
    }

    /// Bytes that are taken now, as a gauge, and who was refused.
    pub(crate) fn shown(&self) -> (Gauge, Counter) {
        let taken = self.pages.saturating_sub(self.free.available_permits()).saturating_mul(PAGE);
        let gauge = Gauge::default();
        gauge.set(i64::try_from(taken).unwrap_or(i64::MAX));
        (gauge, self.refused.clone())
    }
}

impl Held {
    /// Bytes that take this room until nobody has them any more: a client that reads slowly holds its answer.
    pub(crate) fn with(self, bytes: Bytes) -> Bytes {
        if self.permit.is_none() {
            return bytes;
        }
        Bytes::from_owner(Occupying { bytes, _held: self })
    }

    /// Both together.
    pub(crate) fn and(&mut self, other: Held) {
        if let Some(permit) = other.permit {
            self.join(permit);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(room: &Room) -> i64 {
        room.shown().0.get()
    }

    #[tokio::test]
    async fn what_is_taken_is_given_back() {
        let room = Room::new(10 * PAGE, Duration::from_millis(50));
        let mut one = Held::default();
        for bytes in [1, PAGE, PAGE + 1, 3 * PAGE] {
            room.take(&mut one, bytes).await.unwrap();
        }
        assert_eq!(taken(&room), 3 * PAGE as i64);
        let mut other = Held::default();
        assert!(!room.try_take(&mut other, 8 * PAGE) && room.try_take(&mut other, 7 * PAGE));
        assert_eq!(room.take(&mut one, 4 * PAGE).await, Err(NoRoom));
        assert_eq!(room.shown().1.get(), 1);
        drop(other);
        room.take(&mut one, 10 * PAGE).await.unwrap();
        drop(one);
        assert_eq!(taken(&room), 0);
    }

    #[tokio::test]
    async fn bytes_take_room_until_the_last_of_them_is_gone() {
        let room = Room::new(10 * PAGE, Duration::from_millis(50));
        let mut held = Held::default();
        room.take(&mut held, PAGE).await.unwrap();
        let bytes = held.with(Bytes::from_static(b"some bytes"));
        let part = bytes.slice(5..);
        drop(bytes);
        assert_eq!((part.as_ref(), taken(&room)), (&b"bytes"[..], PAGE as i64));
        drop(part);
        assert_eq!(taken(&room), 0);
    }

    #[tokio::test]
    async fn who_waits_longest_is_first() {
        let room = Room::new(4 * PAGE, Duration::from_secs(5));
        let mut all = Held::default();
        room.take(&mut all, 4 * PAGE).await.unwrap();
        let large = tokio::spawn(room.clone().more(4));
        tokio::time::sleep(Duration::from_millis(20)).await;
        let small = tokio::spawn(room.clone().more(1));
        tokio::time::sleep(Duration::from_millis(20)).await;
        drop(all);
        let large = large.await.unwrap().unwrap();
        assert_eq!(large.pages(), 4);
        assert!(!small.is_finished(), "a small one does not pass a large one that came before");
        drop(large);
        assert_eq!(small.await.unwrap().unwrap().pages(), 1);
    }
}

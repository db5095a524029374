//! Connections on which nothing is asked.
//!
//! A client of HTTP/2 that answers pings keeps its connection for as long as it likes, and with it one of the places of the gate. So a
//! connection on which nothing is asked for the time of `bounds.header_ms` ends in order (`GOAWAY`, RFC 9113, 6.8), and so does one that
//! is older than `bounds.connection_age_ms`, once what is under way has ended: clients spread over gates anew, and see new certificates.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use tokio::time::Instant;

use crate::proxy::{BodyFailure, GateBody};

/// What is asked on a connection.
#[derive(Debug)]
pub(crate) struct Activity {
    since: Instant,
    /// Requests whose answers have not ended.
    running: AtomicUsize,
    /// When the last one ended, in milliseconds since the connection began.
    ended: AtomicU64,
    /// Whether it speaks HTTP/2. Of HTTP/1.1 the time for headers is the time between requests, too.
    is_second: AtomicBool,
}

impl Activity {
    pub(crate) fn new() -> Arc<Activity> {
        Arc::new(Activity {
            since: Instant::now(),
            running: AtomicUsize::new(0),
            ended: AtomicU64::new(0),
            is_second: AtomicBool::new(false),
        })
    }

    /// It speaks HTTP/2.
    pub(crate) fn is_second(&self) {
        self.is_second.store(true, Ordering::Relaxed);
    }

    /// A request has begun.
    pub(crate) fn begin(self: &Arc<Activity>) -> Running {
        self.running.fetch_add(1, Ordering::AcqRel);
        Running(Arc::clone(self))
    }

    /// When nothing will have been asked for so long, if nothing is asked until then; nothing where something is under way.
    pub(crate) fn idle_at(&self, wait: Duration) -> Option<Instant> {
        let is_running = self.running.load(Ordering::Acquire) > 0;
        let ended = Duration::from_millis(self.ended.load(Ordering::Acquire));
        (!is_running && self.is_second.load(Ordering::Relaxed)).then(|| self.since + ended + wait)
    }

    /// Whether a request is under way.
    pub(crate) fn is_running(&self) -> bool {
        self.running.load(Ordering::Acquire) > 0
    }
}

/// A request under way.
#[derive(Debug)]
pub(crate) struct Running(Arc<Activity>);

impl Drop for Running {
    fn drop(&mut self) {
        let passed = u64::try_from(self.0.since.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.0.ended.fetch_max(passed, Ordering::AcqRel);
        self.0.running.fetch_sub(1, Ordering::AcqRel);
    }
}

/// The body of an answer, until whose end a request is under way.
pub(crate) struct Answering {
    pub(crate) body: GateBody,
    pub(crate) _running: Running,
}

impl Body for Answering {
    type Data = Bytes;
    type Error = BodyFailure;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyFailure>>> {
        Pin::new(&mut self.get_mut().body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_connection_is_idle_when_nothing_is_under_way() {
        let activity = Activity::new();
        let wait = Duration::from_secs(1);
        assert_eq!(activity.idle_at(wait), None, "the first version has a time of its own");
        activity.is_second();
        let first = activity.idle_at(wait).unwrap();
        let (one, other) = (activity.begin(), activity.begin());
        drop(one);
        assert!(activity.idle_at(wait).is_none() && activity.is_running());
        tokio::time::sleep(Duration::from_millis(20)).await;
        drop(other);
        assert!(activity.idle_at(wait).unwrap() > first && !activity.is_running());
    }
}

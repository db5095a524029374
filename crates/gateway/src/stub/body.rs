//! Bodies of answers: whole, or in pieces with waits and faults between them.

use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use tokio::time::{Sleep, sleep};

use super::script::Fault;

/// How a body ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Proper,
    Broken,
    Never,
}

/// The body of an answer.
pub(super) struct Answer {
    pieces: VecDeque<Bytes>,
    /// The length that was promised, where there was one.
    length: Option<u64>,
    end: End,
    pause: Duration,
    waiting: Option<Pin<Box<Sleep>>>,
    /// Counts a body that its client left before the end.
    left: Option<Arc<AtomicU64>>,
}

impl Answer {
    /// All at once.
    pub(super) fn whole(bytes: Bytes) -> Answer {
        let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        Answer {
            pieces: VecDeque::from([bytes]),
            length: Some(length),
            end: End::Proper,
            pause: Duration::ZERO,
            waiting: None,
            left: None,
        }
    }

    /// In pieces.
    pub(super) fn stream(pieces: Vec<Bytes>, pause: Duration, left: Arc<AtomicU64>) -> Answer {
        let pieces: VecDeque<Bytes> = pieces.into();
        Answer { pieces, length: None, end: End::Proper, pause, waiting: None, left: Some(left) }
    }

    /// Has the fault happen in the middle of this body. `reset` is told to have the connection reset.
    pub(super) fn spoil(&mut self, fault: Fault, reset: &AtomicBool) {
        if self.pieces.len() == 1
            && let Some(only) = self.pieces.pop_front()
        {
            let middle = only.len() / 2;
            self.pieces = VecDeque::from([only.slice(..middle), only.slice(middle..)]);
        }
        let half = self.pieces.len() / 2;
        match fault {
            Fault::MalformedSse => {
                self.length = None;
                self.pieces.insert(half, Bytes::from_static(b"data: {\"choices\": [{\"del\n\n"));
                return;
            }
            Fault::Unfinished => self.length = None,
            Fault::StallMidway => self.end = End::Never,
            Fault::ResetMidway => {
                reset.store(true, Ordering::Relaxed);
                self.end = End::Broken;
            }
            Fault::Truncated => self.end = End::Broken,
            Fault::Reset | Fault::Close | Fault::Stall => return,
        }
        self.pieces.truncate(half);
        // The pieces before must be on their way when the connection breaks.
        self.pause = self.pause.max(Duration::from_millis(5));
    }

    fn poll_wait(&mut self, context: &mut Context<'_>) -> Poll<()> {
        if self.pause.is_zero() {
            return Poll::Ready(());
        }
        let pause = self.pause;
        let waiting = self.waiting.get_or_insert_with(|| Box::pin(sleep(pause)));
        ready!(waiting.as_mut().poll(context));
        self.waiting = None;
        Poll::Ready(())
    }
}

impl Drop for Answer {
    fn drop(&mut self) {
        if let (Some(left), false) = (&self.left, self.pieces.is_empty() && self.end != End::Never) {
            left.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl Body for Answer {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        if !self.pieces.is_empty() || self.end == End::Broken {
            ready!(self.poll_wait(context));
        }
        match (self.pieces.pop_front(), self.end) {
            (Some(piece), _) => Poll::Ready(Some(Ok(Frame::data(piece)))),
            (None, End::Proper) => Poll::Ready(None),
            (None, End::Broken) => Poll::Ready(Some(Err(io::Error::other("scripted fault")))),
            (None, End::Never) => Poll::Pending,
        }
    }

    fn is_end_stream(&self) -> bool {
        self.pieces.is_empty() && self.end == End::Proper
    }

    fn size_hint(&self) -> SizeHint {
        match self.length {
            Some(length) => SizeHint::with_exact(length),
            None => SizeHint::default(),
        }
    }
}

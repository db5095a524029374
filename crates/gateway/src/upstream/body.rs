//! The body of an answer, with a limit on each wait.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use tokio::time::{Instant, Sleep, sleep_until};

use super::error::{BodyError, Phase};
use super::pool::Flight;

/// The body of an answer as it arrives. Dropped before its end, it aborts the request at the upstream.
#[derive(Debug)]
pub struct AnswerBody {
    incoming: Incoming,
    member: Arc<str>,
    flight: Flight,
    between: Duration,
    end: Instant,
    /// Made when there is something to wait for: small bodies are there with their head.
    waiting: Option<(Pin<Box<Sleep>>, Phase)>,
    is_waiting: bool,
    is_over: bool,
}

impl AnswerBody {
    pub(super) fn new(incoming: Incoming, flight: Flight, between: Duration, end: Instant) -> AnswerBody {
        let member = flight.name();
        AnswerBody {
            incoming,
            member,
            flight,
            between,
            end,
            waiting: None,
            is_waiting: false,
            is_over: false,
        }
    }

    fn poll_too_late(&mut self, context: &mut Context<'_>) -> Poll<Phase> {
        if !self.is_waiting {
            let next = Instant::now() + self.between;
            let (at, phase) =
                if next < self.end { (next, Phase::BetweenBytes) } else { (self.end, Phase::Total) };
            match &mut self.waiting {
                Some((sleep, waited)) => {
                    sleep.as_mut().reset(at);
                    *waited = phase;
                }
                None => self.waiting = Some((Box::pin(sleep_until(at)), phase)),
            }
            self.is_waiting = true;
        }
        match &mut self.waiting {
            Some((sleep, phase)) => sleep.as_mut().poll(context).map(|()| *phase),
            None => Poll::Pending,
        }
    }

    fn fail(&mut self, error: BodyError) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        self.is_over = true;
        // A client that has no time says nothing about the member.
        if !matches!(error, BodyError::Timeout { phase: Phase::Total, .. }) {
            self.flight.body_failed(Instant::now());
        }
        Poll::Ready(Some(Err(error)))
    }
}

impl Body for AnswerBody {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let body = self.get_mut();
        if body.is_over {
            return Poll::Ready(None);
        }
        match Pin::new(&mut body.incoming).poll_frame(context) {
            Poll::Ready(Some(Ok(frame))) => {
                body.is_waiting = false;
                Poll::Ready(Some(Ok(frame)))
            }
            Poll::Ready(Some(Err(error))) => {
                let (member, reason) = (body.member.to_string(), super::send::reason(&error));
                body.fail(BodyError::Broken { member, reason })
            }
            Poll::Ready(None) => {
                body.is_over = true;
                Poll::Ready(None)
            }
            Poll::Pending => match body.poll_too_late(context) {
                Poll::Ready(phase) => {
                    let member = body.member.to_string();
                    body.fail(BodyError::Timeout { member, phase })
                }
                Poll::Pending => Poll::Pending,
            },
        }
    }

    fn is_end_stream(&self) -> bool {
        self.is_over || self.incoming.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming.size_hint()
    }
}

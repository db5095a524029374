//! An answer that is being made: whole, or as a stream of events once there is one before the end.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use castellan_mcp::proxy::Answer;
use castellan_mcp::transport::{Event, write_event};
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};
use http_body::{Body, Frame};
use tokio::sync::mpsc;

use super::drive::Driver;
use crate::proxy::body::{self, BodyFailure, GateBody};
use crate::proxy::exchange::Exchange;
use crate::record::Stage;

/// What the driver says.
pub(super) enum Said {
    /// There will be a stream, with these headers.
    Begin(HeaderMap),
    /// Bytes of it.
    Bytes(Bytes),
    /// The end.
    End(Box<End>),
}

/// The end of a request.
pub(super) struct End {
    pub(super) answer: Answer,
    pub(super) exchange: Exchange,
    /// How far it came, where it was refused.
    pub(super) refused: Option<Stage>,
}

impl End {
    fn record(mut self) {
        match self.refused {
            Some(stage) => self.exchange.over(stage),
            None => self.exchange.done(),
        }
    }
}

/// The work with what it says. Dropped, all of it stops, and the exchange in it records that the client went.
struct Driven {
    work: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
    said: mpsc::Receiver<Said>,
}

impl Driven {
    fn poll_said(&mut self, context: &mut Context<'_>) -> Poll<Option<Said>> {
        if let Some(work) = &mut self.work
            && work.as_mut().poll(context).is_ready()
        {
            self.work = None;
        }
        self.said.poll_recv(context)
    }
}

/// Answers a request.
pub(super) async fn answered(driver: Driver) -> Response<GateBody> {
    // One thing at a time: a client that does not read holds the server back.
    let (say, said) = mpsc::channel(1);
    let mut driven = Driven { work: Some(Box::pin(driver.run(say))), said };
    match std::future::poll_fn(|context| driven.poll_said(context)).await {
        Some(Said::End(end)) => whole(*end),
        Some(Said::Begin(headers)) => {
            let mut response = Response::new(GateBody::Stream(Box::pin(driven)));
            *response.headers_mut() = headers;
            let headers = response.headers_mut();
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
            headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache, no-transform"));
            headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
            response
        }
        // It ends with an end; anything else is a fault of ours, and nothing of it passes.
        Some(Said::Bytes(_)) | None => body::text(500, "text/plain", "the gate failed\n"),
    }
}

fn whole(mut end: End) -> Response<GateBody> {
    let (mut head, ()) = Response::new(()).into_parts();
    head.status = StatusCode::from_u16(end.answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    for (name, value) in &end.answer.headers {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            head.headers.insert(name, value);
        }
    }
    let response = end.exchange.whole(head, Bytes::copy_from_slice(&end.answer.body));
    end.record();
    response
}

impl Body for Driven {
    type Data = Bytes;
    type Error = BodyFailure;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyFailure>>> {
        let driven = self.get_mut();
        loop {
            let said = match driven.poll_said(context) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(said) => said,
            };
            let bytes = match said {
                None => return Poll::Ready(None),
                Some(Said::Begin(_)) => continue,
                Some(Said::Bytes(bytes)) => bytes,
                Some(Said::End(end)) => {
                    let data = String::from_utf8_lossy(&end.answer.body).into_owned();
                    end.record();
                    if data.is_empty() {
                        continue;
                    }
                    event(data, None)
                }
            };
            return Poll::Ready(Some(Ok(Frame::data(bytes))));
        }
    }
}

/// A message as an event.
pub(super) fn event(data: String, id: Option<String>) -> Bytes {
    let event = Event { event: Some("message".to_owned()), data, id, retry: None, raw: None };
    Bytes::from(write_event(&event))
}

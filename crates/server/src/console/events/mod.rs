//! What happens now, as server-sent events (<https://html.spec.whatwg.org/multipage/server-sent-events.html>).
//!
//! [`Hub`] remembers the last events with their numbers. Each connection reads from it at its own pace: whoever is slower
//! than what is remembered is told that there is a gap, and asks again for what its page shows. *Invariant (bounded):* a
//! connection holds a place in the memory of events and no events of its own. *Invariant (no content):* events are made of
//! columns that are named here, none of which holds what somebody wrote to a model or got from it.

mod hub;
mod lake;

use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use castellan_base::Ticks;
use futures_util::stream;
use serde_json::json;
use tokio::sync::OwnedSemaphorePermit;

pub use hub::Hub;
use hub::{Event, Next};

use super::failure::Failure;
use super::request::{Caller, Request};
use super::session::Hash;

/// How often something is sent where nothing happens.
const BEAT: Duration = Duration::from_secs(15);
/// What a page waits before it connects again, in milliseconds.
const RETRY: u32 = 2_000;

/// A connection that is told of events.
struct Listening {
    request: Request,
    next: Next,
    /// The session that it belongs to: when that ends, so does this.
    session: Option<Hash>,
    /// What is said first.
    greeting: Option<String>,
    _place: OwnedSemaphorePermit,
}

impl Listening {
    /// What is to be sent next; nothing when it is over.
    async fn next(&mut self) -> Option<String> {
        if let Some(greeting) = self.greeting.take() {
            return Some(greeting);
        }
        let console = &self.request.console;
        let waited = tokio::time::timeout(BEAT, self.next.take()).await;
        if self.session.is_some_and(|session| !console.sessions.is_on(&session, console.now())) {
            return None;
        }
        match waited {
            Ok(events) => events.map(|events| events.iter().map(Event::to_text).collect()),
            Err(_) => Some(": still here\n\n".to_owned()),
        }
    }
}

impl Request {
    pub(super) fn get_events(self, caller: &Caller) -> Result<Response, Failure> {
        let Some(hub) = self.console.hub.clone() else {
            return Err(Failure::missing(
                "there is nothing to tell of here; start the server with `--lake FOLDER`",
            ));
        };
        let full = || {
            Failure::new(StatusCode::SERVICE_UNAVAILABLE, "too many pages are open; close some")
                .again_after(30)
        };
        let place = hub.place().ok_or_else(full)?;
        let last = self.headers().get("last-event-id").and_then(|id| id.to_str().ok());
        let hello = json!({
            "version": env!("CARGO_PKG_VERSION"), "demo": self.console.is_demo, "time": self.console.now(),
        });
        let greeting = format!("retry: {RETRY}\nevent: hello\ndata: {hello}\n\n");
        let listening = Listening {
            next: hub.listen(last),
            session: caller.session.as_ref().map(|(secret, _)| secret.hash()),
            greeting: Some(greeting),
            _place: place,
            request: self,
        };
        let body = stream::unfold(listening, async |mut listening| {
            let text = listening.next().await?;
            Some((Ok::<_, std::convert::Infallible>(Bytes::from(text)), listening))
        });
        let headers = [(CONTENT_TYPE, "text/event-stream"), (CACHE_CONTROL, "no-store, no-transform")];
        Ok((headers, Body::from_stream(body)).into_response())
    }
}

impl Hub {
    /// Tells that the estate was scanned, or why that failed.
    pub fn posture(&self, scanned: Option<Ticks>, problem: Option<&str>) {
        self.tell("posture", &json!({ "scanned": scanned, "problem": problem }));
    }
}

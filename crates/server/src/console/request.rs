//! A request, once it is known who asks and for what.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::Request as Asked;
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::sync::OwnedSemaphorePermit;

use super::Inner;
use super::failure::Failure;
use super::operation::Called;
use super::role::Role;
use super::session::{Secret, Session, Way};

/// Who asks.
#[derive(Clone, Debug)]
pub(super) struct Caller {
    pub(super) name: String,
    pub(super) role: Role,
    pub(super) way: Way,
    /// The session, where there is one, and what it is known by.
    pub(super) session: Option<(Secret, Session)>,
}

impl Caller {
    /// Somebody with the administrator token, or on this machine where there is none.
    pub(super) fn administrator(way: Way) -> Caller {
        Caller { name: "administrator".to_owned(), role: Role::Administrator, way, session: None }
    }
}

/// A request for an operation.
pub(super) struct Request {
    pub(super) console: Arc<Inner>,
    /// The parts of the path that are not fixed.
    path: Vec<String>,
    segments: Vec<String>,
    pub(super) head: Parts,
    body: Option<Body>,
    /// The largest body, where it is smaller than others.
    largest: Option<usize>,
    /// The place that it holds once its body was read.
    _place: Option<OwnedSemaphorePermit>,
}

impl Request {
    pub(super) fn new(console: Arc<Inner>, found: Called, asked: Asked) -> Request {
        let (head, body) = asked.into_parts();
        Request {
            console,
            path: found.parts,
            segments: found.segments,
            head,
            body: Some(body),
            largest: None,
            _place: None,
        }
    }

    pub(super) fn headers(&self) -> &HeaderMap {
        &self.head.headers
    }

    /// A part of the path that is not fixed; empty where there is none.
    pub(super) fn part(&self, at: usize) -> String {
        self.path.get(at).cloned().unwrap_or_default()
    }

    /// The segments of the path behind `/api/v1`.
    pub(super) fn segments(&self) -> impl Iterator<Item = &str> {
        self.segments.iter().map(String::as_str)
    }

    /// The value of a parameter.
    pub(super) fn parameter(&self, name: &str) -> Option<String> {
        crate::queries::parameter(self.head.uri.query(), name)
    }

    /// Reads the body, which is a JSON object.
    ///
    /// Errors: a body that is none, or is not as it should be.
    pub(super) async fn body<T: DeserializeOwned>(mut self) -> Result<(Request, T), Failure> {
        let body = self.body.take().unwrap_or_default();
        let asked = Asked::from_parts(self.head.clone(), body);
        let gate = &self.console.gate;
        let gate = self.largest.map_or_else(|| gate.clone(), |largest| gate.at_most(largest));
        let (read, place) = gate.read(asked, StatusCode::BAD_REQUEST).await?;
        self._place = Some(place);
        Ok((self, read))
    }

    /// The same with a smaller largest body.
    pub(super) fn small(mut self, largest: usize) -> Request {
        self.largest = Some(largest);
        self
    }

    /// Has work done away from the threads that serve connections, and answers with what comes of it.
    pub(super) async fn told<T: Serialize + Send + 'static>(
        self,
        work: impl FnOnce() -> Result<T, Failure> + Send + 'static,
    ) -> Result<Response, Failure> {
        let written = self.console.gate.aside(move || {
            let told = work()?;
            // Written here as well: large answers take a while.
            serde_json::to_vec(&told).map_err(|error| Failure::failed(error.to_string()))
        });
        Ok(json(written.await?))
    }
}

/// An answer of JSON that was written before.
pub(super) fn json(text: impl Into<Body>) -> Response {
    ([(axum::http::header::CONTENT_TYPE, "application/json")], text.into()).into_response()
}

//! The way to the body of a request, and to the processors.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::http::StatusCode;
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE, ORIGIN};
use axum::response::{IntoResponse, Response};
use futures_util::StreamExt;
use serde::de::DeserializeOwned;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use crate::{Config, Refusal};

/// Bounds what all faces together hold and work on.
///
/// *Invariant (bounded):* a body is read only while its request holds one of so many places, and work is done only by one
/// of so many workers; both are given back when the work ends, even if the client has gone.
#[derive(Clone, Debug)]
pub struct Gate {
    largest_body: usize,
    body_time: Duration,
    patience: Duration,
    places: Arc<Semaphore>,
    workers: Arc<Semaphore>,
}

impl Gate {
    /// The bounds of a configuration.
    pub fn new(config: &Config) -> Gate {
        Gate {
            largest_body: config.largest_body,
            body_time: config.body_time,
            patience: config.patience,
            places: Arc::new(Semaphore::new(config.requests.clamp(1, Semaphore::MAX_PERMITS))),
            workers: Arc::new(Semaphore::new(config.workers.clamp(1, Semaphore::MAX_PERMITS))),
        }
    }

    /// The same bounds with a smaller largest body, for APIs that have one of their own.
    pub(crate) fn at_most(&self, largest_body: usize) -> Gate {
        Gate { largest_body: self.largest_body.min(largest_body), ..self.clone() }
    }

    /// Reads the JSON of a request and has it answered away from the threads that serve connections. `mismatch` is the
    /// status for JSON that is not what is asked for.
    pub async fn answer<Asked, Work>(&self, request: Request, mismatch: StatusCode, work: Work) -> Response
    where
        Asked: DeserializeOwned,
        Work: FnOnce(Asked) -> Result<Response, Refusal> + Send + 'static,
    {
        self.worked(request, mismatch, work).await.unwrap_or_else(IntoResponse::into_response)
    }

    /// As [`Gate::answer`], for faces that have their own shape of refusals.
    ///
    /// # Errors
    /// Whatever is refused here, and what the work fails with.
    pub async fn worked<Asked, Answer, Failure, Work>(
        &self,
        request: Request,
        mismatch: StatusCode,
        work: Work,
    ) -> Result<Answer, Failure>
    where
        Asked: DeserializeOwned,
        Answer: Send + 'static,
        Failure: From<Refusal> + Send + 'static,
        Work: FnOnce(Asked) -> Result<Answer, Failure> + Send + 'static,
    {
        is_json(&request)?;
        let place = self.turn(&self.places).await?;
        let body = self.body(request).await?;
        let worker = self.turn(&self.workers).await?;
        let done = tokio::task::spawn_blocking(move || {
            let answer = parsed(&body, mismatch).map_err(Failure::from).and_then(work);
            drop((body, worker, place));
            answer
        });
        let lost = |_| Err(Refusal::failed("the request could not be worked on").into());
        done.await.unwrap_or_else(lost)
    }

    /// Reads the JSON of a request, and gives it with the place that it holds. What is done with it has bounds of its own.
    ///
    /// # Errors
    /// Whatever is refused here.
    pub(crate) async fn read<Asked: DeserializeOwned>(
        &self,
        request: Request,
        mismatch: StatusCode,
    ) -> Result<(Asked, OwnedSemaphorePermit), Refusal> {
        is_json(&request)?;
        let place = self.place().await?;
        let body = self.body(request).await?;
        Ok((parsed(&body, mismatch)?, place))
    }

    /// The same request with its body read, and the place that it holds.
    ///
    /// # Errors
    /// Whatever is refused here.
    pub(crate) async fn whole(&self, request: Request) -> Result<(Request, OwnedSemaphorePermit), Refusal> {
        Gate::no_page(&request)?;
        let place = self.place().await?;
        let (parts, body) = request.into_parts();
        let whole = Request::from_parts(parts.clone(), body);
        let body = self.body(whole).await?;
        Ok((Request::from_parts(parts, Body::from(body)), place))
    }

    /// A place among the requests that are held.
    ///
    /// # Errors
    /// There is none in time.
    pub(crate) async fn place(&self) -> Result<OwnedSemaphorePermit, Refusal> {
        self.turn(&self.places).await
    }

    /// Has work done away from the threads that serve connections, for requests without a body.
    pub(crate) async fn aside<Answer, Failure>(
        &self,
        work: impl FnOnce() -> Result<Answer, Failure> + Send + 'static,
    ) -> Result<Answer, Failure>
    where
        Answer: Send + 'static,
        Failure: From<Refusal> + Send + 'static,
    {
        let worker = self.turn(&self.workers).await?;
        let done = tokio::task::spawn_blocking(move || {
            let answer = work();
            drop(worker);
            answer
        });
        let lost = |_| Err(Refusal::failed("the request could not be worked on").into());
        done.await.unwrap_or_else(lost)
    }

    /// Reads the body of a request of any type. Its place is held until what comes out is dropped.
    pub(crate) async fn held(&self, request: Request) -> Result<Held, Refusal> {
        let place = self.turn(&self.places).await?;
        let bytes = self.body(request).await?;
        Ok(Held { bytes, _place: place })
    }

    /// How long the body of a request may take.
    pub(crate) fn body_time(&self) -> Duration {
        self.body_time
    }

    /// Largest body of a request, in bytes.
    pub(crate) fn largest_body(&self) -> usize {
        self.largest_body
    }

    /// Refuses what a page of another site can have a browser send unasked: a POST that has an origin and is not JSON.
    pub(crate) fn no_page(request: &Request) -> Result<(), Refusal> {
        if request.headers().contains_key(ORIGIN) { is_json(request) } else { Ok(()) }
    }

    async fn turn(&self, of: &Arc<Semaphore>) -> Result<OwnedSemaphorePermit, Refusal> {
        let busy =
            || Refusal::new(StatusCode::SERVICE_UNAVAILABLE, "too many requests are waiting; try again");
        match timeout(self.patience, Arc::clone(of).acquire_owned()).await {
            Ok(Ok(permit)) => Ok(permit),
            _ => Err(busy()),
        }
    }

    async fn body(&self, request: Request) -> Result<Bytes, Refusal> {
        let too_large = || {
            let message = format!("the body is larger than {} bytes; send less at once", self.largest_body);
            Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, message)
        };
        let announced = request.headers().get(CONTENT_LENGTH).and_then(|length| length.to_str().ok());
        let announced: Option<u64> = announced.and_then(|length| length.parse().ok());
        // What is certain to be too large is not kept from its beginning.
        let largest = match announced {
            Some(length) if length > self.largest_body as u64 => 0,
            _ => self.largest_body,
        };
        match timeout(self.body_time, collected(request.into_body(), largest)).await {
            Ok(Some(bytes)) => Ok(bytes),
            Ok(None) => Err(too_large()),
            Err(_) => Err(Refusal::new(StatusCode::REQUEST_TIMEOUT, "the body took too long")),
        }
    }
}

/// Most bytes of a body that are read and thrown away. A client that is still sending when it is answered sees a broken
/// connection instead of the answer.
const THROWN_AWAY: usize = 16 << 20;

/// How long the body of a request that is refused anyway may take.
const FAREWELL: Duration = Duration::from_secs(5);

/// Reads a body that nobody wants, within the same bound, so that its client sees why.
pub(crate) async fn thrown_away(request: Request) {
    let _ = timeout(FAREWELL, collected(request.into_body(), 0)).await;
}

/// A body of at most so many bytes; `None` where it is larger or breaks off.
async fn collected(body: Body, largest: usize) -> Option<Bytes> {
    let mut stream = body.into_data_stream();
    let (mut bytes, mut beyond) = (Vec::new(), 0);
    while let Some(chunk) = stream.next().await {
        let chunk = chunk.ok()?;
        if beyond > 0 || bytes.len() + chunk.len() > largest {
            bytes = Vec::new();
            beyond += chunk.len();
        } else {
            bytes.extend_from_slice(&chunk);
        }
        if beyond > THROWN_AWAY {
            break;
        }
    }
    (beyond == 0).then(|| bytes.into())
}

/// The body of a request, and the place among those that are held.
#[derive(Debug)]
pub(crate) struct Held {
    pub(crate) bytes: Bytes,
    _place: OwnedSemaphorePermit,
}

/// A page of another site can send forms and plain text unasked, but not JSON.
fn is_json(request: &Request) -> Result<(), Refusal> {
    let kind = request.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let essence = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    if essence == "application/json" || essence.starts_with("application/") && essence.ends_with("+json") {
        return Ok(());
    }
    let message = "the content type is not `application/json`; say so in the header `Content-Type`";
    Err(Refusal::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, message))
}

fn parsed<Asked: DeserializeOwned>(body: &[u8], mismatch: StatusCode) -> Result<Asked, Refusal> {
    let asked = serde_json::from_slice(body).map_err(|error| match error.is_data() {
        true => Refusal::new(mismatch, format!("the request is not as it should be: {error}")),
        false => Refusal::bad(format!("the request is no JSON: {error}")),
    })?;
    // A list would be taken for the members in their order.
    match body.trim_ascii_start().first() {
        Some(b'{') => Ok(asked),
        _ => Err(Refusal::new(mismatch, "the request is no JSON object")),
    }
}

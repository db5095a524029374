//! OpenTelemetry's protocol: over HTTP here, over gRPC in [`grpc`].
//!
//! `POST /v1/logs`, `/v1/traces` and `/v1/metrics` take protobuf and JSON, packed with gzip or not, and answer in the
//! request's encoding. Source: OpenTelemetry Protocol 1.x, "OTLP/HTTP": what was rejected is a partial success; 429 and 503
//! with `Retry-After` ask for another try; any other failure is final, and its body is a `google.rpc.Status`.
//!
//! A body that is sent again adds nothing.

pub(super) mod grpc;
mod status;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::header::{CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use castellan_base::Ticks;
use castellan_ingest::Taken;
use castellan_ingest::otlp::{self, Encoding, Error};
use prost::Message as _;
use serde_json::json;

use super::body::{Body, content_type};
use super::keep::{Kept, Origin, keep, refusal, retry_after};
use super::{Intake, now};
use crate::Refusal;
use status::{Partial, Success};

/// What is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Signal {
    Logs,
    Traces,
    Metrics,
}

impl Signal {
    const ALL: [Signal; 3] = [Signal::Logs, Signal::Traces, Signal::Metrics];

    fn path(self) -> &'static str {
        match self {
            Signal::Logs => "/v1/logs",
            Signal::Traces => "/v1/traces",
            Signal::Metrics => "/v1/metrics",
        }
    }

    /// How JSON names the count of what was rejected.
    fn rejected(self) -> &'static str {
        match self {
            Signal::Logs => "rejectedLogRecords",
            Signal::Traces => "rejectedSpans",
            Signal::Metrics => "rejectedDataPoints",
        }
    }

    fn read(self, bytes: &[u8], encoding: Encoding, received: Ticks) -> Result<Taken, Error> {
        match self {
            Signal::Logs => otlp::logs(bytes, encoding, received),
            Signal::Traces => otlp::traces(bytes, encoding, received),
            Signal::Metrics => otlp::metrics(bytes, encoding, received),
        }
    }
}

/// Whether a path belongs to this API.
pub(crate) fn is_at(path: &str) -> bool {
    Signal::ALL.iter().any(|signal| signal.path() == path)
}

pub(super) fn routes() -> Router<Intake> {
    Signal::ALL.into_iter().fold(Router::new(), |routes, signal| {
        let handle = async move |State(intake): State<Intake>, request: Request| {
            answer(signal, &intake, request).await
        };
        routes.route(signal.path(), post(handle))
    })
}

async fn answer(signal: Signal, intake: &Intake, request: Request) -> Response {
    let encoding = match content_type(&request).as_str() {
        "application/x-protobuf" | "application/protobuf" => Encoding::Protobuf,
        "application/json" => Encoding::Json,
        _ => {
            let message = "the content type is neither `application/x-protobuf` nor `application/json`";
            return Refusal::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, message).into_response();
        }
    };
    match taken(signal, encoding, intake, request).await {
        Ok(partial) => success(signal, encoding, partial),
        Err(failure) => failure.response(encoding),
    }
}

async fn taken(
    signal: Signal,
    encoding: Encoding,
    intake: &Intake,
    request: Request,
) -> Result<Partial, Failure> {
    let body = Body::read(&intake.gate, request, intake.gate.largest_body()).await?;
    let (bytes, held) = body.parts();
    let read = intake.gate.aside(move || {
        let origin = Origin::of_body(signal.path(), &bytes);
        let read = signal.read(&bytes, encoding, now()).map_err(|error| Refusal::bad(error.to_string()))?;
        Ok::<_, Refusal>((read, origin))
    });
    let (read, origin) = read.await?;
    let kept = kept(intake, read, origin).await;
    drop(held);
    Ok(kept?)
}

/// Keeps what was read, and says what was not kept as it came.
pub(super) async fn kept(
    intake: &Intake,
    mut read: Taken,
    origin: Origin,
) -> Result<Partial, castellan_lake::Error> {
    let rows = std::mem::take(&mut read.rows);
    let kept = keep(&intake.lake, rows, origin).await.inspect_err(|error| intake.tell_of(error))?;
    Ok(Partial { rejected: i64::try_from(read.rejected).unwrap_or(i64::MAX), message: message(&read, &kept) })
}

fn message(read: &Taken, kept: &Kept) -> String {
    [read.message(), kept.notes()].into_iter().flatten().collect::<Vec<_>>().join("; ")
}

fn success(signal: Signal, encoding: Encoding, partial: Partial) -> Response {
    let is_whole = partial == Partial::default();
    match encoding {
        Encoding::Protobuf => {
            let success = Success { partial: (!is_whole).then_some(partial) };
            protobuf(StatusCode::OK, success.encode_to_vec())
        }
        Encoding::Json if is_whole => axum::Json(json!({})).into_response(),
        Encoding::Json => {
            // JSON of protobuf writes 64-bit integers as texts.
            let rejected = partial.rejected.to_string();
            let partial = json!({ signal.rejected(): rejected, "errorMessage": partial.message });
            axum::Json(json!({ "partialSuccess": partial })).into_response()
        }
    }
}

fn protobuf(status: StatusCode, bytes: Vec<u8>) -> Response {
    let mut response = (status, bytes).into_response();
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/x-protobuf"));
    response
}

/// Why a request was not taken.
struct Failure {
    refusal: Refusal,
    /// Seconds.
    retry_after: Option<u64>,
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Failure {
        let retry_after = (refusal.status() == StatusCode::SERVICE_UNAVAILABLE).then_some(1);
        Failure { refusal, retry_after }
    }
}

impl From<castellan_lake::Error> for Failure {
    fn from(error: castellan_lake::Error) -> Failure {
        Failure { refusal: refusal(&error), retry_after: retry_after(&error) }
    }
}

impl Failure {
    fn response(self, encoding: Encoding) -> Response {
        let (status, message) = (self.refusal.status(), self.refusal.message());
        let code = status::code(status);
        let mut response = match encoding {
            Encoding::Protobuf => protobuf(status, status::Status::new(code, message).encode_to_vec()),
            Encoding::Json => {
                (status, axum::Json(json!({ "code": code, "message": message }))).into_response()
            }
        };
        if let Some(seconds) = self.retry_after {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

//! Why there is no answer, in the shape of this API.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header::RETRY_AFTER};
use axum::response::{IntoResponse, Response};
use castellan_incident::api::Failure as DeskFailure;
use serde::Serialize;

use super::place::{Place, Utf16};
use crate::queries::Fault;
use crate::{Refusal, incidents};

/// What is told of a failure: `{"error": ...}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Told {
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    position: Option<Position>,
}

/// A place in the text that was sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct Position {
    line: usize,
    column: usize,
    #[serde(flatten)]
    place: Place,
}

/// Why there is no answer.
#[derive(Clone, Debug)]
pub struct Failure {
    status: StatusCode,
    told: Told,
    /// After how many seconds to try again.
    retry_after: Option<u64>,
}

impl Failure {
    /// A failure with a status and a message that says what, where, and what to do.
    pub fn new(status: StatusCode, message: impl Into<String>) -> Failure {
        let told = Told { message: message.into(), code: None, position: None };
        Failure { status, told, retry_after: None }
    }

    /// 400: what was sent is not what is asked for.
    pub fn bad(message: impl Into<String>) -> Failure {
        Failure::new(StatusCode::BAD_REQUEST, message)
    }

    /// 404: there is no such thing.
    pub fn missing(message: impl Into<String>) -> Failure {
        Failure::new(StatusCode::NOT_FOUND, message)
    }

    /// 409: it does not go with how things are.
    pub fn conflict(message: impl Into<String>) -> Failure {
        Failure::new(StatusCode::CONFLICT, message)
    }

    /// 500: it fails here.
    pub fn failed(message: impl Into<String>) -> Failure {
        Failure::new(StatusCode::INTERNAL_SERVER_ERROR, message)
    }

    /// The status.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// What is told.
    pub(super) fn told(&self) -> &Told {
        &self.told
    }

    pub(super) fn coded(mut self, code: &'static str) -> Failure {
        self.told.code = Some(code);
        self
    }

    pub(super) fn again_after(mut self, seconds: u64) -> Failure {
        self.retry_after = Some(seconds);
        self
    }

    /// Why a query has no answer, with the place in its text.
    pub(super) fn of_query(fault: &Fault, text: &str) -> Failure {
        let position = fault.span().map(|span| {
            let (line, column) = span.line_and_column(text);
            Position { line, column, place: Utf16::of(text).place(span) }
        });
        let told = Told { message: fault.message(), code: fault.code(), position };
        Failure { status: fault.status(), told, retry_after: None }
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Failure {
        Failure::new(refusal.status(), refusal.message())
    }
}

impl From<DeskFailure> for Failure {
    fn from(failure: DeskFailure) -> Failure {
        Failure::new(incidents::status(failure.kind), failure.message)
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        #[derive(Serialize)]
        struct Body {
            error: Told,
        }
        let mut response = (self.status, Json(Body { error: self.told })).into_response();
        if let Some(seconds) = self.retry_after {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

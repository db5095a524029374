//! Errors as Azure Resource Manager tells them: `{"error": {"code", "message"}}`.

use axum::Json;
use axum::http::header::RETRY_AFTER;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use castellan_lake::Error;
use serde_json::json;

use crate::Refusal;
use crate::intake::keep;

/// A status, a code and a message.
#[derive(Debug)]
pub(crate) struct Failure {
    status: StatusCode,
    code: &'static str,
    message: String,
    /// Seconds.
    retry_after: Option<u64>,
}

impl Failure {
    pub(crate) fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Failure {
        Failure { status, code, message: message.into(), retry_after: None }
    }

    /// 400: a value that cannot be.
    pub(crate) fn bad(message: impl Into<String>) -> Failure {
        Failure::new(StatusCode::BAD_REQUEST, "InvalidParameter", message)
    }

    /// 404: it is not here.
    pub(crate) fn missing(message: impl Into<String>) -> Failure {
        Failure::new(StatusCode::NOT_FOUND, "ResourceNotFound", message)
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Failure {
        let code = match refusal.status() {
            StatusCode::UNAUTHORIZED => "AuthenticationFailed",
            StatusCode::FORBIDDEN => "AuthorizationFailed",
            StatusCode::PAYLOAD_TOO_LARGE => "RequestContentTooLarge",
            StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => "TooManyRequests",
            status if status.is_server_error() => "InternalServerError",
            _ => "InvalidRequestContent",
        };
        Failure::new(refusal.status(), code, refusal.message())
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Failure {
        let failure = match &error {
            Error::UnknownTable { .. } => Failure::missing(error.to_string()),
            Error::Definition { .. }
            | Error::TypeChanged { .. }
            | Error::Condition { .. }
            | Error::Derived { .. } => Failure::bad(error.to_string()),
            _ => Failure::from(keep::refusal(&error)),
        };
        Failure { retry_after: keep::retry_after(&error), ..failure }
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let body = json!({ "error": { "code": self.code, "message": self.message } });
        let mut response = (self.status, Json(body)).into_response();
        if let Some(seconds) = self.retry_after {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

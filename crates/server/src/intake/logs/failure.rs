//! Answers that say why there is none, as the Logs Ingestion API says it.

use axum::Json;
use axum::http::header::RETRY_AFTER;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use castellan_lake::Error;
use serde_json::json;

use crate::Refusal;
use crate::intake::keep;

/// A status, a code of the service and a message, sent as `{"error": {"code", "message"}}` with the code in the header
/// `x-ms-error-code` too.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    status: StatusCode,
    code: &'static str,
    message: String,
    /// Seconds.
    retry_after: Option<u64>,
}

impl Failure {
    fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Failure {
        Failure { status, code, message: message.into(), retry_after: None }
    }

    /// 400: this version of the API is not known.
    pub(super) fn version(message: impl Into<String>) -> Failure {
        Failure::new(StatusCode::BAD_REQUEST, "UnsupportedApiVersion", message)
    }

    /// 400: the body is no array of JSON objects.
    pub(super) fn json(message: impl Into<String>) -> Failure {
        Failure::new(StatusCode::BAD_REQUEST, "InvalidJson", message)
    }

    /// 400: the rule has no such stream.
    pub(super) fn stream(message: impl Into<String>) -> Failure {
        Failure::new(StatusCode::BAD_REQUEST, "InvalidStream", message)
    }

    /// 400: what the transformation gives is no rows of the table.
    pub(super) fn output(message: impl Into<String>) -> Failure {
        Failure::new(StatusCode::BAD_REQUEST, "InvalidTransformOutput", message)
    }

    /// 404: there is no such rule.
    pub(super) fn rule(id: &str) -> Failure {
        let id: String = id.chars().take(128).collect();
        let message = format!("Data collection rule with immutable Id `{id}` not found.");
        Failure::new(StatusCode::NOT_FOUND, "NotFound", message)
    }

    /// 413: more than the API takes.
    pub(super) fn length(provided: Option<&str>) -> Failure {
        let most = super::MOST;
        let provided = provided.map(|length| format!(" Provided content length: {length} bytes."));
        let provided = provided.unwrap_or_default();
        let message = format!("Maximum allowed content length: {most} bytes (1 MB).{provided}");
        Failure::new(StatusCode::PAYLOAD_TOO_LARGE, "ContentLengthLimitExceeded", message)
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Failure {
        let code = match refusal.status() {
            StatusCode::UNAUTHORIZED => "AuthenticationFailed",
            StatusCode::PAYLOAD_TOO_LARGE => return Failure::length(None),
            StatusCode::UNSUPPORTED_MEDIA_TYPE => "UnsupportedMediaType",
            StatusCode::REQUEST_TIMEOUT => "RequestTimeout",
            StatusCode::SERVICE_UNAVAILABLE => "ServiceUnavailable",
            StatusCode::TOO_MANY_REQUESTS => "TooManyRequests",
            status if status.is_server_error() => "InternalServerError",
            _ => "InvalidPayload",
        };
        let retry_after = (refusal.status() == StatusCode::SERVICE_UNAVAILABLE).then_some(1);
        Failure { retry_after, ..Failure::new(refusal.status(), code, refusal.message()) }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Failure {
        let mut failure = match &error {
            Error::Rows { .. } => Failure::json(error.to_string()),
            Error::UnknownTable { .. } => Failure::stream(error.to_string()),
            Error::Definition { .. } | Error::TypeChanged { .. } => Failure::output(error.to_string()),
            _ => Failure::from(keep::refusal(&error)),
        };
        failure.retry_after = keep::retry_after(&error).or(failure.retry_after);
        failure
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let body = json!({ "error": { "code": self.code, "message": self.message } });
        let mut response = (self.status, Json(body)).into_response();
        response.headers_mut().insert("x-ms-error-code", HeaderValue::from_static(self.code));
        if let Some(seconds) = self.retry_after {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

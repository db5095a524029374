//! Answers that say why there is none, as Azure's services say it.

use axum::Json;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::Refusal;

/// A status, a code of the service and a message: `{"error": {"code", "message"}}`, with the code in the header
/// `x-ms-error-code` too.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    status: StatusCode,
    code: &'static str,
    message: String,
}

impl Failure {
    /// 400: something in the body is not as it should be.
    pub(crate) fn body(message: impl Into<String>) -> Failure {
        Failure::new(StatusCode::BAD_REQUEST, "InvalidRequestBody", message)
    }

    /// 400: a name cannot be one.
    pub(crate) fn name(message: impl Into<String>) -> Failure {
        Failure::new(StatusCode::BAD_REQUEST, "InvalidResourceName", message)
    }

    /// 404: there is nothing of that name.
    pub(crate) fn missing(message: impl Into<String>) -> Failure {
        Failure::new(StatusCode::NOT_FOUND, "ResourceNotFound", message)
    }

    /// 400: this version of the API is not known, or does not have the operation.
    pub(crate) fn version(message: impl Into<String>) -> Failure {
        Failure::new(StatusCode::BAD_REQUEST, "UnsupportedApiVersion", message)
    }

    /// 500: the work failed here.
    pub(crate) fn internal(message: impl Into<String>) -> Failure {
        Failure::new(StatusCode::INTERNAL_SERVER_ERROR, "InternalError", message)
    }

    /// 501: this is not done here.
    pub(crate) fn unsupported(message: impl Into<String>) -> Failure {
        Failure::new(StatusCode::NOT_IMPLEMENTED, "NotSupported", message)
    }

    /// What went wrong.
    pub(crate) fn message(&self) -> &str {
        &self.message
    }

    /// The same as 400, where it has a status that an interface does not know.
    pub(crate) fn or_bad_request(self, unknown: StatusCode) -> Failure {
        if self.status == unknown { Failure::body(self.message) } else { self }
    }

    fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Failure {
        Failure { status, code, message: message.into() }
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Failure {
        let code = match refusal.status() {
            StatusCode::UNAUTHORIZED => "Unauthorized",
            StatusCode::NOT_FOUND => "ResourceNotFound",
            StatusCode::SERVICE_UNAVAILABLE => "ServerBusy",
            StatusCode::TOO_MANY_REQUESTS => "TooManyRequests",
            status if status.is_server_error() => "InternalError",
            _ => "InvalidRequestBody",
        };
        Failure::new(refusal.status(), code, refusal.message())
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let body = json!({ "error": { "code": self.code, "message": self.message } });
        let mut response = (self.status, Json(body)).into_response();
        response.headers_mut().insert("x-ms-error-code", HeaderValue::from_static(self.code));
        response
    }
}

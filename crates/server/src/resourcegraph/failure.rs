//! Errors in the shape of the service: `{"error": {code, message, details}}`.

use axum::Json;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use crate::queries::{Fault, Kind};

/// A status and the error that is told with it.
#[derive(Debug)]
pub(super) struct Failure {
    status: StatusCode,
    error: Value,
}

impl Failure {
    /// What a fault of a query is called there.
    pub(super) fn of(fault: &Fault, query: &str) -> Failure {
        let (status, message) = (fault.status(), fault.message());
        let detail = detail(fault, query);
        let error = match fault.kind() {
            Kind::Syntax | Kind::Semantic | Kind::Resources => {
                json!({ "code": "BadRequest", "message": "the query cannot be run", "details": [detail] })
            }
            Kind::Time => json!({ "code": "GatewayTimeout", "message": message }),
            Kind::Busy => json!({ "code": "RateLimiting", "message": message }),
            Kind::Internal => json!({ "code": "InternalServerError", "message": message }),
            Kind::Request => json!({ "code": code(status), "message": message, "details": [detail] }),
        };
        Failure { status, error }
    }

    /// 400: the version of the API.
    pub(super) fn version(message: &str) -> Failure {
        let error = json!({ "code": "InvalidApiVersionParameter", "message": message });
        Failure { status: StatusCode::BAD_REQUEST, error }
    }
}

fn code(status: StatusCode) -> &'static str {
    match status {
        StatusCode::UNAUTHORIZED => "AuthenticationFailed",
        StatusCode::PAYLOAD_TOO_LARGE => "RequestContentTooLarge",
        _ => "BadRequest",
    }
}

/// What is wrong with a query, and where.
pub(super) fn detail(fault: &Fault, query: &str) -> Value {
    let code = match fault.kind() {
        Kind::Syntax => "ParserFailure",
        Kind::Semantic => "InvalidQuery",
        Kind::Resources => "QueryLimitsExceeded",
        _ => "InvalidRequest",
    };
    let mut detail = json!({ "code": code, "message": fault.message() });
    if let (Some((line, column, token)), Some(members)) = (fault.place(query), detail.as_object_mut()) {
        members.insert("line".to_owned(), line.into());
        members.insert("characterPositionInLine".to_owned(), column.saturating_sub(1).into());
        members.insert("token".to_owned(), token.into());
    }
    detail
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let busy = self.status == StatusCode::TOO_MANY_REQUESTS;
        let mut response = (self.status, Json(json!({ "error": self.error }))).into_response();
        if busy {
            response.headers_mut().insert("retry-after", HeaderValue::from_static("5"));
        }
        response
    }
}

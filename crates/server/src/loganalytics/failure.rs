//! Errors in the shape of the service: `{"error": {code, message, innererror}}`.

use axum::Json;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use crate::queries::{Fault, Kind};

/// A status and the error that is told with it.
#[derive(Clone, Debug)]
pub(super) struct Failure {
    pub(super) status: StatusCode,
    pub(super) error: Value,
}

impl Failure {
    /// What a fault of a query is called there.
    pub(super) fn of(fault: &Fault, query: &str) -> Failure {
        let (status, message) = (fault.status(), fault.message());
        let error = match fault.kind() {
            Kind::Syntax => in_query("SyntaxError", "SYN0002", &message, fault.place(query)),
            Kind::Semantic => in_query("SemanticError", "SEM0100", &message, fault.place(query)),
            Kind::Resources => in_query("QueryLimitsExceededError", "E_LOW_MEMORY_CONDITION", &message, None),
            Kind::Time => json!({ "code": "GatewayTimeout", "message": message }),
            Kind::Busy => json!({ "code": "ThrottledError", "message": message }),
            Kind::Internal => json!({ "code": "InternalServerError", "message": message }),
            Kind::Request => json!({ "code": code(status), "message": message }),
        };
        Failure { status, error }
    }

    /// 404: there is nothing at this path.
    pub(super) fn no_path(path: &str) -> Failure {
        let message = format!("the path `{path}` does not exist; `/v1/workspaces/ID/query` does");
        let error = json!({ "code": "PathNotFoundError", "message": message });
        Failure { status: StatusCode::NOT_FOUND, error }
    }
}

fn code(status: StatusCode) -> &'static str {
    match status {
        StatusCode::UNAUTHORIZED => "InvalidTokenError",
        StatusCode::FORBIDDEN => "InsufficientAccessError",
        StatusCode::NOT_FOUND => "WorkspaceNotFoundError",
        StatusCode::PAYLOAD_TOO_LARGE => "RequestTooLargeError",
        StatusCode::REQUEST_TIMEOUT => "RequestTimeoutError",
        _ => "BadArgumentError",
    }
}

fn in_query(kind: &str, code: &str, message: &str, place: Option<(usize, usize, &str)>) -> Value {
    let mut innermost = json!({ "code": code, "message": message });
    if let (Some((line, column, token)), Some(members)) = (place, innermost.as_object_mut()) {
        members.insert("line".to_owned(), line.into());
        // Positions count from 0 there.
        members.insert("pos".to_owned(), column.saturating_sub(1).into());
        members.insert("token".to_owned(), token.into());
    }
    json!({
        "code": "BadArgumentError",
        "message": "the request had some invalid properties",
        "innererror": { "code": kind, "message": message, "innererror": innermost },
    })
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

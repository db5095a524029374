//! Errors in Kusto's shape, that of OneApiErrors.

use axum::Json;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use castellan_query::Cut;
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
        let place = fault.place(query);
        let at =
            place.map(|(line, column, _)| format!("[line:position={line}:{}]", column.saturating_sub(1)));
        let at = at.unwrap_or_default();
        let (code, name, start) = match fault.kind() {
            Kind::Syntax => ("BadRequest_SyntaxError", "SyntaxException", "Syntax error: "),
            Kind::Semantic => ("BadRequest_SemanticError", "SemanticException", "Semantic error: "),
            Kind::Resources => {
                ("LimitsExceeded", "KustoServicePartialQueryFailureLimitsExceededException", "")
            }
            Kind::Time => ("GatewayTimeout", "KustoServiceTimeoutException", ""),
            Kind::Busy => ("TooManyRequests", "KustoRequestThrottledException", ""),
            Kind::Internal => ("InternalServiceError", "KustoServiceException", ""),
            Kind::Request if fault.status() == StatusCode::UNAUTHORIZED => {
                ("Unauthorized", "KustoRequestDeniedException", "")
            }
            Kind::Request => ("General_BadRequest", "KustoBadRequestException", ""),
        };
        let message = format!("{start}{}{}{at}", fault.message(), if at.is_empty() { "" } else { " " });
        let is_lasting = !matches!(fault.kind(), Kind::Busy | Kind::Internal | Kind::Time);
        Failure { status: fault.status(), error: one(code, name, &message, is_lasting) }
    }
}

/// One error of OneApiErrors.
fn one(code: &str, name: &str, message: &str, is_permanent: bool) -> Value {
    json!({
        "code": code,
        "message": message,
        "@type": format!("Kusto.Data.Exceptions.{name}"),
        "@message": message,
        "@context": {},
        "@permanent": is_permanent,
    })
}

/// What is said in the place of rows that are not there.
pub(super) fn partial(cut: Cut) -> Value {
    let (code, message) = match cut {
        Cut::Rows => ("E_QUERY_RESULT_SET_TOO_LARGE", "the result has more rows than it may"),
        Cut::Bytes => ("E_QUERY_RESULT_SET_TOO_LARGE", "the result has more bytes than it may"),
        Cut::Time => ("E_QUERY_TIMED_OUT", "the time was over before all rows were there"),
    };
    let message = format!(
        "Query execution has exceeded the allowed limits ({code}): {message}; aggregate, filter or `take` fewer"
    );
    let name = "KustoServicePartialQueryFailureLimitsExceededException";
    json!({ "error": one("LimitsExceeded", name, &message, true) })
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

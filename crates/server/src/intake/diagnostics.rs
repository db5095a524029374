//! Diagnostic logs, as Azure's diagnostic settings write them.
//!
//! `POST /api/v1/diagnostics` takes `{"records": [...]}`, an array, one record, or one of these a line, packed with gzip or
//! not. The answer says how many rows each table got, and what was left out. A body that is sent again adds nothing.

use axum::extract::{Request, State};
use axum::http::HeaderValue;
use axum::http::StatusCode;
use axum::http::header::RETRY_AFTER;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use serde_json::json;

use super::body::{Body, content_type};
use super::keep::{Origin, keep, refusal, retry_after};
use super::{Intake, now};
use crate::Refusal;

/// What a body may say that it is.
const TYPES: [&str; 4] =
    ["application/json", "application/x-ndjson", "application/jsonl", "application/json-lines"];

pub(super) fn routes() -> Router<Intake> {
    Router::new().route("/api/v1/diagnostics", post(upload))
}

async fn upload(State(intake): State<Intake>, request: Request) -> Response {
    taken(&intake, request).await.unwrap_or_else(IntoResponse::into_response)
}

async fn taken(intake: &Intake, request: Request) -> Result<Response, Refusal> {
    if !TYPES.contains(&content_type(&request).as_str()) {
        let message = format!("the content type is not one of {}", TYPES.join(", "));
        return Err(Refusal::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, message));
    }
    let body = Body::read(&intake.gate, request, intake.gate.largest_body()).await?;
    let (bytes, held) = body.parts();
    let mapper = std::sync::Arc::clone(&intake.mapper);
    let (read, origin) = intake
        .gate
        .aside(move || {
            let origin = Origin::of_body("diagnostics", &bytes);
            let read = mapper.take(&bytes, now()).map_err(|error| Refusal::bad(error.to_string()))?;
            Ok::<_, Refusal>((read, origin))
        })
        .await?;
    let (rejected, problems) =
        (read.rejected, read.problems.iter().map(ToString::to_string).collect::<Vec<_>>());
    let tables: serde_json::Map<String, serde_json::Value> =
        read.rows.iter().map(|rows| (rows.table.to_string(), json!(rows.count))).collect();
    let kept = keep(&intake.lake, read.rows, origin).await;
    drop(held);
    match kept {
        Ok(kept) => {
            let answer = json!({
                "rows": kept.rows, "tables": tables, "rejected": rejected, "problems": problems,
                "notes": kept.notes(),
            });
            Ok(Json(answer).into_response())
        }
        Err(error) => {
            intake.tell_of(&error);
            let mut response = refusal(&error).into_response();
            if let Some(seconds) = retry_after(&error) {
                response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
            }
            Ok(response)
        }
    }
}

//! The API of Presidio's analyzer and anonymizer, in front of the detectors of the product.
//!
//! Requests and answers have the shapes of Presidio's two services (<https://microsoft.github.io/presidio/api-docs/>), so
//! clients of either work unchanged. `docs/classify.md` says what is the same and what differs.
//!
//! ```text
//! POST /analyze      -> analyzer:   catalogue (which detectors), engine, ad hoc recognisers, thresholds, allow list
//! POST /anonymize    -> anonymizer: conflicts between results, then one operator for each that is left
//! POST /deanonymize  -> anonymizer: one operator for each item
//! ```
//!
//! *Places* are counted in Unicode code points, as Python counts them.

mod analyzer;
mod anonymizer;
mod characters;

use std::sync::Arc;

use axum::extract::{Query, Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use castellan_classify::Engine;
use serde::Deserialize;

use crate::{Gate, Refusal};
use analyzer::{Analyzer, language};

#[derive(Clone)]
struct Service {
    gate: Gate,
    analyzer: Arc<Analyzer>,
}

/// The routes of both services, over the detectors of an engine.
pub fn router(engine: Engine, gate: Gate) -> Router {
    let service = Service { gate, analyzer: Arc::new(Analyzer::new(engine)) };
    Router::new()
        .route("/health", get(async || "Castellan is up"))
        .route("/analyze", post(analyze))
        .route("/recognizers", get(recognizers))
        .route("/supportedentities", get(supported_entities))
        .route("/anonymize", post(anonymize))
        .route("/deanonymize", post(deanonymize))
        .route("/anonymizers", get(async || Json(anonymizer::ANONYMIZERS)))
        .route("/deanonymizers", get(async || Json(anonymizer::DEANONYMIZERS)))
        .with_state(service)
}

async fn analyze(State(service): State<Service>, request: Request) -> Response {
    let analyzer = Arc::clone(&service.analyzer);
    service.gate.answer(request, StatusCode::BAD_REQUEST, move |asked| analyzer.answer(asked)).await
}

async fn anonymize(State(service): State<Service>, request: Request) -> Response {
    service.gate.answer(request, StatusCode::UNPROCESSABLE_ENTITY, anonymizer::anonymize).await
}

async fn deanonymize(State(service): State<Service>, request: Request) -> Response {
    service.gate.answer(request, StatusCode::UNPROCESSABLE_ENTITY, anonymizer::deanonymize).await
}

#[derive(Deserialize)]
struct Asked {
    language: Option<String>,
}

async fn recognizers(State(service): State<Service>, Query(asked): Query<Asked>) -> Response {
    told(asked, || service.analyzer.recognizers())
}

async fn supported_entities(State(service): State<Service>, Query(asked): Query<Asked>) -> Response {
    told(asked, || service.analyzer.entities())
}

fn told(asked: Asked, names: impl FnOnce() -> Vec<String>) -> Response {
    match asked.language.as_deref().filter(|code| !code.is_empty()).map_or(Ok(()), language::known) {
        Ok(()) => Json(names()).into_response(),
        Err(refusal) => Refusal::into_response(refusal),
    }
}

//! Custom categories: those that are trained (`text/categories`), and those that are few samples (`text/incidents`).
//!
//! Azure's service reads samples from its own blob storage. Here a request carries them itself, under the member
//! `castellan`, or names a file of a folder that was allowed at start.

mod categories;
mod incidents;
mod operations;
mod store;

use axum::Router;
use axum::http::HeaderMap;
use axum::routing::{get, post};
use serde::Deserialize;

use crate::contentsafety::{Asked, Failure, Operation, Service};

pub(crate) use store::Custom;

/// The parameters of operations that may name a version of a category.
#[derive(Debug, Deserialize)]
pub(crate) struct Versioned {
    #[serde(rename = "api-version")]
    api: Option<String>,
    version: Option<u32>,
}

impl Versioned {
    fn has(&self, operation: Operation) -> Result<(), Failure> {
        Asked::of(self.api.clone()).has(operation)
    }
}

/// The routes.
pub(crate) fn routes(base: &str) -> Router<Service> {
    let at = |path: &str| format!("{base}{path}");
    Router::new()
        .route(&at("/text:analyzeCustomCategory"), post(categories::analyze))
        .route(&at("/text/categories"), get(categories::list))
        .route(
            &at("/text/categories/{name}"),
            get(categories::get).put(categories::put).delete(categories::delete).post(categories::build),
        )
        .route(&at("/text/categories/operations/{id}"), get(categories::operation))
        .route(&at("/text:detectIncidents"), post(incidents::detect))
        .route(&at("/text/incidents"), get(incidents::list))
        .route(
            &at("/text/incidents/{name}"),
            get(incidents::get).patch(incidents::patch).delete(incidents::delete).post(incidents::act),
        )
        .route(&at("/text/incidents/operations/{id}"), get(incidents::operation))
        .route(&at("/text/incidents/{name}/incidentSamples"), get(incidents::samples))
        .route(&at("/text/incidents/{name}/incidentSamples/{id}"), get(incidents::sample))
}

/// The name that a client gave to an operation.
fn operation_id(headers: &HeaderMap) -> Option<&str> {
    headers.get("operation-id").and_then(|id| id.to_str().ok())
}

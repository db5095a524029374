//! The management of a workspace, as Azure Resource Manager has it: tables, how long they keep rows, rows that are taken
//! away, and summary rules.
//!
//! Requests and answers have the shapes of the service (`Microsoft.OperationalInsights/workspaces`,
//! <https://learn.microsoft.com/rest/api/loganalytics/>), so that `azure-mgmt-loganalytics` works unchanged. Whatever
//! subscription, group and workspace a request names, it means the one lake that is here. `docs/lake.md` says what is the
//! same and what differs.
//!
//! ```text
//! /subscriptions/{s}/resourceGroups/{g}/providers/Microsoft.OperationalInsights/workspaces/{w}
//!   GET                                  the workspace
//!   GET    /tables                       tables that hold rows or were made
//!   GET    /tables/{t}   PUT, PATCH      columns, retention      DELETE   the table and its rows
//!   POST   /purge                        take rows away          GET  /operations/{id}   how far that is
//!   GET    /summaryLogs                  summary rules
//!   GET    /summaryLogs/{n}   PUT   DELETE   POST /start  /stop  /retrybin
//! ```
//!
//! `/api/v1/lake/definitions/{name}` has the same summaries, and materialized tables, in the form of the lake itself.

mod definitions;
mod failure;
mod purge;
mod summaries;
mod tables;

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, Request, State};
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use castellan_lake::Lake;
use serde_json::{Value, json};

use crate::Gate;
use crate::incidents::Face;
use crate::queries::{no_other_site, parameter};
pub(crate) use failure::Failure;
use purge::Purges;

/// Where resources of Azure are.
const PREFIX: &str = "/subscriptions/";
/// The provider and its type, as segments of a path.
const TYPE: [&str; 3] = ["providers", "microsoft.operationalinsights", "workspaces"];

/// What requests work on.
#[derive(Clone)]
pub(crate) struct Service {
    lake: Arc<Lake>,
    gate: Gate,
    purges: Purges,
    incidents: Option<Face>,
}

/// Whether a path belongs to this API.
pub(crate) fn is_at(path: &str) -> bool {
    path.starts_with(PREFIX)
}

/// What is answered to a request without the token.
pub(crate) fn refused(refusal: crate::Refusal) -> Response {
    Failure::from(refusal).into_response()
}

/// The routes. Whoever may ask here may change and remove: they are served to those alone whose queries see everything.
///
/// Where there are incidents, they are below the workspace, as `providers/Microsoft.SecurityInsights/incidents`.
pub fn router(lake: Arc<Lake>, gate: Gate, incidents: Option<Face>) -> Router {
    let service = Service { lake, gate, purges: Purges::default(), incidents };
    Router::new()
        .route("/subscriptions/{*path}", any(resource))
        .route("/api/v1/lake/definitions", any(definitions::all))
        .route("/api/v1/lake/definitions/{name}", any(definitions::one))
        .route("/api/v1/lake/definitions/{name}/run", any(definitions::run))
        .with_state(service)
}

/// A resource that a request names.
struct Place<'p> {
    /// The id of the workspace, as the request has it.
    id: String,
    name: &'p str,
    /// What follows behind the workspace.
    rest: Vec<&'p str>,
}

impl Place<'_> {
    /// `None` for what is no part of a workspace. Names of types have no case.
    fn of(path: &str) -> Option<Place<'_>> {
        let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
        let [subscription, groups, group, providers, provider, kind, name, rest @ ..] = parts.as_slice()
        else {
            return None;
        };
        let is_type = [providers, provider, kind]
            .iter()
            .zip(TYPE)
            .all(|(said, known)| said.eq_ignore_ascii_case(known));
        (is_type && groups.eq_ignore_ascii_case("resourceGroups")).then(|| Place {
            id: format!(
                "{PREFIX}{subscription}/resourceGroups/{group}/providers/Microsoft.OperationalInsights/workspaces/{name}"
            ),
            name,
            rest: rest.to_vec(),
        })
    }
}

async fn resource(State(service): State<Service>, Path(path): Path<String>, request: Request) -> Response {
    answered(&service, &path, request).await.unwrap_or_else(IntoResponse::into_response)
}

async fn answered(service: &Service, path: &str, request: Request) -> Result<Response, Failure> {
    no_other_site(request.headers())?;
    Gate::no_page(&request)?;
    let nothing =
        || Failure::missing("this resource is not here; `docs/lake.md` says which operations there are");
    let place = Place::of(path).ok_or_else(nothing)?;
    if parameter(request.uri().query(), "api-version").is_none() {
        return Err(Failure::new(
            StatusCode::BAD_REQUEST,
            "MissingApiVersionParameter",
            "the parameter `api-version` is missing; add `?api-version=2025-07-01`",
        ));
    }
    let method = request.method().clone();
    let segments: Vec<String> = place.rest.iter().map(|part| part.to_ascii_lowercase()).collect();
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    let name = place.rest.get(1).copied().unwrap_or_default();
    match (segments.as_slice(), &method) {
        (["providers", "microsoft.securityinsights", ..], _) => {
            let face = service.incidents.as_ref().ok_or_else(nothing)?;
            let rest = place.rest.get(2..).unwrap_or_default();
            crate::incidents::resource(face, &place.id, rest, request).await
        }
        ([], &Method::GET) => Ok(json_of(&workspace(service, &place))),
        (["tables"], &Method::GET) => Ok(json_of(&tables::list(service, &place))),
        (["tables", _], &Method::GET) => tables::get(service, &place, name),
        (["tables", _], &Method::PUT | &Method::PATCH) => tables::put(service, &place, name, request).await,
        (["tables", _], &Method::DELETE) => tables::delete(service, name).await,
        (["purge"], &Method::POST) => purge::begin(service, &place, request).await,
        (["operations", _], &Method::GET) => purge::state(service, name),
        (["summarylogs"], &Method::GET) => Ok(json_of(&summaries::list(service, &place))),
        (["summarylogs", _], &Method::GET) => summaries::get(service, &place, name),
        (["summarylogs", _], &Method::PUT) => summaries::put(service, &place, name, request).await,
        (["summarylogs", _], &Method::DELETE) => summaries::delete(service, name),
        (["summarylogs", _, "start"], &Method::POST) => summaries::switch(service, name, true).await,
        (["summarylogs", _, "stop"], &Method::POST) => summaries::switch(service, name, false).await,
        (["summarylogs", _, "retrybin"], &Method::POST) => summaries::retry(service, name, request).await,
        _ => Err(nothing()),
    }
}

fn workspace(service: &Service, place: &Place<'_>) -> Value {
    json!({
        "id": place.id, "name": place.name, "type": "Microsoft.OperationalInsights/workspaces", "location": "local",
        "properties": {
            "customerId": service.lake.workspace(), "provisioningState": "Succeeded",
            "sku": { "name": "PerGB2018" }, "publicNetworkAccessForIngestion": "Disabled",
            "publicNetworkAccessForQuery": "Disabled",
        },
    })
}

fn json_of(value: &Value) -> Response {
    (StatusCode::OK, axum::Json(value)).into_response()
}

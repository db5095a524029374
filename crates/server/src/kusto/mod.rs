//! Kusto's REST API, versions 1 and 2, over the tables here.
//!
//! Requests and answers have the shapes of Azure Data Explorer
//! (<https://learn.microsoft.com/kusto/api/rest/>), so that `azure-kusto-data` and Grafana's plugin work unchanged. There is
//! one database, whose name is the server's; commands are read-only. `docs/query-api.md` says what is answered.
//!
//! ```text
//! /v2/rest/query          -> v2:       frames
//! /v1/rest/query          -> v1:       tables; commands too, as Grafana sends them
//! /v1/rest/mgmt           -> commands: `.show ...`
//! /v1/rest/auth/metadata  -> how clients would sign in
//! ```

mod ask;
mod commands;
mod failure;
mod v1;
mod v2;

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::json;

use crate::Queries;
use crate::queries::{Fault, body_of};
use ask::Question;
use failure::Failure;

/// How the service is run.
#[derive(Clone, Debug)]
pub struct Options {
    /// The name of the database.
    pub database: String,
    /// The name of the cluster, as `.show cluster` tells it.
    pub cluster: String,
}

impl Default for Options {
    fn default() -> Options {
        Options { database: "castellan".to_owned(), cluster: "castellan".to_owned() }
    }
}

/// What the operations share.
#[derive(Clone)]
struct Service {
    queries: Queries,
    options: Arc<Options>,
}

/// The two shapes of answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Version {
    V1,
    V2,
}

/// Whether a path belongs to this API.
pub(crate) fn is_at(path: &str) -> bool {
    path.starts_with("/v1/rest/") || path.starts_with("/v2/rest/")
}

/// What is answered to a request without the token.
pub(crate) fn refused(refusal: crate::Refusal) -> Response {
    Failure::of(&Fault::from(refusal), "").into_response()
}

/// The routes of the service.
pub fn router(queries: Queries, options: Options) -> Router {
    let service = Service { queries, options: Arc::new(options) };
    Router::new()
        .route("/v1/rest/query", post(first))
        .route("/v1/rest/mgmt", post(first))
        .route("/v2/rest/query", post(second))
        .route("/v1/rest/auth/metadata", get(metadata))
        .with_state(service)
}

async fn first(State(service): State<Service>, request: Request) -> Response {
    service.answer(request, Version::V1).await
}

async fn second(State(service): State<Service>, request: Request) -> Response {
    service.answer(request, Version::V2).await
}

/// Where clients sign in: here they show a token that they have. The members are those that clients insist on.
async fn metadata() -> Response {
    Json(json!({
        "AzureAD": {
            "LoginEndpoint": "https://login.microsoftonline.com",
            "LoginMfaRequired": false,
            "KustoClientAppId": "",
            "KustoClientRedirectUri": "http://localhost",
            "KustoServiceResourceId": "https://kusto.kusto.windows.net",
            "FirstPartyAuthorityUrl": "",
        },
    }))
    .into_response()
}

impl Service {
    async fn answer(&self, request: Request, version: Version) -> Response {
        let headers = request.headers().get("x-ms-client-request-id").cloned();
        let mut response = match body_of::<Question>(&self.queries.gate, request).await {
            Ok(body) => self.told(&body.said, version).await,
            Err(fault) => Failure::of(&fault, "").into_response(),
        };
        let own = axum::http::HeaderValue::from_str(&uuid::Uuid::new_v4().to_string());
        if let Ok(own) = own {
            let echoed = headers.unwrap_or_else(|| own.clone());
            response.headers_mut().insert("x-ms-client-request-id", echoed);
            response.headers_mut().insert("x-ms-activity-id", own);
        }
        response
    }

    async fn told(&self, question: &Question, version: Version) -> Response {
        let is_command = question.csl.trim_start().starts_with('.');
        let told = match (is_command, version) {
            (true, _) => commands::answer(self, question).await,
            (false, version) => self.ask(question, version).await,
        };
        match told {
            Ok(body) => ([("content-type", "application/json; charset=utf-8")], body).into_response(),
            Err(fault) => Failure::of(&fault, &question.csl).into_response(),
        }
    }

    /// Errors: the database is another one.
    fn known(&self, database: Option<&str>) -> Result<(), Fault> {
        let own = &self.options.database;
        match database.map(str::trim).filter(|name| !name.is_empty()) {
            // The client's own name for any database.
            Some(name) if !name.eq_ignore_ascii_case(own) && name != "NetDefaultDB" => {
                Err(Fault::bad(format!("there is no database `{name}` here; ask `{own}`")))
            }
            _ => Ok(()),
        }
    }
}

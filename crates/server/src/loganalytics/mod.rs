//! The query API of Azure Monitor's logs, over the tables here.
//!
//! Requests and answers have the shapes of the service
//! (<https://learn.microsoft.com/azure/azure-monitor/logs/api/overview>), so that `LogsQueryClient` works unchanged once
//! its endpoint says where this is. A timespan and the resource that is asked for are conditions on the tables themselves,
//! as roles have them: a query can only narrow them. `docs/query-api.md` says what is the same and what differs.
//!
//! ```text
//! /v1/workspaces/{id}/query           all tables            GET, POST
//! /v1/subscriptions/.../query         rows of one resource  GET, POST
//! /v1/$batch                          several of the first  POST
//! /v1/workspaces/{id}/metadata        tables and columns    GET, POST
//! ```

mod answer;
mod ask;
mod batch;
mod failure;
mod metadata;
mod prefer;
mod timespan;

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, Request, State};
use axum::http::{Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};

use crate::Queries;
use crate::queries::{Fault, body_of, no_other_site, parameter};
use ask::{Question, Target};
use failure::Failure;
use prefer::Prefer;

/// How the service is run.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// The workspace ids that are answered; any where there are none.
    pub workspaces: Vec<String>,
}

/// What the operations share.
#[derive(Clone)]
struct Service {
    queries: Queries,
    options: Arc<Options>,
}

/// Whether a path belongs to this API.
pub(crate) fn is_at(path: &str) -> bool {
    ["/v1/workspaces/", "/v1/subscriptions/", "/v1//subscriptions/", "/v1/$batch"]
        .iter()
        .any(|start| path.starts_with(start))
}

/// What is answered to a request without the token.
pub(crate) fn refused(refusal: crate::Refusal) -> Response {
    Failure::of(&Fault::from(refusal), "").into_response()
}

/// The routes of the service.
pub fn router(queries: Queries, options: Options) -> Router {
    let service = Service { queries, options: Arc::new(options) };
    Router::new()
        .route("/v1/workspaces/{id}/query", get(of_workspace).post(of_workspace))
        .route("/v1/workspaces/{id}/metadata", get(schema).post(schema))
        .route("/v1/workspaces/{id}/{*rest}", get(nowhere).post(nowhere))
        .route("/v1/subscriptions/{*rest}", get(of_resource).post(of_resource))
        // A client that puts the id as Azure writes it behind the version.
        .route("/v1//subscriptions/{*rest}", get(of_resource).post(of_resource))
        .route("/v1/$batch", post(several))
        .with_state(service)
}

async fn nowhere(uri: Uri) -> Response {
    Failure::no_path(uri.path()).into_response()
}

async fn of_workspace(State(service): State<Service>, Path(id): Path<String>, request: Request) -> Response {
    service.answer(Target::Workspace(id), request).await
}

async fn of_resource(State(service): State<Service>, Path(rest): Path<String>, request: Request) -> Response {
    let Some(resource) = rest.strip_suffix("/query") else { return nowhere(request.uri().clone()).await };
    match Target::resource(&format!("/subscriptions/{resource}")) {
        Ok(target) => service.answer(target, request).await,
        Err(fault) => Failure::of(&fault, "").into_response(),
    }
}

async fn schema(State(service): State<Service>, Path(id): Path<String>) -> Response {
    let told = async {
        service.known(&id)?;
        let tables = service.queries.schema(Vec::new()).await?;
        Ok(metadata::of(&id, &tables))
    };
    told.await.map_or_else(|fault| Failure::of(&fault, "").into_response(), sent)
}

async fn several(State(service): State<Service>, request: Request) -> Response {
    match batch::answer(&service, request).await {
        Ok(body) => sent(body),
        Err(fault) => Failure::of(&fault, "").into_response(),
    }
}

/// A body of JSON.
fn sent(body: String) -> Response {
    ([("content-type", "application/json; charset=utf-8")], body).into_response()
}

impl Service {
    async fn answer(&self, target: Target, request: Request) -> Response {
        let prefer = match Prefer::of(request.headers()) {
            Ok(prefer) => prefer,
            Err(fault) => return Failure::of(&fault, "").into_response(),
        };
        let read = async {
            if request.method() == Method::GET {
                no_other_site(request.headers())?;
                let place = self.queries.gate.place().await?;
                return Ok((question_of(request.uri())?, place));
            }
            let body = body_of::<Question>(&self.queries.gate, request).await?;
            Ok((body.said, body.place))
        };
        let (question, _place) = match read.await {
            Ok(read) => read,
            Err(fault) => return Failure::of(&fault, "").into_response(),
        };
        let text = question.query.clone();
        match self.ask(target, question, prefer, self.queries.bounds().bytes).await {
            Ok(body) => sent(body),
            Err(fault) => Failure::of(&fault, &text).into_response(),
        }
    }

    /// Errors: the workspace is not this one.
    fn known(&self, id: &str) -> Result<(), Fault> {
        let own = &self.options.workspaces;
        if own.is_empty() || own.iter().any(|known| known.eq_ignore_ascii_case(id)) {
            return Ok(());
        }
        let message = format!("there is no workspace `{id}` here; ask for {}", own.join(" or "));
        Err(Fault::Refused(crate::Refusal::new(StatusCode::NOT_FOUND, message)))
    }
}

/// The question that an address asks.
fn question_of(uri: &Uri) -> Result<Question, Fault> {
    let query = parameter(uri.query(), "query")
        .ok_or_else(|| Fault::bad("the parameter `query` is missing; add `?query=` and a query"))?;
    Ok(Question { query, timespan: parameter(uri.query(), "timespan"), workspaces: None })
}

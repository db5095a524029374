//! Tables that queries fill, in the form of the lake: summaries and materialized tables.

use axum::extract::{Path, Request, State};
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Response};
use castellan_lake::Definition;
use serde_json::{Value, json};

use super::{Failure, Service, json_of};
use crate::Gate;
use crate::queries::no_other_site;

fn allowed(request: &Request) -> Result<(), Failure> {
    no_other_site(request.headers())?;
    Gate::no_page(request)?;
    Ok(())
}

fn only(methods: &'static str) -> Failure {
    Failure::new(StatusCode::METHOD_NOT_ALLOWED, "MethodNotAllowed", format!("here there are {methods}"))
}

pub(super) async fn all(State(service): State<Service>, request: Request) -> Response {
    let told = allowed(&request).and_then(|()| match *request.method() {
        Method::GET => Ok(json_of(&json!({ "value": service.lake.definitions() }))),
        _ => Err(only("GET")),
    });
    told.unwrap_or_else(IntoResponse::into_response)
}

pub(super) async fn one(
    State(service): State<Service>,
    Path(name): Path<String>,
    request: Request,
) -> Response {
    changed(&service, &name, request).await.unwrap_or_else(IntoResponse::into_response)
}

async fn changed(service: &Service, name: &str, request: Request) -> Result<Response, Failure> {
    allowed(&request)?;
    match *request.method() {
        Method::GET => {
            let found = service.lake.definitions().into_iter().find(|definition| definition.name() == name);
            let found = found.ok_or_else(|| Failure::missing(format!("there is no definition `{name}`")))?;
            Ok(json_of(&json!(found)))
        }
        Method::PUT => {
            let (mut asked, _place) = service.gate.read::<Value>(request, StatusCode::BAD_REQUEST).await?;
            if let Some(members) = asked.as_object_mut() {
                members.insert("name".to_owned(), name.into());
            }
            let definition: Definition = serde_json::from_value(asked)
                .map_err(|error| Failure::bad(format!("this is no definition: {error}")))?;
            Ok(json_of(&json!(service.lake.define(definition).await?)))
        }
        Method::DELETE => {
            service.lake.undefine(name)?;
            Ok(StatusCode::NO_CONTENT.into_response())
        }
        _ => Err(only("GET, PUT and DELETE")),
    }
}

/// Runs what is due, now.
pub(super) async fn run(
    State(service): State<Service>,
    Path(name): Path<String>,
    request: Request,
) -> Response {
    ran(&service, &name, request).await.unwrap_or_else(IntoResponse::into_response)
}

async fn ran(service: &Service, name: &str, request: Request) -> Result<Response, Failure> {
    allowed(&request)?;
    if request.method() != Method::POST {
        return Err(only("POST"));
    }
    drop(request);
    let runs = service.lake.run_definition(name).await?;
    let runs = runs.iter().map(|run| json!({ "rows": run.rows, "milliseconds": millis(run.took) }));
    Ok(json_of(&json!({ "runs": runs.collect::<Vec<_>>() })))
}

fn millis(took: std::time::Duration) -> u64 {
    u64::try_from(took.as_millis()).unwrap_or(u64::MAX)
}

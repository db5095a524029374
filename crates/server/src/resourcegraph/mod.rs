//! The query API of Azure Resource Graph, over the resources of an estate.
//!
//! Requests and answers have the shapes of the service
//! (<https://learn.microsoft.com/rest/api/azureresourcegraph/>), so that `azure-mgmt-resourcegraph` works unchanged.
//! Subscriptions are a condition on the tables themselves, as roles have them. `docs/query-api.md` says what is the same
//! and what differs.
//!
//! ```text
//! POST /providers/Microsoft.ResourceGraph/resources
//! ```

mod ask;
mod facets;
mod failure;
mod page;

use axum::Router;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use axum::routing::post;

use crate::Queries;
use crate::queries::{Fault, body_of, parameter};
use ask::Question;
use failure::Failure;

/// Where the service is.
const PATH: &str = "/providers/Microsoft.ResourceGraph/resources";

/// The versions that are answered; they differ in nothing that is answered here.
const VERSIONS: [&str; 6] =
    ["2021-03-01", "2021-06-01-preview", "2022-10-01", "2024-04-01", "2019-04-01", "2020-04-01-preview"];

/// Whether a path belongs to this API.
pub(crate) fn is_at(path: &str) -> bool {
    path.eq_ignore_ascii_case(PATH)
}

/// What is answered to a request without the token.
pub(crate) fn refused(refusal: crate::Refusal) -> Response {
    Failure::of(&Fault::from(refusal), "").into_response()
}

/// The routes of the service.
pub fn router(queries: Queries) -> Router {
    Router::new()
        .route(PATH, post(resources))
        // Names of providers have no case, and some clients write it so.
        .route("/providers/microsoft.resourcegraph/resources", post(resources))
        .with_state(queries)
}

async fn resources(State(queries): State<Queries>, request: Request) -> Response {
    if let Err(failure) = version(request.uri().query()) {
        return failure.into_response();
    }
    let (question, _place) = match body_of::<Question>(&queries.gate, request).await {
        Ok(body) => (body.said, body.place),
        Err(fault) => return Failure::of(&fault, "").into_response(),
    };
    match ask::answer(&queries, &question).await {
        Ok(body) => ([("content-type", "application/json; charset=utf-8")], body).into_response(),
        Err(fault) => Failure::of(&fault, &question.query).into_response(),
    }
}

fn version(query: Option<&str>) -> Result<(), Failure> {
    match parameter(query, "api-version") {
        None => {
            Err(Failure::version("the parameter `api-version` is missing; add `?api-version=2024-04-01`"))
        }
        Some(said) if VERSIONS.iter().any(|known| known.eq_ignore_ascii_case(&said)) => Ok(()),
        Some(said) => {
            let message = format!("`{said}` is no version of this API; use one of {}", VERSIONS.join(", "));
            Err(Failure::version(&message))
        }
    }
}

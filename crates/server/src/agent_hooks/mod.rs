//! `agent:evaluate`: whether an agent may go on, as Agent Hooks 0.1 asks it of an evaluator.
//!
//! A host sends what its agent is about to do or has just received, and gets a verdict: allow or deny. That a request is
//! answered with 200 permits nothing; the verdict does. The specification is explicit that hooks are no boundary against
//! a host that ignores them.

mod context;
mod verdict;

use std::sync::Arc;

use axum::Router;
use axum::extract::{Query, Request, State};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::post;
use serde::Deserialize;
use serde_json::Value;

use crate::Gate;
use crate::contentsafety::{Failure, told};
use crate::guard;
use crate::judge::Judge;
use crate::policy::Policy;
use context::Context;
use verdict::Verdict;

#[derive(Clone)]
struct Service {
    gate: Gate,
    judge: Arc<dyn Judge>,
}

/// The routes: `/agent:evaluate`, and the same under `/contentsafety`, where Azure has it.
pub fn router(judge: Arc<dyn Judge>, gate: Gate) -> Router {
    Router::new()
        .route("/agent:evaluate", post(evaluate))
        .route("/contentsafety/agent:evaluate", post(evaluate))
        .with_state(Service { gate, judge })
}

#[derive(Debug, Deserialize)]
struct Asked {
    #[serde(rename = "policyId")]
    policy: Option<String>,
}

async fn evaluate(State(service): State<Service>, Query(asked): Query<Asked>, request: Request) -> Response {
    let judge = Arc::clone(&service.judge);
    let work = move |value: Value| {
        let policy = Policy::named(asked.policy.as_deref()).map_err(Failure::missing)?;
        if value.to_string().len() > context::LARGEST {
            return Err(Failure::body(format!("the context is larger than {} bytes", context::LARGEST)));
        }
        let context = Context::new(value).map_err(Failure::body)?;
        let judged = guard::judge(&*judge, context.parts());
        Ok(Verdict::new(policy, context.point, &judged))
    };
    told(service.gate.worked(request, StatusCode::BAD_REQUEST, work).await)
}

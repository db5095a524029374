//! `agent:evaluate`: whether an agent may go on, as Agent Hooks 0.1 asks it of an evaluator.
//!
//! A host sends what its agent is about to do or has just received, and gets a verdict: allow or deny. That a request is
//! answered with 200 permits nothing; the verdict does. The specification is explicit that hooks are no boundary against
//! a host that ignores them. Orders of playbooks go before what the guardrails say: an agent, tool or model that is blocked
//! is denied whatever it says.

mod context;
mod verdict;

use std::sync::Arc;

use axum::Router;
use axum::extract::{Query, Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use castellan_base::{OsSystem, System};
use serde::Deserialize;
use serde_json::Value;

use crate::Gate;
use crate::contentsafety::{self, Failure, told};
use crate::guard;
use crate::judge::Judge;
use crate::policy::Policy;
use castellan_respond::actions::{Orders, Ruling};
use context::{Context, Point};
use verdict::Verdict;

#[derive(Clone)]
struct Service {
    gate: Gate,
    judge: Arc<dyn Judge>,
    orders: Option<Arc<Orders>>,
}

/// The routes: `/agent:evaluate`, and the same under `/contentsafety`, where Azure has it. Orders hold where there are any.
pub fn router(judge: Arc<dyn Judge>, gate: Gate, orders: Option<Arc<Orders>>) -> Router {
    let gate = gate.at_most(context::LARGEST);
    Router::new()
        .route("/agent:evaluate", post(evaluate))
        .route("/contentsafety/agent:evaluate", post(evaluate_versioned))
        .with_state(Service { gate, judge, orders })
}

#[derive(Debug, Deserialize)]
struct Asked {
    #[serde(rename = "policyId")]
    policy: Option<String>,
}

/// Azure's path has a version.
async fn evaluate_versioned(
    Query(version): Query<contentsafety::Asked>,
    service: State<Service>,
    asked: Query<Asked>,
    request: Request,
) -> Response {
    match version.has(contentsafety::Operation::Evaluate) {
        Ok(()) => evaluate(service, asked, request).await,
        Err(failure) => failure.into_response(),
    }
}

async fn evaluate(State(service): State<Service>, Query(asked): Query<Asked>, request: Request) -> Response {
    let (judge, orders) = (Arc::clone(&service.judge), service.orders.clone());
    let work = move |value: Value| {
        let mut policy = Policy::named(asked.policy.as_deref()).map_err(Failure::missing)?;
        let context = Context::new(value).map_err(Failure::body)?;
        let ruling = orders.and_then(|orders| {
            orders.ruling(&context.subjects(), context.point.is_request(), OsSystem.now())
        });
        match ruling {
            Some(Ruling::Denied { word, message, order }) if context.point != Point::AgentShutdown => {
                return Ok(Verdict::ordered(context.point, word, message, order));
            }
            Some(Ruling::Stricter { severity }) => policy.severity = policy.severity.min(severity),
            _ => {}
        }
        let judged = guard::judge(&*judge, context.parts());
        Ok(Verdict::new(policy, context.point, &judged))
    };
    let done: Result<Verdict, Failure> = service.gate.worked(request, StatusCode::BAD_REQUEST, work).await;
    // The interface has no status for what is too large: such a context is a wrong one.
    told(done.map_err(|failure| failure.or_bad_request(StatusCode::PAYLOAD_TOO_LARGE)))
}

//! The API of Azure AI Content Safety, in front of the shield.
//!
//! Requests and answers have the shapes of the service
//! (<https://learn.microsoft.com/rest/api/contentsafety/>), so its clients work unchanged; what is said beyond them
//! stands under one member, `castellan`. `docs/shield.md` says what is the same and what differs.
//!
//! ```text
//! text:analyze           -> analyze:       four harms, block lists
//! text:shieldPrompt      -> shield_prompt: attacks in a prompt and in documents
//! text/blocklists        -> blocklists:    lists and their items, effective at once
//! text:detectGroundedness -> grounded:     claims that sources do not support
//! agent:analyzeTaskAdherence -> adherence: tool calls that nobody asked for
//! text:detectProtectedMaterial[ForCode] -> protected: what stands in protected texts
//! text/categories, text/incidents -> custom: categories of one's own
//! content:unifiedModerate-> moderate:      attacks and harms, by a policy
//! ```

mod adherence;
mod analyze;
mod blocklists;
mod custom;
mod failure;
mod grounded;
mod kept;
mod limits;
mod moderate;
mod page;
mod protected;
mod shield_prompt;
mod version;

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use axum::extract::{Query, Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use castellan_shield::protected::Index;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::Gate;
use crate::judge::Judge;
use blocklists::Lists;
use custom::Custom;

pub use failure::Failure;
pub(crate) use version::{Asked, Operation};

/// Where the service is.
const BASE: &str = "/contentsafety";

/// Whether a path belongs to this API.
pub(crate) fn is_at(path: &str) -> bool {
    path.strip_prefix(BASE).is_some_and(|rest| rest.starts_with('/'))
}

/// What the operations share.
#[derive(Clone)]
pub(crate) struct Service {
    gate: Gate,
    judge: Arc<dyn Judge>,
    lists: Arc<Lists>,
    protected: Arc<Vec<Index>>,
    custom: Arc<Custom>,
    /// Whether the limits of Azure's service are kept.
    limits: bool,
    /// Whether links in answers begin with `https`.
    secure: bool,
}

/// How the service is run.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Whether texts longer than Azure's service takes are refused as there. Otherwise only the size of a request is
    /// limited.
    pub limits: bool,
    /// Whether clients come by `https`, as links in answers have to say.
    pub secure: bool,
    /// The file in which block lists are kept; they end with the process where there is none.
    pub blocklists: Option<PathBuf>,
    /// Protected texts that `text:detectProtectedMaterial` compares with; it is refused without any.
    pub protected: Vec<Index>,
    /// The file in which custom categories are kept; they end with the process where there is none.
    pub categories: Option<PathBuf>,
    /// The folder whose files requests may name as `file:NAME` to train categories from.
    pub category_samples: Option<PathBuf>,
}

/// The routes of the service.
///
/// # Errors
/// When the file of block lists or that of categories cannot be read, and which of them.
pub fn router(judge: Arc<dyn Judge>, gate: Gate, options: Options) -> io::Result<Router> {
    let lists = Lists::kept(options.blocklists).map_err(|error| named("block lists", error))?;
    let custom = Custom::kept(options.categories, options.category_samples);
    let service = Service {
        gate,
        judge,
        lists: Arc::new(lists),
        protected: Arc::new(options.protected),
        custom: Arc::new(custom.map_err(|error| named("categories", error))?),
        limits: options.limits,
        secure: options.secure,
    };
    let at = |path: &str| format!("{BASE}{path}");
    let routes = Router::new()
        .route(&at("/text:analyze"), post(analyze))
        .route(&at("/text:shieldPrompt"), post(shield_prompt))
        .route(&at("/content:unifiedModerate"), post(moderate))
        .route(&at("/text:detectGroundedness"), post(groundedness))
        .route(&at("/agent:analyzeTaskAdherence"), post(task_adherence))
        .route(&at("/text:detectProtectedMaterial"), post(protected_text))
        .route(&at("/text:detectProtectedMaterialForCode"), post(protected_code))
        .route(&at("/image:analyze"), post(image))
        .route(&at("/text/blocklists"), get(blocklists::lists))
        .route(
            &at("/text/blocklists/{name}"),
            get(blocklists::list).patch(blocklists::put).delete(blocklists::delete).post(blocklists::act),
        )
        .route(&at("/text/blocklists/{name}/blocklistItems"), get(blocklists::items))
        .route(&at("/text/blocklists/{name}/blocklistItems/{item}"), get(blocklists::item))
        .merge(custom::routes(BASE))
        .with_state(service);
    Ok(routes)
}

fn named(what: &str, error: io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("the file of {what} cannot be read: {error}"))
}

async fn analyze(State(service): State<Service>, Query(asked): Query<Asked>, request: Request) -> Response {
    service.answer(asked.has(Operation::AnalyzeText), request, analyze::answer).await
}

async fn shield_prompt(
    State(service): State<Service>,
    Query(asked): Query<Asked>,
    request: Request,
) -> Response {
    service.answer(asked.has(Operation::ShieldPrompt), request, shield_prompt::answer).await
}

async fn moderate(State(service): State<Service>, Query(asked): Query<Asked>, request: Request) -> Response {
    service.answer(asked.has(Operation::UnifiedModerate), request, moderate::answer).await
}

async fn groundedness(
    State(service): State<Service>,
    Query(asked): Query<Asked>,
    request: Request,
) -> Response {
    service.answer(asked.has(Operation::Groundedness), request, grounded::answer).await
}

async fn task_adherence(
    State(service): State<Service>,
    Query(asked): Query<Asked>,
    request: Request,
) -> Response {
    service.answer(asked.has(Operation::TaskAdherence), request, adherence::answer).await
}

async fn protected_text(
    State(service): State<Service>,
    Query(asked): Query<Asked>,
    request: Request,
) -> Response {
    service.answer(asked.has(Operation::ProtectedText), request, protected::text).await
}

async fn protected_code(
    State(service): State<Service>,
    Query(asked): Query<Asked>,
    request: Request,
) -> Response {
    service.answer(asked.has(Operation::ProtectedCode), request, protected::code).await
}

async fn image(Query(asked): Query<Asked>) -> Failure {
    let unsupported = || Failure::unsupported("images are not judged here; only texts are");
    asked.has(Operation::AnalyzeImage).err().unwrap_or_else(unsupported)
}

impl Service {
    /// Reads a request, has it answered, and sends the answer or why there is none.
    async fn answer<Asked, Answer>(
        &self,
        version: Result<(), Failure>,
        request: Request,
        work: fn(&Service, Asked) -> Result<Answer, Failure>,
    ) -> Response
    where
        Asked: DeserializeOwned + 'static,
        Answer: Serialize + Send + 'static,
    {
        if let Err(failure) = version {
            return failure.into_response();
        }
        let service = self.clone();
        let worked = self.gate.worked(request, StatusCode::BAD_REQUEST, move |asked| work(&service, asked));
        told(worked.await)
    }
}

/// An answer as JSON, or a failure.
pub(crate) fn told<Answer: Serialize>(answer: Result<Answer, Failure>) -> Response {
    match answer {
        Ok(answer) => Json(answer).into_response(),
        Err(failure) => failure.into_response(),
    }
}

/// 204, or a failure.
pub(crate) fn no_content(done: Result<(), Failure>) -> Response {
    match done {
        Ok(()) => StatusCode::NO_CONTENT.into_response(),
        Err(failure) => failure.into_response(),
    }
}

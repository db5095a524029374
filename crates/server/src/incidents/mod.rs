//! Incidents, for people and programs that work on them.
//!
//! * Microsoft Sentinel's API (`Microsoft.SecurityInsights/incidents`,
//!   <https://learn.microsoft.com/rest/api/securityinsights/incidents>), below any workspace, so that
//!   `azure-mgmt-securityinsight` works unchanged.
//! * `/api/v1/incidents`, with what that has not: orders, merging and splitting, timelines, graphs, exports, evidence, the
//!   audit log.
//!
//! Both need the token of the server. Sealed originals need a second one on top, the header `X-Castellan-Reveal`: whoever
//! works on incidents does not thereby read prompts. What is given then is still sealed; the private key is nowhere here.
//! `docs/incidents.md` says what is the same as in the service and what differs.

mod arm;
mod comments;
mod entities;
mod filter;
mod order;
mod shape;
mod tasks;

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::header::{CONTENT_TYPE, HOST, X_CONTENT_TYPE_OPTIONS};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use castellan_base::{OsSystem, System as _};
use castellan_incident::Desk;
use castellan_incident::api::{self, Answer, Asked, Failure as Fault, FailureKind};
use serde_json::{Value, json};

use crate::console::Failure;
use crate::queries::{no_other_site, parameters};
use crate::{Gate, Refusal, Token};

pub(crate) use arm::resource;

/// Where our own API is.
const BASE: &str = "/api/v1/incidents";
/// The header that shows the second token.
const REVEAL: &str = "x-castellan-reveal";

/// What the face needs beside the desk.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// What whoever opens evidence has to show. Nobody may, where there is none.
    pub reveal: Option<Token>,
    /// Whether connections are encrypted, for links to further pages.
    pub secure: bool,
}

/// A desk that requests work on. It is cheap to clone.
#[derive(Clone, Debug)]
pub struct Face {
    desk: Arc<Desk>,
    gate: Gate,
    options: Options,
}

impl Face {
    /// A face of a desk.
    pub fn new(desk: Arc<Desk>, gate: Gate, options: Options) -> Face {
        Face { desk, gate, options }
    }

    /// Where the server is, as the client named it.
    fn base(&self, headers: &HeaderMap) -> String {
        let host = headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or("localhost");
        format!("{}://{host}", if self.options.secure { "https" } else { "http" })
    }

    fn may_reveal(&self, headers: &HeaderMap) -> bool {
        let shown = headers.get(REVEAL).map(HeaderValue::as_bytes);
        self.options.reveal.as_ref().zip(shown).is_some_and(|(token, shown)| token.is(shown))
    }
}

/// The routes of our own API. That of Microsoft Sentinel is below [`workspaces`](crate::workspaces).
pub fn router(face: Face) -> Router {
    Router::new().route(BASE, any(asked)).route("/api/v1/incidents/{*path}", any(asked)).with_state(face)
}

async fn asked(State(face): State<Face>, request: Request) -> Response {
    answered(&face, request).await.unwrap_or_else(IntoResponse::into_response)
}

async fn answered(face: &Face, request: Request) -> Result<Response, Refused> {
    no_other_site(request.headers())?;
    Gate::no_page(&request)?;
    let is_post = match *request.method() {
        Method::GET => false,
        Method::POST => true,
        _ => return Err(Refusal::new(StatusCode::METHOD_NOT_ALLOWED, "here there are GET and POST").into()),
    };
    let path = request.uri().path().strip_prefix(BASE).unwrap_or_default();
    let path: Vec<String> = path.split('/').filter(|part| !part.is_empty()).map(str::to_owned).collect();
    let query = parameters(request.uri().query());
    let may_reveal = face.may_reveal(request.headers());
    let (body, place) = if is_post {
        let (body, place) = face.gate.read::<Value>(request, StatusCode::BAD_REQUEST).await?;
        (body, place)
    } else {
        (Value::Null, face.gate.place().await?)
    };
    let asked = Asked { is_post, path, query, body, may_reveal, now: OsSystem.now() };
    let desk = Arc::clone(&face.desk);
    let answer = face.gate.aside(move || api::answer(&desk, &asked).map_err(Refused::from)).await?;
    drop(place);
    Ok(told(answer))
}

impl Face {
    /// Answers what somebody asks who is known by another way than the token.
    ///
    /// Errors: as the desk's.
    pub(crate) async fn answer(&self, mut asked: Asked, headers: &HeaderMap) -> Result<Response, Failure> {
        asked.may_reveal = self.may_reveal(headers);
        let desk = Arc::clone(&self.desk);
        let answer = self.gate.aside(move || api::answer(&desk, &asked).map_err(Failure::from)).await?;
        Ok(told(answer))
    }
}

fn told(answer: Answer) -> Response {
    match answer {
        Answer::Json(value) => axum::Json(value).into_response(),
        Answer::Text(kind, text) => {
            let mut response = text.into_response();
            response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
            response.headers_mut().insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
            response
        }
    }
}

/// A refusal of our own API.
struct Refused(Refusal);

impl From<Refusal> for Refused {
    fn from(refusal: Refusal) -> Refused {
        Refused(refusal)
    }
}

impl From<Fault> for Refused {
    fn from(fault: Fault) -> Refused {
        Refused(Refusal::new(status(fault.kind), fault.message))
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let body = json!({ "error": { "message": self.0.message() } });
        (self.0.status(), axum::Json(body)).into_response()
    }
}

/// The status of a kind of failure.
pub(crate) fn status(kind: FailureKind) -> StatusCode {
    match kind {
        FailureKind::Bad => StatusCode::BAD_REQUEST,
        FailureKind::Forbidden => StatusCode::FORBIDDEN,
        FailureKind::Missing => StatusCode::NOT_FOUND,
        FailureKind::Gone => StatusCode::GONE,
        FailureKind::Conflict => StatusCode::CONFLICT,
        FailureKind::Failed => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

//! Several questions in one request.

use axum::extract::Request;
use serde::Deserialize;
use serde_json::{Map, Value as Json, json};

use super::Service;
use super::ask::{Question, Target};
use super::failure::Failure;
use super::prefer::Prefer;
use crate::queries::{Fault, body_of};

#[derive(Deserialize)]
struct Batch {
    requests: Vec<One>,
}

#[derive(Deserialize)]
struct One {
    id: String,
    workspace: String,
    body: Question,
    #[serde(default)]
    headers: Map<String, Json>,
    #[serde(default)]
    path: Option<String>,
}

/// The answers in the order of the questions, which are asked one after another.
///
/// Errors: a request that is none, or has too many questions.
pub(super) async fn answer(service: &Service, request: Request) -> Result<String, Fault> {
    let body = body_of::<Batch>(&service.queries.gate, request).await?;
    let most = service.queries.bounds().batch;
    if body.said.requests.len() > most {
        return Err(Fault::bad(format!("the batch has more than {most} requests; send several batches")));
    }
    let mut out = String::from(r#"{"responses":["#);
    for (at, one) in body.said.requests.into_iter().enumerate() {
        if at > 0 {
            out.push(',');
        }
        let (id, text) = (Json::from(one.id.as_str()), one.body.query.clone());
        let left = service.queries.bounds().bytes.saturating_sub(out.len());
        let (status, body) = match single(service, one, left).await {
            Ok(body) => (200, body),
            Err(fault) => {
                let failure = Failure::of(&fault, &text);
                (failure.status.as_u16(), json!({ "error": failure.error }).to_string())
            }
        };
        out.push_str(&format!(r#"{{"id":{id},"status":{status},"headers":{{}},"body":{body}}}"#));
    }
    out.push_str("]}");
    Ok(out)
}

async fn single(service: &Service, one: One, most: usize) -> Result<String, Fault> {
    if one.path.as_deref().is_some_and(|path| path != "/query") {
        return Err(Fault::bad("a request of a batch can only have the path `/query`"));
    }
    let mut prefer = Prefer::default();
    for (name, value) in &one.headers {
        if name.eq_ignore_ascii_case("prefer") {
            prefer.read(value.as_str().unwrap_or_default())?;
        }
    }
    service.ask(Target::Workspace(one.workspace), one.body, prefer, most).await
}
